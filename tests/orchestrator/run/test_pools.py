"""Which pool evaluations have: processes that stay up are for those that may end with their controller."""

from __future__ import annotations

import pytest

from orchestrator.run.pools import are_cheap


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
