"""How a tell lies in checkpoint.h5: writing it from evaluations, and reading the tells of a file."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5g, h5t

from orchestrator.checkpoint.datasets import floats, raw_bytes, read, text_in
from orchestrator.checkpoint.own_objects import own_member
from orchestrator.checkpoint.stored import Rows, Stored, Tell
from orchestrator.files import parse_json
from orchestrator.records import Evaluation, FloatArray, rows_of_outputs

FORMAT = 2
# of each evaluation, and the type of each
DETAILS = {"message": str, "log_tail": str, "reasons": dict, "versions": dict, "seeds": dict}
SECONDS = ("build", "check", "protocols", "measuring")
# The optimiser was told the ranked scores, which are in the file only where they differ from those that people see.
# Standard deviations of values over trials, and standard errors of these values, are there only if there are trials.
OF_TRIALS = ("deviations", "errors")
OF_TARGETS = ("values", "scores", "ranked_scores", *OF_TRIALS)
MATRICES = ("points", "parameters", *OF_TARGETS)
_HUNDRED = 100
# Texts have the width that they need in the file. No host name is longer than 255, and no outcome or origin than 16.
_FIELDS = {
    "generation": "<i8",
    "offspring": "<i8",
    "origin": "S16",
    "asked_after": "<i8",
    "told_in": "<i8",
    "outcome": "S16",
    "total_score": "<f8",
    "attempts": "<i8",
    "job_id": "S255",
    "host": "S255",
    "submitted": "<f8",
    "started": "<f8",
    "finished": "<f8",
    **dict.fromkeys(SECONDS, "<f8"),
    "peak_memory": "<i8",
}


class Tells:
    """The tells of an open file of this format, read through HDF5's plain functions: a long run has thousands.

    Parameters
    ----------
    file : h5py.File
        Open until the last call.
    """

    def __init__(self, file: h5py.File):
        self._file = file
        self._count = int(file.attrs["tells"])
        if self._count < 0:
            raise ValueError(f"expected a number of tells, got {self._count}")

    def __len__(self) -> int:
        return self._count

    def tables(self, fields: Sequence[str] = tuple(_FIELDS), first: int = 0) -> list[Rows]:
        """Return fields of the evaluations, one table per tell."""
        kind = _kind(tuple(fields))
        return [_read_table(group, *kind) for group in self._groups(first)]

    def matrices(self, name: str, first: int = 0) -> list[FloatArray]:
        """Return a matrix of the names of `MATRICES`, one array per tell; NaN of trials where there are none."""
        return [_matrix_in(group, name) for group in self._groups(first)]

    def details(self) -> list[list[dict[str, Any]]]:
        """Return the details of each evaluation, one list per tell."""
        return [_details_in(text_in(group, b"details")) for group in self._groups()]

    def states(self, first: int = 0) -> list[dict[str, FloatArray]]:
        """Return the optimiser's state of each tell, from tell number `first` on."""
        groups = (own_member(group, b"state", h5g.GroupID) for group in self._groups(first))
        return [{name.decode(): read(group, name, *floats()) for name in group} for group in groups]

    def outputs(self, first: int = 0) -> list[dict[int, FloatArray]]:
        """Return the outputs of each tell by index of the target, from tell number `first` on."""
        return [
            {} if kept is None else {int(name): read(kept, name, *floats()) for name in kept}
            for kept in self._groups_of(b"outputs", first)
        ]

    def recordings(self) -> list[dict[int, bytes]]:
        """Return what is kept of some evaluations of each tell, by their row."""
        return [
            {} if kept is None else {int(name): read(kept, name, *raw_bytes()).tobytes() for name in kept}
            for kept in self._groups_of(b"recordings")
        ]

    def _groups_of(self, name: bytes, first: int = 0) -> list[h5g.GroupID | None]:
        """Return the group of a name of each tell, None where nothing of the sort is kept."""
        return [own_member(group, name, h5g.GroupID) if name in group else None for group in self._groups(first)]

    def _groups(self, first: int = 0) -> list[h5g.GroupID]:
        tells = own_member(self._file.id, b"tells", h5g.GroupID)
        hundreds = {n: own_member(tells, _name(n), h5g.GroupID) for n in range(_hundred(first), self._count, _HUNDRED)}
        return [own_member(hundreds[_hundred(n)], _name(n), h5g.GroupID) for n in range(first, self._count)]


