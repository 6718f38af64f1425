"""Which pool evaluations have: processes that stay up are for those that may end with their controller."""

from __future__ import annotations

from pathlib import Path

import pytest
from exported_runs import exported_run

from orchestrator.run.pools import are_cheap, seconds_of_evaluations


@pytest.mark.parametrize(
    ("seconds", "cheap"),
    [
        ([], True),
        ([0.01, 0.02, 500.0], True),
        ([59.0, 60.0, 61.0], True),
        ([61.0], False),
        ([1.0, 90.0, 3600.0], False),
    ],
)
def test_evaluations_that_take_long_have_processes_that_outlive_a_controller(seconds: list[float], cheap: bool) -> None:
    assert are_cheap(seconds) is cheap


def test_how_long_the_evaluations_of_a_run_took_is_read_of_those_that_worked(tmp_path: Path) -> None:
    assert seconds_of_evaluations(exported_run(tmp_path / "model")) == pytest.approx([60.5] * 4)
