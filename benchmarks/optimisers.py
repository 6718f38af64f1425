"""How many evaluations a method needs: the true total score of the best that it has found, on several beds.

    python benchmarks/optimisers.py --bed A20 [--method targets] [--seeds 15] [--first 0] [--evaluations 320] [--jobs 2]

``--method`` is ``none`` (CMA-ES alone), ``targets`` (with the model of every target's value), or another method by its
name; ``none+nelder_mead`` is CMA-ES alone with ``polish: nelder_mead``, ``none/correlation`` with
``weighting: correlation``. Each seed has a start, noise and random numbers of its own. The best is the evaluation with
the least total that was observed; its total without noise counts. The last line is one JSON object: ``median_at`` by
the number of evaluations, ``reference``, the median that CMA-ES alone reaches after ``--reference`` evaluations with
the same seeds, and ``evaluations_to_reference``, the first number of evaluations at which the median is not above it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from dataclasses import replace
from functools import partial

# one process for each seed: more threads would only wait for each other
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from beds import NAMES, Bed, bed_of

from orchestrator.optimisers import Told, create_optimiser
from orchestrator.optimisers.cma import CMAOptions
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.registry import optimisers
from orchestrator.records import FloatArray, Outcome

SIGMA = 0.2
SHOWN = (40, 80, 120, 160, 200, 240, 280, 320, 480, 640, 960, 1280, 1600)


def options_of(method: str) -> OptimiserOptions:
    """Return the options of a method: CMA-ES without or with its model, or any by its name, weighted and polished."""
    weighted, _, polish = method.partition("+")
    name, _, weighting = weighted.partition("/")
    given = {"polish": polish or "none", **({"weighting": weighting} if weighting else {})}
    if name in ("none", "targets"):
        return CMAOptions.model_validate({"model": name, **given})
    return optimisers().find(name).options.model_validate({"method": name, **given})


def search(bed: Bed, method: str, seed: int, evaluations: int, size: int) -> FloatArray:
    """Return the true total of the best after each generation, shape (n_generations,)."""
    problem = replace(bed.problem(seed, size, SIGMA), budget=evaluations)
    optimiser = create_optimiser(options_of(method), problem)
    rng = np.random.default_rng([seed, 1])
    least, true, curve = np.inf, np.nan, []
    for _ in range(evaluations // size):
        asked = optimiser.ask()
        values, works = bed.simulated(asked.points, rng)
        scores = bed.scores(values)
        outcomes = [Outcome.OK if each else Outcome.EXPLODED for each in works]
        optimiser.tell(Told(asked.points, values, scores, outcomes, asked.origins))
        best = int(np.argmin(scores.sum(axis=1)))
        if scores[best].sum() < least:
            least, true = scores[best].sum(), float(bed.true_total(asked.points[best : best + 1])[0])
        curve.append(true)
        if optimiser.stop():
            break
    return np.array(curve + [true] * (evaluations // size - len(curve)))


def _search(seed: int, *, name: str, method: str, evaluations: int, size: int) -> FloatArray:
    return search(bed_of(name), method, seed, evaluations, size)


def curves(given: argparse.Namespace, method: str, evaluations: int) -> FloatArray:
    """Return the curve of each seed, shape (n_seeds, n_generations)."""
    one = partial(_search, name=given.bed, method=method, evaluations=evaluations, size=given.size)
    with multiprocessing.Pool(given.jobs) as pool:
        return np.array(pool.map(one, range(given.first, given.first + given.seeds), chunksize=1))


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bed", choices=NAMES, required=True)
    parser.add_argument("--method", default="targets")
    parser.add_argument("--seeds", type=int, default=15)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--evaluations", type=int, default=320)
    parser.add_argument("--reference", type=int, help="evaluations of CMA-ES alone; 1600, of NET 320")
    parser.add_argument("--size", type=int, default=8, help="evaluations of a generation")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    whole = given.reference or (320 if given.bed == "NET" else 1600)
    begin = time.perf_counter()
    plain = curves(given, "none", whole)
    reference = float(np.median(plain[:, -1]))
    found = curves(given, given.method, given.evaluations)
    at = given.size * np.arange(1, found.shape[1] + 1)
    medians = np.median(found, axis=0)
    reached = at[medians <= reference]
    quartiles = np.quantile(found, [0.25, 0.75], axis=0)
    for n in [np.flatnonzero(at == shown)[0] for shown in SHOWN if shown in at]:
        low, high = quartiles[:, n]
        own = f", CMA-ES alone {np.median(plain[:, n]):.1f}" if n < plain.shape[1] else ""
        print(f"{at[n]:5d} evaluations: {medians[n]:.1f} [{low:.1f}-{high:.1f}]{own}", flush=True)
    figures = {
        "bed": given.bed,
        "method": given.method,
        "seeds": given.seeds,
        "evaluations_to_reference": int(reached[0]) if len(reached) else None,
        "reference": round(reference, 2),
        "median_at": {str(each): round(float(medians[at == each][0]), 2) for each in SHOWN if each in at},
        "seconds": round(time.perf_counter() - begin, 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
