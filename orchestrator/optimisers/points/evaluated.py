"""What was told of points: their total scores, one of all points that are simulated as the same one."""

from __future__ import annotations

from collections.abc import Iterable, Set

import numpy as np

from orchestrator.optimisers.base import Problem, Told
from orchestrator.records import FloatArray

DIGITS = 12
"""Decimal places in which coordinates of the same point agree."""
# of a spread
_LEAST = 1e-6


def keys_of(points: Iterable[FloatArray]) -> list[bytes]:
    """Return what is the same of points whose coordinates agree in `DIGITS` places, of each; shapes (n_parameters,)."""
    # adding 0 makes one of the two zeros
    return [row.tobytes() for row in np.array([*points], dtype=float).round(DIGITS) + 0.0]


class EvaluatedPoints:
    """Points that were evaluated, in the order in which they were told, and points that are being evaluated.

    Parameters
    ----------
    problem : Problem
        Whose points they are.
    """

    def __init__(self, problem: Problem):
        self._problem = problem
        self._totals: dict[bytes, float] = {}
        self._points: dict[bytes, FloatArray] = {}
        self._open: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._points)

    def learn(self, told: Told) -> None:
        """Take what was evaluated of a block; of several evaluations of one point the last one counts."""
        totals = told.totals
        for row in told.evaluated:
            key = self.key(told.points[row])
            self._totals[key], self._points[key] = float(totals[row]), told.points[row]
        self._open.difference_update(self.keys(told.points))

    def asked(self, points: Iterable[FloatArray]) -> None:
        """Note points that were asked for."""
        self._open.update(self.keys(points))

    def busy(self, pending: FloatArray | None) -> Set[bytes]:
        """Return the keys of points that are being evaluated: all that were asked for and not told, if nobody says."""
        return self._open if pending is None else set(self.keys(pending))

    def key(self, point: FloatArray) -> bytes:
        """Return what is the same of all points that are simulated as this one, shape (n_parameters,)."""
        return self.keys([point])[0]

    def keys(self, points: Iterable[FloatArray]) -> list[bytes]:
        """Return the key of each point."""
        rows = np.array([*points], dtype=float).reshape(-1, len(self._problem.start))
        return keys_of(self._problem.snapped(rows))

    def total(self, point: FloatArray) -> float | None:
        """Return the total score of a point, None if it was not evaluated."""
        return self._totals.get(self.key(point))

    def __contains__(self, key: object) -> bool:
        return key in self._totals

    def best(self, number: int = 1) -> FloatArray:
        """Return the points with the least total scores, the best first, at most so many of them."""
        keys = sorted(self._totals, key=self._totals.__getitem__)[:number]
        return np.array([self._points[key] for key in keys]).reshape(len(keys), len(self._problem.start))

    @property
    def least(self) -> float:
        """The least total score, infinite if there is none."""
        return min(self._totals.values(), default=np.inf)

    def spread(self) -> FloatArray:
        """Return how far the best points are from the very best, in each dimension, shape (n_parameters,).

        It is the root mean square of as many as determine a mean and a spread in every dimension, and at most the
        problem's sigma, which it is as long as there are fewer.
        """
        n = len(self._problem.start)
        best = self.best(2 * (n + 1))
        if len(best) < n + 2:
            return np.full(n, self._problem.sigma)
        return np.asarray(np.sqrt(((best[1:] - best[0]) ** 2).mean(axis=0)).clip(_LEAST, self._problem.sigma))
