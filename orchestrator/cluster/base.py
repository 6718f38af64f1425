"""The interface of every executor: jobs are submitted, found again, watched and cancelled through it."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from orchestrator.cluster.commands import Place
from orchestrator.records import Outcome


class State(enum.Enum):
    """What an executor says about a job."""

    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"
    ABSENT = "absent"
    """The executor answered, and does not know the job: it ended long ago, or was lost."""
    UNKNOWN = "unknown"
    """The executor did not answer, or its words are not understood: nothing is known, ask again."""


@dataclass(frozen=True)
class Status:
    """One job's state.

    Parameters
    ----------
    state : State
        Whether it waits, runs, has ended, or is not known.
    outcome : Outcome or None
        What the end of a job means if it leaves no result; None if the executor cannot tell.
    reason : str
        The executor's own words, such as why a job is pending.
    node : str
        Names of the nodes on which it runs or ran; empty if they are not known.
    forgiven : bool
        Whether an end without a result does not count as a lost attempt, because no controller was there to see it.
    """

    state: State
    outcome: Outcome | None = None
    reason: str = ""
    node: str = ""
    forgiven: bool = False

    @property
    def gone(self) -> bool:
        """Whether the executor has answered that nothing runs, or will run, any more."""
        return self.state in (State.ENDED, State.ABSENT)


@dataclass(frozen=True)
class Task:
    """The work of one job: to evaluate one offspring, or several of a generation.

    Parameters
    ----------
    indices : tuple of int
        The places of the offspring in their generation.
    files : tuple of pathlib.Path
        The task file of each, which `orchestrator.node.evaluate.evaluate` reads.
    """

    indices: tuple[int, ...]
    files: tuple[Path, ...]

    @classmethod
    def of(cls, index: int, file: Path) -> Task:
        """Return the work of a job that evaluates one offspring."""
        return cls((index,), (file,))


@dataclass(frozen=True)
class Job:
    """A submitted task. SLURM may give an id again after slurmctld has crashed: only (token, id) is an identity.

    Parameters
    ----------
    token : str
        Unique name of the submission; all jobs of one array share it.
    id : str
        The executor's id, such as ``1234_7``.
    """

    token: str
    id: str


class SubmissionFailed(Exception):
    """The executor did not take a submission; the message holds its words.

    Parameters
    ----------
    message : str
        What went wrong, for people.
    transient : bool
        Whether the executor did not answer, rather than refusing what was asked: the jobs may exist then.
    too_many : bool
        Whether it refuses so many jobs at once, or for now: fewer may be taken.
    """

    def __init__(self, message: str, *, transient: bool, too_many: bool = False):
        super().__init__(message)
        self.transient = transient
        self.too_many = too_many

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), transient=self.transient, too_many=self.too_many), self.args


class Cluster(Protocol):
    """Runs tasks, and says what became of them."""

    name: str

    def submit(self, tasks: Sequence[Task], token: str, folder: Path, avoid: Collection[str]) -> list[Job]:
        """Submit the tasks, in this order, under the name `token`, to other nodes than those to `avoid`.

        `folder` takes scripts and logs.

        Raises
        ------
        SubmissionFailed
            If the executor refuses, or did not answer.
        """

    def recover(
        self, tasks: Sequence[Task], token: str, folder: Path, ids: Sequence[str] | None, wanted: Collection[int]
    ) -> list[Job] | None:
        """Return the jobs of a submission by a controller that died, one per task; None if it never happened.

        Parameters
        ----------
        ids : sequence of str or None
            The jobs' ids; None if the controller died before it had noted them.
        wanted : collection of int
            The offspring that are still waited for; the others' tasks must not start any more.

        Raises
        ------
        SubmissionFailed
            If it cannot be known.
        """

    def poll(self, jobs: Sequence[Job]) -> Mapping[Job, Status]:
        """Return the status of every job, by one query whatever their number."""

    def cancel(self, jobs: Sequence[Job]) -> None:
        """Ask the executor to end these jobs at once; `poll` tells when they are gone."""

    def places(self) -> Mapping[str, Place]:
        """Return what shows whose this user's jobs are, by their ids; nothing if the executor has no other users.

        Raises
        ------
        orchestrator.cluster.commands.CommandFailed
            If the executor does not answer.
        """

    def log(self, job: Job, folder: Path) -> Path:
        """Return the file with the output of a job itself."""

    def poll_interval(self, elapsed: float) -> float:
        """Return how long to wait for the next `poll` in s, `elapsed` s after the submission."""

    @property
    def survives(self) -> bool:
        """Whether jobs go on when the controller stops."""

    @property
    def batch_size(self) -> int:
        """Most tasks that one `submit` takes."""

    @property
    def result_grace(self) -> float:
        """How long an ended job's result may take to show in the file system, in s."""
