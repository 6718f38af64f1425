"""One controller brings one generation in, on a cluster that answers by script."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_pool import ABSENT, COMPLETED, FORGIVEN, OK, PENDING, RUNNING, START, UNKNOWN, ScriptedRun, ended

from orchestrator.cluster import Status, SubmissionFailed
from orchestrator.errors import RunFailed
from orchestrator.files import append_json_line
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome, Result
from orchestrator.results import new_results

Make = Callable[..., ScriptedRun]


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda **options: ScriptedRun(tmp_path, monkeypatch, **options)


@pytest.mark.parametrize("survives", [True, False])
@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.NODE_FAIL, Outcome.PREEMPTED])
def test_what_the_cluster_lost_is_submitted_afresh_until_the_deadline_and_not_evaluated_then(
    scripted: Make, outcome: Outcome, survives: bool
) -> None:
    """It was told to the optimiser at the worst score after two retries."""
    run = scripted(survives=survives, retries=2)
    run.cluster.answer(0, None, RUNNING, ended(outcome))
    begin = run.clock.now
    lost, fine = run.finish()
    assert (lost.result.outcome, lost.speaks) == (outcome, False)
    assert run.clock.now == pytest.approx(begin + 1000, abs=10)
    assert (lost.attempts, fine.attempts) == (9, 1)  # after 2, 4, ... 256 s
    assert (fine.result.outcome, fine.speaks) == (Outcome.OK, True)
    assert run.cluster.submitted == [(0, 1), (1, 1), *((0, number) for number in range(2, 10))]
    for number in range(1, 10):
        task = json.loads(run.paths.attempt(0, number).task.read_text())
        assert task == {"index": 0, "attempt": number}


def test_a_job_that_is_cancelled_four_times_and_then_left_alone_is_evaluated(scripted: Make) -> None:
    run = scripted(retries=2)
    for number in range(1, 5):
        run.cluster.answer(0, number, RUNNING, ended(Outcome.CANCELLED))
    first, _ = run.finish()
    assert (first.result.outcome, first.attempts, first.speaks) == (Outcome.OK, 5, True)


def test_the_second_attempt_counts_where_the_first_was_lost(scripted: Make) -> None:
    run = scripted(retries=1)
    run.cluster.answer(0, 1, RUNNING, ended(Outcome.NODE_FAIL))
    first, _ = run.finish()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 2)
    assert [entry["index"] for entry in run.events("lost")] == [0]


def test_the_cluster_is_given_longer_from_loss_to_loss(scripted: Make) -> None:
    run = scripted(retries=3)
    run.cluster.answer(0, None, ended(Outcome.NODE_FAIL))
    run.finish()
    again = [entry["time"] for entry in run.events("submitting")[1:]]
    pauses = [then - lost["time"] for then, lost in zip(again, run.events("lost"), strict=False)]
    assert pauses == pytest.approx([2, 4, 8, 16, 32, 64, 128, 256], abs=1)


@pytest.mark.parametrize("outcome", [Outcome.TIME_LIMIT, Outcome.OUT_OF_MEMORY])
def test_what_is_the_parameters_fault_is_not_tried_again(scripted: Make, outcome: Outcome) -> None:
    run = scripted()
    run.cluster.answer(0, None, RUNNING, ended(outcome))
    assert run.outcomes() == [outcome, Outcome.OK]
    assert run.cluster.submitted == [(0, 1), (1, 1)]


def test_a_job_that_reports_a_full_disk_is_submitted_again_until_the_deadline(scripted: Make) -> None:
    run = scripted(retries=1, timeout=100)
    run.cluster.answer(0, None, RUNNING, Result(Outcome.NODE_FAIL, message="No space left on device"))
    lost, _ = run.finish()
    assert (lost.result.outcome, lost.result.message) == (Outcome.NODE_FAIL, "No space left on device")
    assert (lost.attempts, lost.speaks) == (6, False)


def test_a_job_whose_model_left_it_without_a_result_is_a_failed_simulation(scripted: Make) -> None:
    run = scripted()
    run.cluster.answer(0, 1, RUNNING, run.told(0, 1, exit_code=3))
    failed, _ = run.finish()
    assert (failed.result.outcome, failed.speaks) == (Outcome.SIMULATION_ERROR, True)
    assert failed.result.message == "the job's process ended with exit code 3 without a result (FAILED)"
    assert run.cluster.submitted == [(0, 1), (1, 1)]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [(137, "CANCELLED"), (143, "CANCELLED"), (0, "NODE_FAIL"), (75, "NODE_FAIL"), (None, "CANCELLED")],
    ids=["SIGKILL", "SIGTERM", "its result is gone", "it could not write its result", "its shell was killed too"],
)
def test_a_job_that_was_killed_from_outside_or_whose_result_is_gone_is_submitted_again(
    scripted: Make, code: int | None, outcome: str
) -> None:
    """A kill -9 of the process, or the kernel's for another's memory, was told at the worst score."""
    run = scripted()

    def dies(paths: AttemptPaths) -> Status:
        run.beat(paths)
        return ended()

    run.cluster.answer(0, 1, RUNNING, dies if code is None else run.told(0, 1, code))
    first, _ = run.finish()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 2)
    assert [entry["outcome"] for entry in run.events("lost")] == [outcome]


def test_a_kill_while_a_job_starts_is_not_the_nodes_fault(scripted: Make) -> None:
    """It left no sign of life: its node was avoided from then on."""
    run = scripted()

    def dies(paths: AttemptPaths) -> Status:
        run.told(0, 1, exit_code=137)(paths)
        paths.progress.unlink()
        return ended(node="n1")

    run.cluster.answer(0, 1, RUNNING, dies)
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.events("lost")[0]["outcome"] == "CANCELLED"
    assert run.cluster.avoided == [set(), set()]


def test_a_kill_for_the_jobs_own_memory_speaks_of_the_parameters(scripted: Make) -> None:
    run = scripted()

    def dies(paths: AttemptPaths) -> Status:
        run.beat(paths)
        paths.log.write_text("slurmstepd: error: Detected 1 oom-kill event(s) in StepId=7.0 cgroup.\n")
        return ended()

    run.cluster.answer(0, 1, RUNNING, dies)
    assert run.outcomes() == [Outcome.OUT_OF_MEMORY, Outcome.OK]


UNREADABLE = {
    "truncated": '{"outcome": "OK", "values": {"ra',
    "empty": "",
    "no object": "[1, 2]",
    "of other types": '{"outcome": "OK", "values": {"rate": "1.0"}}',
    "of no outcome": '{"values": {"rate": 1.0}}',
    "of an unknown outcome": '{"outcome": "UNKNOWN"}',
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_a_result_that_cannot_be_read_of_a_job_that_has_ended_is_the_infrastructures(
    scripted: Make, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    run = scripted()

    def ends(paths: AttemptPaths) -> Status:
        run.told(0, 1, exit_code=0)(paths)
        paths.result.write_text(text)
        return COMPLETED

    run.cluster.answer(0, 1, RUNNING, ends)
    first, _ = run.finish()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 2)
    assert caplog.text.count("0.1.json is not readable yet") == 1  # not at every look
    (lost,) = run.events("lost")
    assert lost["outcome"] == "NODE_FAIL"
    assert lost["reason"].startswith("its result cannot be read: ")


def test_a_result_that_cannot_be_read_at_the_deadline_says_nothing(scripted: Make) -> None:
    run = scripted(timeout=100)

    def running(paths: AttemptPaths) -> Status:
        run.beat(paths)
        paths.result.write_text("")
        return RUNNING

    run.cluster.answer(0, None, running)
    first, _ = run.finish()
    assert (first.result.outcome, first.speaks) == (Outcome.NODE_FAIL, False)


def test_a_result_that_could_not_be_written_until_the_time_limit_says_nothing(scripted: Make) -> None:
    run = scripted()

    def full(paths: AttemptPaths) -> Status:
        run.beat(paths)
        run.beat(paths, "delivering")
        return ended(Outcome.TIME_LIMIT)

    run.cluster.answer(0, 1, RUNNING, full)
    first, _ = run.finish()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 2)
    assert run.events("lost")[0]["reason"] == "its result could not be written"


def test_a_job_that_died_while_the_queue_was_silent_says_nothing_at_the_deadline(scripted: Make) -> None:
    run = scripted(timeout=600)
    run.beat(run.paths.attempt(0, 1))
    run.cluster.answer(0, 1, RUNNING, UNKNOWN)
    first, _ = run.finish()
    assert (first.result.outcome, first.speaks) == (Outcome.NODE_FAIL, False)
    assert first.result.message.endswith("it was unknown, and it gave no sign of life any more")


def test_a_result_with_more_keys_than_this_version_knows_is_read(scripted: Make) -> None:
    """A shared environment was upgraded under a running controller."""
    run = scripted()
    run.cluster.answer(0, 1, RUNNING, json.dumps({**OK.to_json(), "energy": 3.5, "nested": {"a": [1]}}))
    first, _ = run.finish()
    assert (first.result.values, first.attempts) == (OK.values, 1)
    assert run.events("lost") == []


def test_a_folder_of_results_that_cannot_be_listed_is_no_empty_one(tmp_path: Path) -> None:
    assert list(new_results(tmp_path, set())) == []
    with pytest.raises(FileNotFoundError):
        list(new_results(tmp_path / "gone", set()))


def test_a_folder_of_results_that_is_gone_for_a_while_costs_nothing(scripted: Make) -> None:
    run = scripted(timeout=1000)
    away = run.paths.results.with_name("elsewhere")
    run.cluster.answer(0, 1, *[RUNNING] * 200)
    run.cluster.answer(1, 1, *[RUNNING] * 30, OK)
    run.clock.after(5, lambda: run.paths.results.rename(away))
    run.clock.after(25, lambda: away.rename(run.paths.results))
    run.clock.after(60, lambda: run.deliver(0, 1))
    assert [(each.result.outcome, each.attempts) for each in run.finish()] == [(Outcome.OK, 1)] * 2


@pytest.mark.parametrize("end", [COMPLETED, ABSENT, ended(Outcome.CANCELLED)], ids=["completed", "absent", "cancelled"])
def test_jobs_that_end_while_the_folder_of_their_results_is_gone_are_not_lost(
    scripted: Make, end: Status, caplog: pytest.LogCaptureFixture
) -> None:
    """All of a generation were simulated again if it was gone for longer than `result_grace`."""
    run = scripted()
    run.cluster.answer(0, 1, RUNNING, end)
    run.cluster.answer(1, 1, *[RUNNING] * 70, OK)
    away = run.paths.directory / "away"
    run.clock.after(1, lambda: (run.deliver(0, 1), run.paths.results.rename(away)))
    run.clock.after(60, lambda: away.rename(run.paths.results))
    assert [(each.result.outcome, each.attempts) for each in run.finish()] == [(Outcome.OK, 1)] * 2
    assert run.events("lost") == []
    assert sum("nothing is decided meanwhile" in message for message in caplog.messages) == 1


def test_a_job_that_was_lost_while_the_folder_of_results_was_gone_is_submitted_again(scripted: Make) -> None:
    """Once the folder is back."""
    run = scripted()
    run.cluster.answer(0, 1, RUNNING, ABSENT)
    run.cluster.answer(1, 1, *[RUNNING] * 70, OK)
    away = run.paths.directory / "away"
    run.clock.after(1, lambda: run.paths.results.rename(away))
    run.clock.after(60, lambda: away.rename(run.paths.results))
    assert [(each.result.outcome, each.attempts) for each in run.finish()] == [(Outcome.OK, 2), (Outcome.OK, 1)]
    (lost,) = run.events("lost")
    assert lost["time"] >= START + 60


def test_a_result_that_a_slow_file_system_shows_late_is_taken(scripted: Make) -> None:
    run = scripted()
    # the job is gone, and its file shows up within the 5 s of grace
    run.cluster.answer(0, 1, RUNNING, COMPLETED)
    run.clock.after(5, lambda: run.deliver(0, 1))
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.cluster.submitted == [(0, 1), (1, 1)]


def test_no_answer_is_no_verdict(scripted: Make) -> None:
    run = scripted()
    run.cluster.answer(0, 1, RUNNING, *[UNKNOWN] * 300, OK)
    first, _ = run.finish()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 1)
    assert run.cluster.cancelled == []
    assert run.clock.now > run.deadlines[0] - 1000 + 300


def test_a_job_that_never_gets_an_answer_ends_with_the_generation(scripted: Make) -> None:
    run = scripted(timeout=100)
    run.cluster.answer(0, 1, UNKNOWN)
    first, second = run.finish()
    assert (first.result.outcome, first.speaks) == (Outcome.TIMEOUT, False)
    assert second.speaks
    assert run.cluster.submitted == [(0, 1), (1, 1)]
    assert run.cluster.cancelled[0] == (0, 1)


def test_a_job_that_the_queue_forgot_but_whose_heart_beats_is_waited_for(scripted: Make) -> None:
    run = scripted()

    def alive(paths: AttemptPaths) -> Status:
        run.beat(paths)
        return ABSENT

    run.cluster.answer(0, 1, RUNNING, *[alive] * 100, OK)
    first, _ = run.finish()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 1)
    assert run.cluster.cancelled == []


def test_a_job_that_is_not_listed_yet_is_waited_for(scripted: Make) -> None:
    """A site's squeue answers from a cache that is 90 s old: such jobs were taken for lost after `result_grace`."""
    run = scripted()
    run.cluster.answer(0, 1, *[ABSENT] * 120, PENDING, RUNNING, OK)
    first, _ = run.finish()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 1)
    assert (run.events("lost"), run.cluster.cancelled) == ([], [])


