"""A controller dies, and the next one brings the same generation in: nothing is forgotten, nothing is repeated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_pool import (
    ABSENT,
    COMPLETED,
    OK,
    PENDING,
    RUNNING,
    START,
    UNKNOWN,
    Crash,
    ScriptedRun,
    content,
    ended,
    finite,
)

from orchestrator.cluster import State, Status, SubmissionFailed
from orchestrator.errors import RunFailed, Stopped, UsageError
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome, Result

Make = Callable[..., ScriptedRun]


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda **options: ScriptedRun(tmp_path, monkeypatch, **options)


@pytest.mark.parametrize("outcome", [Outcome.NODE_FAIL, Outcome.TIME_LIMIT, Outcome.OUT_OF_MEMORY])
def test_the_next_controller_decides_nothing_otherwise(scripted: Make, outcome: Outcome) -> None:
    run = scripted(timeout=100)
    run.cluster.answer(0, None, RUNNING, ended(outcome))
    first = run.finish()
    submitted = list(run.cluster.submitted)
    assert first[0].result.outcome is outcome
    assert content(run.finish()) == content(first)
    assert run.cluster.submitted == submitted


def test_the_next_controller_gives_the_last_verdict_on_an_offspring_that_was_lost_in_different_ways(
    scripted: Make,
) -> None:
    run = scripted(timeout=50)
    run.cluster.answer(0, 1, RUNNING, Result(Outcome.NODE_FAIL, message="No space left on device"))
    run.cluster.answer(0, None, ended(Outcome.PREEMPTED))
    first = run.finish()
    assert first[0].result.outcome is Outcome.PREEMPTED
    assert content(run.finish()) == content(first)


def test_jobs_that_live_are_taken_over(scripted: Make) -> None:
    run = scripted(size=3)
    run.cluster.otherwise = [*[RUNNING] * 40, OK]
    run.cluster.answer(2, 1, RUNNING, OK)
    run.crash(after=20)
    landed = run.finish()
    assert [(one.result.outcome, one.attempts) for one in landed] == [(Outcome.OK, 1)] * 3
    assert run.cluster.submitted == [(0, 1), (1, 1), (2, 1)]
    # nobody but the dead controller's clock counts
    assert set(finite(run.deadlines)) == {START + 1000}


@pytest.mark.parametrize("survives", [True, False])
def test_a_crash_before_the_ids_were_noted_adopts_the_jobs_by_their_token(scripted: Make, survives: bool) -> None:
    run = scripted(survives=survives)
    tasks = run.write_submitting("run-g0-aa", (0, 1), (1, 1))
    run.cluster.submit(tasks, "run-g0-aa", run.paths.submitit, ())
    landed = run.finish()
    assert [one.attempts for one in landed] == [1, 1]
    assert len(run.cluster.batches) == 1
    assert [entry["token"] for entry in run.events("submitted")] == ["run-g0-aa"]


def test_a_submission_of_which_nothing_is_known_is_asked_for_until_the_executor_answers(scripted: Make) -> None:
    run = scripted()
    tasks = run.write_submitting("run-g0-aa", (0, 1), (1, 1))
    run.cluster.submit(tasks, "run-g0-aa", run.paths.submitit, ())
    run.cluster.silent.extend([SubmissionFailed("squeue does not answer", transient=True)] * 20)
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert len(run.cluster.batches) == 1


def test_a_crash_before_anything_was_submitted_submits_everything_once(scripted: Make) -> None:
    run = scripted()
    run.write_submitting("run-g0-aa", (0, 1), (1, 1))
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert [index for index, _ in run.cluster.submitted] == [0, 1]


def test_a_stop_while_a_submission_was_in_doubt_forgets_no_job(scripted: Make) -> None:
    run = scripted()
    run.cluster.refusals.append((SubmissionFailed("Socket timed out", transient=True), True))
    run.clock.after(1, run.stop.set)
    with pytest.raises(Stopped, match="in doubt"):
        run.finish()
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.cluster.submitted == [(0, 1), (1, 1)]


def test_a_journal_that_ends_in_a_torn_line_is_read_and_continued(scripted: Make) -> None:
    run = scripted()
    tasks = run.write_submitting("run-g0-aa", (0, 1), (1, 1))
    run.cluster.submit(tasks, "run-g0-aa", run.paths.submitit, ())
    with run.paths.journal.open("a") as journal:
        journal.write('{"event": "submitted", "token": "run-g0-aa", "ids": ["0_0", "0')
    run.cluster.answer(0, 1, ended(Outcome.PREEMPTED))
    first = run.finish()
    assert [(one.result.outcome, one.attempts) for one in first] == [(Outcome.OK, 2), (Outcome.OK, 1)]
    assert run.cluster.submitted == [(0, 1), (1, 1), (0, 2)]
    assert len(run.events("submitted")) == 2
    assert content(run.finish()) == content(first)


def test_tasks_of_a_withdrawn_submission_are_not_revived(scripted: Make) -> None:
    run = scripted(survives=False)
    tasks = run.write_submitting("run-g0-aa", (0, 1), (1, 1))
    jobs = run.cluster.submit(tasks, "run-g0-aa", run.paths.submitit, ())
    run.write("submitted", token="run-g0-aa", ids=[job.id for job in jobs])
    run.write("withdrawn", indices=[0])
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.cluster.recovered == [("run-g0-aa", {1})]
    assert run.cluster.submitted == [(0, 1), (1, 1), (0, 2)]


@pytest.mark.parametrize("survives", [True, False])
def test_stopping_leaves_jobs_that_survive_and_ends_the_others(scripted: Make, survives: bool) -> None:
    run = scripted(survives=survives)
    run.cluster.otherwise = [RUNNING]
    run.clock.after(20, run.stop.set)
    with pytest.raises(Stopped, match="stopped in generation 0"):
        run.finish()
    assert run.cluster.cancelled == ([] if survives else [(0, 1), (1, 1)])
    run.cluster.answer(0, None, RUNNING, OK)
    run.cluster.answer(1, None, RUNNING, OK)
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    again = [] if survives else [(0, 2), (1, 2)]
    assert run.cluster.submitted == [(0, 1), (1, 1), *again]


def test_a_stopped_local_generation_is_not_revived_but_started_afresh(scripted: Make) -> None:
    run = scripted(survives=False)
    run.cluster.otherwise = [RUNNING]
    run.clock.after(10, run.stop.set)
    with pytest.raises(Stopped):
        run.finish()
    run.cluster.otherwise = [RUNNING, OK]
    landed = run.finish()
    assert [one.attempts for one in landed] == [1, 1]
    assert run.cluster.recovered == []


def test_losses_are_remembered(scripted: Make) -> None:
    run = scripted(timeout=60)
    run.cluster.answer(0, None, *[RUNNING] * 5, ended(Outcome.NODE_FAIL))
    run.crash(after=12)  # in the second attempt
    assert len(run.events("lost")) == 1
    run.finish()
    lost, submitted = run.events("lost"), run.events("submitting")
    assert submitted[2]["time"] - lost[1]["time"] == pytest.approx(4, abs=1)  # it was not the first


@pytest.mark.parametrize("survives", [True, False])
def test_a_clock_that_one_controller_started_anew_holds_for_the_next(scripted: Make, survives: bool) -> None:
    run = scripted(timeout=100, survives=survives)
    run.cluster.otherwise = [RUNNING]
    run.crash(after=50)
    assert set(run.deadlines) == {START + 100}
    # its end was seen by nobody
    run.cluster.answer(0, 1, ended(Outcome.CANCELLED))
    run.deadlines.clear()
    run.crash(after=20)
    anew = run.deadlines[-1]
    assert START + 150 <= anew <= START + 160
    assert run.clock.now < START + 100
    # after the first clock's deadline, before that of the second
    run.clock.after(60, lambda: [run.deliver(0, 2), run.deliver(1, 1)])
    run.deadlines.clear()
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert finite(run.deadlines) == pytest.approx([anew] * len(finite(run.deadlines)), abs=0.01)
    assert finite(run.deadlines)
    assert run.clock.now > START + 100


def test_nobody_is_timed_out_before_it_is_known_who_lives(scripted: Make) -> None:
    run = scripted(timeout=100)
    run.cluster.otherwise = [RUNNING]
    run.crash(after=50)
    run.cluster.answer(0, 1, *[UNKNOWN] * 200, ended(Outcome.NODE_FAIL))
    run.cluster.answer(0, 2, RUNNING, OK)
    run.cluster.answer(1, 1, *[RUNNING] * 220, OK)
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.cluster.submitted == [(0, 1), (1, 1), (0, 2)]


@pytest.mark.parametrize("survives", [True, False])
def test_a_timeout_that_one_controller_decided_is_completed_by_the_next(scripted: Make, survives: bool) -> None:
    def die() -> None:
        raise Crash

    run = scripted(timeout=100, size=3, survives=survives)
    run.cluster.answer(0, None, RUNNING)
    run.cluster.answer(1, None, RUNNING)
    run.cluster.on_cancel = die
    with pytest.raises(Crash):
        run.finish()
    run.cluster.on_cancel = lambda: None
    run.cluster.answer(1, None, Status(State.ABSENT))
    assert run.outcomes() == [Outcome.TIMEOUT, Outcome.TIMEOUT, Outcome.OK]
    assert run.cluster.submitted == [(0, 1), (1, 1), (2, 1)]
    assert (0, 1) in run.cluster.cancelled
    assert run.outcomes() == [Outcome.TIMEOUT, Outcome.TIMEOUT, Outcome.OK]
    assert len(run.cluster.submitted) == 3


def test_a_timeout_that_is_completed_late_is_the_same_verdict(scripted: Make) -> None:
    """The job was cancelled by the controller that died: that its heart is silent since then says nothing."""
    run = scripted(timeout=100, size=2)

    def running(paths: AttemptPaths) -> Status:
        run.beat(paths)
        return RUNNING

    def die() -> None:
        raise Crash

    run.cluster.answer(0, None, running)
    run.cluster.on_cancel = die
    with pytest.raises(Crash):
        run.finish()
    run.cluster.on_cancel = lambda: None
    run.clock.sleep(5000)
    first, _ = run.finish()
    assert (first.result.outcome, first.speaks) == (Outcome.TIMEOUT, True)


def test_a_result_that_came_in_while_nobody_watched_is_taken(scripted: Make) -> None:
    run = scripted()
    run.cluster.otherwise = [RUNNING]
    run.crash(after=10)
    run.clock.sleep(5000)  # longer than the timeout, and than squeue remembers
    run.deliver(0, 1)
    run.deliver(1, 1, Result(Outcome.EXPLODED))
    run.cluster.answer(0, 1, ABSENT)
    run.cluster.answer(1, 1, ABSENT)
    assert run.outcomes() == [Outcome.OK, Outcome.EXPLODED]
    assert run.cluster.submitted == [(0, 1), (1, 1)]
    assert run.cluster.cancelled == []


def test_a_job_that_is_never_listed_is_waited_for_once_and_not_by_each_controller_anew(scripted: Make) -> None:
    run = scripted(timeout=5000)
    run.cluster.answer(0, 1, ABSENT)
    run.cluster.answer(1, 1, RUNNING)
    run.crash(after=350)
    run.crash(after=200)
    run.cluster.answer(1, 1, OK)
    first, _ = run.finish()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 2)
    assert run.events("lost")[0]["time"] - run.events("submitted")[0]["time"] == pytest.approx(600, abs=10)


def test_a_job_that_is_not_listed_yet_is_waited_for_by_the_next_controller_too(scripted: Make) -> None:
    run = scripted(timeout=5000)
    run.cluster.answer(0, 1, ABSENT)
    run.cluster.answer(1, 1, RUNNING)
    run.crash(after=350)
    run.cluster.answer(0, 1, *[ABSENT] * 200, RUNNING, OK)
    run.cluster.answer(1, 1, OK)
    first, _ = run.finish()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 1)
    assert run.events("lost") == []


def test_a_folder_of_results_that_is_away_when_a_run_is_continued_is_waited_for(
    scripted: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """An empty one in its place said that the jobs had left nothing: an hour's simulations were made again."""
    run = scripted()
    run.cluster.otherwise = [RUNNING]
    run.crash(after=10)
    run.deliver(0, 1)
    run.deliver(1, 1)
    run.cluster.answer(0, 1, COMPLETED)
    run.cluster.answer(1, 1, COMPLETED)
    away = run.paths.results.rename(run.paths.results.with_name("away"))
    run.clock.after(100, lambda: away.rename(run.paths.results))
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.cluster.submitted == [(0, 1), (1, 1)]
    (told,) = [record.message for record in caplog.records if "cannot be looked at" in record.message]
    assert told.endswith(
        "nothing is decided meanwhile: No such file or directory; put it back, or make an empty one if it is lost"
    )


