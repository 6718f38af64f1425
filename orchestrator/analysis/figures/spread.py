"""How rate, irregularity and synchrony of spontaneous activity spread in each sheet, sheets beside each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from orchestrator.analysis.figures.common import missing, number, sentences
from orchestrator.analysis.figures.samples import Sample, correlations_sample, irregularity_sample, rates_sample
from orchestrator.analysis.opened import Inspected, defined
from orchestrator.report.domains import around, from_zero
from orchestrator.report.palette import BAD, BLUE, GOOD, INK
from orchestrator.report.scene import Axis, Band, Bars, Figure, Mark, Panel, Points
from targets import Datastore, IrregularityTarget, SpontActivityTarget, SynchronyTarget, Target
from targets.spontaneous import SpontaneousIrregularity, SpontaneousRate, SpontaneousSynchrony

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_Interval = tuple[int, float, float]
_ROW, _ROOM = 26, 70


@dataclass(frozen=True)
class _Quantity:
    """One of the three quantities: its axis, its values of single cells, and the classes of its targets."""

    axis: str
    sample: Callable[[Datastore, str], Sample]
    value: type[Any]  # abstract: without the kind of target
    definition: type[Target]
    signed: bool = False


_QUANTITIES = (
    _Quantity("rate of a cell (Hz)", rates_sample, SpontaneousRate, SpontActivityTarget),
    _Quantity("CV of a train's intervals", irregularity_sample, SpontaneousIrregularity, IrregularityTarget),
    _Quantity("correlation of two cells", correlations_sample, SpontaneousSynchrony, SynchronyTarget, signed=True),
)


def spontaneous_spread(data: Inspected, wanted: Sequence[Target] = ()) -> Figure:
    """Return quartiles, 5th to 95th percentiles and medians of rate, CV and correlation, one row per sheet.

    Beside them is the value that the target's definition gives for the sheet, and what its target wants.

    Parameters
    ----------
    data : Inspected
        The datastore.
    wanted : sequence of targets.Target, optional
        Those of a configuration, as `orchestrator.analysis.wanted_targets` returns them. If one measures its sheet
        with other options than the defaults, its interval is of another value, and is left out.
    """
    title = "Spread of spontaneous activity"
    found, reasons = {}, []
    for each in _QUANTITIES:
        found[each], why = data.by_sheet(each.sample)
        reasons += why
    sheets = [sheet for sheet in data.sheets if any(sheet in samples for samples in found.values())]
    if not sheets:
        return missing("spontaneous_spread", title, reasons)
    panels, notes, all_intervals = [], [], []
    for n, (quantity, samples) in enumerate(found.items()):
        intervals, other = _intervals(quantity, sheets, wanted)
        notes += other
        all_intervals += intervals
        panels.append(_panel(quantity, sheets, samples, intervals, names=n == 0))
    panels[0] = replace(panels[0], marks=(*panels[0].marks, *_legend(all_intervals)))
    drawn = dict.fromkeys(sample.note for sample in found[_QUANTITIES[2]].values() if sample.note)
    caption = (
        "Cells, trains with more than 5 intervals, and pairs of cells in the central 3° x 3°. At the right, the "
        "value of the sheet by the target's definition, and the standard deviation."
    )
    text = sentences(caption, *drawn, *notes, *dict.fromkeys(reasons))
    return Figure("spontaneous_spread", title, text, tuple(panels), columns=len(panels))


def _intervals(
    quantity: _Quantity, sheets: Sequence[str], wanted: Sequence[Target]
) -> tuple[list[_Interval], list[str]]:
    """Return row, least and largest wanted value of each target of a quantity, and which are left out."""
    intervals, notes = [], []
    for target in wanted:
        sheet, interval = target.sheet_name, target.wanted_interval
        if not isinstance(target, quantity.value) or interval is None or sheet not in sheets:
            continue
        scoring = set(target.options_of_score)
        usual = defined(quantity.definition, str(sheet)).model_dump(exclude=scoring)
        if target.model_dump(exclude=scoring) == usual:
            intervals.append((sheets.index(str(sheet)), *interval))
        else:
            notes.append(f"{target.label} has options of its own: what it wants is not drawn.")
    return intervals, notes


def _panel(
    quantity: _Quantity,
    sheets: Sequence[str],
    samples: dict[str, Sample],
    intervals: Sequence[_Interval],
    *,
    names: bool,
) -> Panel:
    rows = [row for row, sheet in enumerate(sheets) if sheet in samples]
    drawn = [samples[sheets[row]] for row in rows]
    values = np.array([each.value for each in drawn])
    low, first, median, third, high = (
        np.array([np.quantile(each.values, _QUANTILES) for each in drawn]).reshape(-1, 5).T
    )
    edges = [edge for _, *interval in intervals for edge in interval if math.isfinite(edge)]
    domain = around(0.0, low, high, values, edges) if quantity.signed else from_zero(high, values, edges)
    at = np.array(rows, float)
    marks = (
        *_wanted(intervals),
        Bars(low, high, at, BLUE, "5th to 95th percentile", 0.07, 0.8),
        Bars(first, third, at, BLUE, "quartiles", 0.4, 0.45),
        Points(median, at, INK, "median", 3.5),
        Points(values, at, BAD, "the target's value", 4, "diamond"),
    )
    notes = [_in_words(samples[sheet]) if sheet in samples else "–" for sheet in sheets]
    shown = tuple(sheets) if names else ("",) * len(sheets)  # those of the panels beside are the same
    vertical = Axis("", (-0.6, len(sheets) - 0.4), rows=shown, notes=tuple(notes))
    return Panel(Axis(quantity.axis, domain), vertical, marks, height=_ROOM + _ROW * len(sheets))


def _in_words(sample: Sample) -> str:
    deviation = round(float(sample.values.std()), 9)  # of equal values it is not exactly 0
    return f"{number(sample.value)} ± {number(deviation)}"


def _wanted(intervals: Sequence[_Interval]) -> list[Mark]:
    """Return bars of the wanted intervals, and rings where a single value is wanted."""
    marks: list[Mark] = []
    wide, single = ([each for each in intervals if (each[1] < each[2]) == is_wide] for is_wide in (True, False))
    if wide:
        row, low, high = np.array(wide).T
        marks.append(Bars(low, high, row, GOOD, "", 0.8, 0.2))
    if single:
        row, low, _ = np.array(single).T
        marks.append(Points(low, row, GOOD, "", 6, "ring"))
    return marks


def _legend(intervals: Sequence[_Interval]) -> list[Mark]:
    """Return marks for the legend, which is that of the first panel, of what any panel has."""
    nothing = np.zeros(0)
    marks: list[Mark] = []
    if any(low < high for _, low, high in intervals):
        marks.append(Band(nothing, nothing, nothing, GOOD, "wanted", 0.2))
    if any(low == high for _, low, high in intervals):
        marks.append(Points(nothing, nothing, GOOD, "wanted", 6, "ring"))
    return marks