def tells_of(stored: Stored) -> list[Tell]:
    """Read everything, to write it into another file."""
    matrices = {name: stored.matrices(name) for name in MATRICES}
    outputs, recordings = stored.outputs(), stored.recordings()
    parts = zip(stored.tables(), stored.details(), stored.states(), strict=True)
    return [
        Tell(
            _narrow(table),
            {name: each[n] for name, each in matrices.items()},
            details,
            state,
            outputs[n],
            recordings[n],
        )
        for n, (table, details, state) in enumerate(parts)
    ]


def tell_of(
    evaluations: Sequence[Evaluation], state: Mapping[str, FloatArray | float], widths: Mapping[str, int]
) -> Tell:
    """Return what is stored of evaluations that are told at once.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        In the order in which they are told.
    state : mapping of str to ndarray of float or float
        The optimiser's.
    widths : mapping of str to int
        Number of columns, by the names of `MATRICES`.
    """
    rows = {
        "points": [each.offspring.point for each in evaluations],
        "parameters": [tuple(each.offspring.parameters.values()) for each in evaluations],
        "values": [each.values for each in evaluations],
        "scores": [each.scores for each in evaluations],
        "ranked_scores": [each.told_scores for each in evaluations],
        "deviations": [each.deviations or (math.nan,) * len(each.values) for each in evaluations],
        "errors": [each.errors or (math.nan,) * len(each.values) for each in evaluations],
    }
    return Tell(
        table_of([_row(each) for each in evaluations]),
        {name: np.array(rows[name], dtype=float).reshape(len(evaluations), widths[name]) for name in MATRICES},
        [_details(each) for each in evaluations],
        {name: np.asarray(value, dtype=float) for name, value in state.items()},
        rows_of_outputs(evaluations),
        {n: each.recordings for n, each in enumerate(evaluations) if each.recordings},
    )


def table_of(rows: Sequence[tuple[Any, ...]]) -> Rows:
    """Return rows, whose fields are in their order, as a table."""
    return _narrow(np.array(rows, dtype=list(_FIELDS.items())))


def write_run(group: h5py.Group, **texts: str) -> None:
    """Write what is said once for the whole run.

    HDF5 would put texts of variable length, which attributes have as a rule, among those that are there already.
    """
    for name, text in texts.items():
        group[name] = np.array(text.encode(), dtype=f"S{max(len(text.encode()), 1)}")


def read_run(file: h5py.File) -> dict[str, str]:
    """Return what `write_run` has written."""
    group = own_member(file.id, b"run", h5g.GroupID)
    return {name.decode(): text_in(group, name).decode() for name in group}


def write_heading(root: h5py.Group, tells: int) -> None:
    """Write the attributes of the file."""
    root.attrs.update(format=FORMAT, tells=tells)


def write_tell(tells: h5py.Group, number: int, tell: Tell) -> None:
    """Add a tell to the group of them all."""
    group = tells.require_group(_name(_hundred(number)).decode()).create_group(_name(number).decode())
    group["table"] = tell.table
    for name, matrix in tell.matrices.items():
        same_as_scores = name == "ranked_scores" and np.array_equal(matrix, tell.matrices["scores"], equal_nan=True)
        if not same_as_scores and not (name in OF_TRIALS and np.isnan(matrix).all()):
            group[name] = matrix
    group["details"] = np.bytes_(json.dumps(tell.details))
    state = group.create_group("state")
    for name, array in tell.state.items():
        state[name] = array
    if tell.outputs:
        # they have this precision, `targets.numbers.as_outputs`
        _write_members(group, "outputs", {n: rows.astype("<f4") for n, rows in tell.outputs.items()})
    if tell.recordings:
        kept = {n: np.frombuffer(content, np.uint8) for n, content in tell.recordings.items()}
        _write_members(group, "recordings", kept)


