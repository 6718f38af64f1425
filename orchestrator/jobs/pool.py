"""The job pool: takes evaluations at any time, submits, watches, retries, measures, and yields them as they land."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType

from orchestrator.cluster import Cluster, State, Status
from orchestrator.cluster.ending import end_jobs
from orchestrator.config.durations import format_duration
from orchestrator.errors import RunFailed, Stopped
from orchestrator.files import write_json
from orchestrator.jobs.cleanup import Cleanup
from orchestrator.jobs.deadline import Deadline
from orchestrator.jobs.dispatcher import Dispatcher
from orchestrator.jobs.entries import Entries, Entry, Landed, Stage, Terms
from orchestrator.jobs.folders import Folders
from orchestrator.jobs.measuring.pool import Measuring
from orchestrator.jobs.poller import Poller
from orchestrator.jobs.result_watch import ResultWatch
from orchestrator.jobs.retries import Retries
from orchestrator.jobs.verdicts import at_deadline, failure, node_that_died, of_last_loss, patience, verdict_on
from orchestrator.paths import AttemptPaths, GenerationPaths
from orchestrator.records import Offspring, Result

_LOG = logging.getLogger(__name__)


class JobPool:
    """Evaluates offspring; knows no optimiser, and of a generation only where its files are.

    Parameters
    ----------
    cluster : Cluster
        Runs the jobs.
    terms : Terms
        Timeout, retries, and the jobs' names.
    folder_of : callable
        Returns the files of a generation, given its number.
    write_task : callable
        Writes the task file of an attempt, given offspring, files and number of the attempt.
    measuring : Measuring
        Measures what jobs leave unmeasured.
    cleanup : Cleanup
        Sees jobs gone that have delivered.
    stop : threading.Event
        Set to leave.
    confirm : callable
        Raises `Stopped` if another controller has taken the run over.
    first : bool
        Whether no simulation of the run has worked yet.
    """

    def __init__(
        self,
        cluster: Cluster,
        terms: Terms,
        *,
        folder_of: Callable[[int], GenerationPaths],
        write_task: Callable[[Offspring, AttemptPaths, int], None],
        measuring: Measuring,
        cleanup: Cleanup,
        stop: threading.Event,
        confirm: Callable[[], object],
        first: bool,
    ):
        self._cluster = cluster
        self._terms = terms
        self._write_task = write_task
        self._measuring = measuring
        self._cleanup = cleanup
        self._poller = Poller(cluster, cleanup)
        self._stop = stop
        self._confirm = confirm
        self._retries = Retries(terms, first=first, one_node=not cluster.survives)
        self._dispatcher = Dispatcher(cluster, self._retries, write_task, terms.chunks, stop)
        self._watch = ResultWatch(min(1.0, cluster.poll_interval(0.0)), stop)
        self._folders = Folders(folder_of, cluster, terms.name, stop, confirm)
        self._entries = Entries()
        self._arrived: list[Landed] = []

    def __enter__(self) -> JobPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            # nobody would know of them
            if isinstance(error, Exception) and not self._cluster.survives:
                end_jobs(self._cluster, self._entries.jobs())
        finally:
            self._watch.close()
            self._measuring.close()

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to wait for."""
        return not self._arrived and not self._entries.unfinished()

    def add(self, offspring: Sequence[Offspring]) -> None:
        """Take offspring of one generation, which share a deadline; jobs of a controller before this are taken over.

        Raises
        ------
        orchestrator.errors.UsageError
            If their jobs are with another executor.
        Stopped
            If `stop` was set before it was known which jobs exist.
        """
        generation, deadline = offspring[0].generation, Deadline(self._terms.timeout)
        if generation not in self._folders:
            self._retries.begin_generation()
        folder = self._folders.of(generation)
        entries = {each.index: Entry(each, folder, deadline) for each in offspring}
        folder.look_again(entries.keys())
        taken = folder.submitter.recover(entries.keys())
        for attempt in taken:
            entries[attempt.index].watch(attempt)
        deadline.take_over(folder.elapsed(entries.values()), [each.index for each in taken], self._poller.grace)
        if taken:
            _LOG.info("generation %d: took over %d jobs", generation, len(taken))
        self._entries.add(entries.values())
        self._watch.watch([each.paths.results for each in self._folders])
        with self._withdrawing_on_failure():
            self._collect()
            for entry in entries.values():
                # a controller that died after it had noted the last loss could not decide what follows
                if entry.stage is Stage.WAITING and entry.history.is_given_up:
                    self._decree(entry, of_last_loss(entry))
            if any(entry.history.timed_out for entry in entries.values()):
                self._time_out(list(entries.values()))

    def wait(self) -> list[Landed]:
        """Return what has landed since the last call; waits until something has, if anything is in flight.

        Raises
        ------
        Stopped
            If `stop` was set.
        RunFailed
            If no simulation can start: no parameters are the cause then.
        """
        with self._withdrawing_on_failure():
            while not self._arrived and self._entries.unfinished():
                self._leave_if_stopped()
                self._poller.notice_absence(self._entries)
                self._collect()
                if self._dispatcher.submit_waiting(self._entries, self._folders):
                    self._poller.submitted()
                self._poll_if_due()
                self._retries.stop_if_nothing_works(self._entries)
                self._folders.note_queues(self._entries)
                self._time_out(self._poller.overdue(self._entries))
                if not self._arrived:
                    self._watch.wait()
        arrived, self._arrived = self._arrived, []
        return arrived

    def forget(self, generation: int) -> None:
        """Drop a generation that has landed and is in the checkpoint."""
        self._folders.drop(generation)
        self._entries.drop(generation)

    def settle(self, keys: Iterable[tuple[int, int]], result: Result) -> list[Landed]:
        """End the jobs of offspring whose result has been decided without them; return them with it, landed."""
        entries = [entry for key in keys if (entry := self._entries.get(key)) and entry.stage is not Stage.LANDED]
        if jobs := list(dict.fromkeys(entry.attempt.job for entry in entries if entry.attempt is not None)):
            self._cluster.cancel(jobs)
            for job in jobs:
                self._cleanup.delivered(job)
        for entry in entries:
            self._write(entry.paths, result)
            self._measuring.landed(entry.key)
        return [entry.land(result) for entry in entries]

    def refuse_if_all_failed(self, offspring: Sequence[Offspring]) -> None:
        """Make sure that of offspring that have landed, and are to be told together, one speaks of its parameters.

        Raises
        ------
        RunFailed
            If none does; all of them start afresh when the run is continued, whatever their results say.
        """
        together = [entry for each in offspring if (entry := self._entries.get(each.key))]
        results = [entry.result for entry in together if entry.result is not None]
        if any(result.worked for result in results):
            return
        with self._withdrawing_on_failure():
            self._folders.start_afresh(together)
            cause = next((result for result in results if not result.says_nothing), results[0])
            raise RunFailed(failure("every simulation of the generation failed", cause))

    def discard_unused(self) -> None:
        """Remove the folders that nobody needs once the run has failed."""
        self._folders.discard_unused(self._entries)

    @contextlib.contextmanager
    def _withdrawing_on_failure(self) -> Iterator[None]:
        """End all attempts if the run cannot go on; they start afresh when it is continued."""
        try:
            yield
        except RunFailed:
            self._withdraw()
            raise

    def _withdraw(self) -> None:
        end_jobs(self._cluster, self._entries.jobs())
        self._folders.withdraw(self._entries)
        self._collect()  # what jobs delivered until they were gone is kept

    def _collect(self) -> None:
        """Take the results that have come in since the last look; one listing of each folder."""
        self._confirm()
        for key, result in self._measuring.poll():
            entry = self._entries.get(key)
            if entry is None or entry.stage is not Stage.MEASURING:
                continue
            if result.outcome.infrastructure:
                self._write(entry.lose_measurement(), result)
            else:
                self._decree(entry, result)
        for generation, index, number, result in self._folders.new_results():
            entry = self._entries.get((generation, index))
            if entry is not None:
                self._take(entry, number, result)

    def _take(self, entry: Entry, number: int, result: Result) -> None:
        if entry.stage is Stage.LANDED or (entry.stage is Stage.MEASURING and not result.measured):
            return
        attempt = entry.attempt
        if result.outcome.infrastructure:
            if attempt is not None and attempt.number == number:
                self._lose(entry, result)
            elif entry.stage is Stage.MEASURING and entry.measured_attempt == number:
                self._note_loss(entry, result)
            elif attempt is None and entry.history.counts(number, result.outcome):
                self._land(entry, result)
            return
        # also that of an earlier attempt which was given up for lost: the same parameters, the same seeds
        if attempt is not None and not self._entries.wait_for(attempt.job, entry):
            self._cleanup.delivered(attempt.job)
            if attempt.number != number:
                self._cluster.cancel([attempt.job])
        if result.measured:
            self._land(entry, result)
        else:
            self._retries.worked(result)
            paths = entry.measure(number, in_place=self._measuring.in_place)
            # its job may have been given it by a controller of an earlier version
            self._write_task(entry.offspring, paths, number)
            self._measuring.add(entry.key, paths)

    def _decree(self, entry: Entry, result: Result) -> None:
        """Write the result that the job did not: a controller that comes after this one must not decide otherwise."""
        self._write(entry.paths, result)
        self._land(entry, result)

    def _write(self, paths: AttemptPaths, result: Result) -> None:
        write_json(paths.result, result.to_json(), self._confirm)

    def _land(self, entry: Entry, result: Result) -> None:
        self._measuring.landed(entry.key)
        self._arrived.append(entry.land(result).logged())
        if not result.says_nothing:
            self._retries.worked(result)
            self._dispatcher.learn(result)

    def _poll_if_due(self) -> None:
        watched = self._entries.watched()
        if statuses := self._poller.ask_if_due(watched):
            self._collect()  # what jobs wrote before their end
        for entry in watched if statuses else ():
            if entry.attempt is not None:  # its result may have come in
                self._judge(entry, statuses[entry.attempt.job])

    def _judge(self, entry: Entry, status: Status) -> None:
        entry.status = status
        entry.listed |= status.state not in (State.ABSENT, State.UNKNOWN)
        if status.state in (State.PENDING, State.RUNNING):
            entry.stage = Stage.SUBMITTED
            entry.deadline.resolve(entry.index)
            return
        if status.state is State.UNKNOWN:
            return
        if entry.stage is Stage.SUBMITTED or entry.folder.is_away:
            entry.stage, entry.ended = Stage.ENDED, time.monotonic()
        if entry.folder.is_away:
            return
        late, timeout, waited = self._cluster.result_grace, self._terms.timeout, time.monotonic() - entry.ended
        grace = patience(status, entry.paths, late, listed=entry.listed, timeout=timeout, before=entry.age - waited)
        if waited < grace:
            self._poller.ask_by(entry.ended + grace + 0.1)
        else:
            self._decide(entry, status)

    def _decide(self, entry: Entry, status: Status) -> None:
        if status.forgiven:
            entry.leave(Stage.WAITING)
            entry.folder.journal.withdrawn([entry.index])
            return
        result = verdict_on(entry, status, self._cluster)
        if result is None:  # it gives signs of life, or another job does that evaluates it
            entry.deadline.resolve(entry.index)
        elif result.outcome.infrastructure:
            self._lose(entry, result, node_that_died(entry, status))
        else:
            self._decree(entry, result)

    def _lose(self, entry: Entry, result: Result, node: str = "") -> None:
        if entry.said.state is State.ABSENT and not self._entries.wait_for(entry.job, entry):
            self._cluster.cancel([entry.job])  # should it be there after all
        self._note_loss(entry, result, node)

    def _note_loss(self, entry: Entry, result: Result, node: str = "") -> None:
        entry.leave(Stage.WAITING)
        self._retries.lost(entry, result, node)
        if entry.history.is_given_up:
            self._decree(entry, result)

    def _time_out(self, entries: Sequence[Entry]) -> None:
        """Cancel those of `entries`, whose deadline has passed, that are unfinished, and see them gone."""
        unfinished = [entry for entry in entries if entry.stage is not Stage.LANDED]
        late = [entry for entry in unfinished if entry.stage is not Stage.MEASURING]
        new = [entry for entry in unfinished if not entry.history.timed_out]
        if not new and not late:
            return
        for folder in {entry.folder.paths: entry.folder for entry in new}.values():
            folder.journal.time_out([entry.index for entry in new if entry.folder is folder])
        jobs = list(dict.fromkeys(entry.attempt.job for entry in late if entry.attempt is not None))
        generation, timeout = unfinished[0].offspring.generation, format_duration(self._terms.timeout)
        _LOG.warning("generation %d: cancelling %d jobs after %s", generation, len(jobs), timeout)
        end_jobs(self._cluster, jobs, self._stop)
        if self._stop.is_set():
            raise Stopped(f"stopped while the timeout of generation {generation} was enforced")
        self._collect()
        for entry in late:
            if entry.stage not in (Stage.LANDED, Stage.MEASURING):
                self._decree(entry, at_deadline(entry, self._cluster, timeout))

    def _leave_if_stopped(self) -> None:
        if self._stop.is_set():
            first = self._entries.unfinished()[0]
            if not self._cluster.survives:
                self._collect()
                self._withdraw()
            raise Stopped(f"stopped in generation {first.offspring.generation}")
