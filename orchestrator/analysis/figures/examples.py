"""What was recorded of one cell, which is chosen by its response."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from orchestrator.analysis.figures.common import Indices, look, missing, number, sentences
from orchestrator.analysis.opened import Inspected, defined
from orchestrator.analysis.size_fits import fit_sizes
from orchestrator.errors import UsageError
from orchestrator.records import FloatArray
from orchestrator.report.domains import around, from_zero
from orchestrator.report.palette import BAD, BLUE, INK, MUTED
from orchestrator.report.scene import Axis, Figure, Line, Mark, Panel, Points, Rule
from targets import Datastore, DatastoreError, NoValue, Segment, SizeTuning, SpontActivityTarget
from targets.conductance import EXCITATORY, INHIBITORY
from targets.orientation import GRATING
from targets.sheet import circular_distance
from targets.sheet_target import rates_by_cell
from targets.signals import Signal
from targets.tuning import OrientationResponses, SizeResponses, all_orientation_responses, size_responses

_NANO = 1000.0  # nS in a uS
_COLUMNS, _HEIGHT = 3, 190
_MOST_SAMPLES = 10_000
_KINDS = (("excitatory", BLUE, EXCITATORY), ("inhibitory", BAD, INHIBITORY))
_FIRST_COLOUR = 2  # of contrasts: not those of the conductances
_ROWS = 0.8  # share of the distance of two orientations that the trials of one take
_FARTHEST = 22.5  # degrees between a grating and a preferred orientation that it is nearest to


@dataclass(frozen=True, eq=False)
class _Recorded:
    """What was recorded of a sheet, as far as it was."""

    spontaneous: Sequence[Segment] = ()
    signals: Sequence[Signal] = ()
    """Of the first spontaneous segment, those whose cells are known."""
    gratings: Sequence[Segment] = ()
    """Of the highest contrast: the trials that the last of the orientation responses are of."""
    orientations: Sequence[OrientationResponses] = ()
    sizes: SizeResponses | None = None


def example_cell(
    data: Inspected,
    sheet: str,
    quantile: float = 0.5,
    *,
    contrast: float = 100.0,
    start: float = 0.0,
    duration: float = 500.0,
) -> Figure:
    """Return membrane potential, conductances, spikes and tuning curves of one cell of a sheet.

    Chosen is the cell whose response is nearest to a quantile of the responses of all recorded cells, the first of
    several such: among those with recorded signals whose size tuning was measured; if there are none, among those with
    signals, those with size tuning, or all. The response is that to the full-field grating of the highest contrast
    nearest to the cell's preferred orientation, at most 22.5 degrees from it; if no cell has such a grating, the
    spontaneous rate.

    Parameters
    ----------
    data : Inspected
        The datastore.
    sheet : str
        One of its sheets.
    quantile : float
        Of the responses, from 0 to 1: 0.5 is a typical cell, 0.9 one that responds strongly.
    contrast : float
        Of the disks, in %.
    start, duration : float
        The part of the spontaneous recording in which signals are drawn, in ms.

    Raises
    ------
    orchestrator.errors.UsageError
        If the quantile is none.
    """
    name, title = "example_cell", f"A cell of {sheet}"
    if not 0 <= quantile <= 1:
        raise UsageError(f"example_cell: quantile: expected a number from 0 to 1, got {quantile:g}")
    if data.store is None or data.problem:
        return missing(name, title, [data.problem])
    try:
        found, reasons = _recorded(data.store, sheet, contrast)
        responses, what = _responses(data.store, sheet, found)
        ids = data.store.sheet(sheet).ids
        index = _chosen(responses, quantile, _pools(found, ids))
        if index is None:
            why = f"{sheet}: no spikes of gratings near preferred orientations or of spontaneous activity"
            return missing(name, title, [why, *reasons])
        panels, without = _panels(found, index, int(ids[index]), (start, start + duration))
    except (NoValue, DatastoreError) as reason:
        return missing(name, title, [f"{sheet}: {reason}"])
    caption = (
        f"Neuron {ids[index]}: its {what}, {number(float(responses[index]), 'Hz')}, is nearest to the quantile "
        f"{quantile:g} of those of {int(np.isfinite(responses).sum()):,} cells"
    )
    text = sentences(caption, *dict.fromkeys([*reasons, *without]))
    return Figure(name, title, text, _with_one_legend(panels), columns=min(_COLUMNS, len(panels)))


def _recorded(store: Datastore, sheet: str, contrast: float) -> tuple[_Recorded, list[str]]:
    """Return what was recorded of a sheet, and why the rest was not."""
    found, reasons = _Recorded(), []
    parts: dict[str, Callable[[Datastore, str, _Recorded], _Recorded]] = {
        "Spontaneous activity": _spontaneous,
        "Orientation tuning": _oriented,
        "Size tuning": partial(_sized, contrast=contrast),
    }
    for name, read in parts.items():
        try:
            found = read(store, sheet, found)
        except (NoValue, DatastoreError) as reason:
            reasons.append(f"{name}: {reason}")
    if found.spontaneous and not found.signals:
        reasons.append("No signals of known cells were recorded during spontaneous activity")
    return found, reasons


def _spontaneous(store: Datastore, sheet: str, found: _Recorded) -> _Recorded:
    segments = defined(SpontActivityTarget, sheet).spontaneous(store)
    signals = [each for each in store.traces(segments[0]) if each.ids.size]
    return replace(found, spontaneous=segments, signals=signals)


def _oriented(store: Datastore, sheet: str, found: _Recorded) -> _Recorded:
    responses = all_orientation_responses(store, sheet)
    strongest = responses[-1]
    trials = [
        store.trials(sheet, GRATING, contrast=strongest.contrast, orientation=each) for each in strongest.orientations
    ]
    return replace(found, gratings=[each for own in trials for each in own], orientations=responses)


def _sized(store: Datastore, sheet: str, found: _Recorded, contrast: float) -> _Recorded:
    return replace(found, sizes=size_responses(store, defined(SizeTuning, sheet, contrast=contrast)))


def _responses(store: Datastore, sheet: str, found: _Recorded) -> tuple[FloatArray, str]:
    """Return the response of each of the N cells, in Hz, NaN if there is none, and which response it is."""
    if found.orientations:
        strongest = found.orientations[-1]
        distances = circular_distance(strongest.orientations[:, None] - strongest.preferred, 0.0)
        nearest = distances.argmin(axis=0), np.arange(distances.shape[1])
        near = np.degrees(distances[nearest]) <= _FARTHEST + 1e-6
        response = np.where(near, strongest.rates[nearest], math.nan)
        if np.isfinite(response).any():
            return response, (
                f"response to the grating of contrast {strongest.contrast:g} % nearest to its preferred orientation"
            )
    return rates_by_cell(store, sheet, found.spontaneous), "spontaneous rate"


def _pools(found: _Recorded, ids: Indices) -> list[set[int]]:
    """Return the indices among which the cell is chosen, the best ones first."""
    signals = {int(index) for each in found.signals for index in np.flatnonzero(np.isin(ids, each.ids))}
    sized = set(found.sizes.cells.tolist()) if found.sizes is not None else set()
    return [signals & sized, signals, sized, set(range(len(ids)))]


def _chosen(responses: FloatArray, quantile: float, pools: Sequence[set[int]]) -> int | None:
    known = set(np.flatnonzero(np.isfinite(responses)).tolist())
    pool = next((sorted(each & known) for each in pools if each & known), [])
    if not pool:
        return None
    wanted = np.quantile(responses[sorted(known)], quantile)
    return pool[int(np.abs(responses[pool] - wanted).argmin())]


def _panels(found: _Recorded, index: int, cell: int, window: tuple[float, float]) -> tuple[list[Panel], list[str]]:
    """Return all panels of a cell, and why some are missing."""
    traces, without_traces = _traces(found, cell, window)
    raster, without_spikes = _raster(found, cell)
    sizes, without_sizes = _size_curve(found, index)
    panels = [*traces, *raster, *_orientation_curves(found, index), *sizes]
    return panels, [*without_traces, *without_spikes, *without_sizes]


def _traces(found: _Recorded, cell: int, window: tuple[float, float]) -> tuple[list[Panel], list[str]]:
    """Return the panels of the membrane potential, with the spikes, and of the conductances, and why one is missing."""
    recorded = [each for each in found.signals if cell in each.ids]
    own = [each for each in recorded if len(_part(each, cell, window)[0])]
    if recorded and not own:
        end = max(each.step * (len(each.values) - 1) for each in recorded)
        return [], [f"Its signals were recorded from 0 to {end:g} ms, not from {window[0]:g} to {window[1]:g} ms"]
    voltage = [each for each in own if each.dimension == "voltage"]
    conductances = [each for each in own if each.dimension == "conductance"]
    panels, reasons = [], []
    if voltage:
        times, values = _part(voltage[0], cell, window)
        low, high = around(values, share=0.1)
        marks: tuple[Mark, ...] = (Line(times, values, INK, "membrane potential", 1.0),)
        spikes = _spikes(found.spontaneous[0], cell)
        if spikes is None:
            reasons.append("Its spikes were not recorded during spontaneous activity")
        else:
            inside = spikes[(spikes >= window[0]) & (spikes <= window[1])]
            marks += (Points(inside, np.full(len(inside), high), MUTED, "a spike", 3, "triangle"),)
        panels.append(_over_time(times, Axis("membrane potential (mV)", (low, high)), marks))
    elif found.signals:
        reasons.append("Its membrane potential was not recorded")
    drawn = [
        (kind, colour, *_part(each, cell, window))
        for kind, colour, names in _KINDS for each in conductances if each.name in names
    ]  # fmt: skip
    if drawn:
        top = from_zero(*(_NANO * values for *_, values in drawn))
        marks = tuple(
            Line(times, _NANO * values, colour, f"{kind} conductance", 1.2) for kind, colour, times, values in drawn
        )
        panels.append(_over_time(drawn[0][2], Axis("conductance (nS)", top), marks))
    elif found.signals:
        reasons.append("Its conductances were not recorded")
    return panels, reasons


def _over_time(times: FloatArray, vertical: Axis, marks: Sequence[Mark]) -> Panel:
    ends = (float(times[0]), float(times[-1])) if len(times) > 1 else (0.0, 1.0)
    return Panel(Axis("time (ms)", ends), vertical, tuple(marks), "spontaneous activity", _HEIGHT)


def _part(signal: Signal, cell: int, window: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    """Return times in ms from the beginning of the recording, and the values of one cell then."""
    times = np.asarray(signal.step * np.arange(len(signal.values)), np.float64)
    inside = np.flatnonzero((times >= window[0]) & (times <= window[1]))
    inside = inside[:: max(1, -(-len(inside) // _MOST_SAMPLES))]
    return times[inside], signal.values[inside, np.flatnonzero(signal.ids == cell)[0]]


def _spikes(segment: Segment, cell: int) -> FloatArray | None:
    """Return the spike times of one cell in ms from the beginning of the recording; None if they were not recorded."""
    trains = segment.spikes()
    return trains.select(trains.ids == cell).times - trains.t_start if cell in trains.ids else None


def _raster(found: _Recorded, cell: int) -> tuple[list[Panel], list[str]]:
    """Return the panel of the spikes during each grating; without gratings, during spontaneous activity.

    And why it or a part of it is missing.
    """
    shown = found.gratings or found.spontaneous
    recorded = [(each, times) for each in shown if (times := _spikes(each, cell)) is not None]
    what = "gratings" if found.gratings else "spontaneous activity"
    if not recorded:
        return [], [f"Its spikes were not recorded during {what}"]
    left_out = len(shown) - len(recorded)
    reasons = [f"Its spikes were not recorded in {left_out} of {len(shown)} recordings of {what}"] if left_out else []
    segments = [each for each, _ in recorded]
    if found.gratings:
        angles = [round(math.degrees(each.stimulus["orientation"]), 3) % 180 for each in segments]
        spacing = 180 / len(found.orientations[-1].orientations)
        vertical = Axis("orientation of the grating (°)", (-spacing / 2, 180.0))
        title = f"spikes, contrast {found.orientations[-1].contrast:g} %"
    else:
        angles, spacing = [0.0] * len(segments), 1 / _ROWS
        vertical = Axis("trials", (-0.5, 1.0))
        title = "spikes, spontaneous activity"
    seen: dict[float, list[FloatArray]] = {}
    for angle, (_, times) in zip(angles, recorded, strict=True):
        seen.setdefault(angle, []).append(times)
    rows = [
        (times, angle + spacing * _ROWS * trial / len(trials))
        for angle, trials in seen.items() for trial, times in enumerate(trials)
    ]  # fmt: skip
    x = np.concatenate([times for times, _ in rows])
    y = np.concatenate([np.full(len(times), row) for times, row in rows])
    across = Axis("time of the stimulus (ms)", (0.0, max(each.spikes().duration for each in segments)))
    return [Panel(across, vertical, (Points(x, y, MUTED, "", 1.5),), title, _HEIGHT)], reasons


def _orientation_curves(found: _Recorded, index: int) -> list[Panel]:
    if not found.orientations:
        return []
    marks: list[Mark] = []
    for n, each in enumerate(found.orientations):
        angles, rates, colour = np.degrees(each.orientations), each.rates[:, index], look(n + _FIRST_COLOUR)
        marks += [Line(angles, rates, colour, f"contrast {each.contrast:g} %"), Points(angles, rates, colour, "", 3)]
    preferred = math.degrees(float(found.orientations[0].preferred[index])) % 180
    title = "orientation tuning"
    if math.isfinite(preferred):
        marks.append(Rule("x", preferred, MUTED))
        title += f", preferred {preferred:.3g}° (dashed)"
    top = from_zero(*(each.rates[:, index] for each in found.orientations))
    across = Axis("orientation of the grating (°)", (-5.0, 180.0))
    return [Panel(across, Axis("rate (Hz)", top), tuple(marks), title, _HEIGHT)]


def _size_curve(found: _Recorded, index: int) -> tuple[list[Panel], list[str]]:
    """Return the panel of the responses to all sizes, and why it or the fitted curve is missing."""
    if found.sizes is None:
        return [], []
    places = np.flatnonzero(found.sizes.cells == index)
    if not places.size:
        return [], ["Its size tuning was not measured: the disks are centred and oriented for other cells"]
    own = found.sizes.of(places)
    disks = np.isfinite(own.radii)
    radii, rates = own.radii[disks], own.rates[:, 0]
    marks: list[Mark] = [Points(radii, rates[disks], INK, "a disk", 3)]
    tops, reasons = [rates], []
    try:
        fits = fit_sizes(own)
        curve = fits.curves()[:, 0]
        marks.append(Line(fits.fine, curve, INK, "fit", 1.2))
        tops.append(curve)
    except NoValue as reason:
        reasons.append(f"No curve is fitted to its size tuning: {reason}")
    title = "size tuning"
    if not disks.all():
        marks.append(Rule("y", float(rates[-1]), MUTED))
        title += ", full field dashed"
    across = Axis("radius of the disk (°)", (0.0, 1.06 * float(radii.max())))
    return [Panel(across, Axis("rate (Hz)", from_zero(*tops)), tuple(marks), title, _HEIGHT)], reasons


def _with_one_legend(panels: Sequence[Panel]) -> tuple[Panel, ...]:
    """Return panels of which the first has the labels of all: it is the one whose legend is drawn."""
    nothing = np.zeros(0)
    others = [
        replace(mark, x=nothing, y=nothing)
        for panel in panels[1:] for mark in panel.marks if isinstance(mark, (Line, Points)) and mark.label
    ]  # fmt: skip
    return (replace(panels[0], marks=(*panels[0].marks, *others)), *panels[1:])
