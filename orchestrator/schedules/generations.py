"""Generations: ask for one, wait for all of it within the timeout, tell it; the default."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pydantic import Field

from orchestrator.optimisers.base import Told
from orchestrator.records import Evaluation, FloatArray, Offspring
from orchestrator.schedules.base import RecordedGeneration, Schedule, Search, told_of
from orchestrator.schedules.registry import ScheduleOptions, schedule
from orchestrator.schedules.replay import replay, untold


class GenerationsOptions(ScheduleOptions):
    """Generations: one is asked for when the one before it was told."""

    close_at: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of a generation with which the next one begins; what is late is told with that one",
    )

    @property
    def any_rows(self) -> bool:
        """Whether it tells evaluations of several asks together."""
        return self.close_at < 1


@schedule("generations", options=GenerationsOptions)
class Generations(Schedule):
    """Asks for a generation, waits for all of it, or for a share, and tells it.

    The timeout counts from the first submission of the generation, the time in the queue included; what has not
    finished by then is cancelled and told at the worst score, or as not evaluated if its job never began or was lost.
    If the schedule waits for all of each generation, an interrupted and continued run gives bit for bit the checkpoint
    of an undisturbed one, except times, hosts and job ids.

    Parameters
    ----------
    options : GenerationsOptions
        The section ``schedule``.
    search : Search
        What is scheduled.
    """

    def __init__(self, options: GenerationsOptions, search: Search):
        self._search = search
        self._share = options.close_at
        self._asks = self._tells = 0
        # the generation that the next tell is about, with how many offspring; the rest of others may come with it
        self._open: int | None = None
        self._size = 0
        self._in_flight: dict[tuple[int, int], Offspring] = {}
        self._landed: dict[tuple[int, int], Evaluation] = {}

    def resume(self, told: Sequence[Told], recorded: Mapping[int, RecordedGeneration]) -> list[Sequence[Offspring]]:
        """Tell the optimiser again what it was told; take the recorded points of what is in flight."""
        self._asks, self._tells = replay(self._search, told, recorded), len(told)
        waiting = untold(told, recorded)
        self._in_flight = {each.key: each for each in waiting}
        last = recorded.get(self._asks - 1, RecordedGeneration(())).offspring
        if last and last[0].asked_after == self._tells:
            self._open, self._size = self._asks - 1, len(last)
        groups = [[each for each in waiting if each.generation == number] for number in sorted(recorded)]
        return [group for group in groups if group]

    def next(self) -> Sequence[Offspring]:
        """Return the next generation, if the last one was told and there is to be one."""
        if self._open is not None or self.reason():
            return ()
        pending = self._search.array([self._in_flight[key].point for key in sorted(self._in_flight)])
        asked = self._search.optimiser.ask(pending=pending)
        offspring = self._search.offspring_of(self._asks, asked, self._tells)
        self._open, self._asks, self._size = self._asks, self._asks + 1, len(offspring)
        self._in_flight |= {each.key: each for each in offspring}
        return offspring

    def take(self, evaluation: Evaluation) -> None:
        """Take one that was in flight."""
        key = evaluation.offspring.key
        del self._in_flight[key]
        self._landed[key] = evaluation

    def due(self) -> Sequence[Evaluation]:
        """Return what has landed, once that is enough of the generation in flight; at the end once that is all."""
        if self._open is None or self._tells >= self._search.max_ngen - 1:
            enough = not self._in_flight
        else:
            enough = sum(number == self._open for number, _ in self._landed) >= math.ceil(self._share * self._size)
        return [self._landed[key] for key in sorted(self._landed)] if enough else ()

    def tell(self, block: Sequence[Evaluation]) -> None:
        """Tell the optimiser."""
        self._search.tell(told_of(block))
        self._open, self._tells = None, self._tells + 1
        for evaluation in block:
            del self._landed[evaluation.offspring.key]

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return that of the optimiser."""
        return self._search.optimiser.state()

    def reason(self) -> str:
        """Return why there is no further generation, empty if there is one."""
        return self._search.reason_to_stop(self._tells)
