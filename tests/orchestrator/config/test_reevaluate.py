"""How often the best are evaluated again."""

from __future__ import annotations

from pathlib import Path

import pytest
from orchestrator_project import Project

from orchestrator.checking.problems import load_checked_config
from orchestrator.config.file import load_config
from orchestrator.config.reevaluate import SHARE_AT_THE_END, SHARE_BEFORE, candidates_and_seeds
from orchestrator.errors import ConfigError


@pytest.mark.parametrize(
    ("evaluations", "expected"),
    [
        (19, (0, 0)),
        (20, (1, 2)),
        (40, (2, 2)),
        (60, (3, 2)),
        (90, (3, 3)),
        (160, (4, 4)),
        (200, (5, 4)),
        (9999, (5, 4)),
    ],
)
def test_auto_costs_at_most_a_tenth_of_the_evaluations(evaluations: int, expected: tuple[int, int]) -> None:
    top, seeds = candidates_and_seeds("auto", evaluations, SHARE_AT_THE_END)
    assert (top, seeds) == expected
    assert top * seeds <= evaluations / 10
    assert candidates_and_seeds("auto", 2 * evaluations, SHARE_BEFORE) == expected


def test_what_is_asked_for_is_done_whatever_it_costs() -> None:
    assert candidates_and_seeds("3 x 10", 5, SHARE_AT_THE_END) == (3, 10)
    assert candidates_and_seeds("none", 1000, SHARE_AT_THE_END) == (0, 0)


@pytest.mark.parametrize(
    ("written", "read"), [("5 x 4", "5 x 4"), ("5x4", "5 x 4"), ("auto", "auto"), ("none", "none")]
)
def test_what_is_written_is_read(tmp_path: Path, written: str, read: str) -> None:
    assert load_config(Project.create(tmp_path, {"reevaluate": written}).config).reevaluate == read


@pytest.mark.parametrize("wrong", ["5", "0 x 4", "5 x 0", "many", 5, None, "99999 x 99999"])
def test_what_is_none_of_them_is_refused(tmp_path: Path, wrong: object) -> None:
    with pytest.raises(ConfigError, match=r"reevaluate: expected auto, none, or how many of the best .* such as 5 x 4"):
        load_config(Project.create(tmp_path, {"reevaluate": wrong}).config)


def test_a_number_of_times_needs_seeds_and_auto_does_not(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"reevaluate: 2 x 2 needs seeds that can be others"):
        load_checked_config(Project.create(tmp_path, {"reevaluate": "2 x 2"}).config)
    assert load_checked_config(Project.create(tmp_path, {}).config).reevaluate == "auto"
