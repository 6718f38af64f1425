"""Neuron models of ANNarchy: options, what check says, and what a job makes of CompNeuroPy, with stand-ins for both."""

from __future__ import annotations

import errno
import shutil
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import stand_in_annarchy
import yaml

from orchestrator.config.file import load_config
from orchestrator.config.model import Config
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations import SimulationFailed, create_simulation, model_of
from orchestrator.simulations.annarchy import network
from orchestrator.simulations.annarchy import options as options_module
from orchestrator.simulations.annarchy.options import AnnarchyOptions
from orchestrator.simulations.annarchy.preparation import compiled
from orchestrator.simulations.annarchy.rehearsal import rehearse
from orchestrator.simulations.options import SimulationContext
from orchestrator.simulations.registry import simulation_options
from targets import Recordings

pytestmark = pytest.mark.commands

SECTION: dict[str, Any] = {
    "type": "annarchy",
    "experiment": "fitted:Steps",
    "neuron_model": "fitted:cell",
    "get_loss": "fitted:get_loss",
    "results_soll": "fitted:measured",
    "record": ["r"],
    "population": 4,
}
Left = list[Recordings | Exception]


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A model directory, and a process that has simulated nothing."""
    directory = tmp_path / "model"
    directory.mkdir()
    (directory / "fitted.py").write_text(stand_in_annarchy.FITTED)
    monkeypatch.chdir(directory)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.delitem(sys.modules, "fitted", raising=False)
    network.network_of.cache_clear()
    return directory


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in_annarchy.install(tmp_path / "packages", monkeypatch)


@pytest.fixture
def compiled_here(stand_in: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What another process compiles as a rule."""
    (tmp_path / "compiled" / "annarchy_folders").mkdir(parents=True)
    monkeypatch.setattr(network, "compiled", lambda *_: tmp_path / "compiled")


def files_of(project: Path) -> AttemptPaths:
    return AttemptPaths(project / "generations/0/1/1", project / "generations/0/results/1.1.json")


def simulated(project: Path, parameter_sets: list[dict[str, float]], **changes: Any) -> Left:
    made = create_simulation(simulation_options({**SECTION, **changes}, project), project, SimulationContext())
    return made.run_together(parameter_sets, project, files_of(project))


def config_of(project: Path, parameters: dict[str, Any] | None = None, **changes: Any) -> Config:
    section = {**SECTION, **changes.pop("simulation", {})}
    content = {
        "parameters": parameters or {"a": [0, 4]},
        "targets": [{"class": "ReturnedValue", "key": "loss", "target_value": 0, "norm": 1}],
        "simulation": section,
        "model_dir": ".",
        "executor": "local",
        **changes,
    }
    (project / "config.yaml").write_text(yaml.safe_dump(content))
    return load_config(project / "config.yaml")


def losses(left: Left) -> list[Any]:
    return [each.numbers["loss"] if isinstance(each, Recordings) else each for each in left]


@pytest.mark.usefixtures("compiled_here")
def test_each_neuron_has_a_parameter_set_and_a_loss_of_its_own(project: Path) -> None:
    left = simulated(project, [{"a": 3.0}, {"a": 1.0}, {"a": 5.0}])
    assert losses(left) == [0.0, 2.0 + 4.0, 2.0 + 4.0]
    assert dict(left[1]) == {"loss": 6.0, "loss.0": 2.0, "loss.1": 4.0}
    # all in one run of the experiment
    assert sys.modules["fitted"].calls == ["model_neuron"]


@pytest.mark.usefixtures("compiled_here")
def test_more_than_the_population_has_neurons_are_simulated_in_turns(project: Path) -> None:
    values = [float(n) for n in range(9)]
    assert losses(simulated(project, [{"a": a} for a in values])) == [3 * abs(a - 3) for a in values]
    assert sys.modules["fitted"].calls == ["model_neuron"] * 3


@pytest.mark.usefixtures("compiled_here")
def test_one_alone_is_what_it_is_among_others(project: Path) -> None:
    made = create_simulation(simulation_options(SECTION, project), project, SimulationContext())
    assert made.runs_here
    assert made.runs_many
    together = made.run_together([{"a": 1.0}, {"a": 2.0}], project, files_of(project))[1]
    alone = made.run_here({"a": 2.0}, project, files_of(project))
    assert isinstance(together, Recordings)
    assert dict(alone) == dict(together)
    assert np.array_equal(alone.traces["r"].values, together.traces["r"].values)


