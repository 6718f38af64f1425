"""Traces and events of the start, the best and other good evaluations, over the measured ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.records import FloatArray
from orchestrator.report.domains import around, from_zero
from orchestrator.report.figures.common import NOTHING_YET, nothing, steps, with_unit
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import History
from orchestrator.report.palette import BLUE, FAINT, GREY, INK, LIGHT_BLUE
from orchestrator.report.scene import Axis, Band, Choice, Figure, Line, Mark, Panel, Pick, Points, Rule
from targets.recordings import Events, Recordings, Trace
from targets.recordings.units import factor

# samples of a line, events of an evaluation, rows of a raster, other good evaluations that are drawn, and bins
_SAMPLES, _EVENTS, _ROWS, _OTHERS, _BINS = 1500, 4000, 40, 3, 50
# times in ms and values
Curve = tuple[FloatArray, FloatArray]
Series = TypeVar("Series", Trace, Events)
_NOTHING = "No traces or events are kept of any evaluation."


@dataclass(frozen=True)
class _Shown:
    """One evaluation that is drawn."""

    label: str
    colour: str
    width: float
    recordings: Recordings


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
        return nothing("traces", title, _why(history))
    lost = "" if history.measured_data or not _named_data(history) else " The measured data are not beside the run."
    caption = f"Means over trials and sweeps; every few samples of long traces are drawn.{lost}"
    return Figure("traces", title, caption, (_overlay(history, names),), (Choice("trace", "Trace", tuple(names)),))


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
        return nothing("trace_residuals", title, _why(history))
    panel = _difference(history, names)
    caption = "At the times of the data, in its unit; without a fitted factor or shift that a target may have."
    return Figure("trace_residuals", title, caption, (panel,), (Choice("trace", "Trace", tuple(names)),))


@figure(section="recordings", order=30, when=lambda history: bool(_events(history)))
def events(run: Checkpoint | History) -> Figure:
    """Return events of one evaluation as a raster by label and as a histogram, beside the measured ones.

    Choices: ``events``, ``recorded`` (the evaluation: the best, the start values, other good ones).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history, title = History.of(run), "Events"
    names, shown = _events(history), _shown(history)
    if not names or not shown:
        return nothing("events", title, _why(history))
    choices = (
        Choice("events", "Events", tuple(names)),
        Choice("recorded", "Of", tuple(each.label for each in shown)),
    )
    panels = (_raster(names, shown), _histogram(history, names, shown))
    caption = f"At most {_EVENTS:,} events and {_ROWS} labels are drawn; the histogram counts all of them."
    return Figure("events", title, caption, panels, choices)


def _shown(history: History) -> list[_Shown]:
    """Return the best, the start values, and the best others of which recordings are kept."""
    rows = {key: n for n, key in enumerate(zip(history.generation.tolist(), history.offspring.tolist(), strict=True))}
    kept = sorted((key for key in history.recordings if key in rows), key=lambda key: history.standing[rows[key]])
    found: list[_Shown] = []
    others = 0
    for key in kept:
        row, place = rows[key], f"generation {key[0]} offspring {key[1]}"
        if row == history.best:
            found.append(_Shown(f"best: {place}", BLUE, 2.0, history.recordings[key]))
        elif row == history.start:
            found.append(_Shown(f"start values: {place}", GREY, 1.4, history.recordings[key]))
        elif others < _OTHERS:
            others += 1
            found.append(_Shown(place, LIGHT_BLUE, 0.9, history.recordings[key]))
    return found


def _why(history: History) -> str:
    return _NOTHING if len(history) else NOTHING_YET


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
    drawn = list(reversed(_shown(history)))
    shown = [(each.label, each.colour, each.width, False) for each in drawn]
    curves = [[_curve(each, name, _measured(history, name)) for name in names] for each in drawn]
    if any(_measured(history, name) for name in names):
        shown.append(("measured", INK, 1.8, True))
        curves.append([_thin(*_of_data(_measured(history, name))) for name in names])
    titles = tuple(with_unit(name, _unit(history, name)) for name in names)
    return Panel(*_axes(curves, titles), tuple(_lines(shown, curves)), height=300)


