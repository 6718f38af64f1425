"""Where a search is near its best point: a box that grows while that helps, and shrinks while it does not."""

from __future__ import annotations

import math

import numpy as np

from orchestrator.optimisers.base import Told
from orchestrator.records import FloatArray

# factor after so many proposals, or a block of more, without progress
_SHRINK, _PROPOSALS = 0.5, 4
# after one with progress the radius is so many times the step to the new best point, changed by these factors at most
_STEPS, _NARROW, _WIDE = 2.0, 0.2, 2.0
# after it has shrunk so often in a row the region is as wide as at first
_PATIENCE = 8
_LEAST = 1e-9


class Region:
    """A box around the best evaluation, whose half width follows from what was told, and from nothing else.

    Parameters
    ----------
    radius : float
        Half its width at first, in the unit cube.

    Attributes
    ----------
    radius : float
        Half its width.
    """

    def __init__(self, radius: float):
        self.radius = radius
        self._first = radius
        self._least, self._best, self._failures = math.inf, np.empty(0), 0.0

    def learn(self, told: Told) -> None:
        """Take a block of evaluations; one in which no model proposed anything says nothing of the width."""
        if not told.evaluated:
            return
        totals = told.totals[told.evaluated]
        lowest = told.evaluated[int(np.argmin(totals))]
        better, before = bool(totals.min() < self._least), self._best
        if better:
            self._least, self._best = float(totals.min()), told.points[lowest]
        proposals = int(np.isin(told.evaluated, told.proposed).sum())
        if not proposals or not len(before):
            return
        if better:
            step = float(np.abs(self._best - before).max())
            self._failures = 0.0
            self.radius = float(np.clip(_STEPS * step, _NARROW * self.radius, min(_WIDE * self.radius, 1.0)))
            return
        weight = min(proposals / _PROPOSALS, 1.0)
        self._failures += weight
        self.radius = max(_SHRINK**weight * self.radius, _LEAST)
        if self._failures >= _PATIENCE:
            self._failures, self.radius = 0.0, self._first

    def box(self, centre: FloatArray, share: float = 1.0) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper bounds, each of shape (n_parameters,), inside the unit cube."""
        width = share * self.radius
        return np.maximum(centre - width, 0.0), np.minimum(centre + width, 1.0)
