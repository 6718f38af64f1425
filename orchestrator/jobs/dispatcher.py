"""Submitting what waits in the pool, in arrays that the executor takes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from orchestrator.cluster import Cluster, SubmissionFailed
from orchestrator.jobs.entries import Entries, Entry, Folder, Stage
from orchestrator.jobs.retries import Retries
from orchestrator.paths import AttemptPaths
from orchestrator.records import Offspring

_LOG = logging.getLogger(__name__)
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
    stop : threading.Event
        Set to leave.
    """

    def __init__(
        self,
        cluster: Cluster,
        retries: Retries,
        write_task: Callable[[Offspring, AttemptPaths, int], None],
        stop: threading.Event,
    ):
        self._cluster = cluster
        self._retries = retries
        self._write_task = write_task
        self._stop = stop

    def submit_waiting(self, entries: Entries, folders: Iterable[Folder]) -> bool:
        """Submit all that has waited for long enough; return whether there was anything.

        Raises
        ------
        orchestrator.errors.RunFailed
            If the executor refuses all that was ever submitted.
        """
        now = time.monotonic()
        waiting = {entry for entry in entries if entry.stage is Stage.WAITING and entry.not_before <= now}
        for deadline, together in entries.by_deadline().items():
            if deadline.submitting([entry.index for entry in together if entry in waiting]):
                together[0].folder.journal.restart_clock([entry.index for entry in together])
        if not waiting:
            return False
        size, submitted = self._cluster.batch_size, False
        for folder in folders:
            missing = [entry for entry in entries.of(folder) if entry in waiting]
            for first in range(0, len(missing), size):
                if submitted and self._stop.wait(_BETWEEN_ARRAYS):
                    return True
                self._submit(folder, missing[first : first + size], entries)
                submitted = True
        return True

    def _submit(self, folder: Folder, together: Sequence[Entry], entries: Entries) -> None:
        tasks = {entry.index: entry.history.attempts + 1 for entry in together}
        for entry in together:
            paths = folder.paths.attempt(entry.index, tasks[entry.index])
            # if a controller died before it had submitted anything, the directory is there already
            paths.directory.mkdir(parents=True, exist_ok=True)
            self._write_task(entry.offspring, paths, tasks[entry.index])
        try:
            attempts = folder.submitter.submit(list(tasks.items()), self._retries.avoid)
        except SubmissionFailed as error:
            pause = self._cluster.poll_interval(max(entry.deadline.elapsed for entry in together))
            self._retries.refused(together, error, pause, entries)
            return
        self._retries.accepted()
        for entry, attempt in zip(together, attempts, strict=True):
            entry.watch(attempt)
        _LOG.info("generation %d: submitted %d offspring", together[0].offspring.generation, len(attempts))
