"""What is learnt of a target, as few numbers that models can predict, and how far off these are from what is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from orchestrator.optimisers.base import Scale, Told, Vector
from orchestrator.optimisers.models.scores import FARTHEST, Scales
from orchestrator.records import FloatArray

# standard deviations below this are none
_LEAST = 1e-12
# step of numerical derivatives of a target's value by a component
_DIFFERENCE = 1e-5


class Components(Protocol):
    """Few numbers that stand for what was measured of a target."""

    @property
    def numbers(self) -> FloatArray:
        """Those of the evaluations that they were made from, shape (n_points, n_components)."""

    def distances(self, numbers: FloatArray) -> FloatArray:
        """Return how far off such numbers are from what is wanted, in norms, without a cap.

        Parameters
        ----------
        numbers : ndarray of float, shape (..., n_components)
            Of any points.

        Returns
        -------
        ndarray of float, shape (...)
        """

    def residuals(self, numbers: FloatArray) -> FloatArray:
        """Return differences, shape (..., n_residuals), whose Euclidean norm is the distance."""

    def slopes(self, numbers: FloatArray) -> FloatArray:
        """Return the derivatives of the residuals by the numbers of a point, shape (n_residuals, n_components)."""


class Quantity(Protocol):
    """What is learnt of one target."""

    @property
    def scale(self) -> Scale:
        """How the target's value becomes its score."""

    @property
    def quick(self) -> bool:
        """Whether distances of many thousand numbers are computed in a moment, by arithmetic of this module."""

    @property
    def differences(self) -> bool:
        """Whether differences are learnt, in norms, whose Euclidean norm is the distance; otherwise numbers are."""

    def learnt(self, told: Told) -> FloatArray:
        """Return it, shape (n_points, width), NaN where nothing is known."""

    def components(self, rows: FloatArray, share: float) -> Components:
        """Return the numbers that stand for some rows.

        Parameters
        ----------
        rows : ndarray of float, shape (n_points, width)
            Finite; at least one.
        share : float
            How much of the variance they keep, at most 1.
        """


class _Axes:
    """Principal components of rows (Jolliffe 2002, Principal Component Analysis, chapter 3).

    Parameters
    ----------
    rows : ndarray of float, shape (n_points, width)
        Finite.
    share : float
        How much of the variance is kept.
    """

    def __init__(self, rows: FloatArray, share: float):
        self.mean = rows.mean(axis=0)
        _, deviations, axes = np.linalg.svd(rows - self.mean, full_matrices=False)
        kept = np.cumsum(deviations**2)
        number = int(np.searchsorted(kept, share * kept[-1])) + 1
        number = max(1, min(number, int(np.count_nonzero(deviations > _LEAST * deviations[0]))))
        self.axes = axes[:number]
        self.numbers = (rows - self.mean) @ self.axes.T


@dataclass(frozen=True)
class _NumberComponents:
    numbers: FloatArray
    scales: Scales

    def distances(self, numbers: FloatArray) -> FloatArray:
        return np.asarray(np.abs(self.residuals(numbers))[..., 0])

    def residuals(self, numbers: FloatArray) -> FloatArray:
        return self.scales.excess(numbers)

    def slopes(self, numbers: FloatArray) -> FloatArray:
        return self.scales.steepness(numbers)[None]


@dataclass(frozen=True)
class _Number:
    """A target of which a number is known: y = asinh((value - centre) / norm) is learnt (see `Scales`)."""

    target: int
    scale: Scale
    quick: bool = True
    differences: bool = False

    def learnt(self, told: Told) -> FloatArray:
        column = slice(self.target, self.target + 1)
        scales = Scales([self.scale])
        return scales.learnt(scales.known(told.values[:, column], told.scores[:, column]))

    def components(self, rows: FloatArray, share: float) -> Components:
        return _NumberComponents(rows, Scales([self.scale]))


class _DifferencesComponents:
    """Principal components z of differences r = m + z A, whose norm is that of z + m A^T and of the rest of m."""

    def __init__(self, rows: FloatArray, share: float):
        found = _Axes(rows, share)
        self.numbers = found.numbers
        self._along = found.axes @ found.mean
        self._rest = float(np.linalg.norm(found.mean - self._along @ found.axes))

    def distances(self, numbers: FloatArray) -> FloatArray:
        return np.asarray(np.sqrt(((numbers + self._along) ** 2).sum(axis=-1) + self._rest**2))

    def residuals(self, numbers: FloatArray) -> FloatArray:
        rest = np.full((*numbers.shape[:-1], 1), self._rest)
        return np.concatenate([numbers + self._along, rest], axis=-1)

    def slopes(self, numbers: FloatArray) -> FloatArray:
        return np.eye(len(numbers) + 1, len(numbers))


