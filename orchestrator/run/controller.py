"""The main job: ask, submit, wait, score, append, tell."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from orchestrator.checkpoint import Checkpoint, tables_since
from orchestrator.errors import RunFailed
from orchestrator.jobs.cleanup import Cleanup
from orchestrator.jobs.entries import Landed
from orchestrator.paths import RunPaths
from orchestrator.records import Evaluation, Offspring
from orchestrator.run.asked import Asks
from orchestrator.run.early_warnings import EarlyWarnings
from orchestrator.run.kept_recordings import KeptRecordings
from orchestrator.run.pools import Pool
from orchestrator.schedules import ReplayDiffers, Schedule
from orchestrator.scores.evaluations import doubts_about, scored
from targets import Target

_LOG = logging.getLogger(__name__)


class Controller:
    """Carries out what a schedule wants, to its end.

    Parameters
    ----------
    schedule : Schedule
        Says what is evaluated when, and when it is told.
    pool : JobPool
        Evaluates; entered.
    targets : sequence of Target
        Score what comes back.
    paths : RunPaths
        The run's files; the checkpoint exists.
    asks : Asks
        Keeps what was asked for.
    cleanup : Cleanup
        Sees to what is in the checkpoint.
    kept : KeptRecordings
        Knows which traces and events go into the checkpoint.
    confirm : callable
        Raises `orchestrator.errors.Stopped` if another controller has taken the run over.
    before : callable
        Called with offspring before they are given to the pool.
    appended : callable
        Called whenever a block has been added to the checkpoint.
    between : callable
        Called where everything that was asked for is in the checkpoint, before anything else is asked for.
    """

    def __init__(
        self,
        schedule: Schedule,
        pool: Pool,
        targets: Sequence[Target],
        *,
        paths: RunPaths,
        asks: Asks,
        cleanup: Cleanup,
        kept: KeptRecordings,
        confirm: Callable[[], object],
        before: Callable[[Sequence[Offspring]], object] = lambda _: None,
        appended: Callable[[], object] = lambda: None,
        between: Callable[[], object] = lambda: None,
    ):
        self._schedule = schedule
        self._pool = pool
        self._targets = targets
        self._paths = paths
        self._asks = asks
        self._cleanup = cleanup
        self._kept = kept
        self._confirm = confirm
        self._before = before
        self._appended = appended
        self._between = between
        self._checkpoint = Checkpoint(paths.checkpoint)
        self._best = math.inf
        self._early_warnings = EarlyWarnings(targets)
        self._tells = 0
        self._unscored: RunFailed | None = None
        # what of each generation was asked for and is not in the checkpoint yet
        self._open: dict[int, set[int]] = {}

    def run(self) -> str:
        """Go on until nothing more is wanted; return why.

        Raises
        ------
        orchestrator.errors.Stopped
            If a signal asked for it; the run can be continued.
        RunFailed
            If it cannot go on.
        """
        try:
            for offspring in self._resume():
                self._before(offspring)
                self._submit(offspring)
            self._between_blocks()
            while self._submit_next():
                for landed in self._pool.wait():
                    self._take(landed)
                while block := self._schedule.due():
                    self._carry_out(block)
                    self._between_blocks()
        except RunFailed:
            self._confirm()
            self._pool.discard_unused()
            raise
        self._cleanup.settle()
        return self._schedule.reason()

    def _between_blocks(self) -> None:
        if not self._open and self._pool.is_idle:
            self._between()

    def _submit_next(self) -> bool:
        """Give the pool what the schedule wants now; return whether there is anything to wait for."""
        while self._unscored is None and (offspring := self._schedule.next()):
            self._before(offspring)
            self._confirm()
            self._asks.record(offspring, self._schedule.kept(), self._confirm)
            self._submit(offspring)
        if self._unscored is not None and self._pool.is_idle:
            raise self._unscored
        return not self._pool.is_idle

    def _take(self, landed: Landed) -> None:
        """Score an evaluation; one that has no score ends the run, but what is in flight is not simulated in vain."""
        try:
            evaluation = scored(self._targets, landed)
            self._early_warnings.look(evaluation)
            self._schedule.take(evaluation)
        except RunFailed as error:
            if self._unscored is None and not self._pool.is_idle:
                _LOG.warning("%s. The run ends once what is in flight is there", error)
            self._unscored = self._unscored or error

    def _resume(self) -> list[Sequence[Offspring]]:
        told = self._checkpoint.told(states=True)
        self._tells = len(told)
        self._open = self._asks.missing(told)
        recorded = {number: self._asks.recorded(number) for number in self._open}
        try:
            resumed = self._schedule.resume(told, recorded)
        except ReplayDiffers as error:
            where = (
                self._paths.generation(error.number).record if self._open.get(error.number) else self._checkpoint.path
            )
            raise RunFailed(
                f"{where}: {error}. The run was made with {self._checkpoint.versions}; continue it with these versions"
            ) from error
        # a folder without a record: its generation is to be asked for yet, unless it was being removed
        begun = {number for block in told for number, _ in block.ids}
        self._open = {number: missing for number, missing in self._open.items() if missing or number in begun}
        self._finish([number for number, missing in self._open.items() if not missing])
        if told:
            _, tables = tables_since(self._checkpoint.path, ("total_score",), 0)
            totals = np.concatenate([table["total_score"] for table in tables])
            self._kept.resume(totals.tolist())
            self._best = float(np.min(totals, where=np.isfinite(totals), initial=math.inf))
            _LOG.info("continuing after %d generations, best total score %.4g", len(told), self._best)
        return resumed

    def _submit(self, offspring: Sequence[Offspring]) -> None:
        for each in offspring:
            self._open.setdefault(each.generation, set()).add(each.index)
        self._pool.add(offspring)

    def _carry_out(self, block: Sequence[Evaluation]) -> None:
        """Append a block to the checkpoint, then tell it."""
        self._confirm()
        self._pool.refuse_if_all_failed([evaluation.offspring for evaluation in block])
        for doubt in doubts_about(self._targets, block):
            _LOG.warning("%s", doubt)
        # its own count, not the file's: a file that was put in its place meanwhile is refused
        number = self._tells
        told = [replace(each, told_in=number) for each in self._kept.added(block)]
        self._checkpoint.append(told, self._schedule.state(), self._confirm)
        self._schedule.tell(block)
        self._tells += 1
        self._note(number, [evaluation.total_score for evaluation in block])
        self._appended()
        for evaluation in block:
            self._open[evaluation.offspring.generation].discard(evaluation.offspring.index)
        self._finish([number for number, missing in self._open.items() if not missing])

    def _finish(self, numbers: Iterable[int]) -> None:
        """Let go of generations that are in the checkpoint completely, and of which nothing more will be asked for."""
        closed = [number for number in numbers if self._schedule.is_closed(number)]
        for number in closed:
            self._pool.forget(number)
            del self._open[number]
        self._cleanup.finish(closed)

    def _note(self, number: int, totals: Sequence[float]) -> None:
        known = _known(totals)
        self._best = min([self._best, *known])
        _LOG.info(
            "generation %d done: best total score %.4g, mean %.4g; best so far %.4g%s",
            number,
            min(known),
            float(np.mean(known)),
            self._best,
            "" if len(known) == len(totals) else f"; {len(totals) - len(known)} not evaluated",
        )


def _known(totals: Iterable[float]) -> list[float]:
    """Return the total scores of what was evaluated."""
    return [total for total in totals if not math.isnan(total)]
