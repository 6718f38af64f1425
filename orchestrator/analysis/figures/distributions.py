"""Distributions over the cells of every sheet, during spontaneous activity and in response to gratings."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from orchestrator.analysis.figures.common import look, missing, number, sentences
from orchestrator.analysis.figures.samples import Sample, correlations_sample, irregularity_sample, rates_sample
from orchestrator.analysis.opened import Inspected, defined
from orchestrator.records import FloatArray
from orchestrator.report.domains import from_zero
from orchestrator.report.naming import plural
from orchestrator.report.palette import MUTED
from orchestrator.report.scene import Axis, Band, Figure, Line, Mark, Panel, Rule
from targets import Datastore, ModulationRatio

_BINS = (12, 40)
_MOST_FILLED = 3


def rates(data: Inspected) -> Figure:
    """Return the distribution of the cells' rates during spontaneous activity, averaged over trials.

    Parameters
    ----------
    data : Inspected
        The datastore.
    """
    found, reasons = data.by_sheet(rates_sample)
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
    found, reasons = data.by_sheet(irregularity_sample)
    title, axis = "Irregularity of spontaneous activity", "CV of the inter-spike intervals of a train"
    caption = "Standard deviation over mean of each train with more than 5 intervals; 1 for a Poisson process (line)."
    return _histogram("irregularity", title, axis, what="train", found=found, caption=caption, reasons=reasons, at=1.0)


def correlations(data: Inspected) -> Figure:
    """Return the distribution of the pairwise correlations of spike counts during spontaneous activity.

    Of more than 400 trains per sheet, 400 evenly chosen ones are drawn; the value of the sheet is of all of them.

    Parameters
    ----------
    data : Inspected
        The datastore.
    """
    found, reasons = data.by_sheet(correlations_sample)
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
