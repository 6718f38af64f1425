"""Samples of a distribution in the unit cube by an ensemble of walkers, and whether they are enough (package emcee)."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from orchestrator.errors import UsageError
from orchestrator.records import FloatArray

# walkers for each parameter, and at least so many
_WALKERS, _LEAST = 4, 40
# steps between two checks whether it is enough; so many autocorrelation times are, with so many effective samples;
# more steps than this are not made
_BLOCK, _TIMES, _EFFECTIVE, _MOST = 500, 50, 1000, 10_000
# of the steps, this share is left out at the beginning, or so many autocorrelation times if that is more
_BURN, _BURN_TIMES = 0.2, 5


@dataclass(frozen=True)
class Chain:
    """What an ensemble of walkers has gone through (Goodman & Weare 2010; Foreman-Mackey et al. 2013).

    Parameters
    ----------
    points : ndarray of float, shape (n_steps, n_walkers, n_parameters)
        Of the cube; the beginning, and walkers whose density was 0, are left out.
    logarithms : ndarray of float, shape (n_steps, n_walkers)
        Of the probability density at each.
    times : ndarray of float, shape (n_parameters,)
        Autocorrelation times, in steps.
    """

    points: FloatArray
    logarithms: FloatArray
    times: FloatArray

    @property
    def effective(self) -> float:
        """How many independent samples these are worth."""
        return float(self.points.shape[0] * self.points.shape[1] / self.times.max())

    @property
    def long_enough(self) -> bool:
        """Whether it is longer than so many autocorrelation times that these are known well (Sokal 1996)."""
        return bool(self.points.shape[0] >= (1 - _BURN) * _TIMES * self.times.max())

    @property
    def flat(self) -> FloatArray:
        """All samples, shape (n_steps * n_walkers, n_parameters)."""
        return self.points.reshape(-1, self.points.shape[2])

    def thinned(self, number: int) -> tuple[FloatArray, FloatArray]:
        """Return so many samples and their logarithms, evenly over all, or all of them if there are not so many."""
        flat, logarithms = self.flat, self.logarithms.ravel()
        rows = np.linspace(0, len(flat) - 1, min(number, len(flat))).round().astype(int)
        return flat[rows], logarithms[rows]


def walkers_for(n_parameters: int) -> int:
    """Return how many walkers there are, an even number."""
    return max(_WALKERS * n_parameters, _LEAST)


def explore(
    log_probability: Callable[[FloatArray], FloatArray], start: FloatArray, seed: int, steps: int | None = None
) -> Chain:
    """Let walkers go until there are enough samples, or for so many steps.

    Parameters
    ----------
    log_probability : callable
        Takes points, shape (n_points, n_parameters), inside the cube or outside, and returns the logarithm of the
        density up to a constant, shape (n_points,).
    start : ndarray of float, shape (n_walkers, n_parameters)
        Where the walkers begin; not all in one plane.
    seed : int
        Of the random numbers.
    steps : int, optional
        How many.

    Raises
    ------
    orchestrator.errors.UsageError
        If emcee is not installed, or the density is 0 wherever the walkers have been.
    """
    emcee = emcee_package()
    moves = [(emcee.moves.DEMove(), 0.8), (_snooker(emcee), 0.2)]
    sampler = emcee.EnsembleSampler(*start.shape, log_probability, vectorize=True, moves=moves)
    # a state of its own: the sampler's would be made of numpy's global one
    sampler.random_state = np.random.RandomState(seed).get_state()
    state: Any = start
    while True:
        # walkers that begin outside have a logarithm of -inf, as have those that stay outside; between those at one
        # place there is no direction
        with np.errstate(invalid="ignore", divide="ignore"):
            state = sampler.run_mcmc(state, steps or _BLOCK, skip_initial_state_check=True)
        chain = _chain(emcee, sampler)
        made = sampler.iteration
        if steps is not None or made >= _MOST or (chain.long_enough and chain.effective >= _EFFECTIVE):
            return chain


def _snooker(emcee: Any) -> Any:
    """Return emcee's move along the line through another walker; one that is at the same place as that stays."""
    move = emcee.moves.DESnookerMove()
    proposed = move.get_proposal

    def get_proposal(walkers: FloatArray, others: Any, random: Any) -> tuple[FloatArray, FloatArray]:
        points, factors = proposed(walkers, others, random)
        nowhere = np.isnan(points).any(axis=1)
        return np.where(nowhere[:, None], walkers, points), np.where(nowhere, -np.inf, factors)

    move.get_proposal = get_proposal
    return move


def _chain(emcee: Any, sampler: Any) -> Chain:
    """Return what the walkers have gone through so far."""
    times = emcee.autocorr.integrated_time(sampler.get_chain(), quiet=True, tol=0)
    times = np.where(np.isfinite(times), np.maximum(times, 1.0), sampler.iteration)
    burn = min(int(max(_BURN * sampler.iteration, _BURN_TIMES * times.max())), sampler.iteration // 2)
    points, logarithms = sampler.get_chain(discard=burn), sampler.get_log_prob(discard=burn)
    # walkers that have not come inside yet are no samples
    inside = np.isfinite(logarithms).all(axis=0)
    if not inside.any():
        raise UsageError("posterior: no parameters were found that are possible at all under the priors and the model")
    return Chain(points[:, inside], logarithms[:, inside], times)


def emcee_package() -> Any:
    """Return the package that moves the walkers.

    Raises
    ------
    orchestrator.errors.UsageError
        If it is not installed.
    """
    try:
        return importlib.import_module("emcee")
    except ImportError as error:
        raise UsageError(
            "posterior: needs emcee, which is not installed: pip install 'mozaik-orchestrator[posterior]'"
        ) from error
