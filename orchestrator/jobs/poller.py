"""When the executor is asked about jobs: seldom enough for a scheduler that others use too."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from orchestrator.cluster import Cluster, Job, Status
from orchestrator.jobs.cleanup import Cleanup
from orchestrator.jobs.entries import Entries, Entry, Stage

# after so many s without a look, this process was suspended, or what it waited for was slow
_UNWATCHED = 60.0


class Poller:
    """Asks about all jobs at once, when it is time to.

    Parameters
    ----------
    cluster : Cluster
        Is asked, and says how long to wait for the next question.
    cleanup : Cleanup
        Has further jobs to ask about.
    """

    def __init__(self, cluster: Cluster, cleanup: Cleanup):
        self._cluster = cluster
        self._cleanup = cleanup
        self._next = 0.0
        self._looked = time.monotonic()
        # those whose jobs were watched when the last look ended
        self._watched: set[Entry] = set()

    @property
    def grace(self) -> float:
        """How long it takes to see what became of jobs that nobody has watched, in s."""
        return self._cluster.result_grace + self._cluster.poll_interval(0.0)

    def submitted(self) -> None:
        """Note that jobs were submitted just now: their states are worth a look soon, but not at once."""
        self._next = time.monotonic() + self._cluster.poll_interval(0.0)

    def ask_by(self, when: float) -> None:
        """Ask at `when`, in s of `time.monotonic`, if it would be later otherwise."""
        self._next = min(self._next, when)

    def ask_if_due(self, watched: Sequence[Entry]) -> Mapping[Job, Status]:
        """Return the status of each job, nothing if it is not time to ask or nothing is watched."""
        if not watched or time.monotonic() < self._next:
            return {}
        jobs = [entry.attempt.job for entry in watched if entry.attempt is not None]
        statuses = self._cluster.poll(list(dict.fromkeys([*jobs, *self._cleanup.jobs])))
        elapsed = max(entry.deadline.elapsed for entry in watched)
        self._next = time.monotonic() + self._cluster.poll_interval(elapsed)
        self._cleanup.look(statuses)
        return statuses

    def overdue(self, entries: Entries) -> list[Entry]:
        """Return those whose deadline has passed, to be called once a look, last."""
        self.notice_absence(entries)
        self._watched = set(entries.watched())
        return [entry for entry in entries if entry.deadline.has_passed]

    def notice_absence(self, entries: Entries) -> None:
        """See whether this process was suspended, to be called before anything is submitted, and last in a look.

        Its answers may be as old then, and it asks again. What it has just found lost may have been lost in that time,
        and what was to be submitted again in it was not.
        """
        before, self._looked = self._looked, time.monotonic()
        if self._looked - before > _UNWATCHED:
            self.ask_by(self._looked + self._cluster.poll_interval(0.0))
            for deadline, together in entries.by_deadline().items():
                deadline.watched_again([entry.index for entry in together if self._is_unseen(entry)], self.grace)

    def _is_unseen(self, entry: Entry) -> bool:
        """Return whether nobody saw what became of it since the last look, or submitted it again when that was due."""
        if entry.stage is Stage.WAITING:
            return entry in self._watched or entry.not_before <= self._looked
        return entry.attempt is not None
