"""What the cap of scores costs a search whose values are far from what is wanted.

    python benchmarks/cap.py [--fits 51] [--evaluations 400]

CMA-ES fits two values, each proportional to one parameter, with norm 1 from the centre of the ranges, in generations of
8. The ranges are 100, 1,000 and 10,000 norms wide, and the wanted values lie between a tenth and nine tenths of them.
It is told the capped scores that people see, the ranked scores that a run tells it, or uncapped ones. Printed is how
far off the best evaluation is, summed over the targets in norms, as the median of the fits. The last line is one JSON
object.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable

import numpy as np

from orchestrator.optimisers import Problem, Told, create_optimiser
from orchestrator.optimisers.cma import CMAOptions
from orchestrator.records import Outcome
from targets import Target, create_targets, ranked_score_of, score_of

Scoring = Callable[[Target, float], float]
SIZE = 8
WIDTHS = (100, 1000, 10_000)
TOLD: dict[str, Scoring] = {
    "capped": score_of,
    "ranked": ranked_score_of,
    "uncapped": lambda target, value: target.distance(value) / target.norm,
}


def norms_off(width: float, seed: int, scored: Scoring, evaluations: int) -> float:
    """Return how far off the best evaluation of one fit is, in norms."""
    wanted = width * np.random.default_rng(seed).uniform(0.1, 0.9, 2)
    targets = create_targets(
        [{"class": "ReturnedValue", "key": "x", "target_value": each, "norm": 1} for each in wanted]
    )
    optimiser = create_optimiser(CMAOptions(), Problem(np.full(2, 0.5), np.zeros(2), 0.2, SIZE, seed + 1))
    best = np.inf
    for _ in range(evaluations // SIZE):
        points = optimiser.ask().points
        rows = [list(zip(targets, width * point, strict=True)) for point in points]
        scores = np.array([[scored(target, value) for target, value in row] for row in rows])
        optimiser.tell(Told(points, width * points, scores, [Outcome.OK] * SIZE))
        best = min(best, *(sum(target.distance(value) for target, value in row) for row in rows))
        if optimiser.stop():
            break
    return float(best)


def main() -> None:
    """Fit, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fits", type=int, default=51)
    parser.add_argument("--evaluations", type=int, default=400)
    given = parser.parse_args()
    figures = {
        f"{name}_{width}": statistics.median(
            norms_off(width, seed, scored, given.evaluations) for seed in range(given.fits)
        )
        for width in WIDTHS
        for name, scored in TOLD.items()
    }
    for name, value in figures.items():
        print(f"{name:16} {value:10.2g}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
