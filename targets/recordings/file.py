"""What a simulation left: written to ``returned.npz``, and read again.

The file is one that any program can write with ``numpy.savez``. A number is an array of one number under its name; a
trace is ``NAME.times`` and ``NAME.values``, with ``NAME.unit`` and ``NAME.time_unit`` if they are not empty and ms;
events are ``NAME.times`` without values, with ``NAME.labels`` if there are any::

    numpy.savez("returned.npz", **{"rate": 4.2, "v.times": t, "v.values": v, "v.unit": "mV", "spikes.times": s})

What is no trace over time, such as a tuning curve, says what ``NAME.times`` are in a text ``NAME.axis``.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np

from targets.errors import Exploded, NoValue
from targets.numbers import as_number
from targets.recordings.series import TIME, Events, Recordings, Trace
from targets.recordings.taking import PARTS, TRIAL, as_recordings, require_name

NPZ = "returned.npz"
JSON = "returned.json"
# what reading a damaged file of arrays raises
DAMAGED = (
    *(ValueError, TypeError, KeyError, EOFError, RuntimeError, OverflowError, MemoryError, AttributeError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
Arrays = dict[str, Any]


def averaged(trials: Sequence[Recordings], directory: Path) -> Recordings:
    """Return the recordings of several trials as one: means of numbers, the rows of traces, all events.

    A number has no value if it has none in any trial.

    Raises
    ------
    ValueError
        If the trials differ in what they left; the message names it.
    """
    first = trials[0]
    for sort in ("numbers", "traces", "events"):
        names = [set(getattr(each, sort)) for each in trials]
        if differing := set.union(*names) - set.intersection(*names):
            raise ValueError(f"some trials left {sorted(differing)[0]!r}, and others did not")
    return Recordings(
        {name: _mean([each.numbers[name] for each in trials]) for name in first.numbers},
        {name: _stacked(name, [each.traces[name] for each in trials]) for name in first.traces},
        {name: _pooled([each.events[name] for each in trials]) for name in first.events},
        directory,
        tuple(trials),
    )


def _mean(numbers: Sequence[float | None]) -> float | None:
    found = [each for each in numbers if each is not None]
    return float(np.mean(found)) if len(found) == len(numbers) else None


def _stacked(name: str, traces: Sequence[Trace]) -> Trace:
    first = traces[0]
    own = first.unit, first.time_unit, first.axis
    for each in traces:
        if (each.unit, each.time_unit, each.axis) != own or not np.array_equal(each.times, first.times):
            message = f"the trials' traces {name!r} differ in their times or units"
            raise ValueError(f"{message}: interpolate them to the same times before they are returned")
    return Trace(first.times, np.vstack([each.rows for each in traces]), *own)


def _pooled(events: Sequence[Events]) -> Events:
    labels = list(chain.from_iterable(each.labels for each in events))
    return Events(np.concatenate([each.times for each in events]), labels, events[0].time_unit)


def save(recordings: Recordings, file: str | os.PathLike[str] | IO[bytes], *, compressed: bool = False) -> None:
    """Write the numbers, traces and events of all trials; the directory's files stay where they are.

    The same recordings give the same bytes.

    Raises
    ------
    OSError
        If that cannot be written.
    """
    arrays = _arrays(recordings)
    for number, trial in enumerate(recordings.trials):
        arrays |= {f"{TRIAL}{number}:{name}": each for name, each in _arrays(trial).items()}
    # as numpy.savez, which has names of its own that no entry may have
    with zipfile.ZipFile(file, "w") as archive:
        for name, each in arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy")  # without the time of day
            info.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
            with archive.open(info, "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(each), allow_pickle=False)


def load(file: Path | IO[bytes], directory: Path) -> Recordings:
    """Return what `save` or another program wrote.

    Parameters
    ----------
    file : pathlib.Path, or binary file
        The file.
    directory : pathlib.Path
        What `Recordings.directory` is to be.

    Raises
    ------
    OSError
        If it cannot be read, or is not there.
    ValueError
        If it is not such a file; the message names the file and the entry.
    """
    try:
        arrays = _read(file)
        whole = _recordings({name: each for name, each in arrays.items() if not name.startswith(TRIAL)}, directory)
        trials: dict[int, Arrays] = {}
        for name, array in arrays.items():
            if name.startswith(TRIAL):
                number, _, entry = name.removeprefix(TRIAL).partition(":")
                if not (number.isdecimal() and entry):
                    raise ValueError(f"{name!r}: expected the number of a trial and a name, such as {TRIAL}0:rate")
                trials.setdefault(int(number), {})[entry] = array
        each = tuple(_recordings(trials[number], directory) for number in sorted(trials))
    except DAMAGED as error:
        raise ValueError(f"{file if isinstance(file, Path) else 'recordings'}: {error}") from error
    return Recordings(whole.numbers, whole.traces, whole.events, directory, each)


def _read(file: Path | IO[bytes]) -> Arrays:
    arrays = {}
    with file.open("rb") if isinstance(file, Path) else contextlib.nullcontext(file) as opened:
        if not zipfile.is_zipfile(opened):
            raise ValueError("expected arrays as numpy.savez writes them; this is another file, or a part of one")
        opened.seek(0)
        with np.load(opened, allow_pickle=False) as entries:
            for name in entries.files:
                try:
                    arrays[name] = entries[name]
                except DAMAGED as error:
                    # numpy's own words would advise to execute what is in the file
                    why = "got objects of Python, which are never read" if "allow_pickle" in str(error) else str(error)
                    raise ValueError(f"{name!r}: expected an array of numbers or texts, {why}") from error
    return arrays


def thinned(recordings: Recordings, most: int) -> Recordings:
    """Return recordings with at most about so many samples, of which every second, third, ... one is left, and events.

    Single trials are left out: their traces are the rows of those of all. Samples have the precision of 32 bits, except
    those of traces with numbers that are too large for it.
    """
    samples = sum(trace.rows.size for trace in recordings.traces.values())
    step = max(1, math.ceil(samples / most))
    return Recordings(
        recordings.numbers,
        {name: _every(trace, step) for name, trace in recordings.traces.items()},
        {name: _first_of(events, most) for name, events in recordings.events.items()},
        recordings.directory,
    )


def _every(trace: Trace, step: int) -> Trace:
    step = min(step, len(trace.times) - 1)
    values = trace.values[..., ::step]
    with np.errstate(over="ignore"):
        short = values.astype(np.float32)
    kept = values if np.isinf(short).any() else short
    return Trace(trace.times[::step], kept, trace.unit, trace.time_unit, trace.axis)


def _first_of(events: Events, most: int) -> Events:
    return events if len(events) <= most else Events(events.times[:most], list(events.labels[:most]), events.time_unit)


def left_in(directory: Path) -> Recordings:
    """Return what a simulation left in its directory: ``returned.npz``, numbers of ``returned.json``, or only files.

    Where ``returned.json`` has a text under ``exploded`` or ``no_value``, that is why there is nothing to measure.

    Raises
    ------
    OSError
        If a file that is there cannot be read.
    ValueError
        If it is not such a file; the message names it.
    targets.errors.Exploded, targets.errors.NoValue
        With the reason, if the simulation says so.
    """
    numbers = numbers_in(directory)
    if not _is_there(directory / NPZ):
        return Recordings(numbers, directory=directory)
    found = load(directory / NPZ, directory)
    return Recordings({**numbers, **found.numbers}, found.traces, found.events, directory, found.trials)


def _is_there(path: Path) -> bool:
    """Return whether a file is there; raises `ValueError` if something else is, of which the end might never come."""
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: expected a file, this is a directory, a pipe or a device")
    return path.is_file()


def say(directory: Path, word: str, why: str) -> None:
    """Leave in a simulation's directory why there is nothing to measure, for `left_in`.

    Parameters
    ----------
    directory : pathlib.Path
        The simulation's.
    word : str
        ``exploded`` or ``no_value``.
    why : str
        For people.
    """
    (directory / JSON).write_text(json.dumps({word: why}) + "\n", encoding="utf-8")


def numbers_in(directory: Path) -> Mapping[str, float | None]:
    """Return the numbers of ``returned.json``, none if there is no such file; raises as `left_in`."""
    path = directory / JSON
    if not _is_there(path):
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            for word, raised in (("exploded", Exploded), ("no_value", NoValue)):
                if isinstance(why := found.get(word), str):
                    raise raised(why)
        return as_recordings(found, directory).numbers
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from error


def _arrays(recordings: Recordings) -> Arrays:
    """Return the entries of the file; a number that there is not is an empty array."""
    arrays: Arrays = {name: [] if number is None else number for name, number in recordings.numbers.items()}
    for name, trace in recordings.traces.items():
        arrays |= {f"{name}.times": trace.times, f"{name}.values": trace.values}
        arrays |= {f"{name}.unit": trace.unit, f"{name}.time_unit": trace.time_unit}
        if trace.axis != TIME:
            arrays[f"{name}.axis"] = trace.axis
    for name, events in recordings.events.items():
        arrays |= {f"{name}.times": events.times, f"{name}.time_unit": events.time_unit}
        if (events.labels != "").any():
            arrays[f"{name}.labels"] = events.labels
    return arrays


def _recordings(arrays: Mapping[str, Any], directory: Path) -> Recordings:
    series = dict.fromkeys(name.removesuffix(".times") for name in arrays if name.endswith(".times"))
    entries = {f"{name}.{part}" for name in series for part in PARTS}
    axes = {name: str(arrays[entry]) for name in series if _is_text(arrays.get(entry := f"{name}.axis"))}
    entries |= {f"{name}.axis" for name in axes}
    numbers = {
        name: None if not each.size else _number(name, each) for name, each in arrays.items() if name not in entries
    }
    for name in chain(series, numbers):
        try:
            require_name(name)
        except ValueError as error:
            raise ValueError(f"{name!r}: {error}") from None
    traces, events = {}, {}
    for name in series:
        times, unit = arrays[f"{name}.times"], str(arrays.get(f"{name}.unit", ""))
        time_unit = str(arrays.get(f"{name}.time_unit", "ms"))
        try:
            if f"{name}.values" in arrays:
                traces[name] = Trace(times, arrays[f"{name}.values"], unit, time_unit, axes.get(name, TIME))
            else:
                events[name] = Events(times, arrays.get(f"{name}.labels"), time_unit)
        except ValueError as error:
            raise ValueError(f"{name!r}: {error}") from error
    return Recordings(numbers, traces, events, directory)


def _is_text(entry: object) -> bool:
    """Return whether an entry is a text; a number may be called as the axis of a trace is."""
    return isinstance(entry, np.ndarray) and entry.dtype.kind == "U"


def _number(name: str, array: Any) -> float | None:
    try:
        return as_number(array)
    except TypeError as error:
        raise ValueError(f"{name!r}: {error}; a trace has {name}.times and {name}.values") from None
