"""Arrays by name: npz, and json, which may hold lists by name, a list of records, or traces by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.data.columns import Columns, raw_of
from orchestrator.data.errors import Unreadable
from orchestrator.data.section import DataSource
from orchestrator.data.selecting import selected
from orchestrator.data.shaping import Raw
from orchestrator.files import read_json
from targets.recordings import Events, FloatArray, Recordings, Trace
from targets.recordings.file import DAMAGED, load


def read_named(path: Path, source: DataSource) -> Raw:
    """Return what a file of named arrays holds; one as simulations leave it has traces and events by name.

    Raises
    ------
    OSError
        If it cannot be read.
    Unreadable
        If it is no such file, or has not what is wanted.
    """
    found = _of_npz(path) if path.suffix.lower() == ".npz" else _of_json(path)
    return selected(found, source) if isinstance(found, Recordings) else raw_of(found, source)


@dataclass(frozen=True)
class _Arrays(Columns):
    """Arrays of a file.

    Parameters
    ----------
    arrays : sequence
        What can be made an array.
    names : sequence of str
        Of each.
    """

    arrays: Sequence[Any]
    names: Sequence[str]

    what = "array"

    @property
    def size(self) -> int:
        return len(self.arrays)

    def numbers(self, column: int, key: str) -> FloatArray:
        try:
            found = np.asarray(self.arrays[column])
            if found.dtype.kind in "cmM":
                raise TypeError(f"got {found.dtype}")
            return found.astype(np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise Unreadable(key, f"expected numbers in {self.name(column)}: {error}") from error

    def words(self, column: int) -> NDArray[np.str_]:
        return np.array([str(each) for each in np.ravel(self.arrays[column])], dtype=np.str_)

    def place(self, row: int) -> str:
        return f"number {row}, counted from 0"


def _of_npz(path: Path) -> _Arrays | Recordings:
    try:
        with np.load(path, allow_pickle=False) as file:
            names = list(file.files)
            if any(name.endswith(".times") for name in names):
                return load(path, path.parent)
            return _Arrays([file[name] for name in names], names)
    except DAMAGED as error:
        reason = "it is none, or holds Python objects, which are not read" if "pickle" in str(error) else error
        raise Unreadable("file", f"expected arrays of numbers as numpy.savez writes them: {reason}") from error


def _of_json(path: Path) -> _Arrays | Recordings:
    try:
        found = read_json(path)
    except ValueError as error:
        raise Unreadable("file", f"is not JSON: {error}") from error
    if isinstance(found, list) and found and all(isinstance(each, Mapping) for each in found):
        names = list(dict.fromkeys(str(name) for each in found for name in each))
        return _Arrays([[each.get(name) for each in found] for name in names], names)
    if not isinstance(found, Mapping) or not found:
        message = 'expected lists of numbers by name, such as {"time": [...], "v": [...]}, or a list of records'
        raise Unreadable("file", message)
    series = {name: each for name, each in found.items() if isinstance(each, Mapping) and "times" in each}
    if series:
        return _recordings(series)
    lists = {name: each for name, each in found.items() if isinstance(each, list)}
    return _Arrays(list(lists.values()), list(lists))


def _recordings(series: Mapping[str, Mapping[str, Any]]) -> Recordings:
    traces, events = {}, {}
    for name, each in series.items():
        time_unit = str(each.get("time_unit", "ms"))
        try:
            if "values" in each:
                traces[name] = Trace(each["times"], each["values"], str(each.get("unit", "")), time_unit)
            else:
                events[name] = Events(each["times"], each.get("labels"), time_unit)
        except (TypeError, ValueError, OverflowError) as error:
            raise Unreadable("file", f"{name!r}: {error}") from error
    return Recordings(traces=traces, events=events)
