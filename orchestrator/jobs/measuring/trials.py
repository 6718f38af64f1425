"""Measuring the trials of an evaluation together, once all of them are there."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from orchestrator.files import write_json
from orchestrator.jobs.measuring.pool import MeasuringPool
from orchestrator.paths import AttemptPaths, GenerationPaths
from orchestrator.records import Offspring, Outcome, Result
from orchestrator.results import is_measured, read_result, result_in

_LOG = logging.getLogger(__name__)
# after so many losses of the measuring a trial is simulated again: what it has left may be the cause
_TRIES = 5
# longest pause before measuring is tried again, in s
_LONGEST_PAUSE = 600.0
Key = tuple[int, int]


@dataclass
class _Left:
    """What the trials of an evaluation have left so far, by the number of the trial."""

    offspring: Offspring
    attempts: dict[int, AttemptPaths] = field(default_factory=dict)
    # where they are measured together; None if they are not
    together: AttemptPaths | None = None
    # since when something of it has not been there, in s of `time.monotonic`
    missing_since: float | None = None
    # how often measuring was lost, and when it may be tried again, in s of `time.monotonic`
    losses: int = 0
    not_before: float = 0.0


class MeasuringOfTrials:
    """Collects what trials leave; their recordings are averaged and measured as those of one simulation.

    As the pool of jobs sees it, the measuring of an evaluation is that of its first trial. Measuring that is lost is
    tried again, after a pause, from the same files.

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

    in_place = False

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
        now, found = time.monotonic(), list[tuple[Key, Result]]()
        for key, left in self._left.items():
            if left.together is None and len(left.attempts) == self._trials and now >= left.not_before:
                found += self._begun(key, left)
        ended = dict(self._measuring.poll())
        for key, left in self._left.items():
            if left.together is None:
                continue
            result = ended.get(key) or result_in(left.together.result)
            if result is not None and result.measured:
                found += self._ended(key, left, result)
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

    def _begun(self, key: Key, left: _Left) -> list[tuple[Key, Result]]:
        """Bring together what the trials of an evaluation have left, and begin to measure it; return what is lost."""
        generation, index = key
        folder = self._folder_of(generation)
        attempts = [left.attempts[number] for number in range(self._trials)]
        together = folder.together(index, [int(attempt.directory.name) for attempt in attempts])
        try:
            if not is_measured(together.result):  # by a controller before this one, which could not say so any more
                self._confirm()
                if missing := _brought_together(attempts, together):
                    return self._lost(key, left, missing)
                results = [read_result(attempt.result) for attempt in attempts]
                write_json(together.result, _as_one(results).to_json(), self._confirm)
                self._write_task(left.offspring, together)
                self._measuring.add(key, together)
        except (OSError, ValueError) as error:  # the file system is away for a moment, or late
            if str(error) != self._said:
                _LOG.warning("%s: what its trials have left cannot be measured yet: %s", left.offspring, error)
                self._said = str(error)
            return []
        left.together, left.missing_since = together, None
        return []

    def _ended(self, key: Key, left: _Left, result: Result) -> list[tuple[Key, Result]]:
        """Return what measuring has come to, unless it is to be tried again."""
        if not result.outcome.infrastructure:
            return [(self._trial(key, 0), result)]
        self._measuring.landed(key)
        left.together, left.losses = None, left.losses + 1
        left.not_before = time.monotonic() + min(2.0**left.losses, _LONGEST_PAUSE)
        _LOG.warning("%s: measuring its trials is tried again: %s", left.offspring, result.message)
        if left.losses % _TRIES:
            return []
        del left.attempts[0]
        return [(self._trial(key, 0), result)]

    def _lost(self, key: Key, left: _Left, missing: Sequence[int]) -> list[tuple[Key, Result]]:
        """Return the trials of which nothing is left, unless it may yet show."""
        now = time.monotonic()
        left.missing_since = now if left.missing_since is None else left.missing_since
        if now - left.missing_since < self._grace:
            return []
        left.missing_since = None
        for number in missing:
            del left.attempts[number]
        lost = Result(Outcome.NODE_FAIL, message="what it has left is gone")
        return [(self._trial(key, number), lost) for number in missing]


def _brought_together(attempts: Sequence[AttemptPaths], together: AttemptPaths) -> list[int]:
    """Move what trials have left to where it is measured; return the numbers of those that have left nothing.

    It is with the attempts themselves, or was brought together with other attempts at other trials. Nothing is removed,
    and nothing takes the place of anything: another controller may be at it.
    """
    missing = []
    together.simulation.mkdir(parents=True, exist_ok=True)
    for number, attempt in enumerate(attempts):
        there = together.trial(number)
        if there.is_dir():
            continue
        others = (
            other / "simulation" / there.name
            for other in together.directory.parent.iterdir()
            if other.name.split("-")[number : number + 1] == [attempt.directory.name]
        )
        for place in (attempt.simulation, *others):
            with contextlib.suppress(FileNotFoundError):
                place.rename(there)
                break
        else:
            missing.append(number)
            continue
        with contextlib.suppress(FileNotFoundError):
            attempt.log.rename(together.directory / f"{there.name}.log")
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
