from __future__ import annotations

import math
import time

from orchestrator.jobs.deadline import Deadline


def test_starts_at_the_first_submission_and_not_again() -> None:
    deadline = Deadline(100)
    deadline.take_over(None, [])
    assert deadline.time == math.inf
    deadline.submitting([0, 1])
    first = deadline.time
    assert abs(first - time.time() - 100) < 5
    time.sleep(0.01)
    deadline.submitting([1])  # one that the cluster lost
    assert deadline.time == first


def test_goes_on_where_all_jobs_live() -> None:
    deadline = Deadline(100)
    deadline.take_over(1000.0, [0, 1])
    deadline.submitting([])
    assert deadline.time == math.inf  # nobody is timed out before it is known who lives
    assert not deadline.settled
    deadline.resolve(0)
    deadline.resolve(1)
    deadline.submitting([])
    assert deadline.settled
    assert deadline.time == 1100
    deadline.submitting([1])
    assert deadline.time == 1100


def test_starts_anew_for_offspring_whose_end_nobody_saw() -> None:
    deadline = Deadline(100)
    deadline.take_over(1000.0, [0, 1])
    deadline.submitting([])
    deadline.resolve(0)
    deadline.submitting([1])  # found dead
    assert deadline.time > time.time() + 90


def test_starts_anew_for_offspring_that_were_withdrawn() -> None:
    deadline = Deadline(100)
    deadline.take_over(1000.0, [])
    deadline.submitting([0, 1])
    assert deadline.time > time.time() + 90
