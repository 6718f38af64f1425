"""All compromises between a few targets: NSGA-II.

Deb, Pratap, Agarwal & Meyarivan 2002, IEEE Trans Evol Comput 6:182.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from orchestrator.optimisers.base import Problem
from orchestrator.optimisers.evolution.domination import IntArray
from orchestrator.optimisers.evolution.method import Pareto, ParetoOptions
from orchestrator.optimisers.evolution.population import Population, ranks_and_crowding
from orchestrator.optimisers.registry import optimiser
from orchestrator.references import DEB_2002


class NSGA2Options(ParetoOptions):
    """All compromises between two or three targets."""

    method: str = Field("nsga2", description="name of the optimiser, or file.py:Class for one of your own")


@optimiser("nsga2", options=NSGA2Options, any_rows=True, references=(DEB_2002,))
class NSGA2(Pareto):
    """NSGA-II: every target is an objective; what nothing else dominates survives, the least crowded first.

    Parameters
    ----------
    options : NSGA2Options
        Of population, crossover and mutation.
    problem : Problem
        Any number of offspring.
    """

    def __init__(self, options: NSGA2Options, problem: Problem):
        super().__init__(options, problem)
        # of the population: number of its front, and minus the crowding distance there
        self._fitness = np.empty((2, 0))

    def _survivors(self, everything: Population, rng: np.random.Generator) -> IntArray:
        """Return the rows of the best fronts, of the last one those that are the least crowded."""
        ranks, crowding = ranks_and_crowding(everything, everything.fronts())
        rows = np.lexsort((-crowding, ranks))[: self._size]
        self._fitness = np.vstack([ranks, -crowding])[:, rows]
        return rows

    def _winners(self, one: IntArray, other: IntArray) -> IntArray:
        """Return those of the better front, of the same one the less crowded."""
        (rank, crowding), (other_rank, other_crowding) = self._fitness[:, one], self._fitness[:, other]
        loses = (other_rank < rank) | ((other_rank == rank) & (other_crowding < crowding))
        return np.where(loses, other, one)
