"""What the soak optimises: a model that sleeps and says what it does, on hosts whose clocks may be wrong."""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from orchestrator.config.file import load_config
from orchestrator.config.model import Config
from orchestrator.optimisers import Asked, Told, create_optimiser
from orchestrator.records import Outcome
from orchestrator.schedules.base import Search
from orchestrator.schedules.replay import replay
from targets import ranked_score_of

SIZE = 12
# a simulation that begins leaves a line, one that has ended, and one that has delivered; a result is delivered in the
# way that the file `spoil` says, for once. The times are those of the file system, whatever `time.time` says.
MODEL = """
import json, os, time
from pathlib import Path

HERE = Path(__file__).parent


def note(attempt, event, **more):
    now, wrong = time.clock_gettime(time.CLOCK_REALTIME), time.time()
    line = {"event": event, "time": now, "ahead": round(wrong - now), "attempt": attempt.parts[-3:], **more}
    with open(HERE / "simulated", "a") as log:
        log.write(json.dumps(line) + "\\n")


def fault(attempt):
    mine = HERE / "spoilt" / ".".join(attempt.parts[-3:])
    try:
        (HERE / "spoil").rename(mine)
    except FileNotFoundError:
        return ""
    return mine.read_text()


def deliver_in_its_own_way(attempt):
    import orchestrator.node.evaluate as job

    def deliver(path, data):
        how, text = fault(attempt), json.dumps(data)
        if how == "truncated":
            path.write_text(text[:len(text) // 2])
        elif how == "empty":
            path.write_text("")
        elif how == "of_other_types":
            whole(path, {**data, "values": "none", "seconds": [1]})
        elif how == "of_a_later_version":
            whole(path, {**data, "added_later": {"x": [1]}})
        else:
            if how == "seen_half_written":
                path.write_text(text[:len(text) // 2])
                time.sleep(3)
            whole(path, data)
        note(attempt, "delivered", how=how, outcome=data["outcome"])

    # a process that stays up has been here before
    whole = job.whole = getattr(job, "whole", job.write_json)
    job.write_json = deliver


def values(parameters):
    x, y = parameters["x"], parameters["y"]
    if y > 1.8:
        raise RuntimeError(f"y = {y} is too much")
    return {"rate": 10 * x, "cv": y**2}


def simulate(parameters, directory):
    attempt = directory.parent
    try:
        submitted = os.stat(attempt / "offspring.json").st_mtime
    except OSError:
        submitted = 0.0
    note(attempt, "begin", submitted=submitted)
    deliver_in_its_own_way(attempt)
    time.sleep(0.5 + 3 * parameters["x"])
    note(attempt, "end")
    return values(parameters)
"""
UNREADABLE = ("truncated", "empty", "of_other_types")
READABLE = ("seen_half_written", "of_a_later_version")
CONFIG: dict[str, Any] = {
    "parameters": {"x": [0, 1], "y": [-2, 2]},
    "optimiser_centroid": {"x": 0.9, "y": -1.5},
    "targets": [
        {"class": "ReturnedValue", "key": "rate", "target_value": 3, "norm": 1},
        {"class": "ReturnedValue", "key": "cv", "target_value": 1, "norm": 0.2},
    ],
    "offspring_size": SIZE,
    "max_ngen": 10_000,
    "timeout": 3600,
    # faults come so densely here that an offspring may well be lost more often than ever on a real cluster
    "jobs": {"poll_interval": 2, "result_grace": 3, "retries": 100},
    "simulation": {"type": "function", "function": "model:simulate"},
}
# what Python imports at its start: the clock on the wall is ahead by the seconds in a file of the host's name
CLOCK = """
import os, socket, time

_file = os.path.join({clocks!r}, os.environ.get("SLURMD_NODENAME") or socket.gethostname())
_right, _right_ns = time.time, time.time_ns


def _ahead():
    try:
        with open(_file) as file:
            return int(file.read())
    except FileNotFoundError:
        return 0


time.time = lambda: _right() + _ahead()
time.time_ns = lambda: _right_ns() + _ahead() * 10**9
"""
# files beside it say what a command does: `refuse`, `deny` (do it, and say that it failed), `hang`, `nothing`
COMMAND = """#!/bin/sh
here=$(dirname "$0")/{name}
while [ -e "$here.hang" ]; do sleep 0.1; done
if [ -e "$here.refuse" ]; then echo "{name}: error: Unable to contact slurm controller" >&2; exit 1; fi
if [ -e "$here.nothing" ]; then exit 0; fi
{real} "$@" || exit $?
if [ -e "$here.deny" ]; then echo "{name}: error: Socket timed out on send/recv operation" >&2; exit 1; fi
"""