def test_a_crash_between_two_batches_submits_the_second(scripted: Make) -> None:
    run = scripted(size=4, batch_size=2)
    tasks = run.write_submitting("run-g0-aa", (0, 1), (1, 1))
    jobs = run.cluster.submit(tasks, "run-g0-aa", run.paths.submitit, ())
    run.write("submitted", token="run-g0-aa", ids=[job.id for job in jobs])
    assert run.outcomes() == [Outcome.OK] * 4
    assert run.cluster.batches == [[(0, 1), (1, 1)], [(2, 1), (3, 1)]]


def test_jobs_of_another_executor_are_not_left_behind(scripted: Make) -> None:
    run = scripted()
    run.write_submitting("run-g0-aa", (0, 1), (1, 1), executor="slurm")
    with pytest.raises(UsageError, match="executor: slurm, not fake; continue with that, or end them first"):
        run.finish()
    assert run.cluster.submitted == []
    assert run.events("withdrawn") == []


def test_another_executor_takes_what_the_first_has_refused(scripted: Make) -> None:
    run = scripted()
    run.write_submitting("run-g0-aa", (0, 1), (1, 1), executor="slurm")
    run.write("refused", token="run-g0-aa", message="Unable to contact slurm controller")
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.cluster.recovered == []


def test_another_executor_takes_what_the_first_has_withdrawn(scripted: Make) -> None:
    run = scripted()
    run.write_submitting("run-g0-aa", (0, 1), (1, 1), executor="slurm")
    run.write("withdrawn", indices=[0, 1])
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.cluster.submitted == [(0, 2), (1, 2)]


