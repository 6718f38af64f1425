"""A linear model of every target's outputs near the best point, and the steps to where it is best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from orchestrator.optimisers.models.archive import Archive
from orchestrator.optimisers.models.quantities import Components
from orchestrator.records import FloatArray

# ridges that are tried, as shares of the largest squared singular value
_RIDGES = np.array([1e-10, 1e-6, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 1.0, 5.0, 100.0])
# no evaluation has more leverage than this
_LEVERAGE = 1 - 1e-6
# a correction by nearer evaluations has to leave less than this share of the square of what is left to explain: what
# few noisy ones say is left out
_GAIN = 0.5
# length of the constant beside the parameters, in distances of the farthest evaluation: how freely it is fitted
_CONSTANT = 0.1
# a target that is nearer than this to what is wanted, in norms, has no more weight than at this distance
_NEAR = 0.05
_REWEIGHTED = 3
# evaluations of the linear model, which a search for its best point takes at most
_SOLVING = 20
_WIDTH = 1e-12


@dataclass(frozen=True)
class _Target:
    """Numbers of a target at the centre, shape (n_components,), and slopes, shape (n_parameters, n_components)."""

    components: Components
    numbers: FloatArray
    slopes: FloatArray


class LinearModel:
    """Numbers z = z0 + J d of every target, at d from the best evaluation.

    J is learnt by ridge regression of all evaluations first, and then corrected by that of ever nearer ones: where
    those say nothing of a direction, what farther ones say of it stays. The ridge is the one with the least error of
    predicting each evaluation by the others (PRESS; Allen 1974, Technometrics 16:125): with noise it is large.

    Parameters
    ----------
    archive : Archive
        With at least one evaluation of the present search that did not fail.
    radius : float
        Where the model is believed: one of the levels are the evaluations that are not farther than twice this.

    Attributes
    ----------
    centre : ndarray of float, shape (n_parameters,)
        The point of the best evaluation of the present search.
    """

    def __init__(self, archive: Archive, radius: float):
        self.centre = archive.points[archive.best]
        self._targets: list[_Target] = []
        for targets, known in archive.groups():
            rows = np.flatnonzero(known)
            if not len(rows):
                continue
            components = [archive.quantities[n].components(archive.rows[n][rows], 1.0) for n in targets]
            steps = archive.points[rows] - self.centre
            constants, slopes = _regression(steps, np.hstack([each.numbers for each in components]), radius)
            ends = np.cumsum([each.numbers.shape[1] for each in components])[:-1]
            parts = zip(components, np.split(constants, ends), np.split(slopes, ends, axis=1), strict=True)
            self._targets += [_Target(*part) for part in parts]

    def best_in(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """Return the point of a box around the centre where the sum of the targets' distances is least.

        It is that of the weighted sum of squares of all residuals, each target with the inverse of its distance as
        weight, which is found again a few times (iteratively reweighted least squares); of a single target it is the
        Gauss-Newton step, and the box damps it as Levenberg's and Marquardt's parameter would.

        Parameters
        ----------
        low, high : ndarray of float, shape (n_parameters,)
            The box.
        """
        lower, upper = np.minimum(low - self.centre, -_WIDTH), np.maximum(high - self.centre, _WIDTH)
        step = found = np.zeros_like(self.centre)
        for _ in range(_REWEIGHTED if len(self._targets) > 1 else 1):
            weights = [max(float(np.linalg.norm(each)), _NEAR) ** -0.5 for each in self._residuals(step)]
            found = least_squares(
                self._weighted, step, self._slopes, (lower, upper), method="dogbox", max_nfev=_SOLVING, args=(weights,)
            ).x
            # where it begins has to be inside
            step = np.clip(found, 0.999 * lower, 0.999 * upper)
        return np.asarray(np.clip(self.centre + found, low, high))

    def _residuals(self, step: FloatArray) -> list[FloatArray]:
        return [each.components.residuals(each.numbers + step @ each.slopes) for each in self._targets]

    def _weighted(self, step: FloatArray, weights: Sequence[float]) -> FloatArray:
        residuals = self._residuals(step)
        return np.concatenate([weight * each for weight, each in zip(weights, residuals, strict=True)])

    def _slopes(self, step: FloatArray, weights: Sequence[float]) -> FloatArray:
        """Return the derivatives of the weighted residuals by the step, shape (n_residuals, n_parameters)."""
        parts = [each.components.slopes(each.numbers + step @ each.slopes) @ each.slopes.T for each in self._targets]
        return np.vstack([weight * part for weight, part in zip(weights, parts, strict=True)])


def _regression(steps: FloatArray, numbers: FloatArray, radius: float) -> tuple[FloatArray, FloatArray]:
    """Return numbers at the centre and their slopes.

    Parameters
    ----------
    steps : ndarray of float, shape (n_rows, n_parameters)
        From the centre to where the numbers are known.
    numbers : ndarray of float, shape (n_rows, n_numbers)
        What is known.
    radius : float
        All evaluations that are not farther than twice this in any dimension are used at a level of their own.
    """
    distances = np.linalg.norm(steps, axis=1)
    nearest = np.argsort(distances, kind="stable")
    constants, slopes = numbers[nearest[0]].copy(), np.zeros((steps.shape[1], numbers.shape[1]))
    inside = int((np.abs(steps) <= 2 * radius).all(axis=1).sum())
    for count in _counts(len(steps), steps.shape[1], inside):
        rows = nearest[:count]
        farthest = distances[rows[-1]]
        if not farthest > 0:
            break
        weights = np.exp(-((distances[rows] / farthest) ** 2))
        length = _CONSTANT * farthest
        design = np.column_stack([steps[rows], np.full(count, length)])
        found = _ridge(
            design, numbers[rows] - constants - steps[rows] @ slopes, weights, np.inf if count == len(steps) else _GAIN
        )
        slopes, constants = slopes + found[:-1], constants + length * found[-1]
    return constants, slopes


def _counts(known: int, n_parameters: int, inside: int) -> list[int]:
    """Return how many of the nearest evaluations each level uses, ever fewer, all of them first."""
    needed = n_parameters + 1
    counts = [known]
    for count in (max(4 * needed, inside), max(2 * needed, inside), inside, needed + 1):
        if count < counts[-1]:
            counts.append(count)
    return counts


def _ridge(design: FloatArray, values: FloatArray, weights: FloatArray, share: float) -> FloatArray:
    """Return coefficients, shape (n_columns, n_numbers), of a weighted ridge regression.

    They are 0 if the error of predicting each row by the others is more than a share of the square of the values.
    """
    left, sizes, right = np.linalg.svd(design * weights[:, None], full_matrices=False)
    wanted = values * weights[:, None]
    along = left.T @ wanted
    ridges = _RIDGES * sizes[0] ** 2
    errors = [_press(left, sizes, wanted, along, ridge) for ridge in ridges]
    if min(errors) / share > (wanted**2).sum():
        return np.zeros((design.shape[1], values.shape[1]))
    return np.asarray((right.T * (sizes / (sizes**2 + ridges[int(np.argmin(errors))]))) @ along)


def _press(left: FloatArray, sizes: FloatArray, wanted: FloatArray, along: FloatArray, ridge: float) -> float:
    """Return the sum of squares of the errors with which each row is predicted by the others."""
    kept = sizes**2 / (sizes**2 + ridge)
    leverage = np.minimum(left**2 @ kept, _LEVERAGE)
    return float((((wanted - (left * kept) @ along) / (1 - leverage)[:, None]) ** 2).sum())
