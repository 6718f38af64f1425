from __future__ import annotations

import math
import time

import pytest

from orchestrator.jobs.deadline import Deadline


def test_starts_at_the_first_submission_and_not_again() -> None:
    deadline = Deadline(100)
    deadline.take_over(None, [])
    assert deadline.time == math.inf
    deadline.submitting([0, 1])
    first = deadline.time
    assert abs(first - time.monotonic() - 100) < 5
    time.sleep(0.01)
    deadline.submitting([1])  # one that the cluster lost
    assert deadline.time == first


def test_goes_on_where_all_jobs_live() -> None:
    deadline = Deadline(100)
    deadline.take_over(40.0, [0, 1])
    deadline.submitting([])
    assert deadline.time == math.inf  # nobody is timed out before it is known who lives
    assert not deadline.settled
    deadline.resolve(0)
    assert (deadline.in_doubt(0), deadline.in_doubt(1)) == (False, True)
    deadline.resolve(1)
    deadline.submitting([])
    assert deadline.settled
    end = deadline.time
    assert end == pytest.approx(time.monotonic() + 60, abs=5)
    deadline.submitting([1])
    assert deadline.time == end


def test_starts_anew_for_offspring_whose_end_nobody_saw() -> None:
    deadline = Deadline(100)
    deadline.take_over(40.0, [0, 1])
    deadline.submitting([])
    deadline.resolve(0)
    deadline.submitting([1])  # found dead
    assert deadline.time > time.monotonic() + 90


def test_starts_anew_for_offspring_that_were_withdrawn() -> None:
    deadline = Deadline(100)
    deadline.take_over(40.0, [])
    deadline.submitting([0, 1])
    assert deadline.time > time.monotonic() + 90


def test_that_has_passed_unwatched_is_enforced_once_somebody_could_see_what_came_of_the_jobs() -> None:
    deadline = Deadline(100)
    deadline.take_over(5000.0, [0], grace=30)
    deadline.resolve(0)
    end = deadline.time
    assert end == pytest.approx(time.monotonic() + 30, abs=5)
    deadline.watched_again([], grace=1000)  # it is not put off for ever
    assert deadline.time == end


def test_that_is_yet_to_come_is_not_put_off() -> None:
    deadline = Deadline(100)
    deadline.take_over(40.0, [], grace=30)
    deadline.watched_again([0], grace=1000)
    assert deadline.time == pytest.approx(time.monotonic() + 60, abs=5)


def passed() -> Deadline:
    """Return one that has passed under the eyes of the controller that goes on with it."""
    deadline = Deadline(100)
    deadline.take_over(None, [])
    deadline.submitting([0, 1])
    deadline._begin = time.monotonic() - 5000
    return deadline


def test_starts_anew_for_offspring_that_were_lost_while_the_controller_was_suspended() -> None:
    deadline = passed()
    deadline.watched_again([0, 1], grace=30)
    deadline.submitting([])
    deadline.resolve(0)
    assert deadline.time == math.inf
    assert deadline.submitting([1])
    assert deadline.time == pytest.approx(time.monotonic() + 100, abs=5)
    assert not deadline.submitting([1])  # later losses are as any others


def test_that_has_passed_while_the_controller_was_suspended_is_enforced_if_all_jobs_live() -> None:
    deadline = passed()
    deadline.watched_again([0, 1], grace=30)
    deadline.resolve(0)
    deadline.resolve(1)
    assert not deadline.submitting([])
    assert deadline.time == pytest.approx(time.monotonic() + 30, abs=5)
    assert not deadline.submitting([1])


def test_does_not_start_anew_for_offspring_that_were_lost_before() -> None:
    deadline = passed()
    deadline.watched_again([], grace=30)
    assert not deadline.submitting([1])
    assert deadline.time == pytest.approx(time.monotonic() + 30, abs=5)
