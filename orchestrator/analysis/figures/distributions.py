"""Distributions over the cells of every sheet, during spontaneous activity and in response to gratings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.analysis.figures.common import look, missing, number, sentences
from orchestrator.analysis.opened import Inspected, defined
from orchestrator.records import FloatArray
from orchestrator.report.domains import from_zero
from orchestrator.report.naming import plural
from orchestrator.report.palette import MUTED
from orchestrator.report.scene import Axis, Band, Figure, Line, Mark, Panel, Rule
from targets import (
    Datastore,
    IrregularityTarget,
    ModulationRatio,
    NoValue,
    SpontActivityTarget,
    SynchronyTarget,
)
from targets.sheet_target import rates_by_cell

_BINS = (12, 40)
_MOST_FILLED = 3
_MOST_TRAINS = 400


@dataclass(frozen=True, eq=False)
class Sample:
    """What a distribution is made of.

    Parameters
    ----------
    values : ndarray, (n,)
        One a cell, or a pair of cells.
    value : float
        What the target's definition gives for the sheet.
    of : str
        What the values are of, such as ``1,600 cells``.
    note : str
        What is left out.
    step : float
        Between two possible values, 0 where they are continuous.
    """

    values: FloatArray
    value: float
    of: str
    note: str = ""
    step: float = 0.0


def rates(data: Inspected) -> Figure:
    """Return the distribution of the cells' rates during spontaneous activity, averaged over trials.

    Parameters
    ----------
    data : Inspected
        The datastore.
    """

    def sample(store: Datastore, sheet: str) -> Sample:
        target = defined(SpontActivityTarget, sheet)
        trials = target.spontaneous(store)
        by_cell = rates_by_cell(store, sheet, trials)
        known = by_cell[np.isfinite(by_cell)]
        silent = int((known == 0).sum())
        note = f"{sheet}: {silent:,} of {len(known):,} cells are silent." if silent else ""
        step = 1000 / trials[0].spikes().duration / len(trials)  # one spike in one trial
        return Sample(known, target.measured(store), f"{len(known):,} cells", note, step)

    found, reasons = data.by_sheet(sample)
    title, axis = "Spontaneous rates of the cells", "mean rate of a cell (Hz)"
    caption = "1000 n / duration of each recorded cell, averaged over trials."
    return _histogram("rates", title, axis, what="cell", found=found, caption=caption, reasons=reasons, unit="Hz")


def irregularity(data: Inspected) -> Figure:
    """Return the distribution of the coefficients of variation of the inter-spike intervals.

    Parameters
    ----------
    data : Inspected
        The datastore.
    """

    def sample(store: Datastore, sheet: str) -> Sample:
        target = defined(IrregularityTarget, sheet)
        value = target.measured(store)
        parts, recorded = [], 0
        for segment in target.spontaneous(store):
            recorded += len(segment.spikes())
            try:
                parts.append(target.coefficients(segment))
            except NoValue:
                continue  # a trial without: the target leaves it out too
        values = np.concatenate(parts)
        few = recorded - len(values)
        note = f"{sheet}: {few:,} of {recorded:,} trains have {target.min_intervals} intervals or fewer." if few else ""
        return Sample(values, value, f"{len(values):,} trains", note)

    found, reasons = data.by_sheet(sample)
    title, axis = "Irregularity of spontaneous activity", "CV of the inter-spike intervals of a train"
    caption = "Standard deviation over mean of each train with more than 5 intervals; 1 for a Poisson process (line)."
    return _histogram("irregularity", title, axis, what="train", found=found, caption=caption, reasons=reasons, at=1.0)


def correlations(data: Inspected) -> Figure:
    """Return the distribution of the pairwise correlations of spike counts during spontaneous activity.

    Of more than 400 trains a sheet, 400 evenly chosen ones are drawn; the value of the sheet is of all of them.

    Parameters
    ----------
    data : Inspected
        The datastore.
    """

    def sample(store: Datastore, sheet: str) -> Sample:
        target = defined(SynchronyTarget, sheet)
        value = target.measured(store)
        parts, note, cells = [], "", 0
        for segment in target.spontaneous(store):
            try:
                trains = target.central_trains(store, segment)
            except NoValue:
                continue  # a trial without: the target leaves it out too
            cells = max(cells, len(trains))
            if len(trains) > _MOST_TRAINS:
                chosen = np.zeros(len(trains), dtype=bool)
                chosen[np.linspace(0, len(trains) - 1, _MOST_TRAINS).astype(int)] = True
                note = f"{sheet}: the pairs of {_MOST_TRAINS} of {len(trains):,} cells are drawn."
                trains = trains.select(chosen)
            parts.append(trains.correlations(target.bin_of(trains)))
        return Sample(np.concatenate(parts), value, f"{cells:,} cells", note)

    found, reasons = data.by_sheet(sample)
    title, axis = "Synchrony of spontaneous activity", "correlation of the spike counts of two cells in 10 ms bins"
    caption = "Pearson correlation of every pair of cells in the central 3° x 3° with more than 5 intervals."
    return _histogram(
        "correlations", title, axis, what="pair", found=found, caption=caption, reasons=reasons, at=0.0, signed=True
    )


def modulation(data: Inspected, contrast: float = 100.0) -> Figure:
    """Return the distribution of the modulation ratios 2 F1 / F0 of the responses to drifting gratings.

    Parameters
    ----------
    data : Inspected
        The datastore.
    contrast : float
        Of the gratings, in %.
    """

    def sample(store: Datastore, sheet: str) -> Sample:
        target = defined(ModulationRatio, sheet, contrast=contrast)
        f0, f1 = target.amplitudes(store)
        value = target.measured(store)
        responsive = f0 > 0
        note = (
            f"{sheet}: {int((~responsive).sum()):,} of {len(f0):,} cells do not respond." if (~responsive).any() else ""
        )
        ratios = 2 * f1[responsive] / f0[responsive]
        return Sample(ratios, value, f"{len(ratios):,} cells", note)

    found, reasons = data.by_sheet(sample)
    title = f"Modulation by drifting gratings of contrast {contrast:g} %"
    caption = (
        "Cells whose preferred orientation is within 0.1 rad of the grating's. Right of the line: modulated more than "
        "a sinusoid that just reaches 0, as simple cells are. Cells with few spikes have large ratios by chance, "
        "so the sheet's value, a ratio of means, is smaller than the mean of the cells'."
    )
    return _histogram(
        "modulation", title, "2 F1 / F0 of a cell", what="cell", found=found, caption=caption, reasons=reasons, at=1.0
    )


def _histogram(
    name: str,
    title: str,
    axis: str,
    *,
    what: str,
    found: dict[str, Sample],
    caption: str,
    reasons: Sequence[str],
    unit: str = "",
    at: float | None = None,
    signed: bool = False,
) -> Figure:
    """Draw the distributions of all sheets over the same bins, with the value of each sheet as a dashed line."""
    drawn = {sheet: each for sheet, each in found.items() if len(each.values)}
    if not drawn:
        return missing(name, title, [*reasons, *(f"{sheet}: no {what}s" for sheet in found)])
    edges, beyond = _edges(list(drawn.values()), signed=signed)
    marks: list[Mark] = [] if at is None else [Rule("x", at, MUTED, dashed=False)]
    tops, x = [], np.repeat(edges, 2)
    for n, (sheet, each) in enumerate(drawn.items()):
        counts = np.histogram(np.clip(each.values, edges[0], edges[-1]), edges)[0]
        share = np.concatenate(([0.0], np.repeat(100 * counts / len(each.values), 2), [0.0]))
        colour = look(n)
        if len(drawn) <= _MOST_FILLED:
            marks.append(Band(x, np.zeros_like(x), share, colour, "", 0.12))
        marks.append(Line(x, share, colour, f"{sheet}: {number(each.value, unit)} ({each.of})"))
        marks.append(Rule("x", each.value, colour))
        tops.append(share.max())
    panel = Panel(
        Axis(axis, (float(edges[0]), float(edges[-1]))), Axis(f"{what}s (%)", from_zero(tops)), tuple(marks), height=260
    )
    notes = [each.note for each in drawn.values() if each.note]
    if beyond:
        notes.append(f"{plural(beyond, what)} beyond the axis: in the first or last bin.")
    text = f"{caption} Dashed: the value that the target's definition gives for the sheet, which the legend tells."
    return Figure(name, title, sentences(text, *notes, *reasons), (panel,))


def _edges(samples: Sequence[Sample], *, signed: bool) -> tuple[FloatArray, int]:
    """Return the edges of common bins, and how many values lie beyond: a few far ones don't hide the rest."""
    high = max(float(np.quantile(each.values, 0.998)) for each in samples)
    low = min(float(np.quantile(each.values, 0.002)) for each in samples) if signed else 0.0
    room = (high - low) * 0.04 or 0.5
    low, high = (low - room if signed else low), high + room
    most = int(np.clip(2 * math.sqrt(max(len(each.values) for each in samples)), *_BINS))
    step = max(each.step for each in samples)
    if step:  # no bin without one of the values that there can be, or with one more of them than the next
        width = step * max(1, math.ceil((high - low) / most / step))
        edges = -step / 2 + width * np.arange(math.ceil((high + step / 2) / width) + 1)
    else:
        edges = np.linspace(low, high, most + 1)
    beyond = sum(int(((each.values < edges[0]) | (each.values > edges[-1])).sum()) for each in samples)
    return np.asarray(edges, np.float64), beyond
