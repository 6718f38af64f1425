"""How long a test of the core took does not depend on how busy the machine is."""

from __future__ import annotations

import cpu_time
import pytest
from cpu_time import REFERENCE, normalised


@pytest.mark.parametrize(("load", "expected"), [(1.0, 1.4), (2.0, 0.7), (0.5, 2.8)])
def test_a_time_above_the_limit_is_that_of_the_reference(
    load: float, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_time, "workload", lambda: load * REFERENCE)
    assert normalised(1.4, 1.0) == pytest.approx(expected)


def test_one_odd_call_of_the_workload_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([REFERENCE, 9 * REFERENCE, 2 * REFERENCE])
    monkeypatch.setattr(cpu_time, "workload", lambda: next(times))
    assert normalised(2.0, 1.0) == pytest.approx(1.0)


def test_below_the_limit_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_time, "workload", lambda: pytest.fail("costs time at every test"))
    assert normalised(0.9, 1.0) == 0.9


def test_the_workload_takes_cpu_time() -> None:
    assert 0.2 * REFERENCE < cpu_time.workload() < 20 * REFERENCE
