"""Scores and values of every target."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.records import FloatArray
from orchestrator.report.described import Wanted
from orchestrator.report.domains import Domain, central
from orchestrator.report.figures.common import (
    beside,
    generations_axis,
    height_of_rows,
    nothing,
    nothing_of,
    pick_target,
    quantiles,
    target_choice,
    target_rows,
    with_unit,
)
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import History, IntArray
from orchestrator.report.naming import elided
from orchestrator.report.palette import BAD, BLUE, GOOD, GREY, INK, LIGHT_BLUE, MUTED, score_stops
from orchestrator.report.scene import (
    Axis,
    Band,
    Bars,
    Figure,
    Heat,
    Line,
    Panel,
    Pick,
    Points,
    Rule,
    Selector,
    Span,
    Symbol,
    Taken,
)

_SIDES: tuple[tuple[str, str, Symbol, bool], ...] = (
    ("within 1 norm ✓", GOOD, "dot", True),
    ("beyond 1 norm ✗", BAD, "diamond", False),
)
ROW = 22
_COLUMNS = 240


@figure(section="targets", order=10, half=True)
def target_scores(run: Checkpoint | History) -> Figure:
    """Return the score of every target of one of the best evaluations, against 1 norm.

    Choices: ``evaluation`` (the best ten, and the start values).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Scores of every target"
    if history.best is None:
        return nothing("target_scores", title, nothing_of(history))
    rows, choice = evaluation_choice(history)
    longest = float(np.max(history.scores[rows]))
    at = np.arange(len(history.targets), dtype=float)
    parts = [(history.scores[row] <= 1, history.scores[row]) for row in rows]
    marks: list[Bars | Points] = []
    for label, colour, symbol, wanted in _SIDES:
        x = Pick("evaluation", tuple(scores[met == wanted] for met, scores in parts))
        y = Pick("evaluation", tuple(at[met == wanted] for met, _ in parts))
        zero = Pick("evaluation", tuple(np.zeros(int((met == wanted).sum())) for met, _ in parts))
        marks.append(Bars(zero, x, y, colour, thickness=0.16, opacity=0.55))
        marks.append(Points(x, y, colour, label, 4.5, symbol))
    notes = tuple(_score_notes(history, row) for row in rows)
    across = Axis("score, in norms", (0.0, max(1.6, longest * 1.06)))
    axis = target_rows(history, Pick("evaluation", notes))
    marks_and_norm = (Rule("x", 1.0, MUTED, "1 norm"), *marks)
    panel = Panel(across, axis, marks_and_norm, height=height_of_rows(axis, ROW))
    caption = "Distance of each target's value from what is wanted, in norms; at most max_score."
    return Figure("target_scores", title, caption, (panel,), (choice,))