@dataclass(frozen=True)
class _Differences:
    """A target whose value is the norm of differences, which are learnt, divided by the norm of the target."""

    target: int
    width: int
    vector: Vector
    scale: Scale
    quick: bool = True
    differences: bool = True

    def learnt(self, told: Told) -> FloatArray:
        outputs = _outputs(told, self.target, self.width)
        known = np.asarray(np.isfinite(outputs).all(axis=1))
        with np.errstate(all="ignore"):
            found = self.vector.residuals(np.where(known[:, None], outputs, 0.0))
        if found is None:
            raise ValueError(f"target {self.target} has residuals for some outputs, and none for others")
        return np.where(known[:, None] & np.isfinite(found), found, np.nan) / self.scale.norm

    def components(self, rows: FloatArray, share: float) -> Components:
        return _DifferencesComponents(rows, share)


class _OutputsComponents:
    """The principal components of outputs, each of which is divided by its standard deviation before."""

    def __init__(self, rows: FloatArray, share: float, vector: Vector, scales: Scales):
        spread = rows.std(axis=0)
        self._spread = np.where(spread > _LEAST * np.abs(rows).max(), spread, 1.0)
        self._axes = _Axes(rows / self._spread, share)
        self.numbers = self._axes.numbers
        self._vector, self._scales = vector, scales

    def distances(self, numbers: FloatArray) -> FloatArray:
        return np.asarray(np.abs(self.residuals(numbers))[..., 0])

    def residuals(self, numbers: FloatArray) -> FloatArray:
        rows = numbers.reshape(-1, numbers.shape[-1])
        with np.errstate(all="ignore"):
            values = self._vector.values((self._axes.mean + rows @ self._axes.axes) * self._spread)
        excess = self._scales.excess(self._scales.learnt(values[:, None]))
        return np.nan_to_num(excess, nan=FARTHEST).reshape(*numbers.shape[:-1], 1)

    def slopes(self, numbers: FloatArray) -> FloatArray:
        # the spread of a component that is standardised is about 1
        steps = _DIFFERENCE * np.eye(len(numbers))
        return np.asarray((self.residuals(numbers + steps) - self.residuals(numbers - steps)).T / (2 * _DIFFERENCE))


@dataclass(frozen=True)
class _Outputs:
    """A target whose value is any function of outputs, which are learnt."""

    target: int
    width: int
    vector: Vector
    scale: Scale
    quick: bool = False
    differences: bool = False

    def learnt(self, told: Told) -> FloatArray:
        return _outputs(told, self.target, self.width)

    def components(self, rows: FloatArray, share: float) -> Components:
        return _OutputsComponents(rows, share, self.vector, Scales([self.scale]))


def quantities_of(scales: Sequence[Scale], vectors: Mapping[int, Vector], blocks: Sequence[Told]) -> list[Quantity]:
    """Return what is learnt of each target.

    Parameters
    ----------
    scales : sequence of Scale, length n_targets
        How values become scores.
    vectors : mapping of int to Vector
        How values follow from outputs, by index of the target.
    blocks : sequence of Told
        What is known; a target is learnt by its outputs if every value has them, as many for each.
    """
    return [_quantity(target, scale, vectors.get(target), blocks) for target, scale in enumerate(scales)]


def _quantity(target: int, scale: Scale, vector: Vector | None, blocks: Sequence[Told]) -> Quantity:
    # none are told of a block in which every simulation failed
    widths = {told.outputs[target].shape[1] for told in blocks if target in told.outputs}
    if vector is None or scale.by_score or len(widths) != 1:
        return _Number(target, scale)
    (width,) = widths
    outputs = np.concatenate([_outputs(told, target, width) for told in blocks])
    known = np.isfinite(outputs).all(axis=1)
    has_value = np.isfinite(np.concatenate([told.values[:, target] for told in blocks]))
    if not known.any() or (has_value & ~known).any():
        return _Number(target, scale)
    if vector.residuals(outputs[known][:1]) is None:
        return _Outputs(target, width, vector, scale)
    return _Differences(target, width, vector, scale)


def _outputs(told: Told, target: int, width: int) -> FloatArray:
    """Return the outputs of a block, shape (n_points, width), rows of NaN if none are told."""
    found = told.outputs.get(target)
    return np.full((len(told.points), width), np.nan) if found is None else found
