"""What is in flight, from the files that its controller and its jobs leave; read as they grow."""

from __future__ import annotations

import contextlib
import math
import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from orchestrator.files import read_json
from orchestrator.jobs.queue_note import QueueNote
from orchestrator.jobs.submissions import AttemptHistory, Submissions
from orchestrator.jobs.workers.log import WorkersLog
from orchestrator.paths import GenerationPaths, RunPaths
from orchestrator.records import Result
from orchestrator.results import read_result
from orchestrator.simulations.phases import HEARTBEAT, JobProgress
from orchestrator.status.in_flight import GenerationStatus, OffspringStatus
from orchestrator.status.offspring_state import state_of
from orchestrator.status.past import Past
from orchestrator.status.trials import as_one

# progress files that one look reads at most, except the first: a thousand at every look would hurt a file system
MOST_FILES = 200
# so many readings later than the others come jobs that are pending by the executor's last word
_PENDING = 5
# a job that gives no sign of life for so long is worth a word, in s; network file systems are late by a minute
_SILENCE = 3 * HEARTBEAT + 60.0


@dataclass(frozen=True)
class _Found:
    """A result file as it was read."""

    result: Result
    stamp: tuple[int, int]


class GenerationReader:
    """Reads one generation, again and again.

    Parameters
    ----------
    paths : GenerationPaths
        Its files; they may vanish at any time.
    number : int
        Of the generation.
    size : int
        How many offspring it has, if its record does not say which.
    trials : int
        How many jobs each has, one for each trial.

    Attributes
    ----------
    problem : str
        What is wrong with its journal, empty if nothing is.
    """

    def __init__(self, paths: GenerationPaths, number: int, *, size: int, trials: int = 1):
        self._paths = paths
        self.number = number
        self._indices: Sequence[int] = range(size)
        self._trials = trials
        self._record_stamp: tuple[int, int] | None = None
        self._journal_stamp: tuple[int, int] | None = None
        self._submissions = Submissions()
        self._progress: dict[int, JobProgress] = {}
        self._results: dict[str, _Found] = {}
        self._workers = WorkersLog()
        self._workers_stamp: tuple[int, int] | None = None
        self._attempt = cache(paths.attempt)
        self._looks = 0
        self._last_look: dict[int, int] = {}
        self.problem = ""

    def read(
        self, now: float, timeout: float, told: Collection[int] = (), *, together: bool = True
    ) -> GenerationStatus:
        """Return how it stands.

        Parameters
        ----------
        now : float
            Unix time in s.
        timeout : float
            In s.
        told : collection of int
            Indices of offspring that are in the checkpoint, and not shown.
        together : bool
            Whether its offspring time out together, so long after the first submission of any; otherwise each after its
            own.
        """
        note = QueueNote.read(self._paths.queue)
        self._read_record()
        self._read_journal()
        self._read_results()
        self._read_workers()
        shown, trials = [index for index in self._indices if index not in told], range(self._trials)
        indices = [index * self._trials + number for index in shown for number in trials]
        finals = {index: self._final(index) for index in indices}
        unfinished = [index for index in indices if finals[index] is None]
        self._read_progress(unfinished, note)
        histories = [self._history(index) for index in indices]
        begins = [each.begin for each in histories if each.begin is not None]
        begins += [self._workers.begun] if math.isfinite(self._workers.begun) else []
        left = begins if together else [self._history(index).begin for index in unfinished]
        lost = Counter(loss.outcome.value for history in histories for loss in history.losses)
        return GenerationStatus(
            number=self.number,
            submitted=min(begins, default=math.nan),
            deadline=min((begin for begin in left if begin is not None), default=math.nan) + timeout,
            timed_out=any(history.timed_out for history in histories),
            offspring=self._together(shown, {n: self._status(n, finals[n], now, note) for n in indices}),
            queue=note,
            lost=dict(lost.most_common()),
        )

    def _together(self, shown: Sequence[int], states: Mapping[int, OffspringStatus]) -> list[OffspringStatus]:
        if self._trials == 1:
            return [states[index] for index in shown]
        numbers = range(self._trials)
        return [as_one(index, [states[index * self._trials + number] for number in numbers]) for index in shown]

    def _read_record(self) -> None:
        """Read which offspring were asked for, if that has changed; what is not readable is as it was."""
        stamp = _stamp(self._paths.record)
        if stamp is None or stamp == self._record_stamp:
            return
        self._record_stamp = stamp
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            self._indices = [int(each["index"]) for each in read_json(self._paths.record)["offspring"]]

    def _history(self, index: int) -> AttemptHistory:
        return self._submissions.history(index)

    def _read_journal(self) -> None:
        stamp = _stamp(self._paths.journal)
        if stamp is None or stamp == self._journal_stamp:
            return
        problems: list[str] = []
        try:
            self._submissions = Submissions.read(self._paths.journal, problems)
        except OSError as error:
            self.problem = f"{self._paths.journal}: cannot be read ({error.strerror})"
            return
        self.problem = problems[0] if problems else ""
        self._journal_stamp = stamp

    def _read_results(self) -> None:
        """Read the result files that are new, or that were not measured when they were read."""
        try:
            with os.scandir(self._paths.results) as entries:
                names = {entry.name for entry in entries if entry.name.endswith(".json")}
        except OSError:
            return
        self._results = {name: found for name, found in self._results.items() if name in names}
        for name in names:
            known = self._results.get(name)
            if known is None or not known.result.measured:
                path = self._paths.results / name
                stamp = _stamp(path)
                if stamp is not None and (known is None or known.stamp != stamp):
                    try:
                        self._results[name] = _Found(read_result(path), stamp)
                    except (OSError, ValueError):
                        continue  # not readable yet

    def _read_workers(self) -> None:
        stamp = _stamp(self._paths.workers)
        if stamp is not None and stamp != self._workers_stamp:
            with contextlib.suppress(OSError):
                self._workers, self._workers_stamp = WorkersLog.read(self._paths.workers), stamp

    def _final(self, index: int) -> Result | None:
        """Return the result that counts."""
        if index in self._workers.results:
            return self._workers.results[index]
        history = self._history(index)
        for number in range(history.attempts, -1, -1):  # 0: it was never submitted
            found = self._results.get(self._attempt(index, number).result.name)
            if found and history.counts(number, found.result.outcome):
                return found.result
        return None

    def _read_progress(self, unfinished: Iterable[int], note: QueueNote) -> None:
        """Refresh the progress of those that are in flight, those longest not looked at first."""
        in_flight = [index for index in unfinished if self._history(index).token]
        in_flight.sort(key=lambda index: self._last_look.get(index, 0) + (_PENDING if index in note.reasons else 0))
        looked = in_flight[:MOST_FILES] if self._looks else in_flight
        self._looks += 1
        for index in looked:
            self._last_look[index] = self._looks
            attempt = self._attempt(index, self._history(index).attempts)
            if index not in self._progress or self._progress[index].path != attempt.progress:
                self._progress[index] = JobProgress(attempt.progress, attempt.claim)
            self._progress[index].refresh()

    def _status(self, index: int, final: Result | None, now: float, note: QueueNote) -> OffspringStatus:
        history = self._history(index)
        in_flight = bool(history.token) or math.isfinite(self._workers.begun)
        progress = self._progress.get(index) if in_flight else None
        progress = progress or JobProgress(self._paths.queue)
        quiet = now - progress.beat if final is None and progress.has_started else 0.0
        return OffspringStatus(
            index=index,
            state=state_of(final, progress.phase, speaks=final is None or history.speaks(final)),
            phase=progress.phase if final is None else "",
            name=progress.name,
            step=progress.step,
            steps=progress.steps,
            started=progress.started,
            since=progress.since,
            host=progress.host,
            in_flight=in_flight and final is None,
            attempt=history.attempts,
            job_id=self._submissions.job_id(index),
            silent=quiet if quiet > _SILENCE else 0.0,
            outcome=final.outcome.value if final and final.measured else "",
            message=final.message if final else "",
            reason=note.reasons.get(index, "") if in_flight and final is None else "",
        )


