"""What standard errors over trials are worth to a model of the values.

    python benchmarks/trials.py [--seeds 20] [--trials 3] [--skip-searches]

First the error of a Gaussian process of a function of four parameters, root mean square of its mean, without and with
the standard errors: of noise that is the same everywhere, and of noise that differs by a factor of 20. Then the total
score without noise of the best evaluation that a search by ``cma`` with its model has seen: five parameters, five
targets, noise that grows with a parameter, norms above and below the noise. Printed are medians over the seeds, as rows
of a table. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

import numpy as np

from orchestrator.optimisers import Problem, Told, create_optimiser
from orchestrator.optimisers.base import Scale
from orchestrator.optimisers.models.gaussian_processes import GaussianProcesses
from orchestrator.optimisers.models.proposer import libraries
from orchestrator.optimisers.models.standard_errors import smoothed
from orchestrator.optimisers.registry import optimisers
from orchestrator.records import FloatArray, Outcome

Noise = Callable[[FloatArray], FloatArray]
NOISES: dict[str, Noise] = {
    "the same": lambda points: np.full(len(points), 0.4),
    "differs": lambda points: 0.05 + points[:, 0] ** 3,
}
EVALUATIONS = (12, 25, 50, 100)
# norms of the targets, and generations of 8; the noise of a mean of three trials is 0.07 at the solution
NORMS = {0.4: 12, 0.1: 14}
CAP, SIZE = 50.0, 8
SOLUTION = np.array([0.3, 0.6, 0.45, 0.7, 0.35])
SLOPES = np.random.default_rng(9).normal(size=(5, 5))


def of_trials(exact: FloatArray, noise: FloatArray, trials: int, rng: np.random.Generator) -> tuple[FloatArray, ...]:
    """Return means of trials of values, shape (n_points, n_targets), and their standard errors."""
    single = exact + noise[:, None] * rng.normal(size=(trials, *exact.shape))
    return single.mean(axis=0), single.std(axis=0, ddof=1) / np.sqrt(trials)


def errors_of_a_process(noise: Noise, evaluations: int, trials: int, seed: int) -> tuple[float, float]:
    """Return root mean square errors of the mean of a process, without and with the standard errors."""
    rng = np.random.default_rng(seed)
    points, at, slope = rng.random((evaluations, 4)), rng.random((200, 4)), rng.normal(size=4)

    def exact(points: FloatArray) -> FloatArray:
        return np.asarray(np.sin(3 * points @ slope) + (points**2).sum(axis=1))[:, None]

    values, errors = of_trials(exact(points), noise(points), trials, rng)
    known, wanted = (points - 0.5) / 0.29, (at - 0.5) / 0.29
    off = [GaussianProcesses(known, values, each).mean(wanted) - exact(at) for each in (None, smoothed(known, errors))]
    return float(np.sqrt((off[0] ** 2).mean())), float(np.sqrt((off[1] ** 2).mean()))


def score_of_a_search(norm: float, trials: int, seed: int, *, with_errors: bool) -> float:
    """Return the total score without noise of the best evaluation that a search has seen."""
    problem = Problem(
        np.full(5, 0.5), np.zeros(5), 0.2, SIZE, seed, [str(n) for n in range(5)], [Scale(0, 0, norm, CAP)] * 5
    )
    optimiser = create_optimiser(optimisers().find("cma").options(method="cma", model="targets"), problem)
    rng, seen, exact = np.random.default_rng(seed), np.inf, np.inf
    for generation in range(NORMS[norm]):
        asked = optimiser.ask()
        true = np.sin((asked.points - SOLUTION) @ SLOPES)
        values, errors = of_trials(true, 0.05 + 0.8 * asked.points[:, 0] ** 2, trials, rng)
        scores, right = (np.minimum(np.abs(each) / norm, CAP) for each in (values, true))
        ids = [(generation, n) for n in range(len(values))]
        told = errors if with_errors else None
        optimiser.tell(Told(asked.points, values, scores, [Outcome.OK] * SIZE, asked.origins, ids, errors=told))
        best = int(np.argmin(scores.sum(axis=1)))
        if scores[best].sum() < seen:
            seen, exact = float(scores[best].sum()), float(right[best].sum())
    return exact


def main() -> None:
    """Run all, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--skip-searches", action="store_true")
    given = parser.parse_args()
    rows: dict[str, list[tuple[float, float]]] = {}
    seeds = range(given.seeds)
    with libraries().limit(limits=1):
        for name, noise in NOISES.items():
            for evaluations in EVALUATIONS:
                found = [errors_of_a_process(noise, evaluations, given.trials, seed) for seed in seeds]
                rows[f"process, noise {name}, {evaluations} evaluations"] = found
    for norm in () if given.skip_searches else NORMS:
        label = f"search, norm {norm:g}, {SIZE * NORMS[norm]} evaluations"
        rows[label] = [
            (
                score_of_a_search(norm, given.trials, seed, with_errors=False),
                score_of_a_search(norm, given.trials, seed, with_errors=True),
            )
            for seed in seeds
        ]
    medians = {label: [float(each) for each in np.median(of, axis=0)] for label, of in rows.items()}
    print("| | without | with standard errors |\n|---|---|---|")
    for label, (without, known) in medians.items():
        print(f"| {label} | {without:.3f} | {known:.3f} |")
    print(json.dumps(medians))


if __name__ == "__main__":
    main()
