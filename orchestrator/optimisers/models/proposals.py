"""Points that a model proposes: where a draw from what it believes has the least total score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestrator.optimisers.models.metric import Metric
from orchestrator.optimisers.models.values import ValueModel
from orchestrator.records import FloatArray

_CANDIDATES = 400
# starts of the search for each proposal, its steps, and their length from the first to the last, in the metric's units
_STARTS, _STEPS = 2, 25
_FIRST_STEP, _LAST_STEP = 0.25, 0.01
# how far around good points candidates are, in standard deviations of the search distribution
_AROUND = (0.3, 1.0)
# closer proposals than this are moved apart by so much, in the cube
_TOO_CLOSE, _APART = 0.005, 0.02
# decay of the means of gradient and squared gradient (Kingma & Ba 2015, arXiv:1412.6980)
_ADAM = (0.9, 0.999)


@dataclass(frozen=True)
class Distribution:
    """A search distribution in the unit cube.

    Parameters
    ----------
    mean : ndarray of float, shape (n_parameters,)
        Its centre.
    covariance : ndarray of float, shape (n_parameters, n_parameters)
        Its covariance.
    """

    mean: FloatArray
    covariance: FloatArray


@dataclass(frozen=True)
class ProposalSearch:
    """Where proposals are searched for.

    Parameters
    ----------
    model : ValueModel
        In the coordinates of `metric`.
    metric : Metric
        From the cube to the model's coordinates.
    distribution : Distribution
        Where candidates come from.
    known : ndarray of float, shape (n_data, n_parameters)
        Points of the cube that were evaluated.
    pending : ndarray of float, shape (n_pending, n_parameters)
        Points of the cube that are being evaluated.
    """

    model: ValueModel
    metric: Metric
    distribution: Distribution
    known: FloatArray
    pending: FloatArray


def propose(search: ProposalSearch, number: int, rng: np.random.Generator) -> FloatArray:
    """Return points of the cube, the first where the expectation is least, the others where Thompson draws are.

    Parameters
    ----------
    search : ProposalSearch
        Model and candidates.
    number : int
        How many are wanted.
    rng : numpy.random.Generator
        Source of all random numbers.

    Returns
    -------
    ndarray of float, shape (number, n_parameters)
        Inside the cube.
    """
    model, metric = search.model, search.metric
    draws = rng.standard_normal((number, len(model.noise)))
    draws[0] = 0.0
    candidates = metric.of(_candidates(search, number, rng))
    totals = model.total(model.predict(candidates), draws[:, None, :])
    starts = np.argsort(totals, axis=1, kind="stable")[:, :_STARTS].ravel()
    own_draws = np.repeat(draws, _STARTS, axis=0)
    begin = candidates[starts]
    end = _descended(model, metric, begin, own_draws)
    both = np.stack([begin, end])
    exact = np.stack([model.total(model.predict(points), own_draws) for points in both])
    # the best of starts and ends of each draw
    by_draw = exact.reshape(2, number, _STARTS).transpose(1, 0, 2).reshape(number, -1)
    places = np.argmin(by_draw, axis=1)
    ends = both.reshape(2, number, _STARTS, -1).transpose(1, 0, 2, 3).reshape(number, 2 * _STARTS, -1)
    return _kept_apart(metric.cube(ends[np.arange(number), places]), search.pending, rng)


def _candidates(search: ProposalSearch, number: int, rng: np.random.Generator) -> FloatArray:
    """Return points of the cube, half from the distribution, half around those that are expected to be best."""
    model, known, distribution = search.model, search.known, search.distribution
    half = _CANDIDATES // 2
    noise = rng.standard_normal((_CANDIDATES, len(distribution.mean))) @ _root(distribution.covariance)
    predicted = model.predict(search.metric.of(known), deviations=False)
    expected = model.total(predicted, np.zeros((len(known), len(model.noise))))
    best = known[np.argsort(expected, kind="stable")[: max(number, 1)]]
    around = best[rng.integers(len(best), size=half)]
    widths = rng.choice(_AROUND, size=half)[:, None]
    found = np.concatenate([distribution.mean + noise[half:], around + widths * noise[:half]])
    return np.asarray(np.clip(found, 0.0, 1.0))


def _descended(model: ValueModel, metric: Metric, begin: FloatArray, draws: FloatArray) -> FloatArray:
    """Return where Adam, kept inside the cube, goes from each point."""
    points, first, second = begin.copy(), np.zeros_like(begin), np.zeros_like(begin)
    for step, length in enumerate(np.geomspace(_FIRST_STEP, _LAST_STEP, _STEPS), start=1):
        _, gradient = model.total_and_gradient(points, draws)
        first = _ADAM[0] * first + (1 - _ADAM[0]) * gradient
        second = _ADAM[1] * second + (1 - _ADAM[1]) * gradient**2
        mean, square = first / (1 - _ADAM[0] ** step), second / (1 - _ADAM[1] ** step)
        points = metric.inside(points - length * mean / (np.sqrt(square) + 1e-12))
    return np.asarray(points)


def _kept_apart(points: FloatArray, pending: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the points, those that are nearly at another one, or at one that is being evaluated, moved a little."""
    apart: list[FloatArray] = []
    for point in points:
        near = any(np.linalg.norm(point - other) < _TOO_CLOSE for other in (*pending, *apart))
        moved = np.clip(point + _APART * rng.standard_normal(len(point)), 0.0, 1.0) if near else point
        apart.append(moved)
    return np.array(apart)


def _root(covariance: FloatArray) -> FloatArray:
    variances, axes = np.linalg.eigh(covariance)
    return np.asarray((axes * np.sqrt(np.maximum(variances, 0.0))) @ axes.T)
