"""Clocks that a host's wrong one, or one that jumps, does not mislead.

How long this process waits is measured with `time.monotonic`. What several hosts compare is the time of the file system
that they share: that of a file which its server has just dated.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

# how long a difference between two clocks is believed, in s
_BELIEVED = 60.0


def since_boot() -> float:
    """Return seconds that only grow, those in which this machine was suspended included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot() -> str:
    """Return what tells this machine's present boot from all others."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def file_system_time(beside: Path) -> float:
    """Return what time it is where a file is: a probe beside it is dated, and removed.

    Parameters
    ----------
    beside : pathlib.Path
        A file of any name; need not exist.

    Returns
    -------
    float
        Unix time in s, of the file system's server.

    Raises
    ------
    OSError
        If nothing can be written there.
    """
    probe = beside.with_name(f".{beside.name}.{secrets.token_hex(4)}")
    descriptor = os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.utime(descriptor)  # without a time of ours
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            probe.unlink()


def dated(path: Path) -> float:
    """Return when a file was changed last, by its own date: Unix time of the file system in s.

    Raises
    ------
    OSError
        If it is not there.
    """
    # opening it asks the server; on a network file system a look at its name may show what was true a minute ago
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # what may be a pipe holds up nobody
    except PermissionError:  # another user's
        return path.stat().st_mtime
    try:
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class Moment:
    """A moment that is written into a file, for those who measure from it later on any host.

    Parameters
    ----------
    time : float
        Unix time in s, by the clock of whoever wrote it.
    boot : str
        The boot of its machine, empty if that is not known.
    uptime : float
        Time since that boot in s.
    """

    time: float
    boot: str = ""
    uptime: float = 0.0

    @classmethod
    def now(cls, time: float) -> Moment:
        """Return this moment, which is to be known as `time`."""
        return cls(time, boot(), since_boot())

    def passed(self, file: float, now: float) -> float:
        """Return how much time has passed since it was written, in s.

        Of two measures the shorter one counts, so that no clock that is ahead makes a deadline pass.

        Parameters
        ----------
        file : float
            When the file that ends with it was changed, by its own date.
        now : float
            The file system's time now.
        """
        measures = [now - file]
        if self.boot == boot():
            measures.append(since_boot() - self.uptime)
        return max(min(measures), 0.0)


class FileSystemClock:
    """Tells how old files are to those who look often: a probe once in a minute at most.

    Parameters
    ----------
    beside : pathlib.Path
        As for `file_system_time`; where nothing can be written, this host's own clock has to do.
    """

    def __init__(self, beside: Path):
        self._beside = beside
        self._measured: tuple[float, float] | None = None

    def age(self, changed: float) -> float:
        """Return for how long a file has not changed, in s.

        A probe is made only where this host's clock says that it is longer than a minute, or negative.

        Parameters
        ----------
        changed : float
            When it was changed last, by its own date.
        """
        age = time.time() - changed
        return age if 0 <= age <= _BELIEVED else self._time() - changed

    def time(self) -> float:
        """Return the file system's time if a probe was made, else this host's, which has shown nothing strange."""
        return time.time() if self._measured is None else self._time()

    def _time(self) -> float:
        now = since_boot()
        if self._measured is None or now - self._measured[0] > _BELIEVED:
            try:
                self._measured = (now, file_system_time(self._beside))
            except OSError:
                self._measured = (now, time.time())
        at, shown = self._measured
        return shown + now - at
