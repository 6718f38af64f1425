"""The complete generations of a run, read from the checkpoint by columns: a long run is looked at in a moment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from orchestrator.checkpoint import Checkpoint, tables_since
from orchestrator.checkpoint.stored import Rows
from orchestrator.errors import UsageError
from orchestrator.optimisers.models.trust import win_share
from orchestrator.records import FloatArray, Origin
from orchestrator.scores.described import unit_in
from orchestrator.status.described import Best, ModelStatus

_FIELDS = ("origin", "generation", "offspring", "outcome", "total_score", "submitted", "finished", "told_in")


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
        Total score of the start values; NaN if they are not evaluated, or not yet.
    best_scores : numpy.ndarray
        Best total score of each generation, infinite if nothing was measured, shape (n_generations,).
    begins, ends : numpy.ndarray
        First submission and last end of each generation, Unix times in s, shape (n_generations,).
    start_outcome : str
        What became of the start values; empty if they are not evaluated, or not yet.
    model : ModelStatus or None
        None if there is no model of the values.
    told : mapping of int to set of int
        Indices of the offspring of each generation that are in the checkpoint.
    """

    best: Best | None = None
    start_score: float = math.nan
    best_scores: FloatArray = field(default_factory=_none)
    begins: FloatArray = field(default_factory=_none)
    ends: FloatArray = field(default_factory=_none)
    start_outcome: str = ""
    model: ModelStatus | None = None
    told: Mapping[int, set[int]] = field(default_factory=dict)

    @property
    def complete(self) -> int:
        """How many generations are complete."""
        return len(self.best_scores)


class PastReader:
    """Reads a checkpoint again if it has changed, and only the rows that are new.

    Parameters
    ----------
    path : pathlib.Path
        The checkpoint.
    """

    def __init__(self, path: Path):
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._past = Past()

    def read(self) -> Past:
        """Return what is known now.

        Raises
        ------
        orchestrator.errors.UsageError
            If the file is not readable, or not a checkpoint.
        """
        try:
            found = self._path.stat()
        except OSError as error:
            raise UsageError(f"{self._path}: is not a readable checkpoint ({error.strerror})") from error
        seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        if seen != self._seen:
            complete, tables = tables_since(self._path, _FIELDS, self._past.complete)
            if complete < self._past.complete:  # another file has taken its place
                self._past = Past()
                _, tables = tables_since(self._path, _FIELDS, 0)
            self._add(tables)
            self._past = replace(self._past, model=_model_of(self._path, self._past.complete - 1))
            self._seen = seen
        return self._past

    def _add(self, tables: Sequence[Rows]) -> None:
        if not tables:
            return
        rows = np.concatenate(tables)
        firsts = np.cumsum([0, *(len(table) for table in tables[:-1])])
        totals = np.where(np.isnan(rows["total_score"]), np.inf, rows["total_score"])
        measured = np.where(rows["outcome"] == b"OK", totals, np.inf)
        before = self._past
        of_start = rows["origin"] == Origin.START.value.encode()
        start, outcomes = rows["total_score"][of_start], rows["outcome"][of_start]
        found = _best_of(self._path, measured, rows)
        told = dict(before.told)
        for table in tables:
            for generation in np.unique(table["generation"]).tolist():
                own = table["offspring"][table["generation"] == generation].tolist()
                told[generation] = told.get(generation, set()) | set(own)
        self._past = Past(
            best=min((each for each in (before.best, found) if each), key=lambda each: each.total_score, default=None),
            start_score=float(start[0]) if len(start) else before.start_score,
            start_outcome=outcomes[0].decode() if len(start) else before.start_outcome,
            best_scores=np.r_[before.best_scores, np.minimum.reduceat(measured, firsts)],
            # fmin: what is not known is passed over
            begins=np.r_[before.begins, np.fmin.reduceat(rows["submitted"], firsts)],
            ends=np.r_[before.ends, np.fmax.reduceat(rows["finished"], firsts)],
            told=told,
        )


def _best_of(path: Path, measured: FloatArray, rows: Rows) -> Best | None:
    row = int(measured.argmin())
    if not math.isfinite(measured[row]):
        return None
    best = rows[row]
    key = int(best["generation"]), int(best["offspring"])
    value = _only_value(path, int(best["told_in"]), key)
    return Best(float(measured[row]), *key, best["origin"].decode(), value)


def _only_value(path: Path, number: int, key: tuple[int, int]) -> str:
    """Return what an evaluation is worth in the unit of the run's only target; empty if there are several."""
    checkpoint = Checkpoint(path)
    if len(checkpoint.target_labels) != 1:
        return ""
    told = checkpoint.told(number)
    value = float(told[0].values[list(told[0].ids).index(key), 0]) if told and key in told[0].ids else math.nan
    unit = next(map(unit_in, checkpoint.described), "")
    return f"{checkpoint.target_labels[0]} {value:.4g} {unit}".strip() if math.isfinite(value) else ""


def _model_of(path: Path, number: int) -> ModelStatus | None:
    """Return what the model of the values does, as the last block that was told and the state before it say."""
    checkpoint = Checkpoint(path)
    state = checkpoint.state(number) if number >= 0 else {}
    if "model_proposals" not in state or not (blocks := checkpoint.told(number)):
        return None
    told = blocks[0]
    proposed = np.isin(told.evaluated, told.proposed)
    totals = told.totals[told.evaluated]
    stalls = state.get("model_stalls", np.zeros(1)).max(initial=0.0)
    return ModelStatus(
        proposals=len(told.proposed),
        evaluations=len(told.origins),
        win=win_share(totals[proposed], totals[~proposed]),
        state="off" if stalls > 1 else "restarted" if stalls > 0 else "on",
    )
