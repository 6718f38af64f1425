"""What a run leaves behind: jobs that have delivered, and complete generations, which go once all of theirs have."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from orchestrator.cluster import Cluster, Job, State, Status
from orchestrator.cluster.ending import see_gone
from orchestrator.config.model import Config
from orchestrator.jobs.journal import submitted_jobs
from orchestrator.jobs.tasks import discard
from orchestrator.paths import RunPaths

_LOG = logging.getLogger(__name__)
# patience with jobs that have delivered their results, in s: while the run goes on, and at its end
_TIDYING_UP = 60.0
_LAST_MOMENT = 10.0


class Wake:
    """Sees the jobs of complete generations gone, and those that have delivered.

    They tidy up, for a moment. Some never end: a simulation hangs at its exit, or SLURM lost sight of it with its node;
    such a job would keep a node busy until its time limit. The journals of the generations say which jobs there were,
    also to a controller that comes later.

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
        self._behind: dict[int, list[Job]] = {}
        # when a job that has not ended is cancelled
        self._patience: dict[Job, float] = {}

    def delivered(self, job: Job) -> None:
        """Take over a job that has nothing to do any more."""
        self._patience[job] = time.monotonic() + _TIDYING_UP

    def leave(self, number: int) -> None:
        """Take over all generations before `number`, which are in the checkpoint."""
        # no look came by while the last one was in flight, or something does not end
        overdue = bool(self._behind)
        for behind in self._paths.generation_numbers():
            if behind < number and behind not in self._behind:
                self._behind[behind] = submitted_jobs(self._paths.generation(behind), self._cluster.name)
                for job in self._behind[behind]:
                    self._patience.setdefault(job, time.monotonic() + _TIDYING_UP)
        if overdue:
            self.look(self._cluster.poll(self.jobs))

    @property
    def jobs(self) -> list[Job]:
        """The jobs to ask the executor about, by the way."""
        return list(self._patience)

    def look(self, statuses: Mapping[Job, Status]) -> None:
        """Discard the generations whose jobs have ended; cancel what should have by now."""
        now = time.monotonic()
        self._patience = {job: until for job, until in self._patience.items() if not statuses[job].gone}
        late = [job for job, until in self._patience.items() if now >= until]
        self._patience.update(dict.fromkeys(late, now + _TIDYING_UP))
        self._cancel([job for job in late if statuses[job].state is not State.UNKNOWN])
        for number, jobs in list(self._behind.items()):
            if not self._patience.keys() & set(jobs):
                self._discard(number)

    def settle(self) -> None:
        """Wait a moment for what is left, at the end of the run; cancel what does not end, and discard all."""
        self._cancel(see_gone(self._cluster, self.jobs, _LAST_MOMENT))
        self._patience.clear()
        for number in list(self._behind):
            self._discard(number)

    def _cancel(self, jobs: list[Job]) -> None:
        if jobs:
            named = " ".join(job.id for job in jobs)
            _LOG.warning("these jobs have delivered their results, do not end, and are cancelled: %s", named)
            self._cluster.cancel(jobs)

    def _discard(self, number: int) -> None:
        discard(self._config, self._paths, number)
        del self._behind[number]
