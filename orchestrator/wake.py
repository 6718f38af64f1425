"""What a run leaves behind: complete generations, whose directories go once their jobs have ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from orchestrator.cluster import Cluster, Job, State, Status
from orchestrator.cluster.ending import see_gone
from orchestrator.config import Config
from orchestrator.generations import discard
from orchestrator.journal import submitted_jobs
from orchestrator.paths import RunPaths

_LOG = logging.getLogger(__name__)
# patience with jobs that have delivered their results, in s: while the run goes on, and at its end
_TIDYING_UP = 60.0
_LAST_MOMENT = 10.0


class Wake:
    """Sees the jobs of complete generations gone.

    They have delivered and tidy up, for a moment. Some never end: a simulation hangs at its exit, or SLURM lost sight
    of it with its node; such a job would keep a node busy until its time limit. The journals of the generations say
    which jobs there were, also to a controller that comes later.

    Parameters
    ----------
    config : Config
        Of the run.
    paths : RunPaths
        Its files.
    cluster : Cluster
        Runs the jobs.
    """

    def __init__(self, config: Config, paths: RunPaths, cluster: Cluster):
        self._config = config
        self._paths = paths
        self._cluster = cluster
        self._jobs: dict[int, list[Job]] = {}
        self._patience: dict[int, float] = {}

    def leave(self, number: int) -> None:
        """Take over all generations before `number`, which are in the checkpoint."""
        # no look came by while the last one was in flight, or something does not end
        overdue = bool(self._jobs)
        for directory in self._paths.generations.glob("[0-9]*"):
            behind = int(directory.name)
            if behind < number and behind not in self._jobs:
                self._jobs[behind] = submitted_jobs(self._paths.generation(behind), self._cluster.name)
                self._patience[behind] = time.monotonic() + _TIDYING_UP
        if overdue:
            self.look(self._cluster.poll(self.jobs))

    @property
    def jobs(self) -> list[Job]:
        """The jobs to ask the executor about, by the way."""
        return [job for jobs in self._jobs.values() for job in jobs]

    def look(self, statuses: Mapping[Job, Status]) -> None:
        """Discard the generations whose jobs have ended; cancel what should have by now."""
        for number, jobs in list(self._jobs.items()):
            left = [job for job in jobs if statuses[job].state not in (State.ENDED, State.ABSENT)]
            if not left:
                self._discard(number)
            elif time.monotonic() >= self._patience[number]:
                self._patience[number] = time.monotonic() + _TIDYING_UP
                self._cancel([job for job in left if statuses[job].state is not State.UNKNOWN])

    def settle(self) -> None:
        """Wait a moment for what is left, at the end of the run; cancel what does not end, and discard all."""
        self._cancel(see_gone(self._cluster, self.jobs, _LAST_MOMENT))
        for number in list(self._jobs):
            self._discard(number)

    def _cancel(self, jobs: list[Job]) -> None:
        if jobs:
            named = " ".join(job.id for job in jobs)
            _LOG.warning("these jobs have delivered their results, do not end, and are cancelled: %s", named)
            self._cluster.cancel(jobs)

    def _discard(self, number: int) -> None:
        discard(self._config, self._paths, number)
        del self._jobs[number], self._patience[number]
