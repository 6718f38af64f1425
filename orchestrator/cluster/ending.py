"""Ends jobs, and waits until the executor confirms it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from orchestrator.cluster.base import Cluster, Job, State

_LOG = logging.getLogger(__name__)
# how long SLURM gets to end cancelled jobs, in s, and how often it is asked to
_PATIENCE = 40.0
_CANCELS = 3


def end_jobs(cluster: Cluster, jobs: Sequence[Job], stop: threading.Event | None = None) -> None:
    """Cancel jobs and wait until the executor says that they have ended.

    An executor that does not answer is asked again until it does, or `stop` is set: jobs that nobody waits for any more
    would go on for hours.
    """
    left, cancels = list(jobs), 0
    while left and cancels < _CANCELS:
        cluster.cancel(left)
        left = see_gone(cluster, left, _PATIENCE)
        if stop is not None and stop.is_set():
            return
        silent = any(status.state is State.UNKNOWN for status in cluster.poll(left).values()) if left else False
        cancels += 0 if silent else 1
    if left:
        _LOG.error("these jobs are cancelled but not gone: %s", " ".join(job.id for job in left))


def see_gone(cluster: Cluster, jobs: Sequence[Job], patience: float) -> list[Job]:
    """Wait up to `patience` s until the executor says that jobs have ended; return those of which it does not."""
    left = list(jobs)
    end, pause = time.monotonic() + patience, 0.25
    while left:
        statuses = cluster.poll(left)
        left = [job for job in left if not statuses[job].gone]
        if not left or time.monotonic() > end:
            break
        time.sleep(pause)
        pause = min(2 * pause, 5.0)
    return left
