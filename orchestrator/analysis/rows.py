"""Rows as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd


def table_of(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Return rows as a table, which has its columns even where there are no rows; others follow as they come."""
    more = list(dict.fromkeys(key for row in rows for key in row if key not in columns))
    table: pd.DataFrame = pd.DataFrame([dict(row) for row in rows], columns=[*columns, *more])
    return table


def sorted_by(table: pd.DataFrame, column: str, *, ascending: bool = True) -> pd.DataFrame:
    """Return a table sorted by a column, equal rows in their order, the rows numbered anew."""
    found: pd.DataFrame = table.sort_values(column, ascending=ascending, kind="stable", ignore_index=True)
    return found
