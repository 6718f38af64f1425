"""A controller whose SLURM job comes to its time limit, or loses its node, goes on in the same job, queued again."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence

from orchestrator.cluster.commands import CommandFailed, requeue_job

# SLURM's own patience between SIGTERM and SIGKILL is half a minute by default, in s
_PATIENCE = 60.0


def requeue(job_id: str, received: Sequence[int]) -> str | None:
    """Queue the job of this process again; return SLURM's words if it refuses.

    Parameters
    ----------
    job_id : str
        The job.
    received : sequence of int
        Signals that this process has received; grows while it waits for the one by which SLURM ends it. A process that
        ended by itself meanwhile would make SLURM take the whole job for ended.
    """
    try:
        requeue_job(job_id)
    except CommandFailed as error:
        return str(error)
    end = time.monotonic() + _PATIENCE
    while signal.SIGTERM not in received and time.monotonic() < end:
        time.sleep(0.1)
    return None
