"""Where the search has been within the bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.optimisers.space import Parameter
from orchestrator.records import FloatArray
from orchestrator.report.domains import parameter_domain, places_between
from orchestrator.report.figures.common import (
    NOTHING_MEASURED,
    beside,
    generations_axis,
    height_of_rows,
    nothing,
    nothing_of,
    parameter_choice,
    parameter_names,
    parameter_rows,
    pick_parameter,
)
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import BoolArray, History
from orchestrator.report.palette import BAD, BLUE, FAINT, GREY, INK, LIGHT_BLUE, MUTED
from orchestrator.report.scene import Axis, Band, Bars, Figure, Line, Panel, Pick, Points, Rule, Selector, Taken

# points in each of many small panels
_FEW = 250
# closer to a bound than this share of the range, and the bound may be what holds the search
NEAR = 0.02
# of all evaluations that were measured, and how many at least, and at most as points
_BEST, _FEWEST, _DRAWN = 0.1, 10, 60


def between_bounds(history: History, row: int | None) -> FloatArray:
    """Return where an evaluation's parameters lie from the lower bound (0) to the upper (1), on their own scales.

    NaN if there is no such evaluation or value.
    """
    values = history.points[row] if row is not None else np.full(len(history.parameters), np.nan)
    return places_between(history.space, values.tolist())


def near_bounds(history: History, places: FloatArray) -> BoolArray:
    """Return which of the places that `between_bounds` gives are at a bound, or as good as; a choice has no bounds."""
    bounded = np.array([each.choice is None for each in history.parameters], dtype=bool)
    return np.asarray(bounded & ((places < NEAR) | (places > 1 - NEAR)))


def _around(history: History, point: FloatArray) -> tuple[Parameter, ...]:
    """Return the parameters with the bounds that they have at a point of the unit cube."""
    if not history.space.moves:
        return history.parameters
    return history.space.beside(history.space.decode(np.clip(np.nan_to_num(point), 0.0, 1.0)))


@figure(section="parameters", order=10)
def parameters_in_bounds(run: Checkpoint | History) -> Figure:
    """Return every parameter of the best evaluation between its bounds, with where the search is now.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Parameters within their bounds"
    if not len(history):
        return nothing("parameters_in_bounds", title)
    best = between_bounds(history, history.best)
    at = np.arange(len(best), dtype=float)
    near = near_bounds(history, best)
    notes = tuple(_note(history, n) for n in range(len(at)))
    axis = parameter_rows(history, notes)
    panel = Panel(
        Axis("between the lower (0) and the upper bound (1), on the parameter's scale", (-0.03, 1.03)),
        axis,
        (
            Rule("x", 0.0, FAINT, dashed=False),
            Rule("x", 1.0, FAINT, dashed=False),
            *_search_now(history, at),
            *_start_rings(history, at),
            Points(best[~near], at[~near], INK, "best", 5, "dot"),
            Points(best[near], at[near], BAD, f"best, within {NEAR:.0%} of a bound !", 5, "diamond"),
        ),
        height=height_of_rows(axis, 22),
    )  # fmt: skip
    caption = "Best evaluation, start values, and the distribution of the last generation. Beside: the best value."
    if not _has_distribution(history):
        caption = "Best evaluation and start values. Beside: the best value."
    if history.best is None:
        caption = f"Start values, and the distribution of the last generation. {NOTHING_MEASURED}"
    return Figure("parameters_in_bounds", title, caption, (panel,))


