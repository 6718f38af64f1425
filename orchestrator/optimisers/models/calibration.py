"""What the model expected of evaluations before it knew them, compared with what came back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from orchestrator.optimisers.base import FAILED, Problem, Told
from orchestrator.optimisers.models.metric import Metric
from orchestrator.optimisers.models.scores import Scales
from orchestrator.optimisers.models.values import ValueModel
from orchestrator.records import FloatArray, Outcome


class Calibration:
    """Says how far off the model was, in the standard deviations that it expected, and how well it knew explosions.

    Parameters
    ----------
    problem : Problem
        With the targets.
    scales : Scales
        Theirs.
    """

    def __init__(self, problem: Problem, scales: Scales):
        self._problem = problem
        self._scales = scales
        self._nothing = _summary(np.empty((2, 0, len(problem.targets))), np.empty((2, 0)), np.empty(0))
        self._state = self._nothing

    def compare(self, told: Told, fitted: tuple[ValueModel, Metric] | None) -> None:
        """Compare a block with what a model expects of its points.

        Parameters
        ----------
        told : Told
            The block; evaluations whose outcome says nothing of their parameters are left out.
        fitted : tuple of ValueModel and Metric, or None
            The model, fitted when nothing of the block was known, and its coordinates; None if there was none.
        """
        rows = [n for n in told.evaluated if told.outcomes[n] is Outcome.OK or told.outcomes[n] in FAILED]
        if fitted is None or not rows:
            self._state = self._nothing
            return
        model, metric = fitted
        expected = model.predict(metric.of(self._problem.snapped(told.points[rows])))
        exploded = np.array([told.outcomes[n] is not Outcome.OK for n in rows], dtype=float)
        learnt = model.scales.learnt(self._scales.known(told.values[rows], told.scores[rows]))
        learnt[exploded > 0] = np.nan
        errors = (learnt - expected.mean) / np.sqrt(expected.deviation**2 + model.noise**2)
        # of samples and of proposals, what is not theirs NaN
        proposed = np.isin(rows, told.proposed)
        own = np.stack([~proposed, proposed])
        self._state = _summary(
            np.where(own[:, :, None], errors, np.nan), np.where(own, expected.fails, np.nan), exploded
        )

    def state(self) -> Mapping[str, FloatArray]:
        """Return how the last block that was told compares; in each array samples come first, then proposals.

        Returns
        -------
        mapping of str to ndarray of float
            ``model_last_error`` (2, n_targets): root mean square of the standardised errors, NaN if there is none.
            ``model_last_values`` (2, n_targets): of how many values. ``model_last_rows`` (2,): how many evaluations
            explosions were compared of; ``model_last_predicted`` and ``model_last_exploded`` (2,): the share of them
            that was expected to explode, or fail otherwise because of its parameters, and that did;
            ``model_last_brier`` (2,): mean square of probability minus outcome, 0 or 1 (Brier 1950).
        """
        return self._state


def _summary(errors: FloatArray, fails: FloatArray, exploded: FloatArray) -> Mapping[str, FloatArray]:
    """Return the state.

    Parameters
    ----------
    errors : ndarray of float, shape (2, n_rows, n_targets)
        Standardised errors of samples and of proposals, NaN if there is none.
    fails : ndarray of float, shape (2, n_rows)
        Likewise the probability of an explosion.
    exploded : ndarray of float, shape (n_rows,)
        1 if it did.
    """
    known = np.isfinite(fails)
    return {
        "model_last_error": np.sqrt(_means(errors**2)),
        "model_last_values": np.isfinite(errors).sum(axis=1).astype(float),
        "model_last_rows": known.sum(axis=1).astype(float),
        "model_last_predicted": _means(fails),
        "model_last_exploded": _means(np.where(known, exploded, np.nan)),
        "model_last_brier": _means((fails - exploded) ** 2),
    }


def _means(numbers: FloatArray) -> FloatArray:
    """Return the mean along the second axis of what is finite, NaN if nothing is."""
    known = np.isfinite(numbers)
    count = known.sum(axis=1)
    return np.asarray(np.where(count, np.where(known, numbers, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan))
