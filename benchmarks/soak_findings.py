"""What the soak makes sure of at its end: nothing lost, doubled, wrongly scored, or left."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from soak_project import UNREADABLE, undisturbed
from soak_surroundings import Away
from virtual_cluster import VirtualCluster

from orchestrator.checkpoint import Checkpoint
from orchestrator.optimisers.base import Told
from orchestrator.records import Outcome
from orchestrator.schedules.base import ReplayDiffers

# how long after a result is there another attempt may still be submitted, in s
_PATIENCE = 5.0


@dataclass
class Findings:
    """What is not as it should be, a line each.

    Parameters
    ----------
    evaluations : int
        How many the checkpoint has.
    wrong : list of str
        Evaluations with another point, value, score or outcome than in a run in which nothing goes wrong.
    lost : list of str
        Evaluations that are missing, or were not evaluated.
    doubled : list of str
        Evaluations that are in the checkpoint twice, and simulations that were begun again though nothing was lost.
    """

    evaluations: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


def check_checkpoint(project: Path, run: Path, simulations: Simulations) -> Findings:
    """Compare a run's checkpoint, bit for bit, with what the optimiser asks and is told where nothing goes wrong."""
    told = Checkpoint(run).told()
    rows = [(each, n) for each in told for n in range(len(each.ids))]
    found = Findings(evaluations=len(rows))
    got = {tell.ids[n]: (tell, n) for tell, n in rows}
    counts = Counter(tell.ids[n] for tell, n in rows)
    found.doubled += [f"{_named(key)} is in the checkpoint {n} times" for key, n in counts.items() if n > 1]
    try:
        right_ones = undisturbed(project, told)
    except ReplayDiffers as error:
        found.wrong.append(str(error))
        return found
    expected = {each.ids[n]: (each, n) for each in right_ones for n in range(len(each.ids))}
    # with a schedule that does not wait, what is expected is what was asked for: that was simulated
    for key in simulations.offspring - expected.keys():
        found.lost.append(f"{_named(key)} was simulated, and is missing")
    found.wrong += [f"{_named(key)} was never asked for" for key in got.keys() - expected.keys()]
    for key, (right, m) in expected.items():
        if key not in got:
            found.lost.append(f"{_named(key)} is missing")
            continue
        tell, n = got[key]
        if np.isnan(tell.scores[n]).all():
            found.lost.append(f"{_named(key)} was not evaluated: {tell.outcomes[n].value}")
        elif other := list(_differences(tell, n, right, m)):
            found.wrong.append(f"{_named(key)}, expected and got: {'; '.join(other)}")
    return found


def _differences(told: Told, n: int, right: Told, m: int) -> Iterator[str]:
    for name in ("points", "values", "scores"):
        one, other = getattr(right, name)[m], getattr(told, name)[n]
        if not np.array_equal(one, other, equal_nan=True):
            yield f"{name} {one} {other}"
    if right.outcomes[m] != told.outcomes[n]:
        yield f"{right.outcomes[m].value} {told.outcomes[n].value}"


def _named(key: Sequence[object]) -> str:
    return f"generation {key[0]} offspring {key[1]}"


class Simulations:
    """What the model has noted of its simulations.

    Parameters
    ----------
    file : pathlib.Path
        Its lines.
    """

    def __init__(self, file: Path):
        self._lines = [json.loads(line) for line in file.read_text().splitlines()]
        self.begun = [line for line in self._lines if line["event"] == "begin"]

    @property
    def offspring(self) -> set[tuple[int, int]]:
        """Generation and index of each that was simulated."""
        return {(int(line["attempt"][0]), int(line["attempt"][1])) for line in self.begun}

    @property
    def with_wrong_clock(self) -> int:
        """How many began under a clock that was wrong."""
        return sum(line["ahead"] != 0 for line in self.begun)

    def repetitions(self, log: str, away: Sequence[Away]) -> list[str]:
        """Return those that were begun again though nothing had been lost.

        Parameters
        ----------
        log : str
            What the controllers have logged.
        away : sequence of Away
            When no results could be seen.
        """
        lost = Counter(re.findall(r"generation (\d+) offspring (\d+): attempt lost", log))
        found = []
        for attempt, n in Counter(tuple(line["attempt"]) for line in self.begun).items():
            if n > 1:
                found.append(f"attempt {'/'.join(attempt)} was simulated {n} times")
        for offspring, n in Counter(tuple(line["attempt"][:2]) for line in self.begun).items():
            if n > 1 + lost[offspring]:
                found.append(f"{_named(offspring)} was simulated {n} times, and lost {lost[offspring]} times")
        return found + [said for line in self.begun if (said := self._too_late(line, away))]

    def _too_late(self, begun: dict[str, Any], away: Sequence[Away]) -> str:
        """Return what is wrong with an attempt that was submitted when the result of another one was there."""
        for line in self._lines:
            # that a simulation failed because its folder was away is no result
            if line["event"] != "delivered" or line["how"] in UNREADABLE or Outcome(line["outcome"]).infrastructure:
                continue
            same = line["attempt"][:2] == begun["attempt"][:2] and line["attempt"] != begun["attempt"]
            delivered, submitted = line["time"], begun["submitted"] or begun["time"]
            hidden = any(each.begin < submitted and delivered < each.end + _PATIENCE for each in away)
            if same and submitted > delivered + _PATIENCE and not hidden:
                names = ["/".join(each["attempt"]) for each in (begun, line)]
                return f"attempt {names[0]} was submitted {submitted - delivered:.1f} s after {names[1]} had delivered"
        return ""


def left_behind(cluster: VirtualCluster, run: Path) -> list[str]:
    """Return the jobs, processes and files that are left once the run is done."""

    def jobs() -> list[str]:
        return cluster.run("squeue", "-h", "-r", "-o", "job %i %T").splitlines()

    # a job that nobody knows ends by itself after a minute
    end = time.monotonic() + 180
    while (jobs() or cluster.job_processes()) and time.monotonic() < end:
        time.sleep(0.5)
    processes = [f"process {process.command()}" for process in cluster.job_processes()]
    files = [*(run / "generations").iterdir(), *run.glob(".*"), *run.glob("*lock|*"), *run.parent.glob("*.away")]
    return [*jobs(), *processes, *map(str, files)]
