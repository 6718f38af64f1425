"""What several figures have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from orchestrator.records import FloatArray
from orchestrator.report.described import Wanted
from orchestrator.report.history import BoolArray, History, IntArray
from orchestrator.report.naming import group_of, short_labels, short_names
from orchestrator.report.palette import BLUE, GREY, LIGHT_BLUE
from orchestrator.report.scene import Axis, Band, Figure, Panel, Pick, Selector
from targets.recordings import Recordings
from targets.recordings.digest import SPONTANEOUS_RATES, sheet_and_quantity
from targets.registry import known_targets
from targets.spontaneous import SpontaneousRate

NOTHING_YET = "No generation is complete yet."
NO_MODEL = "The optimiser has no model of the values, or nothing is known of it yet."
NOTHING_MEASURED = "Nothing measured yet: every evaluation exploded or failed."
_NOTHING_KEPT = "No traces or events are kept of any evaluation."
# good evaluations, other than the best and the start, whose traces and events are drawn
_OTHERS = 3


@dataclass(frozen=True)
class Shown:
    """One evaluation that is drawn.

    Parameters
    ----------
    label, colour : str
        Of its marks.
    width : float
        Of its lines in CSS pixels.
    kind : str
        ``best``, ``start`` or ``other``.
    recordings : Recordings
        What is kept of it.
    """

    label: str
    colour: str
    width: float
    kind: Literal["best", "start", "other"]
    recordings: Recordings


def generations_axis(history: History) -> Axis:
    """Return the axis of generations, with room for offspring that are drawn beside each other."""
    first, last = (int(history.numbers[0]), int(history.numbers[-1])) if len(history.numbers) else (0, 1)
    room = max(0.6, (last - first) * 0.012)
    return Axis("generation", (first - room, last + room), whole=True)


def beside(history: History) -> FloatArray:
    """Return the block of each evaluation, those of one side by side within +-0.3."""
    size = np.maximum(np.bincount(history.place, minlength=1)[history.place] if len(history) else np.ones(0), 1)
    return np.asarray(history.block + 0.6 * ((history.within + 0.5) / size - 0.5))


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


def counts_panel(numbers: IntArray, place: IntArray, groups: Sequence[tuple[str, str, BoolArray]]) -> Panel:
    """Return how many evaluations of each generation belong to each group, from below.

    Parameters
    ----------
    numbers : ndarray of int, shape (n_generations,)
        Of the generations.
    place : ndarray of int, shape (n_evaluations,)
        Position in `numbers` of the generation of each evaluation.
    groups : sequence of tuple
        Name, colour, and which evaluations.
    """
    x = step_edges(numbers.astype(float))
    marks, floor = [], np.zeros(len(numbers))
    for name, colour, own in groups:
        count = np.bincount(place[own], minlength=len(floor)).astype(float)
        marks.append(Band(x, steps(floor), steps(floor + count), colour, f"{name} ({int(own.sum()):,})", 1.0, True))
        floor = floor + count
    return Panel(
        Axis("generation", (float(x[0]), float(x[-1])), whole=True),
        Axis("offspring", (0.0, float(floor.max())), whole=True),
        tuple(marks),
        height=190,
    )


def step_edges(x: FloatArray) -> FloatArray:
    """Return the outline of steps one wide around `x`: two points each."""
    return np.column_stack([x - 0.5, x + 0.5]).ravel()


def steps(y: FloatArray) -> FloatArray:
    """Return the heights of the outline that `step_edges` gives."""
    return np.repeat(y, 2)


def target_choice(history: History) -> Selector:
    """Return the choice of a target; the worst one of the best evaluation comes first."""
    worst = int(np.argmax(history.scores[history.best])) if history.best is not None and history.targets else 0
    return Selector("target", "Target", labels(history), worst)


def parameter_choice(history: History) -> Selector:
    """Return the choice of a parameter."""
    return Selector("parameter", "Parameter", names(history))


def target_names(history: History, longest: int = 44) -> tuple[str, ...]:
    """Return labels that fit beside an axis."""
    return tuple(short_labels(labels(history), longest))


def parameter_names(history: History, longest: int = 44) -> tuple[str, ...]:
    """Return names that fit beside an axis."""
    return tuple(short_names(names(history), longest))


def target_rows(history: History, notes: tuple[str, ...] | Pick = ()) -> Axis:
    """Return the axis of the targets, those of a sheet below its name."""
    sheets = [each.sheet for each in history.targets]
    inside = [each.label.removesuffix(f"({each.sheet})") or each.label for each in history.targets]
    axis = Axis(rows=target_names(history), full=labels(history), notes=notes)
    return _in_groups(axis, sheets, inside, short_labels)


def parameter_rows(history: History, notes: tuple[str, ...] | Pick = ()) -> Axis:
    """Return the axis of the parameters, those of a sheet below its name."""
    groups, inside = zip(*map(group_of, names(history)), strict=True) if history.parameters else ((), ())
    axis = Axis(rows=parameter_names(history), full=names(history), notes=notes)
    return _in_groups(axis, groups, inside, short_names)


def height_of_rows(axis: Axis, row: int) -> int:
    """Return the height of a panel with such an axis."""
    low, high = axis.domain  # type: ignore[misc]
    return round(row * (high - low))


def _in_groups(
    axis: Axis, groups: Sequence[str], inside: Sequence[str], shorten: Callable[[Sequence[str]], list[str]]
) -> Axis:
    """Return an axis with its rows below the names of their groups, unless there are no two, or all are of one row.

    Parameters
    ----------
    axis : Axis
        With rows, notes and full names.
    groups, inside : sequence of str
        Group of each row, empty for none, and its name there.
    shorten : callable
        Returns names without what does not tell them apart.
    """
    known = sorted(dict.fromkeys(groups), key=bool)  # those without a heading come first
    if len(known) < 2 or len(known) == len(groups):
        return replace(axis, domain=(-0.5, max(len(groups), 1) - 0.5))
    rows, slots, headings, at = list(inside), np.zeros(len(groups)), [], 0
    for group in known:
        own = [n for n, each in enumerate(groups) if each == group]
        if group:
            headings.append((float(at), group))
            at += 1
        for n, name in zip(own, shorten([inside[n] for n in own]), strict=True):
            rows[n], slots[n] = name, at
            at += 1
    return replace(
        axis, domain=(-0.5, at - 0.5), rows=tuple(rows), slots=tuple(slots.tolist()), headings=tuple(headings)
    )


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


def why_nothing_of_model(history: History) -> str:
    """Return why there is nothing to see of a model of the values."""
    return NO_MODEL if len(history) else NOTHING_YET


def shown_of(history: History) -> list[Shown]:
    """Return the best, the start values, and the best others of which recordings are kept."""
    rows = {key: n for n, key in enumerate(zip(history.generation.tolist(), history.offspring.tolist(), strict=True))}
    kept = sorted((key for key in history.recordings if key in rows), key=lambda key: history.ranks[rows[key]])
    found: list[Shown] = []
    others = 0
    for key in kept:
        row, place = rows[key], f"generation {key[0]} offspring {key[1]}"
        recordings = history.recordings[key]
        if row == history.best:
            found.append(Shown(f"best: {place}", BLUE, 2.0, "best", recordings))
        elif row == history.start:
            found.append(Shown(f"start values: {place}", GREY, 1.4, "start", recordings))
        elif others < _OTHERS:
            others += 1
            found.append(Shown(place, LIGHT_BLUE, 0.9, "other", recordings))
    return found


def why_none_shown(history: History) -> str:
    """Return why nothing that is kept can be shown."""
    return _NOTHING_KEPT if len(history) else NOTHING_YET


def wanted_of(history: History, name: str) -> list[Wanted]:
    """Return the targets of the quantity that a trace or a number of a digest is called after.

    That is of the longest spontaneous activity, so that targets of another one, or perhaps another one, are left out.
    """
    sheet, quantity = sheet_and_quantity(name)
    if quantity not in SPONTANEOUS_RATES:
        return []
    known = known_targets()
    return [
        each
        for each in history.targets
        if each.sheet == sheet
        and not each.has_duration
        and issubclass(known.get(each.class_name, object), SpontaneousRate)
    ]


def nothing(name: str, title: str, why: str = NOTHING_YET) -> Figure:
    """Return a figure that says why there is nothing to see."""
    return Figure(name, title, empty=why)


def correlation_of(covariance: FloatArray) -> FloatArray:
    """Return the correlations of a covariance matrix, NaN on the diagonal."""
    deviation = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = covariance / np.outer(deviation, deviation)
    np.fill_diagonal(correlation, np.nan)  # always 1, which would outshine the rest
    return np.asarray(np.clip(correlation, -1.0, 1.0))


def correlation_limit(cells: Sequence[FloatArray]) -> float:
    """Return the end of the colour scale: correlations are small until a run is long."""
    largest = max(float(np.nanmax(np.abs(each), initial=0.0)) for each in cells)
    return next(limit for limit in (0.1, 0.2, 0.5, 1.0) if largest <= limit)
