"""Evaluations of which each trial has a job of its own."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_pool import COMPLETED, RUNNING, ScriptedRun, Status, ended

from orchestrator import results
from orchestrator.errors import RunFailed
from orchestrator.files import write_json
from orchestrator.jobs.entries import Landed
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome, Result
from orchestrator.results import read_result
from orchestrator.text import LOG_DATA

Make = Callable[..., ScriptedRun]
LEFT = Result(Outcome.OK, host="n9", started=10.0, finished=20.0, seconds={"protocols": 4.0}, measured=False)


def leaves(paths: AttemptPaths) -> Status:
    """Do as a job that has simulated one trial."""
    if not paths.result.exists():
        paths.simulation.mkdir(parents=True)
        (paths.simulation / "of").write_text(f"{paths.directory.parent.name}.{paths.directory.name}")
        write_json(paths.result, LEFT.to_json())
    return COMPLETED


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda **options: ScriptedRun(tmp_path, monkeypatch, otherwise=[RUNNING, leaves], **options)


def finish(run: ScriptedRun, trials: int) -> list[Landed]:
    with run.pool_of_trials(trials) as pool:
        pool.add(run.offspring)
        landed: list[Landed] = []
        while not pool.is_idle:
            landed += pool.wait()
        pool.refuse_if_all_failed(run.offspring)
        return sorted(landed, key=lambda one: one.offspring.index)


def crash(run: ScriptedRun, trials: int, after: float) -> None:
    class Died(BaseException):
        pass

    def die() -> None:
        raise Died

    run.clock.after(after, die)
    with pytest.raises(Died):
        finish(run, trials)


def brought_together(run: ScriptedRun, index: int) -> list[str]:
    folder = max(run.paths.directory.glob(f"together/{index}/*/simulation"))
    return [(each / "of").read_text() for each in sorted(folder.iterdir())]


def test_trials_are_submitted_one_by_one_and_land_as_one(scripted: Make) -> None:
    run = scripted(size=2)
    landed = finish(run, 3)
    assert [one.offspring for one in landed] == run.offspring
    assert [one.result.values for one in landed] == [{"rate": 1.0}, {"rate": 1.0}]
    assert all(one.result.outcome is Outcome.OK and one.result.measured for one in landed)
    assert run.cluster.submitted == [(index, 1) for index in range(6)]
    assert brought_together(run, 0) == ["0.1", "1.1", "2.1"]
    assert brought_together(run, 1) == ["3.1", "4.1", "5.1"]
    assert [index for index, _ in run.measuring.added] == [0, 1]


def test_the_times_of_an_evaluation_are_those_of_all_its_trials(scripted: Make) -> None:
    run = scripted(size=1)

    def late(paths: AttemptPaths) -> Status:
        status = leaves(paths)
        write_json(paths.result, replace(LEFT, started=15.0, finished=40.0, peak_memory=7).to_json())
        return status

    run.cluster.answer(1, None, late)
    (landed,) = finish(run, 2)
    assert (landed.result.started, landed.result.finished, landed.result.peak_memory) == (10.0, 40.0, 7)
    assert landed.result.seconds == {"protocols": 8.0}


def test_what_one_trial_says_is_said_of_all_and_the_others_are_ended(scripted: Make) -> None:
    run = scripted(size=1)
    run.cluster.otherwise = [RUNNING]
    run.cluster.answer(1, None, Result(Outcome.EXPLODED, message="120 Hz"))
    run.cluster.answer(2, None, leaves)
    with run.pool_of_trials(3) as pool:
        pool.add(run.offspring)
        (landed,) = pool.wait()
        assert pool.is_idle
    assert (landed.offspring, landed.result.outcome, landed.result.message) == (
        run.offspring[0],
        Outcome.EXPLODED,
        "120 Hz",
    )
    assert run.cluster.cancelled == [(0, 1)]
    assert not run.measuring.added
    # a controller that comes later finds the same, and submits nothing
    (again,) = finish(run, 3)
    assert again.result == landed.result
    assert len(run.cluster.submitted) == 3


def test_a_trial_that_is_lost_is_submitted_again_alone(scripted: Make) -> None:
    run = scripted(size=1)
    run.cluster.answer(1, 1, RUNNING, ended(Outcome.NODE_FAIL))
    (landed,) = finish(run, 2)
    assert landed.result.outcome is Outcome.OK
    assert landed.attempts == 2
    assert run.cluster.submitted == [(0, 1), (1, 1), (1, 2)]
    assert brought_together(run, 0) == ["0.1", "1.2"]


@pytest.mark.parametrize("after", [0.5, 1.5, 2.5, 3.5])
def test_a_controller_that_comes_after_another_simulates_nothing_again(scripted: Make, after: float) -> None:
    run = scripted(size=2)
    run.cluster.answer(3, None, RUNNING, RUNNING, RUNNING, leaves)
    crash(run, 2, after)
    landed = finish(run, 2)
    assert [one.result.outcome for one in landed] == [Outcome.OK, Outcome.OK]
    assert run.cluster.submitted == [(index, 1) for index in range(4)]


def test_a_measurement_that_was_not_taken_is_taken_by_the_next_controller(
    scripted: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had been measured, and the simulation removed, when the controller died."""
    run = scripted(size=1)
    finish(run, 2)
    together = run.paths.together(0, [1, 1])
    done = replace(read_result(together.result), values={"rate": 5.0})
    write_json(together.result, done.to_json())
    shutil.rmtree(together.simulation)
    for index in range(2):
        run.deliver(index, 1, LEFT)
    run.measuring.added.clear()
    (landed,) = finish(run, 2)
    assert landed.result.values == {"rate": 5.0}
    assert not run.measuring.added


