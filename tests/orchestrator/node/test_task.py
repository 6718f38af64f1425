"""What the controller hands to a node is what the node reads."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from orchestrator_project import Project

from orchestrator.config.file import load_config
from orchestrator.config.model import Config
from orchestrator.data import DataSource
from orchestrator.errors import ConfigError
from orchestrator.node.claim import claim
from orchestrator.node.evaluate import evaluate
from orchestrator.node.task import VERSION, NodeTask
from orchestrator.paths import GenerationPaths
from orchestrator.records import Offspring, Outcome
from orchestrator.results import read_result
from orchestrator.simulations import model_of
from orchestrator.simulations.function import FunctionOptions
from orchestrator.simulations.phases import Phase, phases
from orchestrator.simulations.seeds import seeds_of_trial


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(Project.create(tmp_path, {"keep": {"directories": "failed", "log_lines": 7}}).config)


@pytest.fixture
def task(config: Config, tmp_path: Path) -> NodeTask:
    offspring = Offspring(3, 1, (0.5, 0.1), {"x": 0.5, "y": -1.6})
    attempt = GenerationPaths(tmp_path / "generations/3").attempt(1, 2)
    attempt.directory.mkdir(parents=True)
    return NodeTask.of(config, model_of(config), offspring, attempt, 2)


def test_what_is_written_is_what_is_read(task: NodeTask) -> None:
    task.write()
    read = NodeTask.read(task.paths.task)
    assert read == task
    assert isinstance(read.simulation, FunctionOptions)
    assert (read.generation, read.index, read.attempt) == (3, 1, 2)
    assert (read.keep, read.log_lines, read.measure_on) == ("failed", 7, "job")
    assert read.paths.directory.parts[-3:] == ("3", "1", "2")


def test_data_and_what_is_kept_of_recordings_are_read(config: Config, tmp_path: Path) -> None:
    offspring, attempt = Offspring(0, 0, (0.5, 0.1), {"x": 0.5, "y": -1.6}), GenerationPaths(tmp_path).attempt(0, 1)
    frozen = tmp_path / "data.npz"
    without = NodeTask.of(config, model_of(config), offspring, attempt, 1, data=frozen)
    assert without.data is None  # the configuration has no section data
    assert without.keep_recordings
    source = {"data": {"rec": DataSource(file=Path("rec.csv"))}, "keep": config.keep.model_copy(update={"best": 0})}
    changed = config.model_copy(update=source)
    task = NodeTask.of(changed, model_of(changed), offspring, attempt, 1, data=frozen)
    read = NodeTask.from_json(json.loads(json.dumps(task.to_json())))
    assert read == task
    assert (read.data, read.keep_recordings) == (frozen, False)
    # as controllers of the version before wrote it
    older = {key: value for key, value in task.to_json().items() if key != "data"}
    assert NodeTask.from_json({**older, "keep": {"directories": "all", "log_lines": 1}}).data is None


def test_it_can_be_simulated_from_what_is_read(task: NodeTask) -> None:
    task.write()
    read, attempt = NodeTask.read(task.paths.task), task.paths
    sys.modules.pop("model", None)  # of another test
    simulation = read.create_simulation()
    simulation.simulate(read.all_parameters, attempt)
    assert simulation.recordings(attempt) == {"rate": 5.0, "cv": pytest.approx(2.56)}


def test_a_trial_alone_has_its_seeds_and_leaves_the_measuring_to_others(tmp_path: Path) -> None:
    simulation = {
        "type": "function",
        "function": "model:simulate",
        "seeds": {"seed": 7},
        "trials": 3,
        "job_per_trial": True,
    }
    config = load_config(Project.create(tmp_path, {"simulation": simulation}).config)
    attempt = GenerationPaths(tmp_path / "generations/0").attempt(5, 1)
    attempt.directory.mkdir(parents=True)
    offspring = Offspring(0, 1, (0.5, 0.1), {"x": 0.5, "y": -1.6})
    NodeTask.of(config, model_of(config), offspring, attempt, 1, trial=2).write()
    read = NodeTask.read(attempt.task)
    assert (read.trial, read.index, read.measure_on, read.seeds) == (2, 1, "controller", {"seed": 7})
    assert read.all_parameters == {"x": 0.5, "y": -1.6, **seeds_of_trial({"seed": 7}, 2)}
    made = read.create_simulation()
    assert (made.options.trials, made.context.trial) == (1, 2)
    # a node of an earlier version would simulate all of them
    assert json.loads(attempt.task.read_text())["version"] == VERSION + 1


def test_seeds_of_a_reevaluation_are_those_that_trials_begin_with(tmp_path: Path) -> None:
    simulation = {"type": "function", "function": "model:simulate", "seeds": {"seed": 7}, "trials": 3}
    config = load_config(Project.create(tmp_path, {"simulation": {**simulation, "job_per_trial": True}}).config)
    attempt = GenerationPaths(tmp_path / "generations/0").attempt(5, 1)
    offspring = Offspring(0, 1, (0.5, 0.1), {"x": 0.5, "y": -1.6, "seed": 11})
    task = NodeTask.of(config, model_of(config), offspring, attempt, 1, trial=1)
    assert task.all_parameters == {"x": 0.5, "y": -1.6, **seeds_of_trial({"seed": 11}, 1)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"simulation": {"trials": 1, "job_per_trial": True}}, "expected several trials, got one"),
        ({"jobs": {"evaluations_per_job": 4}}, "expected 1, as simulation.job_per_trial gives each trial a job"),
    ],
)
def test_a_job_for_each_trial_wants_several_and_no_other_in_it(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    simulation = {"type": "function", "function": "model:simulate", "seeds": {"seed": 7}, "trials": 3}
    section = {**simulation, "job_per_trial": True, **changes.get("simulation", {})}
    project = Project.create(tmp_path, {**changes, "simulation": section})
    with pytest.raises(ConfigError, match=message):
        load_config(project.config)


def test_a_job_that_its_site_queued_again_has_lost_what_it_had_done(
    task: NodeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    task.write()
    assert claim(task.paths.directory)
    evaluate(str(task.paths.task))
    assert phases(task.paths) == {}  # the same job twice, by a controller in doubt: the first one goes on
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    evaluate(str(task.paths.task))
    assert list(phases(task.paths)) == [Phase.TERMINATED]
    assert not task.paths.result.exists()


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"version": VERSION + 1}, f"expected a task of version {VERSION}, got {VERSION + 1}: nodes need the controller's"),
    ({"version": None}, f"expected a task of version {VERSION}, got None"),
    ({"parameters": 3}, "is not a task: TypeError"),
    ({"keep": {"directories": "some", "log_lines": 1}}, "keep: unexpected 'some'"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES, ids=[message[:40] for _, message in CHANGES])
def test_what_is_no_task_of_this_version_is_refused(task: NodeTask, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NodeTask.from_json({**task.to_json(), **change})


@pytest.mark.parametrize("key", ["parameters", "simulation", "context", "result", "keep"])
def test_what_lacks_a_part_is_no_task(task: NodeTask, key: str) -> None:
    data = {name: value for name, value in task.to_json().items() if name != key}
    with pytest.raises(ValueError, match=f"is not a task: KeyError: '{key}'"):
        NodeTask.from_json(data)


def test_a_task_of_the_version_before_says_what_is_the_matter(task: NodeTask) -> None:
    data = {name: value for name, value in task.to_json().items() if name != "version"}
    with pytest.raises(ValueError, match=r"got none, from orchestrator 0\.1: nodes need the controller's version"):
        NodeTask.from_json(json.loads(json.dumps(data)))


FORMS = {
    "x": [0, 1],
    "y": {"expression": "1 / x"},
    "ena": {"names": ["soma.ena", "axon.ena"], "bounds": [40, 60]},
    "n": 3,
}


def task_of(folder: Path, searched: dict[str, float]) -> NodeTask:
    """Return the task of an offspring, written and read again."""
    project = Project.create(folder, {"parameters": FORMS, "optimiser_centroid": {"x": 0.5}})
    config = load_config(project.config)
    attempt = GenerationPaths(folder / "generations/0").attempt(1, 1)
    attempt.directory.mkdir(parents=True)
    attempt.result.parent.mkdir(parents=True, exist_ok=True)
    NodeTask.of(config, model_of(config), Offspring(0, 1, (0.5, 0.5), searched), attempt, 1).write()
    return NodeTask.read(attempt.task)


def test_a_simulation_gets_what_is_searched_under_all_names_with_constants_and_expressions(tmp_path: Path) -> None:
    task = task_of(tmp_path, {"x": 0.5, "ena": 50.0})
    assert task.all_parameters == {"x": 0.5, "y": 2.0, "soma.ena": 50.0, "axon.ena": 50.0, "n": 3}
    assert isinstance(task.all_parameters["n"], int)


def test_other_seeds_of_a_reevaluation_are_not_lost_beside_expressions(tmp_path: Path) -> None:
    task = task_of(tmp_path, {"x": 0.5, "ena": 50.0, "seed": 8})
    assert task.all_parameters["seed"] == 8


def test_an_expression_without_a_value_is_a_failure_of_the_parameters_and_nothing_is_simulated(tmp_path: Path) -> None:
    task = task_of(tmp_path, {"x": 0.0, "ena": 50.0})
    evaluate(str(task.paths.task))
    result = read_result(task.result)
    assert result.outcome is Outcome.SIMULATION_ERROR
    assert result.message == "parameter y: '1 / x' has no value with x = 0: division by zero"
    assert not (tmp_path / "simulated").exists()