def test_a_measuring_process_that_ends_badly_after_it_has_delivered_takes_nothing_back(scripted: Make) -> None:
    run = scripted()
    run.cluster.answer(0, 1, RUNNING, replace(OK, measured=False))
    run.cluster.answer(1, 1, *[RUNNING] * 60, OK)
    measuring = run.measuring
    first_poll = measuring.poll

    def poll() -> list[tuple[tuple[int, int], Result]]:
        first_poll()
        return (
            [((0, index), Result(Outcome.SIMULATION_ERROR)) for index, _ in measuring.added]
            if run.clock.now > START + 30
            else []
        )

    measuring.poll = poll  # type: ignore[method-assign]
    assert run.outcomes() == [Outcome.OK, Outcome.OK]


def test_what_is_lost_while_it_is_measured_after_the_deadline_is_not_submitted_again(scripted: Make) -> None:
    """There is no second deadline: what is submitted now might wait for ever."""
    run = scripted(timeout=100, size=1)
    run.cluster.answer(0, 1, RUNNING, replace(OK, measured=False))
    run.cluster.answer(0, 2, PENDING)
    run.measuring.findings[0] = Result(Outcome.NODE_FAIL, message="stale file handle", started=1.0)
    measure = run.measuring.poll
    run.measuring.poll = lambda: measure() if run.clock.now > START + 300 else []  # type: ignore[method-assign]
    with pytest.raises(RunFailed, match="every simulation of the generation failed: stale file handle"):
        run.finish()
    assert run.cluster.submitted == [(0, 1)]


