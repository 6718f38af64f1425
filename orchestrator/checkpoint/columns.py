"""Columns of tables, made from the tells of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from orchestrator.checkpoint.layout import table_of
from orchestrator.checkpoint.stored import Rows
from orchestrator.records import FloatArray

if TYPE_CHECKING:
    import pandas as pd

_TEXTS = ("origin", "outcome", "job_id", "host")


def data_frame(named: Mapping[str, Any]) -> pd.DataFrame:
    """Return columns as a table."""
    import pandas as pd  # noqa: PLC0415  (status, which reads this file too, is there in a moment without it)

    table: pd.DataFrame = pd.DataFrame(named)
    return table


def columns(tables: Sequence[Rows], fields: Sequence[str]) -> dict[str, Any]:
    """Return the columns of all tables, texts as lists."""
    return {name: _column(tables, name) for name in fields}


def _column(tables: Sequence[Rows], name: str) -> Any:
    if name in _TEXTS:
        return [text.decode() for table in tables for text in table[name].tolist()]
    empty = table_of([])[name]
    return np.concatenate([empty, *(table[name] for table in tables)])


def stacked(arrays: Sequence[FloatArray | None]) -> FloatArray:
    """Return arrays that have, as a rule, one shape as one."""
    known = [array for array in arrays if array is not None]
    n_axes = known[-1].ndim
    shapes = np.array([array.shape for array in known if array.ndim == n_axes], dtype=int)
    stacked = np.full((len(arrays), *shapes.max(axis=0)), np.nan)
    for n, array in enumerate(arrays):
        if array is not None and array.ndim == n_axes:
            stacked[n, ...][tuple(slice(length) for length in array.shape)] = array
    return stacked
