"""CPU time that does not depend on how busy the machine is: seconds of the reference machine."""

from __future__ import annotations

import resource
import time

import numpy as np

# CPU time in s that `workload` takes on the reference, a core that has its caches for itself: the least of 200 calls,
# as `python -m cpu_time` in this directory prints it
REFERENCE = 0.048


def cpu_seconds() -> float:
    """Return the CPU time of this process so far in s, that of its subprocesses that have ended included."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def workload() -> float:
    """Do what is always the same, in pure Python and numpy by halves, and return the CPU time in s that it took."""
    before = time.process_time()
    counts: dict[int, int] = {}
    for n in range(180_000):
        counts[n % 1000] = counts.get(n % 1000, 0) + n
    values = np.random.default_rng(0).random(300_000)
    for _ in range(5):
        values = np.sort(np.sqrt(values**2 + 1)[::-1])
    return time.process_time() - before


def slowdown(tries: int = 3) -> float:
    """Return how many times longer than the reference this machine takes for the same work, right now."""
    return sorted(workload() for _ in range(tries))[tries // 2] / REFERENCE


def normalised(seconds: float, limit: float) -> float:
    """Return a CPU time in s as the reference would have had it; one below the limit is returned as it is.

    A core that is shared with other programs has a smaller part of caches and of memory's bandwidth for itself, and may
    run two threads at once: the same work then takes up to three times the CPU time.
    """
    return seconds if seconds <= limit else seconds / slowdown()


if __name__ == "__main__":
    print(f"{min(workload() for _ in range(200)):.4f}")