def test_a_job_that_is_never_listed_is_lost_in_the_end(scripted: Make) -> None:
    """A slurmctld that crashed has forgotten it."""
    run = scripted()
    run.cluster.answer(0, 1, ABSENT)
    first, _ = run.finish()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 2)
    waited = run.events("lost")[0]["time"] - run.events("submitted")[0]["time"]
    assert waited == pytest.approx(1000 / 4, abs=5)
    assert run.cluster.cancelled == [(0, 1)]


@pytest.mark.parametrize("began", [True, False])
def test_a_job_that_the_queue_forgot_and_whose_heart_stopped_is_cancelled_before_it_is_submitted_again(
    scripted: Make, began: bool
) -> None:
    run = scripted()
    if began:
        run.beat(run.paths.attempt(0, 1))
    run.cluster.answer(0, 1, RUNNING, ABSENT)
    first, _ = run.finish()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 2)
    assert run.cluster.calls == ["submit", "cancel", "submit"]
    assert run.cluster.cancelled == [(0, 1)]
    lost = run.events("lost")[0]
    assert lost["outcome"] == "NODE_FAIL"
    # no verdict before the file system had its grace, and a living job its heartbeat
    assert lost["time"] - run.events("submitted")[0]["time"] > (60 if began else 5)


def test_a_late_result_of_an_earlier_attempt_lands_and_ends_the_current_one(scripted: Make) -> None:
    run = scripted()
    run.cluster.answer(0, 1, RUNNING, ABSENT)
    run.cluster.answer(0, 2, RUNNING)
    run.clock.after(60, lambda: run.deliver(0, 1, Result(Outcome.EXPLODED, message="late")))
    first, _ = run.finish()
    assert (first.result.outcome, first.result.message) == (Outcome.EXPLODED, "late")
    assert run.cluster.cancelled == [(0, 1), (0, 2)]
    assert run.clock.now < run.deadlines[-1] - 900


