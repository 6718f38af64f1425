"""A simulated world, again and again: controllers, hosts, clocks, a shared file system and SLURM, with faults in all.

    python benchmarks/world.py [--schedules 1000] [--first 0] [--processes 2]
    python benchmarks/world.py --seed 110 --trace

Each schedule is decided by its seed: who goes on when, what goes wrong, and how long everything takes. The program
itself is real, from ``orchestrator run --continue`` to ``python -m orchestrator.node``'s function in a job; the system
around it is `tests/simulated`. What does not hold at the end of a schedule is printed with its seed and with the fewest
of its faults that show it. The last line is one JSON object: ``schedules``, ``violations`` (how many schedules have
any), ``kinds`` (how many faults of each kind happened), ``seconds`` (CPU time of a schedule). Exit code 1 if something
does not hold.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from simulated.schedules import Outcome, carried_out, shrunk

_AT_ONCE = 50


def several(seeds: range) -> tuple[Counter[str], list[Outcome], float]:
    """Carry out some schedules; return what happened by kind, those in which something does not hold, and CPU time."""
    gc.set_threshold(200_000, 20, 20)  # worlds are circles of many small objects
    begin, kinds, failed = time.process_time(), Counter[str](), []
    for seed in seeds:
        outcome = carried_out(seed)
        kinds.update(outcome.happened)
        if outcome.violations:
            failed.append(shrunk(outcome))
    return kinds, failed, time.process_time() - begin


def at_once(parts: list[range], processes: int) -> Iterator[tuple[Counter[str], list[Outcome], float]]:
    """Carry out the parts in so many processes; yield what `several` returns, in the order of the parts."""
    if processes == 1:
        yield from map(several, parts)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(several, parts)


def told(outcome: Outcome) -> str:
    """Return what does not hold of a schedule, for people."""
    faults = "".join(f"\n  {fault}" for fault in outcome.faults)
    found = "".join(f"\n  {violation}" for violation in outcome.violations)
    return f"seed {outcome.seed}, of whose faults these suffice:{faults}\ndoes not hold:{found}\n"


def look_at(seed: int, *, trace: bool) -> int:
    """Carry out one schedule, shrink it, and print it; return the exit code."""
    outcome = carried_out(seed, trace=trace)
    if outcome.violations:
        fewest = shrunk(outcome)
        outcome = carried_out(seed, fewest.faults, trace=trace)
        print(told(outcome))
    if trace:
        print("\n".join(outcome.trace))
    print(json.dumps({"seed": seed, "faults": [str(fault) for fault in outcome.faults], "digest": outcome.digest}))
    return 1 if outcome.violations else 0


def main() -> int:
    """Carry out schedules, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="seed of the first one")
    parser.add_argument("--processes", type=int, default=1, help="how many work at once")
    parser.add_argument("--seed", type=int, help="only this one: with as few faults as show what does not hold")
    parser.add_argument("--trace", action="store_true", help="print what happens, with --seed")
    given = parser.parse_args()
    if given.seed is not None:
        return look_at(given.seed, trace=given.trace)
    last = given.first + given.schedules
    parts = [range(first, min(first + _AT_ONCE, last)) for first in range(given.first, last, _AT_ONCE)]
    kinds, violations, seconds = Counter[str](), 0, 0.0
    for happened, failed, taken in at_once(parts, given.processes):
        kinds.update(happened)
        violations += len(failed)
        seconds += taken
        for outcome in failed:
            print(told(outcome), flush=True)
    figures = {
        "schedules": given.schedules,
        "violations": violations,
        "kinds": dict(sorted(kinds.items())),
        "faults": sum(kinds.values()),
        "seconds": round(seconds / max(given.schedules, 1), 4),
    }
    print(json.dumps(figures))
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
