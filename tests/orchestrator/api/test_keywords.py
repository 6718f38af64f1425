"""Keywords become an ordinary configuration, or are refused by their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from orchestrator.api.keywords import as_overrides, as_targets, as_text
from orchestrator.api.optimising import optimise
from orchestrator.config.file import read_config
from orchestrator.config.source import Source
from orchestrator.errors import ConfigError, UsageError
from targets import ReturnedValue, create_targets

SIMULATION = {"type": "function", "function": "math:hypot"}
GIVEN: dict[str, Any] = {"parameters": {"x": (0, 1)}, "targets": {"rate": 10}, "executor": "local"}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"rate": 10}, {"class": "ReturnedValue", "key": "rate", "target_value": 10.0, "norm": 1.0}),
        ({"rate": np.float32(-4)}, {"class": "ReturnedValue", "key": "rate", "target_value": -4.0, "norm": 0.4}),
        ({"bias": 0}, {"class": "ReturnedValue", "key": "bias", "target_value": 0.0, "norm": 1.0}),
        ({"cv": {"target_value": 1, "norm": 2}}, {"class": "ReturnedValue", "key": "cv", "target_value": 1, "norm": 2}),
        (
            {"cv": {"target_value": (1, 2), "norm": 2}},
            {"class": "ReturnedValueRange", "key": "cv", "target_value": (1, 2), "norm": 2},
        ),
        (
            {"v": {"class": "TraceMean", "trace": "v", "target_value": -60, "norm": 2}},
            {"name": "v", "class": "TraceMean", "trace": "v", "target_value": -60, "norm": 2},
        ),
    ],
    ids=str,
)
def test_targets_by_name(given: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert as_targets(given) == [wanted]


def test_targets_as_objects() -> None:
    target = ReturnedValue(key="rate", target_value=10, norm=2)
    (entry,) = as_targets([target])
    (made,) = create_targets([entry])  # type: ignore[list-item]
    assert (made, made.label) == (target, target.label)
    (named,) = as_targets({"firing": target})
    assert named == {**entry, "name": "firing"}  # type: ignore[dict-item]


class OfOnesOwn(ReturnedValue):
    """Registered nowhere."""


WRONG = {
    "text": ("rate", r"expected wanted values by name, or a list of targets, got 'rate'"),
    "a word": ({"rate": "ten"}, r"targets: rate: expected a number, the keys of a target .* got 'ten'"),
    "yes": ({"rate": True}, r"got True"),
    "own": (
        [OfOnesOwn(key="rate", target_value=1, norm=1)],
        r"OfOnesOwn is a class of your own: .*my_targets.py:OfOnesOwn",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_targets_that_are_none(case: str) -> None:
    given, wanted = WRONG[case]
    with pytest.raises(UsageError, match=wanted):
        as_targets(given)  # type: ignore[arg-type]


def test_the_text_is_a_configuration(tmp_path: Path) -> None:
    parameters = {"a.b": (np.float64(0.1), 2), "n": {"bounds": np.array([1, 5]), "integer": True}}
    keys = {"parameters": parameters, "targets": as_targets({"rate": 10}), "simulation": SIMULATION}
    keys |= {"model_dir": tmp_path, "jobs": {"time": "1h"}}
    config = read_config(Source(tmp_path / "none", as_text(keys)))
    assert [each.bounds for each in config.searched.values()] == [(0.1, 2.0), (1.0, 5.0)]
    assert (config.jobs.time, config.model_dir) == (3600.0, tmp_path)


def test_overrides_add_to_sections() -> None:
    keys = {"max_ngen": 3, "jobs": {"time": "1h", "ntasks": 2}, "parameters": {"a.b": (0, 1)}, "timeout": None}
    found = as_overrides(keys)
    assert found == ["max_ngen=3", "jobs.time=1h", "jobs.ntasks=2", "parameters.a.b=[0, 1]", "timeout=null"]
    data = Source(Path("none"), "jobs: {ntasks: 1, mem: 1G}\nparameters: {x: [0, 1]}").with_overrides(found)
    assert data["jobs"] == {"ntasks": 2, "mem": "1G", "time": "1h"}
    assert data["parameters"] == {"x": [0, 1], "a.b": [0, 1]}


@pytest.mark.parametrize("text", ["16:00", "no", "0x10", "1e3", "# 1", "a: b", "", "ä\n", "null", "=", "[1"])
def test_text_stays_text(text: str) -> None:
    (override,) = as_overrides({"jobs": {"mem": text}})
    assert Source(Path("none"), "a: 1").with_overrides([override])["jobs"] == {"mem": text}
    assert yaml.safe_load(as_text({"jobs": {"mem": text}})) == {"jobs": {"mem": text}}


def test_what_no_configuration_holds_is_refused() -> None:
    with pytest.raises(UsageError, match=r"there is no key 'jobbs' of a configuration; did you mean 'jobs'"):
        as_text({"jobbs": 1})
    with pytest.raises(UsageError, match=r"continue_cp: continue a run with Run\("):
        as_overrides({"continue_cp": True})
    with pytest.raises(UsageError, match=r"optimise\(\): expected numbers, text, lists and mappings, got object"):
        as_text({"jobs": {"mem": object()}})
    with pytest.raises(UsageError, match=r"here: jobs.mem: expected numbers"):
        as_overrides({"jobs": {"mem": object()}}, of="here")


def test_problems_are_told_by_keyword(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        optimise(**{**GIVEN, "parameters": {"x": "a"}}, simulation=SIMULATION, jobs={"ntask": 1}, model_dir=tmp_path)
    assert [each.key for each in caught.value.problems] == ["jobs.ntask", "parameters.x"]
    assert all(line.startswith("optimise(): ") for line in str(caught.value).splitlines())
    assert not list(tmp_path.iterdir())


def test_the_function_is_given_once(tmp_path: Path) -> None:
    for simulation in ({"function": "a:b"}, "a:b"):
        with pytest.raises(UsageError, match="expected further keys of the function that is given"):
            optimise(simulate, **GIVEN, simulation=simulation, model_dir=tmp_path)
    with pytest.raises(UsageError, match="model_dir: expected a path, got 3"):
        optimise(simulate, **GIVEN, model_dir=3)


def simulate(parameters: Any, directory: Path) -> None:
    """Stand for a function of a module."""
