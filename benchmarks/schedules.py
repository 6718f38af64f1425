"""How many hours a fit takes with each schedule: a search on a bed of `beds.py`, with the times of jobs made up.

    python benchmarks/schedules.py [--bed A20] [--score 17] [--slots 16] [--size 16] [--seeds 8] [--first 0] [--jobs 2]

A job waits in the queue, exponentially distributed with a mean of 0.2 h, and in 5 % of the cases a further 2 h; it runs
for a lognormal time with a median of 1 h and sigma 0.35, in 2 % of the cases three times as long, and for 0.15 of it if
it explodes. At most ``--slots`` run at once. The schedules are the program's own, with its optimiser; time is
simulated. Counted are the hours until the true total score of the best evaluation so far is not above ``--score``. The
last line is one JSON object: ``hours``, medians over the seeds by schedule and method (null if not reached in most),
and ``evaluations`` likewise.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import multiprocessing
import os
import time
from dataclasses import dataclass
from functools import partial

# one process for each seed: more threads would only wait for each other
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from beds import NAMES, Bed, bed_of

from orchestrator.optimisers import create_optimiser
from orchestrator.optimisers.cma import CMAOptions
from orchestrator.records import Evaluation, Offspring, Outcome, Result
from orchestrator.schedules import Schedule, Search
from orchestrator.schedules.generations import GenerationsOptions
from orchestrator.schedules.registry import create_schedule
from orchestrator.schedules.rolling import RollingOptions

SIGMA = 0.2


@dataclass(frozen=True)
class Policy:
    """A schedule, its timeout in h, and whether the model proposes points."""

    options: GenerationsOptions | RollingOptions
    timeout: float
    model: str


WAYS: dict[str, tuple[GenerationsOptions | RollingOptions, float]] = {
    "generations, wait for all": (GenerationsOptions(), math.inf),
    "generations, timeout 3 h": (GenerationsOptions(), 3.0),
    "close at 75 %": (GenerationsOptions(close_at=0.75), math.inf),
    "rolling": (RollingOptions(kind="rolling"), math.inf),
}
POLICIES = {
    f"{way}{suffix}": Policy(*WAYS[way], model)
    for suffix, model in ((" + model", "targets"), ("", "none"))
    for way in WAYS
}


class Cluster:
    """Jobs in simulated time.

    Parameters
    ----------
    slots : int
        Jobs that run at once.
    timeout : float
        Of a job from its submission, in h.
    rng : numpy.random.Generator
        Decides how long they take.
    """

    def __init__(self, slots: int, timeout: float, rng: np.random.Generator):
        self._free = [0.0] * slots
        self._timeout = timeout
        self._rng = rng
        self._running: list[tuple[float, tuple[int, int], Offspring, bool]] = []
        self.now = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in flight."""
        return not self._running

    def submit(self, offspring: Offspring, *, explodes: bool) -> None:
        """Give a job its times."""
        rng = self._rng
        wait = rng.exponential(0.2) + (rng.exponential(2.0) if rng.random() < 0.05 else 0.0)
        length = rng.lognormal(0.0, 0.35) * (3.0 if rng.random() < 0.02 else 1.0) * (0.15 if explodes else 1.0)
        end = max(self.now + wait, heapq.heappop(self._free)) + length
        late = end > self.now + self._timeout
        end = min(end, self.now + self._timeout)
        heapq.heappush(self._free, end)
        heapq.heappush(self._running, (end, offspring.key, offspring, late))

    def next(self) -> tuple[Offspring, bool]:
        """Go on to when the next one ends; return it, and whether its time was over."""
        self.now, _, offspring, late = heapq.heappop(self._running)
        return offspring, late


def evaluated(bed: Bed, offspring: Offspring, rng: np.random.Generator, *, late: bool) -> Evaluation:
    """Return what comes back."""
    values, works = bed.simulated(np.array([offspring.point]), rng)
    values = np.full_like(values, math.nan) if late else values
    outcome = Outcome.TIMEOUT if late else Outcome.OK if works[0] else Outcome.EXPLODED
    scores = tuple(bed.scores(values)[0].tolist())
    return Evaluation(offspring, Result(outcome), tuple(values[0].tolist()), scores, attempts=1, submitted=0.0)


def search(bed: Bed, policy: Policy, seed: int, given: argparse.Namespace) -> tuple[float, float]:
    """Return hours and evaluations until the best is good enough, infinite if the budget is spent before."""
    optimiser = create_optimiser(
        CMAOptions.model_validate({"model": policy.model}), bed.problem(seed, given.size, SIGMA)
    )
    most = given.evaluations // given.size
    schedule: Schedule = create_schedule(
        policy.options, Search(optimiser, bed.space, max_ngen=most, size=given.size, at_once=given.slots)
    )
    rng = np.random.default_rng([seed, 1])
    cluster = Cluster(given.slots, policy.timeout, np.random.default_rng([seed, 2]))
    least, count = math.inf, 0
    schedule.resume([], {})
    while True:
        while offspring := schedule.next():
            for each in offspring:
                cluster.submit(each, explodes=not bed.values(bed.snapped(np.array([each.point])))[1][0])
        if cluster.is_idle:
            return math.inf, math.inf
        landed, late = cluster.next()
        evaluation = evaluated(bed, landed, rng, late=late)
        count += 1
        if evaluation.total_score < least:
            least = evaluation.total_score
            if bed.true_total(np.array([landed.point]))[0] <= given.score:
                return cluster.now, float(count)
        schedule.take(evaluation)
        while block := schedule.due():
            schedule.state()
            schedule.tell(block)


def _search(seed: int, *, name: str, given: argparse.Namespace) -> tuple[float, float]:
    return search(bed_of(given.bed), POLICIES[name], seed, given)


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bed", choices=NAMES, default="A20")
    parser.add_argument("--score", type=float, default=17.0, help="true total score that is good enough")
    parser.add_argument("--slots", type=int, default=16, help="jobs at once")
    parser.add_argument("--size", type=int, default=16, help="evaluations of a generation")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--evaluations", type=int, default=1600, help="at most")
    parser.add_argument("--policies", nargs="+", choices=POLICIES, default=list(POLICIES), metavar="POLICY")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    begin, hours, evaluations = time.perf_counter(), {}, {}
    for name in given.policies:
        with multiprocessing.Pool(given.jobs) as pool:
            seeds = range(given.first, given.first + given.seeds)
            found = np.array(pool.map(partial(_search, name=name, given=given), seeds, chunksize=1))
        middle, low, high = (np.quantile(found, q, axis=0, method="nearest") for q in (0.5, 0.25, 0.75))
        print(f"{name:35s} {middle[0]:5.1f} h [{low[0]:.1f}-{high[0]:.1f}], {middle[1]:.0f} evaluations", flush=True)
        hours[name], evaluations[name] = ((float(x) if math.isfinite(x) else None) for x in np.median(found, axis=0))
    figures = {
        "bed": given.bed,
        "score": given.score,
        "slots": given.slots,
        "size": given.size,
        "seeds": given.seeds,
        "hours": {name: None if each is None else round(each, 1) for name, each in hours.items()},
        "evaluations": evaluations,
        "seconds": round(time.perf_counter() - begin, 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
