"""From the value of a target to its score and back to numbers that a Gaussian process can learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from orchestrator.optimisers.base import Scale
from orchestrator.records import FloatArray

# norms from what is wanted, beyond which a value is only far
FARTHEST = 1e3


class Scales:
    """Those of all targets, as arrays.

    Values are learnt as y = asinh((v - c) / norm), with the centre c of what is wanted: the sign and far values are
    information, which the score has lost.

    Parameters
    ----------
    scales : sequence of Scale
        One for each target.
    """

    def __init__(self, scales: Sequence[Scale]):
        low, high = (np.array([getattr(each, name) for each in scales], dtype=float) for name in ("low", "high"))
        self.norm = np.array([each.norm for each in scales], dtype=float)
        self.cap = np.array([each.max_score for each in scales], dtype=float)
        self._by_score = np.array([each.by_score for each in scales], dtype=bool)
        one_sided = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, 0.0))
        both = np.isfinite(low) & np.isfinite(high)
        self.centre = np.where(both, low / 2 + high / 2, one_sided)
        self._low, self._high = (low - self.centre) / self.norm, (high - self.centre) / self.norm

    def known(self, values: FloatArray, scores: FloatArray) -> FloatArray:
        """Return what is learnt of the values of evaluations, NaN if nothing is: of some targets that is the score.

        Parameters
        ----------
        values, scores : ndarray of float, shape (n_evaluations, n_targets)
            As the optimiser is told them.
        """
        known = np.where(self._by_score & np.isfinite(values), scores, values)
        return np.where(np.isfinite(known), known, np.nan)

    def learnt(self, values: FloatArray) -> FloatArray:
        """Return y of values in the targets' units; NaN stays."""
        distance = (values - self.centre) / self.norm
        return np.asarray(np.arcsinh(np.clip(distance, -FARTHEST, FARTHEST)))

    def values(self, learnt: FloatArray) -> FloatArray:
        """Return values, in the targets' units, of y."""
        farthest = np.arcsinh(FARTHEST)
        return np.asarray(self.centre + self.norm * np.sinh(np.clip(learnt, -farthest, farthest)))

    def excess(self, learnt: FloatArray) -> FloatArray:
        """Return how far above (positive) or below (negative) what is wanted y is, in norms and without a cap."""
        distance, slope = self._distance(learnt)
        return np.copysign(distance, slope)

    def steepness(self, learnt: FloatArray) -> FloatArray:
        """Return the derivative of `excess` by y."""
        return np.abs(self._distance(learnt)[1])

    def score(self, learnt: FloatArray) -> FloatArray:
        """Return the score of y, of the same shape."""
        return np.asarray(np.minimum(self._distance(learnt)[0], self.cap))

    def soft_score(self, learnt: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return s / sqrt(1 + (s / 2 cap)^2), which has a slope beyond the cap as well, and its derivative by y."""
        distance, slope = self._distance(learnt)
        root = np.sqrt(1 + (distance / (2 * self.cap)) ** 2)
        return distance / root, slope / root**3

    def _distance(self, learnt: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the distance of y from what is wanted, in norms and without a cap, and its derivative by y."""
        bounded = np.clip(learnt, -np.arcsinh(FARTHEST), np.arcsinh(FARTHEST))
        value = np.sinh(bounded)
        below, above = self._low - value, value - self._high
        slope = np.where(below > 0, -1.0, np.where(above > 0, 1.0, 0.0)) * np.cosh(bounded)
        return np.maximum(np.maximum(below, above), 0.0), slope