def test_an_earlier_attempt_that_reports_its_own_death_late_does_not_end_the_current_one(scripted: Make) -> None:
    run = scripted(retries=1)
    run.cluster.answer(0, 1, RUNNING, ABSENT)
    run.cluster.answer(0, 2, *[RUNNING] * 50, OK)
    run.clock.after(30, lambda: run.deliver(0, 1, Result(Outcome.NODE_FAIL)))
    first, _ = run.finish()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 2)
    assert len(run.events("lost")) == 1


def test_ends_that_nobody_saw_are_forgiven(scripted: Make) -> None:
    run = scripted(retries=0, survives=False)
    for number in (1, 2, 3, 4):
        run.cluster.answer(0, number, FORGIVEN)
    first, _ = run.finish()
    assert (first.result.outcome, first.attempts) == (Outcome.OK, 1)
    assert run.cluster.submitted == [(0, 1), (1, 1), (0, 2), (0, 3), (0, 4), (0, 5)]
    assert run.events("lost") == []


def test_a_submission_to_an_executor_that_is_not_there_is_repeated_and_costs_no_retry(scripted: Make) -> None:
    run = scripted(retries=0)
    refusal = (SubmissionFailed("Unable to contact slurm controller", transient=True), False)
    run.cluster.refusals.extend([refusal] * 6)
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert run.events("lost") == []
    assert len(run.events("refused")) == 6
    assert len(run.cluster.batches) == 1


