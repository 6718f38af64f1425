"""Files of electrophysiology that neo reads: ABF, NWB and others, with channels, sweeps and spike trains."""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.data.errors import Unreadable
from orchestrator.data.section import DataSource
from orchestrator.data.shaping import Raw
from orchestrator.text import shortened
from targets.plugins import nearest, said
from targets.recordings import FloatArray

# formats that execute what is in the file
_UNSAFE = frozenset({"PickleIO"})
# characters of an error of neo
_LONGEST = 300
# two sweeps have the same times if they differ by less than this share of an interval
_TOLERANCE = 1e-3


def read_with_neo(path: Path, source: DataSource) -> Raw:
    """Return the channel or the spike trains that are wanted of a file.

    Times count from the beginning of each sweep if the file has several.

    Raises
    ------
    Unreadable
        If neo is not there or does not read the file, or it has not what is wanted.
    """
    if source.columns is not None or source.interval is not None:
        key = "columns" if source.columns is not None else "interval"
        raise Unreadable(key, "is for tables: name the channel of this file in channel, by name or number")
    segments = _segments(path)
    wanted = range(len(segments)) if source.sweeps is None else source.sweeps
    for number in wanted:
        if number >= len(segments):
            message = f"there is no sweep {number}, counted from 0: the file has {len(segments)}"
            raise Unreadable("sweeps", message)
    zero = len(segments) > 1
    if source.events is not False:
        return _events([segments[n] for n in wanted], source, from_zero=zero)
    sweeps = [_channel(segments[n], source) for n in wanted]
    first = sweeps[0].times(from_zero=zero)
    for number, each in zip(wanted, sweeps, strict=True):
        times = each.times(from_zero=zero)
        if times.shape != first.shape or not np.allclose(times, first, rtol=0, atol=_tolerance(first)):
            message = (
                f"expected sweeps of the same times, but sweep {number} has {times.size} samples from {times[0]:g} to "
                f"{times[-1]:g} ms, and sweep {wanted[0]} {first.size} from {first[0]:g} to {first[-1]:g} ms. Name "
                "some that fit each other"
            )
            raise Unreadable("sweeps", message)
    return Raw(first, np.array([each.values for each in sweeps]), unit=sweeps[0].unit, time_unit="ms")


@dataclass(frozen=True)
class _Channel:
    """One channel of one sweep."""

    name: str
    signal: Any
    column: int
    start: Any

    @property
    def unit(self) -> str:
        return str(self.signal.dimensionality.string)

    @property
    def values(self) -> FloatArray:
        return np.asarray(self.signal.magnitude[:, self.column], dtype=np.float64)

    def times(self, *, from_zero: bool) -> FloatArray:
        """Return the times in ms."""
        times = self.signal.times - self.start if from_zero else self.signal.times
        return np.asarray(times.rescale("ms").magnitude, dtype=np.float64)


def _tolerance(times: FloatArray) -> float:
    return _TOLERANCE * float(np.median(np.diff(times))) if times.size > 1 else 0.0


def _segments(path: Path) -> list[Any]:
    extra = "nwb" if path.suffix.lower() == ".nwb" else "neo"
    try:
        neo: Any = importlib.import_module("neo.io")
        if extra == "nwb":
            importlib.import_module("pynwb")
    except ImportError as error:
        message = f"to read {path.suffix} files needs {error.name}: pip install 'mozaik-orchestrator[{extra}]'"
        raise Unreadable("file", message) from error
    try:
        kinds = [kind for kind in neo.list_candidate_ios(path) if kind.__name__ not in _UNSAFE]
    except ValueError:
        kinds = []
    if not kinds:
        raise Unreadable(
            "file",
            f"expected csv, tsv, txt, dat, npz, json, or a file that neo reads, such as abf and nwb, got "
            f"{path.suffix or 'a directory'}",
        )
    reasons = []
    for kind in dict.fromkeys(kinds):
        try:
            # what readers say of a file is for whoever develops them
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                blocks = kind(str(path)).read(lazy=False)
        except Exception as error:  # noqa: BLE001  (neo's readers raise whatever happens to them in a damaged file)
            reasons.append(f"{kind.__name__}: {shortened(said(error), _LONGEST)}")
            continue
        if found := [segment for block in blocks for segment in block.segments]:
            return found
        reasons.append(f"{kind.__name__}: nothing is in it")
    raise Unreadable("file", f"neo cannot read it as what its name says: {'; '.join(reasons)}")


def _channels(segment: Any) -> list[_Channel]:
    found = []
    for signal in [*segment.analogsignals, *segment.irregularlysampledsignals]:
        number = signal.shape[1]
        own = signal.array_annotations.get("channel_names", ())
        name = str(signal.name or "")
        names = [str(each) for each in own] if len(own) == number else [name] * number
        if len(own) != number and number > 1:
            names = [f"{name}[{n}]" for n in range(number)]
        found += [_Channel(each, signal, n, segment.t_start) for n, each in enumerate(names)]
    return found


def _channel(segment: Any, source: DataSource) -> _Channel:
    channels = _channels(segment)
    listed = ", ".join(f"{n} {each.name!r} in {each.unit}" for n, each in enumerate(channels)) or "none"
    wanted = source.channel
    if wanted is None:
        if len(channels) == 1:
            return channels[0]
        raise Unreadable("channel", f"expected the name or number of a channel, because there are {listed}")
    if isinstance(wanted, int):
        if wanted < len(channels):
            return channels[wanted]
        raise Unreadable("channel", f"there is no channel {wanted}, counted from 0; there are {listed}")
    found = [each for each in channels if each.name == wanted]
    if len(found) != 1:
        names = [each.name for each in channels]
        what = f"no channel {wanted!r}{nearest(wanted, names)}" if not found else f"several channels {wanted!r}"
        raise Unreadable("channel", f"there is {what}; there are {listed}. A number, counted from 0, will do as well")
    return found[0]


def _events(segments: Sequence[Any], source: DataSource, *, from_zero: bool) -> Raw:
    """Return the spikes or events of several sweeps, labelled with the names of their trains."""
    times: list[FloatArray] = []
    labels: list[str] = []
    known: dict[str, None] = {}
    wanted = None if source.events is True else source.events
    for segment in segments:
        trains = [each for each in [*segment.spiketrains, *segment.events] if len(each) or each.name]
        for number, train in enumerate(trains):
            name = str(train.name or train.annotations.get("id", number))
            known[name] = None
            if wanted not in (None, name, number):
                continue
            at = train.times - segment.t_start if from_zero else train.times
            times.append(np.asarray(at.rescale("ms").magnitude, dtype=np.float64))
            labels += [name] * times[-1].size
    if not known:
        raise Unreadable("events", "there are no spike trains or events in it")
    if not times:
        message = (
            f"there is no spike train or event {wanted!r}{nearest(str(wanted), known)}; there are {', '.join(known)}"
        )
        raise Unreadable("events", message)
    return Raw(np.concatenate(times), labels=np.array(labels, dtype=np.str_), time_unit="ms")
