"""One process an attempt: whoever starts to evaluate claims it first."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil

from orchestrator.files import read_json
from orchestrator.processes import living, this_process

_NAME = "claimed"


def claim(directory: Path) -> bool:
    """Claim the attempt in `directory` for this process; False if another process has.

    A controller that dies right after it has started a job leaves the one after it in doubt, and that starts it again.
    """
    own = directory / f"{_NAME}-{os.getpid()}"
    own.write_text(json.dumps(this_process()), encoding="utf-8")
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
    """Return the process of this machine that evaluates the attempt, None if there is none (any more)."""
    try:
        return living(read_json(directory / _NAME))
    except (OSError, ValueError):
        return None
