"""How well a cell of 20 parameters is fitted: mean normalised error and numbers of spikes after so many evaluations.

    python benchmarks/neurons.py [--methods hybrid targets none] [--seeds 0 1 2] [--evaluations 384] [--size 12]

``--methods`` are ``none`` (CMA-ES alone), ``targets`` (with the model of every target's value) and any other method by
its name. The cell reported is the one with the least total score so far. Its error is the mean over all sweeps of the
errors of the number of spikes and of the potential, each divided by that of a trace that stays at 0 mV
(`cell_bed.py`): a cell that is silent has about a third, whatever else it does, so that the numbers of spikes count as
much. The last line is one JSON object; by method ``error`` and ``counts`` of each seed, ``median_at`` the median error
by the number of evaluations, ``right`` the seeds with the right number of spikes in every sweep, and ``seconds`` of the
processor for one search.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from dataclasses import dataclass
from functools import cache, partial

# one process for each seed: more threads would only wait for each other
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from cell_bed import CellBed
from optimisers import options_of

from orchestrator.optimisers import create_optimiser
from orchestrator.records import FloatArray

METHODS = ("hybrid", "targets", "none")


@dataclass(frozen=True)
class Found:
    """What a search has found.

    Parameters
    ----------
    errors : ndarray of float, shape (n_generations,)
        Error of the best so far after each generation.
    counts : list of int
        Numbers of spikes of the best in the end.
    seconds : float
        Of the processor.
    """

    errors: FloatArray
    counts: list[int]
    seconds: float


def search(seed: int, *, method: str, evaluations: int, size: int) -> Found:
    """Return what a method finds with a seed."""
    bed, begin = _bed(), time.process_time()
    optimiser = create_optimiser(options_of(method), bed.problem(seed, size))
    least, counts, errors = np.inf, np.empty(0), [np.inf]
    for _ in range(evaluations // size):
        asked = optimiser.ask()
        found = bed.evaluated(asked.points, asked.origins)
        optimiser.tell(found.told)
        totals = found.told.scores.sum(axis=1)
        best = int(totals.argmin())
        errors.append(errors[-1])
        if totals[best] < least:
            least, counts, errors[-1] = totals[best], found.counts[best], float(found.errors[best])
        if optimiser.stop():
            break
    errors += [errors[-1]] * (evaluations // size + 1 - len(errors))
    return Found(np.array(errors[1:]), counts.tolist(), time.process_time() - begin)


@cache
def _bed() -> CellBed:
    return CellBed()


def figures(given: argparse.Namespace, method: str) -> dict[str, object]:
    """Return the figures of a method."""
    one = partial(search, method=method, evaluations=given.evaluations, size=given.size)
    with multiprocessing.Pool(given.jobs) as pool:
        found = pool.map(one, given.seeds, chunksize=1)
    curves = np.array([each.errors for each in found])
    at = given.size * np.arange(1, curves.shape[1] + 1)
    shown = [int(np.searchsorted(at, share * given.evaluations)) for share in (0.25, 0.5, 1)]
    wanted = _bed().counts.tolist()
    return {
        "error": [round(float(each), 4) for each in curves[:, -1]],
        "median_at": {str(at[n]): round(float(np.median(curves[:, n])), 4) for n in shown},
        "counts": [each.counts for each in found],
        "right": [seed for seed, each in zip(given.seeds, found, strict=True) if each.counts == wanted],
        "seconds": round(float(np.mean([each.seconds for each in found])), 1),
    }


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--evaluations", type=int, default=384)
    parser.add_argument("--size", type=int, default=12, help="evaluations of a generation")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    methods = {}
    for method in given.methods:
        methods[method] = figures(given, method)
        print(method, methods[method], flush=True)
    print(json.dumps({"evaluations": given.evaluations, "wanted": _bed().counts.tolist(), "methods": methods}))


if __name__ == "__main__":
    main()
