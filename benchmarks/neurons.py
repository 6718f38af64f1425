"""How well a cell is fitted to a recording: mean normalised error and numbers of spikes after so many evaluations.

    python benchmarks/neurons.py [--bed hh|neuron] [--methods hybrid targets none] [--seeds 0 1 2] [--evaluations 384]

``--bed hh`` is `examples/cell`, 20 parameters and three steps of current, milliseconds per evaluation; ``neuron`` is
`examples/neuron_cell` on NEURON, 29 parameters and five steps, 0.1 s per evaluation. ``--methods`` are ``none`` (CMA-ES
alone), ``targets`` (with the model of every target's value) and any other method by its name; ``ga/correlation`` is
`ga` with Krayzman's weights. Generations have ``--size`` evaluations, those of genetic methods 32, which is their own
default. The cell reported is the one with the least total score so far. Its error is the mean over all sweeps of the
errors of the number of spikes and of the potential, each divided by that of a trace that stays at 0 mV
(`cell_bed.py`): a cell that is silent has about a third, whatever else it does, so that the numbers of spikes count as
much. The last line is one JSON object: ``wanted`` are the numbers of spikes of the recording, ``silent_error`` is the
error of a cell that never leaves its rest; by method ``error`` and ``counts`` of each seed, ``median_at`` the median
error by the number of evaluations, ``right`` the seeds with the right number of spikes in every sweep, ``silent`` those
without a spike in any sweep that has some, and ``seconds`` of the processor for one search.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

# nrnivmodl is found as if this Python's environment were activated
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
# one process for each seed: more threads would only wait for each other
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from cell_bed import CellBed
from optimisers import options_of

from orchestrator.optimisers import create_optimiser
from orchestrator.optimisers.evolution.method import EvolutionOptions
from orchestrator.records import FloatArray

METHODS = ("hybrid", "targets", "none")
EXAMPLES = {"hh": "cell", "neuron": "neuron_cell"}


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


def search(seed: int, *, method: str, evaluations: int, size: int, bed: str = "hh") -> Found:
    """Return what a method finds with a seed."""
    cells, begin = bed_of(bed), time.process_time()
    optimiser = create_optimiser(options_of(method), cells.problem(seed, size))
    least, counts, errors = np.inf, np.empty(0), [np.inf]
    for _ in range(evaluations // size):
        asked = optimiser.ask()
        found = cells.evaluated(asked.points, asked.origins)
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
def bed_of(name: str) -> CellBed:
    """Return the bed of that name, one in each process."""
    return CellBed(EXAMPLES[name])


def figures(given: argparse.Namespace, method: str) -> dict[str, object]:
    """Return the figures of a method."""
    options = options_of(method)
    size = options.default_offspring(0) if isinstance(options, EvolutionOptions) else given.size
    size = min(size, given.evaluations)
    one = partial(search, method=method, evaluations=given.evaluations, size=size, bed=given.bed)
    cells = bed_of(given.bed)
    with multiprocessing.Pool(given.jobs) as pool:
        found = pool.map(one, given.seeds, chunksize=1)
    curves = np.array([each.errors for each in found])
    at = size * np.arange(1, curves.shape[1] + 1)
    shown = [int(np.searchsorted(at, share * at[-1])) for share in (0.25, 0.5, 1)]
    seeds = list(zip(given.seeds, found, strict=True))
    return {
        "error": [round(float(each), 4) for each in curves[:, -1]],
        "median_at": {str(at[n]): round(float(np.median(curves[:, n])), 4) for n in shown},
        "counts": [each.counts for each in found],
        "right": [seed for seed, each in seeds if each.counts == cells.counts.tolist()],
        "silent": [seed for seed, each in seeds if cells.is_silent(each.counts)],
        "seconds": round(float(np.mean([each.seconds for each in found])), 1),
    }


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bed", choices=EXAMPLES, default="hh")
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--evaluations", type=int, default=384)
    parser.add_argument("--size", type=int, default=12, help="evaluations of a generation; of genetic methods 32")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    cells, methods = bed_of(given.bed), {}
    for method in given.methods:
        methods[method] = figures(given, method)
        print(method, methods[method], flush=True)
    about = {
        "bed": given.bed,
        "evaluations": given.evaluations,
        "wanted": cells.counts.tolist(),
        "silent_error": round(cells.silent_error, 4),
    }
    print(json.dumps({**about, "methods": methods}))


if __name__ == "__main__":
    main()
