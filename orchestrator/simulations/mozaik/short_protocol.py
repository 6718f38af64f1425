"""A protocol that presents nothing, in place of a model's: to see on a node whether the model can be simulated."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.paths import AttemptPaths
from targets.annotations import AnnotationError, read_stimulus

# Replaces the model's experiments on the node. It makes them, to find what is wrong with them and to know their
# stimuli, and presents none; and it notes where the neurons are.
_PROTOCOL = '''\
"""Written by `orchestrator check --on-node`: makes the model's experiments, lists their stimuli and presents none."""

import importlib
import json


def create_experiments(model):
    module, _, name = {experiments!r}.partition(":")
    made = getattr(importlib.import_module(module), name)(model)
    if hasattr(made, "items"):
        experiments = [cls(model, parameters) for cls, parameters in made.values()]
    else:
        experiments = list(made)
    stimuli = [stimulus for each in experiments for stimulus in getattr(each, "stimuli", [])]
    durations = [float(getattr(stimulus, "duration", 0.0) or 0.0) for stimulus in stimuli]
    positions = {{}}
    for name, sheet in getattr(model, "sheets", {{}}).items():
        positions[name] = [[round(float(each), 6) for each in axis] for axis in sheet.pop.positions[:2]]
    found = {{
        "presentations": len(stimuli),
        "duration": sum(durations),
        "stimuli": sorted(set(map(str, stimuli))),
        "positions": positions,
    }}
    with open({found!r}, "w") as file:
        json.dump(found, file)
    return type(made)()
'''
_MODULE = "short_protocol"


def short_protocol(experiments: str, attempt: AttemptPaths, model_dir: Path) -> str:
    """Write a replacement of the model's experiments beside the task file, and return its reference.

    Parameters
    ----------
    experiments : str
        ``module:function`` of the model's own.
    attempt : AttemptPaths
        The files of the attempt, below the model's directory.
    model_dir : pathlib.Path
        The model's directory, from which the simulation imports.
    """
    module = attempt.directory / f"{_MODULE}.py"
    text = _PROTOCOL.format(experiments=experiments, found=str(_found(attempt)))
    module.write_text(text, encoding="utf-8")
    dotted = ".".join(module.relative_to(model_dir).with_suffix("").parts)
    return f"{dotted}:create_experiments"


@dataclass(frozen=True)
class Made:
    """What a model was found to be made of on a node.

    Parameters
    ----------
    presentations : int
        Number of stimuli of the whole protocol.
    duration : float
        Of all of them together in s.
    stimuli : sequence of mapping
        The different ones that could be read, by parameter.
    unread : int
        How many of them could not.
    positions : mapping of str to list
        The x and the y of the neurons in degrees of visual field, by sheet.
    """

    presentations: int
    duration: float
    stimuli: Sequence[Mapping[str, Any]]
    unread: int
    positions: Mapping[str, Sequence[Sequence[float]]]


def _found(attempt: AttemptPaths) -> Path:
    """Return the file that tells what the model is made of."""
    return attempt.directory / "protocol.json"


def made_on_node(attempt: AttemptPaths) -> Made | None:
    """Return what the short protocol has noted, None if it did not come to that."""
    try:
        found = json.loads(_found(attempt).read_text(encoding="utf-8"))
        stimuli, unread = [], 0
        for text in found["stimuli"]:
            try:
                stimuli.append(read_stimulus(text))
            except AnnotationError:
                unread += 1
        duration = float(found["duration"]) / 1000.0
        return Made(int(found["presentations"]), duration, stimuli, unread, dict(found["positions"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
