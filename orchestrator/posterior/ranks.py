"""Whether posteriors are as wide as they should be: ranks of known parameters among samples, and their uniformity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, ndtri

from orchestrator.records import FloatArray

# where distribution functions are compared; how often uniform ranks are simulated, and with which seed
GRID = np.arange(1, 100) / 100
_SIMULATED, _SEED = 4000, 1
# of all parameters together, how often one that is fine is not found so
_LEVEL = 0.05
# of a rank, so that it has a normal score, and the shares between which the spread is that of most
_LEAST, _LOW, _HIGH = 0.005, 0.16, 0.84
# ranks of a parameter that are read at most: nobody asks for more
_MOST = 20_000
# a verdict of so few independent ranks would overlook widths that are wrong by a factor of 2
FEW = 25
# width of a posterior as a share of the prior's, above which data do not constrain a parameter
UNCONSTRAINED = 0.9


@dataclass(frozen=True)
class Ranks:
    """Ranks of parameters that data were made from, among samples of the posteriors that were found from these data.

    Parameters
    ----------
    names : sequence of str
        Of the parameters.
    ranks : ndarray of float, shape (n_evaluations, n_repeats, n_parameters)
        Share of the samples that lie below, uniform from 0 to 1 if posteriors are right (Talts et al. 2018, Validating
        Bayesian inference algorithms with simulation-based calibration, arXiv:1804.06788). Those of an evaluation are
        of the same parameters under other noise.
    widths : ndarray of float, shape (n_parameters,), optional
        Of these posteriors as a share of the prior's, the median: near 1 the data say nothing of a parameter, and its
        ranks are uniform whatever is wrong. None if that is not known, as it was not at first.
    """

    names: Sequence[str]
    ranks: FloatArray
    widths: FloatArray | None = None

    @cached_property
    def parameters(self) -> list[Uniformity]:
        """What the ranks of each parameter say."""
        level = _LEVEL / len(self.names)
        widths = [math.nan] * len(self.names) if self.widths is None else self.widths.tolist()
        columns = zip(self.names, np.moveaxis(self.ranks, 2, 0), widths, strict=True)
        return [Uniformity(name, each, level, width) for name, each, width in columns]

    @classmethod
    def of(
        cls, names: Sequence[str], array: npt.NDArray[np.generic], widths: npt.NDArray[np.generic] | None = None
    ) -> Ranks:
        """Return what was kept: `ranks` and `widths`.

        Raises
        ------
        ValueError
            If it is something else.
        """
        ranks = np.asarray(array, dtype=float)
        fit = ranks.ndim == 3 and ranks.shape[2] == len(names) and 0 < ranks.size <= _MOST * len(names)
        if not fit or not ((ranks >= 0) & (ranks <= 1)).all():
            raise ValueError(f"unexpected ranks of shape {ranks.shape}")
        if widths is None:
            return cls(names, ranks)
        shares = np.asarray(widths, dtype=float)
        if shares.shape != (len(names),) or not (np.isfinite(shares) & (shares >= 0)).all():
            raise ValueError(f"unexpected widths of posteriors of shape {shares.shape}")
        return cls(names, ranks, shares)


@dataclass(frozen=True)
class Uniformity:
    """Ranks of one parameter.

    Parameters
    ----------
    name : str
        Of the parameter.
    ranks : ndarray of float, shape (n_evaluations, n_repeats)
        As in `Ranks`.
    level : float
        How often uniform ones may be found not to be so.
    width : float
        As in `Ranks`; NaN if it is not known.
    """

    name: str
    ranks: FloatArray
    level: float
    width: float = math.nan

    @cached_property
    def number(self) -> int:
        """How many independent ranks they are worth: fewer, if those of an evaluation are alike.

        n / (1 + (k - 1) r) of k repeats with the intraclass correlation r (Kish 1965, Survey sampling).
        """
        evaluations, repeats = map(int, self.ranks.shape)
        if repeats == 1:
            return evaluations
        inside = float(self.ranks.var(axis=1, ddof=1).mean())
        between = repeats * float(self.ranks.mean(axis=1).var(ddof=1))
        correlation = max((between - inside) / (between + (repeats - 1) * inside), 0.0) if between else 0.0
        return max(round(evaluations * repeats / (1 + (repeats - 1) * correlation)), evaluations)

    @property
    def differences(self) -> FloatArray:
        """Share of the ranks below each number of `GRID`, less the share that should be, shape (n_grid,)."""
        return np.asarray((self.ranks.reshape(-1, 1) <= GRID).mean(axis=0) - GRID)

    @property
    def band(self) -> tuple[FloatArray, FloatArray]:
        """Ends of the differences of uniform ranks, all of them together, each of shape (n_grid,)."""
        tail = _tail(self.number, self.level) / 2
        below = bdtr(np.arange(self.number + 1)[:, None], self.number, GRID)
        low, high = (below < tail).sum(axis=0), (below < 1 - tail).sum(axis=0)
        return low / self.number - GRID, high / self.number - GRID

    @property
    def bias(self) -> float:
        """How far posteriors lie above the true parameters, in their standard deviations: the median."""
        return -float(np.median(self._scores))

    @property
    def spread(self) -> float:
        """How far most true parameters lie from the middles of posteriors, in standard deviations: 1 if right."""
        low, high = np.quantile(self._scores, [_LOW, _HIGH])
        return float((high - low) / (ndtri(_HIGH) - ndtri(_LOW)))

    @property
    def verdict(self) -> str:
        """What is wrong in a word or two."""
        low, high = self.band
        if ((self.differences >= low) & (self.differences <= high)).all():
            if self.width > UNCONSTRAINED:
                return "not tested"
            return "fine" if self.number >= FEW else "too few to tell"
        # of uniform ranks u, means of u and of (u - 1/2)^2 in standard errors
        off = self.ranks.ravel() - 0.5
        bias, width = off.mean() * np.sqrt(12), ((off**2).mean() - 1 / 12) * np.sqrt(180)
        if abs(bias) > abs(width):
            return "too low" if bias > 0 else "too high"
        return "too narrow" if width > 0 else "too wide"

    @property
    def _scores(self) -> FloatArray:
        return np.asarray(ndtri(np.clip(self.ranks, _LEAST, 1 - _LEAST)))


@cache
def _tail(number: int, level: float) -> float:
    """Return the level of intervals, one for each count, that all hold at once for so many uniform ranks.

    They do so with the probability 1 - `level`.

    Algorithm 1 of Säilynoja, Bürkner & Vehtari 2022, Graphical test for discrete uniformity and its applications in
    goodness-of-fit evaluation and multiple sample comparison, Statistics and Computing 32:32.
    """
    rng, shares = np.random.default_rng(_SEED), np.diff(GRID, prepend=0.0, append=1.0)
    counts = rng.multinomial(number, shares, _SIMULATED).cumsum(axis=1)[:, :-1]
    # of each count the probability of no more, and of no less
    below = bdtr(np.arange(number + 1)[:, None], number, GRID)
    above = 1 - np.vstack([np.zeros(len(GRID)), below[:-1]])
    least = np.minimum(below, above)[counts, np.arange(len(GRID))].min(axis=1)
    return float(np.quantile(2 * least, level))
