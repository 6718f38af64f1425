"""The evaluations in the pool: one object for each, which says where it stands."""

from __future__ import annotations

import enum
import json
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from orchestrator.cluster import Cluster, Job, State, Status
from orchestrator.jobs.chunks import Chunks
from orchestrator.jobs.deadline import Deadline
from orchestrator.jobs.journal import Journal
from orchestrator.jobs.queue_note import QueueNotes
from orchestrator.jobs.submissions import History
from orchestrator.jobs.submitter import Attempt, Submitter
from orchestrator.paths import AttemptPaths, GenerationPaths
from orchestrator.records import Offspring, Outcome, Result
from orchestrator.results import new_results
from orchestrator.text import LOG_DATA

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
    """

    offspring: Offspring
    result: Result
    attempts: int
    submitted: float
    speaks: bool = True


@dataclass
class Folder:
    """A generation's folder: one journal, one list of results, one note for those who look on.

    Parameters
    ----------
    paths : GenerationPaths
        Its files.
    journal : Journal
        Of its submissions.
    submitter : Submitter
        Submits its attempts.
    """

    paths: GenerationPaths
    journal: Journal
    submitter: Submitter
    # names of the result files that were taken already, and what was said of others
    seen: set[str] = field(default_factory=set)
    # whether its results could not be looked at the last time: a job that has ended may well have delivered
    is_away: bool = False
    notes: QueueNotes = field(init=False)

    def __post_init__(self) -> None:
        self.notes = QueueNotes(self.paths.queue)

    @classmethod
    def open(
        cls, paths: GenerationPaths, cluster: Cluster, name: str, stop: threading.Event, confirm: Callable[[], object]
    ) -> Folder:
        """Make the folder of a generation, or take over that of a controller that is gone."""
        paths.create()
        journal = Journal(paths, confirm)
        return cls(paths, journal, Submitter(journal, paths, cluster, name, stop))

    def look_again(self, indices: Collection[int]) -> None:
        """Take the results of these offspring: they were passed over as long as nobody waited for them."""
        again = {str(index) for index in indices}  # text, because a file that is no result may have any name
        self.seen = {name for name in self.seen if name.partition(".")[0] not in again}

    def new_results(self) -> list[tuple[int, int, Result]]:
        """Return offspring, attempt and content of the results that have come in since the last look."""
        try:
            found = list(new_results(self.paths.results, self.seen))
        except OSError as error:  # of a file system that is away for a moment, or of a folder that somebody has renamed
            if not self.is_away:
                moved = isinstance(error, FileNotFoundError)
                remedy = "; put it back, or make an empty one if it is lost" if moved else ""
                words = "%s cannot be looked at, nothing is decided meanwhile: %s%s"
                _LOG.warning(words, self.paths.results, error.strerror or error, remedy)
            self.is_away, found = True, []
        else:
            self.is_away = False
        return found

    def elapsed(self, entries: Iterable[Entry]) -> float | None:
        """Return the time since the first submission of any of its entries in s, None if there was none."""
        begins = [entry.history.begin for entry in entries if entry.history.begin is not None]
        return self.journal.time - min(begins) if begins else None

    def withdraw(self, entries: Sequence[Entry]) -> None:
        """Note that the jobs of these of its entries were ended, except what needs none; they wait again."""
        own = [entry for entry in entries if entry.stage not in (Stage.LANDED, Stage.MEASURING)]
        self.journal.withdrawn([entry.index for entry in own])
        for entry in own:
            entry.leave(Stage.WAITING)

    def start_afresh(self, entries: Sequence[Entry]) -> None:
        """Forget results and losses of these of its entries: they are evaluated again when the run is continued."""
        indices = {str(entry.index) for entry in entries}
        for path in self.paths.results.glob("*.json"):
            if path.name.partition(".")[0] in indices:
                path.unlink()
        for entry in entries:
            entry.leave(Stage.WAITING)
        self.withdraw(entries)

    def note_queue(self, entries: Iterable[Entry]) -> None:
        """Note what the executor said last of the jobs of its entries, and why it did not take some."""
        own = list(entries)
        said = {entry.index: entry.status for entry in own if entry.attempt is not None}
        refusal = next((entry.refusal for entry in own if entry.stage is Stage.WAITING and entry.refusal), "")
        self.notes.note({index: status for index, status in said.items() if status is not None}, refusal)


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
    def history(self) -> History:
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

    def measure(self, number: int) -> AttemptPaths:
        """Note that what an attempt left is measured beside the controller; return its files."""
        self.leave(Stage.MEASURING)
        self.deadline.resolve(self.index)
        self.measured_attempt = number
        return self.folder.paths.attempt(self.index, number)

    def land(self, result: Result) -> Landed:
        """Note its result, log it, with all its numbers at level DEBUG and in JSON lines, and return both."""
        job = result.job_id or (self.attempt.job.id if self.attempt is not None else "")
        self.leave(Stage.LANDED)
        self.deadline.resolve(self.index)
        self.result = result
        history = self.history
        landed = Landed(self.offspring, result, history.submissions, history.submitted, history.speaks(result))
        numbers = {"parameters": dict(self.offspring.parameters), "values": dict(result.values)}
        place = {"generation": self.offspring.generation, "offspring": self.index, "job_id": job}
        data = {"event": "landed", **place, "outcome": result.outcome.value, **numbers}
        _LOG.log(
            logging.INFO if result.outcome is Outcome.OK else logging.WARNING,
            "%s: %s%s",
            self,
            said_of(result, job),
            "" if landed.speaks else "; not evaluated",
            extra={LOG_DATA: data},
        )
        _LOG.debug("%s: %s", self, ", ".join(f"{name} {json.dumps(each)}" for name, each in numbers.items()))
        return landed

    def __str__(self) -> str:
        return f"generation {self.offspring.generation} offspring {self.offspring.index}"


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