def test_what_is_gone_before_it_was_measured_is_simulated_again(scripted: Make) -> None:
    run = scripted(size=1)
    run.cluster.answer(1, 1, RUNNING, lambda paths: write_json(paths.result, LEFT.to_json()) or COMPLETED)
    (landed,) = finish(run, 2)
    assert landed.result.outcome is Outcome.OK
    assert run.cluster.submitted == [(0, 1), (1, 1), (1, 2)]
    assert [loss["reason"] for loss in run.events("lost")] == ["what it has left is gone"]


def test_measuring_that_fails_for_good_is_the_evaluations_failure(scripted: Make) -> None:
    run = scripted(size=2)
    run.measuring.findings[0] = Result(Outcome.SIMULATION_ERROR, message="no such key")
    first, second = finish(run, 2)
    assert (first.result.outcome, first.result.message) == (Outcome.SIMULATION_ERROR, "no such key")
    assert second.result.outcome is Outcome.OK
    assert len(run.cluster.submitted) == 4


def test_measuring_that_was_killed_is_tried_again_from_the_same_files(scripted: Make) -> None:
    run = scripted(size=1)
    run.measuring.findings[0] = Result(Outcome.CANCELLED, message="measuring was killed")
    run.clock.after(20.0, run.measuring.findings.clear)
    (landed,) = finish(run, 2)
    assert landed.result.outcome is Outcome.OK
    assert run.cluster.submitted == [(0, 1), (1, 1)]
    assert 1 < len(run.measuring.added) < 6  # with growing pauses


def test_measuring_that_is_killed_again_and_again_has_a_trial_simulated_again(scripted: Make) -> None:
    run = scripted(size=1)
    run.measuring.findings[0] = Result(Outcome.CANCELLED, message="measuring was killed")

    def leaves_less(paths: AttemptPaths) -> Status:
        run.measuring.findings.clear()
        return leaves(paths)

    run.cluster.answer(0, 2, leaves_less)
    (landed,) = finish(run, 2)
    assert landed.result.outcome is Outcome.OK
    assert run.cluster.submitted == [(0, 1), (1, 1), (0, 2)]
    assert brought_together(run, 0) == ["0.2", "1.1"]


def test_what_a_failed_run_has_left_is_never_taken_for_the_next_ones(scripted: Make) -> None:
    run = scripted(size=1)
    run.measuring.findings[0] = Result(Outcome.SIMULATION_ERROR, message="of old files")
    with pytest.raises(RunFailed, match="of old files"):
        finish(run, 2)
    run.measuring.findings.clear()
    together = run.paths.together(0, [1, 1])
    write_json(together.result, replace(LEFT, outcome=Outcome.SIMULATION_ERROR, measured=True).to_json())
    (landed,) = finish(run, 2)
    assert landed.result.outcome is Outcome.OK
    assert brought_together(run, 0) == ["0.2", "1.2"]