def test_a_submission_that_was_not_taken_is_not_an_attempt(scripted: Make) -> None:
    run = scripted()
    run.cluster.refusals.append((SubmissionFailed("Unable to contact slurm controller", transient=True), False))
    assert [landed.attempts for landed in run.finish()] == [1, 1]


def test_a_submission_that_happened_although_sbatch_failed_is_adopted(scripted: Make) -> None:
    run = scripted()
    run.cluster.refusals.append((SubmissionFailed("Socket timed out", transient=True), True))
    run.cluster.silent.append(SubmissionFailed("squeue does not answer", transient=True))
    landed = run.finish()
    assert [one.attempts for one in landed] == [1, 1]
    assert run.cluster.submitted == [(0, 1), (1, 1)]
    assert run.events("refused") == []


def test_a_generation_that_the_executor_refuses_for_good_ends_the_run(scripted: Make) -> None:
    run = scripted(retries=1)
    refusal = (SubmissionFailed("invalid partition specified: nope", transient=False), False)
    run.cluster.refusals.extend([refusal] * 50)
    with pytest.raises(RunFailed, match="nothing could be submitted in 2 attempts: invalid partition specified: nope"):
        run.finish()
    assert run.cluster.submitted == []


def test_a_later_generation_waits_for_an_executor_that_refuses(scripted: Make) -> None:
    run = scripted(number=3, retries=1, size=1)
    run.cluster.refusals.extend([(SubmissionFailed("QOS limit reached", transient=False), False)] * 5)
    assert run.outcomes() == [Outcome.OK]


