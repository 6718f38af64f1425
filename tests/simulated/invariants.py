"""What must hold at the end of every run."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from simulated.patches import patched
from simulated.world import RUN, World

from orchestrator.checkpoint import Checkpoint

Row = tuple[object, ...]
# how long after a result is there, and shows everywhere, another attempt may still be submitted, in s
_PATIENCE = 30.0


def violations(world: World) -> list[str]:
    """Return what does not hold of a world that has come to its end."""
    return [*_unexpected(world), *_differences(world), *_left(world), *_repeated(world)]


def evaluations(world: World) -> list[Row]:
    """Return what the checkpoint says of every evaluation, but when and where it was made."""
    with patched(world):
        told = Checkpoint(RUN.checkpoint).told()
    return [
        (block.ids[n], *block.points[n], *block.values[n], *block.scores[n], block.outcomes[n], block.origins[n])
        for block in told
        for n in range(len(block.ids))
    ]


@functools.cache
def undisturbed() -> list[Row]:
    """Return the evaluations of a run in which nothing goes wrong."""
    world = World(0)
    world.run()
    return evaluations(world)


def _unexpected(world: World) -> Iterator[str]:
    for ending in world.endings:
        if ending.unexpected:
            yield f"traceback of {ending.name}: {ending.unexpected}"
    if world.endings[-1].how != "finished":
        yield f"the last controller did not finish the run: {world.endings[-1].how}"


def _differences(world: World) -> Iterator[str]:
    expected, got = undisturbed(), evaluations(world)
    if len(expected) != len(got):
        yield f"expected {len(expected)} evaluations in the checkpoint, got {len(got)}"
    for one, other in zip(expected, got, strict=False):
        if not _same(one, other):
            yield f"expected {one}, got {other}"


def _same(one: Row, other: Row) -> bool:
    return all(a == b or (isinstance(a, float) and np.isnan(a) and np.isnan(b)) for a, b in zip(one, other, strict=True))


def _left(world: World) -> Iterator[str]:
    for job in world.slurm.jobs:
        if job.is_active:
            yield f"job {job.id} is left {job.state}"
    with patched(world):
        if left := RUN.generation_numbers():
            yield f"folders of generations {left} are left"


def _repeated(world: World) -> Iterator[str]:
    for later in world.simulated:
        for earlier in world.simulated:
            same = (earlier.generation, earlier.index) == (later.generation, later.index)
            if not same or earlier is later or later.job.submitted < earlier.job.submitted:
                continue
            which = f"{later.generation}/{later.index}: attempt {later.attempt} (job {later.job.id})"
            patience = _PATIENCE + world.longest_lateness
            if earlier.delivered is not None and later.job.submitted > earlier.delivered + patience:
                yield f"{which} was submitted after attempt {earlier.attempt} had delivered"
            elif not earlier.job.excused and later.job.submitted > earlier.begun and (earlier.ended is None or later.job.submitted < earlier.ended):
                yield f"{which} was submitted while attempt {earlier.attempt} (job {earlier.job.id}) went on"
