"""One controller brings one generation in, on a cluster that answers by script."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_flight import ABSENT, COMPLETED, FORGIVEN, OK, PENDING, RUNNING, UNKNOWN, Airspace, ended

from orchestrator.cluster import Status, SubmissionFailed
from orchestrator.errors import RunFailed
from orchestrator.files import append_json_line
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome, Result

Make = Callable[..., Airspace]


@pytest.fixture
def airspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda **options: Airspace(tmp_path, monkeypatch, **options)


@pytest.mark.parametrize("survives", [True, False])
@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.NODE_FAIL, Outcome.PREEMPTED])
def test_what_the_cluster_lost_is_submitted_afresh_and_given_up_after_its_retries(
    airspace: Make, outcome: Outcome, survives: bool
) -> None:
    air = airspace(survives=survives, retries=2)
    air.cluster.answer(0, None, RUNNING, ended(outcome))
    lost, fine = air.bring_in()
    assert lost.result.outcome is outcome
    assert (lost.attempts, fine.attempts) == (3, 1)
    assert fine.result.outcome is Outcome.OK
    assert air.cluster.submitted == [(0, 1), (1, 1), (0, 2), (0, 3)]
    for number in (1, 2, 3):
        task = json.loads(air.paths.attempt(0, number).task.read_text())
        assert task == {"index": 0, "attempt": number}


def test_the_second_attempt_counts_where_the_first_was_lost(airspace: Make) -> None:
    air = airspace(retries=1)
    air.cluster.answer(0, 1, RUNNING, ended(Outcome.NODE_FAIL))
    first, _ = air.bring_in()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 2)
    assert [entry["index"] for entry in air.events("lost")] == [0]


def test_the_cluster_is_given_longer_from_loss_to_loss(airspace: Make) -> None:
    air = airspace(retries=3)
    air.cluster.answer(0, None, ended(Outcome.NODE_FAIL))
    air.bring_in()
    again = [entry["time"] for entry in air.events("submitting")[1:]]
    pauses = [then - lost["time"] for then, lost in zip(again, air.events("lost"), strict=False)]
    assert pauses == pytest.approx([2, 4, 8], abs=1)


@pytest.mark.parametrize("outcome", [Outcome.TIME_LIMIT, Outcome.OUT_OF_MEMORY])
def test_what_is_the_parameters_fault_is_not_tried_again(airspace: Make, outcome: Outcome) -> None:
    air = airspace()
    air.cluster.answer(0, None, RUNNING, ended(outcome))
    assert air.outcomes() == [outcome, Outcome.OK]
    assert air.cluster.submitted == [(0, 1), (1, 1)]


def test_a_job_that_reports_a_full_disk_is_submitted_again_at_most_so_often(airspace: Make) -> None:
    air = airspace(retries=1)
    air.cluster.answer(0, None, RUNNING, Result(Outcome.NODE_FAIL, message="No space left on device"))
    lost, _ = air.bring_in()
    assert (lost.result.outcome, lost.attempts) == (Outcome.NODE_FAIL, 2)


def test_a_job_that_ended_without_a_result_after_its_start_is_a_failed_simulation(airspace: Make) -> None:
    air = airspace()

    def dies(paths: AttemptPaths) -> Status:
        air.beat(paths)
        return ended()

    air.cluster.answer(0, None, RUNNING, dies)
    assert air.outcomes() == [Outcome.SIMULATION_ERROR, Outcome.OK]
    assert air.cluster.submitted == [(0, 1), (1, 1)]


def test_a_result_that_a_slow_file_system_shows_late_is_taken(airspace: Make) -> None:
    air = airspace()
    # the job is gone, and its file shows up within the 5 s of grace
    air.cluster.answer(0, 1, RUNNING, COMPLETED)
    air.clock.after(5, lambda: air.deliver(0, 1))
    assert air.outcomes() == [Outcome.OK, Outcome.OK]
    assert air.cluster.submitted == [(0, 1), (1, 1)]


def test_no_answer_is_no_verdict(airspace: Make) -> None:
    air = airspace()
    air.cluster.answer(0, 1, RUNNING, *[UNKNOWN] * 300, OK)
    first, _ = air.bring_in()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 1)
    assert air.cluster.cancelled == []
    assert air.clock.now > air.deadlines[0] - 1000 + 300


def test_a_job_that_never_gets_an_answer_ends_with_the_generation(airspace: Make) -> None:
    air = airspace(timeout=100)
    air.cluster.answer(0, 1, UNKNOWN)
    assert air.outcomes() == [Outcome.TIMEOUT, Outcome.OK]
    assert air.cluster.submitted == [(0, 1), (1, 1)]
    assert air.cluster.cancelled[0] == (0, 1)


def test_a_job_that_the_queue_forgot_but_whose_heart_beats_is_waited_for(airspace: Make) -> None:
    air = airspace()

    def alive(paths: AttemptPaths) -> Status:
        air.beat(paths)
        return ABSENT

    air.cluster.answer(0, 1, RUNNING, *[alive] * 100, OK)
    first, _ = air.bring_in()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 1)
    assert air.cluster.cancelled == []


@pytest.mark.parametrize("began", [True, False])
def test_a_job_that_the_queue_forgot_and_whose_heart_stopped_is_cancelled_before_it_is_submitted_again(
    airspace: Make, began: bool
) -> None:
    air = airspace()
    if began:
        air.beat(air.paths.attempt(0, 1))
    air.cluster.answer(0, 1, RUNNING, ABSENT)
    first, _ = air.bring_in()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 2)
    assert air.cluster.calls == ["submit", "cancel", "submit"]
    assert air.cluster.cancelled == [(0, 1)]
    lost = air.events("lost")[0]
    assert lost["outcome"] == "NODE_FAIL"
    # no verdict before the file system had its grace, and a living job its heartbeat
    assert lost["time"] - air.events("submitted")[0]["time"] > (60 if began else 5)


def test_a_late_result_of_an_earlier_attempt_lands_and_ends_the_current_one(airspace: Make) -> None:
    air = airspace()
    air.cluster.answer(0, 1, RUNNING, ABSENT)
    air.cluster.answer(0, 2, RUNNING)
    air.clock.after(60, lambda: air.deliver(0, 1, Result(Outcome.EXPLODED, message="late")))
    first, _ = air.bring_in()
    assert (first.result.outcome, first.result.message) == (Outcome.EXPLODED, "late")
    assert air.cluster.cancelled == [(0, 1), (0, 2)]
    assert air.clock.now < air.deadlines[-1] - 900


def test_an_earlier_attempt_that_reports_its_own_death_late_does_not_end_the_current_one(airspace: Make) -> None:
    air = airspace(retries=1)
    air.cluster.answer(0, 1, RUNNING, ABSENT)
    air.cluster.answer(0, 2, *[RUNNING] * 50, OK)
    air.clock.after(30, lambda: air.deliver(0, 1, Result(Outcome.NODE_FAIL)))
    first, _ = air.bring_in()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 2)
    assert len(air.events("lost")) == 1


def test_ends_that_nobody_saw_are_forgiven(airspace: Make) -> None:
    air = airspace(retries=0, survives=False)
    for number in (1, 2, 3, 4):
        air.cluster.answer(0, number, FORGIVEN)
    first, _ = air.bring_in()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 1)
    assert air.cluster.submitted == [(0, 1), (1, 1), (0, 2), (0, 3), (0, 4), (0, 5)]
    assert air.events("lost") == []


def test_a_submission_to_an_executor_that_is_not_there_is_repeated_and_costs_no_retry(airspace: Make) -> None:
    air = airspace(retries=0)
    refusal = (SubmissionFailed("Unable to contact slurm controller", transient=True), False)
    air.cluster.refusals.extend([refusal] * 6)
    assert air.outcomes() == [Outcome.OK, Outcome.OK]
    assert air.events("lost") == []
    assert len(air.events("refused")) == 6
    assert len(air.cluster.batches) == 1


def test_a_submission_that_was_not_taken_is_not_an_attempt(airspace: Make) -> None:
    air = airspace()
    air.cluster.refusals.append((SubmissionFailed("Unable to contact slurm controller", transient=True), False))
    assert [landed.attempts for landed in air.bring_in()] == [1, 1]


def test_a_submission_that_happened_although_sbatch_failed_is_adopted(airspace: Make) -> None:
    air = airspace()
    air.cluster.refusals.append((SubmissionFailed("Socket timed out", transient=True), True))
    air.cluster.silent.append(SubmissionFailed("squeue does not answer", transient=True))
    landed = air.bring_in()
    assert [one.attempts for one in landed] == [1, 1]
    assert air.cluster.submitted == [(0, 1), (1, 1)]
    assert air.events("refused") == []


def test_a_generation_that_the_executor_refuses_for_good_ends_the_run(airspace: Make) -> None:
    air = airspace(retries=1)
    refusal = (SubmissionFailed("invalid partition specified: nope", transient=False), False)
    air.cluster.refusals.extend([refusal] * 50)
    with pytest.raises(RunFailed, match="nothing could be submitted in 2 attempts: invalid partition specified: nope"):
        air.bring_in()
    assert air.cluster.submitted == []


def test_a_later_generation_waits_for_an_executor_that_refuses(airspace: Make) -> None:
    air = airspace(number=3, retries=1, size=1)
    air.cluster.refusals.extend([(SubmissionFailed("QOS limit reached", transient=False), False)] * 5)
    assert air.outcomes() == [Outcome.OK]


def test_a_node_that_starts_nothing_is_avoided_and_the_run_goes_on(airspace: Make) -> None:
    air = airspace(size=3)
    air.cluster.answer(0, 1, RUNNING, RUNNING, ended(node="n1"))
    first, *others = air.bring_in()
    assert air.events("lost")[0]["outcome"] == "LAUNCH_FAILED"
    assert air.cluster.avoided == [set(), {"n1"}]
    assert first.result.outcome is Outcome.OK
    assert all(one.result.outcome is Outcome.OK for one in others)


def test_a_node_on_which_something_works_is_not_avoided(airspace: Make) -> None:
    air = airspace(size=3)
    air.cluster.answer(0, 1, RUNNING, RUNNING, ended(node=OK.host))
    air.bring_in()
    assert air.cluster.avoided == [set(), set()]


@pytest.mark.parametrize("survives", [True, False])
def test_a_run_in_which_nothing_can_be_started_ends_and_withdraws_everything(airspace: Make, survives: bool) -> None:
    air = airspace(size=5, survives=survives)
    for index in range(4):
        air.cluster.answer(index, None, RUNNING, ended(node=f"n{index}"))
    air.cluster.answer(4, None, PENDING)
    with pytest.raises(RunFailed, match="no simulation can be started: the job ended without a result"):
        air.bring_in()
    assert air.cluster.submitted == [(index, 1) for index in range(5)]
    assert air.cluster.cancelled == [(4, 1)]
    assert sorted(air.events("withdrawn")[-1]["indices"]) == [0, 1, 2, 3, 4]


def test_an_offspring_that_cannot_be_started_is_never_scored(airspace: Make) -> None:
    air = airspace(timeout=300, retries=1)
    air.cluster.answer(0, None, RUNNING, ended(node="n1"))
    with pytest.raises(RunFailed, match="offspring 0 could not be started until the timeout"):
        air.bring_in()
    assert len(air.cluster.submitted) > 4
    air.cluster.answer(0, None, RUNNING, OK)
    first, second = air.bring_in()
    assert (first.result.outcome, second.result.outcome) == (Outcome.OK, Outcome.OK)
    assert air.cluster.submitted.count((1, 1)) == 1


@pytest.mark.parametrize(
    "answers",
    [
        [RUNNING, Result(Outcome.SIMULATION_ERROR, message="boom")],
        [RUNNING, ended(Outcome.TIME_LIMIT)],
        [RUNNING, ended(Outcome.OUT_OF_MEMORY)],
        [RUNNING, ended(Outcome.NODE_FAIL)],
        [PENDING],
    ],
    ids=["all fail", "all beyond their limit", "none has memory", "all lost", "none ever starts"],
)
def test_a_generation_that_says_nothing_ends_the_run_and_is_started_afresh_by_the_next(
    airspace: Make, answers: list[Any]
) -> None:
    air = airspace(timeout=500, retries=0)
    air.cluster.otherwise = answers
    with pytest.raises(RunFailed, match="every simulation of the generation failed"):
        air.bring_in()
    assert not list(air.paths.results.iterdir())
    air.cluster.otherwise = [RUNNING, OK]
    landed = air.bring_in()
    assert [(one.result.outcome, one.attempts) for one in landed] == [(Outcome.OK, 1)] * 2
    assert air.cluster.submitted == [(0, 1), (1, 1), (0, 2), (1, 2)]


def test_simulations_that_are_too_slow_say_something_of_their_parameters(airspace: Make) -> None:
    air = airspace(timeout=100)
    air.cluster.otherwise = [RUNNING]
    begin = air.clock.now
    for index in (0, 1):
        air.beat(air.paths.attempt(index, 1))
    assert [landed.result.started for landed in air.bring_in()] == [begin, begin]
    assert air.clock.now == pytest.approx(begin + 100, abs=5)


def test_the_first_submission_starts_the_clock_and_a_repeated_one_does_not(airspace: Make) -> None:
    air = airspace(timeout=100)
    begin = air.clock.now
    air.cluster.answer(0, 1, *[RUNNING] * 60, ended(Outcome.PREEMPTED))
    air.cluster.answer(0, 2, RUNNING)
    assert air.outcomes() == [Outcome.TIMEOUT, Outcome.OK]
    assert set(air.deadlines) == {begin + 100}


def test_a_batch_takes_no_more_than_the_cluster_does(airspace: Make) -> None:
    air = airspace(size=5, batch_size=2)
    assert air.outcomes() == [Outcome.OK] * 5
    assert air.cluster.batches == [[(0, 1), (1, 1)], [(2, 1), (3, 1)], [(4, 1)]]
    assert len({entry["token"] for entry in air.events("submitting")}) == 3


@pytest.mark.parametrize("event", ["lost", "submitted"])
@pytest.mark.parametrize("survives", [True, False])
def test_a_full_disk_ends_local_jobs(
    airspace: Make, monkeypatch: pytest.MonkeyPatch, survives: bool, event: str
) -> None:
    def full(path: Path, entry: dict[str, Any]) -> None:
        if entry["event"] == event:
            raise OSError(errno.ENOSPC, "No space left on device")
        append_json_line(path, entry)

    monkeypatch.setattr("orchestrator.jobs.journal.append_json_line", full)
    air = airspace(survives=survives, size=3)
    air.cluster.otherwise = [RUNNING]
    air.cluster.answer(0, 1, RUNNING, ended(Outcome.NODE_FAIL))
    with pytest.raises(OSError, match="No space left"):
        air.bring_in()
    assert set(air.cluster.submitted) == {(0, 1), (1, 1), (2, 1)}
    left = {(1, 1), (2, 1)} - set(air.cluster.cancelled)
    assert left == ({(1, 1), (2, 1)} if survives else set())


def test_what_a_job_left_unmeasured_is_measured_beside_the_controller(airspace: Make) -> None:
    air = airspace()
    air.cluster.otherwise = [RUNNING, Result(Outcome.OK, measured=False)]
    air.measuring.findings[1] = "measuring ended with exit code 1 in 2 tries"
    first, second = air.bring_in()
    assert (first.result.outcome, second.result.outcome) == (Outcome.OK, Outcome.SIMULATION_ERROR)
    assert second.result.message == air.measuring.findings[1]
    assert [index for index, _ in air.measuring.added] == [0, 1]
    assert air.cluster.submitted == [(0, 1), (1, 1)]


def test_what_cannot_be_measured_for_a_full_disk_is_given_up_after_its_retries(airspace: Make) -> None:
    air = airspace(retries=1, timeout=60)
    air.cluster.otherwise = [RUNNING, Result(Outcome.OK, measured=False)]
    air.measuring.findings[1] = Result(Outcome.NODE_FAIL, message="OSError: [Errno 28] No space left on device")
    first, second = air.bring_in()
    assert first.result.outcome is Outcome.OK
    assert second.result.outcome is Outcome.NODE_FAIL
    assert second.attempts <= 2
