"""Covariance matrix adaptation (Hansen 2016, arXiv:1604.00772) through the package cma."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from orchestrator.optimisers.base import Asked, Problem, Told
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.registry import optimiser
from orchestrator.records import FloatArray, Origin

# A standard deviation of a fifth of a step still samples the neighbouring integers.
_SIGMA_PER_STEP = 0.2
# it ranks them, and pycma takes no fewer
_LEAST = 3


class CMAOptions(OptimiserOptions):
    """CMA-ES, which adapts the covariance of its search distribution."""

    least_offspring: ClassVar[int] = _LEAST

    method: str = Field("cma", description="name of the optimiser, or file.py:Class for one of your own")


@optimiser("cma", options=CMAOptions, packages=("cma", "numpy"))
class CMA:
    """CMA-ES on the sum of the scores, bounded to the unit cube by pycma's own boundary transformation.

    Parameters
    ----------
    options : CMAOptions
        Nothing that changes it yet.
    problem : Problem
        At least 3 offspring; the start is the initial mean.
    """

    def __init__(self, options: CMAOptions, problem: Problem):
        cma = _pycma()
        # pycma otherwise draws from numpy's global generator, which any other code may move
        generator = np.random.RandomState(problem.seed)
        settings = {
            "bounds": [0, 1],
            "popsize": problem.size,
            "randn": generator.randn,
            "seed": None,
            "minstd": list(_SIGMA_PER_STEP * problem.steps),
            "verbose": -9,
            "verb_log": 0,
            "signals_filename": None,
            # a generation in which everything exploded has equal scores; that is no reason to end
            "tolflatfitness": math.inf,
            "tolstagnation": math.inf,
            "tolxstagnation": False,
            "tolfun": 0,
            "tolfunhist": 0,
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._strategy = cma.CMAEvolutionStrategy(problem.start, problem.sigma, settings)
        # the option CMA_sampler would leave out pycma's preparation of negative weights
        self._strategy.sm.__class__ = _symmetric_sampler()
        # the distribution learns from the start as from a sample: it takes the place of the first one
        self._strategy.inject([problem.start], force=True)
        self._start: FloatArray | None = np.asarray(problem.start, dtype=float)
        self._asked: list[FloatArray] = []
        # what is known of the present distribution and was too little to learn from: points, and sums of the scores
        self._points: list[FloatArray] = []
        self._totals: list[float] = []

    def ask(self) -> Asked:
        """Return the next points."""
        self._asked = self._strategy.ask()
        points = np.array(self._asked)
        if self._start is None:
            return Asked.samples(points)
        # pycma's transformation keeps a hundredth of the range away from the bounds, where a start may well be
        points[0] = self._start
        return Asked(points, (Origin.START, *[Origin.SAMPLE] * (len(points) - 1)))

    def tell(self, told: Told) -> None:
        """Update the distribution with the sum of the scores of each offspring that was evaluated.

        The mean is that of the best half of a generation: if fewer were evaluated, they are told together with the next
        ones, which are drawn from the same distribution.
        """
        self._points += [self._asked[n] for n in told.evaluated]
        self._totals += [math.fsum(told.scores[n]) for n in told.evaluated]
        self._start = None
        if len(self._points) >= max(self._strategy.sp.weights.mu, _LEAST):
            with warnings.catch_warnings():
                # of another number than usual
                warnings.simplefilter("ignore")
                self._strategy.tell(self._points, self._totals)
            self._points, self._totals = [], []

    def stop(self) -> str | None:
        """Return pycma's reasons to stop, such as a step size that is below rounding, or None."""
        reasons = self._strategy.stop()
        return ", ".join(f"{name}={value}" for name, value in sorted(reasons.items())) or None

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return ``mean`` (n_parameters,), ``sigma`` and ``covariance`` (n_parameters, n_parameters).

        The mean is in the unit cube; the covariance is that of the sampling distribution,
        sigma^2 C, in the coordinates before pycma's boundary transformation.
        """
        es = self._strategy
        mean = np.asarray(es.gp.pheno(es.mean, into_bounds=es.boundary_handler.repair))
        scale = np.asarray(es.sigma_vec * np.ones(len(mean)))
        covariance = es.sigma**2 * np.outer(scale, scale) * np.asarray(es.C)
        return {"mean": mean, "sigma": float(es.sigma), "covariance": covariance}


def _pycma() -> Any:
    """Return the package cma, which takes a third of a second to import."""
    with warnings.catch_warnings():
        # it warns at import that it cannot plot if matplotlib is not installed
        warnings.simplefilter("ignore")
        import cma  # noqa: PLC0415
    return cma


@cache
def _symmetric_sampler() -> type:
    """Return a sampler with the symmetric root of C, B D B^T z, instead of B D z; the distribution is the same.

    The signs of the eigenvectors in B are arbitrary and differ between processors: with B D z a run that is continued
    on another one would ask for other points altogether.
    """

    class SymmetricSampler(_pycma().sampler.GaussFullSampler):  # type: ignore[misc]
        def sample(self, number: int, lazy_update_gap: float | None = None, same_length: object = False) -> FloatArray:
            if same_length:
                raise ValueError("samples of equal length are not supported")
            self.update_now(lazy_update_gap)
            z = self.randn(number, self.dimension)
            return np.asarray(z @ (self.B * self.D) @ self.B.T)

    return SymmetricSampler
