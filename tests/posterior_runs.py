"""Runs whose posterior distribution is known, for tests of what is inferred of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from best_runs import written_run
from orchestrator_project import Project

from orchestrator.paths import RunPaths
from orchestrator.posterior.samples import Quality, Samples
from orchestrator.records import FloatArray, Outcome

# a rate a I + b at three currents: the example of CompNeuroPy's OptNeuron
SLOPES = np.array([[0.0, 1.0], [5.0, 1.0], [10.0, 1.0]])
WANTED = SLOPES @ [0.8, 2.0]
# of the posterior of a and b, with data known to 0.1
MEAN, SD, CORRELATION = np.array([0.8, 2.0]), np.array([0.0141421, 0.0912871]), -0.7745967
CONFIG: dict[str, Any] = {
    "parameters": {"a": [-1, 3], "b": [0, 5]},
    "optimiser_centroid": "middle",
    "targets": [
        {"class": "ReturnedValue", "key": f"r{n}", "target_value": float(value), "norm": 0.1, "name": f"rate {n}"}
        for n, value in enumerate(WANTED)
    ],
}


def scattered(number: int = 60, seed: int = 1) -> FloatArray:
    """Return parameters around the solution, ever nearer, as a search leaves them, shape (number, 2)."""
    rng = np.random.default_rng(seed)
    widths = np.geomspace(1.0, 0.05, number)[:, None] * [0.4, 1.0]
    return np.clip(MEAN + widths * rng.standard_normal((number, 2)), [-1, 0], [3, 5])


def linear_run(directory: Path, changes: dict[str, Any] | None = None, number: int = 60) -> RunPaths:
    """Write a run of the rates, of which one evaluation exploded and one was lost."""
    rows: list[Any] = [({"a": a, "b": b}, SLOPES @ [a, b]) for a, b in scattered(number)]
    rows += [({"a": 3.0, "b": 5.0}, Outcome.EXPLODED), ({"a": 1.0, "b": 1.0}, Outcome.CANCELLED)]
    return written_run(Project.create(directory, {**CONFIG, **(changes or {})}).config, rows)


def samples_of(names: Sequence[str], blocks: int = 3, **changes: Any) -> Samples:
    """Return samples of parameters from 0.4 to 0.6, as if they had been drawn."""
    values = np.random.default_rng(1).uniform(0.4, 0.6, (500, len(names)))
    numbers = {"evaluations": 12, "learnt": 10, "near": 8, "times": [7.0] * len(names), "effective": 400.0}
    kept: dict[str, Any] = {**numbers, "qualities": [Quality("rate", 0.1, 1.1, 0.05, 0.5)], "warnings": []}
    return Samples(names=names, values=values, logarithms=np.zeros(500), blocks=blocks, **{**kept, **changes})