@pytest.mark.usefixtures("compiled_here")
def test_what_is_recorded_is_there_for_targets(project: Path) -> None:
    changes = {"neuron_model": "fitted:spiking", "record": ["r", "spike"], "units": {"r": "Hz"}, "time_step": 0.5}
    (left,) = simulated(project, [{"a": 2.0}], get_loss=None, results_soll=None, **changes)
    assert isinstance(left, Recordings)
    assert dict(left) == {}
    trace = left.traces["r"]
    assert trace.unit == "Hz"
    assert trace.times.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]
    assert trace.rows.tolist() == [[2.0] * 8, [4.0] * 8]
    assert left.events["spike"].of("1").tolist() == [1.0, 2.0]


@pytest.mark.usefixtures("compiled_here")
def test_chunks_of_other_lengths_are_traces_of_their_own(project: Path) -> None:
    (left,) = simulated(project, [{"a": 2.0}], experiment="fitted:Uneven", recording_period=2.0)
    assert isinstance(left, Recordings)
    assert {name: trace.times.tolist() for name, trace in left.traces.items()} == {"r.0": [0, 2], "r.1": [0, 2, 4]}


@pytest.mark.usefixtures("compiled_here")
def test_a_target_neuron_is_simulated_once(project: Path) -> None:
    changes = {"results_soll": None, "target_neuron_model": "fitted:known"}
    assert losses(simulated(project, [{"a": 3.0}, {"a": 4.0}], **changes)) == [0.0, 3.0]
    assert losses(simulated(project, [{"a": 5.0}], **changes)) == [6.0]
    assert sys.modules["fitted"].calls == ["target_model_neuron", "model_neuron", "model_neuron"]
    assert not sys.modules["ANNarchy"].get_population("target_model_neuron").enabled


@pytest.mark.usefixtures("compiled_here")
@pytest.mark.parametrize(("function", "names"), [("single", []), ("named", ["loss.first", "loss.second"])])
def test_a_loss_may_be_a_number_or_a_mapping(function: str, names: list[str], project: Path) -> None:
    (left,) = simulated(project, [{"a": 1.0}], get_loss=f"fitted:{function}")
    assert isinstance(left, Recordings)
    assert sorted(left) == ["loss", *names]
    assert left["loss"] == (6.0 if names else 2.0)


@pytest.mark.usefixtures("compiled_here")
def test_repeats_of_one_evaluation_differ_and_can_be_repeated(project: Path) -> None:
    """OptNeuron's have one seed: they are all the same."""
    changes = {"seeds": {"seed": "per_offspring"}, "trials": 3}
    made = create_simulation(simulation_options({**SECTION, **changes}, project), project, SimulationContext())
    assert not made.runs_many
    given = {"a": 3.0, "noise": 1.0, "seed": 7}
    first, again = (made.run_here(given, project, files_of(project)) for _ in range(2))
    single = [trial["loss"] for trial in first.trials]
    assert len(set(single)) == 3
    assert first["loss"] == pytest.approx(np.mean(single))
    assert dict(again) == dict(first)
    assert dict(made.run_here({**given, "seed": 8}, project, files_of(project))) != dict(first)


@pytest.mark.usefixtures("compiled_here")
def test_a_loss_that_raises_is_that_of_its_neuron_alone(project: Path) -> None:
    good, bad = simulated(project, [{"a": 3.0}, {"a": 13.0}])
    assert losses([good]) == [0.0]
    assert isinstance(bad, SimulationFailed)
    assert bad.outcome is Outcome.SIMULATION_ERROR
    assert str(bad) == "simulation.get_loss: fitted:get_loss: ArithmeticError: unlucky"


@pytest.mark.usefixtures("compiled_here")
def test_a_loss_may_change_what_it_gets_and_import_what_is_beside_it(project: Path) -> None:
    (project / "halving.py").write_text("def halve(data): data[:] = [each / 2 for each in data]")
    sys.modules.pop("halving", None)
    first, second = simulated(project, [{"a": 3.0}, {"a": 3.0}], get_loss="fitted:spoiling")
    assert losses([first, second]) == [1.5 + 3.0, 1.5 + 3.0]
    assert str(project) not in sys.path


