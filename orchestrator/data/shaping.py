"""The part of a recording that is wanted: window, interval of samples, units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestrator.data.errors import Unreadable
from orchestrator.data.section import DataSource
from targets.recordings import Events, FloatArray, Trace
from targets.recordings.units import factor

MS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "min": 6e4, "h": 3.6e6}
# what linear interpolation adds to data says nothing new
_FINEST = 1 / 20
# samples of one recording: every job reads them
_MOST = 10_000_000
# of an interval: edges of windows are written with fewer digits than times
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Raw:
    """What a reader has found, in the units of the file.

    Parameters
    ----------
    times : numpy.ndarray, shape (n,)
        In `time_unit`.
    values : numpy.ndarray, shape (rows, n), or None
        None for events.
    labels : numpy.ndarray of str, shape (n,), or None
        Of events.
    unit : str
        What the file says; empty if it does not.
    time_unit : str
        One of those of `MS`; empty if the file does not say.
    """

    times: FloatArray
    values: FloatArray | None = None
    labels: NDArray[np.str_] | None = None
    unit: str = ""
    time_unit: str = ""


def shaped(raw: Raw, source: DataSource) -> Trace | Events:
    """Return the wanted part of what was read, with times in ms.

    Raises
    ------
    Unreadable
        If there is none, or units do not fit.
    """
    times = raw.times * MS[raw.time_unit or source.time_unit]
    if raw.values is None:
        return _events(times, raw, source)
    if times.size < 2:
        raise Unreadable("", f"expected at least two samples, got {times.size}")
    values = raw.values
    if raw.unit and source.unit and raw.unit != source.unit:
        values = values * _factor(raw.unit, source.unit)
    window = None if source.window is None else _inside(times, source.window)
    if source.resample is not None:
        times, values = _resampled(times, values, window or (times[0], times[-1]), source.resample)
    elif window is not None:
        times, values = _cut(times, values, window)
    if values.size > _MOST:
        message = f"expected at most {_MOST:,} samples, got {values.size:,}: narrow window, or resample"
        raise Unreadable("resample", message)
    if np.isnan(values).all(axis=1).any():
        raise Unreadable("", "expected numbers, but a whole column, sweep or trial has none there")
    try:
        return Trace(times, values[0] if len(values) == 1 else values, source.unit or raw.unit)
    except ValueError as error:
        raise Unreadable("", str(error)) from error


def _factor(unit: str, wanted: str) -> float:
    try:
        return factor(unit, wanted)
    except ValueError as error:
        raise Unreadable("unit", f"{error}. The values are in {unit}: write unit: {unit} to take them so") from error


def _events(times: FloatArray, raw: Raw, source: DataSource) -> Events:
    labels = raw.labels
    if not np.isfinite(times).all():
        raise Unreadable("events", "expected times that are finite")
    if source.window is not None:
        low, high = source.window
        inside = (times >= low) & (times <= high)
        times, labels = times[inside], None if labels is None else labels[inside]
    if times.size > _MOST:
        raise Unreadable("window", f"expected at most {_MOST:,} events, got {times.size:,}")
    return Events(times, None if labels is None else labels.tolist())


def _inside(times: FloatArray, window: tuple[float, float]) -> tuple[float, float]:
    """Return the window, of which edges that are beyond the data by rounding are moved to the data's."""
    low, high = window
    edge, first, last = _edge(times), float(times[0]), float(times[-1])
    if low < first - edge or high > last + edge:
        raise Unreadable("window", f"expected a part of the data, {first:g} to {last:g} ms, got {low:g} to {high:g} ms")
    return max(low, first), min(high, last)


def _edge(times: FloatArray) -> float:
    return _TOLERANCE * float(np.median(np.diff(times)))


def _cut(times: FloatArray, values: FloatArray, window: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    low, high = window
    inside = (times >= low - _edge(times)) & (times <= high + _edge(times))
    if inside.sum() < 2:
        raise Unreadable("window", f"expected at least two samples between {low:g} and {high:g} ms, got {inside.sum()}")
    return times[inside], values[:, inside]


def _resampled(
    times: FloatArray, values: FloatArray, window: tuple[float, float], interval: float
) -> tuple[FloatArray, FloatArray]:
    duration, own = window[1] - window[0], float(np.median(np.diff(times)))
    if interval > duration:
        raise Unreadable("resample", f"expected less than the duration of {duration:g} ms, got {interval:g}")
    if interval < own * _FINEST:
        message = (
            f"expected at least a twentieth of the {own:g} ms between the data's own samples, got {interval:g} ms: "
            "more would only repeat them"
        )
        raise Unreadable("resample", message)
    number = int(duration / interval + _TOLERANCE) + 1
    if number * len(values) > _MOST:
        message = f"expected at most {_MOST:,} samples, got {number * len(values):,}: take a longer interval"
        raise Unreadable("resample", message)
    at = window[0] + interval * np.arange(number, dtype=np.float64)
    return at, np.array([np.interp(at, times, row) for row in values], dtype=np.float64)
