"""What every schedule promises: nothing asked twice, nothing lost, and a continuation as if nothing had been.

A new schedule is one more entry of `SCHEDULES`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from orchestrator.optimisers.base import Problem, Scale, Told
from orchestrator.optimisers.registry import create_optimiser, optimisers
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.records import Evaluation, Offspring, Outcome, Result
from orchestrator.schedules.base import RecordedGeneration, ReplayDiffers, Schedule, Search, told_of
from orchestrator.schedules.generations import GenerationsOptions
from orchestrator.schedules.registry import ScheduleOptions, create_schedule
from orchestrator.schedules.rolling import RollingOptions

pytestmark = pytest.mark.methods

SIZE, TELLS = 4, 3
SPACE = SearchSpace([Parameter("x", 0, 10), Parameter("n", 1, 4, integer=True)])
SCHEDULES: dict[str, ScheduleOptions] = {
    "generations": GenerationsOptions(kind="generations"),
    "generations that do not wait": GenerationsOptions(kind="generations", close_at=0.5),
    "rolling": RollingOptions(kind="rolling", in_flight=3),
    "rolling, more than a block": RollingOptions(kind="rolling", in_flight=7),
}
# of each kind that a replay has to do with: samples, a model's proposals, what follows from what is pending, and both
# methods of a budget whose last part is another one's
METHODS: dict[str, dict[str, object]] = {
    "none": {"method": "cma", "model": "none"},
    "targets": {"method": "cma", "model": "targets"},
    "nelder_mead": {"method": "nelder_mead"},
    "differential_evolution": {"method": "differential_evolution"},
    "sobol": {"method": "sobol"},
    "none then nelder_mead": {"method": "cma", "model": "none", "polish": "nelder_mead", "polish_after": 0.4},
    "targets then gauss_newton": {"method": "cma", "polish": "gauss_newton", "polish_after": 0.4},
}


@pytest.fixture(params=[(name, method) for name in SCHEDULES for method in METHODS], ids=str)
def make(request: pytest.FixtureRequest) -> Callable[[], Schedule]:
    name, method = request.param
    return lambda: made(SCHEDULES[name], method)


def made(options: ScheduleOptions, method: str = "none", tells: int = TELLS) -> Schedule:
    problem = Problem(
        start=SPACE.encode({"x": 3.0, "n": 2}),
        steps=SPACE.steps,
        sigma=0.2,
        size=SIZE,
        seed=1,
        targets=("t",),
        scales=[Scale(0.0, 0.0, 0.1, 20.0)],
        space=SPACE,
        budget=tells * SIZE,
    )
    section = METHODS[method]
    optimiser = create_optimiser(optimisers().find(str(section["method"])).options.model_validate(section), problem)
    return create_schedule(options, Search(optimiser, SPACE, max_ngen=tells, size=SIZE))


class World:
    """What a controller and a pool do with a schedule: a record of what was asked, and blocks that were told."""

    def __init__(self, make: Callable[[], Schedule], order: random.Random):
        self.make, self.order = make, order
        self.schedule = make()
        self.recorded: dict[int, list[Offspring]] = {}
        self.kept: dict[int, list[Offspring]] = {}
        self.told: list[Told] = []
        self.in_flight: list[Offspring] = []
        self.groups: list[list[tuple[int, int]]] = []
        assert self.schedule.resume([], {}) == []

    def ask(self) -> None:
        while offspring := self.schedule.next():
            assert len({each.generation for each in offspring}) == 1, "what shares a deadline is of one generation"
            self.recorded.setdefault(offspring[0].generation, []).extend(offspring)
            self.kept[offspring[0].generation] = list(self.schedule.kept())
            self.in_flight += offspring
            self.groups.append([each.key for each in offspring])

    def land(self) -> None:
        """Let one evaluation land, any one, and tell what is due."""
        offspring = self.in_flight.pop(self.order.randrange(len(self.in_flight)))
        score = float(np.sum(np.square(offspring.point)))
        result = Result(Outcome.OK, values={"t": score})
        self.schedule.take(Evaluation(offspring, result, (score,), (score,), 1, 0.0))
        while block := self.schedule.due():
            self.told.append(replace(told_of(block), state=self.schedule.state()))
            self.schedule.tell(block)

    def continued(self) -> None:
        """Let a new controller go on from what is on disk: evaluations that were not told land again."""
        done = {each for block in self.told for each in block.ids}
        rest = {
            number: RecordedGeneration(each, self.kept[number])
            for number, each in self.recorded.items()
            if any(one.key not in done for one in each) or not self.schedule.is_closed(number)
        }
        self.schedule = self.make()
        resumed = self.schedule.resume(self.told, rest)
        keys = [each.key for group in resumed for each in group]
        assert sorted(keys) == sorted(
            one.key for each in rest.values() for one in each.offspring if one.key not in done
        )
        together = [{each.key for each in group} for group in resumed]
        assert all(any(keys <= {*group} for group in self.groups) for keys in together), "as they were asked for"
        self.in_flight = [each for group in resumed for each in group]

    def finish(self) -> None:
        self.ask()
        while self.in_flight:
            self.land()
            self.ask()


def ids(told: Sequence[Told]) -> list[tuple[int, int]]:
    return [each for block in told for each in block.ids]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_all_that_is_asked_for_is_told_once(make: Callable[[], Schedule], seed: int) -> None:
    world = World(make, random.Random(seed))
    world.finish()
    asked = [each.key for offspring in world.recorded.values() for each in offspring]
    assert len(asked) == len(set(asked))
    assert sorted(ids(world.told)) == sorted(asked)
    assert len(world.told) == TELLS
    assert world.schedule.reason() == f"max_ngen of {TELLS} generations reached"
    assert not world.schedule.next()
    assert not world.schedule.due()
    assert all(world.schedule.is_closed(number) for number in world.recorded)


@pytest.mark.parametrize("landings", [0, 3, 7, 12])
def test_one_that_is_continued_at_any_moment_asks_and_tells_as_if_nothing_had_been(
    make: Callable[[], Schedule], landings: int
) -> None:
    world = World(make, random.Random(landings))
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


def test_a_generation_is_asked_for_with_the_same_points_by_any_controller(make: Callable[[], Schedule]) -> None:
    first, second = World(make, random.Random(1)), World(make, random.Random(1))
    first.finish()
    second.finish()
    assert [block.points.tolist() for block in first.told] == [block.points.tolist() for block in second.told]


def test_a_record_with_other_points_is_refused(make: Callable[[], Schedule]) -> None:
    world = World(make, random.Random(1))
    world.finish()
    world.told[1].points[0, 0] += 0.01
    with pytest.raises(ReplayDiffers, match="has other points than the optimiser asks for now"):
        make().resume(world.told, {})
