"""What several figures have in common."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from orchestrator.records import FloatArray
from orchestrator.report.history import History
from orchestrator.report.naming import short_labels, short_names
from orchestrator.report.scene import Axis, Choice, Figure, Pick

NOTHING_YET = "No generation is complete yet."
NOTHING_MEASURED = "Nothing measured yet: every evaluation exploded or failed."


def generations_axis(history: History) -> Axis:
    """Return the axis of generations, with room for offspring that are drawn beside each other."""
    first, last = (int(history.numbers[0]), int(history.numbers[-1])) if len(history.numbers) else (0, 1)
    room = max(0.6, (last - first) * 0.012)
    return Axis("generation", (first - room, last + room), whole=True)


def beside(history: History) -> FloatArray:
    """Return the generation of each evaluation, its offspring side by side within +-0.3."""
    size = np.maximum(np.bincount(history.place, minlength=1)[history.place] if len(history) else np.ones(0), 1)
    return np.asarray(history.generation + 0.6 * ((history.offspring + 0.5) / size - 0.5))


def quantiles(history: History, values: FloatArray, which: tuple[float, ...]) -> list[FloatArray]:
    """Return quantiles of `values` in each generation, NaN if it has none."""
    parts = np.split(values, history.ends[:-1])
    rows = []
    for part in parts:
        known = part[np.isfinite(part)]
        rows.append(np.quantile(known, which) if len(known) else np.full(len(which), np.nan))
    return list(np.array(rows).T) if rows else [np.zeros(0) for _ in which]


def means(history: History, values: FloatArray) -> FloatArray:
    """Return the mean of the finite `values` in each generation, NaN if it has none."""
    known = np.isfinite(values)
    place, n = history.place[known], len(history.numbers)
    count = np.bincount(place, minlength=n)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.bincount(place, weights=values[known], minlength=n) / np.where(count, count, np.nan))


def target_choice(history: History) -> Choice:
    """Return the choice of a target; the worst one of the best evaluation comes first."""
    worst = int(np.argmax(history.scores[history.best])) if history.best is not None and history.targets else 0
    return Choice("target", "Target", labels(history), worst)


def parameter_choice(history: History) -> Choice:
    """Return the choice of a parameter."""
    return Choice("parameter", "Parameter", names(history))


def target_names(history: History, longest: int = 44) -> tuple[str, ...]:
    """Return labels that fit beside an axis."""
    return tuple(short_labels(labels(history), longest))


def parameter_names(history: History, longest: int = 44) -> tuple[str, ...]:
    """Return names that fit beside an axis."""
    return tuple(short_names(names(history), longest))


def labels(history: History) -> tuple[str, ...]:
    """Return the labels of the targets as they are."""
    return tuple(each.label for each in history.targets)


def names(history: History) -> tuple[str, ...]:
    """Return the names of the parameters as they are."""
    return tuple(each.name for each in history.parameters)


def pick_target(history: History, of: Callable[[int], object]) -> Pick:
    """Return what depends on the target that is chosen, by its position."""
    return Pick("target", tuple(of(n) for n in range(len(history.targets))))


def pick_parameter(history: History, of: Callable[[int], object]) -> Pick:
    """Return what depends on the parameter that is chosen, by its position."""
    return Pick("parameter", tuple(of(n) for n in range(len(history.parameters))))


def with_unit(name: str, unit: str) -> str:
    """Return ``name (unit)``, or the name alone of a pure number."""
    return f"{name} ({unit})" if unit else name


def nothing_of(history: History) -> str:
    """Return why a run has no best evaluation."""
    return NOTHING_MEASURED if len(history) else NOTHING_YET


def nothing(name: str, title: str, why: str = NOTHING_YET) -> Figure:
    """Return a figure that says why there is nothing to see."""
    return Figure(name, title, empty=why)
