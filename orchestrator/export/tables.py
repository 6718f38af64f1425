"""Tables with a row for each evaluation: CSV, with a second one that says what the columns are, and Parquet."""

from __future__ import annotations

import csv
import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import UsageError
from orchestrator.export.columns import Column
from orchestrator.files import replacing
from orchestrator.optimisers.options import missing_extra

if TYPE_CHECKING:
    import pandas as pd

_HEADING = ("column", "kind", "unit", "description")


def dictionary_of(table: Path) -> Path:
    """Return where it is said what the columns of a table are, beside it."""
    return table.with_suffix(".columns.csv")


def write_csv(columns: Sequence[Column], path: Path) -> None:
    """Write a table, every digit of its numbers, and beside it what its columns are.

    Raises
    ------
    OSError
        If they cannot be written.
    """
    with replacing(dictionary_of(path)) as temporary, temporary.open("w", encoding="utf-8", newline="") as table:
        rows = [(each.name, each.kind, each.unit, each.description) for each in columns]
        csv.writer(table, lineterminator="\n").writerows([_HEADING, *rows])
    with replacing(path) as temporary:
        _frame(columns).to_csv(temporary, index=False, encoding="utf-8", lineterminator="\n")


def require_parquet() -> None:
    """Raise `orchestrator.errors.UsageError` if the package that writes Parquet is not installed."""
    if missing := missing_extra("export --to parquet", "pyarrow", "parquet"):
        raise UsageError(missing)


def write_parquet(columns: Sequence[Column], path: Path, run: Checkpoint) -> None:
    """Write a table; ``unit`` and ``description`` are metadata of its columns, ``run`` of the table.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    pyarrow: Any = importlib.import_module("pyarrow")
    parquet: Any = importlib.import_module("pyarrow.parquet")
    table = pyarrow.Table.from_pandas(_frame(columns), preserve_index=False)
    about = {each.name: {"unit": each.unit, "description": each.description} for each in columns}
    fields = [field.with_metadata(about[field.name]) for field in table.schema]
    described = json.dumps({"config": run.config_text, "versions": run.versions})
    metadata = {**(table.schema.metadata or {}), "run": described}
    with replacing(path) as temporary:
        parquet.write_table(table.cast(pyarrow.schema(fields, metadata=metadata)), temporary)


def _frame(columns: Sequence[Column]) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415  (commands that need little start quickly)

    table: pd.DataFrame = pd.DataFrame({each.name: each.values for each in columns})
    return table
