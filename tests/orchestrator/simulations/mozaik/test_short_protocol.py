"""What replaces a model's experiments while a node is tried, without mozaik."""

from __future__ import annotations

import importlib
import json
import sys
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.config.sections import ExplosionCheck
from orchestrator.paths import AttemptPaths
from orchestrator.simulations.mozaik.model import MozaikModel
from orchestrator.simulations.mozaik.options import MozaikOptions
from orchestrator.simulations.mozaik.short_protocol import protocol_size
from orchestrator.simulations.options import SimulationContext

EXPERIMENTS = """
from collections import OrderedDict
from types import SimpleNamespace


class Gratings:
    def __init__(self, model, parameters):
        self.stimuli = [SimpleNamespace(duration=parameters["duration"]) for _ in range(model.trials)]


def listed(model):
    return [Gratings(model, {"duration": 500.0}), SimpleNamespace()]


def named(model):
    return OrderedDict([("one", (Gratings, {"duration": 250.0})), ("two", (Gratings, {"duration": 1000.0}))])


def broken(model):
    return [Gratings(model, {})]
"""
CHECK: dict[str, Any] = {"enabled": False, "duration": 500.0, "slices": 10, "threshold": 100.0, "sheet_name": None}
# one slice, of which nothing counts but what no transient is like
SHORT = {
    **CHECK,
    "enabled": True,
    "settle": 0.0,
    "slices": 1,
    "duration": 40.0,
    "threshold": 500.0,
    "slices_above": 2,
    "certain_threshold": 500.0,
}


@pytest.fixture
def attempt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AttemptPaths:
    """An attempt of a model whose directory is where modules are looked for, as in the run script."""
    (tmp_path / "experiments_of_a_test.py").write_text(EXPERIMENTS)
    directory = tmp_path / f"orchestrator_check_{tmp_path.name}/0/1"
    directory.mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "experiments_of_a_test", None)
    del sys.modules["experiments_of_a_test"]
    return AttemptPaths(directory, tmp_path / "0.1.json")


def rehearse(attempt: AttemptPaths, function: str) -> Any:
    options = MozaikOptions(model="model:Net", experiments=f"experiments_of_a_test:{function}")
    context = SimulationContext(explosion_check=ExplosionCheck(**CHECK))
    task = MozaikModel(options, attempt.directory.parents[2], context).shortened(attempt).task()
    json.dumps(task)
    assert task["explosion_check"] == SHORT
    module, _, name = task["experiments"].partition(":")
    return getattr(importlib.import_module(module), name)(SimpleNamespace(trials=3))


def test_the_experiments_are_made_and_counted_and_none_is_presented(attempt: AttemptPaths) -> None:
    assert rehearse(attempt, "listed") == []
    assert protocol_size(attempt) == (3, 1.5)


def test_named_experiments_of_newer_versions_as_well(attempt: AttemptPaths) -> None:
    presented = rehearse(attempt, "named")
    assert (presented, type(presented)) == (OrderedDict(), OrderedDict)
    assert protocol_size(attempt) == (6, 3.75)


def test_an_experiment_that_cannot_be_made_is_an_error_of_the_trial(attempt: AttemptPaths) -> None:
    with pytest.raises(KeyError, match="duration"):
        rehearse(attempt, "broken")
    assert protocol_size(attempt) is None
