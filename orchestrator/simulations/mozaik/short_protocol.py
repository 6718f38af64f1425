"""A protocol that presents nothing, in place of a model's: to see on a node whether the model can be simulated."""

from __future__ import annotations

import json
from pathlib import Path

from orchestrator.paths import AttemptPaths

# Replaces the model's experiments on the node. It makes them, to find what is wrong with them and to count their
# stimuli, and presents none.
_PROTOCOL = '''\
"""Written by `orchestrator check --on-node`: makes the model's experiments, counts their stimuli and presents none."""

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
    with open({counted!r}, "w") as file:
        json.dump({{"presentations": len(stimuli), "duration": sum(durations)}}, file)
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
    text = _PROTOCOL.format(experiments=experiments, counted=str(_counted(attempt)))
    module.write_text(text, encoding="utf-8")
    dotted = ".".join(module.relative_to(model_dir).with_suffix("").parts)
    return f"{dotted}:create_experiments"


def _counted(attempt: AttemptPaths) -> Path:
    """Return the file with the number of the protocol's stimuli and their duration."""
    return attempt.directory / "protocol.json"


def protocol_size(attempt: AttemptPaths) -> tuple[int, float] | None:
    """Return number of stimuli and duration in s of the whole protocol, None if they could not be counted."""
    try:
        found = json.loads(_counted(attempt).read_text(encoding="utf-8"))
        return int(found["presentations"]), float(found["duration"]) / 1000.0
    except (OSError, ValueError, KeyError, TypeError):
        return None
