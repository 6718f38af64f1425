"""Clocks that jump or are wrong, controllers that sleep, and controllers that were succeeded meanwhile."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_pool import ABSENT, OK, PENDING, RUNNING, START, UNKNOWN, ScriptedRun, ended, finite

from orchestrator.cluster import Job, Status
from orchestrator.errors import RunFailed, Stopped
from orchestrator.node.claim import is_claimed_by_another
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome, Result
from orchestrator.simulations.phases import HEARTBEAT

Make = Callable[..., ScriptedRun]
HOUR = 3600.0


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda **options: ScriptedRun(tmp_path, monkeypatch, **options)


def jump(run: ScriptedRun, seconds: float) -> None:
    run.clock.skew += seconds


def on_another_host(run: ScriptedRun, monkeypatch: pytest.MonkeyPatch, ahead: float) -> None:
    """Let what follows happen on a host whose clock is ahead, and which has booted at another time."""
    monkeypatch.setattr("orchestrator.clocks.boot", lambda: "another")
    run.clock.skew = ahead
    run.clock.booted = START - 77.0


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_a_jump_of_the_clock_ends_nothing_and_delays_nothing(scripted: Make, by: float) -> None:
    run = scripted()
    run.cluster.otherwise = [*[RUNNING] * 50, OK]
    run.cluster.answer(1, 1, *[RUNNING] * 20, ended(Outcome.NODE_FAIL))
    run.cluster.answer(1, 2, *[RUNNING] * 20, OK)
    # while jobs run, and while the second one waits for its next attempt
    run.clock.after(10, lambda: jump(run, by))
    run.clock.after(22, lambda: jump(run, by))
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.cluster.submitted == [(0, 1), (1, 1), (1, 2)]
    assert run.clock.now < START + 80
    assert set(finite(run.deadlines)) == {START + 1000}


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_a_run_is_continued_on_a_host_whose_clock_is_wrong(
    scripted: Make, monkeypatch: pytest.MonkeyPatch, by: float
) -> None:
    run = scripted()
    run.cluster.otherwise = [*[RUNNING] * 60, OK]
    run.crash(after=20)
    run.deadlines.clear()
    on_another_host(run, monkeypatch, by)
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.cluster.submitted == [(0, 1), (1, 1)]
    assert finite(run.deadlines) == pytest.approx([START + 1000] * len(finite(run.deadlines)), abs=0.01)
    assert run.clock.now < START + 80


@pytest.mark.parametrize("by", [HOUR, -HOUR, 365 * 24 * HOUR])
def test_a_journal_of_an_earlier_version_whose_host_had_a_wrong_clock_is_continued(
    scripted: Make, monkeypatch: pytest.MonkeyPatch, by: float
) -> None:
    """Its times are that host's, and the file system knows how long ago the last of them was."""
    run = scripted()
    run.clock.skew = by
    tasks = run.write_submitting("run-g0-aa", (0, 1), (1, 1))
    run.clock.sleep(1.0)
    jobs = run.cluster.submit(tasks, "run-g0-aa", run.paths.submitit, ())
    run.write("submitted", token="run-g0-aa", ids=[job.id for job in jobs])
    run.clock.sleep(99.0)
    on_another_host(run, monkeypatch, 0.0)
    run.cluster.otherwise = [*[RUNNING] * 50, OK]
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert finite(run.deadlines) == pytest.approx([START + 1000] * len(finite(run.deadlines)), abs=0.01)


