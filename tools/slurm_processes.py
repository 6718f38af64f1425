"""Processes of a virtual cluster: recognised beyond doubt, started detached, signalled, found in /proc.

A process id is no identity: it is used again. A process is known here by its id *and* the moment it started.
Standard library only: the tests and the tools use it before anything is installed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One process, for as long as it lives.

    Parameters
    ----------
    pid
        Process id.
    started
        When it started, in clock ticks since boot (field 22 of ``/proc/<pid>/stat``).
    """

    pid: int
    started: int

    @classmethod
    def find(cls, pid: int) -> Process | None:
        """The process that has this id now, or None if there is none (a zombie is none)."""
        fields = _stat(pid)
        return cls(pid, int(fields[19])) if fields else None

    def alive(self) -> bool:
        """Whether it still runs (or is stopped by SIGSTOP)."""
        return Process.find(self.pid) == self

    def parent(self) -> int:
        """The parent's process id, 0 if this process is gone."""
        fields = _stat(self.pid)
        return int(fields[1]) if fields else 0

    def suspended(self) -> bool:
        """Whether it is stopped by SIGSTOP."""
        fields = _stat(self.pid)
        return bool(fields) and fields[0] in "Tt"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this process, not to another one that got its id; a dead one is left in peace."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def command(self) -> str:
        """The command line, its arguments joined by spaces; empty if the process is gone."""
        return _read(self.pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()

    def environment(self) -> dict[str, str]:
        """The environment it was started with; empty if it is gone or belongs to somebody else."""
        entries = _read(self.pid, "environ").decode(errors="surrogateescape").split("\0")
        return dict(entry.split("=", 1) for entry in entries if "=" in entry)

    def open_files(self) -> set[str]:
        """Paths of the files it holds open; empty if it is gone or belongs to somebody else."""
        paths = set()
        try:
            for descriptor in (PROC / str(self.pid) / "fd").iterdir():
                try:
                    paths.add(str(descriptor.readlink()))
                except OSError:  # closed meanwhile
                    continue
        except OSError:
            return set()
        return paths


def processes() -> Iterator[Process]:
    """All processes of this machine but this one and its ancestors."""
    ancestors, pid = set(), os.getpid()
    while pid > 0 and pid not in ancestors:
        ancestors.add(pid)
        fields = _stat(pid)
        pid = int(fields[1]) if fields else 0
    for entry in PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) not in ancestors:
            process = Process.find(int(entry.name))
            if process:
                yield process


def descendants(roots: Iterable[Process]) -> set[Process]:
    """The given processes and all that descend from them."""
    everyone = list(processes())
    found = set(roots)
    while True:
        pids = {process.pid for process in found}
        more = {process for process in everyone if process not in found and process.parent() in pids}
        if not more:
            return found
        found |= more


def launch(command: Sequence[str], output: Path, environment: Mapping[str, str]) -> Process:
    """Start a daemon in a session of its own, as nobody's child, so that it outlives whoever starts it.

    Parameters
    ----------
    command
        Program and arguments.
    output
        File to which its standard output and error are appended.
    environment
        Its whole environment.
    """
    script = 'exec 3>&1 >>"$0" 2>&1 </dev/null; "$@" 3>&- & echo $! >&3'
    shell = ["/bin/sh", "-c", script, str(output), *command]
    answer = subprocess.run(
        shell, env=dict(environment), stdout=subprocess.PIPE, check=True, text=True, start_new_session=True
    )
    pid = int(answer.stdout)
    return Process.find(pid) or Process(pid, -1)  # -1: died at once, alive() is then False for ever


def end(targets: Iterable[Process], grace: float = 3.0) -> list[Process]:
    """End processes: SIGTERM, and SIGKILL for what is left after `grace` seconds. Returns what survived even that."""
    remaining = [process for process in targets if process.alive()]
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        for process in remaining:
            process.signal(number)
            process.signal(signal.SIGCONT)  # a suspended process doesn't act on SIGTERM
        wait_until(lambda: not any(process.alive() for process in remaining), patience)  # noqa: B023 (called here)
        remaining = [process for process in remaining if process.alive()]
    return remaining


def wait_until(condition: Callable[[], bool], timeout: float, interval: float = 0.02) -> bool:
    """Look at a condition every `interval` seconds until it holds; False if it doesn't within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True


def connects(address: str | tuple[str, int]) -> bool:
    """Whether somebody listens at a (host, port) or a Unix socket's path."""
    with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as probe:
        try:
            probe.connect(address)
        except OSError:
            return False
    return True


def _stat(pid: int) -> list[str]:
    """Fields 3 and following of /proc/<pid>/stat; empty if there is no such process or it is a zombie."""
    text = _read(pid, "stat").decode(errors="replace")
    fields = text.rpartition(")")[2].split()  # the name before may contain spaces and brackets
    return [] if not fields or fields[0] in "ZX" else fields


def _read(pid: int, name: str) -> bytes:
    try:
        return (PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""
