"""The journal of a generation's submissions: what was meant, what happened, what was lost."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from orchestrator.cluster import Cluster, Job, SubmissionFailed, Task
from orchestrator.cluster.ending import end_jobs
from orchestrator.errors import Stopped, UsageError
from orchestrator.files import append_json_line, read_json_lines, write_json
from orchestrator.jobs.attempts import Attempt, History, Loss
from orchestrator.paths import GenerationPaths
from orchestrator.records import Outcome

_LOG = logging.getLogger(__name__)
# between questions whether a submission has happened, in s
_ASK_AGAIN = 5.0
_ASK_AT_LEAST = 30.0


def submitted_jobs(paths: GenerationPaths, executor: str) -> list[Job]:
    """Return all jobs that an executor was ever given for a generation, also those that were lost and replaced."""
    tokens, jobs = set(), []
    for entry in read_json_lines(paths.journal):
        if entry["event"] == "submitting" and entry["executor"] == executor:
            tokens.add(entry["token"])
        elif entry["event"] == "submitted" and entry["token"] in tokens:
            jobs += [Job(entry["token"], job_id) for job_id in entry["ids"]]
    return jobs


def require_executor(paths: GenerationPaths, executor: str) -> None:
    """Make sure that what is in flight of a generation is with this executor.

    Raises
    ------
    orchestrator.errors.UsageError
        Where it is not: this executor could neither watch nor end it.
    """
    _intents(paths, read_json_lines(paths.journal), executor)


class Journal:
    """Writes down every submission before and after it happens, so that no job is forgotten or repeated.

    Parameters
    ----------
    paths : GenerationPaths
        Files of the generation.
    cluster : Cluster
        Takes the submissions.
    name : str
        Start of the jobs' names.
    stop : threading.Event
        Set to leave.
    """

    def __init__(self, paths: GenerationPaths, cluster: Cluster, name: str, stop: threading.Event):
        self._paths = paths
        self._cluster = cluster
        self._name = name
        self._stop = stop
        self.histories: dict[int, History] = {}
        self.first_submission: float | None = None
        self.timed_out = False

    def submit(
        self, indices: Sequence[int], task_of: Callable[[int, int], Mapping[str, Any]], avoid: Collection[str]
    ) -> list[Attempt]:
        """Submit the next attempt of each of these offspring, in a directory of its own.

        Parameters
        ----------
        indices : sequence of int
            The offspring.
        task_of : callable
            Content of the task file, given offspring and number of the attempt.
        avoid : collection of str
            Nodes on which simulations could not be started.

        Raises
        ------
        orchestrator.cluster.SubmissionFailed
            Where the executor refused: no job exists.
        orchestrator.errors.Stopped
            Where `stop` was set before it was known whether they exist.
        """
        numbers = {index: self.history(index).numbers + 1 for index in indices}
        for index, number in numbers.items():
            paths = self._paths.attempt(index, number)
            # where a controller died before it had submitted anything, the directory is there already
            paths.directory.mkdir(parents=True, exist_ok=True)
            write_json(paths.task, task_of(index, number))
        token = f"{self._name}-{secrets.token_hex(4)}"
        tasks = [list(task) for task in numbers.items()]
        intent: dict[str, Any] = {"event": "submitting", "time": time.time(), "token": token, "tasks": tasks}
        intent["executor"] = self._cluster.name
        self._write(intent)
        try:
            jobs = self._cluster.submit(self._tasks(tasks), token, self._paths.submitit, avoid)
        except SubmissionFailed as error:
            # sbatch may fail although the jobs were accepted, where slurmctld answered too late
            if error.transient and self._stop.wait(_ASK_AGAIN):
                raise Stopped("stopped while a submission was in doubt") from error
            recovered = self._recover_submission({**intent, "current": tasks}, None)
            if recovered is None and error.transient:
                # a slurmctld that comes back may answer before it takes what was waiting for it
                if self._stop.wait(_ASK_AGAIN):
                    raise Stopped("stopped while a submission was in doubt") from error
                recovered = self._recover_submission({**intent, "current": tasks}, None)
            if recovered is None:
                self._write({"event": "refused", "token": token, "time": time.time(), "message": str(error)})
                raise
            jobs = recovered
        return self._submitted(intent, jobs)

    def _recover_submission(self, intent: Mapping[str, Any], ids: Sequence[str] | None) -> list[Job] | None:
        """Return the jobs of a submission, None where there are none; asks until the executor answers."""
        pause, level = _ASK_AGAIN, logging.WARNING
        while True:
            try:
                tasks, wanted = self._tasks(intent["tasks"]), {index for index, _ in intent["current"]}
                return self._cluster.recover(tasks, intent["token"], self._paths.submitit, ids, wanted)
            except SubmissionFailed as error:
                _LOG.log(level, "%s; asking again", error)
                if self._stop.wait(pause):
                    raise Stopped("stopped before it was known which jobs exist") from error
                pause, level = min(2 * pause, _ASK_AT_LEAST), logging.DEBUG

    def _submitted(self, intent: Mapping[str, Any], jobs: Sequence[Job]) -> list[Attempt]:
        ids = [job.id for job in jobs]
        entry = {
            "event": "submitted",
            "token": intent["token"],
            "tasks": intent["tasks"],
            "time": time.time(),
            "ids": ids,
        }
        try:
            self._write(entry)
        except OSError:
            # nobody else knows of them yet
            if not self._cluster.survives:
                end_jobs(self._cluster, jobs)
            raise
        pairs = zip(intent["tasks"], jobs, strict=True)
        return [Attempt(index, number, job) for (index, number), job in pairs]

    def lost(self, index: int, loss: Loss) -> None:
        """Note that an offspring's last attempt ended without saying anything about the parameters."""
        entry = {"index": index, "outcome": loss.outcome.value, "reason": loss.reason, "node": loss.node}
        self._write({"event": "lost", "time": time.time(), **entry})

    def withdrawn(self, indices: Sequence[int]) -> None:
        """Note that the controller itself ended these offspring's attempts: they start afresh."""
        self._write({"event": "withdrawn", "indices": list(indices), "time": time.time()})

    def restart_clock(self) -> None:
        """Note that the generation's time begins now, for those who come after."""
        self._write({"event": "clock", "time": time.time()})

    def time_out(self) -> None:
        """Note that the deadline is enforced, before the first job is cancelled."""
        self._write({"event": "timeout", "time": time.time()})

    def recover(self) -> list[Attempt]:
        """Read the journal of a controller that is gone; return the attempts that are still in flight.

        Raises
        ------
        orchestrator.errors.Stopped
            Where `stop` was set before it was known whether they exist.
        """
        entries = list(read_json_lines(self._paths.journal))
        for entry in entries:
            self._count(entry)
        attempts = []
        for intent in _intents(self._paths, entries, self._cluster.name):
            current = [tuple(task) for task in intent["current"]]
            jobs = self._recover_submission(intent, intent["ids"])
            if jobs is not None and intent["ids"] is None:
                self._submitted(intent, jobs)
            for (index, number), job in zip(intent["tasks"], jobs or [], strict=bool(jobs)):
                if (index, number) in current:
                    attempts.append(Attempt(index, number, job))
        return attempts

    def history(self, index: int) -> History:
        """Return what became of an offspring's attempts."""
        return self.histories.setdefault(index, History())

    def _tasks(self, numbers: Iterable[Sequence[int]]) -> list[Task]:
        return [Task(index, self._paths.attempt(index, number).task) for index, number in numbers]

    def _write(self, entry: Mapping[str, object]) -> None:
        append_json_line(self._paths.journal, entry)
        self._count(entry)

    def _count(self, entry: Mapping[str, object]) -> None:
        """Keep the histories up to date with one entry."""
        match entry:
            case {"event": "submitting", "tasks": list(tasks), "time": float(when)}:
                self.first_submission = when if self.first_submission is None else self.first_submission
                for index, number in tasks:
                    history = self.history(index)
                    history.numbers = max(history.numbers, number)
                    history.submitted = when
            case {"event": "submitted", "tasks": list(tasks)}:
                for index, _ in tasks:
                    self.history(index).submissions += 1
            case {"event": "lost", "index": int(index), "outcome": str(outcome), "reason": str(reason)}:
                self.history(index).losses.append(Loss(Outcome(outcome), reason, str(entry.get("node", ""))))
            case {"event": "clock", "time": float(when)}:
                self.first_submission = when
            case {"event": "timeout"}:
                self.timed_out = True
            case {"event": "withdrawn", "indices": list(indices)}:
                self.timed_out = False
                for index in indices:
                    history = self.history(index)
                    history.submissions, history.losses = 0, []


