"""Traces and events of the start, the best and other good evaluations, over the measured ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.records import FloatArray
from orchestrator.report.described import Wanted
from orchestrator.report.domains import around, from_zero
from orchestrator.report.figures.common import (
    Shown,
    nothing,
    shown_of,
    steps,
    wanted_of,
    why_none_shown,
    with_unit,
)
from orchestrator.report.figures.registry import figure
from orchestrator.report.figures.targets import spans_of
from orchestrator.report.history import History
from orchestrator.report.palette import BLUE, FAINT, GREY, INK
from orchestrator.report.scene import Axis, Band, Figure, Line, Mark, Panel, Pick, Points, Rule, Selector, Span
from targets.recordings import Events, Trace
from targets.recordings.series import TIME
from targets.recordings.units import factor

# samples of a line, events of an evaluation, rows of a raster, and bins
_SAMPLES, _EVENTS, _ROWS, _BINS = 1500, 4000, 40, 50
# times in ms and values
Curve = tuple[FloatArray, FloatArray]
# times in ms and rows of events, and names of the rows
_Rows = tuple[FloatArray, FloatArray, tuple[str, ...]]
Series = TypeVar("Series", Trace, Events)


def _traces(history: History) -> list[str]:
    return list(dict.fromkeys(name for each in history.recordings.values() for name in each.traces))


def _events(history: History) -> list[str]:
    return list(dict.fromkeys(name for each in history.recordings.values() for name in each.events))


@figure(section="recordings", order=10, when=lambda history: bool(_traces(history)))
def traces(run: Checkpoint | History) -> Figure:
    """Return a trace of the start values, of the best evaluation and of other good ones, over the measured trace.

    Choices: ``trace``.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history, title = History.of(run), "Traces"
    names = _traces(history)
    if not names:
        return nothing("traces", title, why_none_shown(history))
    lost = "" if history.measured_data or not _named_data(history) else " The measured data are not beside the run."
    spread = " Curves: means over cells, or other rows, and their standard deviation (shaded)."
    curves = spread if any(_is_curve(each) for name in names for each in _kept(history, name)) else ""
    caption = f"Means over trials and sweeps; every few samples of long traces are drawn.{curves}{lost}"
    return Figure("traces", title, caption, (_overlay(history, names),), (Selector("trace", "Trace", tuple(names)),))


@figure(section="recordings", order=20, when=lambda history: any(_measured(history, n) for n in _traces(history)))
def trace_residuals(run: Checkpoint | History) -> Figure:
    """Return the difference between the trace of the start values, and of the best, and the measured one.

    Choices: ``trace``, shared with `traces`.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history, title = History.of(run), "Simulated less measured"
    names = _traces(history)
    if not names:
        return nothing("trace_residuals", title, why_none_shown(history))
    panel = _difference(history, names)
    caption = "At the times of the data, in its unit; without a fitted factor or shift that a target may have."
    return Figure("trace_residuals", title, caption, (panel,), (Selector("trace", "Trace", tuple(names)),))


@figure(section="recordings", order=30, when=lambda history: bool(_events(history)))
def events(run: Checkpoint | History) -> Figure:
    """Return events as a raster by label and as a histogram, beside those of the start values and the measured ones.

    Choices: ``events``, ``recorded`` (the evaluation: the best, the start values, other good ones).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history, title = History.of(run), "Events"
    names, shown = _events(history), shown_of(history)
    if not names or not shown:
        return nothing("events", title, why_none_shown(history))
    choices = (
        Selector("events", "Events", tuple(names)),
        Selector("recorded", "Of", tuple(each.label for each in shown)),
    )
    panels = (*_rasters(names, shown), _histogram(history, names, shown))
    caption = f"At most {_EVENTS:,} events and {_ROWS} labels are drawn; the histogram counts all of them."
    return Figure("events", title, caption, panels, choices)


def _named_data(history: History) -> bool:
    return bool(history.config.get("data"))


def _measured(history: History, name: str) -> Trace | None:
    """Return the measured trace that a target compares the trace of this name with, None if there is none."""
    return next(_compared(history, name, "trace", Trace), None)


def _measured_events(history: History, name: str) -> Events | None:
    """Return the measured events that a target compares those of this name with, None if there are none."""
    return next(_compared(history, name, "events", Events), None)


def _compared(history: History, name: str, option: str, sort: type[Series]) -> Iterator[Series]:
    """Yield the data of this sort of the targets whose option names this, or nothing."""
    for spec in history.config.get("targets") or ():
        if isinstance(spec, Mapping) and spec.get(option) in (name, None):
            measured = history.measured_data.get(str(spec.get("data")))
            if isinstance(measured, sort):
                yield measured


