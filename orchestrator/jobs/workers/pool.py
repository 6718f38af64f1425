"""The pool for cheap evaluations: processes of this machine that stay up, and one file of results per generation."""

from __future__ import annotations

import logging
import math
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from types import TracebackType

from pebble import ProcessExpired

from orchestrator.errors import RunFailed, Stopped
from orchestrator.jobs.entries import Landed
from orchestrator.jobs.verdicts import failure
from orchestrator.jobs.workers.log import WorkersLog, note_begin, note_dropped, note_results
from orchestrator.jobs.workers.processes import Key, Processes, Results
from orchestrator.node.task import NodeTask
from orchestrator.node.worker import of_ended_process
from orchestrator.paths import GenerationPaths
from orchestrator.records import Offspring, Outcome, Result

_LOG = logging.getLogger(__name__)
# how often it is looked whether to stop, in s; after so many without a look, this process was suspended
_LOOK, _UNWATCHED = 0.5, 60.0
# how often an evaluation is tried that no process can begin, or whose process is killed again and again
_TRIES = 3
# longest pause before the next try, in s
_LONGEST_PAUSE = 600.0


@dataclass(eq=False)
class _Evaluation:
    """One evaluation that has not landed; times are those of `time.monotonic` in s."""

    offspring: Offspring
    deadline: float
    tries: int = 0
    submitted: float = field(default_factory=time.time)
    future: Future[Results] | None = None
    # when it was first seen at work, and, between two tries, from when it may be tried again
    began: float | None = None
    not_before: float = 0.0
    # what became of the last try, if that says nothing of the parameters
    lost: Result | None = None


