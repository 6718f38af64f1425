"""One controller per run."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator

from filelock import FileLock, Timeout

from orchestrator.errors import UsageError
from orchestrator.files import write_json
from orchestrator.paths import RunPaths


@contextlib.contextmanager
def only_controller(paths: RunPaths, job_id: str = "") -> Iterator[None]:
    """Hold a run's lock; the kernel gives it back however this process ends.

    Parameters
    ----------
    paths : RunPaths
        The run.
    job_id : str
        SLURM job of this controller, for the message that a second one gets.

    Raises
    ------
    orchestrator.errors.UsageError
        Where another controller holds it; says who.
    """
    lock = FileLock(paths.lock, timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout as error:
        raise UsageError(f"{paths.directory} is in use by {_holder(paths)}; stop that controller first") from error
    try:
        started = time.strftime("%Y-%m-%d %H:%M:%S")
        write_json(paths.holder, {"host": socket.gethostname(), "pid": os.getpid(), "job": job_id, "since": started})
        yield
    finally:
        lock.release()


def is_held(paths: RunPaths) -> bool:
    """Return whether a controller holds a run's lock now."""
    lock = FileLock(paths.lock, timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        return True
    lock.release()
    return False


def _holder(paths: RunPaths) -> str:
    try:
        holder = json.loads(paths.holder.read_text(encoding="utf-8"))
        job = f", SLURM job {holder['job']}" if holder["job"] else ""
        return f"the controller on {holder['host']} (process {holder['pid']}{job}, since {holder['since']})"
    except (OSError, ValueError, KeyError):
        return "another controller"
