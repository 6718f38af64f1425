"""Networks of hnn-core: options, what check says, and what a job makes of hnn-core, with a stand-in for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stand_in_hnn
import yaml

from orchestrator.config.file import load_config
from orchestrator.config.model import Config
from orchestrator.errors import UsageError
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations import SimulationFailed, create_simulation, model_of
from orchestrator.simulations.hnn import options as options_module
from orchestrator.simulations.hnn.options import HNNOptions
from orchestrator.simulations.hnn.rehearsal import NotedParameters, rehearse
from orchestrator.simulations.options import SimulationContext
from orchestrator.simulations.registry import simulation_options
from targets import Recordings

SECTION = {
    "type": "hnn",
    "network": "hnn_core:small_model",
    "network_arguments": {"mesh_shape": [3, 3]},
    "set_params": "fitted:set_params",
    "tstop": 10,
    "dt": 0.5,
}


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A model directory, and a process that does not know its modules."""
    directory = tmp_path / "model"
    directory.mkdir()
    (directory / "fitted.py").write_text(stand_in_hnn.FITTED)
    monkeypatch.chdir(directory)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.delitem(sys.modules, "fitted", raising=False)
    return directory


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in_hnn.install(tmp_path / "packages", monkeypatch)


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options_module.importlib.util, "find_spec", lambda name: None)


def config_of(project: Path, parameters: dict[str, Any] | None = None, **changes: Any) -> Config:
    section = {**SECTION, **changes.pop("simulation", {})}
    content = {
        "parameters": parameters or {"height": [0, 4]},
        "targets": [{"class": "ReturnedValue", "key": "x", "target_value": 1, "norm": 1}],
        "simulation": section,
        "model_dir": ".",
        "executor": "local",
        **changes,
    }
    (project / "config.yaml").write_text(yaml.safe_dump(content))
    return load_config(project / "config.yaml")


def simulated(project: Path, parameters: dict[str, float], **changes: Any) -> Recordings:
    section = simulation_options({**SECTION, **changes}, project)
    made = create_simulation(section, project, SimulationContext())
    files = AttemptPaths(project / "0/1", project / "0.1.json")
    files.directory.mkdir(parents=True)
    made.simulate(parameters, files)
    assert set(made.seconds(files)) == {"build", "protocols"}
    found = made.recordings(files)
    assert isinstance(found, Recordings)
    return found


@pytest.mark.usefixtures("stand_in")
def test_a_trial_is_scaled_then_smoothed_and_leaves_dipoles_and_spikes(project: Path) -> None:
    found = simulated(project, {"height": 2.0}, scale=3000, smooth=30)
    assert set(found.traces) == {"dipole.agg", "dipole.L2", "dipole.L5"}
    trace = found.traces["dipole.agg"]
    assert (trace.unit, trace.time_unit) == ("nAm", "ms")
    assert np.array_equal(trace.times, np.arange(0, 10.5, 0.5))
    assert np.array_equal(trace.values, np.full(21, 2.0 * 3000 + 30))
    assert np.array_equal(found.traces["dipole.L2"].values, np.full(21, 0.5 * 3000 + 30))
    assert found.events["spikes"].times.tolist() == [2.0, 5.0]
    assert found.events["spikes"].labels.tolist() == ["evprox1", "L5_pyramidal"]


@pytest.mark.usefixtures("stand_in")
def test_several_trials_are_rows_and_each_is_kept(project: Path) -> None:
    found = simulated(project, {"height": 1.0}, trials=3)
    assert found.traces["dipole.agg"].rows[:, 0].tolist() == [1.0, 2.0, 3.0]
    assert [each.traces["dipole.agg"].values[0] for each in found.trials] == [1.0, 2.0, 3.0]
    assert found.events["spikes"].of("L5_pyramidal").tolist() == [5.0, 6.0, 7.0]


@pytest.mark.usefixtures("stand_in")
def test_trials_of_jobs_of_their_own_are_read_as_those_of_one(project: Path) -> None:
    section = simulation_options({**SECTION, "trials": 2, "job_per_trial": True}, project)
    files = AttemptPaths(project / "0/1", project / "0.1.json")
    files.simulation.mkdir(parents=True)
    for number in range(2):
        own = AttemptPaths(project / f"{number}/2", project / f"{number}.2.json")
        own.directory.mkdir(parents=True)
        made = create_simulation(section.of_one_trial(), project, SimulationContext(trial=number))
        made.simulate({"height": 2.0}, own)
        own.simulation.rename(files.trial(number))
    found = create_simulation(section, project, SimulationContext()).recordings(files)
    # the second trial: its drive's seed is as many further as the network has cells
    assert found.traces["dipole.agg"].rows[:, 0].tolist() == [2.0, 2.0 + 40]


