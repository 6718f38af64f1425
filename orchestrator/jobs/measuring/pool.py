"""Measuring datastores where the controller runs: processes of their own, never more than memory allows."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestrator.memory import available_memory
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome, Result
from orchestrator.results import result_in
from orchestrator.simulations.failure_cause import CANNOT_DELIVER, is_from_outside

_LOG = logging.getLogger(__name__)
# memory of a measuring process: the interpreter with its libraries, and a multiple of the recordings' size on disk
# (docs/performance.md)
_BASE = 200 * 1024**2
_PER_BYTE = 2.0
_TRIES = 2


class Measuring(Protocol):
    """Measures what jobs leave unmeasured.

    Attributes
    ----------
    in_place : bool
        Whether what is measured comes into the attempts' own result files.
    """

    in_place: bool

    def add(self, key: tuple[int, int], paths: AttemptPaths) -> None:
        """Measure what an attempt at offspring `key`, a generation and an index, left, as soon as there is room."""

    def poll(self) -> list[tuple[tuple[int, int], Result]]:
        """Go on; return the results of offspring that are not in their attempts' result files."""

    def landed(self, key: tuple[int, int]) -> None:
        """Leave an offspring be, whose result was taken."""

    def close(self) -> None:
        """End all of it; what is not measured is measured when the run is continued."""


@dataclass
class _Work:
    key: tuple[int, int]
    paths: AttemptPaths
    memory: float
    tries: int = 0
    started: float = 0.0
    too_slow: bool = False
    landed: bool = False
    process: subprocess.Popen[bytes] | None = None


class MeasuringPool:
    """Runs `orchestrator.node.evaluate.measure_attempt`, one process per offspring; each rewrites its result file.

    One process per datastore, rather than a pool of long-lived ones, gives all of its memory back, and one that the
    kernel kills takes no other with it.

    Parameters
    ----------
    workers : int
        Processes at once at most; fewer if memory is short, but always one.
    timeout : float
        Longest time that one may take, in s.
    """

    in_place = True

    def __init__(self, workers: int, timeout: float):
        self._workers = workers
        self._timeout = timeout
        self._waiting: deque[_Work] = deque()
        self._running: list[_Work] = []

    def add(self, key: tuple[int, int], paths: AttemptPaths) -> None:
        """Measure what an attempt at offspring `key`, a generation and an index, left, as soon as there is room."""
        self._waiting.append(_Work(key, paths, _BASE + _PER_BYTE * _at_once(paths)))
        self._fill()

    def poll(self) -> list[tuple[tuple[int, int], Result]]:
        """Start what there is room for; return offspring whose process ended before it had measured, with a result."""
        failed = []
        for work in list(self._running):
            code = work.process.poll() if work.process else None
            if code is None and work.process is not None and time.monotonic() - work.started > self._timeout:
                work.process.kill()
                work.too_slow, code = True, work.process.wait()
            if code is None:
                continue
            self._running.remove(work)
            result = result_in(work.paths.result)
            if work.landed or (result is not None and result.measured):
                if code != 0:
                    told = "measuring %s ended with exit code %d, after it had delivered"
                    _LOG.warning(told, work.paths.directory, code)
            # an exit code of 0 alone says nothing: a user's target may have left the process
            elif work.tries < _TRIES:
                _LOG.warning("measuring %s ended with exit code %d, trying again", work.paths.directory, code)
                self._waiting.append(work)
            else:
                # the kernel may end it for another's memory
                lost = code == CANNOT_DELIVER or (is_from_outside(code) and not work.too_slow)
                outcome = Outcome.CANCELLED if lost else Outcome.SIMULATION_ERROR
                message = f"measuring ended with exit code {code} in {work.tries} tries"
                failed.append((work.key, Result(outcome, message=message)))
        self._fill()
        return failed

    def landed(self, key: tuple[int, int]) -> None:
        """Let an offspring's process end as it likes: its result was taken, and its files may be gone before that."""
        for work in self._running:
            work.landed |= work.key == key
        self._waiting = deque(work for work in self._waiting if work.key != key)

    def close(self) -> None:
        """End all processes; what they had not measured is measured when the run is continued."""
        self._waiting.clear()
        for work in self._running:
            if work.process is not None:
                work.process.kill()
                work.process.wait()
        self._running.clear()

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self._workers:
            promised = sum(work.memory for work in self._running)
            if self._running and promised + self._waiting[0].memory > available_memory():
                return
            work = self._waiting.popleft()
            work.tries += 1
            work.started = time.monotonic()
            command = [sys.executable, "-m", "orchestrator.node.evaluate", str(work.paths.task)]
            # away from the model: python -m looks for modules in the working directory first
            with work.paths.log.open("ab") as log:
                work.process = subprocess.Popen(
                    command, cwd=work.paths.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            self._running.append(work)


def _at_once(paths: AttemptPaths) -> int:
    """Return the size in bytes of what is read of recordings at once: trials are averaged, and all of them are read."""
    return sum(map(_largest_file, paths.trials() or [paths.simulation]))


def _largest_file(folder: Path) -> int:
    """Return the size in bytes of the largest file: recordings are read segment by segment."""
    return max((path.stat().st_size for path in folder.rglob("*") if path.is_file()), default=0)
