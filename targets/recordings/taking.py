"""Takes what a function returned as recordings: numbers, traces, events, and objects of neo, by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from targets.numbers import as_number
from targets.recordings.series import TIME, Events, Recordings, Trace

# of the names in ``returned.npz``: how those of trials begin, and the parts of traces and events
TRIAL = "trial:"
PARTS = ("times", "values", "unit", "time_unit", "labels")
# what `targets.recordings.file.load` takes for the times of something, and what numpy leaves out of a name
_ENDINGS = (".times", ".npy")
_LONGEST_NAME = 1000


def as_recordings(returned: object, directory: Path) -> Recordings:
    """Take what a function returned.

    Parameters
    ----------
    returned : mapping, or None
        Names to numbers, `Trace`, `Events`, and what neo has for the two; None if it only wrote files.
    directory : pathlib.Path
        Where it may have written files.

    Raises
    ------
    TypeError
        If it is no mapping, or something in it is none of these; the message names the key.
    """
    if isinstance(returned, Recordings):
        return returned
    if returned is None:
        return Recordings(directory=directory)
    if not callable(getattr(returned, "items", None)):
        raise TypeError(
            f"expected a mapping of names to numbers, traces and events, or None, got {type(returned).__name__}"
        )
    numbers: dict[str, float | None] = {}
    traces: dict[str, Trace] = {}
    events: dict[str, Events] = {}
    for key, value in returned.items():  # type: ignore[attr-defined]
        name = str(key)
        try:
            require_name(name)
            found = _with_neo_taken(value)
            if isinstance(found, Trace):
                traces[name] = found
            elif isinstance(found, Events):
                events[name] = found
            else:
                numbers[name] = as_number(found)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{name!r}: {error}") from error
    for name in chain(traces, events):
        parts = (*PARTS, "axis") if name in traces and traces[name].axis != TIME else PARTS
        if taken := [part for part in parts if f"{name}.{part}" in numbers]:
            raise TypeError(f"{name + '.' + taken[0]!r}: expected another name, this one is a part of {name!r}")
    return Recordings(numbers, traces, events, directory)


def require_name(name: str) -> None:
    """Raise `ValueError` if the file could not have something under this name, or not tell it from something else."""
    if not name.isprintable() or len(name) > _LONGEST_NAME:
        raise ValueError(f"expected a name of at most {_LONGEST_NAME} characters that can be printed")
    if name.startswith(TRIAL) or name.endswith(_ENDINGS):
        raise ValueError(f"expected a name that neither begins with {TRIAL} nor ends with {' or '.join(_ENDINGS)}")


def _with_neo_taken(value: object) -> object:
    """Return an object of neo as a trace or as events, and anything else as it is."""
    kind = type(value)
    if kind.__module__.startswith("neo."):
        if kind.__name__ in ("AnalogSignal", "IrregularlySampledSignal"):
            return _trace_of(value)
        if kind.__name__ in ("SpikeTrain", "Event"):
            return _events_of([value])
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)) and not hasattr(value, "dtype"):
        members = list(value)
        if members and all(type(each).__module__.startswith("neo.") for each in members):
            return _events_of(members)
        return members
    return value


def _trace_of(signal: Any) -> Trace:
    times = signal.times.rescale("ms").magnitude
    values = np.asarray(signal.magnitude, dtype=np.float64).T
    return Trace(times, values[0] if len(values) == 1 else values, signal.dimensionality.string)


def _events_of(trains: Sequence[Any]) -> Events:
    """Return the events of trains; the label of each is its train's own, its name or its number."""
    times = [np.asarray(each.times.rescale("ms").magnitude, dtype=np.float64) for each in trains]
    names = [
        str(each.annotations.get("source_id", each.name or (n if len(trains) > 1 else "")))
        for n, each in enumerate(trains)
    ]
    labels = [name for name, each in zip(names, times, strict=True) for _ in range(each.size)]
    return Events(np.concatenate(times), labels)