def test_a_job_that_the_queue_forgot_but_whose_heart_beats_is_asked_for_at_the_normal_interval(scripted: Make) -> None:
    run = scripted(timeout=10_000)
    run.cluster.poll_interval = lambda elapsed: 30.0  # type: ignore[method-assign]
    polls = []
    answer = run.cluster.poll
    run.cluster.poll = lambda jobs: (polls.append(run.clock.now), answer(jobs))[1]  # type: ignore[method-assign, func-returns-value]

    def alive(paths: AttemptPaths) -> Status:
        run.beat(paths)
        return ABSENT

    run.cluster.answer(0, None, alive)
    run.cluster.answer(1, None, RUNNING)
    run.clock.after(3000, lambda: [run.deliver(index, 1) for index in (0, 1)])
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert len(polls) <= 105


def test_what_could_not_be_started_while_the_deadline_is_enforced_is_not_scored(scripted: Make) -> None:
    run = scripted(timeout=100)
    run.cluster.answer(0, None, RUNNING)
    failed = Result(Outcome.LAUNCH_FAILED, message="ImportError", host="n1")
    run.cluster.on_cancel = lambda: run.deliver(0, 1, failed)
    first, _ = run.finish()
    assert (first.result.outcome, first.result.message, first.speaks) == (Outcome.LAUNCH_FAILED, "ImportError", False)
    assert content(run.finish()[:1]) == content([first])


