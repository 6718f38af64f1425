"""Telling one process from all others, on any machine and at any time."""

from __future__ import annotations

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
    """Return the process that was recorded by `this_process` on this machine, None if it is gone."""
    try:
        process = psutil.Process(recorded["pid"])
        same = is_from_here(recorded) and abs(process.create_time() - recorded["created"]) < 0.02
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (KeyError, psutil.NoSuchProcess):
        return None


def _machine() -> dict[str, str]:
    # host names are not unique where they are set carelessly; containers count their processes for themselves
    return {
        "boot": boot(),
        "namespace": str(Path("/proc/self/ns/pid").readlink()),
    }
