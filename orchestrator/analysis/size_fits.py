"""Size-tuning curves fitted to the responses of single cells, and their suppression and counter-suppression."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from orchestrator.records import FloatArray
from targets import NoValue
from targets.tuning import SizeResponses

_TWO, _THREE = 5, 7
"""Parameters of curves of two and of three Gaussians."""
_WIDTHS = 9
_FINE = 101
_TRIES = 40
_MOST = 10.0
"""Amplitudes, in largest responses of the cell: beyond, two large ones cancel."""
_SILENT = 1e-9


@dataclass(frozen=True, eq=False)
class SizeFits:
    """Curves fitted to the responses of n cells to disks of n_sizes radii.

    ``R(r) = r0 + c E(r / a) - s E(r / b) + f E(r / d)`` with ``E(u) = erf(u)^2``, the share of a Gaussian that a
    centred square of half side u holds, all amplitudes >= 0 in Hz and ``a < b < d`` in degrees: excitation from the
    centre, suppression from a wider surround, and facilitation from a still wider one. The first two are the integrals
    of Cavanaugh, Bair and Movshon (2002), J. Neurophysiol. 88:2530, in the difference of DeAngelis, Freeman and Ohzawa
    (1994), J. Neurophysiol. 71:347, and Sceniak et al. (1999), Nat. Neurosci. 2:733; the third is what
    counter-suppression takes, as mozaik fits it. With five or six disks there are two, and no counter-suppression.

    Attributes
    ----------
    radii : ndarray, (n_sizes,)
        Of the disks in degrees, ascending.
    rates : ndarray, (n_sizes, n)
        The responses in Hz.
    parameters : ndarray, (n, 7)
        ``c, a, s, b - a, f, d - b, r0`` of each cell; f is 0 in curves of two Gaussians; NaN for cells that respond to
        no disk, or to all alike.
    explained : ndarray, (n,)
        Share of the variance of the responses that the curve explains; NaN as above.
    """

    radii: FloatArray
    rates: FloatArray
    parameters: FloatArray
    explained: FloatArray

    @property
    def three(self) -> bool:
        """Whether the curves have the third Gaussian, which counter-suppression takes."""
        return len(self.radii) >= _THREE

    @property
    def fine(self) -> FloatArray:
        """Radii in degrees from the smallest to the largest disk, (101,): beyond them nothing was presented."""
        return np.linspace(float(self.radii[0]), float(self.radii[-1]), _FINE)

    def curves(self) -> FloatArray:
        """Return the fitted curves at the radii `fine` in Hz, (101, n): 0 where the formula is negative."""
        curves = np.array([_curve(self.fine, *own) for own in self.parameters], np.float64)
        return np.asarray(np.maximum(curves.reshape(-1, _FINE).T, 0.0))

    def indices(self) -> tuple[FloatArray, FloatArray]:
        """Return suppression and counter-suppression index of the fitted curves, as `suppression_indices` does."""
        return suppression_indices(self.curves())


def suppression_indices(curves: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return suppression and counter-suppression index of size-tuning curves.

    With ``r_max`` the largest response, ``r_min`` the least to any size beyond that of ``r_max``, and ``r_far`` the
    largest to any size beyond that of ``r_min``, they are ``(r_max - r_min) / r_max`` and ``(r_far - r_min) / r_max``
    (Wang et al. 2009, J. Vis. 9(1):20). The index of `targets.tuning.SizeResponses.suppression`, which compares with
    the largest size instead of the most suppressing one, is their difference where the response recovers to the end.

    Parameters
    ----------
    curves : ndarray, (n_sizes, n)
        Responses of n cells in Hz, at ascending sizes; negative ones, as a fitted curve may have, count as 0.

    Returns
    -------
    suppression, counter_suppression : ndarray, (n,)
        From 0, no suppression, to 1; NaN for a cell that responds to no size, or has no curve.
    """
    order = np.arange(len(curves))[:, None]
    known = np.isfinite(curves).all(axis=0) & (curves.max(axis=0, initial=-math.inf) > _SILENT)
    own = np.maximum(curves[:, known], 0.0)
    peak = own.argmax(axis=0)
    trough = np.where(order >= peak, own, math.inf).argmin(axis=0)
    largest, least = own.max(axis=0, initial=-math.inf), own[trough, np.arange(own.shape[1])]
    recovered = np.where(order >= trough, own, -math.inf).max(axis=0, initial=-math.inf)
    found = np.full((2, curves.shape[1]), math.nan)
    found[:, known] = (largest - least) / largest, (recovered - least) / largest
    return found[0], found[1]


