"""Recordings as a run began with them: kept in its directory, and compared with what the files are now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from orchestrator.errors import RunFailed
from orchestrator.files import replacing
from orchestrator.paths import RunPaths
from targets.recordings import Events, Recordings, Trace
from targets.recordings.file import load, save


def freeze_data(data: Mapping[str, Trace | Events], paths: RunPaths) -> None:
    """Keep recordings with a run; nothing is written if there are none."""
    if data:
        write_data(data, paths.data)


def write_data(data: Mapping[str, Trace | Events], path: Path) -> None:
    """Write recordings into a file, whole or not at all."""
    traces = {name: each for name, each in data.items() if isinstance(each, Trace)}
    events = {name: each for name, each in data.items() if not isinstance(each, Trace)}
    with replacing(path) as temporary:
        save(Recordings(traces=traces, events=events), temporary)


def read_data(path: Path) -> dict[str, Trace | Events]:
    """Return the recordings in a file; raises OSError if it cannot be read, ValueError if it is none."""
    found = load(path, path.parent)
    return {**found.traces, **found.events}


def frozen_data(paths: RunPaths, names: Iterable[str] = ()) -> dict[str, Trace | Events]:
    """Return the recordings that a run began with; none if it began without.

    Parameters
    ----------
    paths : RunPaths
        Of the run.
    names : iterable of str
        Those that must be there.

    Raises
    ------
    orchestrator.errors.RunFailed
        If the file is not readable, or lacks one of them.
    """
    try:
        data = read_data(paths.data)
    except FileNotFoundError:
        data = {}
    except (OSError, ValueError) as error:
        raise RunFailed(f"{paths.data}: expected the data that the run began with ({error}). Restore it") from error
    if missing := sorted(set(names) - data.keys()):
        what = f"{missing[0]!r} is not there" if data else "there is no such file"
        without = f"or, if the run began without {missing[0]!r}, take it out of data"
        raise RunFailed(f"{paths.data}: expected the data that the run began with, but {what}. Restore it, {without}")
    return data


def digest_of(recording: Trace | Events) -> str:
    """Return the SHA-256 of the numbers of a recording, its shape, labels and units."""
    digest = hashlib.sha256()
    for part in ("times", "values", "labels", "unit", "time_unit"):
        if (value := getattr(recording, part, None)) is None:
            continue
        array = value if isinstance(value, np.ndarray) else np.array(value)
        if array.dtype.kind == "U":
            array = np.frombuffer("\0".join(array.ravel().tolist()).encode(), dtype=np.uint8)
        digest.update(f"{part} {array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
