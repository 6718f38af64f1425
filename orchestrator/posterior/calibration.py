"""Posteriors of data whose parameters are known: each of an evaluation that the model is not told, with noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import cdist

from orchestrator.errors import UsageError
from orchestrator.optimisers.models.archive import Flags, IntArray
from orchestrator.optimisers.models.proposer import libraries
from orchestrator.posterior.chain import explore, walkers_for
from orchestrator.posterior.emulator import Emulator, Evidence
from orchestrator.posterior.fitting import Posterior
from orchestrator.posterior.observed import Observed
from orchestrator.posterior.ranks import Ranks
from orchestrator.records import FloatArray

# at least so many evaluations for each parameter and one
_FEWEST = 3
# draws of the prior from which walkers begin, how far beside them as a share of its kernels, how many walkers, their
# steps for each parameter and one, and how many samples a rank is among
_DRAWS, _BESIDE, _WALKERS, _STEPS, _AMONG = 1000, 0.2, 100, 20, 99
# samples of the run's posterior that have its mean and covariance, or of the prior that have its width, and the least
# standard deviation, in the cube; shares between which a width is
_LOOKED_AT, _WIDTH, _MIDDLE = 5000, 1e-9, (0.16, 0.84)
# how often it is told how it goes on
_TOLD = 10


def calibrated(
    observed: Observed, found: Posterior, number: int, seed: int = 0, say: Callable[[str], None] = lambda _: None
) -> Ranks:
    """Return the ranks of the parameters of evaluations near the posterior, among samples of posteriors of their own.

    Each evaluation is taken out in turn: what it has measured, with noise of the data, is what is wanted then, and a
    model of the others says which parameters that means. This tests the model, the noise and the walkers together. The
    prior is the density of these evaluations, because it is there that their parameters are from, and not the run's.

    Parameters
    ----------
    observed : Observed
        Evaluations and data.
    found : Posterior
        Of the run's own data.
    number : int
        How many posteriors; an evaluation has several, with other noise, if there are not so many evaluations near.
    seed : int
        Of the random numbers.
    say : callable
        Is told how it goes on.

    Raises
    ------
    orchestrator.errors.UsageError
        If there are no such data of any target, too few evaluations have a value of each, or a model cannot be fitted.
    """
    if len(found.emulator.silent) == len(observed.problem.targets):
        raise UsageError(
            "--calibrate: expected a target that wants a value or a closed interval, or compares a trace; of open "
            "intervals and of classes of your own there are no data with known parameters"
        )
    chosen = _chosen(observed, found, number)
    archive, rng = found.emulator.archive, np.random.default_rng([seed, len(chosen)])
    prior = _Density(archive.points[chosen])
    ranks = np.empty((len(chosen), -(-number // len(chosen)), len(observed.space)))
    widths = np.empty(ranks.shape)
    try:
        with libraries().limit(limits=1):
            for n, row in enumerate(chosen):
                if n * _TOLD // len(chosen) != (n - 1) * _TOLD // len(chosen):
                    say(f"calibration: evaluation {n + 1} of {len(chosen)}, posteriors of each: {ranks.shape[1]}")
                emulator = found.emulator.without(row)
                for repeat in range(ranks.shape[1]):
                    data = emulator.evidence_of([rows[row] for rows in archive.rows], rng)
                    samples = _samples(emulator, prior, data, rng)
                    widths[n, repeat] = _width(samples)
                    ranks[n, repeat] = _rank(archive.points[row], observed.problem.snapped(samples), rng)
    except (np.linalg.LinAlgError, ValueError) as error:
        raise UsageError(f"--calibrate: the model of the evaluations cannot be fitted ({error})") from error
    before = prior.drawn(_LOOKED_AT, np.random.default_rng(seed))
    shares = np.median(widths, axis=(0, 1)) / _width(before[_inside(before)])
    return Ranks(observed.space.names, ranks, shares)


def _chosen(observed: Observed, found: Posterior, number: int) -> IntArray:
    """Return the rows of the emulator's evaluations that are taken out: those near the posterior, the nearest first."""
    archive, samples = found.emulator.archive, found.chain.thinned(_LOOKED_AT)[0]
    whole = ~archive.failed & np.all([np.isfinite(rows).all(axis=1) for rows in archive.rows], axis=0)
    needed = _FEWEST * (len(observed.space) + 1)
    if whole.sum() < needed:
        raise UsageError(
            f"--calibrate: expected {needed} or more evaluations near the posterior with a value of every target, got "
            f"{int(whole.sum())}: evaluate more"
        )
    squares = (((archive.points - samples.mean(axis=0)) @ np.linalg.inv(_axes(samples))) ** 2).sum(axis=1)
    order = np.argsort(np.where(whole, squares, np.inf), kind="stable")
    near = max(int((whole & found.near).sum()), needed)
    return np.asarray(order[: min(near, max(number, needed))])