@figure(section="parameters", order=15)
def parameters_of_the_best(run: Checkpoint | History) -> Figure:
    """Return how the parameters of the best evaluations, or of the Pareto front, are distributed within their bounds.

    Choices: ``which`` (the best 10 %, the Pareto front).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Parameters of the best"
    if history.best is None:
        return nothing("parameters_of_the_best", title, nothing_of(history))
    best = history.ranked(max(_FEWEST, round(_BEST * int(history.ok.sum()))))
    groups = [np.array([between_bounds(history, int(row)) for row in rows]) for rows in (best, history.front)]
    at = np.arange(len(history.parameters), dtype=float)
    low, median, high = (
        Pick("which", tuple(np.quantile(group, share, axis=0) for group in groups)) for share in (0.25, 0.5, 0.75)
    )
    axis = parameter_rows(history)
    drawn = [group[np.unique(np.linspace(0, len(group) - 1, _DRAWN).astype(int))] for group in groups]
    panel = Panel(
        Axis("between the lower (0) and the upper bound (1), on the parameter's scale", (-0.03, 1.03)),
        axis,
        (
            Rule("x", 0.0, FAINT, dashed=False),
            Rule("x", 1.0, FAINT, dashed=False),
            Bars(low, high, at, LIGHT_BLUE, "half of them", 0.5, 0.6),
            Points(
                Pick("which", tuple(group.ravel() for group in drawn)),
                Pick("which", tuple(np.tile(at, len(group)) for group in drawn)), BLUE, "each", 2.2, "dot", 0.4,
            ),
            Points(median, at, INK, "median", 4, "diamond"),
        ),
        height=height_of_rows(axis, 22),
    )  # fmt: skip
    sizes = [f"the {len(best):,} best", f"the Pareto front, {len(history.front):,}"]
    caption = (
        f"Of {int(history.ok.sum()):,} measured evaluations: {sizes[0]}, or {sizes[1]}. A parameter whose values lie "
        "close together is determined by the targets; one that is spread over its range is not, or goes with another."
    )
    options = ("the best 10 %", "the Pareto front")
    return Figure("parameters_of_the_best", title, caption, (panel,), (Selector("which", "Of", options),))


@figure(section="parameters", order=20)
def parameter_exploration(run: Checkpoint | History) -> Figure:
    """Return the values of one parameter over the generations, within its bounds.

    Choices: ``parameter``.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Exploration of one parameter"
    if not len(history):
        return nothing("parameter_exploration", title)
    shown, across = history.shown, beside(history)[history.shown]
    measured, failed = np.flatnonzero(history.ok[shown]), np.flatnonzero(~history.ok[shown])
    columns = [history.points[shown, n] for n in range(len(history.parameters))]
    best = history.best_so_far(history.points)
    x = history.numbers.astype(float)
    search = _search(history)
    panel = Panel(
        generations_axis(history),
        Axis(
            pick_parameter(history, lambda n: history.parameters[n].name),
            pick_parameter(history, lambda n: parameter_domain(history.parameters[n])),
            pick_parameter(history, lambda n: "log" if history.parameters[n].log else "linear"),
        ),
        (
            Rule("y", pick_parameter(history, lambda n: history.parameters[n].low), MUTED, "bounds"),
            Rule("y", pick_parameter(history, lambda n: history.parameters[n].high), MUTED),
            *search[:1],
            Points(
                Taken(across, measured), pick_parameter(history, lambda n: Taken(columns[n], measured)),
                BLUE, "measured", 2.6, opacity=0.4, evaluations=measured,
            ),
            Points(
                Taken(across, failed), pick_parameter(history, lambda n: Taken(columns[n], failed)),
                BAD, "exploded or failed ×", 3.2, "cross", 0.7, failed,
            ),
            *search[1:],
            Line(x, pick_parameter(history, lambda n: best[:, n]), INK, "best so far", 2.0, step=True),
        ),
        height=300,
    )  # fmt: skip
    caption = " ".join(filter(None, [history.points_shown, _widest_drawn(history)]))
    return Figure("parameter_exploration", title, caption, (panel,), (parameter_choice(history),))


