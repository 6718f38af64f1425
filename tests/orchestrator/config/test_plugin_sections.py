"""Sections that are made of plug-ins: a user's own file, what is wrong in them, and looking without importing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.checking.problems import examine, identity_differences
from orchestrator.config.file import dump_config, load_config, load_frozen
from orchestrator.config.model import Config
from orchestrator.errors import ConfigError
from orchestrator.optimisers import create_optimiser, versions_of
from orchestrator.optimisers.cma import CMAOptions
from orchestrator.simulations import create_simulation, model_of
from orchestrator.simulations.options import SimulationContext
from orchestrator.simulations.registry import describe, simulation_options

OWN = '''
from pathlib import Path
from pydantic import Field
from orchestrator.config.section import CIRCUMSTANCE
from orchestrator.optimisers import optimiser
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.simulations import Simulation, simulation
from orchestrator.simulations.options import SimulationOptions

with (Path(__file__).parent / "imported").open("a") as log:
    log.write("x")


class HalvesOptions(OptimiserOptions):
    least_offspring = 2
    share: float = Field(0.5, gt=0, lt=1, description="share that is kept")
    required: int = Field(description="something without a default")
    verbose: bool = Field(False, description="whether it says more", json_schema_extra=CIRCUMSTANCE)


@optimiser("halves_of_{stamp}", options=HalvesOptions, packages=("numpy", "no-such-distribution"))
class Halves:
    """Halves."""

    def __init__(self, options, problem):
        self.share = options.share


class GainOptions(SimulationOptions):
    gain: float = Field(1.0, description="factor")


@simulation("gain_of_{stamp}", options=GainOptions)
class Gain(Simulation):
    """Multiplies."""

    def simulate(self, parameters, attempt):
        pass

    def recordings(self, attempt):
        return {"x": self.options.gain}


class Undecorated:
    pass
'''
CONFIG: dict[str, Any] = {
    "parameters": {"x": [0, 1]},
    "optimiser_centroid": {"x": 0.5},
    "targets": [{"class": "ReturnedValue", "key": "x", "target_value": 1, "norm": 1}],
    "optimiser": {"method": "own.py:Halves", "share": 0.25, "required": 3},
    "simulation": {"type": "own.py:Gain", "gain": 3, "seeds": {"s": 1}},
    "executor": "local",
}

# that every method has
OTHERS = {"start_from": None, "polish": "none", "polish_after": 0.6}


def written(tmp_path: Path, **changes: Any) -> Path:
    (tmp_path / "own.py").write_text(OWN.replace("{stamp}", tmp_path.name))
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({**CONFIG, **changes}, sort_keys=False))
    return file


def test_a_users_own_file_is_read_with_its_options(tmp_path: Path) -> None:
    config = load_config(written(tmp_path))
    assert config.optimiser.model_dump() == {**CONFIG["optimiser"], "verbose": False, **OTHERS}
    assert config.simulation.model_dump() == CONFIG["simulation"]
    assert create_optimiser(config.optimiser, config.problem())._optimiser.share == 0.25  # type: ignore[attr-defined]
    made = create_simulation(config.simulation, tmp_path, SimulationContext())
    assert made.recordings(None) == {"x": 3.0}  # type: ignore[arg-type]
    assert model_of(config).describe() == "own.py:Gain"
    found = versions_of(config)
    assert found["no-such-distribution"] == "not installed"
    assert set(found) == {"orchestrator", "python", "numpy", "no-such-distribution"}


def test_a_frozen_configuration_and_a_task_read_it_again(tmp_path: Path) -> None:
    config = load_config(written(tmp_path))
    (tmp_path / "frozen.yaml").write_text(dump_config(config, tmp_path))
    again = load_config(tmp_path / "frozen.yaml")
    assert again.model_dump() == config.model_dump()
    task = json.loads(json.dumps(config.simulation.model_dump(mode="json")))
    assert simulation_options(task, tmp_path).model_dump() == config.simulation.model_dump()


@pytest.mark.parametrize(
    ("section", "value", "message"),
    [
        ("optimiser", {**CONFIG["optimiser"], "shar": 1}, "optimiser.shar: unknown key; did you mean 'share'?"),
        ("optimiser", {**CONFIG["optimiser"], "share": 2}, "optimiser.share: input should be less than 1, got 2"),
        ("optimiser", {"method": "own.py:Halves"}, "optimiser.required: is missing: something without a default"),
        ("optimiser", {"method": "cmaes"}, "optimiser.method: unknown optimiser 'cmaes'; did you mean 'cma'?"),
        ("optimiser", {"method": "own.py:Halfs"}, "optimiser.method: "),
        ("optimiser", {"method": "other.py:Halves"}, "optimiser.method: no such file: "),
        ("optimiser", {"method": "own.py:Undecorated"}, "must be a class that is decorated with @optimiser"),
        ("optimiser", {"method": "own.py:Gain"}, "must be a class that is decorated with @optimiser"),
        ("optimiser", {"method": 3}, "optimiser.method: expected a name, got 3"),
        ("optimiser", 3, "optimiser: input should be a valid dictionary, got 3"),
        (
            "simulation",
            {"type": "functoin"},
            "simulation.type: unknown simulation 'functoin'; did you mean 'function'?",
        ),
        ("simulation", {"type": "own.py:Undecorated"}, "must be a class that is decorated with @simulation"),
        ("simulation", {**CONFIG["simulation"], "gian": 1}, "simulation.gian: unknown key; did you mean 'gain'?"),
        ("offspring_size", 1, "offspring_size: the optimiser own.py:Halves needs at least 2 offspring"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(tmp_path: Path, section: str, value: object, message: str) -> None:
    file = written(tmp_path, **{section: value})
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert message in str(caught.value)
    assert all(problem.line for problem in caught.value.problems)
    assert message in "\n".join(f"{problem.key}: {problem.message}" for problem in examine(file).problems)


def test_looking_imports_no_file_of_the_users_own(tmp_path: Path) -> None:
    file = written(tmp_path)
    config = load_config(file, looking=True)
    assert not (tmp_path / "imported").exists()
    assert config.simulation.seeds == {"s": 1}
    assert config.simulation.model_dump() == CONFIG["simulation"]
    assert describe(CONFIG["simulation"]) == "own.py:Gain"
    assert not (tmp_path / "imported").exists()


def test_a_command_imports_a_file_once_for_each_section(tmp_path: Path) -> None:
    examined = examine(written(tmp_path))
    assert examined.config is not None
    assert not examined.problems
    model_of(examined.config)
    create_optimiser(examined.config.optimiser, examined.config.problem())
    assert (tmp_path / "imported").read_text() == "xx"


def test_targets_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examined = examine(written(tmp_path))
    assert examined.config is not None
    made = examined.config.create_targets()
    monkeypatch.setattr("orchestrator.config.model.create_targets", None)
    copy = examined.config.model_copy(update={"timeout": 3.0})
    assert [one is other for one, other in zip(made, copy.create_targets(), strict=True)] == [True]


def test_a_frozen_configuration_is_compared_without_making_its_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path)
    config = load_config(file)
    monkeypatch.setattr("orchestrator.config.model.create_targets", None)
    assert identity_differences(config, load_frozen(file, file.read_text())) == []


def test_keys_of_own_options_that_are_circumstances_may_change(tmp_path: Path) -> None:
    one = load_config(written(tmp_path))
    other = load_config(written(tmp_path, optimiser={**CONFIG["optimiser"], "verbose": True, "share": 0.75}))
    assert identity_differences(other, one) == ["optimiser.share: 0.25 in the run, 0.75 now"]


def test_the_identity_of_a_run_is_what_it_was() -> None:
    """A key that nobody has thought about belongs to it: a run is refused rather than continued as another one."""
    sections = set(load_identity())
    assert sections == {
        *("parameters", "optimiser_centroid", "targets", "offspring_size", "optimiser_seed", "optimiser_sigma"),
        *("optimiser", "simulation", "explosion_check", "data"),
    }
    of_all = {"method": "cma", "start_from": None, "polish": "none"}
    of_cma = {"learn_from": [], "weighting": "sum", "reweigh_after": 10.0}
    assert load_identity()["optimiser"] == {**of_all, **of_cma}


def load_identity() -> dict[str, Any]:
    optimiser = {"method": "cma"}
    simulation = {"type": "function", "function": "model:simulate"}
    return Config.model_validate({**CONFIG, "optimiser": optimiser, "simulation": simulation}).identity()


def test_models_of_a_report_are_described_whatever_its_configuration_says() -> None:
    assert describe({"type": "function", "function": "model:simulate"}) == "model:simulate"
    assert describe({"type": "mozaik", "model": "model:Net"}) == "model:Net"
    assert describe({"type": "gone"}) == "gone"
    assert [describe(section) for section in (None, 3, [], {}, {"type": 3})] == ["", "", "", "", "3"]
    assert describe({"type": "mozaik", "of": "another version"}) == "mozaik"


def test_options_without_a_configuration_find_their_optimiser(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, optimiser={"method": "cma"}))
    assert config.optimiser.model_dump() == CMAOptions().model_dump()
    assert len(create_optimiser(CMAOptions(), config.problem()).ask().points) == config.offspring_size


def test_versions_are_those_of_both_methods_of_a_budget(tmp_path: Path) -> None:
    for polish, packages in (("none", {"numpy"}), ("nelder_mead", {"numpy"}), ("gauss_newton", {"numpy", "scipy"})):
        config = load_config(written(tmp_path, optimiser={"method": "differential_evolution", "polish": polish}))
        assert set(versions_of(config)) == {"orchestrator", "python", *packages}


def test_versions_are_those_of_what_makes_the_first_points(tmp_path: Path) -> None:
    for design, packages in (("own", {"numpy"}), ("sobol", {"numpy", "scipy"})):
        config = load_config(written(tmp_path, optimiser={"method": "nsga2", "design": design}))
        assert set(versions_of(config)) == {"orchestrator", "python", *packages}
