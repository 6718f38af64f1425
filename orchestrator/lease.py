"""One controller per run, on any number of machines that share a file system.

A lease rather than a kernel's lock: `flock` is not shared, or refused, on the file systems of many clusters. The holder
renews it; a controller takes it over from one that is known to be dead, or that has not renewed it for its lifetime.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flufl.lock import Lock, LockError, TimeOutError

from orchestrator.errors import OrchestratorError, Stopped, UsageError
from orchestrator.files import read_json, read_text, write_json
from orchestrator.paths import RunPaths
from orchestrator.processes import is_from_here, living, this_process

_LIFETIME = timedelta(seconds=60)
# what flufl.lock allows for clocks that differ
_CLOCK_SLOP = timedelta(seconds=10)
# Unix time of the year 2100 in s
_LAST = 4.1e9
# in s
_RENEWAL = 5.0
# how long a requeued job waits for its own former self on a node that SLURM has given up, in s
_ZOMBIE_PATIENCE = 600.0
_LOOK = 0.5
_TRIES = 3
_SINCE = "%Y-%m-%d %H:%M:%S"

# it logs as errors what is none here
logging.getLogger("flufl.lock").setLevel(logging.CRITICAL)


class Lease:
    """Holds a run's lock, renewed in a thread of its own.

    Parameters
    ----------
    lock : flufl.lock.Lock
        Acquired.
    """

    def __init__(self, lock: Lock):
        self._lock = lock
        self._over = threading.Event()
        self._on_loss: Callable[[], object] = lambda: None
        self.lost = False
        # how it ends if no error ends it, and why: for those who look at the run later
        self.ending = ("finished", "")
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()

    def call_on_loss(self, action: Callable[[], object]) -> None:
        """Call `action` if another controller has taken the run over."""
        self._on_loss = action
        if self.lost:
            action()

    def confirm(self) -> None:
        """Make sure that nobody has taken the run over, before something is written that only one may write.

        Raises
        ------
        orchestrator.errors.Stopped
            If somebody has, because this controller slept for too long.
        """
        if self.lost or not self._is_ours():
            self.lost = True
            raise Stopped("another controller has taken this run over")

    def release(self) -> None:
        """Give the lock back."""
        self._over.set()
        self._thread.join()
        with contextlib.suppress(OSError, LockError):
            self._lock.unlock()

    def _renew(self) -> None:
        while not self._over.wait(_RENEWAL):
            if not self._is_ours():
                self.lost = True
                self._on_loss()
                return

    def _is_ours(self) -> bool:
        """Renew the lease; False only if it is certain that somebody else has it."""
        for _ in range(3):
            try:
                if self._lock.is_locked:
                    return True
            except OSError:
                return True  # the file system is away: nobody else reaches it either
            if self._over.wait(_LOOK):
                return True
        return False


@contextlib.contextmanager
def only_controller(
    paths: RunPaths, job_id: str = "", say: Callable[[str], object] = lambda _text: None
) -> Iterator[Lease]:
    """Hold a run's lock.

    Parameters
    ----------
    paths : RunPaths
        The run.
    job_id : str
        SLURM job of this controller, for the message that a second one gets.
    say : callable
        Told why it takes a while.

    Raises
    ------
    orchestrator.errors.UsageError
        If another controller holds it and lives; says who.
    """
    lease = Lease(_acquired(paths, job_id, say))
    # those before it may be queued again, and start once more after it
    jobs = list(dict.fromkeys([*controller_jobs(paths), *([job_id] if job_id else [])]))
    holder = {**this_process(), "job": job_id, "jobs": jobs, "since": time.time()}
    ending = ("failed", "it crashed")
    try:
        write_json(paths.holder, holder)
        yield lease
        ending = lease.ending
    except Stopped as error:
        ending = ("stopped", str(error.__cause__ or error))
        raise
    except OrchestratorError as error:
        ending = ("failed", str(error))
        raise
    finally:
        with contextlib.suppress(OSError, Stopped):
            lease.confirm()  # the record may be somebody else's by now
            write_json(paths.holder, {**holder, "ended": time.time(), "how": ending[0], "why": ending[1]})
        lease.release()


@dataclass(frozen=True)
class Hold:
    """What can be seen of a controller that holds a run.

    Parameters
    ----------
    claim : str
        What tells this hold of the lock from all others.
    lives : bool or None
        Whether its process lives; None if that cannot be seen from here.
    renewed : float
        When it renewed its lease last, Unix time in s.
    expired : bool
        Whether it has not done so for its lifetime.
    """

    claim: str
    lives: bool | None
    renewed: float
    expired: bool


def hold_of(paths: RunPaths) -> Hold | None:
    """Return who holds a run, None if nobody does; without touching anything."""
    try:
        # whoever sets the time of a file may set any
        until = min(max(paths.lock.stat().st_mtime, 0.0), _LAST)
    except OSError:
        return None
    claim, holder = _claim(paths), holder_of(paths)
    # the record is written after the lock is taken: it may still be that of the holder before
    seen = claim.split("|")[-2:-1] == [str(holder.get("pid"))] and is_from_here(holder)
    # by the clock on the wall, as flufl.lock does: the two must not disagree in the hour that comes twice
    expired = datetime.fromtimestamp(until) + _CLOCK_SLOP < datetime.now()
    return Hold(claim, living(holder) is not None if seen else None, until - _LIFETIME.total_seconds(), expired)


def is_held(paths: RunPaths) -> bool:
    """Return whether a controller holds a run's lock; True if that cannot be known from here."""
    hold = hold_of(paths)
    return hold is not None and not hold.expired and hold.lives is not False


