"""The pool of jobs for evaluations of which each trial has a job of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType

from orchestrator.jobs.entries import Landed
from orchestrator.jobs.measuring.trials import Key, MeasuringOfTrials
from orchestrator.jobs.pool import JobPool
from orchestrator.jobs.trials.trial import Trial, trials_of
from orchestrator.records import Offspring, Outcome


class TrialPool:
    """Evaluates offspring; a pool as `orchestrator.jobs.pool.JobPool` is one, and a layer above it.

    The trials of an offspring are submitted, watched and retried one by one. What one of them says of the parameters,
    such as an explosion, is said of the evaluation: the others are ended. If all are simulated, the evaluation lands
    with what is measured of them together.

    Parameters
    ----------
    pool : JobPool
        Evaluates trials; not entered yet.
    measuring : MeasuringOfTrials
        Measures for it.
    trials : int
        How many an evaluation has.
    """

    def __init__(self, pool: JobPool, measuring: MeasuringOfTrials, trials: int):
        self._pool = pool
        self._measuring = measuring
        self._trials = trials
        self._in_flight: dict[Key, Offspring] = {}

    def __enter__(self) -> TrialPool:
        self._pool.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, trace)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to wait for."""
        return self._pool.is_idle

    def add(self, offspring: Sequence[Offspring]) -> None:
        """Take offspring of one generation, which share a deadline; jobs of a controller before this are taken over.

        Raises
        ------
        orchestrator.errors.UsageError, orchestrator.errors.Stopped
            As `JobPool.add`.
        """
        for each in offspring:
            self._in_flight[each.key] = each
            self._measuring.expect(each)
        self._pool.add(self._trials_of(offspring))

    def wait(self) -> list[Landed]:
        """Return what has landed since the last call; waits until something has, if anything is in flight.

        Raises
        ------
        orchestrator.errors.Stopped, orchestrator.errors.RunFailed
            As `JobPool.wait`.
        """
        found: list[Landed] = []
        while not found and not self._pool.is_idle:
            found = self._together(self._pool.wait())
        return found

    def forget(self, generation: int) -> None:
        """Drop a generation that has landed and is in the checkpoint."""
        self._pool.forget(generation)

    def refuse_if_all_failed(self, offspring: Sequence[Offspring]) -> None:
        """Make sure that of offspring that are to be told together one speaks of its parameters.

        Raises
        ------
        orchestrator.errors.RunFailed
            As `JobPool.refuse_if_all_failed`.
        """
        self._pool.refuse_if_all_failed(self._trials_of(offspring))

    def discard_unused(self) -> None:
        """Remove the folders that nobody needs once the run has failed."""
        self._pool.discard_unused()

    def _trials_of(self, offspring: Sequence[Offspring]) -> list[Trial]:
        return [trial for each in offspring for trial in trials_of(each, self._trials)]

    def _together(self, landed: Sequence[Landed]) -> list[Landed]:
        """Return the evaluations that trials have decided which have landed together; the others of these are ended."""
        groups: dict[Key, list[Landed]] = {}
        for each in landed:
            generation, index = each.offspring.key
            groups.setdefault((generation, index // self._trials), []).append(each)
        found = []
        for key, own in groups.items():
            offspring = self._in_flight.pop(key)
            decisive = min(own, key=lambda each: (_doubt(each), each.offspring.index))
            others = {trial.key for trial in trials_of(offspring, self._trials)} - {each.offspring.key for each in own}
            trials = [*own, *self._pool.settle(sorted(others), decisive.result)]
            whole = replace(
                decisive,
                offspring=offspring,
                attempts=max(each.attempts for each in trials),
                submitted=max(each.submitted for each in trials),
            )
            found.append(whole.logged())
        return found


def _doubt(landed: Landed) -> int:
    """Return what a trial's word is worth beside those of others of the evaluation: the least is believed.

    What one did not do in time says nothing if another had no chance to do it.
    """
    if not landed.speaks:
        return 1
    return 2 if landed.result.outcome is Outcome.TIMEOUT else 0
