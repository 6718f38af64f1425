"""Methods whose points are offspring of a population, as optimisers: what they have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from orchestrator.optimisers.base import Asked, Problem, Told
from orchestrator.optimisers.evolution.domination import IntArray
from orchestrator.optimisers.evolution.population import Population
from orchestrator.optimisers.evolution.variation import polynomial, simulated_binary
from orchestrator.optimisers.points.design import DesignOptions
from orchestrator.records import FloatArray, Origin

# a population of fewer has only one compromise after some generations
_OFFSPRING = 32
_FEWEST_PARENTS = 2
# how often others are made instead of offspring that were asked for already
_TRIES = 10
# in the unit cube, as many digits make points the same
_DIGITS = 9


class EvolutionOptions(DesignOptions):
    """Methods whose points are offspring of a population."""

    population: Annotated[int, Field(ge=_FEWEST_PARENTS)] | Literal["auto"] = Field(
        "auto", description="evaluations that have offspring; auto: as many as offspring in a generation"
    )
    initial: Literal["ranges", "start"] = Field(
        "ranges",
        description="where the first population is, beside the start values: all over the ranges, or around the start "
        "with the standard deviation optimiser_sigma",
    )

    @field_validator("initial")
    @classmethod
    def _agrees_with_the_design(cls, value: str, info: ValidationInfo) -> str:
        if value == "start" and info.data.get("design") == "sobol":
            raise ValueError("start is around the start, design: sobol all over the ranges: take one of them away")
        return value

    @property
    def by_sigma(self) -> bool:
        """Whether the problem's sigma decides where the method looks: a first population around the start has it."""
        return self.initial == "start"

    def default_offspring(self, n_parameters: int) -> int:
        """Return how many offspring a generation has if the configuration does not say it."""
        return _OFFSPRING


class ParetoOptions(EvolutionOptions):
    """Methods that look for all compromises between targets."""

    crossover_rate: float = Field(0.9, ge=0, le=1, description="probability that two parents are crossed")
    crossover_index: float = Field(15.0, gt=0, description="the larger, the nearer are offspring to their parents")
    mutation_rate: Annotated[float, Field(gt=0, le=1)] | Literal["auto"] = Field(
        "auto", description="probability that a parameter mutates; auto: 1 / number of parameters"
    )
    mutation_index: float = Field(20.0, gt=0, description="the larger, the less does a parameter change")


class Evolution(ABC):
    """Asks for the start and a first design, then for offspring of the population that has survived.

    It takes any rows: whatever was told competes with the population. Evaluations that did not work come last; what was
    not evaluated is passed over. Random numbers of an ask, or of a tell, depend on the seed and on its number alone.

    Parameters
    ----------
    options : EvolutionOptions
        Of the method.
    problem : Problem
        Any number of offspring.
    least : int
        Points of a population at least.
    """

    def __init__(self, options: EvolutionOptions, problem: Problem, least: int = _FEWEST_PARENTS):
        self._problem = problem
        wanted = problem.size if options.population == "auto" else options.population
        self._size = max(wanted, least)
        self._drawn = partial(options.drawn, problem)
        self._design = options.first_points(problem, self._size, everywhere=options.initial == "ranges")
        self._population = Population.empty(len(problem.start), len(problem.targets))
        self._asks = self._tells = 0
        # what was evaluated, and what was asked for since the last tell: of the rest, schedules may drop some
        self._evaluated: set[bytes] = set()
        self._asked: set[bytes] = set()

    def ask(self) -> Asked:
        """Return the next points."""
        size = self._problem.size
        first = self._asks * size
        self._asks += 1
        rng = self._problem.generator(2 * self._asks)
        points = self._fresh(self._design[first : first + size])
        # whole numbers may have been asked for already: then other offspring, then any others, then the same again
        for more in (*[self._offspring] * _TRIES, *[self._anywhere] * _TRIES):
            if len(points) < size:
                points = np.vstack([points, self._fresh(more(size - len(points), rng))])
        if len(points) < size:
            points = np.vstack([points, self._offspring(size - len(points), rng)])
        origins = (Origin.SAMPLE,) * (size - 1)
        return Asked(points, (Origin.START if first == 0 else Origin.SAMPLE, *origins))

    def tell(self, told: Told) -> None:
        """Let evaluations, of which there may be any number, compete with the population."""
        self._tells += 1
        self._evaluated.update(self._keys(told.points[told.evaluated]))
        self._asked.clear()
        everything = self._population.joined(told)
        if len(everything):
            rows = self._survivors(everything, self._problem.generator(2 * self._tells + 1))
            self._population = everything.of(rows)

    def stop(self) -> str | None:
        """Return None: nobody knows that there is nothing more to gain."""
        return None

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return nothing: the population is among the evaluations."""
        return {}

    @abstractmethod
    def _survivors(self, everything: Population, rng: np.random.Generator) -> IntArray:
        """Return the rows of the next population, of which there are `_size` or all."""

    @abstractmethod
    def _children(self, number: int, rng: np.random.Generator) -> FloatArray:
        """Return so many points, or one more, from the population."""

    def _offspring(self, number: int, rng: np.random.Generator) -> FloatArray:
        if len(self._population) < _FEWEST_PARENTS:
            return self._anywhere(number, rng)
        return self._children(number, rng)[:number]

    def _anywhere(self, number: int, rng: np.random.Generator) -> FloatArray:
        return self._drawn(rng.random((number, len(self._problem.start))))

    def _fresh(self, points: FloatArray) -> FloatArray:
        """Return those points that are not known or asked for yet, and note them."""
        rows = []
        for n, key in enumerate(self._keys(points)):
            if key not in self._evaluated and key not in self._asked:
                self._asked.add(key)
                rows.append(n)
        return points[rows]

    def _keys(self, points: FloatArray) -> list[bytes]:
        """Return what is the same for points that are simulated alike."""
        return [each.tobytes() for each in np.round(self._problem.snapped(points), _DIGITS)]


class Pareto(Evolution):
    """Offspring by simulated binary crossover and polynomial mutation of parents that have won tournaments.

    Parameters
    ----------
    options : ParetoOptions
        Of the method.
    problem : Problem
        Any number of offspring.
    least : int
        Points of a population at least.
    """

    def __init__(self, options: ParetoOptions, problem: Problem, least: int = _FEWEST_PARENTS):
        super().__init__(options, problem, least)
        self._options = options
        rate = options.mutation_rate
        self._mutation_rate = 1 / len(problem.start) if rate == "auto" else rate

    @abstractmethod
    def _winners(self, one: IntArray, other: IntArray) -> IntArray:
        """Return the row of the population that wins each tournament; if neither does, the first."""

    def _children(self, number: int, rng: np.random.Generator) -> FloatArray:
        """Return so many points, or one more, from the population."""
        options = self._options
        contests = rng.integers(len(self._population), size=(2, 2, (number + 1) // 2))
        one, other = (self._population.points[self._winners(*contest)] for contest in contests)
        pairs = simulated_binary(one, other, rng, index=options.crossover_index, rate=options.crossover_rate)
        return polynomial(np.vstack(pairs), rng, index=options.mutation_index, rate=self._mutation_rate)
