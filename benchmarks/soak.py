"""Random faults of a real SLURM, and of the controller, under short simulations: nothing may be lost or done twice.

    python benchmarks/soak.py [--minutes 20] [--offspring 300] [--seed 1]

Runs a virtual cluster of its own and breaks it and the controller, in an order that the seed decides, for at least so
long and so many evaluations, or until the optimiser has converged. Then lets the run end in peace, compares the
checkpoint bit for bit with what the optimiser asks where nothing goes wrong, and counts what was simulated. Exit code 1
if anything differs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from slurm_configuration import ClusterSettings
from virtual_cluster import ClusterError, VirtualCluster

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.file import load_config
from orchestrator.optimisers import create_optimiser
from orchestrator.optimisers.base import Told
from orchestrator.records import Outcome
from targets import ranked_score_of

SIZE = 12
# a begun simulation leaves a line, and so does one that has ended
MODEL = """
import json, time
from pathlib import Path


def note(directory, event):
    with open(Path(__file__).parent / "simulated", "a") as log:
        log.write(json.dumps({"event": event, "time": time.time(), "attempt": directory.parts[-4:-1]}) + "\\n")


def values(parameters):
    x, y = parameters["x"], parameters["y"]
    if y > 1.8:
        raise RuntimeError(f"y = {y} is too much")
    return {"rate": 10 * x, "cv": y**2}


def simulate(parameters, directory):
    note(directory, "begin")
    time.sleep(0.5 + 3 * parameters["x"])
    note(directory, "end")
    return values(parameters)
