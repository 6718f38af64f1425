"""The phases that a job notes in its progress file, one JSON object per line."""

from __future__ import annotations

import contextlib
import enum
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.clocks import dated, file_system_time
from orchestrator.files import append_json_line, parse_json, read_json_lines
from orchestrator.paths import AttemptPaths
from orchestrator.simulations.loaded import LONGEST, SIMULATORS

# how often a living job touches its progress file, in s
HEARTBEAT = 20.0
# a job notes some hundred bytes per step; nobody reads more than this at once
_MOST_BYTES = 1 << 20
# how far a node's clock may be off before its times are worth nothing to people, in s
_MOST_SKEW = 60.0
# the end of time, Unix time in s
_LAST = 1e11
_MOST_STEPS = 1_000_000_000
# names of the number that an entry counts with, and of how many there are
_COUNTERS = (("slice", "slices"), ("step", "steps"))


class Phase(str, enum.Enum):
    """What a job is doing, in the order of its life; the value is what its progress file says."""

    STARTED = "started"
    BUILDING = "building"
    """The model is made."""
    CHECK = "check"
    """Slices of spontaneous activity tell whether it explodes."""
    PROTOCOLS = "protocols"
    """Stimuli are presented."""
    SAVING = "saving"
    FINISHED = "finished"
    """The simulation is over."""
    MEASURING = "measuring"
    """The targets' values are computed."""
    DELIVERING = "delivering"
    """The result is there and cannot be written: the file system is full or gone."""
    EXPLODED = "exploded"
    """Activity was too high: the simulation ended itself."""
    TERMINATED = "terminated"
    """A signal from outside ends the job."""


def note(paths: AttemptPaths, phase: Phase, **details: Any) -> None:
    """Write into a job's progress file that it enters a phase now."""
    append_json_line(paths.progress, {"time": time.time(), "phase": phase.value, **details})


def noted(paths: AttemptPaths) -> dict[Phase, Mapping[str, Any]]:
    """Return the last entry of each phase that a job has noted."""
    return dict(_entries(paths))


def phases(paths: AttemptPaths) -> dict[Phase, float]:
    """Return when each phase that a job has noted began first, Unix times in s."""
    first: dict[Phase, float] = {}
    for phase, entry in _entries(paths):
        first.setdefault(phase, float(entry["time"]))
    return first


def noted_versions(paths: AttemptPaths) -> dict[str, str]:
    """Return the versions of simulators, by name, that a simulation in a process of its own has noted."""
    found: dict[str, str] = {}
    for _, entry in _entries(paths):
        versions = entry.get("versions")
        known = versions if isinstance(versions, dict) else {}
        found |= {name: text[:LONGEST] for name in SIMULATORS.values() if isinstance(text := known.get(name), str)}
    return found


def silence(paths: AttemptPaths) -> float:
    """Return for how long a job has given no sign of life by the file system's clock in s, infinite if it never did."""
    try:
        beat = dated(paths.progress)
    except OSError:
        return math.inf
    return file_system_time(paths.progress) - beat


def _entries(paths: AttemptPaths) -> Iterator[tuple[Phase, Mapping[str, Any]]]:
    """Yield what is an entry of ours: a model's own run script may note what it likes."""
    for entry in read_json_lines(paths.progress):
        phase, when = entry.get("phase"), entry.get("time")
        # whole numbers of JSON may be too long for a time
        if isinstance(phase, str) and phase in _PHASES and isinstance(when, (int, float)) and abs(when) < _LAST:
            yield Phase(phase), entry


_PHASES = frozenset(phase.value for phase in Phase)
# the phases of which a result has the wall time, and its name there
TIMED = {
    Phase.BUILDING: "build",
    Phase.CHECK: "check",
    Phase.PROTOCOLS: "protocols",
    Phase.MEASURING: "measuring",
}
# what ends each of those that a simulation notes
_ENDS = {
    Phase.BUILDING: (Phase.CHECK, Phase.PROTOCOLS),
    Phase.CHECK: (Phase.EXPLODED, Phase.PROTOCOLS),
    Phase.PROTOCOLS: (Phase.FINISHED,),
}


def seconds_noted(paths: AttemptPaths) -> dict[str, float]:
    """Return the wall times in s of the phases that a simulation has noted and that are over, by their names."""
    first = phases(paths)
    seconds = {}
    for phase, following in _ENDS.items():
        end = next((first[later] for later in following if later in first), None)
        if phase in first and end is not None:
            seconds[TIMED[phase]] = end - first[phase]
    return seconds


@dataclass
class JobProgress:
    """What a job is doing, from a progress file that is read as it grows.

    Parameters
    ----------
    path : pathlib.Path
        The progress file; need not exist yet.
    claim : pathlib.Path or None
        What the job makes before it notes anything: the file system's date of it tells whether the node's clock is off.

    Attributes
    ----------
    started, since, beat : float
        Unix times in s: of the job's start, of the begin of its phase, of its last sign of life; NaN if unknown. The
        first two are the node's, and unknown if its clock is off.
    phase, name, host : str
        What it notes, of `Phase` unless a model's own run script notes others; the name of the protocol; its node.
        Empty as long as it has not started.
    step, steps : int
        Slices of the check that are over, or the protocol that runs from 1, and how many there are; 0 of 0 elsewhere.
    """

    path: Path
    claim: Path | None = None
    started: float = math.nan
    since: float = math.nan
    beat: float = math.nan
    phase: str = ""
    name: str = ""
    host: str = ""
    step: int = 0
    steps: int = 0
    _offset: int = 0
    _clock_is_off: bool | None = None

    @property
    def has_started(self) -> bool:
        """Whether the job has left a sign of life at all."""
        return bool(self.phase)

    def refresh(self) -> None:
        """Read what was added; where the file is gone or not readable, all stays as it was."""
        with contextlib.suppress(OSError):
            found = self.path.stat()
            self.beat = found.st_mtime
            if found.st_size > self._offset:
                with self.path.open("rb") as file:
                    file.seek(self._offset)
                    added = file.read(_MOST_BYTES)
                whole = added.rfind(b"\n") + 1  # the last line may be half written
                self._offset += whole
                for line in added[:whole].splitlines():
                    self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            entry = parse_json(line)
            phase, when = str(entry["phase"]), float(entry["time"])
        except (ValueError, KeyError, TypeError, OverflowError):
            return
        if self._clock_is_off is None:
            self._clock_is_off = self._differs(when)
        if self._clock_is_off:
            when = math.nan
        if math.isnan(self.started):
            self.started = when
        if phase != self.phase:
            self.since = when
        self.phase, self.name = phase, str(entry.get("name", ""))
        self.host = str(entry.get("host", self.host))
        self.step, self.steps = _counted(entry)

    def _differs(self, started: float) -> bool:
        try:
            return self.claim is not None and abs(started - self.claim.stat().st_mtime) > _MOST_SKEW
        except OSError:
            return False


def _counted(entry: Mapping[str, Any]) -> tuple[int, int]:
    for one, all_of_them in _COUNTERS:
        step, steps = entry.get(one), entry.get(all_of_them)
        if isinstance(step, int) and isinstance(steps, int) and 0 <= step <= _MOST_STEPS and 0 <= steps <= _MOST_STEPS:
            return step, steps
    return 0, 0
