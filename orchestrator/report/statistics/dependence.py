"""Which parameters a value depends on: by a model of the values that predicts them, by ranks where none does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from orchestrator.records import FloatArray
from orchestrator.scores.ranks import FEWEST, rank_correlation, rank_correlation_interval

if TYPE_CHECKING:
    from orchestrator.optimisers.models.gaussian_processes import GaussianProcesses

IntArray = npt.NDArray[np.intp]

# what is looked at, and which share of the evaluations that is, the best ones
REGIONS = {"all evaluations": 1.0, "best fifth": 0.2}
# evaluations from which a model is made: at least so many, and so many for each parameter; at most; and how many of
# those in a region its errors are known from at least
_LEAST, _EACH, _MOST, _INSIDE = 30, 2, 200, 20
# ranks are of so many at most
_RANKED = 8000
# share of the variance of values that are left out, from which on a model is believed
_BELIEVED = 0.5
# points at which a model is asked, and pairs of them for each parameter at least and at most
_POINTS, _FEWEST_PAIRS, _MOST_PAIRS = 6000, 150, 1000
# spreads below this are none
_NONE = 1e-12


@dataclass(frozen=True)
class Dependence:
    """How one quantity depends on every parameter.

    Parameters
    ----------
    by_model : bool
        Whether `share` is the total index of Sobol' under a model; otherwise it is Spearman's rank correlation.
    share, low, high : ndarray of float, shape (n_parameters,)
        It, and its 95 % interval: of the index only what the number of points makes of it; NaN if it is not known.
    error : float
        Root mean square error of a model of the others at each evaluation, in standard deviations of the quantity;
        NaN if there is no model.
    number : int
        Evaluations that have the quantity.
    """

    by_model: bool
    share: FloatArray
    low: FloatArray
    high: FloatArray
    error: float
    number: int

    @property
    def explained(self) -> FloatArray:
        """Share of the variance that goes with each parameter, 0 to 1: the total index, or the squared correlation."""
        return np.asarray(np.minimum(self.share, 1.0) if self.by_model else self.share**2)


@dataclass(frozen=True)
class Dependences:
    """How several quantities depend on the parameters.

    Parameters
    ----------
    regions : sequence of sequence of Dependence
        In each of the `REGIONS`, of each quantity.
    learnt : int
        From how many evaluations a model is made at most; 0 if none is.
    """

    regions: Sequence[Sequence[Dependence]]
    learnt: int

    @classmethod
    def of(cls, places: FloatArray, values: FloatArray) -> Dependences:
        """Return what evaluations say.

        A Gaussian process is made of each quantity, as y = asinh((value - median) / spread), in which a few far values
        do not decide, from up to 200 evaluations: the best, and as many evenly of the others. If it explains half of
        the variance of the evaluations of a region when it predicts each from the others (`left_out`), the total index
        of Sobol' of parameter j is S_j = E[(f(A) - f(A with coordinate j of B))^2] / (2 Var f) (Jansen 1999, Comput
        Phys Commun 117:35). f is the mean of the process; the coordinates of A and B are drawn from those of the
        region's evaluations, each independent of the others. Otherwise it is the rank correlation.

        Parameters
        ----------
        places : ndarray of float, shape (n, n_parameters)
            Measured evaluations, from 0 to 1 between the bounds, the best first.
        values : ndarray of float, shape (n, n_quantities)
            NaN if there is no value.
        """
        numbers = [int(np.ceil(share * len(places))) for share in REGIONS.values()]
        regions = [_by_ranks(places[:number], values[:number]) for number in numbers]
        enough = max(_LEAST, _EACH * places.shape[1])
        together = [columns for columns in _together(values) if np.isfinite(values[:, columns[0]]).sum() >= enough]
        if not together:
            return cls(regions, 0)
        from orchestrator.optimisers.models.proposer import libraries  # noqa: PLC0415  (what follows is slow to import)

        learnt = 0
        # matrices are small: more threads would only wait for each other
        with libraries().limit(limits=1):
            for model in (_Model.of(places, values, columns) for columns in together):
                if model is None:
                    continue
                learnt = max(learnt, len(model.rows))
                for region, number in zip(regions, numbers, strict=True):
                    model.replace_in(region, places[:number])
        return cls(regions, learnt)


@dataclass(frozen=True)
class _Model:
    """Gaussian processes of quantities that are known of the same evaluations.

    Parameters
    ----------
    columns : ndarray of int, shape (n_columns,)
        Which quantities.
    rows : ndarray of int, shape (n_rows,)
        Which evaluations they are made from.
    learnt : ndarray of float, shape (n_rows, n_columns)
        y.
    processes : GaussianProcesses
        Of y.
    """

    columns: IntArray
    rows: IntArray
    learnt: FloatArray
    processes: GaussianProcesses

    @classmethod
    def of(cls, places: FloatArray, values: FloatArray, columns: IntArray) -> _Model | None:
        """Return the model of some quantities; None if it cannot be made."""
        from orchestrator.optimisers.models.gaussian_processes import GaussianProcesses  # noqa: PLC0415
        from orchestrator.optimisers.models.values import differ  # noqa: PLC0415

        rows, half = np.flatnonzero(np.isfinite(values[:, columns[0]])), _MOST // 2
        if len(rows) > _MOST:
            rows = rows[np.r_[:half, np.linspace(half, len(rows) - 1, half).astype(int)]]
        learnt = _moderate(values[np.ix_(rows, columns)])
        try:
            return cls(columns, rows, learnt, GaussianProcesses(places[rows], learnt)) if differ(places[rows]) else None
        except (np.linalg.LinAlgError, ValueError):
            return None

    def replace_in(self, region: list[Dependence], places: FloatArray) -> None:
        """Put what the model says of quantities in a region, which these evaluations make, if it is believed there."""
        inside = self.rows < len(places)
        if inside.sum() < _INSIDE:
            return
        squares = (self.processes.left_out()[0][inside] ** 2).mean(axis=0)
        variance = self.learnt[inside].var(axis=0)
        believed = (variance > _NONE) & (squares <= (1 - _BELIEVED) * variance)
        if not believed.any():
            return
        share, deviation = self._total_indices(places)
        for n in np.flatnonzero(believed & np.isfinite(share).all(axis=0)):
            low, high = np.maximum(share[:, n] - 1.96 * deviation[:, n], 0.0), share[:, n] + 1.96 * deviation[:, n]
            error, number = float(np.sqrt(squares[n] / variance[n])), region[self.columns[n]].number
            region[self.columns[n]] = Dependence(True, share[:, n], low, high, error, number)

    def _total_indices(self, places: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the total indices and their standard errors, each of shape (n_parameters, n_columns)."""
        width, rng = places.shape[1], np.random.default_rng(0)
        pairs = int(np.clip(_POINTS // (width + 1), _FEWEST_PAIRS, _MOST_PAIRS))
        # evenly over what there is of each coordinate (a Latin hypercube: McKay et al. 1979, Technometrics 21:239)
        even = np.quantile(places, (np.arange(pairs) + 0.5) / pairs, axis=0, method="nearest")
        first, second = rng.permuted(even, axis=0), rng.permuted(even, axis=0)
        # the last of the blocks as it is, the others with one coordinate of the second draw
        points = np.repeat(first[None], width + 1, axis=0)
        for n in range(width):
            points[n, :, n] = second[:, n]
        means = self.processes.mean(points.reshape(-1, width)).reshape(width + 1, pairs, -1)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = (means[:-1] - means[-1]) ** 2 / (2 * means.reshape(-1, means.shape[2]).var(axis=0))
        return terms.mean(axis=1), terms.std(axis=1) / np.sqrt(pairs)


def _by_ranks(places: FloatArray, values: FloatArray) -> list[Dependence]:
    """Return the rank correlations of each quantity, NaN if too few evaluations have it."""
    some = np.unique(np.linspace(0, len(places) - 1, min(len(places), _RANKED)).astype(int))
    correlations = rank_correlation(places[some], values[some])
    found = []
    for column, correlation in zip(values.T, correlations.T, strict=True):
        number = int(np.isfinite(column[some]).sum())
        low, high = rank_correlation_interval(correlation, max(number, FEWEST))
        found.append(Dependence(False, correlation, low, high, float("nan"), int(np.isfinite(column).sum())))
    return found


def _together(values: FloatArray) -> list[IntArray]:
    """Return the quantities that are known of the same evaluations: one model is made of them."""
    groups: dict[bytes, list[int]] = {}
    for column, known in enumerate(np.isfinite(values).T):
        groups.setdefault(known.tobytes(), []).append(column)
    return [np.array(columns) for columns in groups.values()]


def _moderate(values: FloatArray) -> FloatArray:
    """Return asinh((value - median) / spread), the spread from the 16th to the 84th percentile, of each column."""
    largest = np.abs(values).max(axis=0)
    values = values / np.where(largest > 0, largest, 1.0)  # squares of enormous ones are too large
    low, median, high = np.quantile(values, [0.16, 0.5, 0.84], axis=0)
    spread = (high - low) / 2
    spread = np.where(spread > _NONE * np.abs(median), spread, values.std(axis=0))
    return np.asarray(np.arcsinh((values - median) / np.where(spread > 0, spread, 1.0)))
