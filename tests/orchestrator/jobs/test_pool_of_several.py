"""One pool with more than one generation, or a generation that grows, as schedules that do not wait need it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scripted_pool import COMPLETED, OK, RUNNING, ScriptedRun, Status, ended

from orchestrator.errors import RunFailed, Stopped
from orchestrator.files import write_json
from orchestrator.jobs.pool import JobPool
from orchestrator.paths import AttemptPaths, GenerationPaths
from orchestrator.records import Offspring, Outcome, Result
from orchestrator.results import new_results

Make = Callable[..., ScriptedRun]


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda **options: ScriptedRun(tmp_path, monkeypatch, **options)


def next_generation(run: ScriptedRun, index: int) -> tuple[Offspring, GenerationPaths]:
    """Return an offspring of the generation after the run's first; the cluster knows offspring by their index only."""
    return Offspring(1, index, (0.5,), {"x": 0.5}), GenerationPaths(run.paths.directory.parent / "1")


def land(pool: JobPool, number: int) -> None:
    landed = 0
    while landed < number:
        landed += len(pool.wait())


def test_results_of_a_folder_count_whenever_their_offspring_are_added(scripted: Make) -> None:
    """A schedule with one deadline for each offspring adds them one by one when a run is continued."""
    run = scripted(size=3)
    run.cluster.otherwise = [RUNNING]
    run.crash(after=5)
    for index in range(3):
        run.deliver(index, 1)
    run.cluster.otherwise = [COMPLETED]
    with run.pool() as pool:
        for offspring in run.offspring:
            pool.add([offspring])
        landed = pool.wait()
    assert [(one.offspring.index, one.result.outcome) for one in landed] == [(n, Outcome.OK) for n in range(3)]
    assert run.cluster.submitted == [(0, 1), (1, 1), (2, 1)]


def test_a_failed_run_keeps_the_folders_of_jobs_that_go_on(scripted: Make) -> None:
    run = scripted(size=1)
    other, paths = next_generation(run, 1)
    run.cluster.answer(1, None, RUNNING)
    with run.pool() as pool:
        pool.add(run.offspring)
        pool.add([other])
        land(pool, 1)
        pool.discard_unused()  # a target's score is no number, say
    assert paths.journal.exists()
    assert run.paths.journal.exists()
    assert run.cluster.cancelled == []


def test_if_all_that_is_told_together_has_failed_other_jobs_are_ended_too(scripted: Make) -> None:
    run = scripted(size=1)
    other, paths = next_generation(run, 1)
    run.cluster.answer(0, None, Result(Outcome.SIMULATION_ERROR, message="boom"))
    run.cluster.answer(1, None, RUNNING)
    with run.pool() as pool:
        pool.add(run.offspring)
        pool.add([other])
        land(pool, 1)
        with pytest.raises(RunFailed, match="every simulation of the generation failed: boom"):
            pool.refuse_if_all_failed(run.offspring)
        assert run.cluster.cancelled == [(1, 1)]
        assert not list(run.paths.results.iterdir())
        pool.discard_unused()
    assert not paths.directory.exists()
    assert not run.paths.directory.exists()


def test_a_node_that_has_worked_for_an_earlier_generation_is_avoided_once_it_starts_nothing(scripted: Make) -> None:
    run = scripted(size=2)
    run.cluster.answer(0, None, Result(Outcome.OK, host="n8"))
    run.cluster.answer(1, None, Result(Outcome.OK, host="n9"))
    other, paths = next_generation(run, 2)

    def deliver(_: AttemptPaths) -> Status:
        write_json(paths.attempt(2, 2).result, OK.to_json())
        return COMPLETED

    run.cluster.answer(2, 1, RUNNING, ended(node="n9"))
    run.cluster.answer(2, 2, RUNNING, deliver)
    with run.pool() as pool:
        pool.add(run.offspring)
        land(pool, 2)
        pool.forget(0)
        pool.add([other])
        land(pool, 1)
    assert run.cluster.avoided == [set(), set(), {"n9"}]


def test_a_stop_is_heard_although_results_keep_coming_in(scripted: Make) -> None:
    run = scripted(size=3)
    run.cluster.otherwise = [RUNNING]
    with run.pool() as pool:
        pool.add(run.offspring)
        run.clock.after(5, lambda: run.deliver(0, 1))
        land(pool, 1)
        run.stop.set()
        run.deliver(1, 1)
        with pytest.raises(Stopped):
            pool.wait()


def test_many_jobs_that_end_at_once_without_results_are_looked_for_once(
    scripted: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scripted(size=30)
    run.cluster.otherwise = [RUNNING, ended(Outcome.OUT_OF_MEMORY)]
    run.cluster.answer(0, None, RUNNING, OK)
    listings: list[Path] = []

    def listed(folder: Path, seen: set[str]) -> Iterator[tuple[int, int, Result]]:
        listings.append(folder)
        return new_results(folder, seen)

    monkeypatch.setattr("orchestrator.jobs.folders.new_results", listed)
    assert run.outcomes() == [Outcome.OK, *[Outcome.OUT_OF_MEMORY] * 29]
    assert len(listings) < 10


def test_a_file_that_is_no_result_does_not_disturb_what_is_asked_for_later(scripted: Make) -> None:
    """Its name, which is no number, was read as that of an offspring."""
    run = scripted(size=2)
    with run.pool() as pool:
        pool.add(run.offspring[:1])
        (run.paths.results / "notes.json").write_text("{")
        land(pool, 1)
        pool.add(run.offspring[1:])
        land(pool, 1)


def test_a_stop_together_with_the_last_result_is_a_stop(scripted: Make) -> None:
    run = scripted(size=1, survives=False)
    run.cluster.otherwise = [RUNNING]

    def last() -> None:
        run.deliver(0, 1)
        run.stop.set()

    run.clock.after(5, last)
    with pytest.raises(Stopped, match="stopped in generation 0"):
        run.finish()
    run.cluster.otherwise = [COMPLETED]
    assert run.outcomes() == [Outcome.OK]
    assert run.cluster.submitted == [(0, 1)]
