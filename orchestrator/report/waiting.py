"""How long a run would have taken if it had waited for all of every generation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestrator.records import FloatArray


@dataclass(frozen=True, eq=False)
class Waiting:
    """Seconds until so many evaluations had ended, as it was and as it would have been.

    Parameters
    ----------
    evaluations : ndarray of float, shape (n_generations,)
        How many had ended at the end of each generation.
    took : ndarray of float, shape (n_generations,)
        When as many had ended in fact, without the time in which no job existed.
    waiting : ndarray of float, shape (n_generations,)
        When they would have ended.
    """

    evaluations: FloatArray
    took: FloatArray
    waiting: FloatArray

    @property
    def saved(self) -> float:
        """Seconds by which waiting would have ended later; negative if it would have ended earlier."""
        return float(self.waiting[-1] - self.took[-1])


def compare_with_waiting(evaluations: pd.DataFrame, size: int) -> Waiting | None:
    """Return how long waiting would have taken, None if too few times are known.

    Evaluations are put into generations of `size` in the order in which they were asked for, and each generation begins
    when the one before has ended. Every job is taken to wait in the queue, and to run, as long as it did. Attempts that
    were lost before the last submission do not count, nor does the time between two generations.

    Parameters
    ----------
    evaluations : pandas.DataFrame
        Columns ``generation`` and ``offspring``: with which ask an evaluation was asked for, and its place there;
        ``submitted`` and ``finished`` (Unix times in s, NaN if unknown). As `Checkpoint.evaluations` returns it.
    size : int
        Evaluations of a generation that is waited for, at least 1.
    """
    asked = evaluations.sort_values(["generation", "offspring"], kind="stable")
    submitted, finished = (asked[name].to_numpy(dtype=float) for name in ("submitted", "finished"))
    known = np.isfinite(submitted) & np.isfinite(finished) & (finished >= submitted)
    submitted, finished = submitted[known], finished[known]
    if not len(submitted):
        return None
    firsts = np.arange(0, len(submitted), size)
    ended = np.r_[firsts[1:], len(submitted)]
    waiting = np.cumsum(np.maximum.reduceat(finished - submitted, firsts))
    took = _without_gaps(submitted, finished, np.sort(finished)[ended - 1])
    return Waiting(ended.astype(float), took, waiting)


def differs_from_asking(evaluations: pd.DataFrame) -> bool:
    """Return whether an evaluation was told with others than those that it was asked for with."""
    return bool((evaluations["told_in"] != evaluations["generation"]).any())


def _without_gaps(begins: FloatArray, ends: FloatArray, moments: FloatArray) -> FloatArray:
    """Return for how long, until each moment, at least one of the intervals lasted."""
    order = np.argsort(begins, kind="stable")
    begins, latest = begins[order], np.maximum.accumulate(ends[order])
    gaps = np.maximum(begins[1:] - latest[:-1], 0.0)
    # a gap is over when the interval after it begins
    passed = np.r_[0.0, np.cumsum(gaps)]
    return np.asarray(moments - begins[0] - passed[np.searchsorted(begins, moments, side="right") - 1])
