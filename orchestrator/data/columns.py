"""Columns, by name or number: which of them are times, values and labels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orchestrator.data.errors import Unreadable, require_only
from orchestrator.data.section import DataSource
from orchestrator.data.shaping import Raw
from targets.plugins import nearest
from targets.recordings import FloatArray

# names that are listed in a message
_MOST_NAMES = 20


class Columns(ABC):
    """Columns of one file."""

    what = "column"
    """What one is called, for messages."""

    names: Sequence[str]
    """Their names; empty if they have none."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many there are."""

    @abstractmethod
    def numbers(self, column: int, key: str) -> FloatArray:
        """Return the numbers of one, NaN where there is none; raises `Unreadable` at `key` if they are none."""

    @abstractmethod
    def words(self, column: int) -> NDArray[np.str_]:
        """Return what is in one as text."""

    def place(self, row: int) -> str:
        """Return where a row is in the file, for messages."""
        return f"row {row}"

    def name(self, column: int) -> str:
        """Return what one is called, for messages."""
        return f"{self.what} {self.names[column]!r}" if self.names else f"{self.what} {column}"

    def listed(self) -> str:
        """Return what there is, for messages."""
        if not self.names:
            return f"{self.size} {self.what}s without names, 0 to {self.size - 1}"
        more = f" and {len(self.names) - _MOST_NAMES} more" if len(self.names) > _MOST_NAMES else ""
        return f"{', '.join(self.names[:_MOST_NAMES])}{more}"

    def number(self, wanted: int | str, key: str) -> int:
        """Return the number of a column that a configuration names.

        Raises
        ------
        Unreadable
            If there is none, or several of that name.
        """
        if isinstance(wanted, int):
            if wanted < self.size:
                return wanted
            raise Unreadable(key, f"there is no {self.what} {wanted}, counted from 0; there are {self.listed()}")
        found = [n for n, name in enumerate(self.names) if name == wanted]
        if not found:
            message = f"there is no {self.what} {wanted!r}{nearest(wanted, self.names)}; there are {self.listed()}"
            raise Unreadable(key, message)
        if len(found) > 1:
            raise Unreadable(key, f"there are {len(found)} {self.what}s {wanted!r}: give their number, counted from 0")
        return found[0]


def raw_of(columns: Columns, source: DataSource) -> Raw:
    """Return the trace or the events that a configuration wants of columns.

    Raises
    ------
    Unreadable
        If they are not there, or no numbers.
    """
    require_only(source, ("channel", "sweeps"), f"there are {columns.what}s, which are named in columns")
    if source.events is not False:
        return _events(columns, source)
    wanted = _of_trace(columns, source)
    numbers = [columns.numbers(column, "columns") for column in wanted]
    if source.interval is not None:
        rows = _rows(columns, wanted, numbers, numbers[0].shape[-1])
        return Raw(source.interval * np.arange(rows.shape[1], dtype=np.float64), rows, time_unit="ms")
    times = numbers[0]
    _require_times(columns, times, "columns")
    _require_increasing(columns, times)
    return Raw(times, _rows(columns, wanted[1:], numbers[1:], times.size))


def _of_trace(columns: Columns, source: DataSource) -> list[int]:
    """Return the columns of the times and of the values, or of the values alone if there is an interval."""
    if source.columns is not None:
        wanted = [columns.number(each, "columns") for each in source.columns]
        if len(wanted) == 1 and source.interval is None:
            message = "expected the column of the times and that of the values, got one; without times give interval"
            raise Unreadable("columns", message)
        return wanted
    if source.interval is not None:
        return list(range(columns.size))
    if columns.size == 1:
        message = "expected times and values, got one column: if these are values, give interval, in ms"
        raise Unreadable("interval", message)
    if columns.size > 2:
        message = f"expected columns: [time, value], because there are {columns.listed()}"
        raise Unreadable("columns", message)
    return [0, 1]


def _events(columns: Columns, source: DataSource) -> Raw:
    if source.columns is not None and len(source.columns) > 1:
        raise Unreadable("columns", "expected one column, that of the events' times; their labels are in label")
    label = None if source.label is None else columns.number(source.label, "label")
    if source.events is not True:
        require_only(source, ("columns",), "the column of the times is named in events")
        at = columns.number(source.events, "events")
    elif source.columns is not None:
        at = columns.number(source.columns[0], "columns")
    else:
        others = [n for n in range(columns.size) if n != label]
        if len(others) != 1:
            message = f"expected the name or number of the column of the times, because there are {columns.listed()}"
            raise Unreadable("events", message)
        at = others[0]
    times = columns.numbers(at, "events")
    _require_times(columns, times, "events")
    return Raw(times, labels=None if label is None else columns.words(label))


def _rows(columns: Columns, wanted: Sequence[int], numbers: Sequence[FloatArray], samples: int) -> FloatArray:
    """Return values as rows of so many samples; an array of two axes may have them along either."""
    rows = []
    for column, each in zip(wanted, numbers, strict=True):
        turned = each.T if each.ndim == 2 and each.shape[1] != samples else each
        if turned.ndim not in (1, 2) or turned.shape[-1] != samples:
            message = f"expected {samples} numbers in {columns.name(column)}, as many as times, got {each.shape}"
            raise Unreadable("columns", message)
        if (wrong := np.argwhere(np.isinf(turned))).size:
            message = f"{columns.place(int(wrong[0][-1]))}: expected a number in {columns.name(column)}, got inf"
            raise Unreadable("columns", message)
        rows.append(turned)
    return np.vstack(rows)


def _require_increasing(columns: Columns, times: FloatArray) -> None:
    if (wrong := np.flatnonzero(np.diff(times) <= 0)).size:
        row = int(wrong[0]) + 1
        message = (
            f"{columns.place(row)}: expected times that increase, got {times[row]:g} after {times[row - 1]:g}. Are "
            "these the times? Trials have to be beside each other, in columns of their own"
        )
        raise Unreadable("columns", message)


def _require_times(columns: Columns, times: FloatArray, key: str) -> None:
    if times.ndim != 1:
        raise Unreadable(key, f"expected one time for each sample, got an array of shape {times.shape}")
    if (wrong := np.flatnonzero(~np.isfinite(times))).size:
        row = int(wrong[0])
        raise Unreadable(key, f"{columns.place(row)}: expected a time, got {times[row]:g}")
