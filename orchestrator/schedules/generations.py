"""Generations: ask for one, wait for all of it within the timeout, tell it; the default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.optimisers.base import Asked, Told, same_points
from orchestrator.records import Evaluation, FloatArray, Offspring
from orchestrator.schedules.base import ReplayDiffers, Schedule, Search, told_of
from orchestrator.schedules.registry import ScheduleOptions, schedule


@schedule("generations")
class Generations(Schedule):
    """Asks for a generation, waits for all of it, and tells it in the order in which it was asked for.

    The timeout counts from the first submission of the generation, the time in the queue included; what has not
    finished by then is cancelled and told at the worst score, or as not evaluated if its job never began or was lost.
    An interrupted and continued run gives bit for bit the checkpoint of an undisturbed one, except times, hosts and job
    ids.

    Parameters
    ----------
    options : ScheduleOptions
        The section ``schedule``.
    search : Search
        What is scheduled.
    """

    def __init__(self, options: ScheduleOptions, search: Search):
        self._search = search
        self._number = 0
        self._asked: Sequence[Offspring] = ()
        self._landed: dict[int, Evaluation] = {}

    def resume(self, told: Sequence[Told], recorded: Mapping[int, Sequence[Offspring]]) -> list[Sequence[Offspring]]:
        """Tell the optimiser again what it was told; take the recorded points of the generation in flight."""
        optimiser = self._search.optimiser
        for block in told:
            if not same_points(optimiser.ask(block.asked()).points, block.points):
                raise ReplayDiffers(self._number)
            optimiser.tell(block)
            self._number += 1
        self._asked = recorded.get(self._number, ())
        if not self._asked:
            return []
        # what is in flight has these points, whatever the rounding of the processor that asks again
        points, origins = self._search.points_of(self._asked), tuple(each.origin for each in self._asked)
        if not same_points(optimiser.ask(Asked(points, origins)).points, points):
            raise ReplayDiffers(self._number)
        return [self._asked]

    def next(self) -> Sequence[Offspring]:
        """Return the next generation, if none is in flight and there is to be one."""
        if self._asked or self.reason():
            return ()
        asked: Asked = self._search.optimiser.ask()
        self._asked = self._search.offspring_of(self._number, asked, self._number)
        return self._asked

    def take(self, evaluation: Evaluation) -> None:
        """Take one of the generation in flight."""
        self._landed[evaluation.offspring.index] = evaluation

    def due(self) -> Sequence[Evaluation]:
        """Return the generation once all of it has landed."""
        if not self._asked or len(self._landed) < len(self._asked):
            return ()
        return [self._landed[offspring.index] for offspring in self._asked]

    def tell(self, block: Sequence[Evaluation]) -> None:
        """Tell the optimiser."""
        self._search.optimiser.tell(told_of(block))
        self._number, self._asked, self._landed = self._number + 1, (), {}

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return that of the optimiser."""
        return self._search.optimiser.state()

    def reason(self) -> str:
        """Return why there is no further generation, empty if there is one."""
        return self._search.reason_to_stop(self._number)