@figure(section="parameters", order=25, when=lambda history: len(history.parameters) > 1)
def parameters_exploration(run: Checkpoint | History) -> Figure:
    """Return the values of every parameter over the generations, within its bounds, one small panel each.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Exploration of all parameters"
    if not len(history):
        return nothing("parameters_exploration", title)
    shown, across = history.shown, beside(history)[history.shown]
    measured = np.flatnonzero(history.ok[shown])
    measured = measured[np.unique(np.linspace(0, len(measured) - 1, min(_FEW, len(measured))).astype(int))]
    best = history.best_so_far(history.points)
    time = replace(generations_axis(history), title="")
    x, search = history.numbers.astype(float), _search(history)
    panels = tuple(
        Panel(
            time,
            Axis("", parameter_domain(each), "log" if each.log else "linear"),
            (
                Rule("y", each.low, FAINT, dashed=False),
                Rule("y", each.high, FAINT, dashed=False),
                *(_of_parameter(mark, n) for mark in search[:1]),
                Points(
                    Taken(across, measured), Taken(history.points[shown, n], measured),
                    BLUE, "measured", 1.6, opacity=0.35, evaluations=measured,
                ),
                Line(x, best[:, n], INK, "best so far", 1.6, step=True),
            ),
            name,
            height=84,
        )
        for n, (each, name) in enumerate(zip(history.parameters, parameter_names(history, 24), strict=True))
    )  # fmt: skip
    caption = f"Over the generations, from bound to bound. {len(measured):,} evaluations are drawn in each."
    caption = f"{caption} {_widest_drawn(history)}".strip()
    return Figure("parameters_exploration", title, caption, panels, columns=5)


def _widest_drawn(history: History) -> str:
    """Return which bounds are drawn of parameters whose bounds others decide; empty if there are none."""
    moving = [each.name for each in history.parameters if each.moving is not None]
    return f"Of bounds that other parameters decide ({', '.join(moving)}), the widest are drawn." if moving else ""


def _of_parameter(mark: Band | Line, n: int) -> Band | Line:
    """Return a mark of the parameter that is chosen as that of one of them."""
    changes = {side.name: of.of[n] for side in fields(mark) if isinstance(of := getattr(mark, side.name), Pick)}
    return replace(mark, **changes)


def _note(history: History, n: int) -> str:
    each, value = history.parameters[n], ""
    if history.best is not None:
        best = history.points[history.best].tolist()
        each = history.space.beside(dict(zip(history.space.names, best, strict=True)))[n]
        value = f"{best[n]:.4g}  "
    if each.choice is not None:
        return f"{value}of {len(each.choice.values)} values"
    return f"{value}in {each.low:.3g} … {each.high:.3g}{' log' if each.log else ''}"


def _has_distribution(history: History) -> bool:
    """Return whether the optimiser says from which distribution it draws."""
    return len(history.distribution.get("mean", ())) > 0 and "covariance" in history.distribution


def _search_now(history: History, at: FloatArray) -> list[Bars]:
    """Return mean and standard deviation of the distribution from which the last generation was drawn."""
    if not _has_distribution(history):
        return []
    mean, covariance = history.distribution["mean"][-1], history.distribution["covariance"][-1]
    deviation = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    parameters = _around(history, mean)
    low, high = (
        np.array([each.place(x) for each, x in zip(parameters, end, strict=True)])
        for end in (mean - deviation, mean + deviation)
    )
    label = "search now: mean ± 1 standard deviation"
    return [Bars(np.clip(low, 0, 1), np.clip(high, 0, 1), at, LIGHT_BLUE, label, 0.4, 0.6)]


def _start_rings(history: History, at: FloatArray) -> list[Points]:
    if history.start is None:
        return []
    return [Points(between_bounds(history, history.start), at, GREY, "start values", 4, "ring")]


def _search(history: History) -> list[Band | Line]:
    """Return the search distribution by generation: a band behind, and a line in front of the evaluations."""
    if not _has_distribution(history):
        return []
    means = history.distribution["mean"][: len(history.numbers)]
    around = [_around(history, mean) for mean in means]
    bands = [_band(history, n, [each[n] for each in around]) for n in range(len(history.parameters))]
    low, mean, high = (Pick("parameter", each) for each in zip(*bands, strict=True))
    x = history.numbers.astype(float)[: len(bands[0][0])]
    return [
        Band(x, low, high, LIGHT_BLUE, "search: mean ± 1 standard deviation", 0.28),
        Line(x, mean, BLUE, "mean of the search", 1.4),
    ]


def _band(history: History, n: int, parameters: Sequence[Parameter]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean - sd, mean and mean + sd of the search by generation in the unit of a parameter, as it is in each."""
    mean = history.distribution["mean"][: len(history.numbers), n]
    deviation = np.sqrt(np.maximum(history.distribution["covariance"][: len(mean), n, n], 0.0))

    def decoded(coordinates: FloatArray) -> FloatArray:
        pairs = zip(parameters, np.clip(np.nan_to_num(coordinates), 0.0, 1.0), strict=True)
        return np.array([float(each.decode(float(u))) for each, u in pairs])

    return decoded(mean - deviation), decoded(mean), decoded(mean + deviation)
