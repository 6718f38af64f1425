"""Submitting attempts so that no job is forgotten or repeated, whatever dies in between."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from orchestrator.cluster import Cluster, Job, SubmissionFailed, Task
from orchestrator.cluster.ending import end_jobs
from orchestrator.errors import Stopped
from orchestrator.jobs.journal import Journal, require_executor_of
from orchestrator.jobs.submissions import Submission
from orchestrator.paths import GenerationPaths

_LOG = logging.getLogger(__name__)
# between questions whether a submission has happened, in s
_ASK_AGAIN = 5.0
_ASK_AT_LEAST = 30.0


@dataclass(frozen=True)
class Attempt:
    """One submission of one offspring.

    Parameters
    ----------
    index : int
        Place of the offspring in its generation.
    number : int
        From 1; names the attempt's directory.
    job : Job
        The job that does it.
    """

    index: int
    number: int
    job: Job


class Submitter:
    """Gives attempts to an executor, and finds again what a controller that is gone has given to it.

    Parameters
    ----------
    journal : Journal
        Of the generation; every submission is noted there before and after it happens.
    paths : GenerationPaths
        Files of the generation.
    cluster : Cluster
        Takes the submissions.
    name : str
        Start of the jobs' names.
    stop : threading.Event
        Set to leave.
    """

    def __init__(self, journal: Journal, paths: GenerationPaths, cluster: Cluster, name: str, stop: threading.Event):
        self._journal = journal
        self._paths = paths
        self._cluster = cluster
        self._name = name
        self._stop = stop

    def submit(
        self, tasks: Sequence[tuple[int, int]], avoid: Collection[str], together: Sequence[int] = ()
    ) -> list[Attempt]:
        """Submit attempts whose task files are written.

        Parameters
        ----------
        tasks : sequence of (int, int)
            Offspring and number of the attempt.
        avoid : collection of str
            Nodes on which simulations could not be started.
        together : sequence of int
            How many of the tasks each job does, in their order; nothing if each does one.

        Raises
        ------
        orchestrator.cluster.SubmissionFailed
            If the executor refused: no job exists.
        orchestrator.errors.Stopped
            If `stop` was set before it was known whether they exist.
        """
        token = f"{self._name}-{secrets.token_hex(4)}"
        submission = self._journal.submitting(token, self._cluster.name, tasks, together)
        try:
            jobs = self._cluster.submit(self._tasks(submission), token, self._paths.submitit, avoid)
        except SubmissionFailed as error:
            found = self._found_after(error, submission)
            if found is None:
                self._journal.refused(token, str(error))
                raise
            jobs = found
        return self._submitted(submission, jobs)

    def recover(self, indices: Collection[int]) -> list[Attempt]:
        """Return the attempts at these offspring that a controller that is gone has left in flight.

        Raises
        ------
        orchestrator.errors.UsageError
            If they are with another executor.
        orchestrator.errors.Stopped
            If `stop` was set before it was known whether they exist.
        """
        state, attempts = self._journal.state, []
        wanted = {
            each.token: [task for task in state.current_tasks(each) if task[0] in indices] for each in state.in_flight()
        }
        submissions = [state.submissions[token] for token, current in wanted.items() if current]
        require_executor_of(submissions, self._paths, self._cluster.name)
        for submission in submissions:
            jobs = self._recover(submission)
            if jobs is not None and submission.ids is None:
                self._submitted(submission, jobs)
            for attempt in _attempts(submission, jobs or []):
                if (attempt.index, attempt.number) in wanted[submission.token]:
                    attempts.append(attempt)
        return attempts

    def _found_after(self, error: SubmissionFailed, submission: Submission) -> list[Job] | None:
        """Return the jobs that exist although their submission failed, None if there are none.

        sbatch may fail although the jobs were accepted, if slurmctld answered too late; and a slurmctld that comes back
        may answer before it takes what was waiting for it.
        """
        for _ in range(2 if error.transient else 1):
            if error.transient and self._stop.wait(_ASK_AGAIN):
                raise Stopped("stopped while a submission was in doubt") from error
            found = self._recover(submission)
            if found is not None:
                return found
        return None

    def _recover(self, submission: Submission) -> list[Job] | None:
        """Return the jobs of a submission, None if there are none; asks until the executor answers."""
        pause, level = _ASK_AGAIN, logging.WARNING
        wanted = {index for index, _ in self._journal.state.current_tasks(submission)}
        while True:
            try:
                return self._cluster.recover(
                    self._tasks(submission), submission.token, self._paths.submitit, _ids_of_jobs(submission), wanted
                )
            except SubmissionFailed as error:
                _LOG.log(level, "%s; asking again", error)
                if self._stop.wait(pause):
                    raise Stopped("stopped before it was known which jobs exist") from error
                pause, level = min(2 * pause, _ASK_AT_LEAST), logging.DEBUG

    def _submitted(self, submission: Submission, jobs: Sequence[Job]) -> list[Attempt]:
        try:
            self._journal.submitted(submission.token, [each.job.id for each in _attempts(submission, jobs)])
        except OSError:
            # nobody else knows of them yet
            if not self._cluster.survives:
                end_jobs(self._cluster, jobs)
            raise
        return _attempts(submission, jobs)

    def _tasks(self, submission: Submission) -> list[Task]:
        return [
            Task(tuple(index for index, _ in tasks), tuple(self._paths.attempt(*task).task for task in tasks))
            for tasks in submission.by_job
        ]


def _attempts(submission: Submission, jobs: Sequence[Job]) -> list[Attempt]:
    """Return the attempts of a submission, given its jobs; none if there are none."""
    pairs = zip(submission.by_job, jobs, strict=True) if jobs else ()
    return [Attempt(index, number, job) for tasks, job in pairs for index, number in tasks]


def _ids_of_jobs(submission: Submission) -> list[str] | None:
    """Return the id of each job of a submission once, in their order; None if they are not known."""
    return None if submission.ids is None else [submission.job_id(tasks[0][0]) for tasks in submission.by_job]
