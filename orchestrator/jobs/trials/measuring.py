"""Measuring the trials of an evaluation together, once all of them are there."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.files import write_json
from orchestrator.jobs.measuring_pool import MeasuringPool
from orchestrator.paths import AttemptPaths, GenerationPaths
from orchestrator.records import Offspring, Outcome, Result
from orchestrator.results import read_result, result_in

_LOG = logging.getLogger(__name__)
Key = tuple[int, int]


@dataclass
class _Left:
    """What the trials of an evaluation have left so far, by the number of the trial."""

    offspring: Offspring
    attempts: dict[int, AttemptPaths] = field(default_factory=dict)
    is_handed_over: bool = False
    # since when something of it has not been there, in s of `time.monotonic`
    missing_since: float | None = None


class MeasuringOfTrials:
    """Collects what trials leave; their recordings are averaged and measured as those of one simulation.

    As the pool of jobs sees it, the measuring of an evaluation is that of its first trial.

    Parameters
    ----------
    measuring : MeasuringPool
        Measures.
    trials : int
        How many an evaluation has.
    folder_of : callable
        Returns the files of a generation, given its number.
    write_task : callable
        Writes the task file of an evaluation, given offspring and files.
    confirm : callable
        Raises `orchestrator.errors.Stopped` if another controller has taken the run over.
    grace : float
        How late the file system may be, in s.
    """

    def __init__(
        self,
        measuring: MeasuringPool,
        trials: int,
        *,
        folder_of: Callable[[int], GenerationPaths],
        write_task: Callable[[Offspring, AttemptPaths], None],
        confirm: Callable[[], object],
        grace: float,
    ):
        self._measuring = measuring
        self._trials = trials
        self._folder_of = folder_of
        self._write_task = write_task
        self._confirm = confirm
        self._grace = grace
        self._left: dict[Key, _Left] = {}
        self._said = ""

    def expect(self, offspring: Offspring) -> None:
        """Take an evaluation whose trials may leave something from now on."""
        self._left[offspring.key] = _Left(offspring)

    def add(self, key: Key, paths: AttemptPaths) -> None:
        """Take what an attempt at a trial has left."""
        generation, index = key
        whole, number = divmod(index, self._trials)
        left = self._left.get((generation, whole))
        if left is not None:  # what is decided is not measured
            left.attempts[number] = paths

    def poll(self) -> list[tuple[Key, Result]]:
        """Begin to measure what is complete; return, by its first trial, what is measured, or cannot be.

        Trials whose files are gone are among it as lost.
        """
        found: list[tuple[Key, Result]] = []
        for key, left in self._left.items():
            if not left.is_handed_over and len(left.attempts) == self._trials:
                found += self._begun(key, left)
        for key, result in self._measuring.poll():
            found.append((self._trial(key, 0), result))
            self._begin_again(key, [0])
        for key, left in self._left.items():
            measured = result_in(self._together(key).result) if left.is_handed_over else None
            if measured is not None and measured.measured:
                found.append((self._trial(key, 0), measured))
                if measured.outcome.infrastructure:
                    self._measuring.landed(key)
                    self._begin_again(key, [0])
        return found

    def landed(self, key: Key) -> None:
        """Leave an evaluation be of which a trial has landed: all of them do."""
        generation, index = key
        whole = (generation, index // self._trials)
        self._measuring.landed(whole)
        self._left.pop(whole, None)

    def close(self) -> None:
        """End all processes."""
        self._measuring.close()

    def _trial(self, key: Key, number: int) -> Key:
        generation, index = key
        return generation, index * self._trials + number

    def _together(self, key: Key) -> AttemptPaths:
        generation, index = key
        return self._folder_of(generation).together(index)

    def _begin_again(self, key: Key, numbers: Sequence[int]) -> None:
        """Note that these trials are to be simulated again before anything is measured."""
        left = self._left[key]
        left.is_handed_over, left.missing_since = False, None
        for number in numbers:
            del left.attempts[number]

    def _begun(self, key: Key, left: _Left) -> list[tuple[Key, Result]]:
        """Bring together what the trials of an evaluation have left, and begin to measure it; return what is lost."""
        together = self._together(key)
        try:
            missing = _brought_together(left.attempts, together)
            done = result_in(together.result) if missing else None
            if done is not None and done.measured and not done.outcome.infrastructure:
                left.is_handed_over = True  # by a controller before this one, which could not say so any more
                return []
            if missing:
                return self._lost(key, left, missing)
            results = [read_result(left.attempts[number].result) for number in range(self._trials)]
            write_json(together.result, _as_one(results).to_json(), self._confirm)
            self._write_task(left.offspring, together)
        except (OSError, ValueError) as error:  # the file system is away for a moment, or late
            if str(error) != self._said:
                _LOG.warning("%s: what its trials have left cannot be measured yet: %s", left.offspring, error)
                self._said = str(error)
            return []
        left.is_handed_over = True
        self._measuring.add(key, together)
        return []

    def _lost(self, key: Key, left: _Left, missing: Sequence[int]) -> list[tuple[Key, Result]]:
        """Return the trials of which nothing is left, unless it may yet show."""
        now = time.monotonic()
        left.missing_since = now if left.missing_since is None else left.missing_since
        if now - left.missing_since < self._grace:
            return []
        self._begin_again(key, missing)
        lost = Result(Outcome.NODE_FAIL, message="what it has left is gone")
        return [(self._trial(key, number), lost) for number in missing]


def _brought_together(attempts: Mapping[int, AttemptPaths], together: AttemptPaths) -> list[int]:
    """Move what trials have left to where it is measured; return the numbers of those that have left nothing."""
    missing = []
    for number, attempt in sorted(attempts.items()):
        there = together.trial(number)
        if attempt.simulation.is_dir():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(there, ignore_errors=True)
            attempt.simulation.rename(there)
        elif not there.is_dir():
            missing.append(number)
    return missing


def _as_one(results: Sequence[Result]) -> Result:
    """Return the result of trials that have been simulated, which is yet to be measured."""
    first = results[0]
    names = dict.fromkeys(name for result in results for name in result.seconds)
    return Result(
        Outcome.OK,
        # of one after the other, as if one job had simulated them
        seconds={name: sum(result.seconds.get(name, 0.0) for result in results) for name in names},
        peak_memory=max(result.peak_memory for result in results),
        host=first.host,
        job_id=first.job_id,
        started=min(result.started for result in results),
        finished=max(result.finished for result in results),
        versions=first.versions,
        seeds=first.seeds,
        measured=False,
    )
