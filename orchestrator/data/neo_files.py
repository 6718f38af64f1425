"""Files of electrophysiology that neo reads: ABF and others, with channels, sweeps and spike trains."""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.data.channels import Channel, Train, events_of, trace_of
from orchestrator.data.errors import Unreadable
from orchestrator.data.section import DataSource
from orchestrator.data.shaping import Raw
from orchestrator.text import shortened
from targets.plugins import said
from targets.recordings import FloatArray

# formats that execute what is in the file
_UNSAFE = frozenset({"PickleIO"})
# characters of an error of neo
_LONGEST = 300


def read_with_neo(path: Path, source: DataSource) -> Raw:
    """Return the channel or the spike trains that are wanted of a file.

    Times count from the beginning of each sweep if the file has several.

    Raises
    ------
    Unreadable
        If neo is not there or does not read the file, or it has not what is wanted.
    """
    segments = _segments(path)
    wanted = range(len(segments)) if source.sweeps is None else source.sweeps
    for number in wanted:
        if number >= len(segments):
            message = f"there is no sweep {number}, counted from 0: the file has {len(segments)}"
            raise Unreadable("sweeps", message)
    several = len(segments) > 1
    if source.events is not False:
        return events_of([each for n in wanted for each in _trains(segments[n], from_zero=several)], source)
    return trace_of({n: _channels(segments[n], from_zero=several) for n in wanted}, source)


def _segments(path: Path) -> list[Any]:
    """Return the segments of a file, which is what neo calls sweeps."""
    try:
        neo: Any = importlib.import_module("neo.io")
    except ImportError as error:
        message = f"to read {path.suffix} files needs neo: pip install 'mozaik-orchestrator[neo]'"
        raise Unreadable("file", message) from error
    try:
        kinds = [kind for kind in neo.list_candidate_ios(path) if kind.__name__ not in _UNSAFE]
    except ValueError:
        kinds = []
    if not kinds:
        what = f"a name that ends in {path.suffix}" if path.suffix else "another"
        message = f"expected csv, tsv, txt, dat, npz, json, nwb, or a file that neo reads, such as abf, got {what}"
        raise Unreadable("file", message)
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


def _channels(segment: Any, *, from_zero: bool) -> list[Channel]:
    found = []
    for signal in [*segment.analogsignals, *segment.irregularlysampledsignals]:
        number, name = signal.shape[1], str(signal.name or "")
        own = [str(each) for each in signal.array_annotations.get("channel_names", ())]
        names = own if len(own) == number else [name] if number == 1 else [f"{name}[{n}]" for n in range(number)]
        unit = str(signal.dimensionality.string)
        found += [Channel(each, unit, _reading(segment, signal, n, from_zero)) for n, each in enumerate(names)]
    return found


def _reading(segment: Any, signal: Any, column: int, from_zero: bool) -> Any:
    def read() -> tuple[FloatArray, FloatArray]:
        times = _in_ms(signal.times - segment.t_start if from_zero else signal.times)
        return times, np.asarray(signal.magnitude[:, column], dtype=np.float64)

    return read


def _trains(segment: Any, *, from_zero: bool) -> list[Train]:
    found = [each for each in [*segment.spiketrains, *segment.events] if len(each) or each.name]
    return [
        Train(
            str(each.name or each.annotations.get("id", n)),
            _in_ms(each.times - segment.t_start if from_zero else each.times),
        )
        for n, each in enumerate(found)
    ]


def _in_ms(times: Any) -> FloatArray:
    return np.asarray(times.rescale("ms").magnitude, dtype=np.float64)
