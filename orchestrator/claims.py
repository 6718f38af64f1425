"""One process an attempt: whoever starts to evaluate claims it first."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil

_NAME = "claimed"


def claim(directory: Path) -> bool:
    """Claim the attempt in `directory` for this process; False where another process has.

    A controller that dies right after it has started a job leaves the one after it in doubt, and that starts it again.
    """
    process = psutil.Process()
    own = directory / f"{_NAME}-{process.pid}"
    own.write_text(json.dumps({"pid": process.pid, "create_time": process.create_time()}), encoding="utf-8")
    try:
        os.link(own, directory / _NAME)  # whole or not at all, and only for the first
    except FileExistsError:
        return False
    finally:
        own.unlink()
    return True


def is_claimed(directory: Path) -> bool:
    """Return whether any process has ever claimed the attempt."""
    return (directory / _NAME).exists()


def claimant(directory: Path) -> psutil.Process | None:
    """Return the process of this machine that evaluates the attempt, None where there is none (any more).

    A process id that was given to another process since is told by its start time.
    """
    try:
        recorded = json.loads((directory / _NAME).read_text(encoding="utf-8"))
        process = psutil.Process(recorded["pid"])
        same = abs(process.create_time() - recorded["create_time"]) < 0.02
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        return None
    return process if same and process.status() != psutil.STATUS_ZOMBIE else None
