"""Parameter sets that were found elsewhere, the best of which a search starts from: ``optimiser.start_from``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.model import Config
from orchestrator.errors import UsageError
from targets.plugins import nearest

if TYPE_CHECKING:
    import pandas as pd

# of a column of a checkpoint's table, before the name of a parameter
_PARAMETER = "parameter:"
_EXPECTED = (
    "a run's directory, its checkpoint.h5, a table .csv with a column per parameter, or a .json of parameter sets"
)


@dataclass(frozen=True)
class _Found:
    """A parameter set: where it is, for messages; its numbers, as they are written; its total score, if it has one."""

    where: str
    parameters: Mapping[str, Any]
    total_score: float = math.nan


def file_of(config: Config) -> Path | None:
    """Return what ``optimiser.start_from`` names, relative to the model's directory; None if it names nothing."""
    named = config.optimiser.start_from
    return None if named is None else config.model_dir / named.expanduser()


def is_run(path: Path) -> bool:
    """Return whether this is a run, or its checkpoint."""
    return path.is_dir() or path.suffix == ".h5"


def start_from(config: Config, names: Sequence[str]) -> dict[str, float]:
    """Return the values of these parameters in the best parameter set that ``optimiser.start_from`` names.

    Of a run that is the evaluation that ``orchestrator best`` lists first; of a table or a JSON file the one with the
    least ``total_score``, or the first if none has one.

    Parameters
    ----------
    config : Config
        That names something.
    names : sequence of str
        Searched parameters.

    Raises
    ------
    orchestrator.errors.UsageError
        If it cannot be read, lacks a parameter, or has it outside of its bounds.
    """
    path = file_of(config)
    if path is None:
        return {}
    found = _best_of(path)
    return {name: _value(found, name, config) for name in names}


def _best_of(path: Path) -> _Found:
    if is_run(path):
        from orchestrator.reevaluation.choosing import choose  # noqa: PLC0415  (few runs start from another)

        best = choose(Checkpoint(path), 1).required().best[0]
        return _Found(f"{path}: {best.name}", best.parameters)
    sets = _of_json(path) if path.suffix == ".json" else _of_table(path)
    if not sets:
        raise UsageError(f"{path}: expected {_EXPECTED}, got no parameter set")
    scored = [each for each in sets if math.isfinite(each.total_score)]
    return min(scored, key=lambda each: each.total_score) if scored else sets[0]


def table_of(path: Path) -> pd.DataFrame:
    """Return a table that lies in a file; raises `orchestrator.errors.UsageError` if it is none."""
    import pandas as pd  # noqa: PLC0415  (few runs start from a table)

    if path.suffix != ".csv":
        raise UsageError(f"{path}: expected {_EXPECTED}")
    try:
        return pd.read_csv(path, skipinitialspace=True)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:  # not of text, no columns, rows of other lengths
        raise UsageError(f"{path}: expected a table with names of columns in its first line ({error})") from error


def _of_table(path: Path) -> list[_Found]:
    frame = table_of(path)
    # what simulations got under other names has the same prefix, and does no harm
    frame = frame.rename(columns=lambda name: str(name).strip().removeprefix(_PARAMETER))
    rows = frame.to_dict("records")
    return [_Found(f"{path}: row {n}", row, _score(row)) for n, row in enumerate(rows, 1)]


def _of_json(path: Path) -> list[_Found]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: expected JSON ({error})") from error
    entries = data if isinstance(data, list) else [data]
    found = []
    for n, entry in enumerate(entries, 1):
        parameters = entry.get("parameters", entry) if isinstance(entry, dict) else None
        if not isinstance(parameters, dict):
            raise UsageError(
                f"{path}: entry {n}: expected names and numbers of parameters, such as best --json prints, or "
                f'{{"parameters": {{"x": 1.5}}, "total_score": 3}}, got {_short(entry)}'
            )
        found.append(_Found(f"{path}: entry {n}", parameters, _score(entry)))
    return found


def _score(row: Mapping[str, Any]) -> float:
    score = row.get("total_score")
    return float(score) if _is_number(score) else math.nan


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)


def _value(found: _Found, name: str, config: Config) -> float:
    """Return the value of a parameter, checked as a start value in the configuration would be."""
    if name not in found.parameters:
        hint = nearest(name, map(str, found.parameters))
        raise UsageError(f"{found.where}: has no value of {name!r}{hint}: add it, or give a start value of it")
    value = found.parameters[name]
    if not _is_number(value) or not math.isfinite(value):
        raise UsageError(f"{found.where}: expected a number for {name!r}, got {_short(value)}")
    low, high = config.searched[name].bounds
    if not low <= value <= high:
        raise UsageError(
            f"{found.where}: {name!r} is {value:g}, outside its bounds [{low:g}, {high:g}]: widen them, or give a "
            "start value of it"
        )
    return float(value)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]} ..."
