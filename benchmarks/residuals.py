"""What methods make of the traces that values are computed from: the best loss after so many evaluations.

    python benchmarks/residuals.py --bed EVOKED [--methods hybrid none] [--seeds 10] [--first 100] [--evaluations 48]

Each seed has a start, or a landscape, of its own; the methods were tuned on seeds 0 to 9. ``targets`` is CMA-ES with
the model of every target's value, ``none`` CMA-ES alone; ``none+nelder_mead`` is CMA-ES with ``polish: nelder_mead``,
and so for all others. The last line is one JSON object: by method ``median_at`` and ``worst_at``, the median and the
worst of the seeds by the number of evaluations, ``below``, how many seeds end below ``--goal``, and ``seconds`` of the
processor for one search.
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
from optimisers import options_of
from traces import TRACE_NAMES, trace_bed_of

from orchestrator.optimisers import create_optimiser
from orchestrator.records import FloatArray

SIGMA = 0.2
METHODS = ("hybrid", "composite", "gauss_newton", "tpe", "targets", "none")
OTHERS = ("differential_evolution", "nelder_mead", "sobol")
POLISHED = [f"{method}+{polish}" for method in (*METHODS, *OTHERS) for polish in ("nelder_mead", "gauss_newton")]


def search(seed: int, *, name: str, method: str, evaluations: int, size: int) -> tuple[FloatArray, float]:
    """Return the best loss after each generation, shape (n_generations,), and seconds of the processor."""
    bed, begin = trace_bed_of(name, seed), time.process_time()
    problem = replace(bed.problem(seed, size, SIGMA), budget=evaluations)
    optimiser = create_optimiser(options_of(method), problem)
    curve = [np.inf]
    for _ in range(evaluations // size):
        asked = optimiser.ask()
        curve.append(min(curve[-1], float(bed.losses(asked.points).min())))
        optimiser.tell(bed.told(asked.points, asked.origins))
        if optimiser.stop():
            break
    curve += [curve[-1]] * (evaluations // size + 1 - len(curve))
    return np.array(curve[1:]), time.process_time() - begin


def figures(given: argparse.Namespace, method: str) -> dict[str, object]:
    """Return the figures of a method."""
    one = partial(search, name=given.bed, method=method, evaluations=given.evaluations, size=given.size)
    with multiprocessing.Pool(given.jobs) as pool:
        found = pool.map(one, range(given.first, given.first + given.seeds), chunksize=1)
    curves = np.array([curve for curve, _ in found])
    at = given.size * np.arange(1, curves.shape[1] + 1)
    shown = np.unique(np.linspace(0, len(at) - 1, 6).round().astype(int))
    return {
        "median_at": {str(at[n]): float(f"{np.median(curves[:, n]):.4g}") for n in shown},
        "worst_at": {str(at[n]): float(f"{curves[:, n].max():.4g}") for n in shown},
        "below": int((curves[:, -1] < given.goal).sum()),
        "seconds": round(float(np.mean([seconds for _, seconds in found])), 2),
    }


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bed", choices=TRACE_NAMES, required=True)
    parser.add_argument("--methods", nargs="+", choices=[*METHODS, *OTHERS, *POLISHED], default=METHODS)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=100, help="the first seed")
    parser.add_argument("--evaluations", type=int, default=48)
    parser.add_argument("--goal", type=float, default=1e-4, help="loss that counts as a fit")
    parser.add_argument("--size", type=int, default=8, help="evaluations of a generation")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    found = {}
    for method in given.methods:
        found[method] = figures(given, method)
        print(
            method,
            found[method]["median_at"],
            "worst",
            found[method]["worst_at"],
            "below",
            found[method]["below"],
            flush=True,
        )
    print(json.dumps({"bed": given.bed, "seeds": given.seeds, "first": given.first, "methods": found}))


if __name__ == "__main__":
    main()