@pytest.mark.usefixtures("stand_in")
def test_a_network_of_ones_own_comes_from_the_model_directory(project: Path) -> None:
    found = simulated(
        project, {"height": 1.0}, network="fitted:other_network", network_arguments={"layers": 2}, n_procs=1
    )
    assert found.traces["dipole.agg"].values[0] == 1.0


@pytest.mark.usefixtures("stand_in")
def test_programs_beside_the_jobs_python_are_found(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job need not have the environment's directory in its PATH."""
    (project / "own-mpiexec").write_text("#!/bin/sh\n")
    (project / "own-mpiexec").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(project / "python"))
    before = os.environ["PATH"]
    assert simulated(project, {"height": 1.0}, n_procs=2, mpi_command="own-mpiexec").traces
    assert os.environ["PATH"] == before


FAILURES = [
    ({"height": float("inf")}, {}, Outcome.SIMULATION_ERROR, "dipole of trial 1 is not finite from 0 ms on"),
    ({}, {}, Outcome.SIMULATION_ERROR, "simulation.set_params: fitted:set_params: KeyError: 'height'"),
    ({"height": 1}, {"set_params": "fitted:nothing"}, Outcome.LAUNCH_FAILED, "simulation.set_params: fitted:nothing"),
    ({"height": 1}, {"network": "hnn_core:nothing"}, Outcome.LAUNCH_FAILED, "simulation.network: hnn_core:nothing"),
    (
        {"height": 1},
        {"n_procs": 2, "mpi_command": "no-such-mpiexec"},
        Outcome.LAUNCH_FAILED,
        "n_procs: 2 needs 'no-such-mpiexec'",
    ),
]


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(("parameters", "changes", "outcome", "said"), FAILURES)
def test_what_fails_is_said_with_the_key(
    project: Path, parameters: dict[str, float], changes: dict[str, Any], outcome: Outcome, said: str
) -> None:
    with pytest.raises(SimulationFailed) as caught:
        simulated(project, parameters, **changes)
    assert caught.value.outcome is outcome
    assert said in str(caught.value)


@pytest.mark.usefixtures("nothing_installed")
def test_a_job_without_hnn_core_names_the_extra(project: Path) -> None:
    with pytest.raises(SimulationFailed, match=r"no hnn-core and no NEURON\. Install the extra hnn: ") as caught:
        simulated(project, {"height": 1.0})
    assert caught.value.outcome is Outcome.LAUNCH_FAILED
    assert f"{sys.executable} -m pip install 'mozaik-orchestrator[hnn]'" in str(caught.value)


@pytest.mark.usefixtures("nothing_installed")
def test_check_without_hnn_core_has_one_problem(project: Path) -> None:
    config = config_of(project)
    ((at, said),) = model_of(config).problems(config)
    assert at == ("simulation", "type")
    assert "Install the extra hnn" in said


@pytest.mark.run
@pytest.mark.usefixtures("stand_in")
def test_the_controller_asks_a_process_of_its_own(project: Path) -> None:
    """hnn-core prints when it is imported, and NEURON stays in the process."""
    with (project / "fitted.py").open("a") as file:
        file.write("print('loaded')\n")
    config = config_of(project, {"height": [0, 4], "width": [0, 1]})
    model = model_of(config)
    assert model.problems(config) == []
    assert [at for at, _ in model.notes(config)] == [("parameters", "width")]
    assert "fitted" not in sys.modules


@pytest.mark.run
@pytest.mark.usefixtures("stand_in")
def test_the_best_is_written_as_a_network_of_hnn_core(project: Path) -> None:
    model = model_of(config_of(project))
    model.write_own_file({"height": 2.5}, project / "best.json")
    assert (project / "best.json").read_text() == "{'height': 2.5}"
    with pytest.raises(UsageError, match=r"fitted:set_params: KeyError: 'height'\. Nothing was written"):
        model.write_own_file({"width": 1.0}, project / "other.json")
    assert {path.name for path in project.glob("*.json")} == {"best.json"}