def test_jobs_that_could_not_be_started_while_nobody_watched_do_not_end_the_run(scripted: Make) -> None:
    """What was wrong may have been put right by whoever continues the run."""
    run = scripted(size=3)
    for index in range(3):
        run.cluster.answer(index, 1, ended(node=f"n{index}"))
    run.cluster.submit(run.write_submitting("run-g0-aa", (0, 1), (1, 1), (2, 1)), "run-g0-aa", run.paths.submitit, ())
    assert run.outcomes() == [Outcome.OK] * 3
    assert run.cluster.cancelled == []
    assert len(run.cluster.batches) == 2


def test_jobs_that_still_cannot_be_started_end_the_run(scripted: Make) -> None:
    run = scripted(size=3)
    for index in range(3):
        run.cluster.answer(index, None, ended(node=f"n{index}"))
    run.cluster.submit(run.write_submitting("run-g0-aa", (0, 1), (1, 1), (2, 1)), "run-g0-aa", run.paths.submitit, ())
    with pytest.raises(RunFailed, match="no simulation can be started on n0, n1, n2"):
        run.finish()
    assert len(run.cluster.batches) == 2


def test_what_was_late_or_killed_has_used_its_time(scripted: Make) -> None:
    run = scripted(timeout=100)

    def running(paths: AttemptPaths) -> Status:
        run.beat(paths)
        return RUNNING

    run.cluster.answer(0, None, running)
    run.cluster.answer(1, 1, running, running, running, ended(Outcome.OUT_OF_MEMORY))
    landed = run.finish()
    assert [each.speaks for each in landed] == [True, True]
    late, killed = (each.result for each in landed)
    assert (late.outcome, killed.outcome) == (Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY)
    assert START <= late.started < START + 10
    assert late.finished >= START + 100
    assert START <= killed.started < killed.finished < START + 20


def test_results_that_came_in_before_their_offspring_was_added_count(scripted: Make) -> None:
    """A schedule may add the offspring of a generation one by one: all results are listed with the first."""
    run = scripted(size=3)
    run.cluster.otherwise = [RUNNING]
    run.crash(after=5)
    for index in range(3):
        run.deliver(index, 1)
    with run.pool() as pool:
        for each in run.offspring:
            pool.add([each])
        landed = pool.wait()
        assert pool.is_idle
    assert [(one.offspring.index, one.result.outcome) for one in landed] == [(n, Outcome.OK) for n in range(3)]
    assert run.cluster.submitted == [(0, 1), (1, 1), (2, 1)]


def test_deadlines_that_pass_together_are_enforced_together(scripted: Make) -> None:
    """Seeing jobs gone takes a while: offspring with a deadline of their own each must not wait for one another."""
    run = scripted(size=3, timeout=100)
    run.cluster.otherwise = [RUNNING]
    with run.pool() as pool:
        for each in run.offspring:
            pool.add([each])
        landed = pool.wait()
    assert [one.result.outcome for one in landed] == [Outcome.TIMEOUT] * 3
    assert run.cluster.calls == ["submit", "cancel"]
    assert [entry["indices"] for entry in run.events("timeout")] == [[0, 1, 2]]


def test_a_job_that_the_queue_forgot_and_that_gives_signs_of_life_is_ended_at_the_deadline(scripted: Make) -> None:
    """It is known to live, though the queue does not list it; its simulation hangs."""
    run = scripted(timeout=150)

    def hangs(paths: AttemptPaths) -> Status:
        run.beat(paths)
        return ABSENT

    run.cluster.answer(0, 1, RUNNING, hangs)
    run.cluster.otherwise = [*[RUNNING] * 20, OK]
    run.crash(after=10)
    assert run.outcomes() == [Outcome.TIMEOUT, Outcome.OK]
    assert run.cluster.submitted == [(0, 1), (1, 1)]
    assert START + 150 <= run.clock.now < START + 200
