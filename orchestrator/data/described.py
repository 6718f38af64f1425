"""What a recording is, in a line for people."""

from __future__ import annotations

import numpy as np

from targets.recordings import Events, Trace

# two intervals are the same if they differ by less than this share
_SAME = 1e-3


def described(recording: Trace | Events) -> str:
    """Return what was read: how much, when, and which values, such as ``341 samples, 0 to 170 ms every 0.5 ms``."""
    if isinstance(recording, Events):
        return _events(recording)
    rows, samples = recording.rows.shape
    unit = f" {recording.unit}" if recording.unit else ", without a unit"
    parts = [f"{_number(rows, 'trial')} of " if rows > 1 else "", f"{samples:,} samples, {_times(recording)}"]
    low, high = float(np.nanmin(recording.values)), float(np.nanmax(recording.values))
    parts.append(f", values {low:.4g} to {high:.4g}{unit}")
    if missing := int(np.isnan(recording.values).sum()):
        parts.append(f", {missing:,} missing")
    return "".join(parts)


def _times(trace: Trace) -> str:
    intervals = np.diff(trace.times)
    own = float(np.median(intervals))
    every = f"every {own:.4g}" if np.ptp(intervals) <= _SAME * own else f"mostly every {own:.4g}"
    return f"{trace.times[0]:.6g} to {trace.times[-1]:.6g} {trace.time_unit} {every} {trace.time_unit}"


def _events(events: Events) -> str:
    if not len(events):
        return "no events"
    labels = np.unique(events.labels)
    of = f" of {_number(labels.size, 'label')}" if labels.size > 1 else ""
    return f"{_number(len(events), 'event')}{of}, {events.times[0]:.6g} to {events.times[-1]:.6g} {events.time_unit}"


def _number(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
