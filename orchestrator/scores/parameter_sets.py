"""Parameter sets that were found elsewhere: in a run, a table or a JSON file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.model import Config
from orchestrator.errors import UsageError
from targets.plugins import nearest

if TYPE_CHECKING:
    import pandas as pd

    from orchestrator.reevaluation.choosing import Candidate

# of columns of a checkpoint's table, before the name of a parameter or the label of a target
_PARAMETER, _VALUE, _SCORE = "parameter:", "value:", "score:"
_EXPECTED = (
    "a run's directory, its checkpoint.h5, a table .csv with a column per parameter, or a .json of parameter sets"
)


@dataclass(frozen=True)
class ParameterSet:
    """A parameter set, and what is known of it.

    Parameters
    ----------
    file : pathlib.Path
        Where it is.
    name : str
        Which of those that are there, for people.
    parameters : mapping of str to object
        The numbers, as they are written.
    total_score : float
        NaN if it has none.
    values, scores : mapping of str to float
        By the label of the target, as far as there are any.
    given : tuple of str
        What its simulation got, as far as that is known.
    """

    file: Path
    name: str
    parameters: Mapping[str, Any]
    total_score: float = math.nan
    values: Mapping[str, float] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    given: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """Where it is, for messages."""
        return f"{self.file}: {self.name}"

    def require_given(self, config: Config) -> None:
        """Refuse a configuration whose simulations do not get all of what the set's simulation got.

        Raises
        ------
        orchestrator.errors.UsageError
            With the first name that is missing.
        """
        known = {*config.given().names, *config.parameters}
        for name in self.given:
            if name not in known:
                value = self.parameters[name]
                there = f"{name!r} is {value:g}" if _is_number(value) else f"{name!r} is {_short(value)}"
                raise UsageError(
                    f"{self.where}: {there}, and not among parameters here: add it; a number is a constant"
                )

    def values_of(
        self, names: Sequence[str], config: Config, instead: str, others: Mapping[str, float] | None = None
    ) -> dict[str, float]:
        """Return the values of searched parameters, checked as start values in the configuration would be.

        Parameters
        ----------
        names : sequence of str
            Of the parameters.
        config : Config
            That has their bounds.
        instead : str
            What else a user may do, for messages.
        others : mapping of str to float, optional
            Values of further parameters, which may decide bounds.

        Raises
        ------
        orchestrator.errors.UsageError
            If there is none of a name, or it is outside of its bounds.
        """
        values, space = {name: self._value(name, config, instead) for name in names}, config.space()
        known = {**values, **(others or {})}
        for each in space.beside(known):
            if each.name in values and not each.low <= (value := values[each.name]) <= each.high:
                raise UsageError(
                    f"{self.where}: {each.name!r} is {value:g}, outside its bounds "
                    f"{space.bounds_in_words(each.name, known)}: widen them, or {instead}"
                )
        return values

    def _value(self, name: str, config: Config, instead: str) -> float:
        if name not in self.parameters:
            hint = nearest(name, map(str, self.parameters))
            raise UsageError(f"{self.where}: has no value of {name!r}{hint}: add it, or {instead}")
        value = self.parameters[name]
        if not _is_number(value) or not math.isfinite(value):
            raise UsageError(f"{self.where}: expected a number for {name!r}, got {_short(value)}")
        choice = config.searched[name].choice
        if choice is not None and value not in choice.values:
            raise UsageError(
                f"{self.where}: expected one of {choice} for {name!r}, got {value:g}: add it, or {instead}"
            )
        if config.searched[name].integer and not float(value).is_integer():
            raise UsageError(
                f"{self.where}: expected a whole number for {name!r}, got {value:g}: round it, or {instead}"
            )
        return float(value)


def is_run(path: Path) -> bool:
    """Return whether this is a run, or its checkpoint."""
    return path.is_dir() or path.suffix == ".h5"


def sets_in(path: Path, best: int | None = None, front: bool | Sequence[str] = False) -> list[ParameterSet]:
    """Return parameter sets, the best first.

    Of a run these are the evaluations that ``orchestrator best`` lists, in its order; of a table or a JSON file all of
    them, those of the least ``total_score`` first, and in their order if none has one.

    Parameters
    ----------
    path : pathlib.Path
        A run's directory, its checkpoint, a table (.csv) or parameter sets (.json).
    best : int, optional
        How many at most; all if left out.
    front : bool or sequence of str
        Whether only the Pareto front of a run counts, of all targets or of those with these labels.

    Raises
    ------
    orchestrator.errors.UsageError
        If it cannot be read, or there are none; if a front is wanted of what is no run.
    """
    if is_run(path):
        return _of_run(path, best, front)
    if front:
        raise UsageError(f"{path}: a Pareto front is that of a run: name a run's directory, or take the best of all")
    sets = _of_json(path) if path.suffix == ".json" else _of_table(path)
    if not sets:
        raise UsageError(f"{path}: expected {_EXPECTED}, got no parameter set")
    if any(math.isfinite(each.total_score) for each in sets):
        sets = sorted(sets, key=lambda each: each.total_score if math.isfinite(each.total_score) else math.inf)
    return sets[:best]


def table_of(path: Path) -> pd.DataFrame:
    """Return a table that lies in a file; raises `orchestrator.errors.UsageError` if it is none."""
    import pandas as pd  # noqa: PLC0415  (few runs start from a table)

    if path.suffix != ".csv":
        raise UsageError(f"{path}: expected {_EXPECTED}")
    try:
        table = pd.read_csv(path, skipinitialspace=True)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:  # not of text, no columns, rows of other lengths
        raise UsageError(f"{path}: expected a table with names of columns in its first line ({error})") from error
    if not isinstance(table.index, pd.RangeIndex):  # what is beyond the names would be the first column's
        raise UsageError(f"{path}: expected as many cells in each row as its first line has names, got more")
    return table


def _of_run(path: Path, best: int | None, front: bool | Sequence[str]) -> list[ParameterSet]:
    from orchestrator.reevaluation.choosing import choose  # noqa: PLC0415  (few runs start from another)
    from orchestrator.reevaluation.front import front_targets  # noqa: PLC0415
    from orchestrator.reevaluation.store import again_of  # noqa: PLC0415

    run = Checkpoint(path)
    labels = front_targets(run, () if front is True else front) if front else ()
    top = len(run.evaluations()) if best is None else best
    return [_of_candidate(path, each) for each in choose(run, top, again_of(run), labels).required().best]


def _of_candidate(path: Path, candidate: Candidate) -> ParameterSet:
    values = {label: value for label, value in candidate.values.items() if value is not None}
    numbers = {**candidate.given, **candidate.parameters}
    given = tuple(candidate.given)
    return ParameterSet(path, candidate.name, numbers, candidate.total_score, values, candidate.scores, given)


def _of_table(path: Path) -> list[ParameterSet]:
    frame = table_of(path).rename(columns=lambda name: str(name).strip())
    return [_of_row(path, n, row) for n, row in enumerate(frame.to_dict("records"), 1)]


def _of_row(path: Path, number: int, row: Mapping[Any, Any]) -> ParameterSet:
    # what simulations got under other names has the same prefix, and does no harm
    parameters = {str(name).removeprefix(_PARAMETER): value for name, value in row.items()}
    values, scores = (
        _numbers((str(name).removeprefix(prefix), value) for name, value in row.items() if str(name).startswith(prefix))
        for prefix in (_VALUE, _SCORE)
    )
    return ParameterSet(path, f"row {number}", parameters, _score(row), values, scores)


def _of_json(path: Path) -> list[ParameterSet]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: expected JSON ({error})") from error
    return [_of_entry(path, n, entry) for n, entry in enumerate(data if isinstance(data, list) else [data], 1)]


def _of_entry(path: Path, number: int, entry: Any) -> ParameterSet:
    name = f"entry {number}"
    parameters = entry.get("parameters", entry) if isinstance(entry, dict) else None
    if not isinstance(parameters, dict):
        raise UsageError(
            f"{path}: {name}: expected names and numbers of parameters, such as best --json prints, or "
            f'{{"parameters": {{"x": 1.5}}, "total_score": 3}}, got {_short(entry)}'
        )
    listed = entry.get("targets")
    targets = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    values, scores = (
        _numbers((str(each.get("name")), each.get(key)) for each in targets) for key in ("value", "score")
    )
    given = entry.get("given")
    given = given if isinstance(given, dict) else {}
    return ParameterSet(path, name, {**given, **parameters}, _score(entry), values, scores, tuple(given))


def _numbers(named: Iterable[tuple[str, Any]]) -> dict[str, float]:
    return {name: float(value) for name, value in named if _is_number(value) and math.isfinite(value)}


def _score(row: Mapping[Any, Any]) -> float:
    score = row.get("total_score")
    return float(score) if _is_number(score) else math.nan


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]} ..."