class Clocks:
    """The clocks on the walls of all hosts and nodes.

    Parameters
    ----------
    directory : pathlib.Path
        Gets a file for each clock that is wrong, and what makes it wrong.
    """

    def __init__(self, directory: Path):
        self._clocks = directory / "ahead"
        self.path = directory / "python"
        for folder in (self._clocks, self.path):
            folder.mkdir(parents=True)
        (self.path / "sitecustomize.py").write_text(CLOCK.format(clocks=str(self._clocks)))

    def ahead(self, host: str) -> int:
        """Return by how much a host's clock is ahead, in s."""
        file = self._clocks / host
        return int(file.read_text()) if file.exists() else 0

    def set(self, host: str, ahead: int) -> None:
        """Let a host's clock jump."""
        new = self._clocks / f".{host}"
        new.write_text(str(ahead))
        new.replace(self._clocks / host)


def create_project(project: Path, schedule: str, together: int) -> None:
    """Write the model and its configuration, with a kind of schedule, and how many evaluations each job makes."""
    (project / "spoilt").mkdir(parents=True)
    (project / "model.py").write_text(MODEL)
    jobs = {**CONFIG["jobs"], "evaluations_per_job": together, "processes_per_job": min(together, 2)}
    (project / "config.yaml").write_text(yaml.safe_dump({**CONFIG, "schedule": schedule, "jobs": jobs}))


def wrap_commands(wrappers: Path, search_path: str) -> None:
    """Put scripts before SLURM's commands, for a PATH that begins with their folder."""
    wrappers.mkdir()
    for name in ("sbatch", "squeue"):
        (wrappers / name).write_text(COMMAND.format(name=name, real=shutil.which(name, path=search_path)))
        (wrappers / name).chmod(0o755)


def environment_of(clocks: Clocks, wrappers: Path, environment: dict[str, str]) -> dict[str, str]:
    """Return the variables of controllers, which jobs inherit."""
    wrap_commands(wrappers, environment["PATH"])
    path = [str(wrappers), str(Path(sys.executable).parent), environment["PATH"]]
    return {
        **environment,
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(clocks.path), os.environ.get("PYTHONPATH")])),
        "OMP_NUM_THREADS": "1",
    }


def undisturbed(project: Path, told: Sequence[Told]) -> list[Told]:
    """Return what the optimiser is told where nothing goes wrong, computed here without any cluster.

    Which evaluations are told together, and when something is asked for, is the cluster's doing if a schedule does not
    wait for generations: that is taken from what was told.

    Parameters
    ----------
    project : Path
        With the model and its configuration.
    told : sequence of Told
        What the optimiser of the run was told.

    Raises
    ------
    orchestrator.schedules.base.ReplayDiffers
        If other points are asked for than those in a checkpoint of a schedule that does not wait.
    """
    sys.path.insert(0, str(project))
    import model  # noqa: PLC0415  (the project's)

    config = load_config(project / "config.yaml")
    optimiser = create_optimiser(config.optimiser, config.problem())
    if config.schedule.kind != "generations":
        replay(Search(optimiser, config.space(), config.max_ngen, SIZE), told, {})
        return [_told(config, model, Asked(each.points, tuple(each.origins)), each.ids) for each in told]
    history: list[Told] = []
    while len(history) < len(told) and not (history and optimiser.stop()):
        asked = optimiser.ask()
        history.append(_told(config, model, asked, [(len(history), index) for index in range(len(asked.points))]))
        optimiser.tell(history[-1])
    return history


def _told(config: Config, model: Any, asked: Asked, ids: Sequence[tuple[int, int]]) -> Told:
    """Return what the model gives at points, as the optimiser is told it."""
    space, targets = config.space(), config.create_targets()
    rows, outcomes = [], []
    for point in asked.points:
        try:
            found = model.values(space.decode(point))
            rows.append([found["rate"], found["cv"]])
            outcomes.append(Outcome.OK)
        except RuntimeError:
            rows.append([math.nan, math.nan])
            outcomes.append(Outcome.SIMULATION_ERROR)
    scores = [
        [
            ranked_score_of(target, None if math.isnan(value) else value)
            for target, value in zip(targets, row, strict=True)
        ]
        for row in rows
    ]
    return Told(asked.points, np.array(rows), np.array(scores), outcomes, asked.origins, ids)