def holder_of(paths: RunPaths) -> dict[str, Any]:
    """Return ``host``, ``pid``, ``job``, ``since`` of the controller that holds a run, or held it last; or nothing."""
    try:
        holder = read_json(paths.holder)
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def since_of(holder: Mapping[str, Any]) -> float:
    """Return when a controller started, Unix time in s, NaN if that is not known.

    Parameters
    ----------
    holder : mapping
        As `holder_of` returns it. Earlier versions wrote local time as text.
    """
    since = holder.get("since")
    try:
        return time.mktime(time.strptime(since, _SINCE)) if isinstance(since, str) else float(since or math.nan)
    except (OverflowError, TypeError, ValueError):
        return math.nan


def since_words(since: float) -> str:
    """Return when a controller started, Unix time in s, as local time for people."""
    try:
        return time.strftime(_SINCE, time.localtime(since))
    except (OverflowError, ValueError, OSError):
        return "an unknown time"


def controller_jobs(paths: RunPaths) -> list[str]:
    """Return the SLURM jobs that have been controllers of a run, the latest last."""
    holder = holder_of(paths)
    # earlier versions wrote down the last one only
    jobs = holder.get("jobs", [holder.get("job")])
    return [str(job) for job in jobs if job] if isinstance(jobs, list) else []


def _acquired(paths: RunPaths, job_id: str, say: Callable[[str], object]) -> Lock:
    lock = Lock(str(paths.lock), lifetime=_LIFETIME)
    former_self = bool(job_id) and holder_of(paths).get("job") == job_id
    patience = time.monotonic() + (_ZOMBIE_PATIENCE if former_self else 0.0)
    first, told, tries = hold_of(paths), False, 0
    while True:
        hold = hold_of(paths)
        if hold is None or not hold.claim or hold.lives is False or hold.expired:
            taken = _take(paths, lock, hold.claim if hold else "")
            if taken:
                return lock
            tries += taken is False
            if tries > _TRIES:
                raise UsageError(f"{paths.lock} cannot be taken over; remove it if no controller of this run is alive")
        elif (hold.lives or first is None or hold.renewed != first.renewed) and time.monotonic() > patience:
            raise UsageError(f"{paths.directory} is in use by {_named(paths)}; stop that controller first")
        elif not told:
            say(f"Waiting for a sign of life of {_named(paths)}, for at most {(_LIFETIME + _CLOCK_SLOP).seconds} s ...")
            told = True
        time.sleep(_LOOK)


def _take(paths: RunPaths, lock: Lock, former: str) -> bool | None:
    """Take the lock, or take it over from a holder that is gone; False if that fails, None if others are at it.

    Of those who have seen the holder dead, only one may go on: who comes second would break the lock of the first.
    """
    successor = _successor(paths, former)
    if successor is not None:
        try:
            os.close(os.open(successor, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            with contextlib.suppress(FileNotFoundError):
                if time.time() - successor.stat().st_mtime > _LIFETIME.total_seconds():
                    successor.unlink()  # it died as well
            return None
    try:
        if successor is not None and _claim(paths) == former:
            os.utime(paths.lock, (0, 0))  # flufl.lock takes over what has expired
        lock.lock(timeout=5)
    except (TimeOutError, FileNotFoundError):
        return False
    finally:
        if successor is not None:
            successor.unlink(missing_ok=True)
    return True


def _claim(paths: RunPaths) -> str:
    """Return what the lock file says of its holder, empty if there is none."""
    try:
        return read_text(paths.lock).strip()
    except (OSError, ValueError):
        return ""


def _successor(paths: RunPaths, former: str) -> Path | None:
    """Return the file that only one of those who succeed a holder can create, None if there is no holder."""
    return paths.lock.with_name(f"{Path(former).name}.successor") if former else None


def _named(paths: RunPaths) -> str:
    holder = holder_of(paths)
    if not {"host", "pid", "since"} <= set(holder):
        return "another controller"
    job = f", SLURM job {holder['job']}" if holder.get("job") else ""
    return f"the controller on {holder['host']} (process {holder['pid']}{job}, since {since_words(since_of(holder))})"
