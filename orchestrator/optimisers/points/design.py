"""The points that methods evaluate before they know anything."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from orchestrator.optimisers.base import Problem
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.records import FloatArray

# generators of random numbers of a restart have numbers that no ask has
_RESTART = 2**32


class DrawingOptions(OptimiserOptions):
    """Methods that draw points from the whole ranges."""

    # so was every run before there was this key
    before: ClassVar[Mapping[str, object]] = {"priors": False}

    priors: bool = Field(
        True,
        description="whether points that are drawn from the whole ranges follow the priors of the parameters, if these "
        "have any; in runs of earlier versions they do not",
    )

    def drawn(self, problem: Problem, shares: FloatArray) -> FloatArray:
        """Return points that follow the priors, of points that are uniform in the cube, of the same shape."""
        if not self.priors or problem.space is None:
            return shares
        return problem.space.prior_quantiles(shares)


class DesignOptions(DrawingOptions):
    """Methods that evaluate a number of points before they decide where others are."""

    design: Literal["own", "sobol"] = Field(
        "own",
        description="the first points beside the start: own, as the method has them; sobol, scrambled Sobol points of "
        "the whole ranges",
    )

    @property
    def packages(self) -> Sequence[str]:
        """Distributions that decide about a replay besides those of the method."""
        return ("scipy",) if self.design == "sobol" else ()

    @property
    def by_sigma(self) -> bool:
        """Whether the problem's sigma decides where the method looks: their own design is around the start."""
        return self.design == "own"

    def first_points(self, problem: Problem, number: int, *, everywhere: bool = False) -> FloatArray:
        """Return the first design of a method: the start, and others.

        Parameters
        ----------
        problem : Problem
            What is solved.
        number : int
            Points altogether.
        everywhere : bool
            Whether the method's own design is all over the ranges, not around the start.

        Returns
        -------
        ndarray of float, shape (number, n_parameters)
        """
        if self.design == "sobol":
            return np.vstack([problem.start, self._of_sequence(problem, 0, number - 1)])
        if not everywhere:
            return first_design(problem, number)
        # with the largest standard deviation a design reaches from bound to bound
        points = first_design(replace(problem, sigma=1.0), number)
        return np.vstack([points[:1], self.drawn(problem, points[1:])])

    def further_points(self, problem: Problem, number: int, restart: int) -> FloatArray:
        """Return other points than the first ones, for a search that begins anew around the start.

        Parameters
        ----------
        problem : Problem
            What is solved.
        number : int
            Points altogether.
        restart : int
            The how many-th time this is, from 1 on.

        Returns
        -------
        ndarray of float, shape (number, n_parameters)
        """
        if self.design == "sobol":
            return self._of_sequence(problem, restart * number - 1, number)
        return first_design(problem, number + 1, restart)[1:]

    def further_draws(self, problem: Problem, shares: FloatArray) -> FloatArray:
        """Return points from where those of a further design are, of points that are uniform in the cube."""
        if self.design == "sobol":
            return self.drawn(problem, shares)
        return _around_the_start(problem, shares)

    def _of_sequence(self, problem: Problem, first: int, number: int) -> FloatArray:
        """Return points of the Sobol sequence from one of them on, shape (number, n_parameters)."""
        shares = sobol_sequence(problem).random(2 ** math.ceil(math.log2(first + number + 1)))
        return self.drawn(problem, shares[first : first + number])


def first_design(problem: Problem, number: int, restart: int = 0) -> FloatArray:
    """Return the start and a Latin hypercube of the initial standard deviation around it, inside the cube.

    McKay, Beckman & Conover 1979, Technometrics 21:239.

    Parameters
    ----------
    problem : Problem
        What is solved.
    number : int
        Points altogether.
    restart : int
        Designs of other numbers have other points.

    Returns
    -------
    ndarray of float, shape (number, n_parameters)
    """
    rng = problem.generator(restart * _RESTART)
    n = len(problem.start)
    strata = rng.permuted(np.tile(np.arange(number - 1), (n, 1)), axis=1).T
    cube = (strata + rng.random(strata.shape)) / max(number - 1, 1)
    return np.vstack([problem.start, _around_the_start(problem, cube)])


def _around_the_start(problem: Problem, shares: FloatArray) -> FloatArray:
    """Return points around the start with the initial sigma, of points that are uniform in the cube."""
    width = math.sqrt(3) * problem.sigma
    low, high = np.maximum(problem.start - width, 0.0), np.minimum(problem.start + width, 1.0)
    return np.asarray(low + (high - low) * shares)


def sobol_sequence(problem: Problem) -> Any:
    """Return a `scipy.stats.qmc.Sobol` in as many dimensions as a problem has, scrambled by its seed.

    Sobol 1967, USSR Comput. Math. Math. Phys. 7:86; Matousek 1998, J. Complexity 14:527.
    """
    from scipy.stats.qmc import Sobol  # noqa: PLC0415  (takes long to import)

    # it splits the generator, which one with a key of its own does not allow
    return Sobol(len(problem.start), scramble=True, seed=np.random.default_rng(problem.seed))
