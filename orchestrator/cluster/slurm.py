"""The executor that gives one SLURM job to every offspring."""

from __future__ import annotations

import logging
import math
import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

from submitit.core.utils import JobPaths

from orchestrator.cluster.base import Job, Status, SubmissionFailed, Task
from orchestrator.cluster.commands import (
    COMMAND_TIMEOUT,
    CommandFailed,
    Place,
    Run,
    on_cluster,
    own_jobs,
    run_command,
    within,
)
from orchestrator.cluster.queue import Queue
from orchestrator.cluster.submission import (
    INVALID_ARRAY,
    PRIVATE,
    hand_over,
    job_ids,
    job_parameters,
    own_folder,
    submit,
)
from orchestrator.config.sections import JobsSection, SlurmSection

_LOG = logging.getLogger(__name__)
# a command gets so many s at least, however short the timeout is
_LEAST_TIMEOUT = 5.0
# what scancel says about a job that does not need it any more
_GONE = re.compile(r"invalid job id|already complet", re.IGNORECASE)


class SlurmCluster:
    """One SLURM job per offspring, in arrays of at most ``slurm.array_size``.

    Parameters
    ----------
    jobs, slurm : JobsSection, SlurmSection
        What a job asks for.
    run : callable or None
        Runs SLURM's commands, given the command and its time limit in s; None for `run_command`.
    stop : threading.Event or None
        Set when the program is asked to stop: a command of SLURM that is running is ended then.
    timeout : float
        Time within which all evaluations have to end, in s: a command that hangs must not take all of it.
    confirm : callable
        As for `orchestrator.cluster.create_cluster`.
    umask : int
        What is taken away from the permissions of what the jobs write.
    """

    survives = True

    def __init__(
        self,
        jobs: JobsSection,
        slurm: SlurmSection,
        run: Run | None = None,
        *,
        stop: threading.Event | None = None,
        timeout: float = math.inf,
        confirm: Callable[[], object] = lambda: None,
        umask: int = PRIVATE,
    ):
        self._jobs = jobs
        self._slurm = slurm
        self._confirm = confirm
        self._umask = umask
        # jobs of another cluster than this machine's are known there alone
        self.name = f"slurm on cluster {slurm.cluster}" if slurm.cluster else "slurm"
        self._run_here = within(max(_LEAST_TIMEOUT, timeout / 4), run or partial(run_command, stop=stop))
        self._run = on_cluster(self._run_here, slurm.cluster)
        self._queue = Queue(jobs.poll_interval, self._run)

    def submit(self, tasks: Sequence[Task], token: str, folder: Path, avoid: Collection[str]) -> list[Job]:
        """Submit one array of jobs."""
        parameters = job_parameters(self._jobs, self._slurm, token, folder, avoid, umask=self._umask)
        try:
            ids = submit(
                tasks, parameters, token, own_folder(folder, token), self._sbatch, listed=partial(self._listed, token)
            )
        except SubmissionFailed as error:
            if INVALID_ARRAY in str(error):  # MaxArraySize may have been lowered
                self._queue.configuration_is_old()
            raise
        self._queue.reached()
        return [Job(token, job_id) for job_id in ids]

    def _sbatch(self, command: Sequence[str]) -> str:
        self._confirm()
        # the script names the cluster
        answer = self._run_here(command, COMMAND_TIMEOUT)
        # a job that is not handed its task ends by itself: it is not to be found at work by whoever has taken over
        self._confirm()
        return answer

    def _listed(self, token: str) -> str | None:
        """Return the id under which the queue lists a submission, None if it does not, or does not answer."""
        rows = self._queue.rows([token])
        return rows[0].id.partition("_")[0] if rows else None

    @property
    def batch_size(self) -> int:
        """Return ``slurm.array_size``, or the cluster's MaxArraySize if that is smaller."""
        limit = self._queue.max_array_size
        return self._slurm.array_size if limit is None else max(1, min(self._slurm.array_size, limit))

    @property
    def result_grace(self) -> float:
        """Return ``jobs.result_grace``."""
        return self._jobs.result_grace

    def recover(
        self, tasks: Sequence[Task], token: str, folder: Path, ids: Sequence[str] | None, wanted: Collection[int]
    ) -> list[Job] | None:
        """Find a submission by its name, and hand its jobs their tasks, which some may have already.

        Raises
        ------
        SubmissionFailed
            If SLURM does not answer: whether the jobs exist is not known then.
        """
        if ids is not None:
            return [Job(token, job_id) for job_id in ids]
        rows = self._queue.rows([token])
        if rows is None:
            message = "squeue does not answer, so it is not known whether the jobs were submitted"
            raise SubmissionFailed(message, transient=True)
        if not rows:
            return None
        found = job_ids(rows[0].id.partition("_")[0], len(tasks))
        self._confirm()
        hand_over(tasks, found, own_folder(folder, token))
        return [Job(token, job_id) for job_id in found]

    def poll(self, jobs: Sequence[Job]) -> Mapping[Job, Status]:
        """Ask squeue once, and sacct for what squeue has forgotten; without an answer every job is `UNKNOWN`."""
        return self._queue.statuses(jobs)

    def cancel(self, jobs: Sequence[Job]) -> None:
        """Cancel by id; jobs that have ended already do not matter."""
        indices: dict[tuple[str, str], list[str]] = {}
        for job in jobs:
            base, _, index = job.id.partition("_")
            indices.setdefault((job.token, base), []).extend([index] if index else [])
        for (token, base), numbers in indices.items():
            # one request per array, not one per job; with its name, because ids are used again
            array = f"{base}_[{','.join(numbers)}]" if numbers else base
            self._confirm()
            try:
                self._run(["scancel", f"--name={token}", array], COMMAND_TIMEOUT)
            except CommandFailed as error:
                # given a name, it fails for a job that has ended; with --quiet it says nothing, but still fails
                if not all(_GONE.search(line) for line in str(error).splitlines()):
                    _LOG.warning("scancel of %s failed: %s", array, error)

    def places(self) -> Mapping[str, Place]:
        """Return names and working directories of this user's jobs on the cluster of the run."""
        return own_jobs(self._run)

    def log(self, job: Job, folder: Path) -> Path:
        """Return where submitit sends a job's output."""
        own, before = (JobPaths(place, job.id, 0).stdout for place in (own_folder(folder, job.token), folder))
        # jobs of versions in which all submissions had one folder
        return before if not own.exists() and before.exists() else own

    def poll_interval(self, elapsed: float) -> float:
        """Return a tenth of the time waited, at least 5 s, at most ``jobs.poll_interval``; more without answers."""
        return self._queue.interval(min(max(0.1 * elapsed, 5.0), self._jobs.poll_interval))
