"""A genetic algorithm with elites and adaptive mutation, as pyneuronautofit has (github.com/rat-h/pyneuronautofit)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from orchestrator.optimisers.base import Problem, Told
from orchestrator.optimisers.evolution.domination import IntArray
from orchestrator.optimisers.evolution.method import Evolution, EvolutionOptions
from orchestrator.optimisers.evolution.population import Population
from orchestrator.optimisers.evolution.variation import adaptive_rates, blend, n_point, uniform
from orchestrator.optimisers.registry import optimiser
from orchestrator.optimisers.weighting import ReweighAfter, Weighting, WeightingName
from orchestrator.records import FloatArray


class GAOptions(EvolutionOptions):
    """A genetic algorithm with elites, rank selection and adaptive mutation."""

    method: str = Field("ga", description="name of the optimiser, or file.py:Class for one of your own")
    weighting: WeightingName = "sum"
    reweigh_after: ReweighAfter = 10.0
    elites: float = Field(
        0.125, ge=0, lt=1, description="share of the population that only better ones replace, however old it is"
    )
    cut_rate: float = Field(
        0.25,
        ge=0,
        le=1,
        description="probability that offspring have stretches of the parameters of either parent; of others, every "
        "parameter is between those of the parents",
    )
    mutation_rate: float = Field(
        0.1, gt=0, le=1, description="probability that a parameter is drawn anew, of offspring that are unlike others"
    )
    mutation_reach: float = Field(
        0.06, gt=0, description="distance to the nearest other, as a fraction of the ranges, below which more mutate"
    )


@optimiser("ga", options=GAOptions, any_rows=True)
class GA(Evolution):
    """Genetic algorithm on the sum of the scores, or a weighted one: elites survive, better ranks have more offspring.

    Parameters
    ----------
    options : GAOptions
        Of population, crossover and mutation.
    problem : Problem
        Any number of offspring.
    """

    def __init__(self, options: GAOptions, problem: Problem):
        super().__init__(options, problem)
        self._options = options
        self._elites = round(options.elites * self._size)
        self._weighting = Weighting(options.weighting, len(problem.targets), options.reweigh_after)

    def tell(self, told: Told) -> None:
        """Adapt the weights, and let evaluations compete with the population under the new ones."""
        self._weighting.learn(told)
        super().tell(told)

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return ``weights`` (n_targets,) if they are adapted."""
        return self._weighting.state()

    def _survivors(self, everything: Population, rng: np.random.Generator) -> IntArray:
        """Return the best of the elites and the latest, in the order in which they were told."""
        order = self._best_first(everything)
        age = np.arange(len(everything))[::-1]
        # as many as a population are the latest: those that were told in the last generation, if all were evaluated
        candidates = (age < self._size) | np.isin(np.arange(len(everything)), order[: self._elites])
        return np.sort(order[candidates[order]][: self._size])

    def _children(self, number: int, rng: np.random.Generator) -> FloatArray:
        """Return so many points, or one more, from the population."""
        population, n = self._population.points[self._best_first(self._population)], len(self._population)
        # linear ranking (Baker 1985, Proc 1st Int Conf Genetic Algorithms, 101): the worst has 1 share, the best n
        shares = np.arange(n, 0, -1) / (n * (n + 1) / 2)
        one, other = (population[rows] for rows in rng.choice(n, size=(2, (number + 1) // 2), p=shares))
        cut = rng.random((len(one), 1)) < self._options.cut_rate
        pairs = zip(n_point(one, other, rng), blend(one, other, rng), strict=True)
        children = np.vstack([np.where(cut, stretches, between) for stretches, between in pairs])
        rates = adaptive_rates(
            children, population, least=self._options.mutation_rate, reach=self._options.mutation_reach
        )
        return uniform(children, rng, rates)

    def _best_first(self, population: Population) -> IntArray:
        """Return the rows from the best to the worst; those that do not work are worse than all others."""
        return np.lexsort((self._weighting.totals(population.scores), ~population.works))
