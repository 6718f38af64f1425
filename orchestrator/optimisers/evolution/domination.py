"""Which evaluations no other is better than in every respect, and how crowded it is around each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from orchestrator.records import FloatArray

IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
RankArray = npt.NDArray[np.unsignedinteger[Any]]

# in how many objectives a row is compared with all others, not only with those that are as good in the ones before
_AT_ONCE = 3
# with how many of the best rows each is compared first
_BEST = 100


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
    # ranks, equal ones of equal scores, are small numbers, which are compared fast
    ranks = np.empty(scores.shape, dtype=np.uint16 if len(scores) < 2**16 else np.uint32)
    for objective, column in enumerate(scores.T):
        ranks[:, objective] = np.unique(column, return_inverse=True)[1].ravel()
    # most of what is dominated is so by one of the best in all objectives together
    best = np.ascontiguousarray(ranks[ranks.sum(axis=1, dtype=float).argsort()[:_BEST]].T)
    found, kept, number = np.zeros(len(ranks), dtype=bool), np.empty_like(ranks.T, order="C"), 0
    # by the first objective, then the second, ...: whatever dominates a row comes before it
    for row in np.lexsort(ranks.T[::-1]):
        if not (_dominates(best, ranks[row]) or _dominates(kept[:, :number], ranks[row])):
            kept[:, number], found[row] = ranks[row], True
            number += 1
    return found


def _dominates(others: RankArray, ranks: RankArray) -> bool:
    """Return whether any of others, shape (n_objectives, n_others), dominates what has these ranks."""
    # few others are as good where it is best, and little is left to compare in the other objectives
    order = ranks.argsort()
    best = order[:_AT_ONCE]
    left = np.flatnonzero((others[best] <= ranks[best, None]).all(axis=0))
    for objective in order[_AT_ONCE:]:
        if not len(left):
            return False
        left = left[others[objective, left] <= ranks[objective]]
    return bool((others[:, left] < ranks[:, None]).any())


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
