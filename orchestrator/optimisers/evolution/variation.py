"""Crossover and mutation of points of the unit cube."""

from __future__ import annotations

import numpy as np

from orchestrator.records import FloatArray

# coordinates of parents that are no further apart have children like them
_EQUAL = 1e-14


def simulated_binary(
    one: FloatArray, other: FloatArray, rng: np.random.Generator, *, index: float, rate: float
) -> tuple[FloatArray, FloatArray]:
    """Return two children of each pair of parents, near them with about the spread of the parents.

    Simulated binary crossover (Deb & Agrawal 1995, Complex Systems 9:115) as Deb et al. 2002 bound it: of a pair that
    is crossed, each coordinate is with probability 1/2.

    Parameters
    ----------
    one, other : ndarray of float, shape (n_pairs, n_parameters)
        Parents, in the cube.
    rng : numpy.random.Generator
        Source of all random numbers.
    index : float
        The larger, the nearer are children to their parents.
    rate : float
        Probability that a pair is crossed.

    Returns
    -------
    tuple of two ndarrays of float, shape (n_pairs, n_parameters)
    """
    low, high = np.minimum(one, other), np.maximum(one, other)
    gap = high - low
    crossed = (rng.random((len(one), 1)) < rate) & (rng.random(one.shape) < 0.5) & (gap > _EQUAL)
    draws, swapped = rng.random(one.shape), rng.random(one.shape) < 0.5
    width = np.where(crossed, gap, 1.0)
    lower = (low + high - _spread(draws, 1 + 2 * low / width, index) * gap) / 2
    upper = (low + high + _spread(draws, 1 + 2 * (1 - high) / width, index) * gap) / 2
    first = np.where(crossed, np.where(swapped, upper, lower), one)
    second = np.where(crossed, np.where(swapped, lower, upper), other)
    return np.clip(first, 0.0, 1.0), np.clip(second, 0.0, 1.0)


def _spread(draws: FloatArray, room: FloatArray, index: float) -> FloatArray:
    """Return distances of children from the middle, in those of the parents, of which `room` is the largest."""
    alpha = 2 - room ** -(index + 1)
    inside = draws * alpha
    return np.asarray(np.where(inside <= 1, inside, 1 / (2 - inside)) ** (1 / (index + 1)))


def polynomial(points: FloatArray, rng: np.random.Generator, *, index: float, rate: float) -> FloatArray:
    """Return points of which some coordinates are moved, by a polynomial distribution that ends at the bounds.

    Deb & Goyal 1996, Computer Science and Informatics 26:30, as Deb et al. 2002 bound it.

    Parameters
    ----------
    points : ndarray of float, shape (n_points, n_parameters)
        In the cube.
    rng : numpy.random.Generator
        Source of all random numbers.
    index : float
        The larger, the less is a coordinate moved.
    rate : float
        Probability that a coordinate is moved.

    Returns
    -------
    ndarray of float, shape (n_points, n_parameters)
    """
    moved, draws = rng.random(points.shape) < rate, rng.random(points.shape)
    power = index + 1
    lower, upper = 2 * np.minimum(draws, 0.5), 2 * np.maximum(draws, 0.5) - 1
    down = (lower + (1 - lower) * (1 - points) ** power) ** (1 / power) - 1
    up = 1 - (1 - upper + upper * points**power) ** (1 / power)
    return np.clip(np.where(moved, points + np.where(draws < 0.5, down, up), points), 0.0, 1.0)


def blend(one: FloatArray, other: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return two children of each pair, each coordinate anywhere between those of its parents.

    Parameters
    ----------
    one, other : ndarray of float, shape (n_pairs, n_parameters)
        Parents.
    rng : numpy.random.Generator
        Source of all random numbers.
    """
    return one + (other - one) * rng.random(one.shape), one + (other - one) * rng.random(one.shape)


def n_point(one: FloatArray, other: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return two children of each pair, who have the coordinates of one and the other parent in alternating stretches.

    Each pair is cut at 1 to n_parameters / 2 places; a single coordinate is of one parent.

    Parameters
    ----------
    one, other : ndarray of float, shape (n_pairs, n_parameters)
        Parents.
    rng : numpy.random.Generator
        Source of all random numbers.
    """
    n_pairs, n = one.shape
    numbers = rng.integers(1, max(n // 2, 1), size=n_pairs, endpoint=True)
    ranks = rng.permuted(np.tile(np.arange(n - 1), (n_pairs, 1)), axis=1)
    swapped = np.zeros(one.shape, dtype=bool)
    swapped[:, 1:] = np.cumsum(ranks < numbers[:, None], axis=1) % 2 == 1
    return np.where(swapped, other, one), np.where(swapped, one, other)


def uniform(points: FloatArray, rng: np.random.Generator, rates: FloatArray) -> FloatArray:
    """Return points of which some coordinates are drawn anew from the whole range.

    Parameters
    ----------
    points : ndarray of float, shape (n_points, n_parameters)
        In the cube.
    rng : numpy.random.Generator
        Source of all random numbers.
    rates : ndarray of float, shape (n_points,)
        Probability that a coordinate of each is drawn anew.
    """
    drawn, fresh = rng.random(points.shape) < rates[:, None], rng.random(points.shape)
    return np.where(drawn, fresh, points)


def adaptive_rates(children: FloatArray, population: FloatArray, *, least: float, reach: float) -> FloatArray:
    """Return how likely coordinates of each child are to mutate: the nearer it is to others, the likelier.

    The rate is mu + (1 - mu) exp(-d / s), with the distance d to the nearest of the children after it and of the
    population, root mean square over the coordinates, as pyneuronautofit has it (github.com/rat-h/pyneuronautofit).

    Parameters
    ----------
    children : ndarray of float, shape (n_children, n_parameters)
        In the cube.
    population : ndarray of float, shape (n_points, n_parameters)
        From which they are; at least one point.
    least : float
        mu, the rate of what is far from everything.
    reach : float
        s, the distance at which the rest of the rate has come down to 1/e, as a fraction of the ranges.

    Returns
    -------
    ndarray of float, shape (n_children,)
    """
    everything = np.vstack([children, population])
    nearest = np.array(
        [((everything[n + 1 :] - child) ** 2).mean(axis=1).min() for n, child in enumerate(children)], dtype=float
    )
    return np.asarray(least + (1 - least) * np.exp(-np.sqrt(nearest) / reach))
