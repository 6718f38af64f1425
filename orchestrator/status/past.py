"""The complete generations of a run, read from the checkpoint by columns: a long run is looked at in a moment."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from orchestrator.records import FloatArray
from orchestrator.status.described import Best


def _none() -> FloatArray:
    return np.zeros(0)


@dataclass(frozen=True, eq=False)
class Past:
    """What displays need of the complete generations.

    Parameters
    ----------
    best : Best or None
        The best evaluation that was measured.
    start_score : float
        Total score of the first evaluation, which is that of the start values; NaN before there is one.
    best_scores : numpy.ndarray
        Best total score of each generation, infinite where nothing was measured, shape (n_generations,).
    begins, ends : numpy.ndarray
        First submission and last end of each generation, Unix times in s, shape (n_generations,).
    """

    best: Best | None = None
    start_score: float = math.nan
    best_scores: FloatArray = field(default_factory=_none)
    begins: FloatArray = field(default_factory=_none)
    ends: FloatArray = field(default_factory=_none)

    @property
    def complete(self) -> int:
        """How many generations are complete."""
        return len(self.best_scores)


class PastReader:
    """Reads a checkpoint again where it has changed, and only the rows that are new.

    Parameters
    ----------
    path : pathlib.Path
        The checkpoint.
    """

    def __init__(self, path: Path):
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._rows = 0
        self._past = Past()

    def read(self) -> Past:
        """Return what is known now.

        Raises
        ------
        OSError, KeyError, ValueError
            Where the file is not readable, or not a checkpoint.
        """
        found = self._path.stat()
        seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        if seen != self._seen:
            with h5py.File(self._path, "r") as file:
                # no writer ever changes an open file: a new one takes its place
                rows = file["evaluations"]
                if len(rows["generation"]) < self._rows:
                    self._rows, self._past = 0, Past()
                self._add(rows)
            self._seen = seen
        return self._past

    def _add(self, rows: h5py.Group) -> None:
        generations = rows["generation"][self._rows :]
        if not len(generations):
            return
        totals = _totals(rows, self._rows)
        measured = np.where(rows["outcome"][self._rows :] == b"OK", totals, np.inf)
        firsts = np.flatnonzero(np.r_[True, generations[1:] != generations[:-1]])
        before = self._past
        found = _best_of(measured, generations, rows["offspring"][self._rows :])
        self._past = Past(
            best=min((each for each in (before.best, found) if each), key=lambda each: each.total_score, default=None),
            start_score=before.start_score if before.complete else float(totals[0]),
            best_scores=np.r_[before.best_scores, np.minimum.reduceat(measured, firsts)],
            # fmin: what is not known is passed over
            begins=np.r_[before.begins, np.fmin.reduceat(rows["submitted"][self._rows :], firsts)],
            ends=np.r_[before.ends, np.fmax.reduceat(rows["finished"][self._rows :], firsts)],
        )
        self._rows += len(generations)


def _totals(rows: h5py.Group, first: int) -> FloatArray:
    """Return the total scores from row `first` on, as the optimiser was told them."""
    if "total_score" in rows:
        totals: FloatArray = rows["total_score"][first:]
    else:  # a checkpoint of an earlier version
        totals = np.array([math.fsum(scores) for scores in rows["scores"][first:]])
    return np.where(np.isnan(totals), np.inf, totals)


def _best_of(measured: FloatArray, generations: FloatArray, offspring: FloatArray) -> Best | None:
    row = int(measured.argmin())
    if not math.isfinite(measured[row]):
        return None
    return Best(float(measured[row]), int(generations[row]), int(offspring[row]))
