from __future__ import annotations

import math
import time

from orchestrator.jobs.deadline import GenerationClock


def test_starts_at_the_first_submission_and_not_again() -> None:
    clock = GenerationClock(100)
    clock.take_over(None, [])
    assert clock.deadline == math.inf
    clock.submitting([0, 1])
    first = clock.deadline
    assert abs(first - time.time() - 100) < 5
    time.sleep(0.01)
    clock.submitting([1])  # one that the cluster lost
    assert clock.deadline == first


def test_goes_on_where_all_jobs_live() -> None:
    clock = GenerationClock(100)
    clock.take_over(1000.0, [0, 1])
    clock.submitting([])
    assert clock.deadline == math.inf  # nobody is timed out before it is known who lives
    assert not clock.settled
    clock.resolve(0)
    clock.resolve(1)
    clock.submitting([])
    assert clock.settled
    assert clock.deadline == 1100
    clock.submitting([1])
    assert clock.deadline == 1100


def test_starts_anew_for_offspring_whose_end_nobody_saw() -> None:
    clock = GenerationClock(100)
    clock.take_over(1000.0, [0, 1])
    clock.submitting([])
    clock.resolve(0)
    clock.submitting([1])  # found dead
    assert clock.deadline > time.time() + 90


def test_starts_anew_for_offspring_that_were_withdrawn() -> None:
    clock = GenerationClock(100)
    clock.take_over(1000.0, [])
    clock.submitting([0, 1])
    assert clock.deadline > time.time() + 90
