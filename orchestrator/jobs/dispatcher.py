"""Submitting what waits in the pool, in arrays that the executor takes."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from orchestrator.cluster import Cluster, SubmissionFailed
from orchestrator.jobs.chunks import Chunks
from orchestrator.jobs.entries import Entries, Entry, Stage
from orchestrator.jobs.folders import Folder
from orchestrator.jobs.retries import Retries
from orchestrator.paths import AttemptPaths
from orchestrator.records import Offspring, Result

_LOG = logging.getLogger(__name__)
# if a first submission takes longer, in s, this process was suspended in it, or SLURM was slow
_SLOW = 60.0
# between two arrays, in s, to spare a scheduler that gets many
_BETWEEN_ARRAYS = 1.0


class Dispatcher:
    """Gives waiting evaluations to the executor.

    Parameters
    ----------
    cluster : Cluster
        Takes the submissions.
    retries : Retries
        Says which nodes to avoid, and is told of refusals.
    write_task : callable
        Writes the task file of an attempt, given offspring, files and number of the attempt.
    chunks : Chunks
        Says how many of them a job gets.
    stop : threading.Event
        Set to leave.
    """

    def __init__(
        self,
        cluster: Cluster,
        retries: Retries,
        write_task: Callable[[Offspring, AttemptPaths, int], None],
        chunks: Chunks,
        stop: threading.Event,
    ):
        self._cluster = cluster
        self._retries = retries
        self._write_task = write_task
        self._chunks = chunks
        self._stop = stop
        # how many jobs the executor may take at once, for all that its last answer has shown
        self._most = sys.maxsize

    def learn(self, result: Result) -> None:
        """Take the time that an evaluation took, for jobs of several."""
        self._chunks.learn(result)

    def submit_waiting(self, entries: Entries, folders: Iterable[Folder]) -> bool:
        """Submit all that has waited for long enough; return whether anything was."""
        now = time.monotonic()
        waiting = {entry for entry in entries if entry.stage is Stage.WAITING and entry.not_before <= now}
        started = [
            together
            for deadline, together in entries.by_deadline().items()
            if deadline.submitting([entry.index for entry in together if entry in waiting])
        ]
        _note_start(started)
        if not waiting:
            return False
        missing = [(folder, [entry for entry in entries.of(folder) if entry in waiting]) for folder in folders]
        for n, (folder, own) in enumerate(pair for pair in missing if pair[1]):
            if n:
                self._stop.wait(_BETWEEN_ARRAYS)
            self._submit_all(folder, own)
        if time.monotonic() - now > _SLOW:
            # there were no jobs whose time could have passed
            for together in started:
                together[0].deadline.start()
            _note_start(started)
        return any(entry.attempt is not None for entry in waiting)

    def _submit_all(self, folder: Folder, missing: Sequence[Entry]) -> None:
        while missing and not self._stop.is_set():
            try:
                missing = missing[self._submit(folder, missing) :]
            except SubmissionFailed as error:
                self._retries.limited(missing, error, self._pause(missing))
                return
            if missing:
                self._stop.wait(_BETWEEN_ARRAYS)

    def _submit(self, folder: Folder, missing: Sequence[Entry]) -> int:
        """Submit the first of those that are missing; return of how many it is decided what becomes of them.

        Raises
        ------
        SubmissionFailed
            If the executor does not take a single one for now.
        """
        size = min(self._most, self._cluster.batch_size)
        jobs = self._chunks.jobs_of(missing)[:size]
        together = [entry for each in jobs for entry in each]
        tasks = {entry.index: entry.history.attempts + 1 for entry in together}
        for entry in together:
            paths = folder.paths.attempt(entry.index, tasks[entry.index])
            # if a controller died before it had submitted anything, the directory is there already
            paths.directory.mkdir(parents=True, exist_ok=True)
            self._write_task(entry.offspring, paths, tasks[entry.index])
        try:
            attempts = folder.submitter.submit(list(tasks.items()), self._retries.avoid, [len(each) for each in jobs])
        except SubmissionFailed as error:
            if error.too_many and len(jobs) == 1:
                raise
            if error.too_many:
                self._retries.limited(together, error, 0.0)
                self._most = len(jobs) // 2
                return 0
            self._retries.refused(together, error, self._pause(together))
            return len(together)
        self._most = 2 * size
        self._retries.accepted()
        for entry, attempt in zip(together, attempts, strict=True):
            entry.watch(attempt)
        most = max(map(len, jobs))
        shared = f" in jobs of up to {most}" if most > 1 else ""
        first = together[0].offspring
        _LOG.info("generation %d: submitted %d %s%s", first.generation, len(attempts), first.noun, shared)
        return len(together)

    def _pause(self, entries: Sequence[Entry]) -> float:
        """Return how long to wait until the executor is asked again, in s."""
        return self._cluster.poll_interval(max(entry.deadline.elapsed for entry in entries))


def _note_start(started: Iterable[Sequence[Entry]]) -> None:
    """Note in the journals that the clocks of these entries start now, which share one each."""
    for together in started:
        together[0].folder.journal.restart_clock([entry.index for entry in together])
