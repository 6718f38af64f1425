"""How a target's value follows from its outputs, and its score from its value, for optimisers."""

from __future__ import annotations

import math

import numpy as np

from orchestrator.optimisers.base import Scale
from orchestrator.records import FloatArray
from targets import NoValue, Target
from targets.base import IntervalTarget


def has_vector(target: Target) -> bool:
    """Return whether a target's value may follow from several outputs."""
    return type(target).value is not Target.value


class TargetVector:
    """The outputs of a target, as `orchestrator.optimisers.base.Vector` says.

    Parameters
    ----------
    target : Target
        With the data at hand that it compares with.
    """

    def __init__(self, target: Target):
        self._target = target

    def values(self, outputs: FloatArray) -> FloatArray:
        """Return the value of each row of outputs, NaN if there is none, shape (n_points,)."""
        return np.array([self._value(row) for row in outputs])

    def residuals(self, outputs: FloatArray) -> FloatArray | None:
        """Return the differences of each row, shape (n_points, n_residuals); None if the value is no norm of such."""
        rows = [self._target.residuals(row) for row in outputs]
        found = [row for row in rows if row is not None]
        return np.array(found) if found and len(found) == len(rows) else None

    def _value(self, row: FloatArray) -> float:
        try:
            return float(self._target.value(row))
        except NoValue:
            return math.nan


def scale_of(target: Target) -> Scale:
    """Return how a target's value becomes its score, as far as that is not a way of the user's own."""
    kind = type(target)
    wanted = target.wanted_interval if kind.score is Target.score else None
    if wanted is None or getattr(kind, "distance", None) is not IntervalTarget.distance:
        return Scale.of_scores(target.max_score)
    return Scale(*wanted, target.norm, target.max_score)
