"""What every kind of simulation has to do: those of the program, those that are installed, and those of the tests."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import plugins_of_tests  # noqa: F401  (registers)
import pytest
import stand_in_annarchy
import yaml
from bare_models import MODELS, bare_model

from orchestrator.config.file import dump_config, load_config
from orchestrator.config.model import Config
from orchestrator.paths import AttemptPaths
from orchestrator.simulations import Model, ModelUnreadable, SimulationFailed, create_simulation, model_of
from orchestrator.simulations.options import SimulationContext
from orchestrator.simulations.registry import simulation_kind, simulation_options, simulations

ROOT = Path(__file__).resolve().parents[2]
RUN_SCRIPT = ROOT / "param_optim/run_optimization_experiment.py"
KINDS = simulations().known()
# a section of each kind, with a seed and a key of its own; what a kind that is installed needs is not known here
SECTIONS: dict[str, dict[str, Any]] = {
    "annarchy": {
        "type": "annarchy",
        "experiment": "model:simulate",
        "neuron_model": "model:simulate",
        "record": ["r"],
        "seeds": {"seed": 7},
    },
    "command": {"type": "command", "command": "sh {model_dir}/model.sh {x} {seed}", "seeds": {"seed": 7}},
    "function": {"type": "function", "function": "model:simulate", "seeds": {"seed": 7}},
    "hnn": {
        "type": "hnn",
        "network": "model:simulate",
        "set_params": "model:simulate",
        "tstop": 10.0,
        "seeds": {"seed": 7},
    },
    "mozaik": {"type": "mozaik", "model": "model:VisualModel", "threads": 3, "seeds": {"pynn_seed": 7}},
    "toy_of_tests": {"type": "toy_of_tests", "gain": 0.5, "seeds": {"seed": 1}},
}
FUNCTION = "def simulate(parameters, directory):\n    return {'x': parameters['x'], 'seed': parameters['seed']}\n"

# kinds that need a simulator, and where what they leave is measured with it
SIMULATED_IN = {
    "annarchy": "tests/annarchy/test_opt_neuron.py",
    "hnn": "tests/hnn/test_evoked_response.py",
    "mozaik": "tests/mozaik/test_building_processes.py",
}
PROGRAM = 'echo "{\\"x\\": $1, \\"seed\\": $2}" > returned.json\n'


@pytest.fixture(params=SECTIONS)
def section(request: pytest.FixtureRequest) -> dict[str, Any]:
    return SECTIONS[request.param]


@pytest.fixture
def config(section: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A configuration with a model of the kind in its directory."""
    directory, name = tmp_path / "model", "x"
    if section["type"] == "annarchy":  # seconds to import
        stand_in_annarchy.install(tmp_path / "packages", monkeypatch)
    if section["type"] == "mozaik":
        directory = bare_model("current_style", tmp_path)
    else:
        directory.mkdir()
        (directory / "model.py").write_text(FUNCTION)
        (directory / "model.sh").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    file = directory / "config.yaml"
    target = {"class": "ReturnedValue", "key": "x", "target_value": 1, "norm": 1}
    content = {"parameters": {name: [0, 1]}, "targets": [target], "simulation": section, "model_dir": "."}
    file.write_text(yaml.safe_dump({**content, "executor": "local"}))
    return load_config(file)


def attempt(tmp_path: Path) -> AttemptPaths:
    directory = tmp_path / "0/1"
    directory.mkdir(parents=True)
    return AttemptPaths(directory, tmp_path / "0.1.json")


def test_a_section_of_every_kind_of_the_program_is_tested() -> None:
    assert {name for name in KINDS if KINDS[name].simulation.__module__.startswith("orchestrator.")} <= SECTIONS.keys()
    assert all((ROOT / file).is_file() for file in SIMULATED_IN.values())


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_says_what_it_is_and_what_its_options_are(kind: Any) -> None:
    assert kind.documentation
    assert all(field.description for field in kind.options.model_fields.values())
    assert issubclass(kind.model_class(), Model)


def test_options_and_context_come_back_from_json(config: Config, section: dict[str, Any]) -> None:
    model = model_of(config)
    written = json.loads(json.dumps(model.options.model_dump(mode="json")))
    read = simulation_options(written, config.model_dir)
    assert read == config.simulation
    assert {key: written[key] for key in section} == section
    context = SimulationContext.model_validate_json(model.context.model_dump_json())
    assert context == model.context


def test_a_frozen_configuration_keeps_its_options(config: Config) -> None:
    frozen = config.model_dir / "frozen.yaml"
    frozen.write_text(dump_config(config, frozen.parent))
    assert load_config(frozen) == config


# the controllers of these ask another process
@pytest.mark.parametrize(
    "section",
    [pytest.param(name, marks=pytest.mark.run) if name in ("annarchy", "hnn") else name for name in SECTIONS],
    indirect=True,
)
def test_a_model_answers_whatever_the_controller_asks(config: Config, tmp_path: Path) -> None:
    model = model_of(config)
    assert isinstance(model, simulation_kind(config.simulation).model_class())
    assert model.describe()
    # the bare model has no folder of parameters for an optimisation; one that has is below
    unreadable = config.simulation.type == "mozaik"
    for location, message in [*model.problems(config)]:
        assert location
        assert message
    if not unreadable:
        assert all(isinstance(digest, str) for digest in model.identity().files.values())
        own = model.start_values([])
        assert own is None or isinstance(dict(own), dict)
        recorded = model.recorded()
        assert recorded is None or recorded.size(10, 1.0) >= 0
    else:
        with pytest.raises(ModelUnreadable, match="defaults"):
            model.identity()
    json.dumps(dict(model.task()))
    key, script = model.launch_script_source()
    assert key
    assert script
    assert set(type(model).essential) <= set(type(model.options).model_fields)
    assert config.simulation.cores >= 1


