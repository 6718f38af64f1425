"""The posterior distribution from evaluations: a model of those near it, found again from ever better samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from orchestrator.errors import UsageError
from orchestrator.optimisers.models.archive import Archive, Flags, IntArray
from orchestrator.optimisers.models.metric import Metric
from orchestrator.optimisers.models.proposer import libraries
from orchestrator.posterior.chain import Chain, emcee_package, explore, walkers_for
from orchestrator.posterior.emulator import FEWEST, Emulator
from orchestrator.posterior.observed import Observed
from orchestrator.records import FloatArray

# evaluations that are learnt: at least so many more than a parabola has coefficients, or so many for each parameter and
# one if that is less, and at most so many
_MORE, _LEAST, _MOST = 4, 10, 300
# distance from the mean of the posterior in its standard deviations, beyond that of most samples, which is the root of
# the number of parameters: those that are farther than the first are learnt only if there are not enough others, those
# that are nearer than the second are near
_FAR, _NEAR = 7.0, 2.0
# how many models are made at most, and steps of the walkers in each; one is the last if it is no more uncertain than
# this, in standard deviations of the data, at so many of its samples, and no more than this share of the evaluations
# would change
_ROUNDS, _STEPS = 6, 300
_CERTAIN, _LOOKED_AT, _SAME = 0.1, 200, 0.1
# least standard deviation of where walkers begin, and of a covariance, in the cube
_BEGIN, _WIDTH = 1e-4, 1e-9


@dataclass(frozen=True)
class Posterior:
    """What was found.

    Parameters
    ----------
    chain : Chain
        Samples of it.
    emulator : Emulator
        The last model.
    near : ndarray of bool, shape (n_points,)
        Which of the emulator's evaluations are near the posterior.
    """

    chain: Chain
    emulator: Emulator
    near: Flags


def posterior_of(observed: Observed, seed: int = 0, say: Callable[[str], None] = lambda _: None) -> Posterior:
    """Return the posterior distribution.

    The model is first of the values of all evaluations, then of those that are near the samples of the posterior that
    it gives, in coordinates in which these are round: near the posterior quantities are smoother, and errors matter.
    What a model has found to be far from its samples is not looked at by those that follow, which know nothing of it
    ("refocusing": Vernon, Goldstein & Bower 2010, Bayesian Analysis 5:619). The one that is least uncertain at its
    samples is taken.

    Parameters
    ----------
    observed : Observed
        Evaluations and data.
    seed : int
        Of the random numbers.
    say : callable
        Is told how it goes on.

    Raises
    ------
    orchestrator.errors.UsageError
        If too few evaluations have a value of each target, or emcee is not installed.
    """
    emcee_package()  # if it is not there, nothing is computed
    try:
        # matrices are small: more threads, of which a large node has many, would only wait for each other
        with libraries().limit(limits=1):
            return _Search(observed, seed, say).found()
    except (np.linalg.LinAlgError, ValueError) as error:
        raise UsageError(f"posterior: the model of the evaluations cannot be fitted ({error})") from error


def log_likelihoods(observed: Observed) -> FloatArray:
    """Return the logarithm of the likelihood of the data under what each evaluation gave, shape (n_points,).

    -inf of those that failed, or have no value of a target.
    """
    archive = observed.archive
    found = np.where(archive.failed, -np.inf, 0.0)
    for quantity, rows, noise in zip(archive.quantities, archive.rows, observed.noise, strict=True):
        known = np.isfinite(rows).all(axis=1)
        found[~known] = -np.inf
        if known.any():
            components = quantity.components(rows[known], 1.0)
            found[known] -= 0.5 * (components.distances(components.numbers) / noise) ** 2
    return found


class _Search:
    def __init__(self, observed: Observed, seed: int, say: Callable[[str], None]):
        self._observed, self._say = observed, say
        self._rng = np.random.default_rng(seed)
        self._likelihoods = log_likelihoods(observed)
        needed, found = max(FEWEST, len(observed.space) + 2), int(np.isfinite(self._likelihoods).sum())
        if found < needed:
            raise UsageError(
                f"posterior: expected at least {needed} evaluations with a value of every target, got {found}: "
                "evaluate more"
            )
        # of the evaluations that a model is of, at least so many are whole
        width = len(observed.space) + 1
        self._fewest = min(width * (width + 1) // 2 + _MORE, _LEAST * width, _MOST, found)
        # outside of any of them the posterior is 0, as models before have found
        self._regions: list[Ellipsoid] = []

    def found(self) -> Posterior:
        points, chosen, walkers = self._observed.archive.points, self._overall(), self._around_the_best()
        emulator = self._emulator(self._observed.values, chosen, _metric(points[chosen]))
        # the model that is least uncertain, and its uncertainty
        best, least = emulator, np.inf
        for number in range(_ROUNDS):
            self._say(f"model {number + 1}, of {len(chosen)} evaluations")
            chain = self._explored(emulator, walkers, _STEPS)
            region, walkers = Ellipsoid.of(chain.flat, _FAR), self._spread(chain)
            uncertainty = float(emulator.uncertainty(chain.thinned(_LOOKED_AT)[0]).max())
            if number and uncertainty < least:  # the first one is of values alone
                best, least = emulator, uncertainty
            self._regions.append(region)
            before, chosen = chosen, self._chosen(region.distances(points), region.holds(points))
            if least <= _CERTAIN and len(np.setxor1d(chosen, before)) <= _SAME * len(chosen):
                break
            emulator = self._emulator(self._observed.archive, chosen, _metric(chain.flat))
        learnt = best.archive.points
        self._say(f"samples under the model that is least uncertain, of {len(learnt)} evaluations")
        chain = self._explored(best, walkers, None)
        return Posterior(chain, best, Ellipsoid.of(chain.flat, _NEAR).holds(learnt))

    def _emulator(self, archive: Archive, chosen: IntArray, metric: Metric) -> Emulator:
        return Emulator(self._observed, archive.only(chosen), metric)

    def _overall(self) -> IntArray:
        """Return the rows of the first model, ascending: all; of very many the best half, and the others evenly."""
        rows = np.argsort(-self._likelihoods, kind="stable")
        if len(rows) > _MOST:
            half = _MOST // 2
            rows = np.concatenate([rows[:half], rows[np.linspace(half, len(rows) - 1, half).astype(int)]])
        return np.sort(rows)

    def _chosen(self, order: FloatArray, wanted: Flags) -> IntArray:
        """Return the rows that are learnt, ascending: the wanted ones, and the next until there are enough.

        Parameters
        ----------
        order : ndarray of float, shape (n_points,)
            Those with the smallest numbers come first.
        wanted : ndarray of bool, shape (n_points,)
            A number of the first ones.
        """
        rows = np.argsort(order, kind="stable")
        enough = int(np.searchsorted(np.cumsum(np.isfinite(self._likelihoods[rows])), self._fewest)) + 1
        return np.sort(rows[: max(min(int(wanted.sum()), _MOST), enough)])

    def _around_the_best(self) -> FloatArray:
        """Return where the walkers begin: around the best evaluation, as far as the next best are from it."""
        points = self._observed.archive.points[np.argsort(-self._likelihoods, kind="stable")]
        shape = (walkers_for(points.shape[1]), points.shape[1])
        widths = np.maximum(points[: 2 * (shape[1] + 1)].std(axis=0), np.maximum(self._observed.problem.steps, _BEGIN))
        return np.asarray(np.clip(points[0] + widths * self._rng.standard_normal(shape), 0.0, 1.0))

    def _spread(self, chain: Chain) -> FloatArray:
        """Return where the walkers go on: at samples of a chain, each of another one."""
        samples = chain.flat
        return samples[self._rng.choice(len(samples), walkers_for(samples.shape[1]), replace=False)]

    def _explored(self, emulator: Emulator, walkers: FloatArray, steps: int | None) -> Chain:
        space = self._observed.space

        def log_probability(points: FloatArray) -> FloatArray:
            inside = ((points >= 0) & (points <= 1)).all(axis=1)
            for region in self._regions:
                inside &= region.holds(points)
            found = np.full(len(points), -np.inf)
            if inside.any():
                found[inside] = space.log_prior(points[inside]) + emulator.log_likelihood(points[inside])
            return np.where(np.isnan(found), -np.inf, found)

        return explore(log_probability, walkers, int(self._rng.integers(2**31)), steps)


def _covariance(points: FloatArray) -> FloatArray:
    width = points.shape[1]
    return np.asarray(np.cov(points.T).reshape(width, width) + _WIDTH**2 * np.eye(width))


def _metric(points: FloatArray) -> Metric:
    """Return coordinates in which points are round."""
    return Metric(_covariance(points), points.mean(axis=0))


@dataclass(frozen=True)
class Ellipsoid:
    """A normal distribution, and how far from its mean it reaches.

    Parameters
    ----------
    mean : ndarray of float, shape (n_parameters,)
        Of the cube.
    covariance : ndarray of float, shape (n_parameters, n_parameters)
        Likewise.
    reach : float
        Standard deviations.
    """

    mean: FloatArray
    covariance: FloatArray
    reach: float

    @classmethod
    def of(cls, samples: FloatArray, beyond: float) -> Ellipsoid:
        """Return that of samples, which reaches farther than most of them by so many standard deviations."""
        return cls(samples.mean(axis=0), _covariance(samples), float(np.sqrt(samples.shape[1])) + beyond)

    def distances(self, points: FloatArray) -> FloatArray:
        """Return how far points are from the mean, in standard deviations (Mahalanobis 1936)."""
        differences = points - self.mean
        squares = (differences * np.linalg.solve(self.covariance, differences.T).T).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(squares, 0.0)))

    def holds(self, points: FloatArray) -> Flags:
        """Return which points are inside."""
        return np.asarray(self.distances(points) <= self.reach)
