"""Writes the traces and events that are kept of one of the best evaluations: ``orchestrator best --traces``."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import UsageError
from orchestrator.files import replacing
from orchestrator.reevaluation.choosing import Candidate
from targets.recordings import Recordings
from targets.recordings.file import save

_HEADING = ("name", "row", "time", "time unit", "value", "unit")


def write_traces(checkpoint: Checkpoint, candidate: Candidate, file: Path) -> None:
    """Write what is kept of an evaluation.

    Parameters
    ----------
    checkpoint : Checkpoint
        Of the run.
    candidate : Candidate
        The evaluation.
    file : pathlib.Path
        ``.npz``: arrays by name, as a program of one's own writes them into ``returned.npz``. ``.csv``: a line for each
        sample of each row of a trace, whose time is what else it may be over, for each event, whose label is its
        value, and for each number.

    Raises
    ------
    orchestrator.errors.UsageError
        If nothing is kept of it, or the file is neither, or cannot be written.
    """
    if file.suffix not in (".npz", ".csv"):
        raise UsageError(f"--traces: expected a file .npz or .csv, got {file}")
    kept = checkpoint.recordings()
    key = candidate.generation, candidate.offspring
    if key not in kept:
        of = ", ".join(f"generation {generation} offspring {offspring}" for generation, offspring in kept) or "none"
        raise UsageError(
            f"{checkpoint.path}: no traces or events are kept of generation {key[0]} offspring {key[1]}; they are of: "
            f"{of}. keep.best says of how many of the best they are kept, if the simulation leaves any"
        )
    try:
        with replacing(file) as temporary:
            if file.suffix == ".npz":
                save(kept[key], temporary)
            else:
                with temporary.open("w", encoding="utf-8", newline="") as table:
                    csv.writer(table).writerows([_HEADING, *_lines(kept[key])])
    except OSError as error:
        raise UsageError(f"--traces: {file} cannot be written: {error.strerror}") from error


def _lines(recordings: Recordings) -> Iterator[tuple[object, ...]]:
    for name, trace in recordings.traces.items():
        for row, values in enumerate(trace.rows):
            for time, value in zip(trace.times.tolist(), values.tolist(), strict=True):
                yield name, row, time, trace.time_unit, value, trace.unit
    for name, events in recordings.events.items():
        for time, label in zip(events.times.tolist(), events.labels.tolist(), strict=True):
            yield name, "", time, events.time_unit, label, ""
    for name, number in recordings.numbers.items():
        yield name, "", "", "", number, ""