@pytest.mark.parametrize(
    ("name", "sheet", "tau", "recorded"),
    [("balanced_network", "exc", 20.0, (2000, 64)), ("visual_model", "l4_cortex_exc", 15.0, (1256, 72))],
)
def test_a_mozaik_model_says_what_is_in_its_files(
    name: str, sheet: str, tau: float, recorded: tuple[int, int], tmp_path: Path
) -> None:
    model_dir = Path(shutil.copytree(MODELS / name, tmp_path / name))
    shutil.copy(RUN_SCRIPT, model_dir / "param_optim")
    parameter = f"sheets.{sheet}.params.cell.params.tau_m"
    target = {"class": "ReturnedValue", "key": "x", "target_value": 1, "norm": 1}
    section = SECTIONS["mozaik"]
    content = {"parameters": {parameter: [1, 40]}, "targets": [target], "simulation": section, "executor": "local"}
    file = model_dir / "param_optim/config.yaml"
    file.write_text(yaml.safe_dump(content))
    model = model_of(load_config(file))

    assert model.start_values([parameter, "sheets"]) == {parameter: tau}
    identity = model.identity()
    assert float(identity.parameters[parameter]) == tau
    assert identity.files.keys() == {f"param_optim/{RUN_SCRIPT.name}", "model.py", "experiments.py"}
    (model_dir / "model.py").write_text("# another\n")
    again = model.identity()
    assert again.parameters == identity.parameters
    assert {file for file, digest in again.files.items() if digest != identity.files[file]} == {"model.py"}
    estimate = model.recorded()
    assert estimate is not None
    # neurons of which spikes, and signals, are recorded: as tests/mozaik/test_models.py finds in datastores
    trains, signals = recorded
    assert estimate.made_of == f"spikes of {trains:,} neurons at 10 Hz and {signals} signals"
    # eight bytes for each spike and each 0.1 ms of a signal, and something for each train
    numbers = 8 * (10 * trains + 10_000 * signals)
    assert estimate.size(1, 2.0) - estimate.size(1, 1.0) == pytest.approx(numbers)
    assert estimate.size(2, 1.0) - estimate.size(1, 1.0) > 8 * trains


def test_a_shortened_model_is_of_the_same_kind(config: Config) -> None:
    files = attempt(config.model_dir / "trial")
    short = model_of(config).shortened(files)
    assert type(short) is type(model_of(config))
    assert short.options.type == config.simulation.type
    json.dumps(dict(short.task()))
    assert short.counted(files) is None


def test_the_directory_of_the_model_is_missed_with_its_key(config: Config) -> None:
    gone = config.model_copy(update={"model_dir": config.model_dir / "gone"})
    assert [at for at, _ in model_of(gone).problems(gone)] == [("model_dir",)]


@pytest.mark.parametrize("name", sorted(SECTIONS.keys() - SIMULATED_IN.keys()))
def test_a_node_leaves_what_targets_measure(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.py").write_text(FUNCTION)
    (tmp_path / "model.sh").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "model", raising=False)
    options = simulation_options(SECTIONS[name], tmp_path)
    made, files = create_simulation(options, tmp_path, SimulationContext()), attempt(tmp_path / "run")
    made.simulate({**options.seeds, "x": 0.5}, files)
    recordings = made.recordings(files)
    assert recordings is not None
    assert files.simulation.is_dir()
    assert all(seconds >= 0 for seconds in made.seconds(files).values())
    os.chdir(tmp_path)


WRONG = [
    pytest.param("annarchy", {"neuron_model": "no_such_module:neuron"}, "LAUNCH_FAILED", marks=pytest.mark.run),
    ("command", {"command": "{model_dir}/no_such_program"}, "LAUNCH_FAILED"),
    ("function", {"function": "no_such_module:simulate"}, "LAUNCH_FAILED"),
    ("hnn", {"network": "no_such_module:network"}, "LAUNCH_FAILED"),
    ("toy_of_tests", {}, "SIMULATION_ERROR"),
    ("mozaik", {"python": "/no/such/python", "launch_script": "offspring.sh"}, "LAUNCH_FAILED"),
]


@pytest.mark.parametrize(("name", "changes", "outcome"), WRONG)
def test_a_node_that_leaves_nothing_says_why(
    name: str, changes: dict[str, Any], outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in_annarchy.install(tmp_path / "packages", monkeypatch)
    (tmp_path / "offspring.sh").write_text("echo no simulator here; exit 3\n")
    options = simulation_options({**SECTIONS[name], **changes}, tmp_path)
    made, files = create_simulation(options, tmp_path, SimulationContext()), attempt(tmp_path / "run")
    with pytest.raises(SimulationFailed) as caught:
        made.simulate({"x": 2.0}, files)
    assert caught.value.outcome.value == outcome
    assert str(caught.value)
