"""The JSON Schema of a configuration: of the code's own keys, and neither stricter nor laxer than it has to be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from checked_project import ROOT, changed
from jsonschema import Draft7Validator, ValidationError
from orchestrator_project import CONFIG as CONFIG_OF_FUNCTION

from orchestrator.config.yaml_text import read_yaml

SHIPPED = ROOT / "param_optim/config.schema.json"
WHOLE = sorted(
    [*ROOT.glob("examples/*/config.yaml"), *ROOT.glob("tests/models/*/param_optim/config_optimisation.yaml")]
)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json.loads(SHIPPED.read_text())  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> Draft7Validator:
    return Draft7Validator(schema)


def wrong(validator: Draft7Validator, config: Any) -> set[str]:
    """The dotted places at which something is wrong, the deepest of alternatives."""

    def places(error: ValidationError) -> set[str]:
        here = ".".join(map(str, error.absolute_path))
        return {here}.union(*(places(each) for each in error.context or ()))

    return set[str]().union(*(places(error) for error in validator.iter_errors(config)))


@pytest.mark.run
def test_the_shipped_schema_is_that_of_the_code() -> None:
    # in a process of its own, where no test has registered plug-ins
    program = [sys.executable, "-c", "from orchestrator.cli import main; main()", "schema"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    assert SHIPPED.read_text() == done.stdout, "orchestrator schema > param_optim/config.schema.json"


def test_it_is_a_schema(schema: dict[str, Any]) -> None:
    Draft7Validator.check_schema(schema)
    described = {name for name, key in schema["properties"].items() if key.get("description") or "$ref" in str(key)}
    assert described == set(schema["properties"])


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: str(path.relative_to(ROOT)))
def test_configurations_that_come_with_the_program_fit(path: Path, validator: Draft7Validator) -> None:
    validator.validate(read_yaml(path.read_text()))


@pytest.mark.parametrize("path", sorted(ROOT.glob("slurm_templates/sites/*.yaml")), ids=lambda path: path.name)
def test_examples_for_sites_fit_into_a_configuration(path: Path, validator: Draft7Validator) -> None:
    part = read_yaml(path.read_text())
    whole = changed({})
    validator.validate({**whole, **part, "simulation": {**whole["simulation"], **part.get("simulation", {})}})


FITS: list[dict[str, Any]] = [
    {},
    {"optimiser": "cma", "schedule": "rolling"},
    {"optimiser": {"model": "none"}, "schedule": {"kind": "generations", "close_at": 0.9}},
    {"optimiser": {"method": "mine.py:Mine", "whatever": 3}},
    {"optimiser_centroid": "middle", "timeout": 3600},
    {"optimiser_centroid": {"x": "middle"}},
    {"targets": [{"class": "own.py:Mine", "whatever": [1]}]},
    {"parameters": {"x": 3, "y": {"expression": "2 * x"}, "z": {"bounds": [1, 2], "start": "middle"}}},
    {"parameters": {"x": {"prior": {"choice": [8, 16], "weights": [1, 2]}}, "y": {"bounds": [1, 2], "prior": None}}},
    {"slurm": {"ntasks": 4, "time": "4h", "setup": "module load nest\n"}},
    {"jobs": {"mem": 64, "time": 1800, "setup": ["a", "b"]}},
    {"data": {"a": "recorded.csv", "b": {"file": "c.abf", "columns": 1, "sweeps": [0, 1]}}},
    {"stop_at": None, "max_hours": 1.5},
]


@pytest.mark.parametrize("changes", FITS, ids=str)
def test_whichever_way_something_is_written(changes: dict[str, Any], validator: Draft7Validator) -> None:
    assert wrong(validator, {**CONFIG_OF_FUNCTION, **changes}) == set()


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"ofspring_size": 3}, ""),
    ({"offspring_size": "many"}, "offspring_size"),
    ({"timeout": [1]}, "timeout"),
    ({"optimiser": {"method": "cma", "modle": "none"}}, "optimiser"),
    ({"optimiser": {"method": "cmaes"}}, "optimiser.method"),
    ({"optimiser": {"modle": "none"}}, "optimiser"),
    ({"simulation": {"type": "function"}}, "simulation"),
    ({"simulation": {"type": "command", "command": "x", "exit_codes": {"3": "burst"}}}, "simulation.exit_codes.3"),
    ({"targets": [{"target_value": 1, "norm": 1}]}, "targets.0"),
    ({"targets": [{"class": "ReturnedValue", "key": "x", "target_value": 1, "norm": 0}]}, "targets.0.norm"),
    ({"targets": [{"class": "ReturnedValue", "kee": "x", "target_value": 1, "norm": 1}]}, "targets.0"),
    ({"parameters": {"x": [0]}}, "parameters.x"),
    ({"parameters": {"x": {"bounds": [0, 1], "scale": "logarithmic"}}}, "parameters.x.scale"),
    ({"parameters": {"x": {"scale": "log"}}}, "parameters.x"),
    ({"parameters": {"x": {"prior": None}}}, "parameters.x.prior"),
    ({"parameters": {"x": {"prior": {"normal": [1, 2]}}}}, "parameters.x.prior"),
    ({"jobs": {"ntasks": 0}}, "jobs.ntasks"),
    ({"executor": "pbs"}, "executor"),
]


@pytest.mark.parametrize(("changes", "place"), REFUSED, ids=str)
def test_what_is_wrong_is_found_where_it_is(changes: dict[str, Any], place: str, validator: Draft7Validator) -> None:
    assert place in wrong(validator, {**CONFIG_OF_FUNCTION, **changes})


def test_keys_that_have_moved_are_marked(schema: dict[str, Any]) -> None:
    slurm = schema["$defs"]["SlurmSection"]["properties"]
    assert slurm["ntasks"]["deprecated"]
    assert "deprecated" not in slurm["partition"]


def test_sound_configurations_of_other_tests_fit(validator: Draft7Validator) -> None:
    for config in (changed({}), CONFIG_OF_FUNCTION):
        validator.validate(yaml.safe_load(yaml.safe_dump(config)))
