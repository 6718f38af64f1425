"""The evaluations in the pool: one object for each, which says where it stands."""

from __future__ import annotations

import enum
import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.cluster import Job, State, Status
from orchestrator.jobs.chunks import Chunks
from orchestrator.jobs.deadline import Deadline
from orchestrator.jobs.submissions import AttemptHistory
from orchestrator.jobs.submitter import Attempt
from orchestrator.paths import AttemptPaths
from orchestrator.records import Offspring, Outcome, Result
from orchestrator.text import LOG_DATA

if TYPE_CHECKING:
    from orchestrator.jobs.folders import Folder

_LOG = logging.getLogger(__name__)


class Stage(enum.Enum):
    """Where an evaluation stands in the pool."""

    WAITING = "waiting"
    """To be submitted, at once or after a pause."""
    SUBMITTED = "submitted"
    """A job has been given its attempt."""
    ENDED = "ended"
    """The executor says that the job has ended, or does not know it; its result may yet show."""
    MEASURING = "measuring"
    """The simulation is there and is measured beside the controller."""
    LANDED = "landed"
    """It has its result."""


@dataclass(frozen=True)
class Terms:
    """What the pool has to keep to.

    Parameters
    ----------
    timeout : float
        Of what was asked for together, from its first submission, in s.
    retries : int
        How often each offspring is submitted again before a run of which nothing has ever worked ends.
    name : str
        Start of the jobs' names; ``-g<generation>`` is added.
    chunks : Chunks
        How many evaluations a job gets.
    """

    timeout: float
    retries: int
    name: str
    chunks: Chunks = field(default_factory=Chunks)


@dataclass(frozen=True)
class Landed:
    """An evaluation that has its result.

    Parameters
    ----------
    offspring : Offspring
        What was evaluated.
    result : Result
        What came of it.
    attempts : int
        How often it was submitted.
    submitted : float
        Unix time of the last submission in s.
    speaks : bool
        Whether the result says something of the parameters; if not, it is not scored.
    job : str
        Id of the job that it is of, empty if there is none.
    """

    offspring: Offspring
    result: Result
    attempts: int
    submitted: float
    speaks: bool = True
    job: str = ""

    def logged(self) -> Landed:
        """Say what became of it, with all its numbers at level DEBUG and in JSON lines; return it."""
        if not self.offspring.is_told:
            return self
        result, parameters = self.result, dict(self.offspring.parameters)
        numbers = {"parameters": parameters, "values": dict(result.values)}
        place = {**self.offspring.place, "job_id": self.job}
        data = {"event": "landed", **place, "outcome": result.outcome.value, **numbers}
        _LOG.log(
            logging.INFO if result.outcome is Outcome.OK else logging.WARNING,
            "%s: %s%s",
            self.offspring,
            said_of(result, self.job),
            "" if self.speaks else "; not evaluated",
            extra={LOG_DATA: data},
        )
        _LOG.debug("%s: %s", self.offspring, ", ".join(f"{name} {json.dumps(each)}" for name, each in numbers.items()))
        return self


