"""Which evaluations no other is better than in every respect, and how crowded it is around each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from orchestrator.records import FloatArray

IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


def non_dominated(scores: FloatArray) -> BoolArray:
    """Return which rows no other row dominates: is nowhere worse than they are, and somewhere better.

    Equal rows do not dominate each other.

    Parameters
    ----------
    scores : ndarray of float, shape (n_rows, n_objectives)
        The less, the better; no NaN.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
    """
    found, kept, number = np.zeros(len(scores), dtype=bool), np.empty_like(scores.T), 0
    # by the first objective, then the second, ...: whatever dominates a row comes before it
    for row in np.lexsort(scores.T[::-1]):
        if not _dominates(kept[:, :number], scores[row]):
            kept[:, number], found[row] = scores[row], True
            number += 1
    return found


def _dominates(others: FloatArray, scores: FloatArray) -> bool:
    """Return whether any of others, shape (n_objectives, n_others), dominates what has these scores."""
    left = np.arange(others.shape[1])
    for column, score in zip(others, scores, strict=True):
        left = left[column[left] <= score]
        if not len(left):
            return False
    return bool((others[:, left] < scores[:, None]).any())


def fronts(scores: FloatArray) -> list[IntArray]:
    """Return the rows that nothing dominates, then those of the rest that nothing of the rest dominates, and so on.

    Non-dominated sorting of Deb, Pratap, Agarwal & Meyarivan 2002, IEEE Trans Evol Comput 6:182.

    Parameters
    ----------
    scores : ndarray of float, shape (n_rows, n_objectives)
        The less, the better; no NaN.

    Returns
    -------
    list of ndarray of int
        Rows in ascending order.
    """
    found, rest = [], np.arange(len(scores))
    while len(rest):
        first = non_dominated(scores[rest])
        found.append(rest[first])
        rest = rest[~first]
    return found


def crowding_distances(scores: FloatArray) -> FloatArray:
    """Return the mean side of the box between the neighbours of each row of a front, as a share of the front's extent.

    Infinite of the first and the last in any objective (Deb et al. 2002). An objective in which all are equal counts
    for nothing.

    Parameters
    ----------
    scores : ndarray of float, shape (n_rows, n_objectives)
        Of one front.

    Returns
    -------
    ndarray of float, shape (n_rows,)
    """
    n_rows, n_objectives = scores.shape
    if n_rows <= 2:
        return np.full(n_rows, np.inf)
    sides = np.zeros(scores.shape)
    for n, column in enumerate(scores.T):
        order = np.argsort(column, kind="stable")
        extent = column[order[-1]] - column[order[0]]
        if extent > 0:
            gaps = np.diff(column[order], prepend=-np.inf, append=np.inf) / extent
            sides[order, n] = gaps[:-1] + gaps[1:]
    return np.asarray(sides.sum(axis=1) / n_objectives)