def _difference(history: History, names: Sequence[str]) -> Panel:
    drawn = [each for each in reversed(_shown(history)) if each.colour != LIGHT_BLUE]
    curves = [[_less_measured(each, name, _measured(history, name)) for name in names] for each in drawn]
    shown = [(each.label, each.colour, 1.4, False) for each in drawn]
    titles = tuple(with_unit("difference", _unit(history, name)) for name in names)
    return Panel(*_axes(curves, titles), (Rule("y", 0.0, FAINT), *_lines(shown, curves)), height=170)


def _lines(shown: Sequence[tuple[str, str, float, bool]], curves: Sequence[Sequence[Curve]]) -> Iterator[Line]:
    """Yield a line of each that is shown, whose curve depends on the trace that is chosen."""
    for (label, colour, width, dashed), of_names in zip(shown, curves, strict=True):
        x, y = (Pick("trace", tuple(curve[n] for curve in of_names)) for n in (0, 1))
        yield Line(x, y, colour, label, width, dashed)


def _axes(curves: Sequence[Sequence[Curve]], titles: Sequence[str]) -> tuple[Axis, Axis]:
    of_names = list(zip(*curves, strict=True))
    x = tuple(around(*[curve[0] for curve in each], share=0.01) for each in of_names)
    y = tuple(around(*[curve[1] for curve in each]) for each in of_names)
    return Axis("time (ms)", Pick("trace", x)), Axis(Pick("trace", tuple(titles)), Pick("trace", y))


def _unit(history: History, name: str) -> str:
    measured = _measured(history, name)
    if measured is not None and measured.unit:
        return measured.unit
    units = [each.recordings.traces[name].unit for each in _shown(history) if name in each.recordings.traces]
    return units[0] if units else ""


def _curve(shown: _Shown, name: str, measured: Trace | None) -> Curve:
    if name not in shown.recordings.traces:
        return np.zeros(0), np.zeros(0)
    return _thin(*_samples(shown.recordings.traces[name], measured))


def _of_data(measured: Trace | None) -> Curve:
    return (np.zeros(0), np.zeros(0)) if measured is None else (measured.times, measured.mean)


def _less_measured(shown: _Shown, name: str, measured: Trace | None) -> Curve:
    if measured is None or name not in shown.recordings.traces:
        return np.zeros(0), np.zeros(0)
    times, values = _samples(shown.recordings.traces[name], measured)
    inside = (measured.times >= times[0]) & (measured.times <= times[-1])
    at = measured.times[inside]
    return _thin(at, np.interp(at, times, values) - measured.mean[inside])


def _samples(trace: Trace, measured: Trace | None) -> tuple[FloatArray, FloatArray]:
    """Return times in ms and the mean of the rows, in the unit of the data if that can be had."""
    try:
        scale = factor(trace.unit, measured.unit) if measured is not None else 1.0
        return trace.times * factor(trace.time_unit, "ms"), trace.mean * scale
    except ValueError:
        return trace.times, trace.mean


def _thin(times: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    step = max(1, -(-len(times) // _SAMPLES))
    return times[::step], values[::step]


def _raster(names: Sequence[str], shown: Sequence[_Shown]) -> Panel:
    found = [[_rows_of(each.recordings.events.get(name) or Events([]), name) for each in shown] for name in names]
    x, y, rows = (_nested([[each[n] for each in row] for row in found]) for n in range(3))
    ends = _nested([[(len(each[2]) - 0.5, -0.5) for each in row] for row in found])
    across = _nested([[from_zero(each[0]) for each in row] for row in found])
    return Panel(Axis("time (ms)", across), Axis("", ends, rows=rows), (Points(x, y, BLUE, "", 2.2),), "raster", 240)


def _rows_of(events: Events, name: str) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """Return times in ms and row of the events that are drawn, and the names of the rows."""
    labels = list(dict.fromkeys(events.labels.tolist()))[:_ROWS]
    rows = {label: n for n, label in enumerate(labels)}
    inside = [n for n, label in enumerate(events.labels.tolist()) if label in rows][:_EVENTS]
    at = np.array([rows[events.labels[n]] for n in inside], dtype=float)
    return _in_ms(events)[inside], at, tuple(label or name for label in labels) or (name,)


def _histogram(history: History, names: Sequence[str], shown: Sequence[_Shown]) -> Panel:
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


def _in_ms(events: Events) -> FloatArray:
    try:
        return np.asarray(events.times * factor(events.time_unit, "ms"))
    except ValueError:
        return events.times