def _overlay(history: History, names: Sequence[str]) -> Panel:
    drawn = list(reversed(shown_of(history)))
    shown = [(each.label, each.colour, each.width, False) for each in drawn]
    curves = [[_curve(each, name, _measured(history, name)) for name in names] for each in drawn]
    if any(_measured(history, name) for name in names):
        shown.append(("measured", INK, 1.8, True))
        curves.append([_thin(*_of_data(_measured(history, name))) for name in names])
    bands = [(each.colour, [_spread(each, name) for name in names]) for each in drawn if each.kind != "other"]
    bands = [band for band in bands if any(len(x) for x, _, _ in band[1])]
    wanted = [next(iter(wanted_of(history, name)), None) for name in names]
    ends = [[(x, np.r_[low, high]) for x, low, high in of_names] for _, of_names in bands]
    edges = [(np.zeros(0), np.array([each.low, each.high] if each else [])) for each in wanted]
    titles = [with_unit(name, _unit(history, name)) for name in names]
    axes = _axes([*curves, *ends, edges], titles, [_over(history, name) for name in names])
    behind: list[Mark] = [*(_wanted(wanted) if any(wanted) else ()), *(_band(*each) for each in bands)]
    return Panel(*axes, (*behind, *_lines(shown, curves)), height=300)


def _difference(history: History, names: Sequence[str]) -> Panel:
    drawn = [each for each in reversed(shown_of(history)) if each.kind != "other"]
    curves = [[_less_measured(each, name, _measured(history, name)) for name in names] for each in drawn]
    shown = [(each.label, each.colour, 1.4, False) for each in drawn]
    titles = [with_unit("difference", _unit(history, name)) for name in names]
    axes = _axes(curves, titles, [_over(history, name) for name in names])
    return Panel(*axes, (Rule("y", 0.0, FAINT), *_lines(shown, curves)), height=170)


def _lines(shown: Sequence[tuple[str, str, float, bool]], curves: Sequence[Sequence[Curve]]) -> Iterator[Line]:
    """Yield a line of each that is shown, whose curve depends on the trace that is chosen."""
    for (label, colour, width, dashed), of_names in zip(shown, curves, strict=True):
        x, y = (Pick("trace", tuple(curve[n] for curve in of_names)) for n in (0, 1))
        yield Line(x, y, colour, label, width, dashed)


def _axes(curves: Sequence[Sequence[Curve]], titles: Sequence[str], across: Sequence[str]) -> tuple[Axis, Axis]:
    of_names = list(zip(*curves, strict=True))
    x = tuple(around(*[curve[0] for curve in each], share=0.01) for each in of_names)
    y = tuple(around(*[curve[1] for curve in each]) for each in of_names)
    return Axis(Pick("trace", tuple(across)), Pick("trace", x)), Axis(Pick("trace", tuple(titles)), Pick("trace", y))


def _unit(history: History, name: str) -> str:
    measured = _measured(history, name)
    if measured is not None and measured.unit:
        return measured.unit
    return next((each.unit for each in _kept(history, name)), "")


def _kept(history: History, name: str) -> Iterator[Trace]:
    """Yield the traces of this name of those that are shown."""
    return (each.recordings.traces[name] for each in shown_of(history) if name in each.recordings.traces)


def _over(history: History, name: str) -> str:
    """Return the title of the axis of what a trace is over."""
    trace = next(_kept(history, name), None)
    return "time (ms)" if trace is None or trace.axis == TIME else with_unit(trace.axis, trace.time_unit)


def _is_curve(trace: Trace) -> bool:
    """Return whether a trace is over something else than time, and has rows whose spread can be told."""
    return trace.axis != TIME and len(trace.rows) > 1


