"""From the value of a target to its score and back to numbers that a Gaussian process can learn."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np

from orchestrator.optimisers.base import Scale
from orchestrator.records import FloatArray

# norms from what is wanted, beyond which a value is only far
FARTHEST = 1e3


class Scales:
    """Those of all targets, as arrays.

    Values are learnt as y = asinh((v - c) / (w norm)), with the centre c of what is wanted: the sign and far values are
    information, which the score has lost. Up to the width w, in norms, y is nearly proportional to the value, beyond it
    to its logarithm.

    Parameters
    ----------
    scales : sequence of Scale
        One for each target.

    Attributes
    ----------
    width : ndarray of float, shape (n_targets,)
        w, 1 at first.
    """

    def __init__(self, scales: Sequence[Scale]):
        low, high = (np.array([getattr(each, name) for each in scales], dtype=float) for name in ("low", "high"))
        self.norm = np.array([each.norm for each in scales], dtype=float)
        self.cap = np.array([each.max_score for each in scales], dtype=float)
        self.width = np.ones(len(self.norm))
        self._by_score = np.array([each.by_score for each in scales], dtype=bool)
        one_sided = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, 0.0))
        both = np.isfinite(low) & np.isfinite(high)
        self.centre = np.where(both, low / 2 + high / 2, one_sided)
        self._low, self._high = (low - self.centre) / self.norm, (high - self.centre) / self.norm

    def widened(self, width: FloatArray) -> Scales:
        """Return the same with other widths."""
        other = copy.copy(self)
        other.width = width
        return other

    def distance(self, values: FloatArray) -> FloatArray:
        """Return the signed distance of values from the centre, in norms and bounded; NaN stays."""
        return np.asarray(np.clip((values - self.centre) / self.norm, -FARTHEST, FARTHEST))

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
        return np.asarray(np.arcsinh(self.distance(values) / self.width))

    def errors(self, values: FloatArray, errors: FloatArray) -> FloatArray:
        """Return the standard errors of y: half of the difference that an error up and one down make.

        To first order that is the slope times the error. Noise of many norms, though, is larger than the part of y that
        is steep, and the slope would make of it far more than it is.

        Parameters
        ----------
        values, errors : ndarray of float, shape (n_evaluations, n_targets)
            In the targets' units.

        Returns
        -------
        ndarray of float, shape (n_evaluations, n_targets)
            NaN of targets whose score is learnt.
        """
        half = (self.learnt(values + errors) - self.learnt(values - errors)) / 2
        return np.where(self._by_score, np.nan, half)

    def values(self, learnt: FloatArray) -> FloatArray:
        """Return values, in the targets' units, of y."""
        return np.asarray(self.centre + self.norm * self.width * np.sinh(self._bounded(learnt)))

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
        bounded = self._bounded(learnt)
        value = self.width * np.sinh(bounded)
        below, above = self._low - value, value - self._high
        slope = np.where(below > 0, -1.0, np.where(above > 0, 1.0, 0.0)) * self.width * np.cosh(bounded)
        return np.maximum(np.maximum(below, above), 0.0), slope

    def _bounded(self, learnt: FloatArray) -> FloatArray:
        farthest = np.arcsinh(FARTHEST / self.width)
        return np.asarray(np.clip(learnt, -farthest, farthest))
