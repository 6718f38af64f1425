"""Complete generations go once their jobs have ended; jobs that do not end are cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from orchestrator_project import CONFIG
from scripted_pool import OK, PENDING, RUNNING, START, Clock, ScriptedRun

from orchestrator.cluster import Job, State, Status
from orchestrator.files import append_json_line, write_json
from orchestrator.jobs import cleanup as module
from orchestrator.jobs.cleanup import Cleanup
from orchestrator.paths import GenerationPaths, RunPaths, kept_as
from orchestrator.records import Outcome, Result


@dataclass
class Executor:
    """Says of every job what the test says."""

    name: str = "fake"
    states: dict[str, State] = field(default_factory=dict)
    polls: int = 0
    cancelled: list[str] = field(default_factory=list)

    def poll(self, jobs: Sequence[Job]) -> Mapping[Job, Status]:
        self.polls += 1
        return {job: Status(self.states[job.id]) for job in jobs}

    def cancel(self, jobs: Sequence[Job]) -> None:
        self.cancelled += [job.id for job in jobs]


@dataclass
class Scene:
    """A run's directory, its executor, and the time."""

    paths: RunPaths
    clock: Clock
    executor: Executor
    cleanup: Cleanup

    def generation(self, number: int, **states: State) -> None:
        """Leave a generation with a job of each of these ids."""
        left_behind(self.paths.generation(number), f"g{number}", *states)
        self.executor.states.update(states)

    def look(self) -> None:
        self.cleanup.look(self.executor.poll(self.cleanup.jobs))

    @property
    def left(self) -> list[str]:
        return sorted(directory.name for directory in self.paths.generations.iterdir())


def left_behind(paths: GenerationPaths, token: str, *ids: str, executor: str = "fake") -> None:
    paths.create()
    tasks = [[n, 1] for n in range(len(ids))]
    append_json_line(
        paths.journal, {"event": "submitting", "token": token, "tasks": tasks, "executor": executor, "time": 1.0}
    )
    append_json_line(paths.journal, {"event": "submitted", "token": token, "ids": list(ids), "time": 1.0})


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Scene:
    clock, executor, paths = Clock(), Executor(), RunPaths(tmp_path / "run")
    for name in ("jobs.cleanup", "cluster.ending"):
        monkeypatch.setattr(f"orchestrator.{name}.time", clock)
    (tmp_path / "model.py").touch()
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({**CONFIG, "keep": {"directories": getattr(request, "param", "none")}}))
    paths.generations.mkdir(parents=True)
    return Scene(paths, clock, executor, Cleanup(paths, executor, getattr(request, "param", "none")))  # type: ignore[arg-type]


def test_a_generation_goes_once_all_of_its_jobs_have_ended(scene: Scene) -> None:
    scene.generation(0, a=State.ENDED, b=State.RUNNING)
    scene.generation(1, c=State.RUNNING)
    scene.cleanup.finish(range(1))
    assert [job.id for job in scene.cleanup.jobs] == ["a", "b"]
    assert scene.executor.polls == 0  # there is a look soon, by the way
    scene.look()
    assert scene.left == ["0", "1"]
    scene.executor.states["b"] = State.ABSENT
    scene.look()
    assert (scene.left, scene.cleanup.jobs, scene.executor.cancelled) == (["1"], [], [])


