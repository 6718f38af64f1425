"""A simulated world, again and again: controllers, hosts, clocks, a shared file system and SLURM, with faults in all.

    python benchmarks/world.py [--schedules 1000] [--first 0] [--processes 2]
    python benchmarks/world.py --seed 110 --trace

Each schedule is decided by its seed: how the run asks and tells (generations, generations that are closed early,
rolling), who goes on when, what goes wrong, and how long everything takes. The program
itself is real, from ``orchestrator run --continue`` to ``python -m orchestrator.node``'s function in a job; the system
around it is `tests/simulated`. What does not hold at the end of a schedule is printed with its seed and with the fewest
of its faults that show it. The last line is one JSON object: ``schedules``, ``violations`` (how many schedules have
any), ``kinds`` (how many faults of each kind happened), ``runs`` (how many schedules had a run of each kind),
``seconds`` (CPU time of a schedule). Exit code 1 if something does not hold.
"""

from __future__ import annotations

import argparse
import functools
import gc
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from simulated.schedules import Outcome, carried_out, shrunk
from simulated.world import SCHEDULES

_AT_ONCE = 50


@dataclass
class Figures:
    """What came of some schedules: faults by kind, runs by their schedule, what does not hold, and CPU time in s."""

    kinds: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    failed: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: Figures) -> None:
        """Add those of others."""
        self.kinds.update(other.kinds)
        self.runs.update(other.runs)
        self.failed += other.failed
        self.seconds += other.seconds


def several(seeds: range, schedule: str | None) -> Figures:
    """Carry out some schedules."""
    gc.set_threshold(200_000, 20, 20)  # worlds are circles of many small objects
    begin, figures = time.process_time(), Figures()
    for seed in seeds:
        outcome = carried_out(seed, schedule=schedule)
        figures.kinds.update(outcome.happened)
        figures.runs[outcome.schedule] += 1
        if outcome.violations:
            figures.failed.append(shrunk(outcome))
    figures.seconds = time.process_time() - begin
    return figures


def at_once(parts: list[range], processes: int, schedule: str | None) -> Iterator[Figures]:
    """Carry out the parts in so many processes; yield their figures in the order of the parts."""
    work = functools.partial(several, schedule=schedule)
    if processes == 1:
        yield from map(work, parts)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(work, parts)


def told(outcome: Outcome) -> str:
    """Return what does not hold of a schedule, for people."""
    faults = "".join(f"\n  {fault}" for fault in outcome.faults)
    found = "".join(f"\n  {violation}" for violation in outcome.violations)
    which = f"seed {outcome.seed}, schedule {outcome.schedule}, of whose faults these suffice"
    return f"{which}:{faults}\ndoes not hold:{found}\n"


def look_at(seed: int, schedule: str | None, *, trace: bool) -> int:
    """Carry out one schedule, shrink it, and print it; return the exit code."""
    outcome = carried_out(seed, schedule=schedule, trace=trace)
    if outcome.violations:
        fewest = shrunk(outcome)
        outcome = carried_out(seed, fewest.faults, schedule=schedule, trace=trace)
        print(told(outcome))
    if trace:
        print("\n".join(outcome.trace))
    faults = [str(fault) for fault in outcome.faults]
    print(json.dumps({"seed": seed, "schedule": outcome.schedule, "faults": faults, "digest": outcome.digest}))
    return 1 if outcome.violations else 0


def main() -> int:
    """Carry out schedules, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="seed of the first one")
    parser.add_argument("--processes", type=int, default=1, help="how many work at once")
    parser.add_argument("--seed", type=int, help="only this one: with as few faults as show what does not hold")
    parser.add_argument("--schedule", choices=SCHEDULES, help="of all runs; left out, the seed decides")
    parser.add_argument("--trace", action="store_true", help="print what happens, with --seed")
    given = parser.parse_args()
    if given.seed is not None:
        return look_at(given.seed, given.schedule, trace=given.trace)
    last = given.first + given.schedules
    parts = [range(first, min(first + _AT_ONCE, last)) for first in range(given.first, last, _AT_ONCE)]
    all_of_them = Figures()
    for figures in at_once(parts, given.processes, given.schedule):
        all_of_them.add(figures)
        for outcome in figures.failed:
            print(told(outcome), flush=True)
    last_line = {
        "schedules": given.schedules,
        "violations": len(all_of_them.failed),
        "kinds": dict(sorted(all_of_them.kinds.items())),
        "runs": dict(sorted(all_of_them.runs.items())),
        "faults": sum(all_of_them.kinds.values()),
        "seconds": round(all_of_them.seconds / max(given.schedules, 1), 4),
    }
    print(json.dumps(last_line))
    return 1 if all_of_them.failed else 0


if __name__ == "__main__":
    sys.exit(main())
