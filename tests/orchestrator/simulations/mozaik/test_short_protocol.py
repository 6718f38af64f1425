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

from orchestrator.config.model import Config
from orchestrator.config.sections import ExplosionCheck
from orchestrator.paths import AttemptPaths
from orchestrator.simulations.mozaik.model import MozaikModel
from orchestrator.simulations.mozaik.options import MozaikOptions
from orchestrator.simulations.options import SimulationContext

EXPERIMENTS = """
from collections import OrderedDict
from types import SimpleNamespace


class Grating(SimpleNamespace):
    def __str__(self):
        return str({**vars(self), "name": "FullfieldDriftingSinusoidalGrating"})


class Gratings:
    def __init__(self, model, parameters):
        given = {"duration": parameters["duration"], "contrast": 100.0, "orientation": 0.0}
        self.stimuli = [Grating(**given, trial=trial) for trial in range(model.trials)]


def listed(model):
    return [Gratings(model, {"duration": 500.0}), SimpleNamespace()]


def named(model):
    return OrderedDict([("one", (Gratings, {"duration": 250.0})), ("two", (Gratings, {"duration": 1000.0}))])


def opaque(model):
    return [SimpleNamespace(stimuli=["not a dict"])]


def spontaneous(model):
    stimulus = "{'name': 'InternalStimulus', 'direct_stimulation_name': None, 'duration': 100.0, 'trial': 0}"
    return [SimpleNamespace(stimuli=[stimulus])]


def broken(model):
    return [Gratings(model, {})]
"""
CHECK: dict[str, Any] = {"enabled": False, "duration": 500.0, "slices": 10, "threshold": 100.0, "sheet_name": None}
SHEETS = {
    "Exc": SimpleNamespace(pop=SimpleNamespace(positions=[[-500.0, 0.0, 500.0], [500.0, 0.0, -500.0], [0.0] * 3]))
}
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
    return getattr(importlib.import_module(module), name)(SimpleNamespace(trials=3, sheets=SHEETS))


def model_of(attempt: AttemptPaths) -> MozaikModel:
    options = MozaikOptions(model="model:Net", experiments="experiments_of_a_test:listed")
    return MozaikModel(options, attempt.directory.parents[2], SimulationContext())


def counted(attempt: AttemptPaths) -> tuple[int, float] | None:
    return model_of(attempt).counted(attempt)


def found(attempt: AttemptPaths, *targets: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    """Return what the trial says of targets of the sheet Exc."""
    common = {"sheet_name": "Exc", "target_value": 1, "norm": 1}
    config = Config.model_validate(
        {
            "parameters": {"x": [0, 1]},
            "targets": [{**common, **each} for each in targets],
            "simulation": {"type": "mozaik", "model": "model:Net"},
        }
    )
    return model_of(attempt).tried(attempt, config)


def test_a_stimulus_that_the_experiments_do_not_have_is_named_with_what_they_have(attempt: AttemptPaths) -> None:
    rehearse(attempt, "listed")
    preference = {"class": "OrientationTuningPreferenceTarget"}
    disk, full, orthogonal, contrast = found(
        attempt,
        {"class": "SizeTuning"},
        {**preference, "name": "orthogonal"},
        {**preference, "contrast": 30, "name": "low"},
    )
    assert disk[0] == ("targets", 0, "class")
    assert disk[1].startswith(
        "SizeTuning needs DriftingSinusoidalGratingDisk; the model presents FullfieldDriftingSinusoidalGrating. "
    )
    assert full[0] == ("targets", 0, "orientation")
    assert orthogonal[0] == ("targets", 1, "orientation")
    assert "of contrast 100, orientation 1.571; the model presents it of orientation 0. " in orthogonal[1]
    assert contrast[0] == ("targets", 2, "contrast")
    assert "of contrast 30, orientation 1.571; the model presents it of contrast 100. " in contrast[1]


def test_stimuli_that_cannot_be_read_may_be_the_ones_that_are_needed(attempt: AttemptPaths) -> None:
    rehearse(attempt, "opaque")
    assert found(attempt, {"class": "ModulationRatio", "contrast": 30}) == []


def test_neurons_selected_by_position_where_none_is(attempt: AttemptPaths) -> None:
    """A model in micrometres: +-500 in both directions, and 3 degrees in the target."""
    rehearse(attempt, "spontaneous")
    synchrony = {"class": "SynchronyTarget"}
    assert (
        found(attempt, {**synchrony, "window": 1000.0}, {"class": "SpontActivityTarget", "target_value": [0, 1]}) == []
    )
    ((key, message),) = found(attempt, synchrony)
    assert key == ("targets", 0, "window")
    assert message.startswith(
        "SynchronyTarget needs 2 neurons of Exc in the centred square of 3 degrees, which has 1: "
    )
    assert "its positions are x from -500 to 500, y from -500 to 500. " in message


def test_a_trial_that_broke_off_says_nothing(attempt: AttemptPaths) -> None:
    assert found(attempt, {"class": "SynchronyTarget"}) == []


def test_the_experiments_are_made_and_counted_and_none_is_presented(attempt: AttemptPaths) -> None:
    assert rehearse(attempt, "listed") == []
    assert counted(attempt) == (3, 1.5)


def test_named_experiments_of_newer_versions_as_well(attempt: AttemptPaths) -> None:
    presented = rehearse(attempt, "named")
    assert (presented, type(presented)) == (OrderedDict(), OrderedDict)
    assert counted(attempt) == (6, 3.75)


def test_an_experiment_that_cannot_be_made_is_an_error_of_the_trial(attempt: AttemptPaths) -> None:
    with pytest.raises(KeyError, match="duration"):
        rehearse(attempt, "broken")
    assert counted(attempt) is None
