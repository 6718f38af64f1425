"""How near the posterior distribution from a run's evaluations is to the exact one, on problems where that is known.

    python benchmarks/posterior.py [--beds LINEAR RATES CELL] [--evaluations 60] [--seeds 5] [--first 100]
                                   [--method gp] [--even]

LINEAR   5 parameters, 8 values that are linear in them; the posterior is normal
RATES    the example of CompNeuroPy's OptNeuron: a rate a I + b at three currents, a and b from -10 to 10; normal
CELL     the linear neuron of `traces.py`, of which two traces are compared with data; integrated on a grid

The evaluations of the first two are those of a search by CMA-ES with its model, those of CELL, and all of them with
--even, a Latin hypercube. The last line is one JSON object: by bed the exact ``sd`` and ``correlation`` (of the first
two parameters); ``warned``, how many of the runs were told not to be trusted; of the others the worst ``mean_off``, how
many exact standard deviations the mean is off, ``sd_ratio``, the ratio of the standard deviations that is farthest from
1, and ``correlation_off``, left out if there are no others; ``of_all`` the same of all runs; and ``seconds`` of
the processor for one posterior.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

# more threads would only wait for each other
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from optimisers import options_of
from traces import Cell

from orchestrator.optimisers import Problem, Told, create_optimiser
from orchestrator.optimisers.base import Scale
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.posterior import Method
from orchestrator.posterior.neural import sampled_by
from orchestrator.posterior.observed import Observed
from orchestrator.records import FloatArray, Origin, Outcome

_MAX_SCORE = 20.0
_SIGMA = 0.2


@dataclass(frozen=True)
class Bed:
    """A problem with an exact posterior.

    Parameters
    ----------
    problem : Problem
        What an optimiser is given.
    told : callable
        Returns what it is told of points and their origins.
    mean, sd : ndarray of float, shape (n_parameters,)
        Of the exact posterior, in the parameters' own units.
    correlation : ndarray of float, shape (n_parameters, n_parameters)
        Likewise.
    noise : ndarray of float, shape (n_targets,)
        Standard deviation of the data, in norms.
    method : str or None
        By which the evaluations are found; None for a Latin hypercube.
    """

    problem: Problem
    told: Callable[[FloatArray, tuple[Origin, ...]], Told]
    mean: FloatArray
    sd: FloatArray
    correlation: FloatArray
    noise: FloatArray
    method: str | None


def linear_bed(space: SearchSpace, slopes: FloatArray, wanted: FloatArray, norms: FloatArray, seed: int) -> Bed:
    """Return a bed whose values are slopes times the parameters, with the posterior of generalised least squares."""
    weighted = slopes / norms[:, None]
    covariance = np.linalg.inv(weighted.T @ weighted)
    mean, sd = covariance @ weighted.T @ (wanted / norms), np.sqrt(np.diag(covariance))

    def told(points: FloatArray, origins: tuple[Origin, ...]) -> Told:
        values = np.array([list(space.decode(point).values()) for point in points]) @ slopes.T
        far = np.abs(values - wanted) / norms
        excess = np.maximum(far / _MAX_SCORE - 1, 0)
        scores = np.minimum(far, _MAX_SCORE * (1 + 0.05 * excess / (excess + 100)))
        return Told(points, values, scores, [Outcome.OK] * len(points), origins)

    problem = Problem(
        start=np.random.default_rng([seed, 5]).uniform(0.05, 0.95, len(space)),
        steps=space.steps,
        sigma=_SIGMA,
        size=6,
        seed=seed,
        targets=[f"value {n}" for n in range(len(wanted))],
        scales=[Scale(value, value, norm, _MAX_SCORE) for value, norm in zip(wanted, norms, strict=True)],
        space=space,
    )
    return Bed(problem, told, mean, sd, covariance / np.outer(sd, sd), np.ones(len(wanted)), "targets")


def bed_of(name: str, seed: int) -> Bed:
    """Return a bed by its name."""
    if name == "CELL":
        return _cell_bed(seed)
    if name == "RATES":
        space = SearchSpace([Parameter("a", -10, 10), Parameter("b", -10, 10)])
        slopes = np.array([[0.0, 1.0], [5.0, 1.0], [10.0, 1.0]])
        return linear_bed(space, slopes, slopes @ [0.8, 2.0], np.full(3, 0.1), seed)
    rng = np.random.default_rng(3)
    space = SearchSpace([Parameter(f"p{n}", -2, 2) for n in range(5)])
    slopes = rng.standard_normal((8, 5))
    norms = rng.uniform(0.1, 0.3, 8)
    return linear_bed(space, slopes, slopes @ rng.uniform(-0.4, 0.4, 5) + norms * rng.standard_normal(8), norms, seed)


def _cell_bed(seed: int) -> Bed:
    cell, noise = Cell(), np.full(2, 0.1)
    a, b = (each.ravel() for each in np.meshgrid(np.linspace(0.3, 1.5, 401), np.linspace(1, 3, 401)))
    # the parameters of `Cell` have wider bounds
    grid = np.array([cell.space.encode({"a": one, "b": other}) for one, other in zip(a, b, strict=True)])
    outputs = cell.outputs(grid)
    values = np.stack([cell.vectors[target].values(outputs[target]) for target in cell.vectors], axis=1) / cell.norm
    weights = np.exp(-0.5 * ((values / noise) ** 2).sum(axis=1))
    covariance = np.cov([a, b], aweights=weights)
    sd, mean = np.sqrt(np.diag(covariance)), np.average([a, b], axis=1, weights=weights)
    space = SearchSpace([Parameter("a", 0.3, 1.5), Parameter("b", 1, 3)])

    def told(points: FloatArray, origins: tuple[Origin, ...]) -> Told:
        wide = np.array([cell.space.encode(space.decode(point)) for point in points])
        return replace(cell.told(wide, origins), points=points)

    problem = replace(cell.problem(seed, 6, _SIGMA), space=space)
    return Bed(problem, told, mean, sd, covariance / np.outer(sd, sd), noise, None)


def evaluated(bed: Bed, evaluations: int, seed: int) -> list[Told]:
    """Return the evaluations of a search, or of a Latin hypercube."""
    if bed.method is None:
        rng, width = np.random.default_rng([seed, 7]), len(bed.problem.start)
        strata = rng.permuted(np.tile(np.arange(evaluations), (width, 1)), axis=1).T
        points = (strata + rng.random(strata.shape)) / evaluations
        return [bed.told(points, (Origin.SAMPLE,) * evaluations)]
    optimiser = create_optimiser(options_of(bed.method), bed.problem)
    blocks: list[Told] = []
    while sum(len(told.points) for told in blocks) < evaluations and not optimiser.stop():
        asked = optimiser.ask()
        blocks.append(bed.told(asked.points, asked.origins))
        optimiser.tell(blocks[-1])
    return blocks


def measured(given: argparse.Namespace, name: str, seed: int) -> dict[str, float]:
    """Return how far the posterior of one run is from the exact one."""
    bed = bed_of(name, seed)
    if given.even:
        bed = replace(bed, method=None)
    observed = Observed.of(bed.problem, evaluated(bed, given.evaluations, seed), bed.noise)
    begin = time.process_time()
    found = sampled_by(given.method, observed, 20_000, seed)
    seconds = time.process_time() - begin
    ratio = found.values.std(axis=0) / bed.sd
    return {
        "mean_off": float(np.abs((found.values.mean(axis=0) - bed.mean) / bed.sd).max()),
        "sd_ratio": float(ratio[np.argmax(np.abs(np.log(ratio)))]),
        "correlation_off": float(np.abs(np.corrcoef(found.values.T) - bed.correlation).max()),
        "warned": bool(found.warnings),
        "seconds": seconds,
    }


def figures(given: argparse.Namespace, name: str) -> dict[str, object]:
    """Return the figures of a bed."""
    rows = [measured(given, name, seed) for seed in range(given.first, given.first + given.seeds)]
    bed, trusted = bed_of(name, given.first), [row for row in rows if not row["warned"]]
    return {
        "sd": [float(f"{each:.4g}") for each in bed.sd],
        "correlation": round(float(bed.correlation[0, 1]), 4),
        "warned": len(rows) - len(trusted),
        **_worst(trusted),
        "of_all": _worst(rows),
        "seconds": round(float(np.mean([row["seconds"] for row in rows])), 1),
    }


def _worst(rows: list[dict[str, float]]) -> dict[str, float]:
    """Return the worst figures of some posteriors; nothing if there is none."""
    if not rows:
        return {}
    farthest = max((row["sd_ratio"] for row in rows), key=lambda ratio: abs(math.log(ratio)))
    return {
        "mean_off": round(max(row["mean_off"] for row in rows), 3),
        "sd_ratio": round(farthest, 3),
        "correlation_off": round(max(row["correlation_off"] for row in rows), 3),
    }


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beds", nargs="+", choices=("LINEAR", "RATES", "CELL"), default=("LINEAR", "RATES", "CELL"))
    parser.add_argument("--evaluations", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=100, help="the first seed")
    parser.add_argument("--method", type=Method, choices=list(Method), default=Method.GP)
    parser.add_argument("--even", action="store_true", help="evaluations of a Latin hypercube")
    given = parser.parse_args()
    found = {}
    for name in given.beds:
        found[name] = figures(given, name)
        print(name, found[name], flush=True)
    print(
        json.dumps(
            {
                "method": given.method,
                "evaluations": given.evaluations,
                "seeds": given.seeds,
                "first": given.first,
                "beds": found,
            }
        )
    )


if __name__ == "__main__":
    main()
