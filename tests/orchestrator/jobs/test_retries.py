"""What follows from lost attempts: nodes that die under an offspring, refusals, large generations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pytest
from scripted_pool import COMPLETED, OK, PENDING, RUNNING, START, UNKNOWN, Crash, ScriptedRun, ended

from orchestrator.cluster import Job, SubmissionFailed, Task
from orchestrator.errors import RunFailed, Stopped
from orchestrator.records import Outcome

Make = Callable[..., ScriptedRun]


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda **options: ScriptedRun(tmp_path, monkeypatch, **options)


def test_an_offspring_under_which_two_nodes_die_in_a_row_is_not_tried_a_third_time(scripted: Make) -> None:
    run = scripted(retries=5)
    run.cluster.answer(0, 1, RUNNING, ended(Outcome.NODE_FAIL, "n1"))
    run.cluster.answer(0, 2, RUNNING, ended(Outcome.NODE_FAIL, "n2"))
    killer, fine = run.finish()
    assert (killer.result.outcome, killer.attempts, killer.speaks) == (Outcome.NODE_FAIL, 2, True)
    assert fine.result.outcome is Outcome.OK


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((Outcome.NODE_FAIL, "n1"), (Outcome.NODE_FAIL, "n1")),  # the node is to blame
        ((Outcome.NODE_FAIL, "n1"), (Outcome.PREEMPTED, "n2")),
        ((Outcome.NODE_FAIL, ""), (Outcome.NODE_FAIL, "n2")),  # lost by SLURM, not with a node
    ],
)
def test_other_losses_in_a_row_are_tried_again(
    scripted: Make, first: tuple[Outcome, str], second: tuple[Outcome, str]
) -> None:
    run = scripted(retries=2)
    run.cluster.answer(0, 1, RUNNING, ended(*first))
    run.cluster.answer(0, 2, RUNNING, ended(*second))
    landed, _ = run.finish()
    assert (landed.result.outcome, landed.attempts) == (Outcome.OK, 3)


def test_the_nodes_that_died_are_remembered_by_the_next_controller(scripted: Make) -> None:
    run = scripted(retries=5)
    run.cluster.answer(0, 1, RUNNING, ended(Outcome.NODE_FAIL, "n1"))
    run.cluster.answer(0, 2, *[RUNNING] * 5, ended(Outcome.NODE_FAIL, "n2"))
    run.cluster.answer(1, None, RUNNING)
    run.crash(after=6)
    run.cluster.answer(1, None, COMPLETED)
    run.deliver(1, 1)
    killer, _ = run.finish()
    assert (killer.result.outcome, killer.attempts) == (Outcome.NODE_FAIL, 2)


def test_a_crash_between_the_last_loss_and_its_verdict_costs_no_further_attempt(
    scripted: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scripted()
    run.cluster.answer(0, 1, RUNNING, ended(Outcome.NODE_FAIL, "n1"))
    run.cluster.answer(0, 2, RUNNING, ended(Outcome.NODE_FAIL, "n2"))
    with monkeypatch.context() as patch:

        def die(*_: object) -> None:
            raise Crash

        patch.setattr("orchestrator.jobs.pool.JobPool._decree", die)
        with pytest.raises(Crash):
            run.finish()
    assert len(run.events("lost")) == 2
    lost, _ = run.finish()
    assert (lost.result.outcome, lost.attempts) == (Outcome.NODE_FAIL, 2)
    assert (0, 3) not in run.cluster.submitted


class Limited:
    """Refuses what would be more jobs than `most`, of which each ends after a while."""

    def __init__(self, run: ScriptedRun, most: int, monkeypatch: pytest.MonkeyPatch):
        self._run, self.most, self.refused = run, most, 0
        self._submit = run.cluster.submit
        monkeypatch.setattr(run.cluster, "submit", self)

    def __call__(self, tasks: Sequence[Task], token: str, folder: Path, avoid: Collection[str]) -> list[Job]:
        landed = len(list(self._run.paths.results.glob("*.json")))
        if len(self._run.cluster.submitted) - landed + len(tasks) > self.most:
            self.refused += 1
            words = "sbatch: error: QOSMaxSubmitJobPerUserLimit"
            raise SubmissionFailed(words, transient=False, too_many=True)
        return self._submit(tasks, token, folder, avoid)


@pytest.mark.parametrize("most", [1, 3, 4])
def test_a_limit_on_how_many_jobs_a_user_may_have_is_waited_out_from_the_first_generation_on(
    scripted: Make, most: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """QOSMaxSubmitJobPerUserLimit ended a new run within seconds."""
    run = scripted(size=10, retries=0)
    run.cluster.otherwise = [*[RUNNING] * 20, OK]
    limit = Limited(run, most, monkeypatch)
    landed = run.finish()
    assert [(each.result.outcome, each.attempts) for each in landed] == [(Outcome.OK, 1)] * 10
    assert run.events("lost") == []
    assert len(run.cluster.batches[0]) == most if most == 1 else len(run.cluster.batches[0]) > 1
    assert len([record for record in caplog.records if "so many jobs are not taken" in record.message]) == 1
    assert limit.refused < 10 * 30


def test_what_a_limit_kept_from_the_queue_until_the_deadline_is_not_evaluated(
    scripted: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scripted(size=2, timeout=100)
    run.cluster.answer(0, None, RUNNING)
    run.clock.after(95, lambda: run.deliver(0, 2))  # the first attempts were refused together
    limit = Limited(run, 1, monkeypatch)
    run.clock.after(90, lambda: setattr(limit, "most", 0))
    first, second = run.finish()
    assert (first.result.outcome, second.result.outcome) == (Outcome.OK, Outcome.TIMEOUT)
    assert (second.speaks, second.attempts) == (False, 0)
    assert second.result.message.endswith("QOSMaxSubmitJobPerUserLimit")


def test_a_cluster_that_is_away_is_not_complained_of_at_every_attempt(
    scripted: Make, caplog: pytest.LogCaptureFixture
) -> None:
    run = scripted()
    away = SubmissionFailed("Unable to contact slurm controller", transient=True)
    run.cluster.refusals.extend([(away, False)] * 20)
    assert run.outcomes() == [Outcome.OK, Outcome.OK]
    assert len([record for record in caplog.records if "nothing submitted" in record.message]) == 1


def test_jobs_are_cancelled_until_the_executor_says_that_they_are_gone(
    scripted: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unwatched jobs would go on for hours after the generation's timeout."""
    run = scripted(timeout=60, size=1)
    run.cluster.answer(0, None, *[PENDING] * 30, *[UNKNOWN] * 200, RUNNING, ended(Outcome.CANCELLED))
    cancels: list[float] = []
    monkeypatch.setattr(run.cluster, "cancel", lambda jobs: cancels.append(run.clock.now))  # not heard
    with pytest.raises(RunFailed, match="every simulation of the generation failed"):
        run.finish()
    assert len(cancels) > 3


def test_a_stop_ends_the_waiting_for_an_executor_that_does_not_answer(
    scripted: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scripted(timeout=60, size=1)
    run.cluster.answer(0, None, *[PENDING] * 30, UNKNOWN)
    monkeypatch.setattr(run.cluster, "cancel", lambda jobs: None)
    run.clock.after(300, run.stop.set)
    with pytest.raises(Stopped, match="while the timeout of generation 0 was enforced"):
        run.finish()
    assert run.clock.now < START + 500
