"""SLURM: submitit submits, one question for all jobs watches."""

from __future__ import annotations

import logging
import re
import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import submitit
from submitit.core.utils import DelayedSubmission, JobPaths

from orchestrator.cluster.base import Job, Status, SubmissionFailed, Task
from orchestrator.cluster.queue import COMMAND_TIMEOUT, CommandFailed, Queue, Run, run_command, words_of
from orchestrator.config.durations import slurm_time
from orchestrator.config.sections import SlurmSection
from orchestrator.node.evaluate import evaluate

_LOG = logging.getLogger(__name__)
# what sbatch says where slurmctld is away or overloaded, and not the request at fault
_NOT_THERE = re.compile(
    r"unable to contact|socket timed out|connection (refused|timed out|reset)|communication|temporarily|"
    r"zero bytes|try again|resource busy|transport endpoint|slurmctld",
    re.IGNORECASE,
)
# what scancel says of a job that does not need it any more
_GONE = re.compile(r"invalid job id|already complet", re.IGNORECASE)


class SlurmCluster:
    """One SLURM job per offspring, a generation's jobs in arrays.

    Parameters
    ----------
    options : SlurmSection
        What a job asks for.
    run : callable
        Runs SLURM's commands but sbatch.
    """

    name = "slurm"
    survives = True

    def __init__(self, options: SlurmSection, run: Run = run_command):
        self._options = options
        self._run = run
        self._queue = Queue(options.poll_interval, run)

    def submit(self, tasks: Sequence[Task], token: str, folder: Path, avoid: Collection[str]) -> list[Job]:
        """Submit one array of jobs."""
        executor = submitit.SlurmExecutor(folder=folder, max_num_timeout=0)
        # away from the model: python -m looks for modules in the working directory first
        executor.update_parameters(**self._parameters(token, folder, avoid))
        try:
            jobs = executor.map_array(evaluate, [str(task.file) for task in tasks])
        except (RuntimeError, ValueError, OSError, subprocess.SubprocessError) as error:
            words = words_of(error)
            raise SubmissionFailed(words, transient=bool(_NOT_THERE.search(words))) from error
        self._queue.reached()
        return [Job(token, job.job_id) for job in jobs]

    @property
    def batch_size(self) -> int:
        """Return ``slurm.array_size``, or less where the cluster's MaxArraySize is."""
        limit = self._queue.max_array_size
        return self._options.array_size if limit is None else max(1, min(self._options.array_size, limit))

    @property
    def result_grace(self) -> float:
        """Return ``slurm.result_grace``."""
        return self._options.result_grace

    def recover(
        self, tasks: Sequence[Task], token: str, folder: Path, ids: Sequence[str] | None, wanted: Collection[int]
    ) -> list[Job] | None:
        """Find a submission by its name, and give its jobs what submitit had not given them yet.

        Raises
        ------
        SubmissionFailed
            Where SLURM does not answer: whether the jobs exist is not known then.
        """
        if ids is not None:
            return [Job(token, job_id) for job_id in ids]
        rows = self._queue.rows([token])
        if rows is None:
            message = "squeue does not answer, so it is not known whether the jobs were submitted"
            raise SubmissionFailed(message, transient=True)
        if not rows:
            return None
        base = rows[0].id.partition("_")[0]
        found = [base] if len(tasks) == 1 else [f"{base}_{n}" for n in range(len(tasks))]
        for task, job_id in zip(tasks, found, strict=True):
            pickle = JobPaths(folder, job_id).submitted_pickle
            if not pickle.exists():
                submission = DelayedSubmission(evaluate, str(task.file))
                submission.set_timeout(0, 0)
                submission.dump(pickle)
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
            # one request an array, not one a job; with its name, because ids are used again
            array = f"{base}_[{','.join(numbers)}]" if numbers else base
            try:
                self._run(["scancel", f"--name={token}", array], COMMAND_TIMEOUT)
            except CommandFailed as error:
                # so it says of a job that has ended, where it is given a name; silent with --quiet, but still failing
                if not all(_GONE.search(line) for line in str(error).splitlines()):
                    _LOG.warning("scancel of %s failed: %s", array, error)

    def log(self, job: Job, folder: Path) -> Path:
        """Return where submitit sends a job's output."""
        return JobPaths(folder, job.id, 0).stdout

    def poll_interval(self, elapsed: float) -> float:
        """Return a tenth of the time waited, at least 5 s, at most ``slurm.poll_interval``; more without answers."""
        return self._queue.interval(min(max(0.1 * elapsed, 5.0), self._options.poll_interval))

    def _parameters(self, token: str, folder: Path, avoid: Collection[str] = ()) -> dict[str, Any]:
        options = self._options
        own = {
            # submitit has defaults of its own for these: five minutes, one node, an accounting key
            "time": None,
            "wckey": None,
            "partition": options.partition,
            "account": options.account,
            "qos": options.qos,
            "cpus_per_task": options.cpus_per_task,
            "mem": options.mem,
            "nodelist": options.nodelist,
            "exclude": ",".join(filter(None, (options.exclude, *sorted(avoid)))) or None,
            "constraint": options.constraint,
        }
        further = {
            "ntasks": options.ntasks,
            # a range, because submitit would ask for one node where it is told none
            "nodes": options.nodes or f"1-{options.ntasks}",
            "chdir": str(folder),
            "no-requeue": True,  # SLURM would rerun an offspring that was given up; retries are ours
            # submitit asks for USR2 at the end of the time limit, which would reach and end the MPI simulation
            "signal": "B:URG@1",
            **({"time": slurm_time(options.time)} if options.time else {}),
            **({"hint": options.hint} if options.hint else {}),
            **options.extra,
        }
        parameters: dict[str, Any] = dict(own)
        parameters.update(
            job_name=token,
            # an srun inside submitit's own srun hangs
            use_srun=False,
            stderr_to_stdout=True,
            setup=["umask 077", *options.setup],
            array_parallelism=options.array_size,
            additional_parameters=further,
        )
        return parameters