"""
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
SBATCH = """#!/bin/sh
here=$(dirname "$0")
if [ -e "$here/refuse" ]; then echo "sbatch: error: Unable to contact slurm controller" >&2; exit 1; fi
{real} "$@" || exit $?
if [ -e "$here/deny" ]; then echo "sbatch: error: Socket timed out on send/recv operation" >&2; exit 1; fi
"""


class Controller:
    """The controller under test, started anew whenever it was stopped."""

    def __init__(self, project: Path, environment: dict[str, str]):
        self._project = project
        self._environment = environment
        self.log = project / "output"
        self.memory: list[int] = []
        self.starts = 0
        self.max_ngen: int | None = None
        self.process = self.start()

    @property
    def run(self) -> Path | None:
        """The run directory."""
        return next(iter(self._project.glob("*_Optimization")), None)

    @property
    def generations(self) -> int:
        """How many are in the checkpoint."""
        begun = self.run is not None and (self.run / "checkpoint.h5").exists()
        return Checkpoint(self.run).n_generations if begun else 0

    def finish(self) -> None:
        """Let the run end with the generation in flight."""
        self.max_ngen = self.generations + 1
        self.process.terminate()

    def start(self) -> subprocess.Popen[bytes]:
        """Start the run, or continue it."""
        self.starts += 1
        begun = self.run is not None and (self.run / "checkpoint.h5").exists()
        arguments = ["--continue", str(self.run)] if begun else ["config.yaml"]
        if self.max_ngen is not None:
            arguments += ["--set", f"max_ngen={self.max_ngen}"]
        code = "from orchestrator.cli import main; main()"
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, "run", *arguments],
                cwd=self._project,
                env=self._environment,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )
        return self.process

    def ended(self) -> bool:
        """Whether it is done; a controller that was stopped is started again."""
        code = self.process.poll()
        if code is None:
            self.memory.append(psutil.Process(self.process.pid).memory_info().rss)
            return False
        if code == 0:
            return True
        if code in (3, -signal.SIGKILL, -signal.SIGTERM):  # the last where it has not yet begun to listen
            self.start()
            return False
        raise SystemExit(f"the controller ended with exit code {code}:\n{self.log.read_text()[-3000:]}")


class Faults:
    """Breaks things, one at a time, and mends them."""

    def __init__(self, cluster: VirtualCluster, controller: Controller, wrappers: Path, chance: random.Random):
        self._cluster = cluster
        self._controller = controller
        self._wrappers = wrappers
        self._chance = chance
        self.done: Counter[str] = Counter()
        self._faults: list[Callable[[], None]] = [
            *(self._kill_controller, self._stop_controller, self._kill_controller_twice, self._start_second_controller),
            *(self._cancel_job, self._cancel_job, self._suspend_job, self._hold_job, self._kill_node_daemon),
            *(
                self._set_node_down,
                self._crash_node,
                self._restart_slurmctld,
                self._kill_slurmctld,
                self._freeze_slurmctld,
            ),
            *(self._refuse_submissions, self._deny_submissions, self._close_partition),
        ]

    def inject(self) -> None:
        """Inject one fault."""
        fault = self._chance.choice(self._faults)
        name = fault.__name__.removeprefix("_")
        self.done[name] += 1
        try:
            fault()
        except ClusterError as error:  # such as a job that has ended meanwhile
            self.done[f"{name} in vain"] += 1
            print(f"  {name}: {str(error).splitlines()[0]}", flush=True)

    def administrate(self) -> None:
        """Resume nodes that SLURM has drained, such as where it gave a job an id that they know already."""
        with contextlib.suppress(ClusterError):
            for node, state in self._cluster.node_states().items():
                if state.startswith("drain"):
                    self._cluster.run("scontrol", "update", f"nodename={node}", "state=resume")
                    self.done["drained nodes resumed"] += 1

    def _pause(self, longest: float) -> None:
        time.sleep(self._chance.uniform(0.2, longest))

    def _node(self) -> str:
        return f"n{self._chance.randint(1, 4)}"

    def _job(self, state: str) -> str | None:
        jobs = self._cluster.run("squeue", "-h", "-r", "-t", state, "-o", "%i").split()
        return self._chance.choice(jobs) if jobs else None

    def _kill_controller(self) -> None:
        self._controller.process.kill()

    def _kill_controller_twice(self) -> None:
        for _ in range(2):
            self._controller.process.kill()
            self._controller.process.wait()
            if self._controller.ended():
                return
            self._pause(1.5)

    def _stop_controller(self) -> None:
        self._controller.process.terminate()

    def _start_second_controller(self) -> None:
        """Start another one; where both have just begun, either may be refused."""
        both = [self._controller.process, self._controller.start()]
        end = time.monotonic() + 120
        while all(process.poll() is None for process in both):
            if time.monotonic() > end:
                raise SystemExit("two controllers work on one run")
            time.sleep(0.1)
        refused = next(process for process in both if process.poll() is not None)
        if refused.returncode == 2:
            self._controller.process = next(process for process in both if process is not refused)

    def _cancel_job(self) -> None:
        if job := self._job("RUNNING"):
            self._cluster.run("scancel", job)

    def _suspend_job(self) -> None:
        if job := self._job("RUNNING"):
            self._cluster.run("scontrol", "suspend", job)
            self._pause(5)
            self._cluster.run("scontrol", "resume", job)

    def _hold_job(self) -> None:
        if job := self._job("PENDING"):
            self._cluster.run("scontrol", "hold", job)
            self._pause(5)
            self._cluster.run("scontrol", "release", job)

    def _set_node_down(self) -> None:
        node = self._node()
        self._cluster.run("scontrol", "update", f"nodename={node}", "state=down", "reason=soak")
        self._pause(5)
        self._cluster.run("scontrol", "update", f"nodename={node}", "state=resume")

    def _kill_node_daemon(self) -> None:
        node = self._node()
        self._cluster.kill(node)
        self._pause(5)
        self._cluster.launch(node)

    def _crash_node(self) -> None:
        node = self._node()
        self._cluster.crash_node(node)
        self._pause(25)
        self._cluster.launch(node)

    def _restart_slurmctld(self) -> None:
        self._cluster.terminate("slurmctld")
        self._pause(8)
        self._cluster.launch("slurmctld")

    def _kill_slurmctld(self) -> None:
        self._cluster.kill("slurmctld")
        self._pause(3)
        self._cluster.launch("slurmctld")

    def _freeze_slurmctld(self) -> None:
        self._cluster.signal("slurmctld", signal.SIGSTOP)
        self._pause(15)
        self._cluster.signal("slurmctld", signal.SIGCONT)

    def _refuse_submissions(self) -> None:
        self._break_sbatch("refuse")

    def _deny_submissions(self) -> None:
        """Submit, and say that it failed."""
        self._break_sbatch("deny")

    def _break_sbatch(self, how: str) -> None:
        (self._wrappers / how).touch()
        self._pause(6)
        (self._wrappers / how).unlink()

    def _close_partition(self) -> None:
        self._cluster.run("scontrol", "update", "partition=main", "state=down")
        self._pause(5)
        self._cluster.run("scontrol", "update", "partition=main", "state=up")


def undisturbed(project: Path, generations: int) -> list[Told]:
    """Return what the optimiser is told where nothing goes wrong, computed here without any cluster."""
    sys.path.insert(0, str(project))
    import model  # noqa: PLC0415  (the project's)

    config = load_config(project / "config.yaml")
    space, targets = config.space(), config.create_targets()
    optimiser = create_optimiser(config.optimiser, config.problem())
    history: list[Told] = []
    while len(history) < generations and not (history and optimiser.stop()):
        points = optimiser.ask().points
        rows, outcomes = [], []
        for point in points:
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
        history.append(Told(points, np.array(rows), np.array(scores), outcomes))
        optimiser.tell(history[-1])
    return history


def differences(told: list[Told], expected: list[Told]) -> list[str]:
    """Return what is not bit for bit the same."""
    found = [] if len(told) == len(expected) else [f"{len(told)} generations, expected {len(expected)}"]
    for number, (one, other) in enumerate(zip(told, expected, strict=False)):
        for name in ("points", "values", "scores"):
            if not np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True):
                found.append(f"generation {number}: other {name}")
        if list(one.outcomes) != list(other.outcomes):
            found.append(f"generation {number}: other outcomes {[outcome.value for outcome in one.outcomes]}")
    return found


def repetitions(project: Path, run: Path) -> tuple[int, list[str]]:
    """Return how many simulations have begun, and those that were begun again though nothing had been lost."""
    lines = [json.loads(line) for line in (project / "simulated").read_text().splitlines()]
    begun = [line for line in lines if line["event"] == "begin"]
    log = (run / "controller.log").read_text()
    lost = Counter(re.findall(r"generation (\d+) offspring (\d+): attempt lost", log))
    frame = Checkpoint(run).evaluations()
    finished = {(str(row.generation), str(row.offspring)): row.finished for row in frame.itertuples()}
    found = []
    for attempt, n in Counter(tuple(line["attempt"]) for line in begun).items():
        if n > 1:
            found.append(f"attempt {'/'.join(attempt)} was simulated {n} times")
    for offspring, n in Counter(tuple(line["attempt"][:2]) for line in begun).items():
        if n > 1 + lost[offspring]:
            found.append(f"offspring {'/'.join(offspring)} was simulated {n} times, and lost {lost[offspring]} times")
    for line in begun:
        if line["time"] > finished.get(tuple(line["attempt"][:2]), math.inf) + 1:
            found.append(f"attempt {'/'.join(line['attempt'])} began after its offspring was finished")
    return len(begun), found


def left_behind(cluster: VirtualCluster, run: Path) -> list[str]:
    """Return the jobs, processes and directories that are left once the run is done."""
    end = time.monotonic() + 60
    while cluster.job_processes() and time.monotonic() < end:
        time.sleep(0.5)
    alive = cluster.run("squeue", "-h", "-r", "-o", "job %i %T").splitlines()
    processes = [f"process {process.command()}" for process in cluster.job_processes()]
    return [*alive, *processes, *map(str, (run / "generations").iterdir()), *map(str, run.glob(".*"))]


def soak(directory: Path, minutes: float, offspring: int, seed: int) -> dict[str, Any]:
    """Run the optimisation under faults; return the figures."""
    chance = random.Random(seed)
    project, wrappers = directory / "project", directory / "wrappers"
    for folder in (project, wrappers):
        folder.mkdir()
    generations = math.ceil(offspring / SIZE)
    (project / "model.py").write_text(MODEL)
    (project / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    settings = ClusterSettings(extra=["SlurmdTimeout=10"])
    begin = time.monotonic()
    with VirtualCluster(directory / "c", settings) as cluster:
        environment = {**cluster.environment(), "OMP_NUM_THREADS": "1"}
        sbatch = shutil.which("sbatch", path=environment["PATH"])
        (wrappers / "sbatch").write_text(SBATCH.format(real=sbatch))
        (wrappers / "sbatch").chmod(0o755)
        environment["PATH"] = os.pathsep.join([str(wrappers), str(Path(sys.executable).parent), environment["PATH"]])
        controller = Controller(project, environment)
        faults = Faults(cluster, controller, wrappers, chance)
        while not controller.ended():
            # the first generation may begin in peace, and the last end: a run that cannot end proves nothing
            if controller.max_ngen is not None or controller.run is None:
                pass
            elif time.monotonic() - begin < 60 * minutes or controller.generations < generations:
                faults.administrate()
                faults.inject()
            else:
                controller.finish()
            end = time.monotonic() + chance.uniform(0.5, 6)
            while time.monotonic() < end and not controller.ended():
                time.sleep(0.2)
        run = controller.run or project
        told = Checkpoint(run).told()
        found = differences(told, undisturbed(project, len(told)))
        begun, repeated = repetitions(project, run)
        left = left_behind(cluster, run)
        third = max(1, len(controller.memory) // 3)
        early, late = statistics.median(controller.memory[:third]), statistics.median(controller.memory[-third:])
    for line in (*found, *repeated, *left):
        print(f"NOT AS IT SHOULD BE: {line}")
    return {
        "seed": seed,
        "minutes": round((time.monotonic() - begin) / 60, 1),
        "evaluations": sum(len(one.points) for one in told),
        "simulations_begun": begun,
        "faults": dict(sorted(faults.done.items())),
        "controllers": controller.starts,
        "different": len(found),
        "done_twice": len(repeated),
        "left_behind": len(left),
        "memory_mb": round(late / 2**20, 1),
        "memory_growth": round(late / early, 3),
        "tracebacks": controller.log.read_text().count("Traceback"),
    }


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0, help="how long faults are injected")
    parser.add_argument("--offspring", type=int, default=300, help="least number of evaluations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="an empty directory for the project, left where it is")
    options = parser.parse_args()
    directory = options.keep or Path(tempfile.mkdtemp(prefix="soak-"))
    directory.chmod(0o755)
    try:
        figures = soak(directory, options.minutes, options.offspring, options.seed)
    finally:
        if options.keep is None:
            shutil.rmtree(directory, ignore_errors=True)
    print(json.dumps(figures))
    return int(any(figures[key] for key in ("different", "done_twice", "left_behind", "tracebacks")))


if __name__ == "__main__":
    sys.exit(main())
