"""Steps of a simplex: reflection, expansion, contraction, shrinkage, with coefficients for any number of parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.records import FloatArray

# of points, None of one that was not evaluated
Value = Callable[[FloatArray], "float | None"]


@dataclass(frozen=True)
class Missing:
    """A point that has to be evaluated before a step is known.

    Parameters
    ----------
    point : ndarray of float, shape (n_parameters,)
        In the unit cube.
    outcomes : sequence of (float, float)
        Values that it may have, each of which leads to another step, and how likely each is; none if the step depends
        on too much.
    """

    point: FloatArray
    outcomes: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class Simplex:
    """n + 1 points of n parameters, the best first.

    Parameters
    ----------
    points : ndarray of float, shape (n_parameters + 1, n_parameters)
        In the unit cube.
    values : ndarray of float, shape (n_parameters + 1,)
        What they are worth, the least first.
    """

    points: FloatArray
    values: FloatArray

    @classmethod
    def of(cls, points: FloatArray, values: FloatArray) -> Simplex:
        """Return the simplex of points in any order."""
        order = np.argsort(values, kind="stable")
        return cls(points[order], values[order])

    @property
    def extent(self) -> float:
        """The largest distance of a point from the best one in any dimension."""
        return float(np.abs(self.points - self.points[0]).max())

    def after_a_step(self, value: Value, moved: int = 1) -> Simplex | list[Missing]:
        """Return the simplex after one step, or what is to be evaluated first.

        Each of the worst points is moved through the mean of the others (Lee & Wiswall 2007, Comput. Econ. 30:171; of
        one it is the step of Nelder and Mead). The coefficients are those of Gao & Han (2012, Comput. Optim. Appl.
        51:259), which for two parameters are those of Nelder and Mead. Points outside the cube are put on its faces.

        Parameters
        ----------
        value : callable
            Of a point.
        moved : int
            How many points are moved, at most as many as there are parameters.
        """
        mean = self.points[:-moved].mean(axis=0)
        rows = range(len(self.points) - moved, len(self.points))
        moves = [self._move(row, mean, value) for row in rows]
        if missing := [move for move in moves if isinstance(move, Missing)]:
            return missing
        points, values = self.points.copy(), self.values.copy()
        for row, move in zip(rows, moves, strict=True):
            if isinstance(move, tuple):
                points[row], values[row] = move
        return self._shrunk(value) if all(move is None for move in moves) else Simplex.of(points, values)

    def _move(self, row: int, mean: FloatArray, value: Value) -> tuple[FloatArray, float] | Missing | None:
        """Return the point that takes the place of one, with its value; None if none is better."""
        n = self.points.shape[1]
        expansion, contraction = 1 + 2 / n, 0.75 - 1 / (2 * max(n, 2))
        best, before, own = (float(self.values[each]) for each in (0, row - 1, row))
        farther = float(self.values[-1] - self.values[0]) or 1.0
        middle, worse = (best + before) / 2, own + farther

        def beyond(factor: float) -> FloatArray:
            return np.asarray(np.clip(mean + factor * (mean - self.points[row]), 0.0, 1.0))

        reflected = beyond(1.0)
        reached = value(reflected)
        if reached is None:
            return Missing(reflected, [(best - farther, 0.25), (middle, 0.25), ((before + own) / 2, 0.2), (worse, 0.3)])
        if reached < best:
            expanded = beyond(expansion)
            found = value(expanded)
            if found is None:
                return Missing(expanded, [(reached - farther, 0.5), (worse, 0.5)])
            return (expanded, found) if found < reached else (reflected, reached)
        if reached < before:
            return reflected, reached
        contracted = beyond(contraction if reached < own else -contraction)
        found = value(contracted)
        if found is None:
            return Missing(contracted, [(best - farther, 0.25), (middle, 0.6), (worse, 0.15)])
        return (contracted, found) if found < own and found <= reached else None

    def _shrunk(self, value: Value) -> Simplex | list[Missing]:
        shrinkage = 1 - 1 / max(self.points.shape[1], 2)
        points = self.points[0] + shrinkage * (self.points - self.points[0])
        found = [value(point) for point in points[1:]]
        if missing := [Missing(point) for point, each in zip(points[1:], found, strict=True) if each is None]:
            return missing
        return Simplex.of(points, np.array([self.values[0], *found], dtype=float))