def test_a_measurement_is_not_made_again_of_what_its_process_had_begun_to_remove(scripted: Make) -> None:
    run = scripted(size=1)
    finish(run, 2)
    together = run.paths.together(0, [1, 1])
    write_json(together.result, replace(read_result(together.result), values={"rate": 5.0}).to_json())
    (together.trial(0) / "of").unlink()
    for index in range(2):
        run.deliver(index, 1, LEFT)
    run.measuring.added.clear()
    (landed,) = finish(run, 2)
    assert (landed.result.values, run.measuring.added) == ({"rate": 5.0}, [])


def test_trials_that_wait_for_others_show_that_simulations_work(scripted: Make) -> None:
    """Two nodes on which nothing can be started do not end a run in which others have delivered."""
    run = scripted(size=1)
    for index in (3, 4, 5):
        bad = Result(Outcome.LAUNCH_FAILED, message="no such file", host=f"bad{index}")
        run.cluster.answer(index, 1, RUNNING, RUNNING, RUNNING, bad)
    (landed,) = finish(run, 6)
    assert landed.result.outcome is Outcome.OK
    assert landed.attempts == 2


def test_trials_that_wait_are_not_read_again_and_again(scripted: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    run, read = scripted(size=1), Counter[str]()
    original = results.read_result

    def counted(path: Path) -> Result:
        read[path.name] += 1
        return original(path)

    monkeypatch.setattr(results, "read_result", counted)
    run.cluster.answer(2, None, *[RUNNING] * 50, leaves)
    finish(run, 3)
    assert max(read.values()) < 5


def test_an_evaluation_is_told_once(scripted: Make, caplog: pytest.LogCaptureFixture) -> None:
    run = scripted(size=2)
    caplog.set_level("INFO")
    finish(run, 3)
    told = [getattr(record, LOG_DATA) for record in caplog.records if hasattr(record, LOG_DATA)]
    assert [(each["event"], each["offspring"]) for each in told] == [("landed", 0), ("landed", 1)]


def test_at_the_deadline_what_never_began_says_nothing(scripted: Make) -> None:
    run = scripted(size=2, timeout=50.0)

    def goes_on(paths: AttemptPaths) -> Status:
        run.beat(paths)
        return RUNNING

    run.cluster.answer(0, None, goes_on)
    run.cluster.answer(1, None, Status(RUNNING.state.PENDING))
    landed = finish(run, 2)
    assert (landed[0].result.outcome, landed[0].speaks) == (Outcome.TIMEOUT, False)
    assert landed[1].result.outcome is Outcome.OK
    # the same for a controller that comes later, whatever each trial is told
    again = finish(run, 2)
    assert (again[0].result.outcome, again[0].speaks) == (Outcome.TIMEOUT, False)


def test_at_the_deadline_trials_that_ran_have_run_out_of_time(scripted: Make) -> None:
    run = scripted(size=2, timeout=50.0)

    def goes_on(paths: AttemptPaths) -> Status:
        run.beat(paths)
        return RUNNING

    run.cluster.answer(0, None, goes_on)
    first, second = finish(run, 2)
    assert (first.result.outcome, first.speaks) == (Outcome.TIMEOUT, True)
    assert second.result.outcome is Outcome.OK


def test_a_run_that_failed_starts_afresh(scripted: Make) -> None:
    run = scripted(size=1)
    run.cluster.otherwise = [Result(Outcome.SIMULATION_ERROR, message="boom")]
    with pytest.raises(RunFailed, match="every simulation of the generation failed: boom"):
        finish(run, 2)
    run.cluster.otherwise = [RUNNING, leaves]
    (landed,) = finish(run, 2)
    assert landed.result.outcome is Outcome.OK
    assert run.cluster.submitted == [(0, 1), (1, 1), (0, 2), (1, 2)]


def test_trials_are_told_apart_in_the_log(scripted: Make, caplog: pytest.LogCaptureFixture) -> None:
    run = scripted(size=2)
    run.cluster.answer(3, 1, RUNNING, ended(Outcome.NODE_FAIL))
    caplog.set_level("INFO")
    finish(run, 2)
    assert "generation 0: submitted 4 trials" in caplog.text
    assert "generation 0 offspring 1 trial 1: attempt lost, NODE_FAIL" in caplog.text
