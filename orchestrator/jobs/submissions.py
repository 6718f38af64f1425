"""What a journal says: the one place in which its entries are taken, for the writer and for all readers.

An entry is a JSON object with the key ``event``:

==============  =====================================  =================================================
``submitting``  ``token, executor, tasks, together``   jobs are about to be submitted; ``tasks`` are pairs of an
                                                       offspring and its attempt, ``together`` of them a job, or 1
``submitted``   ``token, ids``                         they were; the id of the job of each task, in their order
``refused``     ``token, message``                     they were not
``lost``        ``index, outcome, reason, node``       an attempt ended and says nothing of the parameters
``withdrawn``   ``indices``                            the controller ended attempts itself: they start afresh
``opened``                                             another controller goes on with the journal: what those before
                                                       it write from now on does not count
``clock``       ``indices``                            the time of these offspring begins now
``timeout``     ``indices``                            the deadline of these offspring is enforced
==============  =====================================  =================================================

All have ``time``, a Unix time in s by one clock, the journal's own, and say who has written them, and when that was on
its machine: ``writer``, ``boot`` and ``uptime``. Journals of earlier versions leave these out, and the ``indices`` of
``clock`` and ``timeout``: all offspring are meant.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestrator.clocks import Moment
from orchestrator.cluster import Job
from orchestrator.errors import RunFailed
from orchestrator.files import read_json_lines
from orchestrator.records import Outcome, Result

Entry = Mapping[str, Any]
# more offspring of a generation, and more attempts at one, than there can be; and the end of time, Unix time in s
_MOST, _LAST = 1_000_000, 1e11


class JournalError(RunFailed):
    """A journal holds what this version cannot have written."""


@dataclass(frozen=True)
class Loss:
    """An attempt that said nothing about the parameters.

    Parameters
    ----------
    outcome : Outcome
        What became of it.
    reason : str
        For people.
    node : str
        The node that died under it; empty if none did.
    """

    outcome: Outcome
    reason: str
    node: str = ""


@dataclass
class Submission:
    """Jobs that were submitted together.

    Parameters
    ----------
    token : str
        The name of the jobs.
    executor : str
        Who was given them.
    tasks : tuple of (int, int)
        Offspring and number of the attempt of each evaluation.
    ids : tuple of str or None
        The id of the job of each task, None if they are not known.
    accepted : float
        When it was known that they were accepted, Unix time in s of the journal; NaN as long as it is not.
    together : tuple of int
        How many of the tasks each job does, in their order; empty if each does one.
    """

    token: str
    executor: str
    tasks: tuple[tuple[int, int], ...]
    ids: tuple[str, ...] | None = None
    accepted: float = math.nan
    together: tuple[int, ...] = ()

    @property
    def jobs(self) -> list[Job]:
        """The jobs whose ids are known."""
        return [Job(self.token, job_id) for job_id in dict.fromkeys(self.ids or ())]

    @property
    def by_job(self) -> list[tuple[tuple[int, int], ...]]:
        """The tasks of each job."""
        tasks = iter(self.tasks)
        return [tuple(itertools.islice(tasks, size)) for size in self.together or (1,) * len(self.tasks)]

    def job_id(self, index: int) -> str:
        """Return the id of the job of an offspring that is among the tasks, empty if it is not known."""
        place = self._places.get(index)
        return "" if self.ids is None or place is None else self.ids[place]

    @cached_property
    def _places(self) -> dict[int, int]:
        # of thousands of jobs, each is asked for at every look
        return {index: place for place, (index, _) in enumerate(self.tasks)}


@dataclass
class AttemptHistory:
    """What became of one offspring's attempts so far.

    Parameters
    ----------
    attempts : int
        Number of the last attempt.
    submissions : int
        How many were submitted, since the controller itself ended one.
    submitted : float
        Unix time of the last submission in s; NaN if there is none.
    begin : float or None
        Unix time in s from which its timeout counts, None before its first submission.
    token : str
        The submission that is in flight, empty if none is.
    timed_out : bool
        Whether its deadline is being enforced.
    losses : list of Loss
        Attempts that said nothing about the parameters.
    """

    attempts: int = 0
    submissions: int = 0
    submitted: float = math.nan
    begin: float | None = None
    token: str = ""
    timed_out: bool = False
    losses: list[Loss] = field(default_factory=list)

    @property
    def is_given_up(self) -> bool:
        """Whether the offspring is not tried again after its last loss."""
        return bool(self.losses) and (self.timed_out or self.kills_nodes)

    def speaks(self, result: Result) -> bool:
        """Return whether a result that counts says something of the parameters, so that it is scored.

        What the cluster did says nothing, unless two nodes in a row died; nor does a timeout after attempts it lost.
        """
        short_of_time = result.outcome is Outcome.TIMEOUT and bool(self.losses)
        return not (result.says_nothing or short_of_time) or (result.outcome.infrastructure and self.kills_nodes)

    def counts(self, number: int, outcome: Outcome) -> bool:
        """Return whether the result of attempt `number` is the offspring's: which attempt counts is decided here.

        A result that speaks of the parameters is, whichever attempt it comes from: they have the same parameters and
        the same seeds. Any other one is only if it is the last and no further attempt follows.
        """
        return not outcome.infrastructure or (number == self.attempts and self.is_given_up)

    @property
    def kills_nodes(self) -> bool:
        """Whether two nodes in a row have died under the offspring."""
        nodes = {loss.node for loss in self.losses[-2:] if loss.node}
        return len(nodes) == 2


class Submissions:
    """The state that a journal's entries lead to.

    Attributes
    ----------
    histories : dict of int to AttemptHistory
        By offspring.
    submissions : dict of str to Submission
        By token.
    last : Moment or None
        When the last entry was written, None if there is none.
    """

    def __init__(self) -> None:
        self.last: Moment | None = None
        # who has opened the journal last
        self._writer: str | None = None
        self.histories: dict[int, AttemptHistory] = {}
        self.submissions: dict[str, Submission] = {}

    @classmethod
    def read(cls, path: Path, problems: list[str] | None = None) -> Submissions:
        """Read a journal; one that is not there (yet) is empty, and a last line that a crash tore is passed over.

        Parameters
        ----------
        path : pathlib.Path
            The file.
        problems : list of str, optional
            Takes what is wrong with entries, which are passed over then: for those who only look on.

        Raises
        ------
        JournalError
            If it holds what no version up to this one has written, and nobody takes the `problems`.
        """
        state = cls()
        for entry in read_json_lines(path):
            try:
                state.take(entry)
            except JournalError as error:
                if problems is None:
                    raise JournalError(f"{path}: {error}") from error
                problems.append(f"{path}: {error}")
        return state

    def take(self, entry: Entry) -> None:
        """Take one entry.

        Raises
        ------
        JournalError
            If it is unknown, or its parts are missing or of another type.
        """
        take = _TAKE.get(str(entry.get("event")))
        try:
            if take is None:
                raise ValueError(f"unknown event {entry.get('event')!r}")
            moment = Moment(_time(entry), str(entry.get("boot", "")), float(entry.get("uptime", 0.0)))
            if self._writer is None or entry.get("writer") == self._writer or take is Submissions._opened:
                take(self, entry)
            self.last = moment
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise JournalError(
                f"expected an entry that this version writes, got {dict(entry)!r} ({type(error).__name__}: {error}); "
                "continue the run with the version that wrote it"
            ) from error

    def history(self, index: int) -> AttemptHistory:
        """Return what became of an offspring's attempts."""
        return self.histories.setdefault(index, AttemptHistory())

    def current_tasks(self, submission: Submission) -> list[tuple[int, int]]:
        """Return those of a submission's tasks that are in flight."""
        return [task for task in submission.tasks if self.history(task[0]).token == submission.token]

    def in_flight(self) -> list[Submission]:
        """Return the submissions of which something is in flight, in their order."""
        return [each for each in self.submissions.values() if self.current_tasks(each)]

    def job_id(self, index: int) -> str:
        """Return the id of the job that an offspring has in flight, empty if there is none or it is not known."""
        submission = self.submissions.get(self.history(index).token)
        return "" if submission is None else submission.job_id(index)

    def jobs(self, executor: str) -> list[Job]:
        """Return all jobs that an executor was ever given, also those that were lost and replaced."""
        return [job for each in self.submissions.values() if each.executor == executor for job in each.jobs]

    def _opened(self, entry: Entry) -> None:
        self._writer = str(entry["writer"])

    def _submitting(self, entry: Entry) -> None:
        token, when = str(entry["token"]), _time(entry)
        tasks = tuple((_count(index, 0), _count(number, 1)) for index, number in entry["tasks"])
        together = tuple(_count(size, 1) for size in entry.get("together", ()))
        if together and sum(together) != len(tasks):
            raise ValueError(f"jobs of {sum(together)} tasks for {len(tasks)}")
        self.submissions[token] = Submission(token, str(entry["executor"]), tasks, together=together)
        for index, number in tasks:
            history = self.history(index)
            history.attempts = max(history.attempts, number)
            history.submitted, history.token = when, token
            history.begin = when if history.begin is None else history.begin

    def _submitted(self, entry: Entry) -> None:
        submission, ids = self.submissions[str(entry["token"])], tuple(str(job_id) for job_id in entry["ids"])
        if len(ids) != len(submission.tasks):
            raise ValueError(f"{len(ids)} ids of {len(submission.tasks)} jobs")
        submission.ids, submission.accepted = ids, _time(entry)
        for index, _ in submission.tasks:
            self.history(index).submissions += 1

    def _refused(self, entry: Entry) -> None:
        for index, _ in self.submissions[str(entry["token"])].tasks:
            self._leave(index, str(entry["token"]))

    def _lost(self, entry: Entry) -> None:
        index, node = _count(entry["index"], 0), str(entry.get("node", ""))
        history = self.history(index)
        history.losses.append(Loss(Outcome(entry["outcome"]), str(entry["reason"]), node))
        self._leave(index)

    def _withdrawn(self, entry: Entry) -> None:
        for index in entry["indices"]:
            history = self.history(_count(index, 0))
            history.submissions, history.losses = 0, []
            self._leave(index)
        # whoever ends attempts does not enforce a deadline
        for history in self.histories.values():
            history.timed_out = False

    def _clock(self, entry: Entry) -> None:
        for history in self._meant(entry):
            history.begin = _time(entry)

    def _timeout(self, entry: Entry) -> None:
        for history in self._meant(entry):
            history.timed_out = True

    def _meant(self, entry: Entry) -> list[AttemptHistory]:
        return [self.history(_count(index, 0)) for index in entry.get("indices", list(self.histories))]

    def _leave(self, index: int, token: str | None = None) -> None:
        history = self.history(index)
        if token is None or history.token == token:
            history.token = ""


def _count(value: object, least: int) -> int:
    """Return a place in a generation or the number of an attempt; raises `ValueError` if it can be neither."""
    if isinstance(value, int) and least <= value <= _MOST:
        return value
    raise ValueError(f"expected a whole number from {least} to {_MOST}, got {value!r}")


def _time(entry: Entry) -> float:
    """Return when an entry was written, Unix time in s; raises `ValueError` if that is no time."""
    if not 0 <= (when := float(entry["time"])) <= _LAST:
        raise ValueError(f"expected a Unix time in s, got {when}")
    return when


_TAKE: dict[str, Callable[[Submissions, Entry], None]] = {
    "opened": Submissions._opened,
    "submitting": Submissions._submitting,
    "submitted": Submissions._submitted,
    "refused": Submissions._refused,
    "lost": Submissions._lost,
    "withdrawn": Submissions._withdrawn,
    "clock": Submissions._clock,
    "timeout": Submissions._timeout,
}
