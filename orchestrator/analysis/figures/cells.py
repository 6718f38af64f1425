"""Orientation tuning of single cells: their responses, also relative to spontaneous activity, and their half widths."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from orchestrator.analysis.figures.common import LEAST_EXPLAINED, Indices, look, missing, number, sentences, some_of
from orchestrator.analysis.opened import Inspected, defined
from orchestrator.records import FloatArray
from orchestrator.report.domains import from_zero
from orchestrator.report.palette import GREY, INK, MUTED
from orchestrator.report.scene import Axis, Figure, Line, Mark, Panel, Points, Rule
from targets import Datastore, DatastoreError, NoValue, SpontActivityTarget
from targets.tuning import OrientationResponses, all_orientation_responses

_BINS = 25
_WIDEST = 75.0  # degrees


def orientation_scatter(data: Inspected, sheet: str, cells: int = 100) -> Figure:
    """Return responses of cells to gratings of every contrast over the distance from their preferred orientation.

    Beside them, the same over the spontaneous rate of the sheet, and the half widths at the lowest contrast against
    those at the highest one, where there are enough orientations.

    Parameters
    ----------
    data : Inspected
        The datastore.
    sheet : str
        One of its sheets.
    cells : int
        How many are drawn at most, evenly chosen from those with a preferred orientation; means are of all.

    Raises
    ------
    orchestrator.errors.UsageError
        If no cells are wanted.
    """
    name, title = "orientation_scatter", f"Orientation tuning of the cells of {sheet}"
    if data.store is None or data.problem:
        return missing(name, title, [data.problem])
    try:
        responses = all_orientation_responses(data.store, sheet)
    except (NoValue, DatastoreError) as reason:
        return missing(name, title, [f"{sheet}: {reason}"])
    recorded = [np.isfinite(each.rates).any(axis=0) for each in responses]
    known = np.flatnonzero(np.isfinite(responses[0].preferred) & np.all(recorded, axis=0))
    if not known.size:
        return missing(name, title, [f"{sheet}: no cell with a preferred orientation was recorded"])
    drawn = known[some_of(len(known), cells)]
    spontaneous, note = _spontaneous(data.store, sheet)
    panels = [_responses(responses, (known, drawn), spontaneous, "rate (Hz)")]
    if spontaneous > 0:
        label = "rate / spontaneous rate of the sheet"
        panels.append(_responses(responses, (known, drawn), spontaneous, label, unit=spontaneous))
    widths, why = _widths(responses, drawn)
    panels += widths
    caption = f"{len(drawn):,} of {len(known):,} cells; lines: means over all of them in {_BINS} bins"
    return Figure(name, title, sentences(caption, note, why), tuple(panels))


def _spontaneous(store: Datastore, sheet: str) -> tuple[float, str]:
    """Return the spontaneous rate of the sheet in Hz by its target's definition, NaN and why if there is none."""
    try:
        rate = defined(SpontActivityTarget, sheet).measured(store)
    except (NoValue, DatastoreError) as reason:
        return math.nan, f"Nothing is relative to spontaneous activity: {reason}"
    return rate, "" if rate > 0 else "Nothing is relative to spontaneous activity: the spontaneous rate is 0"


def _responses(
    responses: Sequence[OrientationResponses],
    cells: tuple[Indices, Indices],
    spontaneous: float,
    axis: str,
    *,
    unit: float = 1.0,
) -> Panel:
    """Draw the responses of all cells and of those that are drawn, in units of `unit` Hz."""
    known, drawn = cells
    points: list[Mark] = []
    lines: list[Mark] = []
    tops = []
    for n, each in enumerate(responses):
        x, y = _offsets(each, drawn), each.rates[:, drawn].ravel() / unit
        points.append(Points(x, y, look(n), f"contrast {each.contrast:g} %", 3, opacity=0.25))
        centres, means = _binned(_offsets(each, known), each.rates[:, known].ravel() / unit)
        lines += [Line(centres, means, INK, "", 3.0), Line(centres, means, look(n), "", 1.8)]
        tops += [np.quantile(y[np.isfinite(y)], [0.99]), means]
    if math.isfinite(spontaneous):
        lines.append(Rule("y", spontaneous / unit, MUTED, f"spontaneous: {number(spontaneous, 'Hz')}"))
        tops.append(np.array([spontaneous / unit]))
    across = Axis("orientation from the preferred one (°)", (-90.0, 90.0))
    return Panel(across, Axis(axis, from_zero(*tops)), (*points, *lines), height=270)


def _offsets(responses: OrientationResponses, cells: Indices) -> FloatArray:
    """Return the orientation of every grating from the preferred one of every cell, in degrees, [-90, 90)."""
    difference = responses.orientations[:, None] - responses.preferred[cells]
    return np.asarray(np.degrees((difference + math.pi / 2) % math.pi - math.pi / 2).ravel())


def _binned(offsets: FloatArray, rates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the centres of the bins that hold some rates, and their means."""
    recorded = np.isfinite(rates)
    edges = np.linspace(-90.0, 90.0, _BINS + 1)
    numbers = np.histogram(offsets[recorded], edges)[0]
    sums = np.histogram(offsets[recorded], edges, weights=rates[recorded])[0]
    filled = numbers > 0
    return (edges[:-1] + 90.0 / _BINS)[filled], sums[filled] / numbers[filled]


def _widths(responses: Sequence[OrientationResponses], cells: Indices) -> tuple[list[Panel], str]:
    """Return the panel of half widths at two contrasts, or why there is none."""
    if len(responses) < 2:
        return [], f"Gratings of one contrast, {responses[0].contrast:g} %, were presented: no half widths at two"
    ends = (responses[0], responses[-1])
    try:
        fits = [each.widths() for each in ends]
    except NoValue as reason:
        return [], f"Half widths: {reason}"
    good = [cell for cell in cells.tolist() if all(explained[cell] >= LEAST_EXPLAINED for _, explained in fits)]
    low, high = (np.degrees(widths[good]) for widths, _ in fits)
    note = (
        f"Half widths at half height of a Gaussian: the {len(good):,} cells of whose responses it explains "
        f"{LEAST_EXPLAINED:.0%} or more at both contrasts"
    )
    if not good:
        return [], note
    equal = np.array([0.0, _WIDEST])
    marks = (Line(equal, equal, GREY, "", 1.0, dashed=True), Points(low, high, INK, "a cell", 3, opacity=0.5))
    x, y = (Axis(f"half width at contrast {each.contrast:g} % (°)", (0.0, _WIDEST)) for each in ends)
    return [Panel(x, y, marks, height=270)], note
