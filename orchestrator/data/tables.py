"""Tables as text: csv, tsv, and what is between blanks, with or without names of columns, comments, decimal commas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orchestrator.data.columns import Columns, raw_of
from orchestrator.data.errors import Unreadable
from orchestrator.data.section import DataSource
from orchestrator.data.shaping import Raw
from targets.recordings import FloatArray

# in bytes; a table of more is read into many times as much memory
_MOST = 1 << 28
_COMMENTS = ("#", "%")
_LOOKED_AT = 20
# what stands between columns, and before decimals; of several that fit equally well, the first is meant
_SORTS = (("\t", "."), (";", "."), (";", ","), ("\t", ","), (",", "."), (None, "."), (None, ","))
_MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "-"})


@dataclass(frozen=True)
class _Line:
    number: int
    text: str


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
    delimiter, decimal = _sort_of(lines[1 : _LOOKED_AT + 1] or lines)
    first, second = (_fields(line.text, delimiter) for line in (lines[0], lines[min(1, len(lines) - 1)]))
    if len(lines) == 1 and not any(_is_number(field, decimal) for field in first):
        raise Unreadable("file", "expected numbers below the names of the columns, but there are none")
    names: Sequence[str] = ()
    if _is_header(first, second, decimal):
        names, lines = first, lines[1:]
    elif comment and len(words := _fields(comment, delimiter)) == len(first):
        names = words
    frame = _frame(lines, delimiter, decimal)
    if len(names) != frame.shape[1]:
        names = ()
    return raw_of(_Table(frame, lines, names), source)


@dataclass(frozen=True)
class _Table(Columns):
    """Columns of a table.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns by number.
    lines : sequence of _Line
        A line for each row.
    names : sequence of str
        Of the columns; empty if the table does not say.
    """

    frame: pd.DataFrame
    lines: Sequence[_Line]
    names: Sequence[str]

    what = "column"

    @property
    def size(self) -> int:
        return int(self.frame.shape[1])

    def numbers(self, column: int, key: str) -> FloatArray:
        found: Any = self.frame[column]
        if found.dtype.kind in "iuf":
            return np.asarray(found, dtype=np.float64)
        numbers = pd.to_numeric(found, errors="coerce")
        wrong = np.flatnonzero((numbers.isna() & found.notna()).to_numpy())
        if wrong.size:
            row = int(wrong[0])
            message = f"line {self.lines[row].number}: expected a number in {self.name(column)}, got {found[row]!r}"
            raise Unreadable(key, message)
        return np.asarray(numbers, dtype=np.float64)

    def words(self, column: int) -> NDArray[np.str_]:
        found: Any = self.frame[column]
        return np.array(["" if pd.isna(each) else str(each) for each in found], dtype=np.str_)

    def place(self, row: int) -> str:
        return f"line {self.lines[row].number}"


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


def _lines(text: str) -> tuple[list[_Line], str]:
    """Return the lines with something in them, and the last comment before the first of them."""
    lines: list[_Line] = []
    comment = ""
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        content = line.strip(" \n\r")
        if content.startswith(_COMMENTS):
            comment = comment if lines else content.lstrip("".join(_COMMENTS)).strip()
        elif content.strip():
            lines.append(_Line(number, content))
    return lines, comment


def _sort_of(lines: Sequence[_Line]) -> tuple[str | None, str]:
    """Return what stands between columns, None for blanks, and before decimals."""

    def fit(sort: tuple[str | None, str]) -> tuple[float, bool, int]:
        rows = [_fields(line.text, sort[0]) for line in lines]
        fields = [field for row in rows for field in row]
        share = sum(_is_number(field, sort[1]) for field in fields) / len(fields)
        return share, len({len(row) for row in rows}) == 1, len(rows[0])

    return max(_SORTS, key=fit)


def _fields(line: str, delimiter: str | None) -> list[str]:
    if delimiter is None:
        return line.split()
    return [field.strip() for field in next(csv.reader([line], delimiter=delimiter), [])]


def _is_number(field: str, decimal: str) -> bool:
    if field.lower() in _MISSING:
        return True
    if decimal == "," and "." in field:
        return False
    try:
        float(field.replace(decimal, "."))
    except ValueError:
        return False
    return "_" not in field


def _is_header(first: Sequence[str], second: Sequence[str], decimal: str) -> bool:
    """Return whether the first line has a word where there are numbers below."""
    if first is second or all(_is_number(field, decimal) for field in first):
        return False
    return len(first) != len(second) or any(
        not _is_number(above, decimal) and _is_number(below, decimal)
        for above, below in zip(first, second, strict=True)
    )


def _frame(lines: Sequence[_Line], delimiter: str | None, decimal: str) -> pd.DataFrame:
    text = "\n".join(line.text for line in lines)
    try:
        frame = pd.read_csv(
            io.StringIO(text),
            sep=r"\s+" if delimiter is None else delimiter,
            decimal=decimal,
            header=None,
            skipinitialspace=True,
            skip_blank_lines=False,
            na_values=sorted(_MISSING),
            float_precision="round_trip",
            low_memory=False,
        )
    except (pd.errors.ParserError, ValueError, OverflowError) as error:
        uneven = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if not uneven:
            raise Unreadable("file", f"expected a table: {' '.join(str(error).split())}") from error
        fields, row, got = map(int, uneven.groups())
        raise _uneven(lines[row - 1], fields, got) from error
    # pandas fills lines that are too short
    for line in (lines[int(each)] for each in np.flatnonzero(frame.iloc[:, -1].isna().to_numpy())):
        if (got := len(_fields(line.text, delimiter))) < frame.shape[1]:
            raise _uneven(line, frame.shape[1], got)
    if delimiter is not None and all(line.text.endswith(delimiter) for line in lines):
        frame = frame.iloc[:, :-1]
    return frame


def _uneven(line: _Line, expected: int, got: int) -> Unreadable:
    return Unreadable("file", f"line {line.number}: expected {expected} columns as in the others, got {got}")
