"""A controller whose SLURM job comes to its time limit, or loses its node, goes on in the same job, queued again."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.cluster.commands import CommandFailed, requeue_job
from orchestrator.lease import controller_jobs
from orchestrator.paths import RunPaths

# SLURM's own patience between SIGTERM and SIGKILL is half a minute by default, in s
_PATIENCE = 60.0


def run_of_restarted_job(model_dir: Path, environment: Mapping[str, str]) -> RunPaths | None:
    """Return the run that this SLURM job was carrying out before it was queued again, None in every other case.

    Parameters
    ----------
    model_dir : pathlib.Path
        Where the model's runs are.
    environment : mapping of str to str
        Variables of the job; SLURM counts restarts in ``SLURM_RESTART_COUNT``.
    """
    if environment.get("SLURM_RESTART_COUNT", "0") == "0":
        return None
    for directory in sorted(model_dir.glob("*_Optimization"), reverse=True):
        paths = RunPaths(directory)
        if environment.get("SLURM_JOB_ID") in controller_jobs(paths) and paths.checkpoint.is_file():
            return paths
    return None


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
