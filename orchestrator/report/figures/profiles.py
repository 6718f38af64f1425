"""Parameters, values and total score of many evaluations at once, in parallel coordinates (Inselberg 1985)."""

from __future__ import annotations

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.optimisers.space import Parameter
from orchestrator.records import FloatArray
from orchestrator.report.domains import Domain
from orchestrator.report.figures.common import labels, names, nothing, nothing_of, parameter_names, target_names
from orchestrator.report.figures.registry import figure
from orchestrator.report.figures.targets import target_domain
from orchestrator.report.history import History, IntArray
from orchestrator.report.naming import elided
from orchestrator.report.palette import BAD, BLUE, GOOD, INK, LIGHT_BLUE
from orchestrator.report.scene import Axis, Bars, Figure, Panel, Profiles

# numbers that are drawn at most, and evaluations
_NUMBERS, _LINES = 40_000, 800
# which share of the lines stands out as the best ones
_BEST = 0.1


@figure(section="parameters", order=60)
def parallel_coordinates(run: Checkpoint | History) -> Figure:
    """Return total score, parameters and values of evaluations, each as a line through a row for each of them.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Parameters and targets together"
    if history.best is None:
        return nothing("parallel_coordinates", title, nothing_of(history))
    domains = [target_domain(history, n) for n in range(len(history.targets))]
    width = 1 + len(history.parameters) + len(history.targets)
    lines = _lines(history, width)
    behind, *before = [
        Profiles(_places(history, domains, rows), np.searchsorted(history.shown, rows), *look)
        for rows, look in _groups(history, lines)
        if len(rows)
    ]
    panel = Panel(
        Axis("lowest (0) to highest (1) of the row", (-0.02, 1.02)),
        Axis(
            "", (-0.5, width - 0.5),
            rows=("total score", *parameter_names(history), *target_names(history)),
            full=("total score", *names(history), *labels(history)), notes=_notes(history, domains),
        ),
        (behind, _wanted(history, domains), *before),
        height=20 * width,
    )  # fmt: skip
    measured = int(history.ok.sum())
    of = f" {len(lines):,} of {measured:,} measured evaluations are drawn." if len(lines) < measured else ""
    caption = (
        "Every line is a measured evaluation. Draw along a row to choose those that are there, along several for those "
        "that are in all of them, or a box in any figure of evaluations; what is chosen stands out in all figures. "
        f"Values beyond the ends are drawn on them.{of}"
    )
    return Figure("parallel_coordinates", title, caption, (panel,))


def _places(history: History, domains: list[Domain], rows: IntArray) -> FloatArray:
    """Return where total score, parameters and values of evaluations lie, shape (n_evaluations, n_rows)."""
    low, high = np.array([_of_totals(history), *domains]).T
    numbers = np.column_stack([history.total[rows], history.values[rows]])
    with np.errstate(over="ignore"):  # what is far beyond the ends is drawn on them
        scaled = np.clip((numbers - low) / (high - low), 0.0, 1.0)
    return np.hstack([scaled[:, :1], history.places[rows], scaled[:, 1:]])


def _of_totals(history: History) -> Domain:
    """Return the best total score, and the one that nine of ten measured evaluations do not exceed."""
    low, high = np.nanquantile(history.measured, [0.0, 0.9])
    return (float(low), float(high) if high > low else float(low) + 1.0)


def _lines(history: History, width: int) -> IntArray:
    """Return the rows that are drawn, the worst first: of many the best half, and the others evenly."""
    measured = history.shown[history.ok[history.shown]]
    ranked = measured[np.argsort(history.ranks[measured], kind="stable")]
    most = min(_LINES, max(100, _NUMBERS // width))
    if len(ranked) > most:
        half = most // 2
        ranked = ranked[np.r_[:half, np.linspace(half, len(ranked) - 1, most - half).astype(int)]]
    return ranked[::-1]


def _groups(history: History, lines: IntArray) -> list[tuple[IntArray, tuple[str, str, float, float]]]:
    """Return the lines that are drawn alike, with colour, label, width and opacity."""
    best = max(1, round(_BEST * len(lines)))
    front = np.isin(lines, history.front) if len(history.targets) > 1 else np.zeros(len(lines), dtype=bool)
    few = front & (len(history.front) <= len(lines) / 2)  # a front of nearly all tells nothing
    good, first = np.arange(len(lines)) >= len(lines) - best, lines == history.best
    return [
        (lines[~few & ~good & ~first], (LIGHT_BLUE, "others", 0.8, 0.35)),
        (lines[few & ~good & ~first], (BAD, "on the Pareto front", 0.9, 0.45)),
        (lines[good & ~first], (BLUE, f"best {len(lines[good]):,} of these", 1.0, 0.6)),
        (lines[first], (INK, "best", 2.2, 1.0)),
    ]


def _wanted(history: History, domains: list[Domain]) -> Bars:
    """Return what is wanted of each target, as far as it is known and seen."""
    first = 1 + len(history.parameters)
    low, high = np.array([(each.low, each.high) for each in history.targets]).reshape(-1, 2).T
    ends = np.array(domains).reshape(-1, 2)
    begin, end = ((np.clip(side, *ends.T) - ends[:, 0]) / (ends[:, 1] - ends[:, 0]) for side in (low, high))
    # a point is seen, too
    room = np.where(end - begin < 0.01, 0.005, 0.0)
    at = first + np.arange(len(history.targets), dtype=float)
    return Bars(begin - room, end + room, at, GOOD, "wanted", 0.5, 0.35)


def _notes(history: History, domains: list[Domain]) -> tuple[str, ...]:
    """Return the ends of each row."""
    low, high = _of_totals(history)
    parameters = (f"{_ends(each)}{' log' if each.log else ''}" for each in history.parameters)
    values = (
        f"{ends[0]:.3g} … {ends[1]:.3g} {each.unit}".strip()
        for each, ends in zip(history.targets, domains, strict=True)
    )
    return (f"{low:.3g} … {high:.3g}", *parameters, *values)


def _ends(parameter: Parameter) -> str:
    if parameter.moving is None:
        return f"{parameter.low:.3g} … {parameter.high:.3g}"
    return f"{elided(parameter.moving.low.text, 20)} … {elided(parameter.moving.high.text, 20)}"