def _spread(shown: Shown, name: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what a curve is over, and the ends of the standard deviation (n - 1) over its rows; nothing of others."""
    trace = shown.recordings.traces.get(name)
    if trace is None or not _is_curve(trace):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    x, mean = _thin(trace.times, trace.mean)
    _, spread = _thin(trace.times, trace.rows.std(axis=0, ddof=1))
    return x, mean - spread, mean + spread


def _band(colour: str, of_names: Sequence[tuple[FloatArray, FloatArray, FloatArray]]) -> Band:
    x, low, high = (Pick("trace", parts) for parts in zip(*of_names, strict=True))
    return Band(x, low, high, colour, "", 0.15)


def _wanted(of_names: Sequence[Wanted | None]) -> tuple[Span, ...]:
    """Return the background of what is wanted of the mean, at the traces of the same quantity."""
    return spans_of("y", lambda edge: Pick("trace", tuple(edge(each) if each else math.nan for each in of_names)))


def _curve(shown: Shown, name: str, measured: Trace | None) -> Curve:
    if name not in shown.recordings.traces:
        return np.zeros(0), np.zeros(0)
    return _thin(*_samples(shown.recordings.traces[name], measured))


def _of_data(measured: Trace | None) -> Curve:
    return (np.zeros(0), np.zeros(0)) if measured is None else (measured.times, measured.mean)


def _less_measured(shown: Shown, name: str, measured: Trace | None) -> Curve:
    if measured is None or name not in shown.recordings.traces:
        return np.zeros(0), np.zeros(0)
    times, values = _samples(shown.recordings.traces[name], measured)
    inside = (measured.times >= times[0]) & (measured.times <= times[-1])
    at = measured.times[inside]
    return _thin(at, np.interp(at, times, values) - measured.mean[inside])


def _samples(trace: Trace, measured: Trace | None) -> tuple[FloatArray, FloatArray]:
    """Return times in ms, or what else it is over, and the mean of the rows, in the unit of the data if possible."""
    try:
        scale = factor(trace.unit, measured.unit) if measured is not None else 1.0
        in_ms = factor(trace.time_unit, "ms") if trace.axis == TIME else 1.0
        return trace.times * in_ms, trace.mean * scale
    except ValueError:
        return trace.times, trace.mean


def _thin(times: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    step = max(1, -(-len(times) // _SAMPLES))
    return times[::step], values[::step]


def _rasters(names: Sequence[str], shown: Sequence[Shown]) -> list[Panel]:
    """Return the raster of the evaluation that is chosen, beside that of the start values if there are others too."""
    of_names = [[each.recordings.events.get(name) or Events([]) for each in shown] for name in names]
    across = Pick("events", tuple(from_zero(*map(_in_ms, of_name)) for of_name in of_names))
    rows = [_labels_of(of_name) for of_name in of_names]
    found = [
        [_rows_of(each, name, labels) for each in of_name]
        for name, labels, of_name in zip(names, rows, of_names, strict=True)
    ]
    panels = [_raster(across, found, _nested, BLUE, "raster")]
    start = next((n for n, each in enumerate(shown) if each.kind == "start"), None)
    if start is not None and len(shown) > 1:
        panels.insert(0, _raster(across, found, partial(_of_one, start), GREY, "raster of the start values"))
    return panels


def _raster(
    across: Pick,
    found: Sequence[Sequence[_Rows]],
    pick: Callable[[Sequence[Sequence[object]]], Pick],
    colour: str,
    title: str,
) -> Panel:
    x, y, rows = (pick([[each[n] for each in of_name] for of_name in found]) for n in range(3))
    ends = pick([[(len(each[2]) - 0.5, -0.5) for each in of_name] for of_name in found])
    return Panel(Axis("time (ms)", across), Axis("", ends, rows=rows), (Points(x, y, colour, "", 2.2),), title, 240)


def _labels_of(shown: Sequence[Events]) -> list[str]:
    """Return the labels of the rows, which are the same for all evaluations: those of cells by their numbers."""
    labels = list(dict.fromkeys(label for each in shown for label in each.labels.tolist()))
    return (sorted(labels, key=int) if all(label.isdecimal() for label in labels) else labels)[:_ROWS]


def _rows_of(events: Events, name: str, labels: Sequence[str]) -> _Rows:
    """Return times in ms and row of the events that are drawn, and the names of the rows."""
    rows = {label: n for n, label in enumerate(labels)}
    inside = [n for n, label in enumerate(events.labels.tolist()) if label in rows][:_EVENTS]
    at = np.array([rows[events.labels[n]] for n in inside], dtype=float)
    return _in_ms(events)[inside], at, tuple(label or name for label in labels) or (name,)


def _histogram(history: History, names: Sequence[str], shown: Sequence[Shown]) -> Panel:
    found = []
    for name in names:
        all_times = [_in_ms(each.recordings.events.get(name) or Events([])) for each in shown]
        measured = _in_ms(_measured_events(history, name) or Events([]))
        edges = np.linspace(*from_zero(*all_times, measured), _BINS + 1)
        counts = [np.histogram(times, edges)[0].astype(float) for times in (*all_times, measured)]
        found.append((edges, counts))
    outlines = [np.repeat(edges, 2)[1:-1] for edges, _ in found]
    x = Pick("events", tuple(outlines))
    y = _nested([[steps(each) for each in counts[:-1]] for _, counts in found])
    floor = Pick("events", tuple(np.zeros(len(each)) for each in outlines))
    marks: list[Mark] = [Band(x, floor, y, BLUE, "", 0.6, True)]
    if any(counts[-1].any() for _, counts in found):
        marks.append(Line(x, Pick("events", tuple(steps(counts[-1]) for _, counts in found)), INK, "measured", 1.4))
    across = Pick("events", tuple((float(edges[0]), float(edges[-1])) for edges, _ in found))
    up = Pick("events", tuple(from_zero(*counts) for _, counts in found))
    return Panel(Axis("time (ms)", across), Axis("events in a bin", up), tuple(marks), "histogram", 240)


def _nested(of: Sequence[Sequence[object]]) -> Pick:
    """Return what depends on the events and on the evaluation that are chosen."""
    return Pick("events", tuple(Pick("recorded", tuple(row)) for row in of))


def _of_one(shown: int, of: Sequence[Sequence[object]]) -> Pick:
    """Return what depends on the events that are chosen, of one evaluation whichever is chosen."""
    return Pick("events", tuple(row[shown] for row in of))


def _in_ms(events: Events) -> FloatArray:
    try:
        return np.asarray(events.times * factor(events.time_unit, "ms"))
    except ValueError:
        return events.times