@pytest.mark.usefixtures("stand_in")
def test_constants_expressions_and_tied_names_reach_set_params(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = {"a": {"bounds": [0, 4], "names": ["height", "other"]}, "b": 3.0, "c": {"expression": "a + b"}}
    config = config_of(project, parameters)
    model = model_of(config)
    asked: list[dict[str, float]] = []
    monkeypatch.setattr(model, "_asked", lambda start: asked.append(start) or {"key": None, "read": ["height", "c"]})
    assert model.problems(config) == []
    assert asked == [{"height": 2.0, "other": 2.0, "b": 3.0, "c": 5.0}]
    assert [at for at, _ in model.notes(config)] == [("parameters", "a"), ("parameters", "b")]


def rehearsed(project: Path, parameters: dict[str, float], **changes: Any) -> dict[str, Any]:
    return rehearse(HNNOptions.model_validate({**SECTION, **changes}), project, parameters)


@pytest.mark.usefixtures("stand_in")
def test_a_parameter_that_is_missing_is_named_with_the_nearest(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(project, {"heigth": [0, 4]})
    model = model_of(config)
    answer = rehearsed(project, {"heigth": 2.0})
    monkeypatch.setattr(model, "_asked", lambda start: answer)
    ((at, said),) = model.problems(config)
    assert at == ("parameters",)
    assert said.startswith("fitted:set_params reads 'height', which is neither here nor in simulation.seeds")
    assert "heigth" in said


@pytest.mark.usefixtures("stand_in")
def test_a_function_that_raises_is_said_with_its_key(project: Path) -> None:
    assert rehearsed(project, {"height": 1.0})["key"] is None
    wrong = rehearsed(project, {"height": 1.0}, network_arguments={"mesh": [3, 3]})
    assert wrong["key"] == "network"
    assert "TypeError" in wrong["message"]
    assert rehearsed(project, {"height": 1.0}, set_params="fitted:nothing")["key"] == "set_params"


def test_a_module_of_this_programs_name_is_refused(project: Path) -> None:
    (project / "targets.py").write_text("")
    config = config_of(project)
    ((at, said),) = model_of(config).problems(config)
    assert at == ("model_dir",)
    assert "targets.py stands in the way" in said


@pytest.mark.usefixtures("stand_in")
def test_processes_of_slurm_are_refused(project: Path) -> None:
    config = config_of(project, executor="slurm", jobs={"ntasks": 4})
    ((at, said),) = model_of(config).problems(config)
    assert at == ("jobs", "ntasks")
    assert "simulation.n_procs" in said


def _as_keywords(parameters: dict[str, float]) -> dict[str, float]:
    return dict(**parameters)


@pytest.mark.parametrize("use", [dict, lambda p: {**p}, _as_keywords, lambda p: list(p.items())])
def test_whoever_takes_all_parameters_has_read_them(use: Any) -> None:
    noted = NotedParameters({"a": 1.0, "b": 2.0})
    use(noted)
    assert noted.read == {"a", "b"}


def test_single_parameters_are_noted() -> None:
    noted = NotedParameters({"a": 1.0, "b": 2.0, "c": 3.0})
    assert (noted["a"], noted.get("b"), noted.get("d", 4.0)) == (1.0, 2.0, 4.0)
    with pytest.raises(KeyError):
        noted["e"]
    assert noted.read == {"a", "b", "d", "e"}
    assert noted.missed == "e"


def test_the_identity_is_that_of_the_users_modules(project: Path) -> None:
    config = config_of(project)
    assert set(model_of(config).identity().files) == {"fitted.py"}
    assert model_of(config).describe() == "hnn_core:small_model with fitted:set_params"


@pytest.mark.parametrize(
    ("changes", "at"),
    [({"tstop": 0}, "tstop"), ({"trials": 0}, "trials"), ({"network": "no_reference"}, "network"), ({"dt": -1}, "dt")],
)
def test_options_that_cannot_be_are_refused(changes: dict[str, Any], at: str) -> None:
    with pytest.raises(ValueError, match=at):
        HNNOptions.model_validate({**SECTION, **changes})


def test_a_simulation_takes_as_many_cores_as_it_has_processes() -> None:
    assert HNNOptions.model_validate({**SECTION, "n_procs": 3}).cores == 3
