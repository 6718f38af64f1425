"""Checkpoints of format 1, which earlier versions wrote: one table of all evaluations, replaced at every generation."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import h5py
import numpy as np
from h5py import h5g

from orchestrator.checkpoint.layout import OF_TRIALS, table_of
from orchestrator.checkpoint.own_objects import own_member, require_own_datasets
from orchestrator.checkpoint.stored import Rows
from orchestrator.records import FloatArray, Origin, total_of

FORMAT = 1
_TEXTS = ("outcome", "job_id", "host")


def read_run(file: h5py.File) -> dict[str, str]:
    """Return configuration, names and versions, which are attributes of the file."""
    return {name: str(file.attrs[name]) for name in ("config", "parameters", "targets", "versions")}


class FirstFormat:
    """The generations of an open file of format 1, each of them told at once.

    Parameters
    ----------
    file : h5py.File
        Open until the last call.
    """

    def __init__(self, file: h5py.File):
        for name in (b"evaluations", b"optimiser"):
            require_own_datasets(own_member(file.id, name, h5g.GroupID))
        self._rows = file["evaluations"]
        self._optimiser = file["optimiser"]
        generations = self._rows["generation"][:]
        self._starts = [int(n) for n in np.searchsorted(generations, np.arange(len(self) + 1))]

    def __len__(self) -> int:
        return int(self._optimiser["sigma"].shape[0])

    def tables(self, fields: Sequence[str] = (), first: int = 0) -> list[Rows]:
        """Return fields of the evaluations, one table per tell."""
        names = list(table_of([]).dtype.names or ())
        # scores were not summed in the first files
        made: dict[str, Callable[[], list[Any]]] = {
            "origin": self._origins,
            # the optimiser was told of all generations before it
            **dict.fromkeys(("asked_after", "told_in"), lambda: list(self._rows["generation"][:])),
            "total_score": lambda: [total_of(row) for row in self._rows["scores"][:]],
        }
        columns = [made[name]() if name in made else list(self._rows[name][:]) for name in names]
        columns = [
            [text.decode().encode("ascii", "backslashreplace") for text in column] if name in _TEXTS else column
            for name, column in zip(names, columns, strict=True)
        ]
        table = table_of(list(zip(*columns, strict=True)))
        return self._split(table[list(fields)] if fields else table, first)

    def matrices(self, name: str, first: int = 0) -> list[FloatArray]:
        """Return a matrix of the names of `MATRICES`: ranked scores were the scores, and there were no trials."""
        if name in OF_TRIALS:
            return self._split(np.full(self._rows["scores"].shape, np.nan), first)
        return self._split(self._rows["scores" if name == "ranked_scores" else name][:], first)

    def details(self) -> list[list[dict[str, Any]]]:
        """Return the details of each evaluation, one list per tell."""
        texts = {name: list(self._rows[name].asstr()[:]) for name in ("message", "log_tail")}
        texts |= {name: [json.loads(text) for text in self._rows[name].asstr()[:]] for name in ("reasons", "versions")}
        rows = [dict(zip(texts, row, strict=True)) for row in zip(*texts.values(), strict=True)]
        return self._split([{**row, "seeds": {}} for row in rows])

    def states(self, first: int = 0) -> list[dict[str, FloatArray]]:
        """Return the optimiser's state of each tell, from tell number `first` on."""
        arrays = {name: dataset[:] for name, dataset in self._optimiser.items()}
        return [{name: np.asarray(array[n]) for name, array in arrays.items()} for n in range(first, len(self))]

    def outputs(self, first: int = 0) -> list[dict[int, FloatArray]]:
        """Return nothing for each tell: there were no such targets."""
        return [{} for _ in range(first, len(self))]

    def recordings(self) -> list[dict[int, bytes]]:
        """Return nothing for each tell: none were kept."""
        return [{} for _ in range(len(self))]

    def _origins(self) -> list[bytes]:
        places = zip(self._rows["generation"][:], self._rows["offspring"][:], strict=True)
        return [(Origin.SAMPLE if any(place) else Origin.START).value.encode() for place in places]

    def _split(self, rows: Any, first: int = 0) -> list[Any]:
        return [rows[self._starts[n] : self._starts[n + 1]] for n in range(first, len(self))]
