"""Cleaning up after what is finished: jobs that have delivered are seen to end, then their generation's files go."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterable, Mapping

from orchestrator.cluster import Cluster, Job, State, Status
from orchestrator.cluster.ending import see_gone
from orchestrator.jobs.submissions import Submissions
from orchestrator.paths import RunPaths, kept_as
from orchestrator.records import Outcome
from orchestrator.results import result_in

_LOG = logging.getLogger(__name__)
# patience with jobs that have delivered their results, in s: while the run goes on, and at its end
_PATIENCE = 60.0
_LAST_PATIENCE = 10.0


class Cleanup:
    """Sees the jobs of complete generations gone, and those that have delivered.

    They tidy up, for a moment. Some never end: a simulation hangs at its exit, or SLURM lost sight of it with its node;
    such a job would keep a node busy until its time limit. The journals of the generations say which jobs there were,
    also to a controller that comes later.

    Parameters
    ----------
    paths : RunPaths
        Files of the run.
    cluster : Cluster
        Runs the jobs.
    keep : str
        Whose simulation directories are kept: those of ``none``, ``failed`` or ``all``.
    confirm : callable
        Raises `orchestrator.errors.Stopped` if another controller has taken the run over.
    trials : int
        How many jobs an evaluation has, one for each trial.
    """

    def __init__(
        self,
        paths: RunPaths,
        cluster: Cluster,
        keep: str,
        confirm: Callable[[], object] = lambda: None,
        *,
        trials: int = 1,
    ):
        self._paths = paths
        self._cluster = cluster
        self._keep = keep
        self._confirm = confirm
        self._trials = trials
        self._finished: dict[int, list[Job]] = {}
        # when a job that has not ended is cancelled
        self._patience: dict[Job, float] = {}

    def delivered(self, job: Job) -> None:
        """Take over a job that has nothing to do any more."""
        self._patience[job] = time.monotonic() + _PATIENCE

    def finish(self, numbers: Iterable[int]) -> None:
        """Take over generations that are in the checkpoint completely."""
        # no look came by while the last one was in flight, or something does not end
        overdue = bool(self._finished)
        for number in numbers:
            if number not in self._finished:
                journal = self._paths.generation(number).journal
                self._finished[number] = Submissions.read(journal).jobs(self._cluster.name)
                for job in self._finished[number]:
                    self._patience.setdefault(job, time.monotonic() + _PATIENCE)
        if overdue:
            self.look(self._cluster.poll(self.jobs))

    @property
    def jobs(self) -> list[Job]:
        """The jobs to ask the executor about, together with others."""
        return list(self._patience)

    def look(self, statuses: Mapping[Job, Status]) -> None:
        """Discard the generations whose jobs have ended; cancel what should have ended by now."""
        now = time.monotonic()
        self._patience = {job: until for job, until in self._patience.items() if not statuses[job].gone}
        late = [job for job, until in self._patience.items() if now >= until]
        self._patience.update(dict.fromkeys(late, now + _PATIENCE))
        self._cancel([job for job in late if statuses[job].state is not State.UNKNOWN])
        for number, jobs in list(self._finished.items()):
            if not self._patience.keys() & set(jobs):
                self._discard(number)

    def settle(self) -> None:
        """Wait a moment for what is left, at the end of the run; cancel what does not end, and discard all."""
        self._cancel(see_gone(self._cluster, self.jobs, _LAST_PATIENCE))
        self._patience.clear()
        for number in list(self._finished):
            self._discard(number)

    def _cancel(self, jobs: list[Job]) -> None:
        if jobs:
            self._confirm()
            named = " ".join(job.id for job in jobs)
            _LOG.warning("these jobs have delivered their results, do not end, and are cancelled: %s", named)
            self._cluster.cancel(jobs)

    def _discard(self, number: int) -> None:
        """Delete the directory of a generation, except what is to be kept."""
        self._confirm()
        if self._keep != "none":
            self._keep_simulations(number)
        shutil.rmtree(self._paths.generation(number).directory, ignore_errors=True)
        del self._finished[number]

    def _keep_simulations(self, number: int) -> None:
        generation = self._paths.generation(number)
        for attempt, file in generation.simulations():
            # a job may have been ended while it removed what it had measured
            result = result_in(file)
            if self._keep == "failed" and result is not None and result.outcome is Outcome.OK:
                continue
            kept = self._paths.kept / str(number) / kept_as(attempt, self._trials)
            kept.mkdir(parents=True, exist_ok=True)
            for found in (attempt / "simulation", *attempt.glob("*.log")):
                if found.exists():
                    shutil.move(found, kept / found.name)