class WorkerPool:
    """Evaluates offspring in worker processes; a pool as `orchestrator.jobs.pool.JobPool` is one.

    A worker that crashes, hangs or takes too much memory costs its own evaluation, and another takes its place. What
    says nothing of the parameters is tried again until the deadline. Results are appended to one file per generation,
    from which a controller that goes on takes them.

    Parameters
    ----------
    processes : Processes
        That evaluate; ended at the end.
    together : bool
        Whether a process evaluates several at once: what is added at once is shared out between the processes.
    timeout : float
        Of what was asked for together, from when it was added, in s.
    limit : float or None
        Of one evaluation, in s.
    folder_of : callable
        Returns the files of a generation, given its number.
    task_of : callable
        Returns the task of an evaluation.
    stop : threading.Event
        Set to leave.
    confirm : callable
        Raises `Stopped` if another controller has taken the run over.
    """

    def __init__(
        self,
        *,
        processes: Processes,
        together: bool,
        timeout: float,
        limit: float | None,
        folder_of: Callable[[int], GenerationPaths],
        task_of: Callable[[Offspring], NodeTask],
        stop: threading.Event,
        confirm: Callable[[], object],
    ):
        self._processes = processes
        self._evaluates_together = together
        self._timeout = timeout
        self._limit = limit
        self._folder_of = folder_of
        self._task_of = task_of
        self._stop = stop
        self._confirm = confirm
        self._unfinished: dict[Key, _Evaluation] = {}
        self._arrived: list[Landed] = []
        self._results: dict[Key, Result] = {}

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._processes.close()

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to wait for."""
        return not self._arrived and not self._unfinished

    def add(self, offspring: Sequence[Offspring]) -> None:
        """Take offspring of one generation, which share a deadline; what an earlier controller has of them lands."""
        paths = self._folder_of(offspring[0].generation)
        landed = WorkersLog.read(paths.workers).results
        deadline = time.monotonic() + self._timeout
        new = []
        for each in offspring:
            evaluation = _Evaluation(each, deadline)
            if each.index in landed:
                self._land(evaluation, landed[each.index])
            else:
                self._unfinished[each.key] = evaluation
                new.append(evaluation)
        if new:
            paths.results.mkdir(parents=True, exist_ok=True)  # for what is kept beside results
            note_begin(paths.workers)
        share = math.ceil(len(new) / self._processes.number) if self._evaluates_together else 1
        for first in range(0, len(new), share):
            self._start(new[first : first + share])

    def wait(self) -> list[Landed]:
        """Return what has landed since the last call; waits until something has, if anything is in flight.

        Raises
        ------
        Stopped
            If `stop` was set.
        RunFailed
            If no process stays up.
        """
        looked = time.monotonic()
        while not self._arrived and self._unfinished:
            if self._stop.is_set():
                self._take(wait=0.0)
                raise Stopped(f"stopped in generation {next(iter(self._unfinished), (0, 0))[0]}")
            self._confirm()
            self._take(wait=_LOOK)
            looked = self._notice_absence(looked)
            self._try_again()
            self._time_out()
        arrived, self._arrived = self._arrived, []
        return arrived

    def forget(self, generation: int) -> None:
        """Drop a generation that has landed and is in the checkpoint."""
        self._results = {key: result for key, result in self._results.items() if key[0] != generation}

    def refuse_if_all_failed(self, offspring: Sequence[Offspring]) -> None:
        """Make sure that of offspring that are to be told together one speaks of its parameters.

        Raises
        ------
        RunFailed
            If none does; they are evaluated again when the run is continued.
        """
        results = [self._results[each.key] for each in offspring if each.key in self._results]
        if any(result.worked for result in results) or not results:
            return
        for number in {each.generation for each in offspring}:
            note_dropped(self._folder_of(number).workers, [e.index for e in offspring if e.generation == number])
        cause = next((result for result in results if not result.says_nothing), results[0])
        raise RunFailed(failure("every simulation of the generation failed", cause))

    def discard_unused(self) -> None:
        """Remove the folders that nobody needs once the run has failed: nothing has landed there."""
        for number in {key[0] for key in self._unfinished} - {key[0] for key in self._results}:
            shutil.rmtree(self._folder_of(number).directory, ignore_errors=True)

    def _start(self, evaluations: Sequence[_Evaluation]) -> None:
        """Give evaluations that belong together to a worker."""
        tasks = [self._task_of(each.offspring) for each in evaluations]
        try:
            future = self._processes.start(tasks)
        except BrokenProcessPool as error:
            self._renew(error)
            future = self._processes.start(tasks)
        for each in evaluations:
            each.tries, each.future, each.began = each.tries + 1, future, None

    def _renew(self, why: object) -> None:
        """Start all processes anew, and what they were at work on: no evaluation is to blame."""
        self._processes.renew(why)
        for each in self._unfinished.values():
            if each.future is not None:
                each.tries, each.future, each.not_before = each.tries - 1, None, 0.0

    def _try_again(self) -> None:
        """Start what waits for another try, each alone."""
        now = time.monotonic()
        for each in list(self._unfinished.values()):
            if each.future is None and each.not_before <= now:
                self._start([each])

    def _take(self, wait: float) -> None:
        """Take what has ended, all of it, once something has; write it down at once."""
        news: list[tuple[_Evaluation, Result]] = []
        broken: BrokenProcessPool | None = None
        for keys, future in self._processes.ended(wait):
            together = [each for key in keys if (each := self._unfinished.get(key)) and each.future is future]
            if not together:
                continue  # they were given up
            try:
                results = self._results_of(together, future)
            except BrokenProcessPool as error:
                broken = error
                continue
            for evaluation, result in zip(together, results, strict=True):
                evaluation.future = None
                if result is not None:
                    news.append((evaluation, result))
        self._land_all(news)
        if broken is not None and not self._stop.is_set():
            self._renew(broken)

    def _results_of(self, evaluations: Sequence[_Evaluation], future: Future[Results]) -> Results:
        """Return what came of evaluations that belong together, None where one is to be tried again, alone.

        Raises
        ------
        BrokenProcessPool
            If the processes are to be started anew: it is not known whose doing that is.
        """
        try:
            results = future.result()
        except BrokenProcessPool:
            raise
        except Exception as error:  # noqa: BLE001  (whatever ends a process)
            return [self._of_error(each, error, alone=len(evaluations) == 1) for each in evaluations]
        if any(result is None for result in results):
            self._land_all([(e, r) for e, r in zip(evaluations, results, strict=True) if r and not self._lost(e, r)])
            raise BrokenProcessPool("one has no memory left")
        return [
            None if result is None or self._lost(e, result) else result
            for e, result in zip(evaluations, results, strict=True)
        ]

    def _of_error(self, evaluation: _Evaluation, error: Exception, *, alone: bool) -> Result | None:
        """Return what it means that there is no result of an evaluation, None if it is to be tried again."""
        if isinstance(error, CancelledError) or not alone or self._stop.is_set():
            return None
        if not isinstance(error, ProcessExpired):  # a result that cannot be sent, or a process that cannot begin
            found = Result(Outcome.LAUNCH_FAILED, message=f"{type(error).__name__}: {error}")
            return None if self._lost(evaluation, found) else found
        found = of_ended_process(error.exitcode)
        if found.outcome.infrastructure and evaluation.tries >= _TRIES:
            # the kernel's, for want of memory: whoever else kills processes of this user does not do so again and again
            return replace(found, outcome=Outcome.OUT_OF_MEMORY)
        return None if self._lost(evaluation, found) else found

    def _lost(self, evaluation: _Evaluation, result: Result) -> bool:
        """Return whether a result says nothing of the parameters, so that it is tried again, after a pause."""
        if not result.outcome.infrastructure:
            return False
        if result.outcome is Outcome.LAUNCH_FAILED and evaluation.tries >= _TRIES:
            return False
        evaluation.lost = result
        evaluation.not_before = time.monotonic() + min(2.0**evaluation.tries, _LONGEST_PAUSE)
        _LOG.warning("generation %d offspring %d: %s; trying again", *evaluation.offspring.key, result.message)
        return True

    def _notice_absence(self, looked: float) -> float:
        """Give back the time in which this process was suspended; return when this look ends."""
        now = time.monotonic()
        if now - looked > _UNWATCHED:
            for each in self._unfinished.values():
                each.deadline += now - looked
                each.began = None if each.began is None else each.began + now - looked
        return now

    def _time_out(self) -> None:
        """Give up what has taken too long: one evaluation alone, or all that was asked for together."""
        now = time.monotonic()
        news = []
        for each in list(self._unfinished.values()):
            future = each.future
            if future is not None and future.running() and each.began is None:
                each.began = now
            if future is not None and future.done():
                continue  # it is taken next
            if now > each.deadline:
                news.append((each, self._late(each)))
            elif self._limit is not None and each.began is not None and now - each.began > self._limit:
                if future is not None:
                    future.cancel()
                if self._shares(each):
                    each.future, each.began = None, None  # it is not known which of them takes long
                else:
                    message = f"it took longer than {self._limit:g} s (jobs.time)"
                    news.append((each, Result(Outcome.TIME_LIMIT, message=message, started=each.submitted)))
        self._land_all(news)

    def _shares(self, evaluation: _Evaluation) -> bool:
        return any(each.future is evaluation.future and each is not evaluation for each in self._unfinished.values())

    def _late(self, evaluation: _Evaluation) -> Result:
        if evaluation.future is not None:
            evaluation.future.cancel()
        elif evaluation.lost is not None:
            return evaluation.lost
        started = math.nan if evaluation.began is None else evaluation.submitted
        message = f"not finished within the timeout of {self._timeout:g} s"
        return Result(Outcome.TIMEOUT, message=message, started=started)

    def _land_all(self, news: Sequence[tuple[_Evaluation, Result]]) -> None:
        """Write results into the files of their generations, so that they are not lost with this controller."""
        by_generation: dict[int, list[tuple[int, Result]]] = {}
        for evaluation, result in news:
            generation, index = evaluation.offspring.key
            by_generation.setdefault(generation, []).append((index, result))
        for generation, results in by_generation.items():
            self._write_down(generation, results)
        for evaluation, result in news:
            del self._unfinished[evaluation.offspring.key]
            self._land(evaluation, result)

    def _write_down(self, generation: int, results: Sequence[tuple[int, Result]]) -> None:
        pause = 1.0
        while True:
            self._confirm()
            try:
                return note_results(self._folder_of(generation).workers, results)
            except OSError as error:
                if self._stop.is_set():
                    raise
                _LOG.warning("generation %d: results cannot be written (%s); trying again", generation, error)
            self._stop.wait(pause)
            pause = min(2 * pause, 30.0)

    def _land(self, evaluation: _Evaluation, result: Result) -> None:
        self._results[evaluation.offspring.key] = result
        short_of_time = result.outcome is Outcome.TIMEOUT and evaluation.lost is not None
        speaks = not result.says_nothing and not short_of_time
        tries = max(evaluation.tries, 1)
        self._arrived.append(Landed(evaluation.offspring, result, tries, evaluation.submitted, speaks=speaks))
        self._processes.worked()
        _LOG.debug("generation %d offspring %d: %s", *evaluation.offspring.key, result.outcome.value)