@pytest.mark.usefixtures("compiled_here")
def test_an_experiment_that_returns_nothing_leaves_nothing_to_the_next_one(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SimulationFailed, match=r"run\(\) should return self\.results\(\)"):
        simulated(project, [{"a": 3.0}], experiment="fitted:Forgetful")
    fitted = sys.modules["fitted"]
    monkeypatch.setattr(fitted.Forgetful, "run", fitted.Unclosed.run)
    with pytest.raises(SimulationFailed):
        simulated(project, [{"a": 3.0}], experiment="fitted:Forgetful")
    monkeypatch.setattr(fitted.Forgetful, "run", fitted.Steps.run)
    assert losses(simulated(project, [{"a": 3.0}], experiment="fitted:Forgetful")) == [0.0]


@pytest.mark.usefixtures("compiled_here")
def test_a_parameter_of_the_neuron_may_be_called_seed(project: Path) -> None:
    changes = {"neuron_model": "fitted:seeded", "population": 1}
    assert losses(simulated(project, [{"a": 3.0, "seed": 5.0}], **changes)) == [0.0]
    assert sys.modules["ANNarchy"].get_population("model_neuron").seed.tolist() == [5.0]


@pytest.mark.usefixtures("compiled_here")
def test_an_infinite_variable_is_that_of_its_neuron_alone(project: Path) -> None:
    bad, good = simulated(project, [{"a": float("inf")}, {"a": 3.0}])
    assert losses([good]) == [0.0]
    assert "r of chunk 0 is infinite from 0 ms on" in str(bad)


@pytest.mark.usefixtures("compiled_here")
def test_an_experiment_that_fails_leaves_nothing_to_the_next_one(project: Path) -> None:
    with pytest.raises(SimulationFailed, match=r"simulation\.experiment: fitted:Breaking: SystemExit") as caught:
        simulated(project, [{"a": 99.0}], experiment="fitted:Breaking")
    assert caught.value.outcome is Outcome.SIMULATION_ERROR
    (left,) = simulated(project, [{"a": 3.0}], experiment="fitted:Breaking")
    assert isinstance(left, Recordings)
    assert dict(left) == {"loss": 0.0, "loss.0": 0.0, "loss.1": 0.0}


WRONG = [
    ({"a": 1.0}, {"experiment": "fitted:Forgetful"}, Outcome.SIMULATION_ERROR, "run() should return self.results()"),
    ({"a": 1.0}, {"experiment": "fitted:nothing"}, Outcome.LAUNCH_FAILED, "simulation.experiment: fitted:nothing"),
    ({"b": 1.0}, {}, Outcome.LAUNCH_FAILED, "simulation.neuron_model: fitted:cell has no 'b'"),
    ({"a": 1.0}, {"neuron_model": "fitted:shared"}, Outcome.LAUNCH_FAILED, "'a' is the same for a whole population"),
    ({"a": 1.0}, {"neuron_model": "fitted:nothing"}, Outcome.LAUNCH_FAILED, "simulation.neuron_model: fitted:nothing"),
    (
        {"a": 1.0},
        {"experiment": "fitted:Forgetful", "results_soll": None, "target_neuron_model": "fitted:known"},
        Outcome.LAUNCH_FAILED,
        "simulation.target_neuron_model: fitted:Forgetful: TypeError",
    ),
]


@pytest.mark.usefixtures("compiled_here")
@pytest.mark.parametrize(("parameters", "changes", "outcome", "said"), WRONG)
def test_what_fails_is_said_with_the_key(
    project: Path, parameters: dict[str, float], changes: dict[str, Any], outcome: Outcome, said: str
) -> None:
    for _ in range(2):  # the process stays
        with pytest.raises(SimulationFailed) as caught:
            simulated(project, [parameters], **changes)
        assert caught.value.outcome is outcome
        assert said in str(caught.value)