class InFlightReader:
    """Reads what is in flight, of whichever generations, again and again.

    Parameters
    ----------
    paths : RunPaths
        The run.
    """

    def __init__(self, paths: RunPaths):
        self._paths = paths
        self._readers: dict[int, GenerationReader] = {}
        self.problems: list[str] = []

    def read(
        self, now: float, timeout: float, past: Past, *, size: int, together: bool, trials: int = 1
    ) -> GenerationStatus | None:
        """Return what is in flight, None if nothing is.

        Parameters
        ----------
        now : float
            Unix time in s.
        timeout : float
            In s.
        past : Past
            What is in the checkpoint.
        size : int
            How many offspring a generation has.
        together : bool
            As for `GenerationReader.read`.
        trials : int
            As for `GenerationReader`.
        """
        known = self._readers
        self._readers = {
            n: known.get(n) or GenerationReader(self._paths.generation(n), n, size=size, trials=trials)
            for n in self._numbers()
        }
        parts = [
            reader.read(now, timeout, past.told.get(number, frozenset()), together=together)
            for number, reader in self._readers.items()
        ]
        self.problems = [reader.problem for reader in self._readers.values() if reader.problem]
        parts = [part for part in parts if part.offspring]
        return _together(parts, past.complete, size) if parts else None

    def _numbers(self) -> list[int]:
        try:
            return self._paths.generation_numbers()
        except OSError:
            return []


def _together(parts: Sequence[GenerationStatus], number: int, size: int) -> GenerationStatus:
    """Return what is in flight of several generations as one."""
    if len(parts) == 1 and parts[0].number == number:
        return parts[0]
    unfinished = [part for part in parts if part.landed < len(part.offspring)] or parts
    notes = [part.queue for part in parts]
    lost = Counter[str]()
    for part in parts:
        lost.update(part.lost)
    return GenerationStatus(
        number=number,
        submitted=min((part.submitted for part in parts if math.isfinite(part.submitted)), default=math.nan),
        deadline=min((part.deadline for part in unfinished if math.isfinite(part.deadline)), default=math.nan),
        timed_out=any(part.timed_out for part in unfinished),
        offspring=[replace(each, generation=part.number) for part in parts for each in part.offspring],
        queue=QueueNote(
            max((note.time for note in notes if math.isfinite(note.time)), default=math.nan),
            silence=next((note.silence for note in notes if note.silence), ""),
            refusal=next((note.refusal for note in notes if note.refusal), ""),
        ),
        lost=dict(lost.most_common()),
        size=size,
    )


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes with a file's content, None if there is no such file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
