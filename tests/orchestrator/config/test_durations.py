from __future__ import annotations

import pytest

from orchestrator.config.durations import format_duration, parse_duration, slurm_time


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (90, 90),
        (0.5, 0.5),
        ("90", 90),
        ("20h", 72000),
        ("90 m", 5400),
        ("3 min 20 s", 200),
        ("1d 12h", 129600),
        ("1h30m", 5400),
        ("1-12:00:00", 129600),
        ("02:30:00", 9000),
        ("20:00", 1200),
        ("1-06:00", 108000),
    ],
)
def test_understood(written: object, seconds: float) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written", [0, -1, "0s", "tomorrow", "5 parsecs", "", True, None, [1], float("nan"), float("inf")]
)
def test_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(written)


def test_slurm_time_never_rounds_down() -> None:
    assert slurm_time(1) == "0-00:01:00"
    assert slurm_time(3600) == "0-01:00:00"
    assert slurm_time(86400 * 2 + 61) == "2-00:02:00"


def test_formatted_for_people() -> None:
    assert [format_duration(s) for s in (0, 45, 200, 7500, 273600)] == [
        "0 s",
        "45 s",
        "3 min 20 s",
        "2 h 5 min",
        "3 d 4 h",
    ]
