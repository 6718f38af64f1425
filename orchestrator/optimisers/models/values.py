"""A model of every target's value, and of where simulations explode; what a point is expected to score in total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from orchestrator.optimisers.models.gaussian_processes import GaussianProcesses
from orchestrator.optimisers.models.kernels import median_distance, pairs
from orchestrator.optimisers.models.likelihood import LEAST, least_losses, rows_of
from orchestrator.optimisers.models.scores import Scales
from orchestrator.optimisers.models.standard_errors import smoothed
from orchestrator.records import FloatArray

# of a process of labels 0 and 1, what makes it a probability: Phi((m - 1/2) / width)
_WIDTH = 0.25
# fewer values than this are no model: such a target is expected to be so many norms off
_FEWEST, _UNKNOWN = 5, 8.0
# of a target's scale, in norms: those that are tried
_WIDTHS = np.array([1.0, 4.0, 16.0, 64.0])
# what rounding makes of no distance
_NO_DISTANCE = 1e-6


@dataclass(frozen=True)
class Data:
    """What the model learns from: evaluations whose outcome speaks of the parameters.

    Parameters
    ----------
    points : ndarray of float, shape (n_data, n_parameters)
        In the coordinates of the model.
    values : ndarray of float, shape (n_data, n_targets)
        In the targets' units, NaN if there is none.
    failed : ndarray of bool, shape (n_data,)
        Whether the simulation exploded, or failed otherwise because of its parameters.
    errors : ndarray of float, shape (n_data, n_targets), or None
        Standard errors of the values, NaN where none is known; None if none is at all.
    """

    points: FloatArray
    values: FloatArray
    failed: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    errors: FloatArray | None = None


@dataclass(frozen=True)
class _Group:
    """Targets that have values at the same points.

    Parameters
    ----------
    columns : ndarray of int, shape (n_columns,)
        Which targets.
    processes : GaussianProcesses or None
        Of their y; None if there are too few values.
    missing : GaussianProcesses or None
        Of the label 1 where they have no value; None if there is a value everywhere.
    """

    columns: np.ndarray[tuple[int, ...], np.dtype[np.intp]]
    processes: GaussianProcesses | None
    missing: GaussianProcesses | None


@dataclass
class Prediction:
    """What the model expects at some points.

    Parameters
    ----------
    mean, deviation : ndarray of float, shape (n_points, n_targets)
        Of y, without the noise.
    no_value : ndarray of float, shape (n_points, n_targets)
        Probability that there is none, of those that do not fail.
    fails : ndarray of float, shape (n_points,)
        Probability of an explosion.
    """

    mean: FloatArray
    deviation: FloatArray
    no_value: FloatArray
    fails: FloatArray


class ValueModel:
    """Gaussian processes of y of every target, of missing values, and of explosions.

    Parameters
    ----------
    data : Data
        At least two different points, of which one did not fail.
    scales : Scales
        Of the targets.

    Attributes
    ----------
    scales : Scales
        With the widths that suit the data.
    noise : ndarray of float, shape (n_targets,)
        Standard deviation of the noise of y; NaN of a target without model.
    """

    def __init__(self, data: Data, scales: Scales):
        self._data = data
        self._width = data.values.shape[1]
        together = _same_gaps(data.values[~data.failed])
        self.scales = scales.widened(_widths(data, scales, together))
        self._groups = [self._group(data, columns) for columns in together]
        self._failing = labels(data.points, data.failed)
        self.noise = np.full(self._width, np.nan)
        for group in self._groups:
            if group.processes is not None:
                self.noise[group.columns] = group.processes.noise

    def believing(self, points: FloatArray) -> ValueModel:
        """Return the model that has learnt that all is at some points as this one expects it.

        A search for further points then looks elsewhere (a "kriging believer": Ginsbourger et al. 2010, Kriging is
        well-suited to parallelize optimization).

        Parameters
        ----------
        points : ndarray of float, shape (n_points, n_parameters)
            Where values are being measured.
        """
        expected, data = self.predict(points), self._data
        known = ~np.isnan(self.noise) & (expected.no_value < 0.5)
        values = np.where(known, self.scales.values(expected.mean), np.nan)
        failed = expected.fails > 0.5
        errors = None if data.errors is None else np.vstack([data.errors, np.full(values.shape, np.nan)])
        return ValueModel(
            Data(
                np.vstack([data.points, points]),
                np.vstack([data.values, np.where(failed[:, None], np.nan, values)]),
                np.concatenate([data.failed, failed]),
                errors,
            ),
            self.scales,
        )

    def predict(self, points: FloatArray, *, deviations: bool = True) -> Prediction:
        """Return what is expected at points, shape (n_points, n_parameters); deviations may be left 0."""
        shape = (len(points), self._width)
        mean, deviation, no_value = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for group in self._groups:
            if group.processes is not None and deviations:
                mean[:, group.columns], deviation[:, group.columns] = group.processes.predict(points)
            elif group.processes is not None:
                mean[:, group.columns] = group.processes.mean(points)
            if group.missing is not None:
                no_value[:, group.columns] = probability(group.missing.mean(points))
        fails = np.zeros(len(points)) if self._failing is None else probability(self._failing.mean(points))[:, 0]
        return Prediction(mean, deviation, no_value, fails)

    def left_out(self) -> tuple[FloatArray, FloatArray]:
        """Return how far each y is from what the others predict, and the standard deviation that is expected of it.

        Returns
        -------
        tuple of ndarray of float, shape (n_data, n_targets)
            NaN where there is no value, or the target has no model.
        """
        errors, deviations = np.full((2, *self._data.values.shape), np.nan)
        for group in self._groups:
            if group.processes is not None:
                place = np.ix_(_known(self._data, group.columns), group.columns)
                errors[place], deviations[place] = group.processes.left_out()
        return errors, deviations

    def total(self, expected: Prediction, draws: FloatArray) -> FloatArray:
        """Return the total score that is expected.

        T = (1 - p) sum_j [(1 - q_j) score_j(mean_j + e_j deviation_j) + q_j max_score_j] + p sum_j max_score_j.

        Parameters
        ----------
        expected : Prediction
            At n_points.
        draws : ndarray of float, shape (n_draws, 1, n_targets) or (n_points, n_targets)
            e: 0 for the expectation, from a normal distribution for a Thompson draw.

        Returns
        -------
        ndarray of float, shape (n_draws, n_points) or (n_points,)
        """
        score = self._known(self.scales.score(expected.mean + draws * expected.deviation), _UNKNOWN)
        return self._combined(score, expected)[0]

    def total_and_gradient(self, points: FloatArray, draws: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the total with soft caps, for one draw at each point, and its gradient by the point.

        Parameters
        ----------
        points : ndarray of float, shape (n_points, n_parameters)
            Where.
        draws : ndarray of float, shape (n_points, n_targets)
            e.
        """
        expected = self.predict(points)
        score, slope = self.scales.soft_score(expected.mean + draws * expected.deviation)
        score, slope = self._known(score, _UNKNOWN), self._known(slope, 0.0)
        total, by_score, by_missing, by_failing = self._combined(score, expected)
        by_mean = by_score * slope
        gradient = np.zeros_like(points)
        for group in self._groups:
            columns = group.columns
            if group.processes is not None:
                gradient += group.processes.gradient(
                    points, by_mean[:, columns], by_mean[:, columns] * draws[:, columns], expected.deviation[:, columns]
                )
            if group.missing is not None:
                gradient += _probability_gradient(group.missing, points, by_missing[:, columns].sum(axis=1))
        if self._failing is not None:
            gradient += _probability_gradient(self._failing, points, by_failing)
        return total, gradient

    def _known(self, values: FloatArray, otherwise: float) -> FloatArray:
        """Return values, in the columns of targets without a model the other one."""
        return np.where(np.isnan(self.noise), np.minimum(otherwise, self.scales.cap), values)

    def _combined(
        self, score: FloatArray, expected: Prediction
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return the total and its derivatives by the scores, by q and by p."""
        cap = self.scales.cap
        works = 1 - expected.fails
        working = ((1 - expected.no_value) * score + expected.no_value * cap).sum(axis=-1)
        total = works * working + expected.fails * cap.sum()
        by_score = works[..., None] * (1 - expected.no_value)
        by_missing = works[..., None] * (cap - score)
        return total, by_score, by_missing, cap.sum() - working

    def _group(self, data: Data, columns: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> _Group:
        has = _known(data, columns)
        points, y = data.points[has], self.scales.learnt(data.values[has])[:, columns]
        errors = None
        if data.errors is not None:
            errors = self.scales.errors(data.values[has], smoothed(points, data.errors[has]))[:, columns]
        processes = GaussianProcesses(points, y, errors) if len(points) >= _FEWEST and differ(points) else None
        works = ~data.failed
        return _Group(columns, processes, labels(data.points[works], ~has[works]))


def _known(
    data: Data, columns: np.ndarray[tuple[int, ...], np.dtype[np.intp]]
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return which evaluations have values of targets that have them together."""
    return np.asarray(~np.isnan(data.values[:, columns[0]]) & ~data.failed)


def _same_gaps(values: FloatArray) -> Sequence[np.ndarray[tuple[int, ...], np.dtype[np.intp]]]:
    """Return the columns that have values in the same rows, in the order of the first of each."""
    groups: dict[bytes, list[int]] = {}
    for column, missing in enumerate(np.isnan(values).T):
        groups.setdefault(missing.tobytes(), []).append(column)
    return [np.array(columns) for columns in groups.values()]


def _widths(
    data: Data, scales: Scales, together: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.intp]]]
) -> FloatArray:
    """Return the width of each target's scale under which its values are likeliest: what is y = asinh(d / w) to learn.

    The likelihood is that of the distance d, in norms: that of y times dy / dd = (d^2 + w^2)^-1/2.
    """
    found = np.ones(data.values.shape[1])
    for columns in together:
        rows = np.flatnonzero(_known(data, columns))
        rows = rows[rows_of(len(rows))]
        points, distance = data.points[rows], scales.distance(data.values[rows])[:, columns]
        if len(rows) < _FEWEST or not differ(points):
            continue
        y = np.arcsinh(distance[None] / _WIDTHS[:, None, None])
        spread = np.maximum(y.std(axis=1), LEAST)
        standard = (y - y.mean(axis=1)[:, None]) / spread[:, None]
        losses = least_losses(points, np.concatenate(standard, axis=1)).reshape(spread.shape)
        losses += len(rows) * np.log(spread) + 0.5 * np.log(distance**2 + _WIDTHS[:, None, None] ** 2).sum(axis=1)
        found[columns] = _WIDTHS[losses.argmin(axis=0)]
    return found


def differ(points: FloatArray) -> bool:
    """Return whether their median distance, which is the unit of length, is one."""
    return median_distance(pairs(points, points)[0]) > _NO_DISTANCE


def labels(points: FloatArray, labels: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> GaussianProcesses | None:
    """Return a process of labels, None if all are no."""
    if not labels.any():
        return None
    return GaussianProcesses(points, labels[:, None].astype(float)) if differ(points) else None


def probability(mean: FloatArray) -> FloatArray:
    """Return what a process of labels 0 and 1 makes likely for the label 1."""
    return np.asarray(ndtr((mean - 0.5) / _WIDTH))


def _probability_gradient(process: GaussianProcesses, points: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the gradient of weights times the probability, by the points."""
    mean = process.mean(points)
    density = np.exp(-0.5 * ((mean - 0.5) / _WIDTH) ** 2) / (_WIDTH * np.sqrt(2 * np.pi))
    return process.gradient(points, weights[:, None] * density, np.zeros_like(mean), np.ones_like(mean))