def test_a_node_that_starts_nothing_is_avoided_and_the_run_goes_on(scripted: Make) -> None:
    run = scripted(size=3)
    run.cluster.answer(0, 1, RUNNING, RUNNING, ended(node="n1"))
    first, *others = run.finish()
    assert run.events("lost")[0]["outcome"] == "LAUNCH_FAILED"
    assert run.cluster.avoided == [set(), {"n1"}]
    assert first.result.outcome is Outcome.OK
    assert all(one.result.outcome is Outcome.OK for one in others)


def test_a_node_on_which_something_works_is_not_avoided(scripted: Make) -> None:
    run = scripted(size=3)
    run.cluster.answer(0, 1, RUNNING, RUNNING, ended(node=OK.host))
    run.finish()
    assert run.cluster.avoided == [set(), set()]


@pytest.mark.parametrize("survives", [True, False])
def test_a_run_in_which_nothing_can_be_started_ends_and_withdraws_everything(scripted: Make, survives: bool) -> None:
    run = scripted(size=5, survives=survives)
    for index in range(4):
        run.cluster.answer(index, None, RUNNING, ended(node=f"n{index}"))
    run.cluster.answer(4, None, PENDING)
    with pytest.raises(
        RunFailed, match="no simulation can be started on n0, n1, n2, n3: the job ended without a result"
    ):
        run.finish()
    assert run.cluster.submitted == [(index, 1) for index in range(5)]
    assert run.cluster.cancelled == [(4, 1)]
    assert sorted(run.events("withdrawn")[-1]["indices"]) == [0, 1, 2, 3, 4]


