"""Rolling: one is asked for whenever one has come back, so that no place is empty because of stragglers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from orchestrator.optimisers.base import Told
from orchestrator.records import Evaluation, FloatArray, Offspring
from orchestrator.schedules.base import RecordedGeneration, Schedule, Search, told_of
from orchestrator.schedules.registry import ScheduleOptions, schedule
from orchestrator.schedules.replay import replay, untold


class RollingOptions(ScheduleOptions):
    """Rolling: a generation is a block of as many results, whenever they were asked for."""

    in_flight: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        "auto", description="evaluations at once; auto: offspring_size, with executor local at least what runs at once"
    )

    @property
    def any_rows(self) -> bool:
        """Whether it tells evaluations of several asks together."""
        return True


@schedule("rolling", options=RollingOptions)
class Rolling(Schedule):
    """Asks for one whenever one has come back, and tells blocks of ``offspring_size`` in the order of their arrival.

    The timeout counts for every offspring from its own submission. Which evaluations are told together is the
    cluster's doing, so that two runs differ, as they do not with generations; but a run that was interrupted and
    continued asks for what the same run would have asked for, whatever came back in the same order.

    Parameters
    ----------
    options : RollingOptions
        The section ``schedule``.
    search : Search
        What is scheduled.
    """

    def __init__(self, options: RollingOptions, search: Search):
        self._search = search
        self._most = max(search.size, search.at_once) if options.in_flight == "auto" else options.in_flight
        self._asks = self._tells = self._told = 0
        # of the last ask, in their order: they are handed out one by one until something is told
        self._stash: list[Offspring] = []
        self._in_flight: dict[tuple[int, int], Offspring] = {}
        self._landed: list[Evaluation] = []

    def resume(self, told: Sequence[Told], recorded: Mapping[int, RecordedGeneration]) -> list[Sequence[Offspring]]:
        """Ask and tell the optimiser again; take the recorded points of what is in flight, and what was kept."""
        self._asks, self._tells = replay(self._search, told, recorded), len(told)
        self._told = sum(len(block.ids) for block in told)
        waiting = untold(told, recorded)
        self._in_flight = {each.key: each for each in waiting}
        last = recorded.get(self._asks - 1, RecordedGeneration(()))
        self._stash = [each for each in last.kept if each.asked_after == self._tells]
        return [[each] for each in waiting]

    def next(self) -> Sequence[Offspring]:
        """Return the next one, if there is room for it and it is to be evaluated."""
        begun = self._told + len(self._landed) + len(self._in_flight)
        if len(self._in_flight) >= self._most or begun >= self._search.max_ngen * self._search.size or self.reason():
            return ()
        if not self._stash:
            untold_points = [*(each.offspring for each in self._landed), *self._in_flight.values()]
            pending = sorted(untold_points, key=lambda each: each.key)
            asked = self._search.optimiser.ask(pending=self._search.array([each.point for each in pending]))
            self._stash = self._search.offspring_of(self._asks, asked, self._tells)
            self._asks += 1
        offspring = self._stash.pop(0)
        self._in_flight[offspring.key] = offspring
        return [offspring]

    def kept(self) -> Sequence[Offspring]:
        """Return the rest of the last ask."""
        return self._stash

    def take(self, evaluation: Evaluation) -> None:
        """Take one that was in flight."""
        del self._in_flight[evaluation.offspring.key]
        self._landed.append(evaluation)

    def due(self) -> Sequence[Evaluation]:
        """Return the next block; at the end also what is too little for one."""
        size = self._search.size
        if len(self._landed) >= size:
            return self._landed[:size]
        return self._landed if not self._in_flight and self.reason() else ()

    def tell(self, block: Sequence[Evaluation]) -> None:
        """Tell the optimiser; what was asked for before and not handed out is out of date."""
        self._search.tell(told_of(block))
        self._landed = self._landed[len(block) :]
        self._tells, self._told, self._stash = self._tells + 1, self._told + len(block), []

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return that of the optimiser."""
        return self._search.optimiser.state()

    def reason(self) -> str:
        """Return why nothing more is asked for, empty if more is."""
        return self._search.reason_to_stop(self._tells)

    def is_closed(self, generation: int) -> bool:
        """Return whether nothing more of a generation will be handed out."""
        return bool(self.reason()) or all(each.generation != generation for each in self._stash)
