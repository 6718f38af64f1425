"""Ending a run's jobs, whether or not its controller is alive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rich.console import Console

from orchestrator.cluster import Cluster, create_cluster
from orchestrator.cluster.commands import CommandFailed, cancel_job, cancel_pending
from orchestrator.cluster.ending import end_jobs
from orchestrator.cluster.environment import leave_allocation
from orchestrator.config.file import load_config
from orchestrator.errors import UsageError
from orchestrator.jobs.journal import Journal
from orchestrator.jobs.submitter import Submitter
from orchestrator.lease import controller_jobs, holder_of, is_held, only_controller
from orchestrator.paths import RunPaths
from orchestrator.processes import living
from orchestrator.run.signals import Signals, asked_to_cancel

# how long a controller may take to stop, in s
_PATIENCE = 30.0


def cancel_run(paths: RunPaths, say: Callable[[str], object]) -> int:
    """Stop a run's controller and end all of its jobs; the run can be continued later.

    Parameters
    ----------
    paths : RunPaths
        The run.
    say : callable
        Told why it takes a while.

    Returns
    -------
    int
        How many jobs were in flight.

    Raises
    ------
    orchestrator.errors.UsageError
        If the controller cannot be stopped from here.
    """
    leave_allocation()
    if is_held(paths):
        _stop_controller(paths, say)
    _dequeue_controllers(paths)
    with only_controller(paths, say=say) as lease:
        lease.ending = ("cancelled", "orchestrator cancel")
        cluster = create_cluster(load_config(paths.config, looking=True), confirm=lease.confirm)
        return end_all_jobs(paths, cluster, lease.confirm)


def end_all_jobs(paths: RunPaths, cluster: Cluster, confirm: Callable[[], object]) -> int:
    """End the jobs of a run whose lease this process holds, which `confirm` makes sure of; return how many."""
    ended = 0
    for number in paths.generation_numbers():
        generation = paths.generation(number)
        journal = Journal(generation, confirm)
        attempts = Submitter(journal, generation, cluster, "", threading.Event()).recover(journal.state.histories)
        statuses = cluster.poll([attempt.job for attempt in attempts]) if attempts else {}
        ended += sum(not status.gone for status in statuses.values())
        end_jobs(cluster, [attempt.job for attempt in attempts])
        journal.withdrawn([attempt.index for attempt in attempts])
    return ended


def end_if_asked(
    paths: RunPaths, cluster: Cluster, signals: Signals, console: Console, confirm: Callable[[], object]
) -> str:
    """Return what becomes of the jobs of a run that was stopped; a person may want them to end, and is asked."""
    if not cluster.survives:
        return "Its jobs were ended"
    if asked_to_cancel(signals, console):
        return f"{end_all_jobs(paths, cluster, confirm)} jobs were cancelled"
    return "Its jobs go on"


def _dequeue_controllers(paths: RunPaths) -> None:
    """Cancel the controller's jobs that are queued again: they would go on with the run."""
    if jobs := controller_jobs(paths):
        cancel_pending(jobs)


def _stop_controller(paths: RunPaths, say: Callable[[str], object]) -> None:
    """Ask the controller to stop, if that can be done from here; a dead one does not need to be asked."""
    holder = holder_of(paths)
    process = living(holder)
    if process is not None:
        process.terminate()
    elif holder.get("job"):
        try:
            cancel_job(str(holder["job"]))
        except CommandFailed as error:
            say(f"the controller's job {holder['job']} cannot be cancelled: {error}")
    else:
        return
    end = time.monotonic() + _PATIENCE
    while (is_held(paths) or living(holder)) and time.monotonic() < end:
        time.sleep(0.1)
    if living(holder):
        raise UsageError(f"{paths.directory}: its controller does not stop; end process {holder['pid']}")
