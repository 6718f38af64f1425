"""How few evaluations CompNeuroPy's example of a rate neuron needs, simulated by ANNarchy.

    python benchmarks/rate_neuron.py [--methods example default hybrid] [--seeds 0 1 ... 9] [--evaluations 400]

Runs ``orchestrator run`` on a copy of `examples/annarchy_neuron` for each method and seed. ``example`` is the section
``optimiser`` of its configuration, ``default`` none at all, ``hybrid`` that method. The loss is the sum of the two root
mean square errors. The last line is one JSON object: by method, in the order of the seeds, the ``best`` loss in the end
and the number of evaluations after which it was ``below`` 1e-4 (null if never); ``median_at``, the median of the best
by the number of evaluations; and ``seconds``, the processor time of one run with its compilation.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from orchestrator.checkpoint import Checkpoint
from orchestrator.records import FloatArray

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "annarchy_neuron"
METHODS = ("example", "default", "hybrid")
GOAL = 1e-4
SHOWN = (48, 96, 198, 300, 396)


def best_so_far(method: str, seed: int, evaluations: int) -> FloatArray:
    """Run the example, and return the best loss after each evaluation."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(shutil.copytree(EXAMPLE, Path(place) / "example"))
        config: dict[str, Any] = yaml.safe_load((directory / "config.yaml").read_text())
        if method != "example":
            del config["optimiser"]
        if method == "hybrid":
            config["optimiser"] = {"method": "hybrid"}
        config |= {"optimiser_seed": seed, "max_evaluations": evaluations, "reevaluate": "none"}
        (directory / "config.yaml").write_text(yaml.safe_dump(config))
        command = [Path(sys.executable).with_name("orchestrator"), "run", "config.yaml"]
        subprocess.run(command, cwd=directory, check=True, stdout=subprocess.DEVNULL)
        frame = Checkpoint(next(directory.glob("*_Optimization"))).evaluations()
    losses = frame.filter(like="value:").sum(axis=1, min_count=2).to_numpy()
    return np.asarray(np.fmin.accumulate(losses))


def figures(method: str, seeds: list[int], evaluations: int) -> dict[str, object]:
    """Return the figures of a method."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    curves = [best_so_far(method, seed, evaluations) for seed in seeds]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    below = [int(np.argmax(curve < GOAL)) + 1 if curve[-1] < GOAL else None for curve in curves]
    # a search that has ended stays at what it has found
    at = {str(n): float(np.median([curve[min(n, len(curve)) - 1] for curve in curves])) for n in SHOWN}
    return {
        "best": [float(f"{curve[-1]:.2g}") for curve in curves],
        "below": below,
        "median_at": {n: float(f"{loss:.2g}") for n, loss in at.items()},
        "seconds": round(seconds / len(seeds), 1),
    }


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(10)))
    parser.add_argument("--evaluations", type=int, default=400)
    given = parser.parse_args()
    methods = {}
    for method in given.methods:
        methods[method] = figures(method, given.seeds, given.evaluations)
        print(method, methods[method], flush=True)
    print(json.dumps({"evaluations": given.evaluations, "methods": methods}))


if __name__ == "__main__":
    main()
