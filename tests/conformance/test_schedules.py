"""What every schedule promises: nothing asked twice, nothing lost, and a continuation as if nothing had been.

A new schedule is one more entry of `SCHEDULES`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from rolling import RollingOptions

from orchestrator.optimisers.base import Problem, Told
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.registry import create_optimiser, optimisers
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.records import Evaluation, Offspring, Outcome, Result
from orchestrator.schedules.base import ReplayDiffers, Schedule, Search, told_of
from orchestrator.schedules.registry import ScheduleOptions, create_schedule

SIZE, TELLS = 4, 3
SPACE = SearchSpace([Parameter("x", 0, 10), Parameter("n", 1, 4, integer=True)])
SCHEDULES: dict[str, ScheduleOptions] = {
    "generations": ScheduleOptions(kind="generations"),
    "rolling": RollingOptions(kind="rolling.py:Rolling", in_flight=3),
    "rolling, more than a block": RollingOptions(kind="rolling.py:Rolling", in_flight=7),
}


@pytest.fixture(params=SCHEDULES)
def options(request: pytest.FixtureRequest) -> ScheduleOptions:
    from orchestrator.schedules.registry import schedules  # noqa: PLC0415

    found = SCHEDULES[request.param]
    found._plugin = schedules().find(found.kind, Path(__file__).parents[1])
    return found


def made(options: ScheduleOptions) -> Schedule:
    method = OptimiserOptions(method="rolling.py:Random")
    method._plugin = optimisers().find(method.method, Path(__file__).parents[1])
    start = SPACE.encode({"x": 3.0, "n": 2})
    problem = Problem(start=start, steps=SPACE.steps, sigma=0.2, size=SIZE, seed=1, targets=("t",))
    search = Search(create_optimiser(method, problem), SPACE, max_ngen=TELLS, size=SIZE)
    return create_schedule(options, search)


class World:
    """What a controller and a pool do with a schedule: a record of what was asked, and blocks that were told."""

    def __init__(self, options: ScheduleOptions, order: random.Random):
        self.options, self.order = options, order
        self.schedule = made(options)
        self.recorded: dict[int, list[Offspring]] = {}
        self.told: list[Told] = []
        self.in_flight: list[Offspring] = []
        self.groups: list[list[tuple[int, int]]] = []
        assert self.schedule.resume([], {}) == []

    def ask(self) -> None:
        while offspring := self.schedule.next():
            assert len({each.generation for each in offspring}) == 1, "what shares a deadline is of one generation"
            self.recorded.setdefault(offspring[0].generation, []).extend(offspring)
            self.in_flight += offspring
            self.groups.append([key(each) for each in offspring])

    def land(self) -> None:
        """Let one evaluation land, any one, and tell what is due."""
        offspring = self.in_flight.pop(self.order.randrange(len(self.in_flight)))
        score = float(np.sum(np.square(offspring.point)))
        result = Result(Outcome.OK, values={"t": score})
        self.schedule.take(Evaluation(offspring, result, (score,), (score,), 1, 0.0))
        while block := self.schedule.due():
            self.schedule.state()
            self.told.append(told_of(block))
            self.schedule.tell(block)

    def continued(self) -> None:
        """Let a new controller go on from what is on disk: evaluations that were not told land again."""
        done = {each for block in self.told for each in block.ids}
        rest = {n: each for n, each in self.recorded.items() if any(key(one) not in done for one in each)}
        self.schedule = made(self.options)
        resumed = self.schedule.resume(self.told, rest)
        keys = [key(each) for group in resumed for each in group]
        assert sorted(keys) == sorted(key(one) for each in rest.values() for one in each if key(one) not in done)
        assert all([key(each) for each in group] in self.groups for group in resumed), "as they were asked for together"
        self.in_flight = [each for group in resumed for each in group]

    def finish(self) -> None:
        self.ask()
        while self.in_flight:
            self.land()
            self.ask()


def key(offspring: Offspring) -> tuple[int, int]:
    return offspring.generation, offspring.index


def ids(told: Sequence[Told]) -> list[tuple[int, int]]:
    return [each for block in told for each in block.ids]


@pytest.mark.parametrize("seed", range(5))
def test_all_that_is_asked_for_is_told_once(options: ScheduleOptions, seed: int) -> None:
    world = World(options, random.Random(seed))
    world.finish()
    asked = [key(each) for offspring in world.recorded.values() for each in offspring]
    assert len(asked) == len(set(asked))
    assert sorted(ids(world.told)) == sorted(asked)
    assert len(world.told) == TELLS
    assert world.schedule.reason() == f"max_ngen of {TELLS} generations reached"
    assert not world.schedule.next()
    assert not world.schedule.due()
    assert all(world.schedule.is_closed(number) for number in world.recorded)


@pytest.mark.parametrize("landings", range(0, 13, 2))
def test_one_that_is_continued_at_any_moment_asks_and_tells_as_if_nothing_had_been(
    options: ScheduleOptions, landings: int
) -> None:
    world = World(options, random.Random(landings))
    world.ask()
    for _ in range(landings):
        if world.in_flight:
            world.land()
            world.ask()
    world.continued()
    world.finish()
    assert len(ids(world.told)) == len(set(ids(world.told)))
    # whatever came in which order: the record as a whole is asked for again, point by point
    world.continued()
    assert world.in_flight == []
    assert world.schedule.reason()


def test_a_generation_is_asked_for_with_the_same_points_by_any_controller(options: ScheduleOptions) -> None:
    first, second = World(options, random.Random(1)), World(options, random.Random(1))
    first.finish()
    second.finish()
    assert [block.points.tolist() for block in first.told] == [block.points.tolist() for block in second.told]


def test_a_record_with_other_points_is_refused(options: ScheduleOptions) -> None:
    world = World(options, random.Random(1))
    world.finish()
    world.told[1].points[0, 0] += 0.01
    with pytest.raises(ReplayDiffers, match="has other points than the optimiser asks for now"):
        made(options).resume(world.told, {})
