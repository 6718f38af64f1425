"""Tables as text: csv, tsv, and what is between blanks, with or without names of columns, comments, decimal commas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orchestrator.data.columns import Columns, raw_of
from orchestrator.data.errors import Unreadable
from orchestrator.data.section import DataSource
from orchestrator.data.shaping import Raw
from targets.recordings import FloatArray

# in bytes; a table of more is read into many times as much memory
_MOST = 1 << 27
_COMMENTS = ("#", "%")
_LOOKED_AT = 20
_MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "-"})


@dataclass(frozen=True)
class _Line:
    number: int
    text: str


@dataclass(frozen=True)
class _Sort:
    """What stands between columns, None for blanks, and before decimals."""

    delimiter: str | None
    decimal: str

    def fields(self, line: _Line) -> list[str]:
        """Return what a line has in its columns."""
        if self.delimiter is None:
            return line.text.split()
        if '"' in line.text:
            return [field.strip() for field in next(csv.reader([line.text], delimiter=self.delimiter), [])]
        return [field.strip() for field in line.text.split(self.delimiter)]

    def number(self, field: str) -> float | None:
        """Return the number that a field is, NaN for a missing one; None if it is something else."""
        if field.lower() in _MISSING:
            return float("nan")
        if "_" in field or (self.decimal != "." and "." in field):
            return None
        try:
            return float(field.replace(self.decimal, "."))
        except ValueError:
            return None


# of several that fit equally well, the first is meant
_SORTS = (
    *(_Sort("\t", "."), _Sort(";", "."), _Sort(";", ","), _Sort("\t", ",")),
    *(_Sort(",", "."), _Sort(None, "."), _Sort(None, ",")),
)


def read_table(path: Path, source: DataSource) -> Raw:
    """Return what a table holds.

    Raises
    ------
    OSError
        If it cannot be read.
    Unreadable
        If it is no table, or has not the columns that are wanted.
    """
    lines, comment = _lines(_text(path))
    if not lines:
        raise Unreadable("file", "expected a table, but there are no numbers in it")
    sort = _sort_of(lines[: _LOOKED_AT + 1])
    names: Sequence[str] = ()
    first = sort.fields(lines[0])
    if _is_header(first, lines, sort):
        names, lines = first, lines[1:]
        if not lines:
            raise Unreadable("file", "expected numbers below the names of the columns, but there are none")
    elif comment is not None:
        names = sort.fields(comment)
    size = _require_even(lines, sort)
    return raw_of(_Table(lines, sort, size, names if len(names) == size else ()), source)


@dataclass(frozen=True)
class _Table(Columns):
    """Columns of a table.

    Parameters
    ----------
    lines : sequence of _Line
        A line for each row.
    sort : _Sort
        How a line is read.
    width : int
        Number of the columns.
    names : sequence of str
        Of the columns; empty if the table does not say.
    """

    lines: Sequence[_Line]
    sort: _Sort
    width: int
    names: Sequence[str]

    what = "column"

    @property
    def size(self) -> int:
        return self.width

    def numbers(self, column: int, key: str) -> FloatArray:
        found = np.empty(len(self.lines))
        for row, field in enumerate(self._fields(column)):
            if (number := self.sort.number(field)) is None:
                message = f"{self.place(row)}: expected a number in {self.name(column)}, got {field!r}"
                raise Unreadable(key, message)
            found[row] = number
        return found

    def words(self, column: int) -> NDArray[np.str_]:
        return np.array(list(self._fields(column)), dtype=np.str_)

    def place(self, row: int) -> str:
        return f"line {self.lines[row].number}"

    def _fields(self, column: int) -> Iterator[str]:
        return (self.sort.fields(line)[column] for line in self.lines)


def _text(path: Path) -> str:
    if (size := path.stat().st_size) > _MOST:
        message = f"expected at most {_MOST >> 20} MB of text, got {size >> 20} MB: write it as npz, or a part of it"
        raise Unreadable("file", message)
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content:
        raise Unreadable("file", "expected a table as text, but this is none: are these binary data?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:  # such as a unit in a header of an older Windows
        return content.decode("latin-1")


def _lines(text: str) -> tuple[list[_Line], _Line | None]:
    """Return the lines with something in them, and the last comment before the first of them."""
    lines: list[_Line] = []
    comment = None
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        content = line.strip(" \n")
        if content.startswith(_COMMENTS):
            if not lines:
                comment = _Line(number, content.lstrip("".join(_COMMENTS)).strip())
        elif content.strip():
            lines.append(_Line(number, content))
    return lines, comment


def _sort_of(lines: Sequence[_Line]) -> _Sort:
    """Return how most fields are numbers, and then, how lines have the same number of fields, and many."""

    def fit(sort: _Sort) -> tuple[float, bool, int]:
        rows = [sort.fields(line) for line in lines]
        fields = [field for row in rows for field in row]
        share = sum(sort.number(field) is not None for field in fields) / len(fields)
        return share, len({len(row) for row in rows[1:]}) <= 1, len(rows[-1])

    return max(_SORTS, key=fit)


def _is_header(first: Sequence[str], lines: Sequence[_Line], sort: _Sort) -> bool:
    """Return whether the first line has a word where there are numbers below."""
    words = [column for column, field in enumerate(first) if sort.number(field) is None]
    if len(lines) == 1 or not words:
        return bool(words)
    below = sort.fields(lines[1])
    return len(first) != len(below) or any(sort.number(below[column]) is not None for column in words)


def _require_even(lines: Sequence[_Line], sort: _Sort) -> int:
    """Return the number of columns that all lines have."""
    size = len(sort.fields(lines[0]))
    for line in lines:
        if (got := len(sort.fields(line))) != size:
            message = f"line {line.number}: expected as many columns as in the lines above, {size}, got {got}"
            raise Unreadable("file", message)
    # one that is empty stands behind a delimiter at the end of each line
    return size - 1 if size > 1 and all(line.text.endswith(str(sort.delimiter)) for line in lines) else size
