"""The nouns of what is in flight: an offspring, and a generation. All times are Unix times in s."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.jobs.queue_note import QueueNote
from orchestrator.status.offspring_state import STATES


@dataclass(frozen=True)
class OffspringStatus:
    """One offspring of the generation in flight.

    Parameters
    ----------
    index : int
        Its place in the generation.
    state : str
        One of `orchestrator.status.offspring_state.STATES`.
    phase, name, step, steps, started, since, host
        As `orchestrator.simulations.phases.JobProgress` has them; empty, 0 or NaN if the job has not started.
    in_flight : bool
        Whether a job of its last submission exists, for all that its controller has noted.
    attempt : int
        Number of its last submission, 0 before the first.
    job_id : str
        The executor's id.
    silent : float
        For how long the job has given no sign of life, in s; 0 if that is no longer than usual.
    outcome, message : str
        What became of it, if something has.
    reason : str
        Why its job is pending, in the executor's words; empty if it is not, or the executor gives none.
    generation : int
        Generation that it was asked for with, -1 if that is the one in which it is shown.
    """

    index: int
    state: str
    phase: str = ""
    name: str = ""
    step: int = 0
    steps: int = 0
    started: float = math.nan
    since: float = math.nan
    host: str = ""
    in_flight: bool = False
    attempt: int = 0
    job_id: str = ""
    silent: float = 0.0
    outcome: str = ""
    message: str = ""
    reason: str = ""
    generation: int = -1

    @property
    def place(self) -> str:
        """Its index; before it the generation that it was asked for with, if that is another one."""
        return f"{self.index}" if self.generation < 0 else f"{self.generation}/{self.index}"


@dataclass(frozen=True)
class GenerationStatus:
    """The generation in flight: what was asked for and is not in the checkpoint.

    Parameters
    ----------
    number : int
        From 0.
    submitted : float
        When its time began: the first submission; NaN before that.
    deadline : float
        When it times out; of several that do so at different times, the first one.
    timed_out : bool
        Whether the timeout is being enforced.
    offspring : sequence of OffspringStatus
        All of them.
    queue : QueueNote
        What the executor said last of the jobs.
    lost : mapping of str to int
        Attempts that were lost and submitted again, by outcome.
    size : int
        How many of them make a generation, 0 if all do.
    """

    number: int
    submitted: float
    deadline: float
    timed_out: bool
    offspring: Sequence[OffspringStatus]
    queue: QueueNote = field(default_factory=QueueNote)
    lost: Mapping[str, int] = field(default_factory=dict)
    size: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """Number of offspring in each state, all states."""
        found = Counter(each.state for each in self.offspring)
        return {state: found[state] for state in STATES}

    @property
    def pending(self) -> dict[str, int]:
        """Number of jobs that are pending for each reason."""
        pending = (each.reason for each in self.offspring if each.state == "queued" and each.in_flight)
        return dict(Counter(reason for reason in pending if reason).most_common())

    @property
    def unsubmitted(self) -> int:
        """How many wait for their submission, the first or another one."""
        return sum(each.state == "queued" and not each.in_flight for each in self.offspring)

    @property
    def in_flight(self) -> bool:
        """Whether any job exists."""
        return any(each.in_flight for each in self.offspring)

    @property
    def landed(self) -> int:
        """How many are done, exploded, failed or not evaluated."""
        counts = self.counts
        return counts["done"] + counts["exploded"] + counts["failed"] + counts["not evaluated"]

    @property
    def share(self) -> float:
        """Share of the generation that has landed."""
        return min(self.landed / (self.size or len(self.offspring) or 1), 1.0)

    @property
    def failures(self) -> list[OffspringStatus]:
        """Those that exploded, failed or were not evaluated."""
        return [each for each in self.offspring if each.state in ("exploded", "failed", "not evaluated")]