@figure(section="targets", order=20, half=True)
def values_against_targets(run: Checkpoint | History) -> Figure:
    """Return the values of one of the best evaluations against what is wanted, in norms, with the last generation.

    Choices: ``evaluation`` (the best ten, and the start values).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Values against targets"
    if history.best is None:
        return nothing("values_against_targets", title, nothing_of(history))
    rows, choice = evaluation_choice(history)
    at = np.arange(len(history.targets), dtype=float)
    distances = [_distances(history, history.values[row]) for row in rows]
    last = history.place == history.place[-1]
    latest = np.column_stack([each.distance(history.values[last, n]) for n, each in enumerate(history.targets)])
    low, high = _column_quantiles(latest, 0.1), _column_quantiles(latest, 0.9)
    reach = float(np.clip(np.nanmax(np.abs(np.r_[distances[0], 0.0])) * 1.15, 3.0, 8.0))
    inside = [np.abs(each) <= 1 for each in distances]

    def of_side(numbers: list[FloatArray], wanted: bool) -> Pick:
        return Pick("evaluation", tuple(each[part == wanted] for each, part in zip(numbers, inside, strict=True)))

    axis = target_rows(history, Pick("evaluation", tuple(_value_notes(history, row) for row in rows)))
    panel = Panel(
        Axis("distance from what is wanted, in norms (0 is inside)", (-reach, reach)),
        axis,
        (
            Span("x", -1.0, 1.0, GOOD, "within 1 norm", 0.1),
            Rule("x", 0.0, MUTED, dashed=False),
            Bars(low, high, at, LIGHT_BLUE, "last generation, 10th to 90th percentile", 0.34, 0.55),
            *_start_rings(history, at),
            *(
                Points(
                    of_side(distances, wanted), of_side([at] * len(distances), wanted), colour, label, 5, symbol,
                )
                for label, colour, symbol, wanted in _SIDES
            ),
        ),
        height=height_of_rows(axis, ROW),
    )  # fmt: skip
    caption = (
        "Left: too small, right: too large. Beside each row: the value and what is wanted. "
        "Symbols on the edge of the axis lie beyond it; a target without a symbol has no value."
    )
    return Figure("values_against_targets", title, caption, (panel,), (choice,))


@figure(section="targets", order=30)
def target_scores_by_generation(run: Checkpoint | History) -> Figure:
    """Return the scores of every target of the best evaluation so far, generation by generation.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "How the targets were met"
    if history.best is None:
        return nothing("target_scores_by_generation", title, nothing_of(history))
    n = len(history.numbers)
    columns = np.unique(np.linspace(0, n - 1, min(n, _COLUMNS)).astype(int))
    cells = history.best_so_far(history.scores)[columns].T
    edges = np.r_[history.numbers[columns] - 0.5, history.numbers[-1] + 0.5]
    largest = max((each.max_score for each in history.targets), default=20.0)
    axis = target_rows(history)
    panel = Panel(
        Axis("generation", (float(edges[0]), float(edges[-1])), whole=True),
        axis,
        (Heat(cells, score_stops(largest), "score, in norms", edges, ("target", "")),),
        height=height_of_rows(axis, 17),
    )
    caption = "Score of each target of the best evaluation so far. Green: within 1 norm. A click on a row chooses it."
    if len(columns) < n:
        caption += f" {len(columns)} of {n:,} generations are drawn."
    return Figure("target_scores_by_generation", title, caption, (panel,))


@figure(section="targets", order=40)
def target_by_generation(run: Checkpoint | History) -> Figure:
    """Return the values of one target over the generations, with what is wanted and the band of 1 norm.

    Choices: ``target``.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Value of one target by generation"
    if history.best is None or not history.targets:
        return nothing("target_by_generation", title, nothing_of(history))
    across, shown = beside(history)[history.shown], history.shown
    values = history.values
    best = history.best_so_far(values)
    known = [np.flatnonzero(np.isfinite(values[shown, n])) for n in range(len(history.targets))]
    spread = [quantiles(history, values[:, n], (0.1, 0.9)) for n in range(len(history.targets))]
    x = history.numbers.astype(float)

    def title_of(n: int) -> str:
        wanted = history.targets[n]
        return with_unit(elided(wanted.label, 60), wanted.unit)

    panel = Panel(
        generations_axis(history),
        Axis(pick_target(history, title_of), pick_target(history, lambda n: target_domain(history, n))),
        (
            *target_spans(history, "y"),
            Points(
                pick_target(history, lambda n: Taken(across, known[n])),
                pick_target(history, lambda n: Taken(values[shown, n], known[n])),
                BLUE, "evaluation", 2.6, opacity=0.35,
                evaluations=pick_target(history, lambda n: known[n]),
            ),
            Band(
                x, pick_target(history, lambda n: spread[n][0]), pick_target(history, lambda n: spread[n][1]),
                LIGHT_BLUE, "10th to 90th percentile", 0.22,
            ),
            Line(x, pick_target(history, lambda n: best[:, n]), INK, "best total score so far", 2.0, step=True),
        ),
        height=300,
    )  # fmt: skip
    caption = f"Green: what is wanted, and 1 norm around it. {_missing(history)}{history.points_shown}"
    return Figure("target_by_generation", title, caption.strip(), (panel,), (target_choice(history),))


def evaluation_choice(history: History, top: int = 10) -> tuple[IntArray, Selector]:
    """Return the rows of the best evaluations and of the start values, and the choice among them."""
    ranked = history.ranked(top)
    start = [] if history.start is None or history.start in ranked else [history.start]
    rows = np.r_[ranked, start].astype(np.intp)
    names = []
    for rank, row in enumerate(rows, start=1):
        place = f"generation {history.generation[row]}, offspring {history.offspring[row]}"
        first = "the best" if rank == 1 else "the start values" if row == history.start else f"number {rank}"
        names.append(f"{first}: {place}")
    return rows, Selector("evaluation", "Of", tuple(names))


def _start_rings(history: History, at: FloatArray) -> list[Points]:
    if history.start is None:
        return []
    return [Points(_distances(history, history.values[history.start]), at, GREY, "start values", 4, "ring")]


def target_domain(history: History, n: int) -> Domain:
    """Return the ends of an axis of a target's values."""
    wanted = history.targets[n]
    edges = [edge for edge in (wanted.low, wanted.high) if math.isfinite(edge)]
    room = [edge + side * 1.5 * wanted.norm for edge in edges for side in (-1, 1) if math.isfinite(wanted.norm)]
    best = history.values[history.best, n] if history.best is not None else math.nan
    return central(history.values[:, n], *edges, *room, *([float(best)] if math.isfinite(best) else []))


