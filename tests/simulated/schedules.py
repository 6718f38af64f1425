"""One schedule after the other: what it comes to, and, if something does not hold, the fewest faults that show it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

from simulated.faults import Fault, faults_of
from simulated.invariants import violations
from simulated.scheduler import Stuck
from simulated.world import SCHEDULES, World


@dataclass(frozen=True)
class Outcome:
    """What a schedule came to.

    Parameters
    ----------
    seed : int
        Of the schedule.
    schedule : str
        That of the run: one of `SCHEDULES`.
    faults : tuple of Fault
        What was to go wrong.
    happened : tuple of str
        Kinds of what did, in their order.
    violations : tuple of str
        What did not hold.
    trace : tuple of str
        What happened, a line each; empty if it was not asked for.
    digest : str
        Of steps, time, files and ends of controllers: equal if a schedule is carried out a second time, bit for bit.
    """

    seed: int
    schedule: str
    faults: tuple[Fault, ...]
    happened: tuple[str, ...]
    violations: tuple[str, ...]
    trace: tuple[str, ...]
    digest: str


def schedule_of(seed: int) -> str:
    """Return which schedule the run of a seed has; what goes wrong there does not depend on it."""
    return random.Random(f"schedule {seed}").choice(list(SCHEDULES))


def carried_out(
    seed: int,
    faults: Sequence[Fault] | None = None,
    *,
    schedule: str | None = None,
    kinds: Sequence[str] | None = None,
    trace: bool = False,
) -> Outcome:
    """Carry out the schedule of a seed.

    Parameters
    ----------
    seed : int
        Decides everything.
    faults : sequence of Fault or None
        Other faults than those of the seed.
    schedule : str or None
        Another one of `SCHEDULES` than that of the seed.
    kinds : sequence of str or None
        Kinds of faults that the seed may choose from; None for those that are chosen from by default.
    trace : bool
        Whether to note what happens.
    """
    faults = faults_of(seed, kinds) if faults is None else faults
    schedule = schedule or schedule_of(seed)
    world = World(seed, faults, schedule)
    world.trace = [] if trace else None
    try:
        world.run()
        found = violations(world)
    except Stuck:
        found = ["it does not come to an end"]
    # HDF5 writes down when, in the time of the real world, it has made what
    files = [(path, len(text) if path.endswith(".h5") else text) for path, text in sorted(world.files.files().items())]
    state = (world.scheduler.steps, world.scheduler.now, files, world.endings, found)
    digest = hashlib.sha256(repr(state).encode()).hexdigest()
    happened, lines = tuple(world.happened), tuple(world.trace or ())
    return Outcome(seed, schedule, tuple(faults), happened, tuple(found), lines, digest)


def shrunk(outcome: Outcome) -> Outcome:
    """Return a schedule with as few faults as show that something does not hold; `outcome` shows it."""
    smallest, place = outcome, 0
    while place < len(smallest.faults):
        faults = [*smallest.faults[:place], *smallest.faults[place + 1 :]]
        fewer = carried_out(outcome.seed, faults, schedule=outcome.schedule)
        if fewer.violations:
            smallest = fewer
        else:
            place += 1
    return smallest