def test_jobs_that_were_handed_their_tasks_too_late_do_not_say_that_nothing_can_be_started(scripted: Make) -> None:
    """sbatch that hangs for a minute takes all the time that they wait, on whatever nodes they are."""
    run = scripted(size=4)
    for index in range(4):
        run.cluster.answer(index, 1, RUNNING, run.waited_in_vain(index, 1, node=f"n{index}"))
    assert run.outcomes() == [Outcome.OK] * 4
    assert {entry["outcome"] for entry in run.events("lost")} == {"SUBMIT_FAILED"}
    assert run.cluster.avoided == [set(), set()]


def test_a_run_whose_jobs_are_never_handed_their_tasks_ends(scripted: Make) -> None:
    run = scripted(size=2, retries=1)
    for index in range(2):
        for number in (1, 2):
            run.cluster.answer(index, number, RUNNING, run.waited_in_vain(index, number, node="n1"))
    with pytest.raises(RunFailed, match=r"nothing could be submitted in 2 attempts: .* not handed its task in time"):
        run.finish()


def test_what_is_delivered_while_a_run_that_failed_ends_its_jobs_is_kept(scripted: Make) -> None:
    run = scripted(size=4)
    for index in range(3):
        run.cluster.answer(index, 1, RUNNING, ended(node=f"n{index}"))
    run.cluster.answer(3, 1, RUNNING)
    run.cluster.on_cancel = lambda: run.deliver(3, 1)
    with run.pool() as pool:
        pool.add(run.offspring)
        with pytest.raises(RunFailed, match="no simulation can be started"):
            pool.wait()
        pool.discard_unused()
    assert run.outcomes() == [Outcome.OK] * 4
    assert [attempt for attempt in run.cluster.submitted if attempt[0] == 3] == [(3, 1)]


def test_an_offspring_that_cannot_be_started_is_not_evaluated(scripted: Make) -> None:
    run = scripted(timeout=300, retries=1)
    run.cluster.answer(0, None, RUNNING, ended(node="n1"))
    first, second = run.finish()
    assert (first.result.outcome, first.speaks) == (Outcome.LAUNCH_FAILED, False)
    assert second.result.outcome is Outcome.OK
    assert len(run.cluster.submitted) > 4