def target_spans(history: History, axis: Literal["x", "y"]) -> tuple[Span, ...]:
    """Return the backgrounds of what is wanted and of 1 norm around it, for the target that is chosen."""
    return spans_of(axis, lambda edge: pick_target(history, lambda n: edge(history.targets[n])))


def spans_of(axis: Literal["x", "y"], pick: Callable[[Callable[[Wanted], float]], Pick]) -> tuple[Span, ...]:
    """Return the backgrounds of what is wanted and of 1 norm around it.

    Parameters
    ----------
    axis : str
        Of the values.
    pick : callable
        Takes what returns an edge of a target, and returns that of the target that is chosen, NaN if there is none.
    """

    def edge(wanted: Wanted, low: bool, norms: float) -> float:
        value = (wanted.low if low else wanted.high) + (-norms if low else norms) * wanted.norm
        return math.nan if math.isnan(value) else value

    def span(norms: float, label: str, opacity: float) -> Span:
        return Span(
            axis,
            pick(lambda wanted: edge(wanted, True, norms)),
            pick(lambda wanted: edge(wanted, False, norms)),
            GOOD,
            label,
            opacity,
        )

    return span(1.0, "1 norm", 0.10), span(0.0, "wanted", 0.55)


def _distances(history: History, values: FloatArray) -> FloatArray:
    return np.array([float(each.distance(values[n])) for n, each in enumerate(history.targets)])


def _column_quantiles(matrix: FloatArray, which: float) -> FloatArray:
    columns = [column[np.isfinite(column)] for column in matrix.T]
    return np.array([np.quantile(column, which) if len(column) else np.nan for column in columns])


def _score_notes(history: History, row: int) -> tuple[str, ...]:
    return tuple(f"{'✓' if score <= 1 else '✗'} {score:.3g}" for score in history.scores[row])


def _value_notes(history: History, row: int) -> tuple[str, ...]:
    return tuple(value_text(history, row, n) for n in range(len(history.targets)))


def value_text(history: History, row: int, n: int) -> str:
    """Return ``3.2 ± 0.1 Hz (1 to 5)``: a value, its standard error over trials, its unit, and what is wanted."""
    wanted = history.targets[n]
    number = value_and_error(history, row, n)
    text = f"{number} {wanted.unit}".strip() if number else "no value"
    return f"{text} ({wanted.text})" if wanted.text else text


def value_and_error(history: History, row: int, n: int, digits: int = 3) -> str:
    """Return ``3.2 ± 0.1``: a value, and its standard error if there are trials; empty if there is no value."""
    value, error = history.values[row, n], history.errors[row, n]
    beside = f" ± {error:.2g}" if math.isfinite(error) else ""
    return f"{value:.{digits}g}{beside}" if math.isfinite(value) else ""


def _missing(history: History) -> str:
    rows = history.values[history.ok]
    none = int(np.isnan(rows).all(axis=0).sum()) if len(rows) else 0
    return f"{none} of {len(history.targets)} targets never had a value. " if none else ""