def test_of_the_file_systems_clock_and_the_machines_own_the_one_that_is_ahead_ends_nothing(
    scripted: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one machine a jump of its clock is one of the file system's too."""
    run = scripted()
    run.cluster.otherwise = [*[RUNNING] * 60, OK]
    run.crash(after=20)
    run.deadlines.clear()
    monkeypatch.setattr("orchestrator.jobs.journal.file_system_time", lambda _: run.clock.now + HOUR)
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert finite(run.deadlines) == pytest.approx([START + 1000] * len(finite(run.deadlines)), abs=0.01)


def test_the_time_of_one_controller_goes_on_through_several(scripted: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    run = scripted(timeout=100)
    run.cluster.otherwise = [RUNNING]
    for ahead in (0.0, HOUR, -HOUR):
        run.clock.skew = ahead
        run.crash(after=20)
    with pytest.raises(RunFailed, match="not finished within 1 min 40 s"):
        run.finish()
    assert START + 100 <= run.clock.now < START + 110


def suspend(run: ScriptedRun, after: float, seconds: float, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Let the controller sleep for a while; the file system, the jobs and the machine's clocks go on."""

    def sleep() -> None:
        run.clock.now += seconds
        meanwhile()

    run.clock.after(after, sleep)


def test_a_controller_that_slept_past_its_deadline_takes_what_was_delivered_meanwhile(scripted: Make) -> None:
    run = scripted(size=3, timeout=1000)
    run.cluster.otherwise = [RUNNING]
    suspend(run, 20, 5000, lambda: [run.deliver(0, 1), run.deliver(1, 1, Result(Outcome.EXPLODED))])
    assert run.outcomes() == [Outcome.OK, Outcome.EXPLODED, Outcome.TIMEOUT]
    assert run.cluster.cancelled == [(2, 1)]
    assert [entry["indices"] for entry in run.events("timeout")] == [[2]]


def test_a_deadline_that_passed_while_nobody_watched_waits_for_what_the_file_system_shows_late(scripted: Make) -> None:
    run = scripted(timeout=1000, result_grace=30.0)
    run.cluster.otherwise = [RUNNING]
    suspend(run, 20, 5000, lambda: run.clock.after(20, lambda: run.deliver(0, 1)))
    assert run.outcomes() == [Outcome.OK, Outcome.TIMEOUT]
    assert run.clock.now < START + 20 + 5000 + 60


@pytest.mark.parametrize("end", [ended(Outcome.PREEMPTED), ended(), ABSENT])
def test_what_was_lost_while_the_controller_slept_past_its_deadline_is_evaluated_all_the_same(
    scripted: Make, end: Status
) -> None:
    """As it is if the next controller finds it lost: the time in which nobody watched is not held against it."""
    run = scripted(timeout=1000)
    run.cluster.otherwise = [*[RUNNING] * 60, OK]
    suspend(run, 20, 5000, lambda: [run.deliver(0, 1), run.cluster.answer(1, 1, end)])
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.cluster.submitted == [(0, 1), (1, 1), (1, 2)]
    # those who come after know of it
    assert len(run.events("clock")) == 2


def test_what_is_lost_in_the_look_in_which_the_controller_slept_past_its_deadline_is_evaluated_all_the_same(
    scripted: Make,
) -> None:
    run = scripted(timeout=1000)
    run.cluster.otherwise = [*[RUNNING] * 60, OK]

    def asleep(_paths: AttemptPaths) -> Status:
        run.clock.now += 5000
        return ended(Outcome.PREEMPTED)

    run.cluster.answer(1, 1, RUNNING, RUNNING, asleep)
    run.clock.after(20, lambda: run.deliver(0, 1))
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.cluster.submitted == [(0, 1), (1, 1), (1, 2)]


def test_what_was_to_be_submitted_again_while_the_controller_slept_past_its_deadline_is_evaluated_all_the_same(
    scripted: Make,
) -> None:
    run = scripted(timeout=1000)
    run.cluster.otherwise = [*[RUNNING] * 60, OK]
    run.cluster.answer(1, 1, RUNNING, RUNNING, ended(Outcome.PREEMPTED))
    run.clock.after(2.5, lambda: suspend(run, 1, 5000))
    run.clock.after(20, lambda: run.deliver(0, 1))
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    (lost,) = run.events("lost")
    assert lost["time"] < START + 100
    assert run.clock.now > START + 5000


def test_what_was_lost_before_the_controller_slept_and_waits_for_its_next_attempt_is_not_given_more_time(
    scripted: Make,
) -> None:
    run = scripted(timeout=1000)
    run.cluster.otherwise = [RUNNING]
    run.cluster.answer(1, None, ended(Outcome.PREEMPTED))
    run.clock.after(900, lambda: run.deliver(0, 1))
    # its next attempt is due after some 1030 s
    suspend(run, 945, 70)
    assert run.outcomes() == [Outcome.OK, Outcome.PREEMPTED]
    assert START + 1000 < run.clock.now < START + 1030
    assert len(run.events("clock")) == 1


def test_a_queue_that_is_always_slow_and_loses_all_jobs_of_an_offspring_does_not_put_its_deadline_off_for_ever(
    scripted: Make,
) -> None:
    run = scripted(timeout=1000)
    run.cluster.answer(1, None, ended(Outcome.PREEMPTED))
    poll = run.cluster.poll

    def slow(jobs):  # type: ignore[no-untyped-def]
        run.clock.now += 70
        return poll(jobs)

    run.cluster.poll = slow  # type: ignore[method-assign]
    assert run.outcomes() == [Outcome.OK, Outcome.PREEMPTED]
    assert run.clock.now < START + 5000


def test_a_controller_that_slept_in_its_first_submission_gives_the_jobs_all_of_their_time(
    scripted: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scripted()
    run.cluster.otherwise = [*[RUNNING] * 200, OK]
    submit = run.cluster.submit

    def slow(*given: Any) -> list[Job]:
        run.clock.sleep(5000)
        return submit(*given)

    monkeypatch.setattr(run.cluster, "submit", slow)
    run.crash(after=5100)
    # the next one goes on with that clock
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert set(finite(run.deadlines)) == {START + 6000}
    assert run.cluster.submitted == [(0, 1), (1, 1)]


def test_an_answer_of_the_queue_that_is_as_old_as_the_sleep_decides_nothing(scripted: Make) -> None:
    """The controller was suspended after squeue had answered."""
    run = scripted(timeout=1000)

    def asleep(_paths: AttemptPaths) -> Status:
        run.clock.now += 5000
        run.clock.after(2, lambda: run.deliver(0, 1))
        return RUNNING

    run.cluster.answer(0, 1, RUNNING, RUNNING, asleep, ended())
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.cluster.cancelled == []


def test_a_queue_that_hangs_is_not_asked_more_often(scripted: Make) -> None:
    run = scripted(timeout=10_000)
    run.cluster.otherwise = [*[UNKNOWN] * 20, OK]
    run.cluster.poll_interval = lambda _elapsed: 120.0  # type: ignore[method-assign]
    poll, polls = run.cluster.poll, []

    def hangs(jobs):  # type: ignore[no-untyped-def]
        polls.append(run.clock.now)
        run.clock.now += 61
        return poll(jobs)

    run.cluster.poll = hangs  # type: ignore[method-assign]
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert min(later - sooner for sooner, later in itertools.pairwise(polls)) > 180


def test_a_deadline_that_passed_between_two_controllers_waits_for_what_the_file_system_shows_late(
    scripted: Make,
) -> None:
    run = scripted(timeout=1000, result_grace=30.0)
    run.cluster.otherwise = [RUNNING]
    run.crash(after=20)
    run.clock.sleep(5000)
    run.clock.after(20, lambda: run.deliver(0, 1))
    assert run.outcomes() == [Outcome.OK, Outcome.TIMEOUT]


def test_a_queue_that_is_always_slow_puts_no_deadline_off_for_ever(scripted: Make) -> None:
    run = scripted(timeout=1000)
    run.cluster.otherwise = [RUNNING]
    poll = run.cluster.poll

    def slow(jobs):  # type: ignore[no-untyped-def]
        run.clock.now += 70
        return poll(jobs)

    run.cluster.poll = slow  # type: ignore[method-assign]
    with pytest.raises(RunFailed, match="not finished within 16 min 40 s"):
        run.finish()
    assert run.clock.now < START + 1000 + 5 * 70


class Lease:
    """Is lost at a time."""

    def __init__(self, run: ScriptedRun):
        self.lost = False
        run.confirm = self.confirm

    def lose(self) -> None:
        self.lost = True

    def confirm(self) -> None:
        if self.lost:
            raise Stopped("another controller has taken this run over")


def files_of(run: ScriptedRun) -> dict[str, bytes]:
    files = (path for path in run.paths.directory.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in files}


@pytest.mark.parametrize("survives", [True, False])
@pytest.mark.parametrize("stops", [True, False])
def test_a_controller_that_was_succeeded_while_it_slept_touches_nothing(
    scripted: Make, survives: bool, stops: bool
) -> None:
    """Its deadline is over, and one of its jobs is lost, but that is for its successor to say."""
    run = scripted(size=3, timeout=1000, survives=survives)
    lease, files = Lease(run), {}
    run.cluster.otherwise = [RUNNING]

    def meanwhile() -> None:
        lease.lose()
        run.cluster.answer(0, 1, ended(Outcome.NODE_FAIL))
        run.deliver(1, 1)
        files.update(files_of(run))
        if stops:  # as the thread that renews the lease asks for
            run.stop.set()

    suspend(run, 20, 5000, meanwhile)
    with pytest.raises(Stopped):
        run.finish()
    assert run.cluster.calls == ["submit"]
    assert run.cluster.cancelled == []
    assert files_of(run) == files


@pytest.mark.parametrize("answer", [ended(Outcome.NODE_FAIL), ended(), UNKNOWN, ABSENT, RUNNING])
def test_a_controller_that_was_succeeded_while_it_asked_the_queue_touches_nothing(
    scripted: Make, answer: Status
) -> None:
    run = scripted(timeout=1000)
    lease, files = Lease(run), {}

    def asleep(_paths: AttemptPaths) -> Status:
        lease.lose()
        files.update(files_of(run))
        run.clock.now += 5000
        return answer

    run.cluster.otherwise = [RUNNING, asleep]
    with pytest.raises(Stopped, match="another controller has taken this run over"):
        run.finish()
    assert run.cluster.cancelled == []
    assert files_of(run) == files


def test_a_controller_that_was_succeeded_inside_a_submission_does_not_note_it(scripted: Make) -> None:
    run = scripted()
    lease = Lease(run)
    submit = run.cluster.submit

    def asleep(*arguments):  # type: ignore[no-untyped-def]
        jobs = submit(*arguments)
        lease.lose()
        return jobs

    run.cluster.submit = asleep  # type: ignore[method-assign]
    with pytest.raises(Stopped):
        run.finish()
    assert [len(run.events(name)) for name in ("submitting", "submitted", "refused")] == [1, 0, 0]
    assert run.cluster.cancelled == []


def claimed(paths: AttemptPaths, job_id: str) -> None:
    paths.directory.mkdir(parents=True, exist_ok=True)
    (paths.directory / "claimed").write_text(json.dumps({"pid": 1, "job": job_id}))


@pytest.mark.parametrize("end", [ended(), ended(Outcome.CANCELLED), ABSENT])
def test_a_job_that_ends_while_another_one_works_at_its_attempt_is_no_loss(scripted: Make, end: Status) -> None:
    """Two controllers have submitted it: the second job to start finds the attempt claimed, and ends at once."""
    run = scripted()

    def works(paths: AttemptPaths) -> Status:
        claimed(paths, "77_0")
        if run.clock.now < START + 120:
            run.beat(paths)
        return end

    run.cluster.answer(0, 1, PENDING, works)
    run.clock.after(120, lambda: run.deliver(0, 1))
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.cluster.submitted == [(0, 1), (1, 1)]
    assert not run.events("lost")


def test_a_job_that_ends_is_lost_once_the_other_one_at_its_attempt_is_silent(scripted: Make) -> None:
    run = scripted()

    def silent(paths: AttemptPaths) -> Status:
        claimed(paths, "77_0")
        if run.clock.now < START + 100:
            run.beat(paths)
        return ended(Outcome.NODE_FAIL)

    run.cluster.answer(0, 1, PENDING, silent)
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.cluster.submitted == [(0, 1), (1, 1), (0, 2)]
    assert START + 100 + 3 * HEARTBEAT <= run.clock.now < START + 100 + 6 * HEARTBEAT


def test_an_attempt_is_claimed_by_another_only_if_that_is_known(tmp_path: Path) -> None:
    claim = tmp_path / "claimed"
    assert not is_claimed_by_another(tmp_path, "7_1")
    for content, expected in (
        ("{", False),
        ("[]", False),
        ("{}", False),  # of an earlier version
        ('{"job": ""}', False),  # of an executor that does not know its jobs by ids
        ('{"job": "7_1"}', False),
        ('{"job": "8_1"}', True),
    ):
        claim.write_text(content)
        assert is_claimed_by_another(tmp_path, "7_1") is expected


@pytest.mark.parametrize("by", [0.0, HOUR, -HOUR])
def test_the_heart_of_a_job_that_the_queue_forgot_is_compared_with_the_file_systems_clock(
    scripted: Make, by: float
) -> None:
    run = scripted()
    run.clock.skew = by

    def alive(paths: AttemptPaths) -> Status:
        run.beat(paths)
        return ABSENT

    def dead(paths: AttemptPaths) -> Status:
        if not paths.progress.exists():
            run.beat(paths)
        return ABSENT

    run.cluster.answer(0, 1, alive)
    run.cluster.answer(1, 1, dead)
    run.clock.after(200, lambda: run.deliver(0, 1))
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.cluster.submitted == [(0, 1), (1, 1), (1, 2)]
    (lost,) = run.events("lost")
    assert lost["index"] == 1
    assert START + 3 * HEARTBEAT <= lost["time"] < START + 5 * HEARTBEAT


def test_an_unmeasured_result_is_measured_only_by_the_holder_of_the_lease(scripted: Make) -> None:
    run = scripted()
    lease = Lease(run)
    run.cluster.otherwise = [RUNNING]
    suspend(run, 20, 500, lambda: [lease.lose(), run.deliver(0, 1, replace(OK, measured=False))])
    with pytest.raises(Stopped):
        run.finish()
    assert run.measuring.added == []
