"""The generation in flight, from the files that its controller and its jobs leave; read as they grow."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.files import read_json_lines
from orchestrator.jobs.attempts import History, Loss
from orchestrator.jobs.queue_note import QueueNote
from orchestrator.paths import GenerationPaths
from orchestrator.records import Outcome
from orchestrator.simulations.phases import HEARTBEAT, JobProgress
from orchestrator.status.described import GenerationStatus, OffspringStatus
from orchestrator.status.offspring_state import standing

# progress files that one look reads at most, but for the first: a thousand at every look would hurt a file system
MOST_FILES = 200
# so many looks later than the others come jobs that are pending by the executor's last word
_PENDING = 5
# a job that gives no sign of life for so long is worth a word, in s; network file systems are late by a minute
_SILENCE = 3 * HEARTBEAT + 60.0


@dataclass
class _Offspring:
    """What is known of one offspring."""

    history: History = field(default_factory=History)
    in_flight: bool = False
    job_id: str = ""
    progress: JobProgress | None = None

    def submitting(self, number: int) -> None:
        """Note that attempt `number` is on its way."""
        self.history.numbers = max(self.history.numbers, number)
        self.in_flight, self.job_id = True, ""


@dataclass(frozen=True)
class _Found:
    """A result file, as far as a display needs it."""

    outcome: Outcome
    measured: bool
    message: str
    stamp: tuple[int, int]


class FlightReader:
    """Reads one generation, again and again.

    Parameters
    ----------
    paths : GenerationPaths
        Its files; they may vanish at any time.
    number : int
        Of the generation.
    size : int
        How many offspring it has.
    retries : int
        How often a lost attempt is repeated.
    """

    def __init__(self, paths: GenerationPaths, number: int, *, size: int, retries: int):
        self._paths = paths
        self.number = number
        self._size = size
        self._retries = retries
        self._journal_stamp: tuple[int, int] | None = None
        self._begin = math.nan
        self._timed_out = False
        self._offspring = [_Offspring() for _ in range(size)]
        self._results: dict[str, _Found] = {}
        self._looks = 0
        self._last_look: dict[int, int] = {}

    def read(self, now: float, timeout: float) -> GenerationStatus:
        """Return how it stands at `now`, Unix time in s, where it times out `timeout` s after its first submission."""
        note = QueueNote.read(self._paths.queue)
        self._read_journal()
        self._read_results()
        finals = {index: self._final(index) for index in range(self._size)}
        self._read_progress([index for index in range(self._size) if finals[index] is None], note)
        lost = Counter(loss.outcome.value for each in self._offspring for loss in each.history.losses)
        return GenerationStatus(
            number=self.number,
            submitted=self._begin,
            deadline=self._begin + timeout,
            timed_out=self._timed_out,
            offspring=[self._status(index, finals[index], now) for index in range(self._size)],
            queue=note,
            lost=dict(lost.most_common()),
        )

    def _read_journal(self) -> None:
        stamp = _stamp(self._paths.journal)
        if stamp is None or stamp == self._journal_stamp:
            return
        try:
            entries = list(read_json_lines(self._paths.journal))
        except OSError:
            return
        self._journal_stamp = stamp
        self._begin, self._timed_out = math.nan, False
        self._offspring = [_Offspring(progress=each.progress) for each in self._offspring]
        tasks: dict[str, Any] = {}
        for entry in entries:
            try:
                self._take(entry, tasks)
            except (TypeError, ValueError, IndexError):
                continue  # not an entry of ours

    def _take(self, entry: Mapping[str, Any], tasks: dict[str, Any]) -> None:
        """Take one entry of the journal; `tasks` are those of each submission, by its token."""
        match entry:
            case {"event": "submitting", "tasks": submitted, "time": float(when), "token": str(token)}:
                self._begin = when if math.isnan(self._begin) else self._begin
                tasks[token] = submitted
                for index, number in submitted:
                    self._offspring[index].submitting(number)
            case {"event": "submitted", "tasks": submitted, "ids": ids}:
                for (index, _), job_id in zip(submitted, ids, strict=True):
                    self._offspring[index].job_id = str(job_id)
            case {"event": "refused", "token": str(token)}:
                self._land([index for index, _ in tasks.get(token, ())])
            case {"event": "lost", "index": int(index), "outcome": outcome, "reason": reason}:
                loss = Loss(Outcome(outcome), str(reason), str(entry.get("node", "")))
                self._offspring[index].history.losses.append(loss)
                self._land([index])
            case {"event": "withdrawn", "indices": indices}:
                self._timed_out = False
                self._land(indices)
                for index in indices:
                    self._offspring[index].history.losses.clear()
            case {"event": "clock", "time": float(when)}:
                self._begin = when
            case {"event": "timeout"}:
                self._timed_out = True

    def _land(self, indices: Iterable[int]) -> None:
        for index in indices:
            self._offspring[index].in_flight = False

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
            if known is None or not known.measured:
                path = self._paths.results / name
                stamp = _stamp(path)
                if stamp is not None and (known is None or known.stamp != stamp):
                    try:
                        data = json.loads(path.read_bytes())
                        outcome, measured = Outcome(data["outcome"]), bool(data["measured"])
                        self._results[name] = _Found(outcome, measured, str(data["message"]), stamp)
                    except (OSError, ValueError, KeyError, TypeError):
                        continue  # not readable yet

    def _final(self, index: int) -> _Found | None:
        """Return the result that counts: that of any attempt, but not of one that is repeated."""
        history = self._offspring[index].history
        lost_for_good = history.is_given_up(self._retries)
        for number in range(history.numbers, 0, -1):
            found = self._results.get(self._paths.attempt(index, number).result.name)
            if found and (not found.outcome.infrastructure or (number == history.numbers and lost_for_good)):
                return found
        return None

    def _read_progress(self, unfinished: Iterable[int], note: QueueNote) -> None:
        """Refresh the progress of those that fly, those longest not looked at first."""
        flying = [index for index in unfinished if self._offspring[index].in_flight]
        flying.sort(key=lambda index: self._last_look.get(index, 0) + (_PENDING if index in note.reasons else 0))
        looked = flying[:MOST_FILES] if self._looks else flying
        self._looks += 1
        for index in looked:
            each, self._last_look[index] = self._offspring[index], self._looks
            path = self._paths.attempt(index, each.history.numbers).progress
            if each.progress is None or each.progress.path != path:
                each.progress = JobProgress(path)
            each.progress.refresh()

    def _status(self, index: int, final: _Found | None, now: float) -> OffspringStatus:
        each = self._offspring[index]
        progress = each.progress if each.in_flight and each.progress else JobProgress(self._paths.queue)
        quiet = now - progress.beat if final is None and progress.has_started else 0.0
        return OffspringStatus(
            index=index,
            state=standing(
                final.outcome if final else None, measured=final is None or final.measured, phase=progress.phase
            ),
            phase=progress.phase if final is None else "",
            name=progress.name,
            step=progress.step,
            steps=progress.steps,
            started=progress.started,
            since=progress.since,
            host=progress.host,
            in_flight=each.in_flight and final is None,
            attempt=each.history.numbers,
            job_id=each.job_id,
            silent=quiet if quiet > _SILENCE else 0.0,
            outcome=final.outcome.value if final and final.measured else "",
            message=final.message if final else "",
        )


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes with a file's content, None where there is no such file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
