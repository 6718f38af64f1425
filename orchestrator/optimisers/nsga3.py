"""Compromises between many targets, spread over directions: NSGA-III.

Deb & Jain 2014, IEEE Trans Evol Comput 18:577.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from orchestrator.optimisers.base import Problem
from orchestrator.optimisers.evolution.directions import reference_directions
from orchestrator.optimisers.evolution.domination import IntArray
from orchestrator.optimisers.evolution.method import Pareto, ParetoOptions
from orchestrator.optimisers.evolution.niches import Normalisation, chosen_by_niche, nearest_directions
from orchestrator.optimisers.evolution.population import Population
from orchestrator.optimisers.registry import optimiser
from orchestrator.references import DEB_2014


class NSGA3Options(ParetoOptions):
    """Compromises between four targets or more."""

    method: str = Field("nsga3", description="name of the optimiser, or file.py:Class for one of your own")
    crossover_rate: float = Field(1.0, ge=0, le=1, description="probability that two parents are crossed")
    crossover_index: float = Field(30.0, gt=0, description="the larger, the nearer are offspring to their parents")


@optimiser("nsga3", options=NSGA3Options, any_rows=True, references=(DEB_2014,))
class NSGA3(Pareto):
    """NSGA-III: every target is an objective; of what nothing else dominates, some survive near each direction.

    There are as many directions as points in the population, or as have room in an even grid; each target alone is
    one, so that the population has at least as many points as there are targets.

    Parameters
    ----------
    options : NSGA3Options
        Of population, crossover and mutation.
    problem : Problem
        Any number of offspring.
    """

    def __init__(self, options: NSGA3Options, problem: Problem):
        n_targets = max(len(problem.targets), 1)
        super().__init__(options, problem, least=max(n_targets, 2))
        self._directions = reference_directions(n_targets, self._size)
        self._normalisation = Normalisation(n_targets)

    def _survivors(self, everything: Population, rng: np.random.Generator) -> IntArray:
        """Return the rows of the best fronts, of the last one those of the emptiest niches."""
        found = everything.fronts()
        if everything.works.any():
            self._normalisation.learn(everything.scores[everything.works], everything.scores[found[0]])
        ends = np.cumsum([len(front) for front in found])
        if ends[-1] <= self._size:
            return np.concatenate(found)
        last = int(np.searchsorted(ends, self._size))
        certain = np.concatenate([np.empty(0, dtype=np.intp), *found[:last]])
        missing = self._size - len(certain)
        if not everything.works[found[last]].all():  # of these nothing is known: the latest
            return np.concatenate([certain, found[last][-missing:]])
        rows = np.concatenate([certain, found[last]])
        niches, distances = nearest_directions(self._normalisation.of(everything.scores[rows]), self._directions)
        taken = np.bincount(niches[: len(certain)], minlength=len(self._directions))
        of_last = chosen_by_niche(taken, niches[len(certain) :], distances[len(certain) :], missing, rng)
        return np.concatenate([certain, found[last][of_last]])

    def _winners(self, one: IntArray, other: IntArray) -> IntArray:
        """Return those that work; all that do are equals."""
        works = self._population.works
        return np.where(works[other] & ~works[one], other, one)
