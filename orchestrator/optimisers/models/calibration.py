"""What the model expected of the points that were asked for, compared with what came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from orchestrator.optimisers.base import Problem, Told
from orchestrator.optimisers.models.metric import Metric
from orchestrator.optimisers.models.scores import Scales
from orchestrator.optimisers.models.values import FAILED, ValueModel
from orchestrator.records import FloatArray, Origin, Outcome


@dataclass(frozen=True)
class _Expected:
    """What was expected of one point before it was evaluated.

    Parameters
    ----------
    mean : ndarray of float, shape (n_targets,)
        Of y.
    deviation : ndarray of float, shape (n_targets,)
        Standard deviation of y around it, the noise included; NaN of a target without a model.
    fails : float
        Probability of an explosion.
    """

    mean: FloatArray
    deviation: FloatArray
    fails: float


class Calibration:
    """Says how far off the model was, in the standard deviations that it expected, and how well it knew explosions.

    A point is compared with what the model expected when the point was asked for: it was not among the data then.

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
        # by the bytes of the point
        self._expected: dict[bytes, _Expected] = {}
        self._state = self._compared([[], []], [[], []])

    def expect(self, points: FloatArray, model: ValueModel, metric: Metric) -> None:
        """Keep what a model expects of points of the cube that are asked for, shape (n_points, n_parameters)."""
        expected = model.predict(metric.of(self._problem.snapped(points)))
        deviation = np.sqrt(expected.deviation**2 + model.noise**2)
        for n, point in enumerate(points):
            self._expected[point.tobytes()] = _Expected(expected.mean[n], deviation[n], float(expected.fails[n]))

    def compare(self, told: Told) -> None:
        """Compare a block of evaluations with what was expected of them, as far as something was."""
        learnt = self._scales.learnt(self._scales.known(told.values, told.scores))
        # of samples, and of proposals: standardised errors of each target; expected and found explosions
        errors: list[list[FloatArray]] = [[], []]
        explosions: list[list[tuple[float, bool]]] = [[], []]
        for n in told.evaluated:
            expected = self._expected.pop(told.points[n].tobytes(), None)
            ok = told.outcomes[n] is Outcome.OK
            if expected is None or not (ok or told.outcomes[n] in FAILED):
                continue
            proposed = int(told.origins[n] is Origin.MODEL)
            explosions[proposed].append((expected.fails, not ok))
            if ok:
                errors[proposed].append((learnt[n] - expected.mean) / expected.deviation)
        self._state = self._compared(errors, explosions)

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

    def _compared(
        self, errors: list[list[FloatArray]], explosions: list[list[tuple[float, bool]]]
    ) -> Mapping[str, FloatArray]:
        squares = [np.array(rows).reshape(len(rows), len(self._problem.targets)) ** 2 for rows in errors]
        pairs = [np.array(rows, dtype=float).reshape(len(rows), 2) for rows in explosions]
        return {
            "model_last_error": np.sqrt([_mean(rows) for rows in squares]),
            "model_last_values": np.array([np.isfinite(rows).sum(axis=0) for rows in squares], dtype=float),
            "model_last_rows": np.array([len(rows) for rows in pairs], dtype=float),
            "model_last_predicted": np.array([_mean(rows[:, 0]) for rows in pairs]),
            "model_last_exploded": np.array([_mean(rows[:, 1]) for rows in pairs]),
            "model_last_brier": np.array([_mean((rows[:, 0] - rows[:, 1]) ** 2) for rows in pairs]),
        }


def _mean(rows: FloatArray) -> FloatArray:
    """Return the mean over the rows of what is finite, NaN if nothing is."""
    known = np.isfinite(rows)
    count = known.sum(axis=0)
    return np.asarray(np.where(count, np.where(known, rows, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan))