def _write_members(group: h5py.Group, name: str, arrays: Mapping[int, npt.NDArray[Any]]) -> None:
    members = group.create_group(name)
    for number, array in arrays.items():
        members[str(number)] = array


def link_tells(before: h5py.Group, tells: h5py.Group, count: int) -> None:
    """Let `tells` have the first `count` of the group `before`, and room for one more: only links are written."""
    last = _hundred(count)
    for hundred in range(0, last, _HUNDRED):
        tells.id.links.create_hard(_name(hundred), before.id, _name(hundred))
    group = tells.create_group(_name(last).decode())
    if count > last:
        same = before[_name(last)].id
        for number in range(last, count):
            group.id.links.create_hard(_name(number), same, _name(number))


def _matrix_in(group: h5g.GroupID, name: str) -> FloatArray:
    """Return a matrix; earlier versions told the optimiser the scores themselves, and few runs have trials."""
    if name.encode() in group:
        return np.asarray(read(group, name.encode(), *floats()))
    scores: FloatArray = read(group, b"scores" if name in ("ranked_scores", *OF_TRIALS) else name.encode(), *floats())
    return np.full_like(scores, math.nan) if name in OF_TRIALS else scores


def _hundred(number: int) -> int:
    return number - number % _HUNDRED


def _name(number: int) -> bytes:
    return b"%06d" % number


def _row(evaluation: Evaluation) -> tuple[Any, ...]:
    offspring, result = evaluation.offspring, evaluation.result
    return (
        offspring.generation,
        offspring.index,
        offspring.origin.value.encode(),
        offspring.asked_after,
        evaluation.told_in,
        result.outcome.value.encode(),
        evaluation.total_score,
        evaluation.attempts,
        _short(result.job_id),
        _short(result.host),
        evaluation.submitted,
        result.started,
        result.finished,
        *(result.seconds.get(name, math.nan) for name in SECONDS),
        result.peak_memory,
    )


def _details(evaluation: Evaluation) -> dict[str, Any]:
    result = evaluation.result
    return {
        "message": _storable(result.message),
        "log_tail": _storable(result.log_tail),
        "reasons": dict(result.reasons),
        "versions": dict(result.versions),
        "seeds": dict(result.seeds),
    }


def _storable(text: str) -> str:
    """Return what HDF5 can keep: a crashed simulation may print NULs, and bytes that are no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "")


def _short(text: str) -> bytes:
    return text.encode("ascii", "backslashreplace").replace(b"\0", b"")


def _narrow(table: Rows) -> Rows:
    """Return the table with texts as wide as they are."""
    widest = {name: int(np.char.str_len(table[name]).max(initial=1)) for name in ("job_id", "host")}
    return table.astype([(name, f"S{widest[name]}" if name in widest else kind) for name, kind in _FIELDS.items()])


@functools.cache
def _kind(fields: tuple[str, ...]) -> tuple[np.dtype[Any], h5t.TypeID]:
    dtype = np.dtype([(name, _FIELDS[name]) for name in fields])
    return dtype, h5t.py_create(dtype)


def _read_table(group: h5g.GroupID, dtype: np.dtype[Any], kind: h5t.TypeID) -> Any:
    table = read(group, b"table", dtype, kind)
    if table.ndim != 1 or not table.size:
        raise ValueError(f"expected a row per evaluation, got a table of shape {table.shape}")
    if not all(table["outcome"]) if "outcome" in (dtype.names or ()) else False:
        raise ValueError("expected an outcome of each evaluation, got none")
    return table


def _details_in(text: bytes) -> list[dict[str, Any]]:
    # seeds are in no file of an earlier version
    rows = [{"seeds": {}, **row} for row in parse_json(text)]
    for row in rows:
        for name, kind in DETAILS.items():
            if not isinstance(row[name], kind):
                raise ValueError(f"{name}: unexpected {row[name]!r}")
    return rows
