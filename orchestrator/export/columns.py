"""The columns of a run as a table: numbers and texts of every evaluation, and what each column is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.checkpoint import Checkpoint
from orchestrator.report.described import Wanted
from orchestrator.report.history import History

if TYPE_CHECKING:
    import pandas as pd

_NORMS = "norms"
# unit and meaning of the columns that every run has
_USUAL = {
    "generation": ("", "generation that it was asked for with, from 0"),
    "offspring": ("", "its place in the generation, from 0"),
    "origin": ("", "where the point comes from: start, sample (of the search), model (a proposal) or injected"),
    "told_in": ("", "when the optimiser was told, from 0"),
    "outcome": ("", "what became of it; only what is OK has values"),
    "total_score": (_NORMS, "sum of the scores; none if it was not evaluated because of the cluster"),
    "attempts": ("", "how often it was submitted"),
    "job_id": ("", "its last job"),
    "host": ("", "where that ran"),
    "submitted": ("s", "Unix time of the last submission"),
    "started": ("s", "Unix time of the start of the evaluation"),
    "finished": ("s", "Unix time of its end"),
}
# the same of what is known of its job
_OF_JOB = {
    "build": ("s", "wall time of building the model"),
    "check": ("s", "wall time of the check for explosions"),
    "protocols": ("s", "wall time of the simulation"),
    "measuring": ("s", "wall time of measuring the targets"),
    "peak_memory": ("bytes", "largest resident memory of the simulation; 0 if unknown"),
}
_LARGEST = 2**63


@dataclass(frozen=True, eq=False)
class Column:
    """One column.

    Parameters
    ----------
    name : str
        As `Checkpoint.evaluations` and `Checkpoint.details` call it; ``seed:<name>`` of a seed.
    unit : str
        Of the numbers; empty for texts, counts, pure numbers, and where nobody has said it.
    description : str
        What it is.
    values : pandas.Series
        One per evaluation, missing where there is none.
    """

    name: str
    unit: str
    description: str
    values: pd.Series[Any]

    @property
    def kind(self) -> str:
        """What its values are: ``whole number``, ``number`` or ``text``."""
        letter = getattr(self.values.dtype, "kind", "O")
        return "whole number" if letter in "iu" else "number" if letter == "f" else "text"


def columns_of(run: Checkpoint, history: History) -> list[Column]:
    """Return the columns of a run, in the order of `Checkpoint.evaluations`, then seeds, times and memory.

    Parameters
    ----------
    run : Checkpoint
        Of the run.
    history : History
        What it holds.
    """
    meanings = {**_USUAL, **dict(_parameters(run, history)), **dict(_targets(history.targets))}
    frame, details = history.frame, history.details
    found = [Column(str(name), *meanings[str(name)], frame[name]) for name in frame]
    found += _seeds(details["seeds"])
    return [*found, *(Column(name, *meaning, details[name]) for name, meaning in _OF_JOB.items())]


def _parameters(run: Checkpoint, history: History) -> Iterator[tuple[str, tuple[str, str]]]:
    for each in history.parameters:
        kind = " whole numbers," if each.integer else ""
        scale = "logarithmic" if each.log else "linear"
        values = f"{kind} {each.range_in_words()}, {scale} scale"
        values = f" one of {each.choice}" if each.choice is not None else values
        yield f"parameter:{each.name}", ("", f"searched:{values}; in the parameter's own unit")
    for name in run.given.derived:
        yield f"parameter:{name}", ("", f"not searched: {run.given.what_is(name)}")


def _targets(targets: tuple[Wanted, ...]) -> Iterator[tuple[str, tuple[str, str]]]:
    for each in targets:
        wanted = f"; wanted: {each.text}" if each.text else ""
        yield f"value:{each.label}", (each.unit, f"value of the target{wanted}")
        most = "" if math.isnan(each.norm) else f", at most {each.max_score:g}; the norm is {each.norm:g}"
        yield f"score:{each.label}", (_NORMS, f"distance from what is wanted{most}")
        yield f"sd:{each.label}", (each.unit, "standard deviation (n - 1) of the values of single trials")
        yield f"se:{each.label}", (each.unit, "standard error of the value over trials")


def _seeds(rows: pd.Series[Any]) -> list[Column]:
    """Return a column for each seed; those that are too large for a number of 64 bits are texts."""
    import pandas as pd  # noqa: PLC0415  (commands that need little start quickly)

    seeds: list[Mapping[str, Any]] = list(rows)
    found = []
    for name in dict.fromkeys(name for each in seeds for name in each):
        numbers = [each.get(name) for each in seeds]
        small = all(number is None or _is_small(number) for number in numbers)
        values = [number if number is None or small else str(number) for number in numbers]
        column: pd.Series[Any] = pd.Series(values, dtype="Int64" if small else "object")
        found.append(Column(f"seed:{name}", "", "what random numbers of the simulation began with", column))
    return found


def _is_small(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and -_LARGEST <= number < _LARGEST
