"""A small rolling schedule, as a user would write one, and an optimiser that takes any rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from orchestrator.optimisers.base import Asked, Problem, Told, same_points
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.registry import optimiser
from orchestrator.records import Evaluation, FloatArray, Offspring, Origin
from orchestrator.schedules.base import ReplayDiffers, Schedule, Search, told_of
from orchestrator.schedules.registry import ScheduleOptions, schedule


@optimiser("random_of_tests", any_rows=True)
class Random:
    """Draws uniformly, from the start on; every ask depends on how many evaluations were told before it."""

    def __init__(self, options: OptimiserOptions, problem: Problem):
        self._problem = problem
        self._asks = self._told = 0

    def ask(self) -> Asked:
        rng = np.random.default_rng([self._problem.seed, self._asks, self._told])
        points = rng.random((self._problem.size, len(self._problem.start)))
        first, self._asks = self._asks == 0, self._asks + 1
        if not first:
            return Asked.samples(points)
        points[0] = self._problem.start
        return Asked(points, (Origin.START, *[Origin.SAMPLE] * (len(points) - 1)))

    def tell(self, told: Told) -> None:
        self._told += len(told.points)

    def stop(self) -> str | None:
        return None

    def state(self) -> Mapping[str, FloatArray | float]:
        return {"told": float(self._told)}


class RollingOptions(ScheduleOptions):
    in_flight: int = Field(3, ge=1, description="evaluations at once")


@schedule("rolling_of_tests", options=RollingOptions)
class Rolling(Schedule):
    """Asks for one whenever one has landed, and tells blocks whatever their generation; each has its own deadline."""

    def __init__(self, options: RollingOptions, search: Search):
        self._search = search
        self._most = options.in_flight
        self._asks = self._tells = self._handed = 0
        self._stash: list[Offspring] = []
        self._in_flight: set[tuple[int, int]] = set()
        self._landed: list[Evaluation] = []

    def resume(self, told: Sequence[Told], recorded: Mapping[int, Sequence[Offspring]]) -> list[Sequence[Offspring]]:
        done = {each for block in told for each in block.ids}
        waiting = [each for offspring in recorded.values() for each in offspring if _key(each) not in done]
        after = {key[0]: tells for block in told for key, tells in zip(block.ids, block.asked_after, strict=True)}
        after |= {each.generation: each.asked_after for offspring in recorded.values() for each in offspring}
        points: dict[tuple[int, int], tuple[float, ...]] = {}
        for tells in range(len(told) + 1):
            for _ in [number for number, when in after.items() if when == tells]:
                self._ask()
                points |= {_key(each): each.point for each in self._stash}
            if tells < len(told):
                if not same_points(np.array([points[key] for key in told[tells].ids]), told[tells].points):
                    raise ReplayDiffers(tells)
                self._search.optimiser.tell(told[tells])
                self._tells += 1
        self._in_flight = {_key(each) for each in waiting}
        self._stash = [each for each in self._stash if _key(each) not in done | self._in_flight]
        self._handed = len(done) + len(waiting)
        return [[each] for each in waiting]

    def next(self) -> Sequence[Offspring]:
        if len(self._in_flight) >= self._most or self._handed >= self._search.max_ngen * self._search.size:
            return ()
        if not self._stash:
            self._ask()
        offspring = self._stash.pop(0)
        self._handed += 1
        self._in_flight.add(_key(offspring))
        return [offspring]

    def take(self, evaluation: Evaluation) -> None:
        self._in_flight.remove(_key(evaluation.offspring))
        self._landed.append(evaluation)

    def due(self) -> Sequence[Evaluation]:
        size = self._search.size
        return self._landed[:size] if len(self._landed) >= size else ()

    def tell(self, block: Sequence[Evaluation]) -> None:
        self._search.optimiser.tell(told_of(block))
        self._landed = self._landed[len(block) :]
        self._tells += 1

    def state(self) -> Mapping[str, FloatArray | float]:
        return self._search.optimiser.state()

    def reason(self) -> str:
        return self._search.reason_to_stop(self._tells)

    def is_closed(self, generation: int) -> bool:
        ended = self._handed >= self._search.max_ngen * self._search.size
        return ended or all(each.generation != generation for each in self._stash)

    def _ask(self) -> None:
        self._stash = self._search.offspring_of(self._asks, self._search.optimiser.ask(), self._tells)
        self._asks += 1


def _key(offspring: Offspring) -> tuple[int, int]:
    return offspring.generation, offspring.index