def test_a_job_that_does_not_end_is_cancelled_once_in_a_while(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.generation(0, a=State.ENDED, b=State.RUNNING, c=State.PENDING)
    scene.cleanup.finish(range(1))
    for _ in range(13):
        scene.clock.sleep(10)
        scene.look()
    assert scene.executor.cancelled == ["b", "c", "b", "c"]
    assert "these jobs have delivered their results, do not end, and are cancelled: b c" in caplog.text
    assert scene.left == ["0"]


def test_silence_is_no_reason_to_cancel_or_discard(scene: Scene) -> None:
    scene.generation(0, a=State.UNKNOWN)
    scene.cleanup.finish(range(1))
    scene.clock.sleep(100)
    scene.look()
    assert (scene.left, scene.executor.cancelled) == (["0"], [])


def test_generations_too_short_for_a_look_do_not_pile_up(scene: Scene) -> None:
    for number in range(5):
        scene.generation(number, **{f"job{number}": State.ENDED})
        scene.cleanup.finish(range(number + 1))
        assert len(scene.left) <= 1
    assert scene.executor.polls == 2


def test_at_the_end_of_the_run_everything_goes(scene: Scene) -> None:
    scene.generation(0, a=State.RUNNING)
    scene.generation(1, b=State.ENDED)
    scene.cleanup.finish(range(2))
    scene.cleanup.settle()
    assert (scene.left, scene.cleanup.jobs, scene.executor.cancelled) == ([], [], ["a"])
    assert scene.clock.now < Clock().now + 30


def test_at_the_end_a_job_gets_a_moment_to_tidy_up(scene: Scene) -> None:
    scene.generation(0, a=State.RUNNING)
    scene.cleanup.finish(range(1))
    scene.clock.after(3, lambda: scene.executor.states.update(a=State.ENDED))
    scene.cleanup.settle()
    assert (scene.left, scene.executor.cancelled) == ([], [])


def test_a_generation_whose_journal_is_gone_or_of_another_executor_is_nobodys(scene: Scene) -> None:
    scene.paths.generation(0).create()  # half deleted when the controller before died
    left_behind(scene.paths.generation(1), "g1", "token-0", executor="local")
    scene.cleanup.finish(range(2))
    assert scene.cleanup.jobs == []
    scene.look()
    assert scene.left == []


def test_what_is_no_generation_is_left_alone(scene: Scene) -> None:
    (scene.paths.generations / "3.bak").mkdir()
    scene.generation(0, a=State.ENDED)
    scene.cleanup.finish(range(1))
    scene.look()
    assert scene.left == ["3.bak"]


@pytest.mark.parametrize("scene", ["failed"], indirect=True)
def test_an_offspring_that_was_measured_is_not_kept_with_the_failed(scene: Scene) -> None:
    """Its job may have been ended while it removed the simulation."""
    scene.generation(0, a=State.ENDED)
    for index, outcome in enumerate((Outcome.OK, Outcome.EXPLODED)):
        attempt = scene.paths.generation(0).attempt(index, 1)
        attempt.simulation.mkdir(parents=True)
        write_json(attempt.result, Result(outcome).to_json())
    scene.cleanup.finish(range(1))
    scene.look()
    assert [path.name for path in (scene.paths.kept / "0").iterdir()] == ["1"]


@pytest.mark.parametrize("scene", ["all"], indirect=True)
def test_what_is_to_be_kept_is_kept(scene: Scene) -> None:
    scene.generation(0, a=State.ENDED)
    attempt = scene.paths.generation(0).attempt(3, 1)
    attempt.simulation.mkdir(parents=True)
    (attempt.simulation / "Segment0.pickle").touch()
    scene.cleanup.finish(range(1))
    scene.look()
    assert scene.left == []
    assert (scene.paths.kept / "0" / "3" / "1" / "simulation" / "Segment0.pickle").exists()


def test_the_executor_is_asked_about_the_generation_before_together_with_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that lost sight of a job would be taken for busy, and so would a simulation that hangs at its exit."""
    run = ScriptedRun(tmp_path, monkeypatch, number=1, size=1)
    left_behind(RunPaths(tmp_path).generation(0), "old", "9_0")
    ghost = run.cluster.add(Job("old", "9_0"), (7, 1))
    run.cluster.answer(7, 1, RUNNING)
    run.cluster.answer(0, None, *[RUNNING] * 200)
    cleanup = run.cleanup()
    cleanup.finish(range(1))
    run.clock.after(module._PATIENCE + 40, lambda: run.deliver(0, 1))
    run.finish(cleanup)
    assert run.cluster.cancelled == [ghost]
    assert not RunPaths(tmp_path).generation(0).directory.exists()


def test_a_job_that_does_not_end_makes_room_for_others_of_its_generation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ScriptedRun(tmp_path, monkeypatch, size=2)
    run.cluster.answer(0, None, RUNNING)
    run.clock.after(5, lambda: run.deliver(0, 1))
    # there is only one node
    run.cluster.answer(1, None, PENDING)
    run.cluster.on_cancel = lambda: run.cluster.answer(1, None, RUNNING, OK)
    first, second = run.finish()
    assert [first.result.outcome, second.result.outcome] == [Outcome.OK, Outcome.OK]
    assert run.cluster.cancelled == [(0, 1)]
    assert module._PATIENCE < run.clock.now - START < module._PATIENCE + 30


def test_what_is_kept_of_trials_is_below_their_offspring() -> None:
    generation = GenerationPaths(Path("3"))
    assert kept_as(generation.attempt(5, 2).directory, 1) == Path("5/2")
    assert kept_as(generation.attempt(5, 2).directory, 4) == Path("1/trial-1/2")
    assert kept_as(generation.together(1, [1, 2, 1, 1]).directory, 4) == Path("1/2")
