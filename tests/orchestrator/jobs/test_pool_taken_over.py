"""A controller dies, and the next one brings the same generation in: nothing is forgotten, nothing is repeated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_flight import ABSENT, OK, PENDING, RUNNING, START, UNKNOWN, Airspace, Crash, content, ended, finite

from orchestrator.cluster import State, Status, SubmissionFailed
from orchestrator.errors import RunFailed, Stopped, UsageError
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome, Result

Make = Callable[..., Airspace]


@pytest.fixture
def airspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda **options: Airspace(tmp_path, monkeypatch, **options)


@pytest.mark.parametrize("outcome", [Outcome.NODE_FAIL, Outcome.TIME_LIMIT, Outcome.OUT_OF_MEMORY])
def test_the_next_controller_decides_nothing_otherwise(airspace: Make, outcome: Outcome) -> None:
    air = airspace(retries=1)
    air.cluster.answer(0, None, RUNNING, ended(outcome))
    first = air.bring_in()
    submitted = list(air.cluster.submitted)
    assert first[0].result.outcome is outcome
    assert content(air.bring_in()) == content(first)
    assert air.cluster.submitted == submitted


def test_the_next_controller_gives_the_last_verdict_on_an_offspring_that_was_lost_in_different_ways(
    airspace: Make,
) -> None:
    air = airspace(retries=1)
    air.cluster.answer(0, 1, RUNNING, Result(Outcome.NODE_FAIL, message="No space left on device"))
    air.cluster.answer(0, 2, RUNNING, ended(Outcome.PREEMPTED))
    first = air.bring_in()
    assert first[0].result.outcome is Outcome.PREEMPTED
    assert content(air.bring_in()) == content(first)


def test_jobs_that_live_are_taken_over(airspace: Make) -> None:
    air = airspace(size=3)
    air.cluster.otherwise = [*[RUNNING] * 40, OK]
    air.cluster.answer(2, 1, RUNNING, OK)
    air.crash(after=20)
    landed = air.bring_in()
    assert [(one.result.outcome, one.attempts) for one in landed] == [(Outcome.OK, 1)] * 3
    assert air.cluster.submitted == [(0, 1), (1, 1), (2, 1)]
    # nobody but the dead controller's clock counts
    assert set(finite(air.deadlines)) == {START + 1000}


@pytest.mark.parametrize("survives", [True, False])
def test_a_crash_before_the_ids_were_noted_adopts_the_jobs_by_their_token(airspace: Make, survives: bool) -> None:
    air = airspace(survives=survives)
    tasks = air.write_submitting("run-g0-aa", (0, 1), (1, 1))
    air.cluster.submit(tasks, "run-g0-aa", air.paths.submitit, ())
    landed = air.bring_in()
    assert [one.attempts for one in landed] == [1, 1]
    assert len(air.cluster.batches) == 1
    assert [entry["token"] for entry in air.events("submitted")] == ["run-g0-aa"]


def test_a_submission_of_which_nothing_is_known_is_asked_for_until_the_executor_answers(airspace: Make) -> None:
    air = airspace()
    tasks = air.write_submitting("run-g0-aa", (0, 1), (1, 1))
    air.cluster.submit(tasks, "run-g0-aa", air.paths.submitit, ())
    air.cluster.silent.extend([SubmissionFailed("squeue does not answer", transient=True)] * 20)
    assert air.outcomes() == [Outcome.OK, Outcome.OK]
    assert len(air.cluster.batches) == 1


def test_a_crash_before_anything_was_submitted_submits_everything_once(airspace: Make) -> None:
    air = airspace()
    air.write_submitting("run-g0-aa", (0, 1), (1, 1))
    assert air.outcomes() == [Outcome.OK, Outcome.OK]
    assert [index for index, _ in air.cluster.submitted] == [0, 1]


def test_a_stop_while_a_submission_was_in_doubt_forgets_no_job(airspace: Make) -> None:
    air = airspace()
    air.cluster.refusals.append((SubmissionFailed("Socket timed out", transient=True), True))
    air.clock.after(1, air.stop.set)
    with pytest.raises(Stopped, match="in doubt"):
        air.bring_in()
    assert air.outcomes() == [Outcome.OK, Outcome.OK]
    assert air.cluster.submitted == [(0, 1), (1, 1)]


def test_a_journal_that_ends_in_a_torn_line_is_read_and_continued(airspace: Make) -> None:
    air = airspace()
    tasks = air.write_submitting("run-g0-aa", (0, 1), (1, 1))
    air.cluster.submit(tasks, "run-g0-aa", air.paths.submitit, ())
    with air.paths.journal.open("a") as journal:
        journal.write('{"event": "submitted", "token": "run-g0-aa", "ids": ["0_0", "0')
    air.cluster.answer(0, 1, ended(Outcome.PREEMPTED))
    first = air.bring_in()
    assert [(one.result.outcome, one.attempts) for one in first] == [(Outcome.OK, 2), (Outcome.OK, 1)]
    assert air.cluster.submitted == [(0, 1), (1, 1), (0, 2)]
    assert len(air.events("submitted")) == 2
    assert content(air.bring_in()) == content(first)


def test_tasks_of_a_withdrawn_submission_are_not_revived(airspace: Make) -> None:
    air = airspace(survives=False)
    tasks = air.write_submitting("run-g0-aa", (0, 1), (1, 1))
    jobs = air.cluster.submit(tasks, "run-g0-aa", air.paths.submitit, ())
    air.write("submitted", token="run-g0-aa", ids=[job.id for job in jobs])
    air.write("withdrawn", indices=[0])
    assert air.outcomes() == [Outcome.OK, Outcome.OK]
    assert air.cluster.recovered == [("run-g0-aa", {1})]
    assert air.cluster.submitted == [(0, 1), (1, 1), (0, 2)]


@pytest.mark.parametrize("survives", [True, False])
def test_stopping_leaves_jobs_that_survive_and_ends_the_others(airspace: Make, survives: bool) -> None:
    air = airspace(survives=survives)
    air.cluster.otherwise = [RUNNING]
    air.clock.after(20, air.stop.set)
    with pytest.raises(Stopped, match="stopped in generation 0"):
        air.bring_in()
    assert air.cluster.cancelled == ([] if survives else [(0, 1), (1, 1)])
    air.cluster.answer(0, None, RUNNING, OK)
    air.cluster.answer(1, None, RUNNING, OK)
    assert air.outcomes() == [Outcome.OK, Outcome.OK]
    again = [] if survives else [(0, 2), (1, 2)]
    assert air.cluster.submitted == [(0, 1), (1, 1), *again]


def test_a_stopped_local_generation_is_not_revived_but_started_afresh(airspace: Make) -> None:
    air = airspace(survives=False)
    air.cluster.otherwise = [RUNNING]
    air.clock.after(10, air.stop.set)
    with pytest.raises(Stopped):
        air.bring_in()
    air.cluster.otherwise = [RUNNING, OK]
    landed = air.bring_in()
    assert [one.attempts for one in landed] == [1, 1]
    assert air.cluster.recovered == []


def test_losses_are_remembered(airspace: Make) -> None:
    air = airspace(retries=2)
    air.cluster.answer(0, None, *[RUNNING] * 5, ended(Outcome.NODE_FAIL))
    air.crash(after=12)  # in the second attempt
    assert len(air.events("lost")) == 1
    lost, _ = air.bring_in()
    assert (lost.result.outcome, lost.attempts) == (Outcome.NODE_FAIL, 3)
    assert air.cluster.submitted == [(0, 1), (1, 1), (0, 2), (0, 3)]


@pytest.mark.parametrize("survives", [True, False])
def test_a_clock_that_one_controller_started_anew_holds_for_the_next(airspace: Make, survives: bool) -> None:
    air = airspace(timeout=100, survives=survives)
    air.cluster.otherwise = [RUNNING]
    air.crash(after=50)
    assert set(air.deadlines) == {START + 100}
    # its end was seen by nobody
    air.cluster.answer(0, 1, ended(Outcome.CANCELLED))
    air.deadlines.clear()
    air.crash(after=20)
    anew = air.deadlines[-1]
    assert START + 150 <= anew <= START + 160
    assert air.clock.now < START + 100
    # after the first clock's deadline, before that of the second
    air.clock.after(60, lambda: [air.deliver(0, 2), air.deliver(1, 1)])
    air.deadlines.clear()
    assert air.outcomes() == [Outcome.OK, Outcome.OK]
    assert finite(air.deadlines) == pytest.approx([anew] * len(finite(air.deadlines)), abs=0.01)
    assert finite(air.deadlines)
    assert air.clock.now > START + 100


def test_nobody_is_timed_out_before_it_is_known_who_lives(airspace: Make) -> None:
    air = airspace(timeout=100)
    air.cluster.otherwise = [RUNNING]
    air.crash(after=50)
    air.cluster.answer(0, 1, *[UNKNOWN] * 200, ended(Outcome.NODE_FAIL))
    air.cluster.answer(0, 2, RUNNING, OK)
    air.cluster.answer(1, 1, *[RUNNING] * 220, OK)
    assert air.outcomes() == [Outcome.OK, Outcome.OK]
    assert air.cluster.submitted == [(0, 1), (1, 1), (0, 2)]


@pytest.mark.parametrize("survives", [True, False])
def test_a_timeout_that_one_controller_decided_is_completed_by_the_next(airspace: Make, survives: bool) -> None:
    def die() -> None:
        raise Crash

    air = airspace(timeout=100, size=3, survives=survives)
    air.cluster.answer(0, None, RUNNING)
    air.cluster.answer(1, None, RUNNING)
    air.cluster.on_cancel = die
    with pytest.raises(Crash):
        air.bring_in()
    air.cluster.on_cancel = lambda: None
    air.cluster.answer(1, None, Status(State.ABSENT))
    assert air.outcomes() == [Outcome.TIMEOUT, Outcome.TIMEOUT, Outcome.OK]
    assert air.cluster.submitted == [(0, 1), (1, 1), (2, 1)]
    assert (0, 1) in air.cluster.cancelled
    assert air.outcomes() == [Outcome.TIMEOUT, Outcome.TIMEOUT, Outcome.OK]
    assert len(air.cluster.submitted) == 3


def test_a_result_that_came_in_while_nobody_watched_is_taken(airspace: Make) -> None:
    air = airspace()
    air.cluster.otherwise = [RUNNING]
    air.crash(after=10)
    air.clock.sleep(5000)  # longer than the timeout, and than squeue remembers
    air.deliver(0, 1)
    air.deliver(1, 1, Result(Outcome.EXPLODED))
    air.cluster.answer(0, 1, ABSENT)
    air.cluster.answer(1, 1, ABSENT)
    assert air.outcomes() == [Outcome.OK, Outcome.EXPLODED]
    assert air.cluster.submitted == [(0, 1), (1, 1)]
    assert air.cluster.cancelled == []


def test_a_crash_between_two_batches_submits_the_second(airspace: Make) -> None:
    air = airspace(size=4, batch_size=2)
    tasks = air.write_submitting("run-g0-aa", (0, 1), (1, 1))
    jobs = air.cluster.submit(tasks, "run-g0-aa", air.paths.submitit, ())
    air.write("submitted", token="run-g0-aa", ids=[job.id for job in jobs])
    assert air.outcomes() == [Outcome.OK] * 4
    assert air.cluster.batches == [[(0, 1), (1, 1)], [(2, 1), (3, 1)]]


def test_jobs_of_another_executor_are_not_left_behind(airspace: Make) -> None:
    air = airspace()
    air.write_submitting("run-g0-aa", (0, 1), (1, 1), executor="slurm")
    with pytest.raises(UsageError, match="executor: slurm, not fake; continue with that, or end them first"):
        air.bring_in()
    assert air.cluster.submitted == []
    assert air.events("withdrawn") == []


def test_another_executor_takes_what_the_first_has_refused(airspace: Make) -> None:
    air = airspace()
    air.write_submitting("run-g0-aa", (0, 1), (1, 1), executor="slurm")
    air.write("refused", token="run-g0-aa", message="Unable to contact slurm controller")
    assert air.outcomes() == [Outcome.OK, Outcome.OK]
    assert air.cluster.recovered == []


def test_another_executor_takes_what_the_first_has_withdrawn(airspace: Make) -> None:
    air = airspace()
    air.write_submitting("run-g0-aa", (0, 1), (1, 1), executor="slurm")
    air.write("withdrawn", indices=[0, 1])
    assert air.outcomes() == [Outcome.OK, Outcome.OK]
    assert air.cluster.submitted == [(0, 2), (1, 2)]


def test_a_measuring_process_that_ends_badly_after_it_has_delivered_takes_nothing_back(airspace: Make) -> None:
    air = airspace()
    air.cluster.answer(0, 1, RUNNING, replace(OK, measured=False))
    air.cluster.answer(1, 1, *[RUNNING] * 60, OK)
    measuring = air.measuring
    first_poll = measuring.poll

    def poll() -> list[tuple[int, str]]:
        first_poll()
        return [(index, "exit code 3") for index, _ in measuring.added] if air.clock.now > START + 30 else []

    measuring.poll = poll  # type: ignore[method-assign]
    assert air.outcomes() == [Outcome.OK, Outcome.OK]


def test_what_is_lost_while_it_is_measured_after_the_deadline_is_not_submitted_again(airspace: Make) -> None:
    """There is no second deadline: what is submitted now might wait for ever."""
    air = airspace(timeout=100, size=1)
    air.cluster.answer(0, 1, RUNNING, replace(OK, measured=False))
    air.cluster.answer(0, 2, PENDING)
    air.measuring.findings[0] = Result(Outcome.NODE_FAIL, message="stale file handle", started=1.0)
    measure = air.measuring.poll
    air.measuring.poll = lambda: measure() if air.clock.now > START + 300 else []  # type: ignore[method-assign]
    with pytest.raises(RunFailed, match="every simulation of the generation failed: stale file handle"):
        air.bring_in()
    assert air.cluster.submitted == [(0, 1)]


def test_a_job_that_the_queue_forgot_but_whose_heart_beats_is_asked_for_at_the_normal_interval(airspace: Make) -> None:
    air = airspace(timeout=10_000)
    air.cluster.poll_interval = lambda elapsed: 30.0  # type: ignore[method-assign]
    polls = []
    answer = air.cluster.poll
    air.cluster.poll = lambda jobs: (polls.append(air.clock.now), answer(jobs))[1]  # type: ignore[method-assign, func-returns-value]

    def alive(paths: AttemptPaths) -> Status:
        air.beat(paths)
        return ABSENT

    air.cluster.answer(0, None, alive)
    air.cluster.answer(1, None, RUNNING)
    air.clock.after(3000, lambda: [air.deliver(index, 1) for index in (0, 1)])
    assert air.outcomes() == [Outcome.OK, Outcome.OK]
    assert len(polls) <= 105


def test_what_could_not_be_started_while_the_deadline_is_enforced_is_not_scored(airspace: Make) -> None:
    air = airspace(timeout=100)
    air.cluster.answer(0, None, RUNNING)
    failed = Result(Outcome.LAUNCH_FAILED, message="ImportError", host="n1")
    air.cluster.on_cancel = lambda: air.deliver(0, 1, failed)
    with pytest.raises(RunFailed, match="offspring 0 could not be started until the timeout: ImportError"):
        air.bring_in()


def test_what_was_late_or_killed_has_used_its_time(airspace: Make) -> None:
    air = airspace(timeout=100)

    def running(paths: AttemptPaths) -> Status:
        air.beat(paths)
        return RUNNING

    air.cluster.answer(0, None, running)
    air.cluster.answer(1, 1, running, running, running, ended(Outcome.OUT_OF_MEMORY))
    late, killed = (landed.result for landed in air.bring_in())
    assert (late.outcome, killed.outcome) == (Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY)
    assert START <= late.started < START + 10
    assert late.finished >= START + 100
    assert START <= killed.started < killed.finished < START + 20
