"""One process per attempt: whoever starts to evaluate claims it first."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil

from orchestrator.files import read_json
from orchestrator.paths import CLAIM
from orchestrator.processes import living, this_process


def claim(directory: Path, job_id: str = "") -> bool:
    """Claim the attempt in `directory` for this process; False if another process has.

    A controller that dies right after it has started a job leaves the one after it in doubt, and that starts it again.

    Parameters
    ----------
    directory : pathlib.Path
        Of the attempt.
    job_id : str
        The job of this process, if the executor that watches it knows it by its id.
    """
    own = directory / f"{CLAIM}-{os.getpid()}"
    own.write_text(json.dumps({**this_process(), "job": job_id}), encoding="utf-8")
    try:
        os.link(own, directory / CLAIM)  # whole or not at all, and only for the first
    except FileExistsError:
        return False
    finally:
        own.unlink()
    return True


def is_claimed(directory: Path) -> bool:
    """Return whether any process has ever claimed the attempt."""
    return (directory / CLAIM).exists()


def is_claimed_by_another(directory: Path, job_id: str) -> bool:
    """Return whether another job than this one evaluates the attempt, or did."""
    try:
        other = read_json(directory / CLAIM).get("job", "")
    except (OSError, ValueError, AttributeError):
        return False
    return bool(other) and other != job_id


def claimant(directory: Path) -> psutil.Process | None:
    """Return the process of this machine that evaluates the attempt, None if there is none (any more)."""
    try:
        return living(read_json(directory / CLAIM))
    except (OSError, ValueError):
        return None
