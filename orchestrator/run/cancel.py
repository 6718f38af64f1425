"""Ending a run's jobs, whether or not its controller is alive."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import psutil
from rich.console import Console

from orchestrator.checkpoint import Checkpoint
from orchestrator.cluster import Cluster, create_cluster
from orchestrator.cluster.commands import CommandFailed, cancel_job, cancel_pending
from orchestrator.cluster.ending import end_jobs
from orchestrator.cluster.environment import leave_allocation
from orchestrator.config.file import load_config, load_frozen
from orchestrator.config.model import Config
from orchestrator.errors import ConfigError, UsageError
from orchestrator.files import set_mode
from orchestrator.jobs.journal import Journal
from orchestrator.jobs.submitter import Submitter
from orchestrator.lease import STOPPED_BY, controller_jobs, holder_of, is_held, only_controller
from orchestrator.lock import tokens
from orchestrator.paths import ReevaluationPaths, RunPaths
from orchestrator.processes import living
from orchestrator.run.own_jobs import is_controller, own_controller_jobs, own_of
from orchestrator.run.signals import Signals, asked_to_cancel

_LOG = logging.getLogger(__name__)
# how long a controller may take to stop, in s
_PATIENCE = 30.0


def cancel_with_reevaluation(paths: RunPaths, say: Callable[[str], object]) -> int:
    """Do as `cancel_run` for a run, and for what evaluates its best again."""
    ended = cancel_run(paths, say)
    again = ReevaluationPaths.of(paths)
    return ended + cancel_run(again, say) if again.config.is_file() else ended


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
    config = _config(paths, say)
    set_mode(config.run_mode)
    if is_held(paths):
        _stop_controller(paths, say)
    _dequeue_controllers(paths, say)
    with only_controller(paths, say=say) as lease:
        lease.ending = ("cancelled", "orchestrator cancel")
        cluster = create_cluster(config, confirm=lease.confirm, ending=True)
        return end_all_jobs(paths, cluster, lease.confirm, say)


def end_all_jobs(
    paths: RunPaths,
    cluster: Cluster,
    confirm: Callable[[], object],
    say: Callable[[str], object] = _LOG.warning,
) -> int:
    """End the jobs of a run whose lease this process holds, which `confirm` makes sure of; return how many."""
    ended = 0
    for number in paths.generation_numbers():
        generation = paths.generation(number)
        problems: list[str] = []
        try:
            journal = Journal(generation, confirm, problems)
        except OSError as error:
            say(f"{generation.journal}: cannot be read ({error.strerror}); its jobs are left alone")
            continue
        for problem in problems:
            say(problem)
        attempts = Submitter(journal, generation, cluster, "", threading.Event()).recover(journal.state.histories)
        jobs = own_of(paths, cluster, [attempt.job for attempt in attempts], say)
        statuses = cluster.poll(jobs) if jobs else {}
        ended += sum(not status.gone for status in statuses.values())
        end_jobs(cluster, jobs)
        journal.withdrawn([attempt.index for attempt in attempts if attempt.job in jobs])
    return ended


def _config(paths: RunPaths, say: Callable[[str], object]) -> Config:
    """Return how the run is carried out, by its checkpoint where config.yaml cannot be read; imports nothing."""
    try:
        return load_config(paths.config, looking=True)
    except ConfigError as error:
        say(f"{error}\nThe configuration in {paths.checkpoint.name} is taken instead")
        return load_frozen(paths.checkpoint, Checkpoint(paths.checkpoint).config_text, looking=True)


def end_if_asked(
    held: Sequence[RunPaths], cluster: Cluster, signals: Signals, console: Console, confirm: Callable[[], object]
) -> str:
    """Return what becomes of the jobs of what was stopped; a person may want them to end, and is asked."""
    if not cluster.survives:
        return "Its jobs were ended"
    if asked_to_cancel(signals, console):
        return f"{sum(end_all_jobs(paths, cluster, confirm) for paths in held)} jobs were cancelled"
    return "Its jobs go on"


def _dequeue_controllers(paths: RunPaths, say: Callable[[str], object]) -> None:
    """Cancel the controller's jobs that are queued again: they would go on with the run."""
    if jobs := own_controller_jobs(paths, controller_jobs(paths), say):
        cancel_pending(jobs)


def _stop_controller(paths: RunPaths, say: Callable[[str], object]) -> None:
    """Ask the controller to stop, if that can be done from here; a dead one does not need to be asked.

    A guest in a program of the user's, such as the kernel of a notebook, is stopped, and the program goes on.
    """
    holder = holder_of(paths)
    process, guest = living(holder), holder.get("stopped_by", STOPPED_BY) != STOPPED_BY
    if process is not None:
        if not is_controller(paths, process):
            files = " and ".join([*(f"'{token.path.name}'" for token in tokens(paths.lock)), paths.holder.name])
            raise UsageError(
                f"{paths.holder}: expected the controller of this run, got process {process.pid}, which does not write "
                f"to {paths.log}: it is left alone, and nothing was cancelled. End the run's own controller, or remove "
                f"{files} if there is none"
            )
        if guest:
            _interrupt(paths, process, holder)
        else:
            process.terminate()
    elif jobs := own_controller_jobs(paths, [str(holder.get("job", ""))], say):
        if guest:
            raise UsageError(
                f"{paths.directory}: a program of yours in SLURM job {jobs[0]} on {holder.get('host')} carries it out: "
                f"cancel the run from there, or end the whole job with scancel {jobs[0]}"
            )
        try:
            cancel_job(jobs[0])
        except CommandFailed as error:
            say(f"the controller's job {jobs[0]} cannot be cancelled: {error}")
    else:
        return
    end = time.monotonic() + _PATIENCE
    while (is_held(paths) or (not guest and living(holder))) and time.monotonic() < end:
        time.sleep(0.1)
    if living(holder) and (not guest or is_held(paths)):
        raise UsageError(f"{paths.directory}: its controller does not stop; end process {holder['pid']}")


def _interrupt(paths: RunPaths, process: psutil.Process, holder: Mapping[str, object]) -> None:
    """Ask a guest to stop, as Ctrl-C does; refuse where nobody would hear it, or wait for it."""
    hears, own = holder["stopped_by"] == signal.SIGINT.name, process.pid == os.getpid()
    if hears and not own:
        process.send_signal(signal.SIGINT)
        return
    what = "this process itself" if own else f"process {process.pid}, a program of yours,"
    how = "press Ctrl-C, or interrupt the kernel of the notebook" if hears else "it is in a thread, so end that program"
    raise UsageError(f"{paths.directory}: {what} carries it out: {how}; then cancel the run")
