"""The attempts at simulating an offspring, and what becomes of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from orchestrator.cluster import Job
from orchestrator.records import Outcome, Result


@dataclass(frozen=True)
class Landed:
    """The end of one offspring's flight."""

    result: Result
    attempts: int
    submitted: float


@dataclass(frozen=True)
class Terms:
    """What a flight has to keep to.

    Parameters
    ----------
    timeout : float
        Of the generation from its first submission, in s.
    retries : int
        How often a lost offspring is submitted again.
    name : str
        Start of the jobs' names.
    """

    timeout: float
    retries: int
    name: str


@dataclass
class Attempt:
    """One submission of one offspring.

    Parameters
    ----------
    index : int
        The offspring.
    number : int
        From 1; names the attempt's directory.
    job : Job
        The job that does it.
    """

    index: int
    number: int
    job: Job
    # when the executor first said that the job has ended, or that it does not know it
    ended: float | None = None


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
        The node that died under it; empty where none did.
    """

    outcome: Outcome
    reason: str
    node: str = ""


@dataclass
class History:
    """What became of one offspring's attempts so far.

    Parameters
    ----------
    numbers : int
        Number of the last attempt.
    submissions : int
        How many were submitted, since the controller itself ended one.
    submitted : float
        Unix time of the last submission in s.
    losses : list of Loss
        Those that said nothing about the parameters.
    """

    numbers: int = 0
    submissions: int = 0
    submitted: float = math.nan
    losses: list[Loss] = field(default_factory=list)

    def is_given_up(self, retries: int) -> bool:
        """Return whether the offspring is not tried again after its last loss."""
        if not self.losses:
            return False
        # what cannot start is not the parameters' fault, however often: it is tried until the deadline
        too_often = len(self.losses) > retries and not self.losses[-1].outcome.setup
        return too_often or self._kills_nodes

    @property
    def _kills_nodes(self) -> bool:
        """Whether two nodes in a row have died under the offspring."""
        nodes = {loss.node for loss in self.losses[-2:] if loss.node}
        return len(nodes) == 2