@dataclass(eq=False)
class Entry:
    """One evaluation in the pool.

    Parameters
    ----------
    offspring : Offspring
        What is evaluated.
    folder : Folder
        Of its generation.
    deadline : Deadline
        Shared with those that it was added with.
    """

    offspring: Offspring
    folder: Folder
    deadline: Deadline
    stage: Stage = Stage.WAITING
    # the attempt that is watched, and what the executor said of it last; None before it has been asked
    attempt: Attempt | None = None
    status: Status | None = None
    # whether the executor has ever listed that job
    listed: bool = False
    # when the executor first said that the job has ended, in s of `time.monotonic`
    ended: float = 0.0
    # the attempt whose simulation is measured beside the controller
    measured_attempt: int = 0
    # when it may be submitted again, in s of `time.monotonic`
    not_before: float = 0.0
    # why it was not submitted when that was tried last
    refusal: str = ""
    # once it has landed
    result: Result | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Generation and index: its identity."""
        return self.offspring.key

    @property
    def index(self) -> int:
        """Its place in its generation."""
        return self.offspring.index

    @property
    def history(self) -> AttemptHistory:
        """What became of its attempts so far."""
        return self.folder.journal.history(self.offspring.index)

    @property
    def paths(self) -> AttemptPaths:
        """Files of its last attempt."""
        return self.folder.paths.attempt(self.offspring.index, self.history.attempts)

    @property
    def job(self) -> Job:
        """The job that is watched."""
        if self.attempt is None:
            raise ValueError(f"{self}: no job is watched")
        return self.attempt.job

    @property
    def age(self) -> float:
        """For how long the executor has had the job that is watched, through all controllers, in s."""
        journal = self.folder.journal
        return journal.time - journal.state.submissions[self.job.token].accepted

    def beside(self) -> list[AttemptPaths]:
        """Return the files of the other attempts that its job does."""
        submission = self.folder.journal.state.submissions[self.job.token]
        tasks = next(tasks for tasks in submission.by_job if self.index in dict(tasks))
        return [self.folder.paths.attempt(*task) for task in tasks if task[0] != self.index]

    @property
    def said(self) -> Status:
        """What the executor said last of its job."""
        return self.status or Status(State.UNKNOWN)

    def watch(self, attempt: Attempt) -> None:
        """Note that a job has been given its attempt."""
        self.stage, self.attempt, self.status = Stage.SUBMITTED, attempt, None
        self.listed, self.refusal = False, ""

    def leave(self, stage: Stage) -> None:
        """Note that its job is not watched any more."""
        self.stage, self.attempt = stage, None

    def measure(self, number: int, *, in_place: bool) -> AttemptPaths:
        """Note that what an attempt left is measured beside the controller; return its files.

        If that is not `in_place`, nothing more will be in its result file, which is not read again.
        """
        self.leave(Stage.MEASURING)
        self.deadline.resolve(self.index)
        self.measured_attempt = number
        paths = self.folder.paths.attempt(self.index, number)
        if not in_place:
            self.folder.seen.add(paths.result.name)
        return paths

    def lose_measurement(self) -> AttemptPaths:
        """Return the files of the attempt that was measured: that it is lost is to be read in its result file."""
        paths = self.folder.paths.attempt(self.index, self.measured_attempt)
        self.folder.seen.discard(paths.result.name)
        return paths

    def land(self, result: Result) -> Landed:
        """Note its result, and return both."""
        job = result.job_id or (self.attempt.job.id if self.attempt is not None else "")
        self.leave(Stage.LANDED)
        self.deadline.resolve(self.index)
        self.result = result
        history = self.history
        return Landed(self.offspring, result, history.submissions, history.submitted, history.speaks(result), job)

    def __str__(self) -> str:
        return str(self.offspring)


def said_of(result: Result, job: str, node: str = "") -> str:
    """Return what became of an attempt in a line for people, with its node and its job's id."""
    where, message = f" on {node}" if node else "", f": {result.message}" if result.message else ""
    return f"{result.outcome.value}{where}{message}{f' (job {job})' if job else ''}"


class Entries:
    """All evaluations in the pool, by their identity."""

    def __init__(self) -> None:
        self._entries: dict[tuple[int, int], Entry] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: tuple[int, int]) -> Entry | None:
        """Return the entry of a generation and an index, None if there is none."""
        return self._entries.get(key)

    def add(self, entries: Iterable[Entry]) -> None:
        """Take further ones."""
        self._entries.update({entry.key: entry for entry in entries})

    def drop(self, generation: int) -> None:
        """Remove all of a generation."""
        self._entries = {key: entry for key, entry in self._entries.items() if key[0] != generation}

    def unfinished(self) -> list[Entry]:
        """Return those that have not landed yet."""
        return [entry for entry in self if entry.stage is not Stage.LANDED]

    def watched(self) -> list[Entry]:
        """Return those whose job has not delivered yet."""
        return [entry for entry in self if entry.attempt is not None]

    def jobs(self) -> list[Job]:
        """Return the jobs of those that are watched."""
        return list(dict.fromkeys(entry.attempt.job for entry in self if entry.attempt is not None))

    def wait_for(self, job: Job, but: Entry) -> bool:
        """Return whether others than this one are watched that a job is to deliver."""
        return any(each.job == job for each in self.watched() if each is not but)

    def of(self, folder: Folder) -> list[Entry]:
        """Return those of one folder."""
        return [entry for entry in self if entry.folder is folder]

    def by_deadline(self) -> dict[Deadline, list[Entry]]:
        """Return those that share each deadline that something unfinished has."""
        groups: dict[Deadline, list[Entry]] = {entry.deadline: [] for entry in self.unfinished()}
        for entry in self:
            if entry.deadline in groups:
                groups[entry.deadline].append(entry)
        return groups
