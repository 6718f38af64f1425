"""Spontaneous activity over time: raster and population rate."""

from __future__ import annotations

import numpy as np

from orchestrator.analysis.figures.common import evenly, look, missing, number, sentences
from orchestrator.analysis.opened import Inspected
from orchestrator.report.domains import from_zero
from orchestrator.report.scene import Axis, Figure, Line, Mark, Panel, Points
from targets import Datastore, NoValue, SpikeTrains

_MOST_SPIKES = 30_000
_MOST_BINS = 1500


def raster(data: Inspected, *, neurons: int = 300, start: float = 0.0, duration: float = 1000.0) -> Figure:
    """Return the spikes of the first presentation of the spontaneous stimulus, sheets one above the other.

    Parameters
    ----------
    data : Inspected
        The datastore.
    neurons : int
        How many at most, shared evenly among the sheets; evenly chosen from those that were recorded.
    start, duration : float
        The part of the recording, in ms; it is shortened where more than 30,000 spikes would be drawn.
    """
    title = "Spikes during spontaneous activity"
    found, reasons = data.by_sheet(_first_trial)
    if not found:
        return missing("raster", title, reasons)
    own = max(1, neurons // len(found))
    chosen = {sheet: evenly(trains, own) for sheet, trains in found.items()}
    low = min(each.t_start for each in found.values()) + start
    last = max(each.t_stop for each in found.values())
    high = _end_of_window(list(chosen.values()), low, min(low + duration, last))
    marks: list[Mark] = []
    floor, notes = 0, []
    for n, (sheet, trains) in enumerate(chosen.items()):
        inside = (trains.times >= low) & (trains.times <= high)
        rows = floor + trains.owners()[inside].astype(float)
        label = f"{sheet}: {len(trains):,} of {len(found[sheet]):,} neurons"
        marks.append(Points(trains.times[inside], rows, look(n), "", 1.2))
        marks.append(Points(np.zeros(0), np.zeros(0), look(n), label, 5))  # for the legend: spikes are small
        if not trains.times.size:
            notes.append(f"{sheet} is silent.")
        floor += len(trains)
    panel = Panel(
        Axis("time (ms)", (low, high)), Axis("neuron", (-1.0, float(floor)), whole=True), tuple(marks), height=380
    )
    if high < min(low + duration, last):
        notes.append(f"Only the first {high - low:.3g} ms, because there are many spikes.")
    whole = f"{high - low:.4g} ms of the {last - low + start:.4g} ms that were recorded"
    caption = f"One row per neuron, evenly chosen in the order of their ids; {whole}."
    return Figure("raster", title, sentences(caption, *notes, *reasons), (panel,))


def population_rate(data: Inspected, *, bin_width: float = 5.0) -> Figure:
    """Return the rate averaged over all recorded neurons of each sheet, over the whole spontaneous recording.

    Parameters
    ----------
    data : Inspected
        The datastore.
    bin_width : float
        In ms; wider where the recording has more than 1,500 bins.
    """
    title = "Population rate during spontaneous activity"
    found, reasons = data.by_sheet(_first_trial)
    if not found:
        return missing("population_rate", title, reasons)
    longest = max(each.duration for each in found.values())
    width = max(bin_width, longest / _MOST_BINS)
    marks: list[Mark] = []
    tops = []
    for n, (sheet, trains) in enumerate(found.items()):
        psth = trains.psth(width)
        times = trains.t_start + width * (np.arange(len(psth)) + 0.5)
        marks.append(Line(times, psth, look(n), f"{sheet}: mean {number(float(trains.rates().mean()), 'Hz')}", 1.2))
        tops.append(float(psth.max(initial=0.0)))
    domain = (min(each.t_start for each in found.values()), max(each.t_stop for each in found.values()))
    panel = Panel(Axis("time (ms)", domain), Axis("rate (Hz)", from_zero(tops)), tuple(marks), height=230)
    caption = f"Spikes of all recorded neurons in bins of {width:.3g} ms, first trial. Synchrony shows as peaks."
    return Figure("population_rate", title, sentences(caption, *reasons), (panel,))


def _first_trial(store: Datastore, sheet: str) -> SpikeTrains:
    segments = store.spontaneous(sheet)
    if not segments:
        raise NoValue("no recording of spontaneous activity")
    return segments[0].spikes()


def _end_of_window(all_trains: list[SpikeTrains], low: float, high: float) -> float:
    """Return the end of the window, such that it has no more spikes than can be told apart."""
    times = np.sort(np.concatenate([each.times for each in all_trains]))
    inside = times[(times >= low) & (times <= high)]
    return float(inside[_MOST_SPIKES]) if len(inside) > _MOST_SPIKES else high
