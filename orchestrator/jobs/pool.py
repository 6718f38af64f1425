"""One generation in the air: submitted, watched, resubmitted where the cluster lost it, brought in by its deadline."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any

from orchestrator.cluster import Cluster, Job, State, Status, SubmissionFailed
from orchestrator.cluster.ending import end_jobs
from orchestrator.config.durations import format_duration
from orchestrator.errors import RunFailed, Stopped
from orchestrator.files import write_json
from orchestrator.jobs.attempts import Attempt, Landed, Terms
from orchestrator.jobs.cleanup import Wake
from orchestrator.jobs.deadline import GenerationClock
from orchestrator.jobs.journal import Journal
from orchestrator.jobs.measuring_pool import MeasuringPool
from orchestrator.jobs.result_watch import looks
from orchestrator.jobs.retries import Setbacks
from orchestrator.jobs.verdicts import failure, new_results, says_something, too_late, verdict
from orchestrator.paths import GenerationPaths
from orchestrator.records import Generation, Outcome, Result
from orchestrator.simulations.phases import phases

_LOG = logging.getLogger(__name__)
# mercy with a scheduler that gets a large generation in several arrays, in s
_BETWEEN_BATCHES = 1.0


class Flight:
    """Brings in one generation.

    Parameters
    ----------
    generation : Generation
        What was asked for.
    paths : GenerationPaths
        Its files.
    cluster : Cluster
        Runs the jobs.
    terms : Terms
        Timeout and retries.
    task_of : callable
        Content of the task file, given offspring index and attempt number.
    measuring : MeasuringPool
        Measures what jobs leave unmeasured.
    wake : Wake
        The generations before; the executor is asked about their jobs by the way.
    stop : threading.Event
        Set to leave; jobs of a cluster that survives its controller go on.
    report : callable
        Called at every look with what the executor said last of the jobs in flight, and the deadline.
    """

    def __init__(
        self,
        generation: Generation,
        paths: GenerationPaths,
        cluster: Cluster,
        terms: Terms,
        *,
        task_of: Callable[[int, int], Mapping[str, Any]],
        measuring: MeasuringPool,
        wake: Wake,
        stop: threading.Event,
        report: Callable[[Mapping[int, Status], float], None],
    ):
        self._generation = generation
        self._paths = paths
        self._cluster = cluster
        self._terms = terms
        self._task_of = task_of
        self._measuring = measuring
        self._wake = wake
        self._stop = stop
        self._report = report
        self._journal = Journal(paths, cluster, terms.name, stop)
        self._landed: dict[int, Landed] = {}
        self._flying: dict[int, Attempt] = {}
        self._states: dict[int, Status] = {}
        self._setbacks = Setbacks(self._journal, terms, generation, one_node=not cluster.survives)
        self._seen: set[str] = set()
        self._unmeasured: dict[int, int] = {}
        self._next_poll = 0.0
        self._clock = GenerationClock(terms.timeout)

    def bring_in(self) -> list[Landed]:
        """Return the results of all offspring, in their order.

        Raises
        ------
        Stopped
            Where `stop` was set.
        RunFailed
            Where no simulation can start, or all of them fail: no parameters are to blame then.
        """
        self._paths.create()
        watching = looks(self._paths.results, min(1.0, self._cluster.poll_interval(0.0)), self._stop)
        try:
            self._recover()
            self._collect()
            self._give_up_the_lost()
            if self._journal.timed_out:
                self._time_out()
            while len(self._landed) < len(self._generation.offspring):
                self._collect()
                self._submit_missing()
                self._poll_if_due()
                self._refuse_the_hopeless()
                self._report(self._said(), self._clock.deadline)
                if time.time() >= self._clock.deadline and not self._journal.timed_out:
                    self._time_out()
                elif len(self._landed) < len(self._generation.offspring):
                    self._next_look(watching)
        except RunFailed:
            self._withdraw()
            raise
        except OSError:
            if not self._cluster.survives:
                end_jobs(self._cluster, self._jobs())
            raise
        finally:
            watching.close()
            self._measuring.close()
        self._report(self._said(), self._clock.deadline)
        landed = [self._landed[offspring.index] for offspring in self._generation.offspring]
        if not any(says_something(one.result) for one in landed):
            self._forget()
            raise RunFailed(failure("every simulation of the generation failed", landed[0].result))
        return landed

    @property
    def has_landed(self) -> bool:
        """Whether any offspring's result is worth keeping."""
        return bool(self._landed)

    def _recover(self) -> None:
        attempts = self._journal.recover()
        self._flying = {attempt.index: attempt for attempt in attempts}
        self._clock.take_over(self._journal.first_submission, self._flying)
        if attempts:
            _LOG.info("generation %d: took over %d jobs", self._generation.number, len(attempts))

    def _give_up_the_lost(self) -> None:
        """Decide what a controller that died after it had noted an offspring's last loss could not."""
        for index in (index for index in self._unfinished() if index not in self._flying):
            if self._setbacks.gives_up(index):
                last = self._journal.history(index).losses[-1]
                self._decree(index, Result(last.outcome, message=last.reason))

    def _collect(self) -> None:
        """Take the results that have come in since the last look; one listing of one folder."""
        for index, why in self._measuring.poll():
            if index not in self._landed:
                self._decree(index, Result(Outcome.SIMULATION_ERROR, message=why))
        for index, number, result in new_results(self._paths.results, self._seen):
            self._take(index, number, result)

    def _take(self, index: int, number: int, result: Result) -> None:
        if index in self._landed or (index in self._measuring and not result.measured):
            return
        attempt, history = self._flying.get(index), self._journal.history(index)
        if result.outcome.infrastructure:
            if attempt is not None and attempt.number == number:
                self._lose(attempt, result)
            elif attempt is None and self._unmeasured.pop(index, None) == number:
                self._note_loss(index, result)
            elif attempt is None and number == history.numbers and self._setbacks.gives_up(index):
                self._land(index, result)
            return
        # also that of an earlier attempt which was given up for lost: the same parameters, the same seeds
        self._flying.pop(index, None)
        if attempt is not None:
            self._wake.delivered(attempt.job)
        if attempt is not None and attempt.number != number:
            self._cluster.cancel([attempt.job])
        if result.measured:
            self._land(index, result)
        else:
            self._clock.resolve(index)
            self._unmeasured[index] = number
            self._measuring.add(index, self._paths.attempt(index, number))

    def _decree(self, index: int, result: Result) -> None:
        """Write the result that the job did not: a controller that comes after this one must not decide otherwise."""
        number = self._journal.history(index).numbers
        write_json(self._paths.attempt(index, number).result, result.to_json())
        self._land(index, result)

    def _land(self, index: int, result: Result) -> None:
        history = self._journal.history(index)
        if not result.outcome.infrastructure:
            self._setbacks.worked(result)
        self._landed[index] = Landed(result, history.submissions, history.submitted)
        self._clock.resolve(index)
        level = logging.INFO if result.outcome is Outcome.OK else logging.WARNING
        said = f"{result.outcome.value}{f': {result.message}' if result.message else ''}"
        _LOG.log(level, "%s: %s", self._name(index), said)

    def _submit_missing(self) -> None:
        waiting = [index for index in self._unfinished() if index not in self._flying]
        missing = [index for index in waiting if self._setbacks.may_submit(index)]
        if self._clock.submitting(missing):
            self._journal.restart_clock()
        if not missing:
            return
        size = self._cluster.batch_size
        for first in range(0, len(missing), size):
            if first and self._stop.wait(_BETWEEN_BATCHES):
                return
            self._submit(missing[first : first + size])
        self._next_poll = time.time() + self._cluster.poll_interval(0.0)

    def _submit(self, indices: list[int]) -> None:
        try:
            attempts = self._journal.submit(indices, self._task_of, self._setbacks.avoid)
        except SubmissionFailed as error:
            self._setbacks.refused(indices, error, self._cluster.poll_interval(self._clock.elapsed))
            return
        for attempt in attempts:
            self._flying[attempt.index] = attempt
            self._states.pop(attempt.index, None)
        _LOG.info("generation %d: submitted %d offspring", self._generation.number, len(attempts))

    def _poll_if_due(self) -> None:
        now = time.time()
        if not self._flying or now < self._next_poll:
            return
        statuses = self._cluster.poll([*self._jobs(), *self._wake.jobs])
        self._next_poll = time.time() + self._cluster.poll_interval(self._clock.elapsed)
        self._wake.look(statuses)
        for attempt in list(self._flying.values()):
            self._judge(attempt, statuses[attempt.job])

    def _judge(self, attempt: Attempt, status: Status) -> None:
        self._states[attempt.index] = status
        if status.state in (State.PENDING, State.RUNNING):
            attempt.ended = None
            self._clock.resolve(attempt.index)
            return
        if status.state is State.UNKNOWN:
            return
        attempt.ended = attempt.ended or time.time()
        # a verdict of SLURM's needs no patience: a job that was killed writes nothing any more
        patience = 0.0 if status.outcome is not None else self._cluster.result_grace
        if time.time() - attempt.ended < patience:
            self._next_poll = min(self._next_poll, attempt.ended + patience + 0.1)
            return
        self._collect()
        if attempt.index in self._flying:
            self._decide(attempt, status)

    def _decide(self, attempt: Attempt, status: Status) -> None:
        if status.forgiven:
            self._flying.pop(attempt.index)
            self._journal.withdrawn([attempt.index])
            return
        paths = self._paths.attempt(attempt.index, attempt.number)
        job_log = self._cluster.log(attempt.job, self._paths.submitit)
        result = verdict(status, paths, job_log, attempt.job.id, self._cluster.result_grace)
        if result is not None and result.outcome.infrastructure:
            self._lose(attempt, result, status.node if status.outcome is Outcome.NODE_FAIL else "")
        elif result is not None:
            self._flying.pop(attempt.index)
            self._decree(attempt.index, result)

    def _lose(self, attempt: Attempt, result: Result, node: str = "") -> None:
        self._flying.pop(attempt.index, None)
        if self._states.get(attempt.index, Status(State.UNKNOWN)).state is State.ABSENT:
            self._cluster.cancel([attempt.job])  # should it be there after all
        self._note_loss(attempt.index, result, node)

    def _note_loss(self, index: int, result: Result, node: str = "") -> None:
        self._setbacks.lost(index, result, node)
        # after the deadline nothing is submitted any more: what was measured then is lost as it is
        late = self._journal.timed_out and not result.outcome.setup
        if late or self._setbacks.gives_up(index):
            self._decree(index, result)

    def _refuse_the_hopeless(self) -> None:
        if self._setbacks.cannot_start and not self._landed and self._clock.settled:
            attempts = [self._paths.attempt(attempt.index, attempt.number) for attempt in self._flying.values()]
            if not any("building" in phases(paths) for paths in attempts):
                self._setbacks.refuse_the_hopeless()

    def _time_out(self) -> None:
        """Cancel what is unfinished at the deadline, and see it gone."""
        self._journal.time_out()
        jobs, timeout = self._jobs(), format_duration(self._terms.timeout)
        _LOG.warning("generation %d: cancelling %d jobs after %s", self._generation.number, len(jobs), timeout)
        end_jobs(self._cluster, jobs, self._stop)
        if self._stop.is_set():
            raise Stopped(f"stopped while the timeout of generation {self._generation.number} was enforced")
        self._collect()
        never_started = []
        for index in self._unfinished():
            self._flying.pop(index, None)
            losses = self._journal.history(index).losses
            if losses and all(loss.outcome.setup for loss in losses):
                never_started.append(f"offspring {index} could not be started until the timeout: {losses[-1].reason}")
                continue
            paths = self._paths.attempt(index, self._journal.history(index).numbers)
            self._decree(index, too_late(self._states.get(index, Status(State.UNKNOWN)), paths, timeout))
        if never_started:
            raise RunFailed("\n".join(never_started))

    def _forget(self) -> None:
        """Make all offspring start afresh when the run is continued, whatever their results say."""
        for path in self._paths.results.glob("*.json"):
            path.unlink()
        self._landed.clear()
        self._journal.withdrawn([offspring.index for offspring in self._generation.offspring])

    def _withdraw(self) -> None:
        """End all attempts; they start afresh when the run is continued."""
        end_jobs(self._cluster, self._jobs())
        self._journal.withdrawn(self._unfinished())

    def _next_look(self, watching: Generator[object, None, None]) -> None:
        next(watching, None)
        if self._stop.is_set():
            if not self._cluster.survives:
                self._collect()
                self._withdraw()
            raise Stopped(f"stopped in generation {self._generation.number}")

    def _jobs(self) -> list[Job]:
        return [attempt.job for attempt in self._flying.values()]

    def _name(self, index: int) -> str:
        return f"generation {self._generation.number} offspring {index}"

    def _unfinished(self) -> list[int]:
        """Return the offspring that have yet to be simulated."""
        indices = [offspring.index for offspring in self._generation.offspring]
        return [index for index in indices if index not in self._landed and index not in self._measuring]

    def _said(self) -> dict[int, Status]:
        """Return what the executor said last of the jobs in flight, as far as it has been asked."""
        return {index: self._states[index] for index in self._flying if index in self._states}
