"""How many evaluations a job gets, if evaluations are cheap beside a job."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from orchestrator.records import Result

if TYPE_CHECKING:
    from orchestrator.jobs.entries import Entry

# how long a job of ``evaluations_per_job: auto`` works, in s; the time of a job and the timeout may make it shorter
_WORK = 180.0
_OF_JOB, _OF_TIMEOUT = 1 / 2, 1 / 4
# by how much fewer there are in the next job of evaluations that a job has lost: one of them may be the cause
_FEWER = 8
# of how many evaluations the time is remembered
_REMEMBERED = 200
# no evaluation is faster, in s
_FASTEST = 1e-3


class Chunks:
    """Puts evaluations into jobs.

    Parameters
    ----------
    wanted : int or "auto"
        ``jobs.evaluations_per_job``.
    processes : int
        How many evaluations a job does at once.
    job : float or None
        Time limit of a job, in s.
    timeout : float
        Of what is asked for together, in s.
    seconds : sequence of float
        Times that evaluations of the run took so far, in s.
    """

    def __init__(
        self,
        wanted: int | Literal["auto"] = 1,
        processes: int = 1,
        *,
        job: float | None = None,
        timeout: float = math.inf,
        seconds: Sequence[float] = (),
    ):
        self._wanted = wanted
        self._processes = processes
        self._work = min(_WORK, timeout * _OF_TIMEOUT, math.inf if job is None else job * _OF_JOB)
        self._seconds = deque(seconds, maxlen=_REMEMBERED)

    def learn(self, result: Result) -> None:
        """Take the time of an evaluation that has come to its end."""
        took = result.finished - result.started
        if result.worked and math.isfinite(took):
            self._seconds.append(took)

    @property
    def size(self) -> int:
        """Most evaluations of a job; as many as it does at once as long as no time of an evaluation is known."""
        if self._wanted != "auto":
            return self._wanted
        if not self._seconds:
            return self._processes
        typical = max(statistics.median(self._seconds), _FASTEST)
        return max(self._processes, int(self._work * self._processes / typical))

    def jobs_of(self, entries: Sequence[Entry]) -> list[list[Entry]]:
        """Return what each job is to evaluate: of those that share a deadline, as evenly as possible."""
        jobs: list[list[Entry]] = []
        for (_, losses), alike in itertools.groupby(entries, lambda each: (each.deadline, len(each.history.losses))):
            own = list(alike)
            number = math.ceil(len(own) / max(1, self.size // _FEWER**losses))
            least, more = divmod(len(own), number)
            remaining = iter(own)
            jobs += [list(itertools.islice(remaining, least + (n < more))) for n in range(number)]
        return jobs
