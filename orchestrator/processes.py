"""Telling one process from all others, on any machine and at any time."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from orchestrator.clocks import boot


def this_process() -> dict[str, Any]:
    """Return what identifies this process: ids mean nothing on another machine, after a reboot, or once used again."""
    process = psutil.Process()
    return {"host": socket.gethostname(), "pid": process.pid, "created": process.create_time(), **_machine()}


def is_from_here(recorded: Mapping[str, Any]) -> bool:
    """Return whether a process was recorded by `this_process` where its id means something to this process."""
    return all(recorded.get(key) == value for key, value in _machine().items())


def living(recorded: Mapping[str, Any]) -> psutil.Process | None:
    """Return the process that was recorded by `this_process` on this machine, None if it is gone.

    Anybody may have written the record: it says that the process lives, and not that it may be ended, see `writes_to`
    and `was_started_with`.
    """
    try:
        process = psutil.Process(recorded["pid"])
        same = is_from_here(recorded) and abs(process.create_time() - recorded["created"]) < 0.02
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (KeyError, TypeError, ValueError, OverflowError, psutil.NoSuchProcess):  # a record of other types, too
        return None


def writes_to(process: psutil.Process, file: Path) -> bool:
    """Return whether a process is this user's and has a file, which is no link, open for writing."""
    with contextlib.suppress(psutil.Error, OSError):
        place = str(file.parent.resolve() / file.name)
        return _is_own(process) and any(
            each.path == place and each.mode[:1] in ("a", "w") for each in process.open_files()
        )
    return False


def was_started_with(process: psutil.Process, path: Path) -> bool:
    """Return whether a process is this user's and has a path among the arguments that it was started with."""
    with contextlib.suppress(psutil.Error):
        return _is_own(process) and str(path) in process.cmdline()
    return False


def _is_own(process: psutil.Process) -> bool:
    return bool(process.uids().real == os.getuid())


def _machine() -> dict[str, str]:
    # host names are not unique where they are set carelessly; containers count their processes for themselves
    return {
        "boot": boot(),
        "namespace": str(Path("/proc/self/ns/pid").readlink()),
    }
