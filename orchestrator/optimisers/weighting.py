"""How the scores of an evaluation become the one number that a method ranks: as they are, or weighted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from orchestrator.optimisers.base import Told
from orchestrator.records import FloatArray, Outcome, total_of

WeightingName = Annotated[
    Literal["sum", "max", "correlation"],
    Field(
        description="what is ranked: sum, the sum of the scores; max, that of scores divided by the largest of their "
        "target; correlation, that of scores with weights under which every target matters (Krayzman's)"
    ),
]
ReweighAfter = Annotated[
    float, Field(ge=0, description="with weighting other than sum: evaluations per target after which weights change")
]
# a score that varies less does not vary
_CONSTANT = 1e-9
# the least correlation that every target is to have with the total, as a share of the largest
_LEAST_SHARE = 0.05
# so many steps that were no better than the one before, or so many at all, are the end
_PATIENCE, _MOST = 299, 3000
# another processor rounds otherwise: correlations that agree so far are equal
_DIGITS = 9


class Weighting:
    """Ranks evaluations by the weighted sum of their scores, with weights that follow the search.

    Weights are found from evaluations that worked: first from the first block of which there are several, then from
    those since the last time, whenever there are enough. Scores are kept by whoever ranks them and weighted when they
    are compared, so that all are compared under the same weights.

    Parameters
    ----------
    name : str
        ``sum``, ``max`` or ``correlation``.
    n_targets : int
        How many scores an evaluation has.
    reweigh_after : float
        Evaluations per target after which weights are adapted.

    Attributes
    ----------
    weights : ndarray of float, shape (n_targets,)
        The largest is 1; 0 of targets that do not vary.
    """

    def __init__(self, name: WeightingName, n_targets: int, reweigh_after: float):
        self._name = name
        self._enough = reweigh_after * n_targets
        self._begun = False
        self._scores = np.empty((0, n_targets))
        self.weights = np.ones(n_targets)

    def learn(self, told: Told) -> None:
        """Take evaluations, and adapt the weights if there are enough."""
        if self._name == "sum":
            return
        works = [n for n in told.evaluated if told.outcomes[n] is Outcome.OK]
        self._scores = np.vstack([self._scores, told.scores[works]])
        number = len(self._scores)
        if number < 2 or (self._begun and number < self._enough):
            return
        if not (np.ptp(self._scores, axis=0) > 0).any():
            return
        if self._name == "max":
            self.weights = by_largest(self._scores, self.weights)
        elif self._begun:
            self.weights = by_correlation(self._scores, self.weights)
        else:
            self.weights = by_variance(self._scores)
        self._begun, self._scores = True, self._scores[:0]

    def totals(self, scores: FloatArray) -> FloatArray:
        """Return what is ranked, the less the better, shape (n_evaluations,).

        Parameters
        ----------
        scores : ndarray of float, shape (n_evaluations, n_targets)
            As `Told` has them.
        """
        return np.array([total_of(row) for row in (scores if self._name == "sum" else scores * self.weights)])

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return ``weights`` (n_targets,) for the checkpoint, nothing if all are 1 for ever."""
        return {} if self._name == "sum" else {"weights": self.weights}


def by_largest(scores: FloatArray, before: FloatArray) -> FloatArray:
    """Return the inverse of the largest score of each target, as a share of the largest inverse.

    Parameters
    ----------
    scores : ndarray of float, shape (n_evaluations, n_targets)
        Of which one at least is not 0.
    before : ndarray of float, shape (n_targets,)
        Weights of targets whose scores are all 0, relative to the largest.
    """
    largest = scores.max(axis=0)
    known = largest > 0
    weights = np.where(known, 1 / np.where(known, largest, 1.0), 0.0)
    return np.asarray(np.where(known, weights / weights.max(), before))


def by_variance(scores: FloatArray) -> FloatArray:
    """Return the inverse variance of the scores of each target as a share of the largest; 0 where they do not vary.

    Parameters
    ----------
    scores : ndarray of float, shape (n_evaluations, n_targets)
        Of two evaluations at least.
    """
    variances = scores.var(axis=0)
    varies = variances > _CONSTANT
    weights = np.where(varies, 1 / np.where(varies, variances, 1.0), 0.0)
    return np.asarray(weights / weights.max()) if varies.any() else np.ones(len(weights))


def by_correlation(scores: FloatArray, before: FloatArray) -> FloatArray:
    """Return weights under which every target is correlated with the weighted sum, and none rules it.

    Krayzman's procedure as pyneuronautofit (github.com/rat-h/pyneuronautofit) has it. With c_j the correlation of the
    scores of target j with the weighted sum f = sum_j w_j s_j: while min c / max c < 0.05, the weight of the least
    correlated target is multiplied by 1 + 2/m, that of the most correlated one by 1 - 1/m (m targets), and all are
    divided by the largest. If that does not end, weights are the inverse variances. A target that had weight 0 begins
    with half of the least other weight (there with a random factor of mean 1).

    Parameters
    ----------
    scores : ndarray of float, shape (n_evaluations, n_targets)
        Of two evaluations at least.
    before : ndarray of float, shape (n_targets,)
        The weights so far, one of which is positive.
    """
    m, active = scores.shape[1], scores.var(axis=0) > _CONSTANT
    if not active.any():
        return before
    weights = np.where(active, np.where(before > 0, before, before[before > 0].min() / 2), 0.0)
    previous, worse = -np.inf, 0
    for _ in range(_MOST):
        correlations = _correlations(scores, scores @ weights)
        least, largest = (np.where(active, correlations, edge) for edge in (np.inf, -np.inf))
        # no target is correlated with a sum that does not vary
        share = least.min() / largest.max() if largest.max() > 0 else -np.inf
        if share >= _LEAST_SHARE:
            return np.asarray(weights / weights.max())
        worse = worse + 1 if share <= previous else max(worse - 1, 0)
        if worse >= _PATIENCE:
            break
        weights[least.argmin()] *= 1 + 2 / m
        weights[largest.argmax()] *= 1 - 1 / m
        weights, previous = weights / weights.max(), share
    return by_variance(scores)


def _correlations(scores: FloatArray, totals: FloatArray) -> FloatArray:
    """Return Pearson's correlation of each target's scores with the totals, 0 where either does not vary."""
    deviations, of_totals = scores - scores.mean(axis=0), totals - totals.mean()
    norms = np.linalg.norm(deviations, axis=0) * np.linalg.norm(of_totals)
    found = deviations.T @ of_totals / np.where(norms > 0, norms, 1.0)
    return np.asarray(np.round(np.where(norms > 0, found, 0.0), _DIGITS))