def _intents(paths: GenerationPaths, entries: Iterable[Mapping[str, Any]], executor: str) -> list[dict[str, Any]]:
    """Return the submissions of which something is in flight, with its ``ids`` and ``current`` tasks.

    Raises
    ------
    orchestrator.errors.UsageError
        Where their jobs are with another executor.
    """
    intents: dict[str, dict[str, Any]] = {}
    flying: dict[int, str] = {}
    for entry in entries:
        match entry:
            case {"event": "submitting", "token": str(token), "tasks": list(tasks)}:
                intents[token] = {**entry, "ids": None}
                flying.update(dict.fromkeys((index for index, _ in tasks), token))
            case {"event": "submitted", "token": str(token), "ids": list(ids)}:
                intents[token]["ids"] = ids
            case {"event": "refused", "token": str(token)}:
                flying = {index: other for index, other in flying.items() if other != token}
            case {"event": "lost", "index": int(index)}:
                flying.pop(index, None)
            case {"event": "withdrawn", "indices": list(indices)}:
                flying = {index: token for index, token in flying.items() if index not in indices}
    current = []
    for token, intent in intents.items():
        intent["current"] = [task for task in intent["tasks"] if flying.get(task[0]) == token]
        if intent["current"] and intent["executor"] != executor:
            raise UsageError(
                f"{paths.directory}: its jobs run with executor: {intent['executor']}, not "
                f"{executor}; continue with that, or end them first with orchestrator cancel"
            )
        current += [intent] if intent["current"] else []
    return current
