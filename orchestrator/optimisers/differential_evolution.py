"""Differential evolution (Storn & Price 1997, J. Global Optim. 11:341)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, field_validator

from orchestrator.optimisers.base import Asked, Problem, Told
from orchestrator.optimisers.points.design import DesignOptions
from orchestrator.optimisers.registry import optimiser
from orchestrator.records import FloatArray, Origin
from orchestrator.references import STORN_1997

# a difference of two needs as many beside the member that is tried
_FEWEST = 5
# members for each parameter, and at most, if the configuration does not say it
_PER_PARAMETER, _AUTOMATIC = 4, 40
# a population that is smaller than this in every dimension has come to its end
_COLLAPSED = 1e-9


class DifferentialEvolutionOptions(DesignOptions):
    """Differential evolution."""

    method: str = Field(
        "differential_evolution", description="name of the optimiser, or file.py:Class for one of your own"
    )
    population: Annotated[int, Field(ge=_FEWEST)] | Literal["auto"] = Field(
        "auto",
        description="members of the population; auto: offspring_size, and at least 4 for each parameter, up to 40",
    )
    strategy: Literal["current_to_best", "rand"] = Field(
        "current_to_best",
        description="what a difference of two members is added to: current_to_best, a point between a member and the "
        "best; rand, a third member, which is slower and is caught less easily by a local minimum",
    )
    weight: tuple[float, float] = Field(
        (0.5, 1.0), description="factor of differences: [low, high] between which it is drawn for every offspring"
    )
    crossover: float = Field(0.9, ge=0, le=1, description="probability with which an offspring has a parameter changed")

    @field_validator("weight")
    @classmethod
    def _in_order(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 < value[0] <= value[1] <= 2:
            raise ValueError(f"expected a pair [low, high], 0 < low <= high <= 2, got {list(value)}")
        return value


@optimiser("differential_evolution", options=DifferentialEvolutionOptions, any_rows=True, references=(STORN_1997,))
class DifferentialEvolution:
    """Adds differences of a population's members to others, and keeps what is not worse than the member it stands for.

    It takes any rows: members are replaced as soon as something better is told. The first population is the start and
    a Latin hypercube around it, or the design of the options.

    Parameters
    ----------
    options : DifferentialEvolutionOptions
        Of the population and its differences.
    problem : Problem
        Any number of offspring.
    """

    def __init__(self, options: DifferentialEvolutionOptions, problem: Problem):
        n = len(problem.start)
        automatic = max(problem.size, _FEWEST, min(_PER_PARAMETER * n, _AUTOMATIC))
        number = automatic if options.population == "auto" else options.population
        self._options, self._problem = options, problem
        self._members = options.first_points(problem, number)
        self._totals = np.full(number, np.inf)
        self._asks = 0
        # which member a point was tried for
        self._tried_for: dict[bytes, int] = {}

    def ask(self) -> Asked:
        """Return the first population, as far as it was not asked for; then an offspring for each member in turn."""
        first = self._asks * self._problem.size
        self._asks += 1
        rng, points = self._problem.generator(self._asks), []
        for serial in range(first, first + self._problem.size):
            member = serial % len(self._members)
            points.append(self._offspring(member, rng) if serial >= len(self._members) else self._members[member])
            self._tried_for[points[-1].tobytes()] = member
        return Asked(np.array(points), (Origin.SAMPLE if first else Origin.START, *[Origin.SAMPLE] * (len(points) - 1)))

    def tell(self, told: Told) -> None:
        """Replace members by offspring that are not worse."""
        totals = told.totals
        for row, point in enumerate(told.points):
            member = self._tried_for.pop(point.tobytes(), None)
            if member is not None and totals[row] <= self._totals[member]:  # not if it was not evaluated
                self._members[member], self._totals[member] = point, totals[row]

    def stop(self) -> str | None:
        """Return that the population has shrunk to a point, or None."""
        extent = float(np.ptp(self._members, axis=0).max())
        return f"the population is no wider than {_COLLAPSED:g}" if extent <= _COLLAPSED else None

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return ``mean`` and ``covariance`` (n_parameters, n_parameters) of the members, and ``sigma``."""
        covariance = np.atleast_2d(np.cov(self._members.T))
        sigma = float(np.sqrt(np.trace(covariance) / len(covariance)))
        return {"mean": self._members.mean(axis=0), "sigma": sigma, "covariance": covariance}

    def _offspring(self, member: int, rng: np.random.Generator) -> FloatArray:
        """Return a point to try in the place of a member.

        The difference vector's factor is drawn anew each time (dither; Das, Konar & Chakraborty 2005, GECCO 991); what
        leaves the cube ends halfway between the member and the face (Price, Storn & Lampinen 2005, Differential
        Evolution, section 4.3).
        """
        options, own = self._options, self._members[member]
        one, other, third = self._members[_others(member, len(self._members), rng)]
        weight = rng.uniform(*options.weight)
        if options.strategy == "rand":
            mutant = third + weight * (one - other)
        else:
            mutant = own + weight * (self._members[np.argmin(self._totals)] - own) + weight * (one - other)
        mutant = np.where(mutant < 0, own / 2, np.where(mutant > 1, (1 + own) / 2, mutant))
        changed = rng.random(len(own)) < options.crossover
        changed[rng.integers(len(own))] = True
        return np.asarray(np.where(changed, mutant, own))


def _others(member: int, number: int, rng: np.random.Generator) -> list[int]:
    """Return three members beside one, all different."""
    chosen = rng.choice(number - 1, size=3, replace=False)
    return [int(n) + (n >= member) for n in chosen]
