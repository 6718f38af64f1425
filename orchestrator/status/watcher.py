"""A run as its files tell it: of a living, a dead or a finished one, from any machine, without writing anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestrator.clocks import FileSystemClock
from orchestrator.config.budget import generations_of
from orchestrator.config.durations import parse_duration
from orchestrator.config.moved_keys import with_moved_keys
from orchestrator.config.yaml_text import read_mapping
from orchestrator.errors import UsageError
from orchestrator.files import read_text
from orchestrator.jobs.trials.trial import trials_in
from orchestrator.lease import hold_of, holder_of, since_of
from orchestrator.paths import RunPaths
from orchestrator.records import Outcome
from orchestrator.status.described import START_EXPLODED, ControllerStatus, RunStatus
from orchestrator.status.forecast import forecast
from orchestrator.status.in_progress import InFlightReader
from orchestrator.status.past import Past, PastReader
from orchestrator.status.reevaluated import Reevaluated, ReevaluationReader

# generations, offspring of one, retries
_MOST = 1_000_000


class Watcher:
    """Looks at a run again and again, and reads only what has changed.

    Parameters
    ----------
    paths : RunPaths
        The run.
    """

    def __init__(self, paths: RunPaths):
        self._paths = paths
        self._clock = FileSystemClock(paths.lock)
        self._past_reader = PastReader(paths.checkpoint)
        self._past = Past()
        self._config: Mapping[str, Any] = {}
        self._config_changed = 0
        self._in_flight = InFlightReader(paths)
        self._again = ReevaluationReader(paths)

    def look(self) -> RunStatus:
        """Return how the run stands now; what cannot be read is named in it."""
        # first: it tells whether this host's clock is to be believed
        controller = controller_status(self._paths, self._clock)
        now = self._clock.time()
        problems: list[str] = []
        self._read_config(problems)
        # the checkpoint before the generation: one that is complete meanwhile is shown as in flight, but not lost
        try:
            self._past = self._past_reader.read()
        except UsageError as error:
            problems.append(str(error))
        past = self._past
        max_ngen, timeout = generations_of(self._config) or 0, _seconds(self._config.get("timeout"))
        size, together = _count(self._config.get("offspring_size")), _kind(self._config.get("schedule")) != "rolling"
        trials = trials_in(self._config)
        generation = self._in_flight.read(now, timeout, past, size=size, together=together, trials=trials)
        problems += self._in_flight.problems
        again = self._reevaluated(now, timeout, problems)
        begin = generation.submitted if generation else math.nan
        status = RunStatus(
            run=str(self._paths.directory),
            time=now,
            controller=controller,
            complete=past.complete,
            max_ngen=max_ngen,
            timeout=timeout,
            best=past.best,
            start_score=past.start_score,
            best_scores=tuple(past.best_scores.tolist()),
            generation=generation,
            problems=tuple(problems),
            model=past.model,
            warnings=(*([START_EXPLODED] if past.start_outcome == Outcome.EXPLODED.value else []), *again.warnings),
            reevaluation=again.status,
        )
        if controller.state != "alive":
            return status
        expected = forecast(past, begin=begin, now=now, max_ngen=max_ngen, timeout=timeout)
        return replace(status, forecast=expected)

    def _read_config(self, problems: list[str]) -> None:
        try:
            changed = self._paths.config.stat().st_mtime_ns
            if changed != self._config_changed:
                config = read_mapping(read_text(self._paths.config))
                self._config, self._config_changed = with_moved_keys(config), changed
        except (OSError, ValueError) as error:
            problems.append(f"{self._paths.config}: cannot be read ({error})")

    def _reevaluated(self, now: float, timeout: float, problems: list[str]) -> Reevaluated:
        try:
            return self._again.read(now, timeout)
        except (UsageError, OSError) as error:
            problems.append(str(error))
        return Reevaluated()


def controller_status(paths: RunPaths, clock: FileSystemClock) -> ControllerStatus:
    """Return whether somebody carries a run out, as far as that can be seen from here."""
    hold, holder = hold_of(paths, clock), holder_of(paths)
    ended, last_sign = holder.get("ended"), math.nan
    if hold is not None:
        last_sign = clock.time() - (0.0 if hold.lives else max(hold.age, 0.0))
        state = "dead" if hold.lives is False else "silent" if hold.expired else "alive"
    elif holder:
        state = str(holder.get("how", "gone")) if ended is not None else "gone"
    else:
        state = "none"
    pid = holder.get("pid")
    return ControllerStatus(
        state=state,
        host=str(holder.get("host", "")),
        pid=pid if isinstance(pid, int) else None,
        job=str(holder.get("job", "")),
        since=since_of(holder),
        last_sign=last_sign,
        ended=_number(ended) if hold is None else math.nan,
        reason=str(holder.get("why", "")) if hold is None else "",
    )


def _count(value: object) -> int:
    """Return a number of things that there can be, 0 of what is none."""
    return value if isinstance(value, int) and 0 <= value <= _MOST else 0


def _kind(section: object) -> object:
    """Return the name of the plug-in that a section is of."""
    return section.get("kind") if isinstance(section, Mapping) else section


def _number(value: object) -> float:
    """Return a number that JSON may hold of any length, NaN of what is none."""
    try:
        return float(value) if isinstance(value, (int, float)) else math.nan
    except OverflowError:
        return math.nan


def _seconds(value: object) -> float:
    try:
        return parse_duration(value)
    except (ValueError, OverflowError):
        return math.nan
