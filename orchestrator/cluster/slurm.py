"""SLURM: submitit submits, one squeue for all jobs watches."""

from __future__ import annotations

import functools
import logging
import os
import re
import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import submitit
from submitit.core.utils import DelayedSubmission, JobPaths

from orchestrator.cluster.base import Job, State, Status, SubmissionFailed, Task
from orchestrator.cluster.states import SQUEUE_FORMAT, Row, parse_squeue
from orchestrator.durations import slurm_time
from orchestrator.evaluate import evaluate
from orchestrator.sections import SlurmSection

_LOG = logging.getLogger(__name__)
# commands fail by themselves after 9-18 s where slurmctld is away
_COMMAND_TIMEOUT = 60.0
# what sbatch says where slurmctld is away or overloaded, and not the request at fault
_NOT_THERE = re.compile(
    r"unable to contact|socket timed out|connection (refused|timed out|reset)|communication|temporarily|"
    r"zero bytes|try again|resource busy|transport endpoint|slurmctld",
    re.IGNORECASE,
)


class SlurmCluster:
    """One SLURM job per offspring, a generation's jobs in arrays.

    Parameters
    ----------
    options : SlurmSection
        What a job asks for.
    """

    name = "slurm"
    survives = True

    def __init__(self, options: SlurmSection):
        self._options = options

    def submit(self, tasks: Sequence[Task], token: str, folder: Path, avoid: Collection[str]) -> list[Job]:
        """Submit one array of jobs."""
        executor = submitit.SlurmExecutor(folder=folder, max_num_timeout=0)
        # away from the model: python -m looks for modules in the working directory first
        executor.update_parameters(**self._parameters(token, folder, avoid))
        try:
            jobs = executor.map_array(evaluate, [str(task.file) for task in tasks])
        except (RuntimeError, ValueError, OSError, subprocess.SubprocessError) as error:
            words = _words(error)
            raise SubmissionFailed(words, transient=bool(_NOT_THERE.search(words))) from error
        return [Job(token, job.job_id) for job in jobs]

    @functools.cached_property
    def batch_size(self) -> int:
        """Return ``slurm.array_size``, or less where the cluster's MaxArraySize is."""
        limit = re.search(r"^MaxArraySize\s*=\s*(\d+)", self._run(["scontrol", "show", "config"]) or "", re.MULTILINE)
        return max(1, min(self._options.array_size, int(limit[1]))) if limit else self._options.array_size

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
        rows = self._squeue([token])
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
        """Ask squeue once; a failed query leaves every job `UNKNOWN`, one that squeue does not list is `ABSENT`."""
        rows = self._squeue(sorted({job.token for job in jobs}))
        if rows is None:
            return dict.fromkeys(jobs, Status(State.UNKNOWN, reason="squeue does not answer"))
        known = {(row.name, row.id): row.status for row in rows}
        return {job: known.get((job.token, job.id), Status(State.ABSENT)) for job in jobs}

    def cancel(self, jobs: Sequence[Job]) -> None:
        """Cancel by id; jobs that have ended already do not matter."""
        indices: dict[tuple[str, str], list[str]] = {}
        for job in jobs:
            base, _, index = job.id.partition("_")
            indices.setdefault((job.token, base), []).extend([index] if index else [])
        for (token, base), numbers in indices.items():
            # one request an array, not one a job; with its name, because ids are used again
            array = f"{base}_[{','.join(numbers)}]" if numbers else base
            self._run(["scancel", "--quiet", f"--name={token}", array])

    def log(self, job: Job, folder: Path) -> Path:
        """Return where submitit sends a job's output."""
        return JobPaths(folder, job.id, 0).stdout

    def poll_interval(self, elapsed: float) -> float:
        """Return a tenth of the time waited, at least 5 s, at most ``slurm.poll_interval``."""
        return min(max(0.1 * elapsed, 5.0), self._options.poll_interval)

    def _squeue(self, tokens: Sequence[str]) -> list[Row] | None:
        # by name and user: an id that squeue has forgotten would make the whole query fail
        query = ["squeue", "--noheader", "--array", "--states=all", f"--user={os.getuid()}"]
        answer = self._run([*query, f"--name={','.join(tokens)}", f"--format={SQUEUE_FORMAT}"])
        return None if answer is None else [row for row in parse_squeue(answer) if row.name in tokens]

    @staticmethod
    def _run(command: Sequence[str]) -> str | None:
        """Return what a command printed, None where it failed."""
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT, check=True, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.SubprocessError) as error:
            _LOG.warning("%s failed: %s", command[0], _words(error))
            return None
        return done.stdout

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


def _words(error: BaseException) -> str:
    """Return what the failed command said, or the error's own text."""
    said = getattr(error, "stderr", None)
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    if isinstance(error, subprocess.TimeoutExpired):
        text = f"no answer within {error.timeout:.0f} s"
    return (text or str(error)).strip()
