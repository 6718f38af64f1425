"""What must hold at the end of every run."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.checkpoint import Checkpoint
from orchestrator.jobs.entries import Landed
from orchestrator.records import Offspring, Outcome, Result
from orchestrator.scores.evaluations import scored
from simulated.model import numbers_of
from simulated.patches import patched
from simulated.world import IN_ORDER, RUN, TRIALS, World, template
from targets import measure


@dataclass(frozen=True)
class Row:
    """What the checkpoint says of an evaluation, but when and where it was made."""

    generation: int
    index: int
    origin: str
    point: tuple[str, ...]
    outcome: str
    values: tuple[str, ...]
    scores: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.outcome} with scores {', '.join(self.scores)} and point {', '.join(self.point)}"


# how long after a result is there, and shows everywhere, another attempt may still be submitted, in s
_PATIENCE = 30.0


def violations(world: World) -> list[str]:
    """Return what does not hold of a world that has come to its end."""
    return [*_unexpected(world), *_differences(world), *_left(world), *_repeated(world), *_lost(world)]


def evaluations(world: World) -> list[Row]:
    """Return what the checkpoint says of every evaluation, but when and where it was made."""
    with patched(world):
        told = Checkpoint(RUN.checkpoint).told()
    return [
        Row(
            *block.ids[n],
            block.origins[n].value,
            _exactly(block.points[n]),
            block.outcomes[n].value,
            _exactly(block.values[n]),
            _exactly(block.scores[n]),
        )
        for block in told
        for n in range(len(block.ids))
    ]


def _exactly(numbers: Iterable[float]) -> tuple[str, ...]:
    """Return numbers as texts that are the same if they are, bit for bit; NaN is itself there."""
    return tuple(repr(float(number)) for number in numbers)


@functools.cache
def undisturbed(schedule: str = "generations") -> list[Row]:
    """Return the evaluations of a run in which nothing goes wrong."""
    world = World(0, schedule=schedule)
    world.run()
    return evaluations(world)


def _unexpected(world: World) -> Iterator[str]:
    for ending in world.endings:
        if ending.unexpected:
            yield f"traceback of {ending.name}: {ending.unexpected}"
    if world.endings[-1].how != "finished":
        yield f"the last controller did not finish the run: {world.endings[-1].how}"


def _differences(world: World) -> Iterator[str]:
    got, wanted = evaluations(world), undisturbed(world.schedule)
    if len(wanted) != len(got):
        yield f"expected {len(wanted)} evaluations in the checkpoint, got {len(got)}"
    keys = Counter((row.generation, row.index) for row in got)
    if doubled := [key for key, count in keys.items() if count > 1]:
        yield f"{doubled} are in the checkpoint twice"
    trials = TRIALS if world.schedule == "job_per_trial" else 1
    if lost := {(one.generation, one.index // trials) for one in world.simulated} - set(keys):
        yield f"{sorted(lost)} were simulated and are not in the checkpoint"
    # what is asked for after what has landed first is the cluster's doing; that the optimiser asks for these points
    # after these tells, the last controller has found
    expected = wanted if world.schedule in IN_ORDER else [_simulated(row, world.schedule) for row in got]
    for one, other in zip(expected, got, strict=False):
        if one != other:
            yield f"{one.generation}/{one.index}: expected {one}, got {other}"


def _simulated(row: Row, schedule: str) -> Row:
    """Return what must be said of an evaluation that the cluster did nothing to."""
    _, config = template(schedule)
    targets, point = config.create_targets(), tuple(map(float, row.point))
    parameters = config.space().decode(point)
    numbers = numbers_of(parameters)
    result = Result(Outcome.SIMULATION_ERROR)
    if numbers is not None:
        pairs = zip(targets, measure(targets, numbers), strict=True)
        result = Result(Outcome.OK, values={target.label: found.value for target, found in pairs})
    offspring = Offspring(row.generation, row.index, point, parameters)
    evaluation = scored(targets, Landed(offspring, result, attempts=1, submitted=0.0))
    found = (_exactly(numbers) for numbers in (evaluation.values, evaluation.told_scores))
    return Row(row.generation, row.index, row.origin, row.point, result.outcome.value, *found)


def _left(world: World) -> Iterator[str]:
    for job in world.slurm.jobs:
        if job.is_active:
            yield f"job {job.id} is left {job.state}"
    with patched(world):
        if left := RUN.generation_numbers():
            yield f"folders of generations {left} are left"


def _lost(world: World) -> Iterator[str]:
    for one in world.simulated:
        if one.lost_by:
            yield f"{one.generation}/{one.index}: job {one.job.id} left no result, and ended with {one.lost_by}"


def _repeated(world: World) -> Iterator[str]:
    for later in world.simulated:
        for earlier in world.simulated:
            same = (earlier.generation, earlier.index) == (later.generation, later.index)
            submitted = later.job.submitted
            if not same or earlier is later or submitted < earlier.job.submitted:
                continue
            which = f"{later.generation}/{later.index}: attempt {later.attempt} (job {later.job.id}) was submitted"
            other = f"attempt {earlier.attempt} (job {earlier.job.id})"
            goes_on = earlier.begun < submitted and (earlier.ended is None or submitted < earlier.ended)
            if earlier.delivered is not None and submitted > earlier.delivered + _PATIENCE + world.longest_lateness:
                yield f"{which} after {other} had delivered"
            elif goes_on and not earlier.job.excused:
                yield f"{which} while {other} went on"
