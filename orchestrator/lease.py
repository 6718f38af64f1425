"""One controller per run, on any number of machines that share a file system.

A lease on the run's lock. The holder renews it; a controller takes it over from one that is known to be dead, or that
has not renewed it for its lifetime, by the file system's clock and under its own eyes.
"""

from __future__ import annotations

import contextlib
import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.clocks import FileSystemClock, since_boot
from orchestrator.errors import OrchestratorError, RunFailed, Stopped, UsageError
from orchestrator.files import read_json, write_json
from orchestrator.lock import Lock, Token, tokens
from orchestrator.paths import RunPaths
from orchestrator.processes import is_from_here, living, this_process

# how long a holder may be silent before it is succeeded, and for how long it is sure of its lease without a look, in s
LIFETIME = 70.0
_SURE = 60.0
_RENEWAL = 5.0
# how long a holder is watched at least before it is succeeded, in s: one that lives would renew its lease meanwhile,
# whatever a clock says
_WATCHED = 3 * _RENEWAL
# how long a requeued job waits for its own former self on a node that SLURM has given up, in s
_ZOMBIE_PATIENCE = 600.0
_LOOK = 0.5
_REFUSALS = 3
# the signal that asks a controller to stop, unless it has written down another
STOPPED_BY = "SIGTERM"
_SINCE = "%Y-%m-%d %H:%M:%S"


class Lease:
    """Holds a run's lock, renewed in a thread of its own.

    Parameters
    ----------
    lock : Lock
        Taken just now.
    """

    def __init__(self, lock: Lock):
        self._lock = lock
        self._over = threading.Event()
        self._on_loss: Callable[[], object] = lambda: None
        self.lost = False
        # until when nobody can have taken it over, by the clock of `since_boot`
        self._safe_until = since_boot() + _SURE
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
        """Make sure that nobody has taken the run over, before something is done that only one may do.

        It asks the file system each time, some tens of microseconds on a local one: an answer that is remembered is
        worth nothing in a process that was suspended meanwhile.

        Raises
        ------
        orchestrator.errors.Stopped
            If somebody has, because this controller slept for too long.
        OSError
            If the file system does not tell for as long as another controller needs to take over.
        """
        if self.lost or not self._is_ours():
            self.lost = True
            raise Stopped("another controller has taken this run over")

    def release(self) -> None:
        """Give the lock back."""
        self._over.set()
        self._thread.join()
        self._lock.release()

    def _renew(self) -> None:
        while not self._over.wait(_RENEWAL):
            with contextlib.suppress(OSError):
                if not self._is_ours():
                    self.lost = True
                    self._on_loss()
                    return

    def _is_ours(self) -> bool:
        """Renew the lease; return whether it is ours still."""
        refusals, gives_up = 0, since_boot() + LIFETIME
        while True:
            now = since_boot()
            try:
                if self._lock.renew():
                    self._safe_until = now + _SURE
                    return True
                refusals += 1
            except OSError:
                # the file system is away
                if now < self._safe_until:
                    return True
                if now > gives_up:
                    raise
            if refusals >= _REFUSALS:
                return False
            if self._over.wait(_LOOK):
                return True