def fit_sizes(responses: SizeResponses) -> SizeFits:
    """Fit a size-tuning curve to the responses of each cell to the disks, by least squares.

    From the best of a grid of widths, with the amplitudes that solve the linear problem for them, scipy's
    `least_squares` goes on in all parameters, amplitudes up to ten times the cell's largest response.

    Raises
    ------
    NoValue
        If fewer than five disks were presented, as many as the difference of two Gaussians has parameters.
    """
    disks = np.isfinite(responses.radii)
    radii, rates = responses.radii[disks], responses.rates[disks]
    if len(radii) < _TWO:
        raise NoValue(f"a size-tuning curve needs disks of {_TWO} sizes, {len(radii)} were presented")
    n = rates.shape[1]
    parameters, explained = np.full((n, _THREE), math.nan), np.full(n, math.nan)
    grid = list(_grid(radii))
    for cell in range(n):
        own = rates[:, cell]
        spread = float(((own - own.mean()) ** 2).sum())
        if not spread > _SILENT:  # NaN where it was not recorded
            continue
        parameters[cell] = _fitted(radii, own, grid)
        explained[cell] = 1 - _misfit(radii, own, parameters[cell]) / spread
    return SizeFits(radii, rates, parameters, explained)


def _curve(radii: FloatArray, *parameters: float) -> FloatArray:
    centre, a, surround, to_b, far, to_d, baseline = parameters
    shapes = _integrals(radii, a, a + to_b, a + to_b + to_d)
    return np.asarray(baseline + shapes @ np.array([centre, -surround, far]))


def _integrals(radii: FloatArray, *widths: float) -> FloatArray:
    from scipy.special import erf  # noqa: PLC0415  (scipy takes long to import)

    return np.asarray(erf(radii[:, None] / np.array(widths)) ** 2)


def _misfit(radii: FloatArray, rates: FloatArray, parameters: FloatArray) -> float:
    return float(((_curve(radii, *parameters) - rates) ** 2).sum())


def _grid(radii: FloatArray) -> Iterator[tuple[tuple[float, ...], FloatArray]]:
    """Yield increasing widths, and what the amplitudes and the baseline are multiplied with."""
    widths = np.geomspace(radii[radii > 0][0], 2 * radii[-1], _WIDTHS)
    for own in combinations(widths.tolist(), 3 if len(radii) >= _THREE else 2):
        shapes = _integrals(radii, *own) * np.array([1.0, -1.0, 1.0])[: len(own)]
        yield own, np.column_stack([shapes, np.ones(len(radii))])


def _fitted(radii: FloatArray, rates: FloatArray, grid: list[tuple[tuple[float, ...], FloatArray]]) -> FloatArray:
    from scipy.optimize import least_squares, nnls  # noqa: PLC0415

    highest, widest = _MOST * float(rates.max()), 4 * float(radii[-1])
    solutions = [nnls(shapes, rates) for _, shapes in grid]
    best = int(np.argmin([misfit if (of.max() <= highest) else math.inf for of, misfit in solutions]))
    widths, amplitudes = grid[best][0], solutions[best][0]
    three = len(widths) == 3
    far = (amplitudes[2], widths[2] - widths[1]) if three else (0.0, widest)
    start = np.array([amplitudes[0], widths[0], amplitudes[1], widths[1] - widths[0], *far, amplitudes[-1]])
    free = np.array([True, True, True, True, three, three, True])
    low = np.array([0.0, float(np.diff(radii).min()) / 2, 0.0, 0.0, 0.0, 0.0, 0.0])
    high = np.array([highest, widest, highest, widest, highest, widest, highest])
    start = np.clip(start, low, high)

    def difference(values: FloatArray) -> FloatArray:
        whole = start.copy()
        whole[free] = values
        return np.asarray(_curve(radii, *whole) - rates)

    found = least_squares(difference, start[free], bounds=(low[free], high[free]), x_scale="jac", max_nfev=_TRIES)
    start[free] = found.x
    return np.asarray(start)
