"""The pool for cheap evaluations: processes of this machine that stay up, and one file of results per generation."""

from __future__ import annotations

import logging
import math
import multiprocessing
import queue
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from pebble import ProcessExpired, ProcessPool

from orchestrator.errors import RunFailed, Stopped
from orchestrator.jobs.entries import Landed
from orchestrator.jobs.verdicts import failure
from orchestrator.jobs.workers.log import WorkersLog, note_begin, note_results
from orchestrator.node import worker
from orchestrator.node.task import NodeTask
from orchestrator.node.worker import Order, of_ended_process
from orchestrator.paths import GenerationPaths
from orchestrator.records import Offspring, Outcome, Result

_LOG = logging.getLogger(__name__)
# how often it is looked whether to stop, in s
_LOOK = 0.5
# how often an evaluation whose process was killed from outside is tried again
_TRIES = 3

Key = tuple[int, int]


@dataclass(eq=False)
class _Evaluation:
    """One evaluation that has not landed."""

    offspring: Offspring
    deadline: float
    tries: int = 0
    submitted: float = field(default_factory=time.time)
    future: Future[list[Result]] | None = None


class WorkerPool:
    """Evaluates offspring in worker processes; a pool as `orchestrator.jobs.pool.JobPool` is one.

    A worker that crashes, hangs or takes too much memory costs its own evaluation, and another takes its place.
    Results are appended to one file per generation, from which a controller that goes on takes them.

    Parameters
    ----------
    workers : int
        Processes at once.
    together : bool
        Whether a process evaluates several at once: what is added at once is shared out between the processes.
    timeout : float
        Of what was asked for together, from when it was added, in s.
    limit : float or None
        Of one evaluation, in s.
    most_memory : int or None
        Of a worker, in bytes.
    folder_of : callable
        Returns the files of a generation, given its number.
    task_of : callable
        Returns the task of an evaluation.
    scratch : pathlib.Path
        Directory in which workers have directories of their own; removed at the end.
    stop : threading.Event
        Set to leave.
    confirm : callable
        Raises `Stopped` if another controller has taken the run over.
    """

    def __init__(
        self,
        *,
        workers: int,
        together: bool,
        timeout: float,
        limit: float | None,
        most_memory: int | None,
        folder_of: Callable[[int], GenerationPaths],
        task_of: Callable[[Offspring], NodeTask],
        scratch: Path,
        stop: threading.Event,
        confirm: Callable[[], object],
    ):
        self._workers = workers
        self._evaluates_together = together
        self._timeout = timeout
        self._limit = limit
        self._most_memory = most_memory
        self._folder_of = folder_of
        self._task_of = task_of
        self._scratch = scratch
        self._stop = stop
        self._confirm = confirm
        self._pool: ProcessPool | None = None
        self._unfinished: dict[Key, _Evaluation] = {}
        self._ended: queue.SimpleQueue[tuple[list[Key], Future[list[Result]]]] = queue.SimpleQueue()
        self._arrived: list[Landed] = []
        self._results: dict[Key, Result] = {}

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.stop()  # type: ignore[no-untyped-call]
            self._pool.join()
        shutil.rmtree(self._scratch, ignore_errors=True)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to wait for."""
        return not self._arrived and not self._unfinished

    def add(self, offspring: Sequence[Offspring]) -> None:
        """Take offspring of one generation, which share a deadline; what an earlier controller has of them lands."""
        log = self._folder_of(offspring[0].generation).workers
        landed = WorkersLog.read(log).results
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
            note_begin(log)
        share = math.ceil(len(new) / self._workers) if self._evaluates_together else 1
        for first in range(0, len(new), share):
            self._start(new[first : first + share])

    def wait(self) -> list[Landed]:
        """Return what has landed since the last call; waits until something has, if anything is in flight.

        Raises
        ------
        Stopped
            If `stop` was set.
        """
        while not self._arrived and self._unfinished:
            if self._stop.is_set():
                raise Stopped(f"stopped in generation {next(iter(self._unfinished))[0]}")
            self._confirm()
            self._take()
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
            self._folder_of(number).workers.unlink(missing_ok=True)
        cause = next((result for result in results if not result.says_nothing), results[0])
        raise RunFailed(failure("every simulation of the generation failed", cause))

    def discard_unused(self) -> None:
        """Remove the folders that nobody needs once the run has failed: nothing has landed there."""
        for number in {key[0] for key in self._unfinished} - {key[0] for key in self._results}:
            shutil.rmtree(self._folder_of(number).directory, ignore_errors=True)

    def _start(self, evaluations: Sequence[_Evaluation]) -> None:
        """Give evaluations that belong together to a worker."""
        tasks = [self._task_of(each.offspring) for each in evaluations]
        if self._pool is None:
            self._scratch.mkdir(parents=True, exist_ok=True)
            self._pool = ProcessPool(
                max_workers=self._workers,
                context=multiprocessing.get_context("spawn"),
                initializer=worker.begin,
                initargs=(tasks[0].to_json(), str(self._scratch), self._most_memory),
            )
        orders, keys = [Order.of(task) for task in tasks], [each.offspring.key for each in evaluations]
        future = self._pool.schedule(worker.evaluate, args=[orders], timeout=self._limit)
        for each in evaluations:
            each.tries, each.future = each.tries + 1, future
        future.add_done_callback(lambda future: self._ended.put((keys, future)))

    def _take(self) -> None:
        """Take what has ended, all of it, once something has; write it down at once."""
        news: list[tuple[_Evaluation, Result]] = []
        try:
            ended = [self._ended.get(timeout=_LOOK)]
        except queue.Empty:
            return
        while not self._ended.empty():
            ended.append(self._ended.get())
        for keys, future in ended:
            together = [each for key in keys if (each := self._unfinished.get(key)) and each.future is future]
            if not together:
                continue  # they were given up
            for evaluation, result in zip(together, self._results_of(together, future), strict=True):
                if result is None:
                    self._start([evaluation])
                else:
                    news.append((evaluation, result))
        self._write_down(news)
        for evaluation, result in news:
            del self._unfinished[evaluation.offspring.key]
            self._land(evaluation, result)

    def _results_of(self, evaluations: Sequence[_Evaluation], future: Future[list[Result]]) -> Sequence[Result | None]:
        """Return what came of evaluations that belong together, None where one is to be tried again, alone."""
        if len(evaluations) == 1:
            return [self._result_of(evaluations[0], future)]
        try:
            return future.result()
        except Exception as error:  # noqa: BLE001  (whatever ends a process; it is not known whose doing it is)
            _LOG.warning("%d offspring are tried one by one: %s: %s", len(evaluations), type(error).__name__, error)
            return [None] * len(evaluations)

    def _result_of(self, evaluation: _Evaluation, future: Future[list[Result]]) -> Result | None:
        """Return what came of an evaluation, None if it is to be tried again."""
        try:
            (result,) = future.result()
        except TookTooLong:
            return Result(Outcome.TIME_LIMIT, message=f"it took longer than {self._limit:g} s (jobs.time)")
        except CancelledError:
            return None
        except ProcessExpired as error:
            if error.exitcode == worker.WORN_OUT:
                evaluation.tries -= 1
                return None
            result = of_ended_process(error.exitcode)
            if result.outcome.infrastructure and evaluation.tries < _TRIES:
                _LOG.warning("generation %d offspring %d: %s; trying again", *evaluation.offspring.key, result.message)
                return None
            # the kernel's, for want of memory: whoever else kills processes of this user does not do so again and again
            return replace(result, outcome=Outcome.OUT_OF_MEMORY) if result.outcome.infrastructure else result
        except Exception as error:  # noqa: BLE001  (a result that cannot be sent, or a worker that cannot begin)
            return Result(Outcome.LAUNCH_FAILED, message=f"{type(error).__name__}: {error}")
        return result

    def _time_out(self) -> None:
        late = [each for each in self._unfinished.values() if time.monotonic() > each.deadline]
        news = []
        for evaluation in late:
            began = evaluation.future is not None and evaluation.future.running()
            started = evaluation.submitted if began else float("nan")
            if evaluation.future is not None:
                evaluation.future.cancel()
            message = f"not finished within the timeout of {self._timeout:g} s"
            news.append((evaluation, Result(Outcome.TIMEOUT, message=message, started=started)))
        self._write_down(news)
        for evaluation, result in news:
            del self._unfinished[evaluation.offspring.key]
            self._land(evaluation, result)

    def _write_down(self, news: Sequence[tuple[_Evaluation, Result]]) -> None:
        """Append results to the files of their generations: what has finished is not lost with this controller."""
        by_generation: dict[int, list[tuple[int, Result]]] = {}
        for evaluation, result in news:
            generation, index = evaluation.offspring.key
            by_generation.setdefault(generation, []).append((index, result))
        self._confirm()
        for generation, results in by_generation.items():
            note_results(self._folder_of(generation).workers, results)

    def _land(self, evaluation: _Evaluation, result: Result) -> None:
        self._results[evaluation.offspring.key] = result
        landed = Landed(
            evaluation.offspring, result, max(evaluation.tries, 1), evaluation.submitted, speaks=not result.says_nothing
        )
        self._arrived.append(landed)
        _LOG.debug("generation %d offspring %d: %s", *evaluation.offspring.key, result.outcome.value)
