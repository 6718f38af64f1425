"""Which evaluations of a front are nearest to reference directions that few others are near to."""

from __future__ import annotations

import numpy as np

from orchestrator.optimisers.evolution.domination import IntArray
from orchestrator.records import FloatArray

# extents of objectives below it are none
_LEAST = 1e-6
# beside the axis along which an extreme point is looked for
_OFF_AXIS = 1e6
# another processor rounds otherwise: distances that agree so far are equal
_DIGITS = 9


class Normalisation:
    """Objectives from the best that was seen of each, 0, to where a plane through extreme points crosses its axis, 1.

    Deb & Jain 2014, IEEE Trans Evol Comput 18:577, section IV.C. If the extreme points have no such plane, 1 is the
    worst of the first front.

    Parameters
    ----------
    n_objectives : int
        At least 1.
    """

    def __init__(self, n_objectives: int):
        self._ideal = np.full(n_objectives, np.inf)
        self._worst = np.full(n_objectives, -np.inf)
        self._extremes = np.empty((0, n_objectives))
        self._nadir = np.full(n_objectives, np.inf)

    def learn(self, scores: FloatArray, front: FloatArray) -> None:
        """Take the scores of a population and those of its first front, each of shape (n_points, n_objectives)."""
        self._ideal = np.minimum(self._ideal, scores.min(axis=0))
        self._worst = np.maximum(self._worst, scores.max(axis=0))
        candidates = np.vstack([self._extremes, front])
        weights = np.where(np.eye(len(self._ideal), dtype=bool), 1.0, _OFF_AXIS)
        # achievement of each candidate along each axis
        achieved = ((candidates - self._ideal)[:, None, :] * weights).max(axis=2)
        self._extremes = candidates[achieved.argmin(axis=0)]
        intercepts = self._intercepts()
        nadir = front.max(axis=0) if intercepts is None else np.minimum(self._ideal + intercepts, self._worst)
        self._nadir = np.where(nadir - self._ideal <= _LEAST, scores.max(axis=0), nadir)

    def of(self, scores: FloatArray) -> FloatArray:
        """Return normalised scores, of the same shape."""
        extent = self._nadir - self._ideal
        return np.asarray((scores - self._ideal) / np.where(extent > 0, extent, 1.0))

    def _intercepts(self) -> FloatArray | None:
        """Return where the plane through the extreme points crosses the axes; None if it does not."""
        matrix, ones = self._extremes - self._ideal, np.ones(len(self._ideal))
        try:
            plane = np.linalg.solve(matrix, ones)
        except np.linalg.LinAlgError:
            return None
        if not (plane > 0).all() or not (plane < 1 / _LEAST).all() or not np.allclose(matrix @ plane, ones):
            return None
        return np.asarray(1 / plane)


def nearest_directions(scores: FloatArray, directions: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the direction whose line from the origin is nearest to each row, and the distance from it.

    Parameters
    ----------
    scores : ndarray of float, shape (n_points, n_objectives)
        Normalised.
    directions : ndarray of float, shape (n_directions, n_objectives)
        Not all zero.

    Returns
    -------
    tuple of ndarray of int and ndarray of float, each of shape (n_points,)
    """
    units = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    along = (scores[:, None, :] * units).sum(axis=2)
    off = np.linalg.norm(scores[:, None, :] - along[:, :, None] * units, axis=2)
    distances = np.round(off, _DIGITS)
    nearest = distances.argmin(axis=1)
    return nearest, distances[np.arange(len(scores)), nearest]


def chosen_by_niche(
    taken: IntArray, niches: IntArray, distances: FloatArray, number: int, rng: np.random.Generator
) -> IntArray:
    """Return which rows of a front are taken, one after the other from the niche that has the fewest.

    Deb & Jain 2014, algorithm 4: of an empty niche the nearest to its direction, of others any.

    Parameters
    ----------
    taken : ndarray of int, shape (n_directions,)
        How many of each niche are taken already.
    niches : ndarray of int, shape (n_rows,)
        The niche of each row.
    distances : ndarray of float, shape (n_rows,)
        From its direction.
    number : int
        At most as many as there are rows.
    rng : numpy.random.Generator
        Decides between niches of as many, and between rows.

    Returns
    -------
    ndarray of int, shape (number,)
    """
    counts, open_rows, found = taken.copy(), np.ones(len(niches), dtype=bool), []
    for _ in range(number):
        left = np.unique(niches[open_rows])
        fewest = left[counts[left] == counts[left].min()]
        niche = rng.choice(fewest)
        rows = np.flatnonzero(open_rows & (niches == niche))
        row = rows[distances[rows].argmin()] if counts[niche] == 0 else rng.choice(rows)
        found.append(row)
        open_rows[row] = False
        counts[niche] += 1
    return np.array(found, dtype=np.intp)
