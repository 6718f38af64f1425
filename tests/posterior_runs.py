"""Runs whose posterior distribution is known, for tests of what is inferred of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from best_runs import written_run
from orchestrator_project import Project

from orchestrator.optimisers import Problem, Told
from orchestrator.optimisers.base import Scale
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.paths import RunPaths
from orchestrator.posterior.observed import Observed
from orchestrator.posterior.predicted import QUANTILES, Predicted, PredictedTrace
from orchestrator.posterior.ranks import Ranks
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


def problem(space: SearchSpace, wanted: FloatArray, norm: float = 0.1, **more: Any) -> Problem:
    """Return a problem whose targets want these values."""
    scales = [Scale(float(value), float(value), norm, 20.0) for value in wanted]
    names = [f"target {n}" for n in range(len(wanted))]
    start = np.full(len(space), 0.5)
    return Problem(start, space.steps, 0.2, 6, 1, targets=names, scales=scales, space=space, **more)


def told(space: SearchSpace, parameters: FloatArray, values: FloatArray, **more: Any) -> Told:
    """Return what an optimiser is told of parameters and their values."""
    points = np.array([space.encode(dict(zip(space.names, row, strict=True))) for row in parameters])
    outcomes = more.pop("outcomes", [Outcome.OK] * len(points))
    return Told(points, values, np.zeros(values.shape), outcomes, **more)


def rates(
    *parameters: Parameter, of: Callable[[FloatArray], FloatArray] = lambda values: values, noise: float = 1.0
) -> Observed:
    """Return what evaluations of a rate a I + b at three currents say, with noise that is believed, in norms."""
    space = SearchSpace(parameters or (Parameter("a", -1, 3), Parameter("b", 0, 5)))
    rows = scattered()
    return Observed.of(problem(space, WANTED), [told(space, rows, of(rows @ SLOPES.T))], np.full(3, noise), np.ones(3))


class Line:
    """A trace a t + b at eight times, as a target sees it: the root mean square of its difference from the data."""

    times = np.linspace(0, 1, 8)
    data = 0.8 * times + 2.0

    def values(self, outputs: FloatArray) -> FloatArray:
        return np.asarray(np.linalg.norm(self.residuals(outputs), axis=1))

    def residuals(self, outputs: FloatArray) -> FloatArray:
        return np.asarray((outputs - self.data) / np.sqrt(len(self.times)))


def line(noise: FloatArray | None = None) -> Observed:
    """Return what evaluations of a line say, in which a and b are squared."""
    space = SearchSpace([Parameter("a", 0, 2), Parameter("b", 0, 3)])
    rng = np.random.default_rng(1)
    rows = np.clip([0.8, 2.0] + rng.standard_normal((60, 2)) * [0.4, 0.3], 0, [2, 3])
    vector = Line()
    outputs = rows[:, :1] ** 2 / 0.8 * vector.times + rows[:, 1:] ** 2 / 2
    block = told(space, rows, vector.values(outputs)[:, None], outputs={0: outputs})
    return Observed.of(problem(space, np.zeros(1), vectors={0: vector}), [block], noise)


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


def checks_of(names: Sequence[str], targets: Sequence[str]) -> dict[str, Any]:
    """Return predictions of targets, of the first a trace, and ranks, as `samples_of` takes them.

    The ranks of the last of several parameters test nothing.
    """
    rng, times = np.random.default_rng(1), np.linspace(0, 10, 20)
    quantiles = np.sort(rng.normal(size=(len(QUANTILES), len(targets))), axis=0)
    bands = np.sort(rng.normal(size=(len(QUANTILES), len(times))), axis=0)
    trace = PredictedTrace(targets[0], "mV", times, bands, np.sin(times), np.cos(times))
    ranks = Ranks(names, rng.random((30, 2, len(names))), np.linspace(0.5, 0.95, len(names)))
    return {"predicted": Predicted(targets, quantiles, [trace]), "calibration": ranks}
