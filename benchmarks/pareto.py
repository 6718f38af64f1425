"""How much nsga2 and nsga3 dominate at the end, beside pymoo's.

    python benchmarks/pareto.py [--seeds 5] [--problems zdt1 zdt2 zdt3 dtlz2]

Each runs with a population of 40 for 60 generations on ZDT1 to ZDT3 (10 parameters), and of 45 for 40 generations on
DTLZ2 (7 parameters, 3 objectives). Printed are mean and standard deviation over the seeds of the volume that is
dominated by the last population, up to 1.1 in each objective, as rows of a table. The last line is one JSON object.
Needs pymoo.
"""

from __future__ import annotations

import argparse
import json
from typing import Any, NamedTuple

import numpy as np
from pymoo.algorithms.moo import nsga2, nsga3
from pymoo.indicators.hv import HV
from pymoo.optimize import minimize
from pymoo.problems import get_problem
from pymoo.util.ref_dirs import get_reference_directions

from orchestrator.optimisers import Problem, Told, create_optimiser
from orchestrator.optimisers.evolution.domination import non_dominated
from orchestrator.optimisers.registry import optimisers
from orchestrator.records import FloatArray, Outcome

METHODS = ("nsga2", "nsga3")


class Setting(NamedTuple):
    """How large a problem is, and how long it is worked on; divisions are those of pymoo's reference directions."""

    parameters: int
    objectives: int
    size: int
    generations: int
    divisions: int


PROBLEMS = {
    **dict.fromkeys(("zdt1", "zdt2", "zdt3"), Setting(10, 2, 40, 60, 39)),
    "dtlz2": Setting(7, 3, 45, 40, 8),
}


def ours(method: str, problem: Any, setting: Setting, seed: int) -> FloatArray:
    """Return the scores of our last population."""
    start, targets = np.random.default_rng(seed).random(problem.n_var), [str(n) for n in range(problem.n_obj)]
    options = optimisers().find(method).options(method=method)
    given = Problem(start, np.zeros(problem.n_var), 0.3, setting.size, seed, targets)
    optimiser = create_optimiser(options, given)
    for _ in range(setting.generations):
        asked = optimiser.ask()
        scores = problem.evaluate(asked.points)
        optimiser.tell(Told(asked.points, scores, scores, [Outcome.OK] * len(scores), asked.origins))
    return np.asarray(optimiser._optimiser._population.scores)  # type: ignore[attr-defined]


def theirs(method: str, problem: Any, setting: Setting, seed: int) -> FloatArray:
    """Return the scores of pymoo's last population."""
    if method == "nsga2":
        algorithm = nsga2.NSGA2(pop_size=setting.size)
    else:
        directions = get_reference_directions("das-dennis", problem.n_obj, n_partitions=setting.divisions)
        algorithm = nsga3.NSGA3(ref_dirs=directions, pop_size=setting.size)
    return np.asarray(minimize(problem, algorithm, ("n_gen", setting.generations), seed=seed).F)


def main() -> None:
    """Run all, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    given = parser.parse_args()
    found: dict[str, dict[str, list[float]]] = {}
    for name in given.problems:
        setting = PROBLEMS[name]
        more = {} if setting.objectives == 2 else {"n_obj": setting.objectives}
        problem = get_problem(name, n_var=setting.parameters, **more)
        dominated = HV(ref_point=np.full(setting.objectives, 1.1))
        cells = found.setdefault(name, {})
        for method in METHODS:
            seeds = range(given.seeds)
            runs = {
                method: [ours(method, problem, setting, seed) for seed in seeds],
                f"pymoo's {method}": [theirs(method, problem, setting, seed) for seed in seeds],
            }
            cells |= {label: [float(dominated(each[non_dominated(each)])) for each in of] for label, of in runs.items()}
        words = " | ".join(f"{np.mean(each):.3f} ({np.std(each):.3f})" for each in cells.values())
        print(f"| {name} | {setting.size} x {setting.generations} | {words} |", flush=True)
    print(json.dumps({name: {label: float(np.mean(each)) for label, each in of.items()} for name, of in found.items()}))


if __name__ == "__main__":
    main()
