"""Measuring datastores where the controller runs: processes of their own, never more than memory allows."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from orchestrator.paths import AttemptPaths
from orchestrator.results import result_in

_LOG = logging.getLogger(__name__)
# memory of a measuring process: the interpreter with its libraries, and a multiple of the recordings' size on disk
# (docs/performance.md)
_BASE = 200 * 1024**2
_PER_BYTE = 2.0
_TRIES = 2


@dataclass
class _Work:
    key: tuple[int, int]
    paths: AttemptPaths
    memory: float
    tries: int = 0
    started: float = 0.0
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

    def __init__(self, workers: int, timeout: float):
        self._workers = workers
        self._timeout = timeout
        self._waiting: deque[_Work] = deque()
        self._running: list[_Work] = []

    def add(self, key: tuple[int, int], paths: AttemptPaths) -> None:
        """Measure what an attempt at offspring `key`, a generation and an index, left, as soon as there is room."""
        self._waiting.append(_Work(key, paths, _BASE + _PER_BYTE * _largest_file(paths.simulation)))
        self._fill()

    def poll(self) -> list[tuple[tuple[int, int], str]]:
        """Start what there is room for; return offspring whose process ended before it had measured, and why."""
        failed = []
        for work in list(self._running):
            code = work.process.poll() if work.process else None
            if code is None and work.process is not None and time.monotonic() - work.started > self._timeout:
                work.process.kill()
                code = work.process.wait()
            if code is None:
                continue
            self._running.remove(work)
            result = result_in(work.paths.result)
            if result is not None and result.measured:
                if code != 0:
                    told = "measuring %s ended with exit code %d, after it had delivered"
                    _LOG.warning(told, work.paths.directory, code)
            # an exit code of 0 alone says nothing: a user's target may have left the process
            elif work.tries < _TRIES:
                _LOG.warning("measuring %s ended with exit code %d, trying again", work.paths.directory, code)
                self._waiting.append(work)
            else:
                failed.append((work.key, f"measuring ended with exit code {code} in {work.tries} tries"))
        self._fill()
        return failed

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


def _largest_file(folder: Path) -> int:
    """Return the size in bytes of the largest file: recordings are read segment by segment."""
    return max((path.stat().st_size for path in folder.rglob("*") if path.is_file()), default=0)


def available_memory(process: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> float:
    """Return how many bytes processes started here may use now.

    Parameters
    ----------
    process : pathlib.Path
        The kernel's list of this process's control groups (man 7 cgroups).
    root : pathlib.Path
        Where control groups are mounted.
    """
    limits = [float(psutil.virtual_memory().available)]
    for maximum, used in _limit_files(process, root):
        try:
            limits.append(max(float(maximum.read_text()) - float(used.read_text()), 0.0))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return min(limits)


def _limit_files(process: Path, root: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the files with limit and use of every group around this process: a job's limit is above its steps."""
    try:
        lines = process.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        path = Path(group.lstrip("/"))
        if controllers == "":
            mount, names = root, ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            mount, names = root / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        for around in (path, *path.parents):
            yield mount / around / names[0], mount / around / names[1]
