"""How likely the data are: flat inside of what is wanted, a normal distribution outside, and what is uncertain."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, ndtr

from orchestrator.records import FloatArray

# least standard deviation of what is expected: below it nothing is uncertain
_LEAST = 1e-9


def of_numbers(
    mean: FloatArray, deviation: FloatArray, low: FloatArray, high: FloatArray, noise: FloatArray
) -> FloatArray:
    """Return the logarithm of the mean of L(v) over v of a normal distribution, all in norms.

    L(v) = 1 for low <= v <= high, and exp(-(distance / noise)^2 / 2) outside. The mean is that of three parts, each a
    product of two normal distributions, or of one and 1, over a half line or an interval: a closed form.

    Parameters
    ----------
    mean, deviation : ndarray of float, shape (n_points, n_targets)
        Of the value that is expected.
    low, high : ndarray of float, shape (n_targets,)
        What is wanted; infinite if open.
    noise : ndarray of float, shape (n_targets,)
        Standard deviation of the data.

    Returns
    -------
    ndarray of float, shape (n_points, n_targets)
    """
    deviation = np.maximum(deviation, _LEAST)
    with np.errstate(divide="ignore"):
        inside = np.log(np.maximum(ndtr((high - mean) / deviation) - ndtr((low - mean) / deviation), 0.0))
    outside = (_beyond(mean - high, deviation, noise), _beyond(low - mean, deviation, noise))
    return np.asarray(np.logaddexp(np.logaddexp(*outside), inside))


def _beyond(distance: FloatArray, deviation: FloatArray, noise: FloatArray) -> FloatArray:
    """Return the logarithm of the part of `of_numbers` beyond an edge, at a signed distance of the mean from it."""
    known = np.isfinite(distance)
    distance = np.where(known, distance, 0.0)
    total = np.hypot(noise, deviation)
    found = np.log(noise / total) - 0.5 * (distance / total) ** 2 + log_ndtr(distance * noise / (deviation * total))
    return np.where(known, found, -np.inf)


def of_differences(mean: FloatArray, deviation: FloatArray, noise: float) -> FloatArray:
    """Return the logarithm of the mean of exp(-|r|^2 / (2 noise^2)) over independent normal differences r, in norms.

    Parameters
    ----------
    mean, deviation : ndarray of float, shape (n_points, n_differences)
        Of each.
    noise : float
        Standard deviation of the data.

    Returns
    -------
    ndarray of float, shape (n_points,)
    """
    variance = noise**2 + deviation**2
    return np.asarray(-0.5 * (mean**2 / variance + np.log(variance / noise**2)).sum(axis=1))


def offsets(half: FloatArray, noise: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return how far the middle of an interval of data lies from the value that they are of, a draw of each.

    Of the density that is proportional to the likelihood: flat up to half the width, a normal distribution beyond.

    Parameters
    ----------
    half : ndarray of float, shape (n_targets,)
        Half the width of each interval; 0 of a point.
    noise : ndarray of float, shape (n_targets,)
        Standard deviation of the data.
    rng : numpy.random.Generator
        Of the draws.
    """
    normal = noise * rng.standard_normal(half.shape)
    inside = rng.random(half.shape) < half / (half + noise * np.sqrt(np.pi / 2))
    return np.where(inside, half * rng.uniform(-1, 1, half.shape), normal + np.copysign(half, normal))
