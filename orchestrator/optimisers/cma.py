"""Covariance matrix adaptation (Hansen 2016, arXiv:1604.00772) through the package cma."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from orchestrator.optimisers.base import Asked, Problem, Told
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.registry import optimiser
from orchestrator.records import FloatArray, Origin

if TYPE_CHECKING:
    from orchestrator.optimisers.models.proposer import Proposer

# A standard deviation of a fifth of a step still samples the neighbouring integers.
_SIGMA_PER_STEP = 0.2
# it ranks them, and pycma takes no fewer
_LEAST = 3
# of a search that begins anew at the best point so far
_SIGMA_OF_A_RESTART = 0.1


class CMAOptions(OptimiserOptions):
    """CMA-ES, which adapts the covariance of its search distribution."""

    least_offspring: ClassVar[int] = _LEAST

    method: str = Field("cma", description="name of the optimiser, or file.py:Class for one of your own")
    model: Literal["targets", "none"] = Field(
        "none", description="targets: a model of every target's value proposes a part of each generation"
    )
    proposals: Annotated[int, Field(ge=0)] | Literal["auto"] = Field(
        "auto", description="points of each generation that the model proposes; auto: as many as have been worth it"
    )
    model_points: int = Field(
        500, ge=20, description="evaluations that the model uses at most, the nearest to the best"
    )


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
        # pycma otherwise draws from numpy's global generator, which any other code may move
        self._generator = np.random.RandomState(problem.seed)
        self._problem = problem
        fixed = None if options.proposals == "auto" else options.proposals
        learns = options.model == "targets" and bool(problem.scales)
        self._proposer = _proposer(problem, options.model_points, fixed) if learns else None
        self._strategy = self._begun(problem.start, problem.sigma)
        self._start: FloatArray | None = np.asarray(problem.start, dtype=float)
        self._asked: list[FloatArray] = []
        self._asks = 0
        # what is known of the present distribution and was too little to learn from: points, and sums of the scores
        self._points: list[FloatArray] = []
        self._totals: list[float] = []

    def _begun(self, start: FloatArray, sigma: float) -> Any:
        """Return a strategy that begins at a point."""
        cma = _pycma()
        problem = self._problem
        settings = {
            "bounds": [0, 1],
            "popsize": problem.size,
            "randn": self._generator.randn,
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
            strategy = cma.CMAEvolutionStrategy(start, sigma, settings)
        # the option CMA_sampler would leave out pycma's preparation of negative weights
        strategy.sm.__class__ = _symmetric_sampler()
        return strategy

    def ask(self, recorded: Asked | None = None) -> Asked:
        """Return the next points: proposals, and samples."""
        given, origin = self._given(recorded)
        if len(given):
            # the distribution learns from them as from samples, whose place they take
            self._strategy.inject(list(given), force=True)
        self._asked = self._strategy.ask()
        self._asks += 1
        points = np.array(self._asked)
        # pycma's transformation keeps a hundredth of the range away from the bounds, where they may well be
        points[: len(given)] = given
        return Asked(points, (*[origin] * len(given), *[Origin.SAMPLE] * (len(points) - len(given))))

    def _given(self, recorded: Asked | None) -> tuple[FloatArray, Origin]:
        """Return the points that are no samples, and why they are evaluated."""
        if self._start is not None:
            return self._start[None], Origin.START
        rows = None if recorded is None else recorded.points[[origin is Origin.MODEL for origin in recorded.origins]]
        if self._proposer is None:
            return np.empty((0, len(self._problem.start))), Origin.MODEL
        state = self.state()
        mean, covariance = np.asarray(state["mean"]), np.asarray(state["covariance"])
        return self._proposer.proposals(mean, covariance, self._asks, rows), Origin.MODEL

    def tell(self, told: Told) -> None:
        """Update the distribution with the sum of the scores of each offspring that was evaluated.

        The mean is that of the best half of a generation: if fewer were evaluated, they are told together with the next
        ones, which are drawn from the same distribution.
        """
        self._points += [self._asked[n] for n in told.evaluated]
        self._totals += told.totals[told.evaluated].tolist()
        self._start = None
        if len(self._points) >= max(self._strategy.sp.weights.mu, _LEAST):
            with warnings.catch_warnings():
                # of another number than usual
                warnings.simplefilter("ignore")
                self._strategy.tell(self._points, self._totals)
            self._points, self._totals = [], []
        if self._proposer is not None and self._proposer.learn(told):
            self._strategy = self._begun(self._proposer.best(), _SIGMA_OF_A_RESTART)
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
        own = {"mean": mean, "sigma": float(es.sigma), "covariance": covariance}
        return {**own, **self._proposer.state()} if self._proposer is not None else own


def _proposer(problem: Problem, most: int, proposals: int | None) -> Proposer:
    from orchestrator.optimisers.models.proposer import Proposer  # noqa: PLC0415  (scipy takes long to import)

    return Proposer(problem, most, proposals)


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