@pytest.mark.usefixtures("compiled_here")
def test_a_file_system_that_was_full_is_forgotten(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was the answer of the process for good."""
    with monkeypatch.context() as full:
        error = OSError(errno.ENOSPC, "No space left on device")
        full.setattr(network.shutil, "copytree", Mock(side_effect=shutil.Error([("a", "b", str(error))])))
        with pytest.raises(SimulationFailed, match=r"compiled cannot be copied: Error: .*No space left") as caught:
            simulated(project, [{"a": 1.0}])
        full.setattr(network.tempfile, "TemporaryDirectory", Mock(side_effect=error))
        with pytest.raises(SimulationFailed, match=r"compiled cannot be copied: OSError: .*No space left"):
            simulated(project, [{"a": 1.0}])
    assert caught.value.outcome is Outcome.NODE_FAIL
    assert losses(simulated(project, [{"a": 1.0}])) == [6.0]


@pytest.mark.usefixtures("compiled_here")
def test_a_loss_that_is_no_number_is_named(project: Path) -> None:
    (left,) = simulated(project, [{"a": 1.0}], get_loss="fitted:words")
    assert "simulation.get_loss: fitted:words: expected a number, got 'good'" in str(left)


@pytest.mark.usefixtures("compiled_here")
def test_a_job_leaves_what_targets_measure(project: Path) -> None:
    made = create_simulation(simulation_options(SECTION, project), project, SimulationContext())
    files = files_of(project)
    files.directory.mkdir(parents=True)
    made.simulate({"a": 1.0}, files)
    found = made.recordings(files)
    assert isinstance(found, Recordings)
    assert found["loss"] == 6.0
    assert found.traces["r"].rows.shape == (2, 4)
    assert set(made.seconds(files)) == {"build", "protocols"}


@pytest.mark.usefixtures("stand_in")
def test_it_is_compiled_once_for_all_processes(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPILED", str(tmp_path / "count"))
    options = AnnarchyOptions.model_validate({**SECTION, "seeds": {"seed": 1}})
    files = files_of(project)
    files.directory.mkdir(parents=True)
    directory = compiled(options, project, files)
    # neither the size of the population nor the seed of an evaluation is compiled
    same = options.model_copy(update={"population": 9, "seeds": {"seed": 2}})
    assert compiled(same, project, files) == directory
    assert losses(simulated(project, [{"a": 1.0}])) == [6.0]
    assert (tmp_path / "count").read_text() == "compiled\n" * 2  # the section without a seed is another one


@pytest.mark.usefixtures("stand_in")
def test_why_it_cannot_be_compiled_is_told(project: Path) -> None:
    said = (
        "compiling simulation.neuron_model ended with exit code 1: simulation.neuron_model: fitted:nothing: Attribute"
    )
    with pytest.raises(SimulationFailed, match=said) as caught:
        simulated(project, [{"a": 1.0}], neuron_model="fitted:nothing")
    assert caught.value.outcome is Outcome.LAUNCH_FAILED


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options_module.importlib.util, "find_spec", lambda name: None)


@pytest.mark.usefixtures("nothing_installed")
def test_who_has_no_annarchy_is_told_the_extra(project: Path) -> None:
    said = "no ANNarchy and no CompNeuroPy. Install the extra annarchy: "
    with pytest.raises(SimulationFailed, match=said) as caught:
        simulated(project, [{"a": 1.0}])
    assert caught.value.outcome is Outcome.LAUNCH_FAILED
    config = config_of(project)
    ((at, message),) = model_of(config).problems(config)
    assert at == ("simulation", "type")
    assert f"{said}{sys.executable} -m pip install 'mozaik-orchestrator[annarchy]'" in message


def rehearsed(project: Path, names: str = "a", **changes: Any) -> list[tuple[str, str]]:
    options = AnnarchyOptions.model_validate({**SECTION, **changes})
    found = rehearse(options, project, dict.fromkeys(names.split(), 0.0))
    return [(each["key"], each["message"]) for each in found]


CHECKED: list[tuple[str, dict[str, Any], str, str]] = [
    ("a", {}, "", ""),
    ("a curent", {}, "neuron_model", "fitted:cell has no 'curent'; did you mean 'current'?"),
    ("a", {"record": ["spike"]}, "record", "fitted:cell has no 'spike' to record"),
    ("a", {"experiment": "fitted:measured"}, "experiment", "expected a class derived from CompNeuroExp, got function"),
    ("a", {"neuron_model": "fitted:Steps"}, "neuron_model", "expected a Neuron of ANNarchy, got type"),
    ("a", {"get_loss": "fitted:calls"}, "get_loss", "expected a function, got list"),
    ("a", {"results_soll": "fitted:Nothing"}, "results_soll", "fitted:Nothing: AttributeError"),
    (
        "a",
        {"results_soll": None, "target_neuron_model": "fitted:known", "record": ["r", "noise"]},
        "record",
        "fitted:known has no 'noise' to record",
    ),
]


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(("names", "changes", "key", "said"), CHECKED)
def test_check_says_what_does_not_fit(names: str, changes: dict[str, Any], key: str, said: str, project: Path) -> None:
    found = rehearsed(project, names, **changes)
    assert [at for at, _ in found] == ([key] if key else [])
    assert all(said in message for _, message in found)


@pytest.mark.usefixtures("stand_in")
def test_a_script_that_makes_an_opt_neuron_at_import_is_told_where_to_put_it(project: Path) -> None:
    script = (project / "fitted.py").read_text()
    (project / "fitted.py").write_text(script.replace('if __name__ == "__main__":', "if True:"))
    found = rehearsed(project)
    assert {key for key, _ in found} == {"experiment", "neuron_model", "get_loss", "results_soll"}
    assert 'put that below if __name__ == "__main__":' in found[0][1]
    assert "CompNeuroPy.opt_neuron" not in sys.modules


@pytest.mark.usefixtures("stand_in")
def test_the_controller_asks_a_process_of_its_own(project: Path) -> None:
    """CompNeuroPy prints, and takes seconds to import."""
    with (project / "fitted.py").open("a") as file:
        file.write("print('loaded')\n")
    parameters = {
        "a": [0, 4],
        "current": 0.0,
        "share": {"names": [], "bounds": [0, 1]},
        "noise": {"expression": "share"},
    }
    assert model_of(config_of(project, parameters)).problems(config_of(project, parameters)) == []
    config = config_of(project, {"a": [0, 4], "b": 2.0})
    ((at, said),) = model_of(config).problems(config)
    assert at == ("simulation", "neuron_model")
    assert "fitted:cell has no 'b'" in said
    assert "fitted" not in sys.modules


@pytest.mark.usefixtures("stand_in")
def test_several_tasks_of_slurm_are_refused(project: Path) -> None:
    config = config_of(project, executor="slurm", jobs={"ntasks": 4})
    ((at, _),) = model_of(config).problems(config)
    assert at == ("jobs", "ntasks")


def test_a_seed_without_trials_is_noted(project: Path) -> None:
    config = config_of(project, simulation={"seeds": {"seed": "per_offspring"}})
    ((at, said),) = model_of(config).notes(config)
    assert at == ("simulation", "seeds")
    assert "simulated alone" in said


def test_the_identity_is_that_of_the_users_files(project: Path) -> None:
    (project / "cell.csv").write_text("1")
    config = config_of(project, simulation={"files": ["*.csv"]})
    assert set(model_of(config).identity().files) == {"fitted.py", "cell.csv"}
    assert model_of(config).describe() == "fitted:Steps with fitted:cell"
    config = config_of(project, simulation={"files": ["*.txt"]})
    ((at, _),) = model_of(config).problems(config)
    assert at == ("simulation", "files", 0)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"results_soll": None}, "get_loss needs either results_soll or target_neuron_model, got neither"),
    ({"target_neuron_model": "fitted:known"}, "got both"),
    ({"get_loss": None}, "only get_loss gets results_soll"),
    ({"get_loss": None, "results_soll": None, "record": []}, "nothing would be left for targets"),
    ({"seeds": {"other": 1}}, "expected no other than seed"),
    ({"trials": 3}, "3 trials would be the same"),
    ({"units": {"v": "mV"}}, "'v' is not recorded"),
    ({"time_step": 0}, "time_step"),
    ({"recording_period": 0.5}, "recording_period is 0.5 ms, less than a time_step"),
    ({"population": 0}, "population"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED)
def test_options_that_cannot_be_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AnnarchyOptions.model_validate({**SECTION, **changes})


def test_spikes_alone_have_no_recording_period() -> None:
    period = {"recording_period": 0.5, "time_step": 0.1}
    assert AnnarchyOptions.model_validate({**SECTION, **period}).monitored == ";0.5"
    assert AnnarchyOptions.model_validate({**SECTION, **period, "record": ["spike"]}).monitored == ""