@contextlib.contextmanager
def only_controller(
    paths: RunPaths,
    job_id: str = "",
    say: Callable[[str], object] = lambda _text: None,
    stopped_by: str = STOPPED_BY,
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
    stopped_by : str
        The signal that asks this controller to stop, for who cancels the run; empty if it hears none.

    Raises
    ------
    orchestrator.errors.UsageError
        If another controller holds it and lives; says who.
    orchestrator.errors.RunFailed
        If the run's directory cannot be written.
    """
    try:
        lease = Lease(_acquired(paths, job_id, say))
    except OSError as error:
        words = f"cannot be written by this controller ({error.strerror or error}); see to that and try again"
        raise RunFailed(f"{paths.directory}: {words}") from error
    # those before it may be queued again, and start once more after it
    jobs = list(dict.fromkeys([*controller_jobs(paths), *([job_id] if job_id else [])]))
    holder = {**this_process(), "job": job_id, "jobs": jobs, "since": time.time(), "stopped_by": stopped_by}
    ending = ("failed", "it crashed")
    try:
        write_json(paths.holder, holder, lease.confirm)
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
            ended = {**holder, "ended": time.time(), "how": ending[0], "why": ending[1]}
            write_json(paths.holder, ended, lease.confirm)  # the record may be somebody else's by now
        lease.release()


@dataclass(frozen=True)
class Hold:
    """What can be seen of a controller that holds a run.

    Parameters
    ----------
    token : Token
        Its lock.
    lives : bool or None
        Whether its process lives; None if that cannot be seen from here.
    age : float
        For how long it has not renewed its lease by the file system's clock, in s; negative if that has gone back.
    """

    token: Token
    lives: bool | None
    age: float

    @property
    def expired(self) -> bool:
        """Whether it has not renewed its lease for its lifetime."""
        return self.age > LIFETIME


def holds_of(paths: RunPaths, clock: FileSystemClock) -> list[Hold]:
    """Return who holds a run, the one that was heard of last first: several only while they settle who does."""
    holder, holds = holder_of(paths), []
    for token in sorted(tokens(paths.lock), key=lambda each: -each.renewed):
        # the record is written after the lock is taken: it may still be that of the holder before
        seen = token.pid == holder.get("pid") and is_from_here(holder)
        holds.append(Hold(token, living(holder) is not None if seen else None, clock.age(token.renewed)))
    return holds


def hold_of(paths: RunPaths, clock: FileSystemClock | None = None) -> Hold | None:
    """Return who holds a run, None if nobody does.

    Parameters
    ----------
    paths : RunPaths
        The run.
    clock : FileSystemClock, optional
        Of those who look often.
    """
    return next(iter(holds_of(paths, clock or FileSystemClock(paths.lock))), None)


def is_held(paths: RunPaths) -> bool:
    """Return whether a controller holds a run's lock; True if that cannot be known from here."""
    hold = hold_of(paths)
    return hold is not None and not hold.expired and hold.lives is not False


def holder_of(paths: RunPaths) -> dict[str, Any]:
    """Return what `only_controller` has written of the controller that holds a run, or held it last; or nothing."""
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


def run_of_restarted_job(model_dir: Path, environment: Mapping[str, str]) -> RunPaths | None:
    """Return the run that this SLURM job was carrying out before it was queued again, None in every other case."""
    return next(reversed(runs_of_restarted_job(model_dir, environment)), None)


def runs_of_restarted_job(model_dir: Path, environment: Mapping[str, str]) -> list[RunPaths]:
    """Return the runs that this SLURM job has carried out before it was queued again, the oldest first.

    Parameters
    ----------
    model_dir : pathlib.Path
        Where the model's runs are.
    environment : mapping of str to str
        Variables of the job; SLURM counts restarts in ``SLURM_RESTART_COUNT``.
    """
    if environment.get("SLURM_RESTART_COUNT", "0") == "0":
        return []
    job = environment.get("SLURM_JOB_ID")
    runs = [RunPaths(directory) for directory in sorted(model_dir.glob("*_Optimization"))]
    return [paths for paths in runs if job in controller_jobs(paths) and paths.checkpoint.is_file()]


class _Vigil:
    """Watches a holder: does it live, or may it be succeeded?"""

    def __init__(self, hold: Hold):
        self._hold = hold
        self._since = time.monotonic()
        # a clock that says that it has been silent for long spares some of the waiting, not all of it
        self.patience = max(LIFETIME - max(hold.age, 0.0), _WATCHED)

    def sees_life(self, hold: Hold) -> bool:
        """Whether the holder has given a sign of life."""
        return hold.lives is not False and (bool(hold.lives) or hold.token.renewed != self._hold.token.renewed)

    def sees_death(self, hold: Hold) -> bool:
        """Whether the holder's process is gone, or has been silent for long enough."""
        return hold.lives is False or time.monotonic() - self._since > self.patience


def _acquired(paths: RunPaths, job_id: str, say: Callable[[str], object]) -> Lock:
    """Return the lock, taken; raises UsageError if another controller holds it and lives."""
    lock, clock = Lock(paths.lock), FileSystemClock(paths.lock)
    former_self = bool(job_id) and holder_of(paths).get("job") == job_id
    patience = time.monotonic() + (_ZOMBIE_PATIENCE if former_self else 0.0)
    vigils: dict[Path, _Vigil] = {}
    told = False
    while True:
        holds = holds_of(paths, clock)
        vigils = {hold.token.path: vigils.get(hold.token.path) or _Vigil(hold) for hold in holds}
        for hold in holds:
            if vigils[hold.token.path].sees_life(hold):
                if time.monotonic() > patience:
                    raise UsageError(f"{paths.directory} is in use by {_named(paths)}; stop that controller first")
                vigils[hold.token.path] = _Vigil(hold)
        if all(vigils[hold.token.path].sees_death(hold) for hold in holds):
            taken = lock.take_over([hold.token for hold in holds]) if holds else lock.create()
            if taken:
                return lock
        elif not told:
            longest = max(vigil.patience for vigil in vigils.values())
            say(f"Waiting for a sign of life of {_named(paths)}, for at most {longest:.0f} s ...")
            told = True
        time.sleep(_LOOK * random.uniform(0.5, 1.0))  # not in step with others who want it


def _named(paths: RunPaths) -> str:
    holder = holder_of(paths)
    if not {"host", "pid", "since"} <= set(holder):
        return "another controller"
    job = f", SLURM job {holder['job']}" if holder.get("job") else ""
    return f"the controller on {holder['host']} (process {holder['pid']}{job}, since {since_words(since_of(holder))})"
