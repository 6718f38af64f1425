"""Covariance matrix adaptation (Hansen 2016, arXiv:1604.00772) through the package cma."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

import numpy as np

from orchestrator.optimisers.base import Told, same_points
from orchestrator.records import FloatArray

with warnings.catch_warnings():
    # cma warns at import that it cannot plot where matplotlib is not installed
    warnings.simplefilter("ignore")
    import cma

# A standard deviation of a fifth of a step still samples the neighbouring integers.
_SIGMA_PER_STEP = 0.2


class _SymmetricSampler(cma.sampler.GaussFullSampler):  # type: ignore[misc]
    """Samples with the symmetric root of C, B D B^T z, instead of B D z; the distribution is the same.

    The signs of the eigenvectors in B are arbitrary and differ between processors: with B D z a run that is continued
    on another one would ask for other points altogether.
    """

    def sample(self, number: int, lazy_update_gap: float | None = None, same_length: object = False) -> FloatArray:
        if same_length:
            raise ValueError("samples of equal length are not supported")
        self.update_now(lazy_update_gap)
        z = self.randn(number, self.dimension)
        return np.asarray(z @ (self.B * self.D) @ self.B.T)


class CMA:
    """CMA-ES on the sum of the scores, bounded to the unit cube by pycma's own boundary transformation.

    Parameters
    ----------
    start : ndarray of float, shape (n_parameters,)
        Initial mean, in the unit cube.
    steps : ndarray of float, shape (n_parameters,)
        Width of an integer step in each dimension, 0 for real parameters.
    sigma : float
        Initial standard deviation as a fraction of each range.
    size : int
        Offspring in a generation, at least 3.
    seed : int
        Seed of the generator that only this optimiser draws from.
    """

    def __init__(self, *, start: FloatArray, steps: FloatArray, sigma: float, size: int, seed: int):
        # pycma otherwise draws from numpy's global generator, which any other code may move
        generator = np.random.RandomState(seed)
        options = {
            "bounds": [0, 1],
            "popsize": size,
            "randn": generator.randn,
            "seed": None,
            "minstd": list(_SIGMA_PER_STEP * steps),
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
            self._strategy = cma.CMAEvolutionStrategy(start, sigma, options)
        # the option CMA_sampler would leave out pycma's preparation of negative weights
        self._strategy.sm.__class__ = _SymmetricSampler
        # the first offspring is the start itself, so that everybody knows what there is to gain
        self._strategy.inject([start], force=True)
        self._start: FloatArray | None = np.asarray(start, dtype=float)
        self._asked: list[FloatArray] | None = None

    def ask(self) -> FloatArray:
        """Return the next points; again the same ones until they are told."""
        if self._asked is None:
            self._asked = self._strategy.ask()
        points = np.array(self._asked)
        if self._start is not None:
            # pycma's transformation keeps a hundredth of the range away from the bounds, where a start may well be
            points[0] = self._start
        return points

    def tell(self, told: Told) -> None:
        """Update the distribution with the sum of each offspring's scores."""
        if self._asked is None:
            raise ValueError("tell() without ask()")
        if not same_points(told.points, self.ask()):
            raise ValueError("tell() got other points than ask() gave")
        if told.scores.shape[0] != len(self._asked) or not np.isfinite(told.scores).all():
            raise ValueError("tell() takes one row of finite scores for every point")
        self._strategy.tell(self._asked, [math.fsum(row) for row in told.scores])
        self._asked = self._start = None

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