class _Density:
    """Normal kernels at points, together as wide as these.

    The centres are moved towards their mean (Liu & West 2001, Combined parameter and state estimation in
    simulation-based filtering); the width is that of Silverman 1986, Density estimation, equation 4.14.

    Parameters
    ----------
    points : ndarray of float, shape (n_points, n_parameters)
        Of the cube.
    """

    def __init__(self, points: FloatArray):
        number, width = points.shape
        bandwidth = (4 / ((width + 2) * number)) ** (1 / (width + 4))
        mean = points.mean(axis=0)
        self._centres = mean + np.sqrt(1 - bandwidth**2) * (points - mean)
        self._axes = bandwidth * _axes(points)
        self._to_unit = np.linalg.inv(self._axes)

    def log(self, points: FloatArray) -> FloatArray:
        """Return its logarithm, up to a constant, shape (n_points,)."""
        squares = cdist(points @ self._to_unit, self._centres @ self._to_unit, "sqeuclidean")
        least = squares.min(axis=1, keepdims=True)
        return np.asarray(np.log(np.exp(0.5 * (least - squares)).sum(axis=1)) - 0.5 * least[:, 0])

    def drawn(self, number: int, rng: np.random.Generator) -> FloatArray:
        """Return draws, shape (number, n_parameters); they may be outside the cube."""
        return self.beside(self._centres[rng.integers(len(self._centres), size=number)], 1.0, rng)

    def beside(self, points: FloatArray, share: float, rng: np.random.Generator) -> FloatArray:
        """Return points beside points, of a kernel of which the width is multiplied by a share."""
        return np.asarray(points + share * rng.standard_normal(points.shape) @ self._axes)


def _axes(points: FloatArray) -> FloatArray:
    """Return the matrix that makes draws of a normal distribution with the covariance of points of unit ones."""
    covariance = np.atleast_2d(np.cov(points.T)) + _WIDTH**2 * np.eye(points.shape[1])
    return np.asarray(np.linalg.cholesky(covariance).T)


def _inside(points: FloatArray) -> Flags:
    """Return which points are in the cube."""
    return np.asarray(((points >= 0) & (points <= 1)).all(axis=1))


def _width(points: FloatArray) -> FloatArray:
    """Return how wide the middle of points is, as far as two standard deviations, shape (n_parameters,)."""
    low, high = np.quantile(points, _MIDDLE, axis=0)
    return np.asarray(high - low)


def _samples(emulator: Emulator, prior: _Density, data: Evidence, rng: np.random.Generator) -> FloatArray:
    """Return samples of the posterior of data, shape (n_samples, n_parameters).

    Walkers begin at draws of the prior that are taken as likely as the data are under them.
    """

    def log_likelihood(points: FloatArray) -> FloatArray:
        found = np.full(len(points), -np.inf)
        inside = _inside(points)
        if inside.any():
            found[inside] = emulator.log_likelihood(points[inside], data)
        return np.where(np.isnan(found), -np.inf, found)

    def log_probability(points: FloatArray) -> FloatArray:
        return prior.log(points) + log_likelihood(points)

    drawn = prior.drawn(_DRAWS, rng)
    logarithms = log_likelihood(drawn)
    weights = np.exp(logarithms - logarithms.max())
    width = drawn.shape[1]
    first = drawn[rng.choice(_DRAWS, max(walkers_for(width), _WALKERS), p=weights / weights.sum())]
    start, steps = prior.beside(first, _BESIDE, rng), _STEPS * (width + 1)
    chain = explore(log_probability, start, int(rng.integers(2**31)), steps)
    return chain.thinned(_AMONG)[0]


def _rank(point: FloatArray, samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the share of samples below a point, shape (n_parameters,), at random among those that are equal."""
    below, equal = (samples < point).sum(axis=0), (samples == point).sum(axis=0)
    return np.asarray((below + rng.random(len(point)) * (equal + 1)) / (len(samples) + 1))
