"""Means of the sheets of a model at the start and of the best, with what is wanted of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.records import FloatArray
from orchestrator.report.domains import Domain, around
from orchestrator.report.figures.common import Shown, height_of_rows, nothing, shown_of, wanted_of, why_none_shown
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import History
from orchestrator.report.naming import cut_apart
from orchestrator.report.palette import GOOD
from orchestrator.report.scene import Axis, Bars, Figure, Mark, Panel, Pick, Points, Selector
from targets.recordings.digest import SPONTANEOUS_RATES, Mean, means_in

# height of a row in CSS pixels, and characters of its name
_ROW, _LONGEST = 44, 44
# share of a row on which the evaluations are; and of an axis, the least that is visible of what is wanted
_SPREAD, _LEAST = 0.5, 0.006
# ends, and rows, of what is wanted
Intervals = tuple[FloatArray, FloatArray, FloatArray]


@figure(section="recordings", order=5, when=lambda history: bool(_quantities(history)))
def sheet_means(run: Checkpoint | History) -> Figure:
    """Return means of every sheet for the start values, the best evaluation and other good ones, and what is wanted.

    Choices: ``mean`` (rate, or a signal that was recorded).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history, title = History.of(run), "Means of the sheets"
    quantities = _quantities(history)
    if not quantities:
        return nothing("sheet_means", title, why_none_shown(history))
    default = next((n for n, each in enumerate(quantities) if each in SPONTANEOUS_RATES), 0)
    choice = Selector("mean", "Mean", quantities, default)
    shown = shown_of(history)
    means = [_means_of(one) for one in shown]
    sheets = tuple(dict.fromkeys(sheet for of_one in means for sheet, _ in of_one))
    domains = [_domain(history, sheets, what, means) for what in quantities]
    wanted = [_wanted(history, sheets, what, domain) for what, domain in zip(quantities, domains, strict=True)]
    marks: list[Mark] = []
    if any(len(each) for each, _, _ in wanted):
        low, high, rows = (Pick("mean", parts) for parts in zip(*wanted, strict=True))
        marks.append(Bars(low, high, rows, GOOD, "wanted", 0.9, 0.3))
    for n in reversed(range(len(shown))):  # the best in front
        at = np.asarray(np.arange(len(sheets)) + _SPREAD * (n / max(len(shown) - 1, 1) - 0.5), np.float64)
        marks += _marks(shown[n], at, [_columns(means[n], sheets, what) for what in quantities])
    axis = Axis(rows=tuple(cut_apart(sheets, _LONGEST)), full=sheets, domain=(-0.5, len(sheets) - 0.5))
    panel = Panel(
        Axis(Pick("mean", quantities), Pick("mean", tuple(domains))), axis, tuple(marks),
        height=height_of_rows(axis, _ROW),
    )  # fmt: skip
    caption = "Bars: standard deviation over cells, where it is known. Means over cells and trials."
    return Figure("sheet_means", title, caption, (panel,), (choice,))


def _quantities(history: History) -> tuple[str, ...]:
    shown = shown_of(history) if history.recordings else []
    return tuple(dict.fromkeys(each.what for one in shown for each in means_in(one.recordings)))


def _means_of(shown: Shown) -> dict[tuple[str, str], Mean]:
    """Return means by sheet and quantity; of others there is no room for the spread."""
    found = {(each.sheet, each.what): each for each in means_in(shown.recordings)}
    return {key: each._replace(spread=math.nan) for key, each in found.items()} if shown.kind == "other" else found


def _columns(means: dict[tuple[str, str], Mean], sheets: Sequence[str], what: str) -> tuple[FloatArray, FloatArray]:
    """Return mean and spread of every sheet, NaN if there is none."""
    none = Mean("", what, math.nan, math.nan)
    found = [means.get((sheet, what), none) for sheet in sheets]
    return np.array([each.mean for each in found]), np.array([each.spread for each in found])


def _marks(shown: Shown, at: FloatArray, columns: Sequence[tuple[FloatArray, FloatArray]]) -> list[Mark]:
    """Return the points of one evaluation, in front of how far the cells are from them."""
    x, rows = [], []
    low, high, of_bars = [], [], []
    for mean, spread in columns:
        known, wide = np.isfinite(mean), np.isfinite(mean + spread)
        x.append(mean[known])
        rows.append(at[known])
        low.append((mean - spread)[wide])
        high.append((mean + spread)[wide])
        of_bars.append(at[wide])
    points = Points(_pick(x), _pick(rows), shown.colour, shown.label, 3.5 if shown.kind == "other" else 5.0)
    bars = [Bars(_pick(low), _pick(high), _pick(of_bars), shown.colour, "", 0.1, 0.5)]
    return [*(bars if any(map(len, low)) else []), points]


def _pick(of: Sequence[FloatArray]) -> Pick:
    return Pick("mean", tuple(of))


def _domain(history: History, sheets: Sequence[str], what: str, means: Sequence[dict[tuple[str, str], Mean]]) -> Domain:
    columns = [_columns(each, sheets, what) for each in means]
    ends = [mean + side * np.nan_to_num(spread) for mean, spread in columns for side in (-1, 1)]
    edges = [
        edge for sheet in sheets for each in wanted_of(history, f"{sheet}: {what}") for edge in (each.low, each.high)
    ]
    return around(*ends, edges)


def _wanted(history: History, sheets: Sequence[str], what: str, domain: Domain) -> Intervals:
    """Return the intervals that are wanted, as far as the axis goes, and wide enough to be seen."""
    low, high, at = [], [], []
    room = _LEAST / 2 * (domain[1] - domain[0])
    for row, sheet in enumerate(sheets):
        for each in wanted_of(history, f"{sheet}: {what}"):
            if not math.isnan(each.low + each.high):
                low.append(max(each.low - room, domain[0]))
                high.append(min(each.high + room, domain[1]))
                at.append(float(row))
    return np.array(low), np.array(high), np.array(at)
