"""Biological time of a protocol, read from the source of its experiments."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from bare_models import MODELS

from orchestrator.simulations.mozaik.parameters import read_parameter_tree
from orchestrator.simulations.mozaik.sources.presented_time import PresentedTime, presented_time

TREE = {"null_stimulus_period": 100.0, "protocol": {"duration": 900.0, "trials": 3, "contrasts": [10, 30, 100]}}
TIMES = {
    "arguments": ("return [NoStimulation(model, duration=1000.0)]", 1.1),
    "parameters of the model": ("return [NoStimulation(model, duration=model.parameters.protocol.duration)]", 1.0),
    "a variable of the model's": (
        """
        p = model.parameters.protocol
        return [NoStimulation(model, ParameterSet({"duration": p.duration}))]
        """,
        1.0,
    ),
    "what multiplies": (
        """
        p = model.parameters.protocol
        frames = 2 * 143
        return [
            MeasureOrientationTuningFullfield(
                model, num_orientations=2, contrasts=p.contrasts, num_trials=p.trials, grating_duration=frames * 7
            )
        ]
        """,
        18 * 2.102,
    ),
    "by name": (
        """
        sizes = {"num_sizes": 4, "contrasts": [100], "num_trials": 2, "grating_duration": 900.0}
        return OrderedDict([("a", (MeasureSizeTuning, ParameterSet(sizes)))])
        """,
        8.0,
    ),
    "what 0.1.0 has not": (
        """
        return [
            MeasureSizeTuning(
                model,
                ParameterSet(
                    {"num_sizes": 4, "contrasts": [100], "num_trials": 2, "grating_duration": 900.0,
                     "orientations": [0, 1], "positions": [(0, 0)]}
                ),
            )
        ]
        """,
        16.0,
    ),
    "two lists": ("return [NoStimulation(model, duration=900)] + [NoStimulation(model, duration=1900)]", 3.0),
    "a list that grows": (
        """
        experiments = [NoStimulation(model, duration=900.0)]
        experiments += [NoStimulation(model, duration=1900.0)]
        experiments.append(NoStimulation(model, duration=400.0))
        experiments = experiments + [NoStimulation(model, duration=400.0)]
        return experiments
        """,
        4.0,
    ),
    "held by what holds it once": (
        """
        experiments = list(tuple([NoStimulation(model, duration=900.0)]))
        experiments.insert(0, NoStimulation(model, duration=1900.0))
        experiments.extend([NoStimulation(model, duration=400.0)])
        return collections.OrderedDict(enumerated=experiments)
        """,
        3.5,
    ),
    "a dictionary that is filled": (
        """
        experiments = OrderedDict()
        experiments["a"] = (NoStimulation, ParameterSet({"duration": 900.0}))
        last = NoStimulation, ParameterSet({"duration": 1900.0})
        experiments["b"] = last
        return experiments
        """,
        3.0,
    ),
    "each of a list is changed in its order": (
        """
        experiments = [NoStimulation(model, duration=900.0)]
        for each in experiments:
            shuffle(each.stimuli)
        return experiments
        """,
        1.0,
    ),
    "what is common": (
        """
        g = {"grating_duration": 900.0, "num_trials": 2}
        return [MeasureContrastSensitivity(model, contrasts=[1], **g), NoStimulation(model, duration=900.0)]
        """,
        3.0,
    ),
}


def module(folder: Path, body: str) -> Path:
    names = ("mozaik.experiments", "mozaik.experiments.vision", "collections", "parameters")
    imports = "".join(f"from {name} import *\n" for name in names)
    body = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    (folder / "e.py").write_text(f"{imports}def create(model):\n{body}\n")
    return folder


@pytest.mark.parametrize("how", TIMES)
def test_durations_and_numbers_are_read(how: str, tmp_path: Path) -> None:
    body, seconds = TIMES[how]
    found = presented_time(module(tmp_path, body), "e:create", TREE)
    assert found.seconds == pytest.approx(seconds)
    assert not found.unread
    assert str(found) == f"{seconds:.1f} s"


UNREAD = {
    "in a loop": "return [NoStimulation(model, duration=d) for d in (1, 2)]",
    "in a dictionary of a loop": "return OrderedDict({d: (NoStimulation, {'duration': 1.0}) for d in 'ab'})",
    "in a set of a loop": "return {NoStimulation(model, duration=1.0) for d in 'ab'}",
    "ten times": "return [NoStimulation(model, duration=1.0)] * 10",
    "a list that is ten times itself": """
        experiments = [NoStimulation(model, duration=1.0)]
        experiments *= 10
        return experiments
        """,
    "a list that becomes ten times itself": """
        experiments = [NoStimulation(model, duration=1.0)]
        experiments = experiments * 10
        return experiments
        """,
    "a list times what is returned": """
        experiments = []
        experiments.append(NoStimulation(model, duration=1.0))
        return 10 * experiments
        """,
    "a list that is added to itself": """
        experiments = [NoStimulation(model, duration=1.0)]
        experiments += experiments
        return experiments
        """,
    "a list that becomes itself twice": """
        experiments = [NoStimulation(model, duration=1.0)]
        experiments = experiments + experiments
        return experiments
        """,
    "a list that is extended by itself": """
        experiments = [NoStimulation(model, duration=1.0)]
        experiments.extend(experiments)
        return experiments
        """,
    "a list of which copies are taken": """
        experiments = [NoStimulation(model, duration=1.0)]
        return experiments.copy() + experiments.copy()
        """,
    "one that is taken twice": """
        once = NoStimulation(model, duration=1.0)
        return [once, once]
        """,
    "one that is taken in a loop": """
        once = NoStimulation(model, duration=1.0)
        return [once for _ in range(3)]
        """,
    "one in a list that is multiplied": """
        once = NoStimulation(model, duration=1.0)
        block = [once]
        return block * 3
        """,
    "one under two keys": """
        experiments = OrderedDict()
        experiments["before"] = (NoStimulation, ParameterSet({"duration": 900.0}))
        experiments["after"] = experiments["before"]
        return experiments
        """,
    "a list that becomes a part of itself": """
        experiments = [NoStimulation(model, duration=1.0)]
        experiments[1:] = experiments
        return experiments
        """,
    "one of two names": """
        before = after = NoStimulation(model, duration=1.0)
        return [before, after]
        """,
    "one of several that are named at once": """
        first, time = NoStimulation(model, duration=1.0), 1.0
        return [first, first]
        """,
    "the only one of a list that is taken apart": """
        [once] = [NoStimulation(model, duration=1.0)]
        return [once, once]
        """,
    "one that is named where it is taken": "return [(once := NoStimulation(model, duration=1.0)), once]",
    "one that a function repeats": """
        once = NoStimulation(model, duration=1.0)
        return list(itertools.repeat(once, 3))
        """,
    "what an object keeps": """
        model.experiments = [NoStimulation(model, duration=1.0)]
        return model.experiments + model.experiments
        """,
    "what an object is given": """
        model.experiments.append(NoStimulation(model, duration=1.0))
        return model.experiments + model.experiments
        """,
    "an item of an item": """
        model["a"]["b"] = NoStimulation(model, duration=1.0)
        return [model["a"]["b"], model["a"]["b"]]
        """,
    "each of a list is put into another": """
        experiments, several = [], []
        experiments.append(NoStimulation(model, duration=1.0))
        for each in experiments:
            several.extend([each, each])
        return several
        """,
    "a value that grows": """
        t = 1000
        t += 500
        return [NoStimulation(model, duration=t)]
        """,
    "a dictionary that is changed": """
        given = {"duration": 1.0}
        given["duration"] = 2.0
        return [NoStimulation(model, ParameterSet(given))]
        """,
    "a dictionary that is updated": """
        given = {"duration": 1.0}
        given.update(duration=2.0)
        return [NoStimulation(model, ParameterSet(given))]
        """,
    "a value of a loop": """
        d = 1.0
        for d in (2.0, 3.0):
            pass
        return [NoStimulation(model, duration=d)]
        """,
    "computed": "return [NoStimulation(model, duration=float(input()))]",
    "not there": "return [NoStimulation(model, duration=model.parameters.nix)]",
    "in another function": """
        def other():
            return NoStimulation(model, duration=1.0)
        return [other()]
        """,
    "one of two values": """
        d = 1.0
        d = 2.0
        return [NoStimulation(model, duration=d)]
        """,
}


@pytest.mark.parametrize("how", UNREAD)
def test_what_the_source_does_not_say_is_said_so(how: str, tmp_path: Path) -> None:
    found = presented_time(module(tmp_path, UNREAD[how]), "e:create", TREE)
    assert found == PresentedTime(0.0, ["NoStimulation"])
    assert str(found) == "a time that its source does not say (NoStimulation)"


def test_the_current_style_is_read_in_full_and_the_visual_model_in_part() -> None:
    tree = read_parameter_tree(Path("param/defaults"), MODELS / "current_style")
    found = presented_time(MODELS / "current_style", "experiments:create_experiments", tree)
    assert (found.seconds, found.unread) == (pytest.approx(1.151 + 8 * 1.151), [])
    tree = read_parameter_tree(Path("param/defaults"), MODELS / "visual_model")
    found = presented_time(MODELS / "visual_model", "experiments:create_experiments", tree)
    assert found.unread == ["NoStimulation"]
    assert str(found).startswith("more than 5.7 s (the source does not say how long NoStimulation takes)")
