"""Tuning curves: responses of every cell to gratings of all orientations, and to disks of all sizes.

They are made of the responses that the targets of orientation and size tuning are made of.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from targets.datastore import Datastore
from targets.errors import NoValue
from targets.orientation import GRATING, OrientationTuningPreferenceTarget
from targets.segment import Segment
from targets.sheet_target import rates_by_cell
from targets.size import DISK, SuppressedShare

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_LEAST_ORIENTATIONS = 4
_WIDEST = math.radians(60)
_CELLS_AT_ONCE = 256
HALF_HEIGHT = math.sqrt(2 * math.log(2))
"""Half width at half height of a Gaussian, in standard deviations."""


def _nothing() -> None:
    """Do nothing before responses are read."""


@dataclass(frozen=True, eq=False)
class OrientationResponses:
    """Responses of the N cells of a sheet to full-field gratings of one contrast.

    Attributes
    ----------
    contrast : float
        In %.
    orientations : ndarray, (n,)
        Of the gratings, in rad, ascending in [0, pi).
    rates : ndarray, (n, N)
        Mean rate over the trials of each, in Hz; NaN for cells that were not recorded.
    preferred : ndarray, (N,)
        Preferred orientations that the model annotates its cells with, in rad; NaN if there is none.
    """

    contrast: float
    orientations: Floats
    rates: Floats
    preferred: Floats

    def aligned(self) -> tuple[Floats, Floats]:
        """Return every cell's response over the difference of the grating's orientation and its preferred one.

        The differences are put into n bins of width pi / n, centred at multiples of it, as many as there are gratings;
        gratings at even distances give each cell one response in every bin.

        Returns
        -------
        offsets : ndarray, (n,)
            Centres of the bins in rad, in [-pi / 2, pi / 2).
        rates : ndarray, (n, N)
            In Hz, NaN if a cell has none.
        """
        n = len(self.orientations)
        width = math.pi / n
        with np.errstate(invalid="ignore"):
            steps = np.round((self.orientations[:, None] - self.preferred) / width)
        bins = np.where(np.isfinite(steps), (steps + n // 2) % n, -1).astype(np.int64)
        rates = np.full((n, len(self.preferred)), np.nan)
        for own in range(n):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing is NaN, as wanted
                rates[own] = np.nanmean(np.where(bins == own, self.rates, np.nan), axis=0)
        return np.asarray((np.arange(n) - n // 2) * width, np.float64), rates

    def widths(self) -> tuple[Floats, Floats]:
        """Return the half width at half height of each cell's tuning curve, from a Gaussian fitted to it.

        ``r(theta) = a + b exp(-d(theta, mu)^2 / (2 sigma^2))`` with ``b >= 0`` and ``d`` the distance of orientations,
        circular with period pi; the half width is ``sqrt(2 ln 2) sigma``. ``a`` and ``b`` are the least-squares
        solution for each ``mu`` and ``sigma`` of a grid of 1 degree; the half width is at least half the distance of
        two gratings, because narrower tuning cannot be told, and at most 71 degrees.

        Returns
        -------
        half_widths : ndarray, (N,)
            In rad; NaN for cells that were not recorded or respond to all orientations alike.
        explained : ndarray, (N,)
            Share of the variance of the responses that the Gaussian explains.

        Raises
        ------
        NoValue
            If there are fewer than four orientations, as many as the Gaussian has parameters.
        """
        n = len(self.orientations)
        if n < _LEAST_ORIENTATIONS:
            raise NoValue(
                f"a tuning width needs gratings of {_LEAST_ORIENTATIONS} orientations, {n} of contrast "
                f"{self.contrast:g} were presented"
            )
        narrowest = math.pi / n / 2 / HALF_HEIGHT
        sigmas = np.arange(narrowest, _WIDEST, math.radians(1))
        means = np.radians(np.arange(180.0))
        distance = np.abs((self.orientations - means[:, None] + math.pi / 2) % math.pi - math.pi / 2)
        shapes = np.exp(-(distance[:, None] ** 2) / (2 * sigmas[None, :, None] ** 2)).reshape(-1, n)
        shapes -= shapes.mean(axis=1, keepdims=True)
        shapes /= np.sqrt((shapes**2).sum(axis=1, keepdims=True))
        responses = self.rates - self.rates.mean(axis=0)
        half_widths, explained = np.full((2, self.rates.shape[1]), np.nan)
        tuned = np.flatnonzero((responses**2).sum(axis=0) > 1e-12)  # False where NaN
        for start in range(0, len(tuned), _CELLS_AT_ONCE):
            own = tuned[start : start + _CELLS_AT_ONCE]
            fits = shapes @ responses[:, own]
            best = fits.argmax(axis=0)
            half_widths[own] = HALF_HEIGHT * np.tile(sigmas, len(means))[best]
            explained[own] = np.maximum(fits.max(axis=0), 0) ** 2 / (responses[:, own] ** 2).sum(axis=0)
        return half_widths, explained


def contrasts(datastore: Datastore, sheet_name: str, stimulus: str = GRATING) -> list[float]:
    """Return the contrasts of the gratings (full-field, or disks) that a sheet was presented with, in %, ascending."""
    return sorted(set(_values(datastore.presentations(sheet_name, stimulus), "contrast")))


def orientation_responses(
    datastore: Datastore, sheet_name: str, contrast: float = 100.0, before_each: Callable[[], None] = _nothing
) -> OrientationResponses:
    """Return the responses of a sheet's cells to all full-field gratings of one contrast.

    Parameters
    ----------
    datastore : Datastore
        What was recorded.
    sheet_name : str
        The sheet.
    contrast : float
        Of the gratings, in %.
    before_each : callable
        Is called before the responses to a grating are read; what it raises ends that.

    Raises
    ------
    NoValue
        If none was presented.
    DatastoreError
        If they can't be read, or the cells have no preferred orientations.
    """
    target = OrientationTuningPreferenceTarget(sheet_name=sheet_name, contrast=contrast, target_value=1.0, norm=1.0)
    shown = datastore.presentations(sheet_name, GRATING, contrast=contrast)
    found = {round(each % math.pi, 6) % round(math.pi, 6) for each in _values(shown, "orientation")}
    if not found:
        raise target.missing(datastore, f"{GRATING} of contrast {contrast:g}")
    orientations = np.array(sorted(found))
    rates = []
    for each in orientations:
        before_each()
        rates.append(target.grating_rates(datastore, each))
    preferred = datastore.sheet(sheet_name).require_orientations()
    return OrientationResponses(contrast, orientations, np.array(rates), preferred)


def all_orientation_responses(datastore: Datastore, sheet_name: str) -> list[OrientationResponses]:
    """Return `orientation_responses` at each contrast that a sheet was presented with, in ascending order.

    Raises
    ------
    NoValue, DatastoreError
        As `orientation_responses`; of gratings of 100 % if the sheet was presented with none.
    """
    shown = contrasts(datastore, sheet_name) or [100.0]
    return [orientation_responses(datastore, sheet_name, contrast) for contrast in shown]


@dataclass(frozen=True, eq=False)
class SizeResponses:
    """Responses of the n cells of a size-tuning target to gratings of all sizes.

    Attributes
    ----------
    radii : ndarray, (n_sizes,)
        Of the disks in degrees, ascending; the last one is infinite if the full field was presented too.
    rates : ndarray, (n_sizes, n)
        Mean rate over the trials of each, in Hz.
    cells : ndarray of int64, (n,)
        Which of the sheet's N cells they are.
    """

    radii: Floats
    rates: Floats
    cells: Integers

    def of(self, chosen: Integers) -> SizeResponses:
        """Return the responses of some of the n cells, by their places among them."""
        return SizeResponses(self.radii, self.rates[:, chosen], self.cells[chosen])

    def suppression(self) -> Floats:
        """Return the suppression index of each cell, ``(r_max - r_largest) / r_max``, (n,).

        ``r_max`` is the largest response to any size, ``r_largest`` the one to the largest size, the full field if
        it was presented: 0 is no suppression, 1 a largest grating that silences the cell; NaN for cells that respond to
        no size.

        Raises
        ------
        NoValue
            If fewer than two sizes were presented.
        """
        if len(self.radii) < 2:
            raise NoValue("a suppression index needs gratings of two sizes, one was presented")
        largest = self.rates.max(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(largest > 0, (largest - self.rates[-1]) / largest, np.nan))


def size_responses(
    datastore: Datastore, target: SuppressedShare, before_each: Callable[[], None] = _nothing
) -> SizeResponses:
    """Return the responses of the cells of a size-tuning target to all disks and to the full field.

    Parameters
    ----------
    datastore : Datastore
        What was recorded.
    target : SuppressedShare
        Says which cells, and which contrast and orientation the disks have.
    before_each : callable
        Is called before the responses to a disk are read; what it raises ends that.

    Raises
    ------
    NoValue
        If no disk was presented, or the target has no cells.
    DatastoreError
        If they can't be read, or the cells have no preferred orientations or positions.
    """
    shown = datastore.presentations(
        target.sheet_name, DISK, contrast=target.contrast, orientation=target.orientation
    ) or target.presented(datastore, DISK)
    radii = sorted(set(_values(shown, "radius")))
    trials = [target.presented(datastore, DISK, radius) for radius in radii]
    try:
        trials.append(target.presented(datastore, GRATING))
        radii.append(math.inf)
    except NoValue:
        pass  # the largest disk is the largest size then
    rates = []
    for each in trials:
        before_each()
        rates.append(rates_by_cell(datastore, target.sheet_name, each))
    cells = np.flatnonzero(target.central_cells(datastore, *rates))
    return SizeResponses(np.array(radii), np.array(rates)[:, cells], cells)


def _values(segments: Sequence[Segment], parameter: str) -> list[float]:
    values = (each.stimulus.get(parameter) for each in segments)
    return [float(value) for value in values if isinstance(value, (int, float))]