def test_one_node_that_starts_nothing_and_draws_all_jobs_does_not_end_a_run(
    scripted: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """It is free again at once, so that SLURM gives it one job after the other."""
    run = scripted(size=4, retries=1)
    for index in range(4):
        run.cluster.answer(index, 1, RUNNING, ended(node="n1"))
    assert run.outcomes() == [Outcome.OK] * 4
    assert run.cluster.avoided == [set(), {"n1"}]
    assert "attempt lost, LAUNCH_FAILED on n1" in caplog.text


def test_if_there_are_no_other_nodes_the_one_is_used_again(scripted: Make) -> None:
    run = scripted(size=2, retries=3)
    for index in range(2):
        run.cluster.answer(index, 1, RUNNING, ended(node="n1"))
    refusal = (SubmissionFailed("Requested node configuration is not available", transient=False), False)
    run.clock.after(1, lambda: run.cluster.refusals.append(refusal))
    assert run.outcomes() == [Outcome.OK] * 2
    assert run.cluster.avoided == [set(), set()]


def test_a_cluster_of_one_node_that_starts_nothing_ends_a_new_run(scripted: Make) -> None:
    run = scripted(size=3, retries=1)
    for index in range(3):
        run.cluster.answer(index, None, RUNNING, ended(node="n1"))
    with pytest.raises(RunFailed, match="no simulation has worked in 2 attempts on n1: the job ended without a result"):
        run.finish()


@pytest.mark.parametrize(
    "answers",
    [
        [RUNNING, Result(Outcome.SIMULATION_ERROR, message="boom")],
        [RUNNING, ended(Outcome.TIME_LIMIT)],
        [RUNNING, ended(Outcome.OUT_OF_MEMORY)],
        [PENDING],
    ],
    ids=["all fail", "all beyond their limit", "none has memory", "none ever starts"],
)
def test_a_generation_that_says_nothing_ends_the_run_and_is_started_afresh_by_the_next(
    scripted: Make, answers: list[Any]
) -> None:
    run = scripted(timeout=500, retries=0)
    run.cluster.otherwise = answers
    with pytest.raises(RunFailed, match="every simulation of the generation failed"):
        run.finish()
    assert not list(run.paths.results.iterdir())
    run.cluster.otherwise = [RUNNING, OK]
    landed = run.finish()
    assert [(one.result.outcome, one.attempts) for one in landed] == [(Outcome.OK, 1)] * 2
    assert run.cluster.submitted == [(0, 1), (1, 1), (0, 2), (1, 2)]


@pytest.mark.parametrize("outcome", [Outcome.NODE_FAIL, Outcome.CANCELLED, None])
def test_a_new_run_of_which_all_is_lost_so_many_times_ends(scripted: Make, outcome: Outcome | None) -> None:
    run = scripted(retries=2)
    run.cluster.otherwise = [RUNNING, ended(outcome)]
    with pytest.raises(RunFailed, match="no simulation has worked in 3 attempts"):
        run.finish()
    assert run.clock.now < START + 60
    run.cluster.otherwise = [RUNNING, OK]
    assert [(one.result.outcome, one.attempts) for one in run.finish()] == [(Outcome.OK, 1)] * 2


def test_one_of_a_new_run_that_goes_on_keeps_it(scripted: Make) -> None:
    run = scripted(retries=0)
    run.cluster.answer(0, None, RUNNING, ended(Outcome.CANCELLED))
    run.cluster.answer(1, None, *[RUNNING] * 500, OK)
    lost, fine = run.finish()
    assert (lost.speaks, fine.result.outcome) == (False, Outcome.OK)


def test_a_later_generation_of_which_all_is_lost_is_tried_until_its_deadline(scripted: Make) -> None:
    run = scripted(number=3, retries=0)
    run.cluster.otherwise = [RUNNING, ended(Outcome.NODE_FAIL)]
    begin = run.clock.now
    with pytest.raises(RunFailed, match="every simulation of the generation failed"):
        run.finish()
    assert run.clock.now == pytest.approx(begin + 1000, abs=10)


def test_simulations_that_are_too_slow_say_something_of_their_parameters(scripted: Make) -> None:
    run = scripted(timeout=100)
    run.cluster.otherwise = [RUNNING]
    begin = run.clock.now
    for index in (0, 1):
        run.beat(run.paths.attempt(index, 1))
    assert [landed.result.started for landed in run.finish()] == [begin, begin]
    assert run.clock.now == pytest.approx(begin + 100, abs=5)


def test_the_first_submission_starts_the_clock_and_a_repeated_one_does_not(scripted: Make) -> None:
    run = scripted(timeout=100)
    begin = run.clock.now
    run.cluster.answer(0, 1, *[RUNNING] * 60, ended(Outcome.PREEMPTED))
    run.cluster.answer(0, 2, RUNNING)
    assert run.outcomes() == [Outcome.TIMEOUT, Outcome.OK]
    assert set(run.deadlines) == {begin + 100}


def test_a_batch_takes_no_more_than_the_cluster_does(scripted: Make) -> None:
    run = scripted(size=5, batch_size=2)
    assert run.outcomes() == [Outcome.OK] * 5
    assert run.cluster.batches == [[(0, 1), (1, 1)], [(2, 1), (3, 1)], [(4, 1)]]
    assert len({entry["token"] for entry in run.events("submitting")}) == 3


@pytest.mark.parametrize("event", ["lost", "submitted"])
@pytest.mark.parametrize("survives", [True, False])
def test_a_full_disk_ends_local_jobs(
    scripted: Make, monkeypatch: pytest.MonkeyPatch, survives: bool, event: str
) -> None:
    def full(path: Path, entry: dict[str, Any]) -> None:
        if entry["event"] == event:
            raise OSError(errno.ENOSPC, "No space left on device")
        append_json_line(path, entry)

    run = scripted(survives=survives, size=3)
    monkeypatch.setattr("orchestrator.jobs.journal.append_json_line", full)
    run.cluster.otherwise = [RUNNING]
    run.cluster.answer(0, 1, RUNNING, ended(Outcome.NODE_FAIL))
    with pytest.raises(OSError, match="No space left"):
        run.finish()
    assert set(run.cluster.submitted) == {(0, 1), (1, 1), (2, 1)}
    left = {(1, 1), (2, 1)} - set(run.cluster.cancelled)
    assert left == ({(1, 1), (2, 1)} if survives else set())


def test_what_a_job_left_unmeasured_is_measured_beside_the_controller(scripted: Make) -> None:
    run = scripted()
    run.cluster.otherwise = [RUNNING, Result(Outcome.OK, measured=False)]
    run.measuring.findings[1] = Result(Outcome.SIMULATION_ERROR, message="measuring ended with exit code 1 in 2 tries")
    first, second = run.finish()
    assert (first.result.outcome, second.result.outcome) == (Outcome.OK, Outcome.SIMULATION_ERROR)
    assert second.result.message == run.measuring.findings[1].message
    assert [index for index, _ in run.measuring.added] == [0, 1]
    assert run.cluster.submitted == [(0, 1), (1, 1)]


def test_what_cannot_be_measured_for_a_full_disk_is_not_evaluated(scripted: Make) -> None:
    run = scripted(retries=1, timeout=60)
    run.cluster.otherwise = [RUNNING, Result(Outcome.OK, measured=False)]
    run.measuring.findings[1] = Result(Outcome.NODE_FAIL, message="OSError: [Errno 28] No space left on device")
    first, second = run.finish()
    assert first.result.outcome is Outcome.OK
    assert (second.result.outcome, second.speaks) == (Outcome.NODE_FAIL, False)
    assert second.attempts == 5


def test_the_log_of_an_offspring_has_its_job_and_all_its_numbers(
    scripted: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "orchestrator.jobs.entries")
    run = scripted()
    run.cluster.answer(0, 1, Result(Outcome.OK, values={"rate": 0.25, "cv": None}, job_id="77_0"))
    run.cluster.answer(1, 1, ended(Outcome.OUT_OF_MEMORY))
    run.finish()
    said = {record.levelname: record for record in caplog.records if record.name == "orchestrator.jobs.entries"}
    landed = next(record for record in caplog.records if record.levelname == "INFO" and "job 77_0" in record.message)
    assert landed.message == "generation 0 offspring 0: OK (job 77_0)"
    assert landed.orchestrator_data == {
        "event": "landed",
        "generation": 0,
        "offspring": 0,
        "job_id": "77_0",
        "outcome": "OK",
        "parameters": {"x": 0.5},
        "values": {"rate": 0.25, "cv": None},
    }
    assert said["WARNING"].message.startswith("generation 0 offspring 1: OUT_OF_MEMORY: ")
    assert said["WARNING"].message.endswith(" (job 0_1)")
    assert 'generation 0 offspring 0: parameters {"x": 0.5}, values {"rate": 0.25, "cv": null}' in caplog.messages


def test_a_result_that_cannot_be_read_is_logged_once(scripted: Make, caplog: pytest.LogCaptureFixture) -> None:
    """It was logged at every look."""
    run = scripted()

    def torn(paths: AttemptPaths) -> Status:
        paths.result.write_text('{"outcome": "O')
        return RUNNING

    run.cluster.answer(0, 1, *[torn] * 5, OK)
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert sum("is not readable yet" in message for message in caplog.messages) == 1
