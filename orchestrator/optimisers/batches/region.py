"""Where a search is near its best point: a box that grows while that helps, and shrinks while it does not."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from orchestrator.optimisers.base import Told
from orchestrator.records import FloatArray

# factor after so many proposals, or a block of more, without progress
_SHRINK, _PROPOSALS = 0.5, 4
# after one with progress the radius is so many times the step to the new best point, changed by these factors at most
_STEPS, _NARROW, _WIDE = 2.0, 0.2, 2.0
_LEAST = 1e-9
# nothing more is expected of a box that is narrower than this share of its first width, after so many proposals, and so
# many for each parameter and one, which together have gained less than this share of the total
_COLLAPSED, _PATIENCE, _FOR_EACH, _GAIN = 0.05, 12, 1.5, 0.03


class Region:
    """A box around the best evaluation of a search, whose half width follows from what was told, and from nothing else.

    Parameters
    ----------
    radius : float
        Half its width at first, in the unit cube.

    Attributes
    ----------
    radius : float
        Half its width.
    best : ndarray of float, shape (n_parameters,)
        The evaluation, in the cube; empty if there is none yet.
    least : float
        Its total score, infinite if there is none yet.
    """

    def __init__(self, radius: float):
        self.radius = radius
        self._first = radius
        self.least, self.best = math.inf, np.empty(0)
        self._reference, self._in_vain = math.inf, 0

    @property
    def exhausted(self) -> bool:
        """Whether there is nothing more to gain here: the box is narrow, and many proposals have gained little."""
        patience = max(_PATIENCE, _FOR_EACH * (len(self.best) + 1))
        return self.radius <= _COLLAPSED * self._first and self._in_vain >= patience

    def widen(self) -> None:
        """Make it as wide as at first, around the same point."""
        self.radius, self._reference, self._in_vain = self._first, math.inf, 0

    def learn(self, told: Told, rows: Sequence[int]) -> None:
        """Take evaluations; those among which no model proposed anything say nothing of the width.

        Parameters
        ----------
        told : Told
            A block.
        rows : sequence of int
            What counts of it.
        """
        if not len(rows):
            return
        totals = told.totals[rows]
        lowest = rows[int(np.argmin(totals))]
        better, before = bool(totals.min() < self.least), self.best
        if better:
            self.least, self.best = float(totals.min()), told.points[lowest]
        proposals = int(np.isin(rows, told.proposed).sum())
        if self.least < (1 - _GAIN) * self._reference:
            self._reference, self._in_vain = self.least, 0
        else:
            self._in_vain += proposals
        if not proposals or not len(before):
            return
        if better:
            step = float(np.abs(self.best - before).max())
            self.radius = float(np.clip(_STEPS * step, _NARROW * self.radius, min(_WIDE * self.radius, 1.0)))
            return
        self.radius = max(_SHRINK ** min(proposals / _PROPOSALS, 1.0) * self.radius, _LEAST)

    def box(self, centre: FloatArray, share: float = 1.0) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper bounds, each of shape (n_parameters,), inside the unit cube."""
        width = share * self.radius
        return np.maximum(centre - width, 0.0), np.minimum(centre + width, 1.0)
