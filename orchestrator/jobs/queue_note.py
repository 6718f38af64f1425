"""What the executor said last of the jobs in flight, noted by the controller: nobody who looks has to ask SLURM."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.cluster import State, Status
from orchestrator.files import read_json, write_json

# between two notes, in s: a display is not worth more of a shared file system
_INTERVAL = 5.0


class QueueNotes:
    """Writes the note of one generation, if something has changed and not too often.

    Parameters
    ----------
    path : pathlib.Path
        Its file.
    """

    def __init__(self, path: Path):
        self._path = path
        self._written: object = None
        self._next = 0.0

    def note(self, statuses: Mapping[int, Status], refusal: str = "") -> None:
        """Note the last known status of each offspring in flight, and why others could not be submitted."""
        if time.monotonic() < self._next:
            return
        grouped: dict[str, dict[str, list[int]]] = {}
        for index, status in statuses.items():
            grouped.setdefault(status.state.value, {}).setdefault(status.reason, []).append(index)
        if (grouped, refusal) == self._written:
            return
        self._next = time.monotonic() + _INTERVAL
        # a full disk is told if something is lost by it
        with contextlib.suppress(OSError):
            write_json(self._path, {"time": time.time(), "jobs": grouped, "refusal": refusal})
            self._written = grouped, refusal


@dataclass(frozen=True)
class QueueNote:
    """The note as a reader finds it.

    Parameters
    ----------
    time : float
        Unix time of the note in s, NaN if there is none; it holds until there is another.
    reasons : mapping of int to str
        Why an offspring's job is pending, in the executor's words; empty if it gives none.
    silence : str
        What the executor's silence looks like, if it did not answer.
    refusal : str
        Why it did not take jobs when they were submitted last, empty if it did.
    """

    time: float = math.nan
    reasons: Mapping[int, str] = field(default_factory=dict)
    silence: str = ""
    refusal: str = ""

    @classmethod
    def read(cls, path: Path) -> QueueNote:
        """Return the note; an empty one if it is missing or not readable."""
        try:
            data = read_json(path)
            jobs = data["jobs"]
            pending = jobs.get(State.PENDING.value, {})
            reasons = {int(index): str(reason) for reason, indices in pending.items() for index in indices}
            silence = "; ".join(str(reason) for reason in jobs.get(State.UNKNOWN.value, {}))
            return cls(float(data["time"]), reasons, silence, str(data.get("refusal", "")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return cls()
