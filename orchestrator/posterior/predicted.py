"""What simulations would give at samples of a posterior distribution, as quantiles that are kept with the samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestrator.records import FloatArray

# shares of the predictions below what is kept: the ends of 95 % and of 68 % of them, and the median
QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)


@dataclass(frozen=True)
class PredictedTrace:
    """A trace that a target compares with data, scaled and smoothed as it does that.

    Parameters
    ----------
    target, unit : str
        Label of the target, and unit of the samples.
    times : ndarray of float, shape (n_times,)
        In ms.
    quantiles : ndarray of float, shape (5, n_times)
        `QUANTILES` of the predictions.
    data, best : ndarray of float, shape (n_times,)
        What is wanted, and the trace of the best evaluation, NaN if it has none.
    """

    target: str
    unit: str
    times: FloatArray
    quantiles: FloatArray
    data: FloatArray
    best: FloatArray

    def array(self) -> FloatArray:
        """Return all numbers as one array, which `of` takes."""
        return np.vstack([self.times, self.quantiles, self.data, self.best])

    @classmethod
    def of(cls, target: str, unit: str, array: npt.NDArray[np.generic]) -> PredictedTrace:
        """Return what `array` has returned, with the two texts.

        Raises
        ------
        ValueError
            If it is something else.
        """
        times, *rows, data, best = np.asarray(array, dtype=float)
        if len(rows) != len(QUANTILES) or not np.isfinite([times, *rows, data]).all() or np.isinf(best).any():
            raise ValueError(f"unexpected predictions of a trace of shape {array.shape}")
        return cls(target, unit, times, np.array(rows), data, best)


@dataclass(frozen=True)
class Predicted:
    """Predictions of all targets.

    Parameters
    ----------
    targets : sequence of str
        Their labels.
    quantiles : ndarray of float, shape (5, n_targets)
        `QUANTILES` of the value of each, in its unit; NaN of a score that is in a way of its own.
    traces : sequence of PredictedTrace
        Of the targets that compare one.
    """

    targets: Sequence[str]
    quantiles: FloatArray
    traces: Sequence[PredictedTrace] = ()
