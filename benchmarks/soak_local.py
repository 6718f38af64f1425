"""Random faults of processes, disk and controllers under cheap evaluations on this machine: nothing may be lost.

    python benchmarks/soak_local.py [--minutes 5] [--generations 200] [--seed 1]

A run of a function in processes that stay up (`local.stay`) is broken in an order that the seed decides: its controller
and its processes are killed, ended, suspended, and hear that a terminal was closed; its disk is filled (which takes
root, for a disk of its own). It is continued whenever it has ended, until it is over. Then its checkpoint is compared
bit for bit with that of a run in which nothing went wrong, and what was called is counted. The last line is one JSON
object: ``evaluations``, ``faults`` (how many, and ``kinds``: of each kind), ``wrong`` (evaluations that differ),
``lost``, ``repeated`` (evaluations that were called again after a controller had found their result), ``calls`` and
``unexpected`` (tracebacks, exit codes that are none of a fault). Exit code 1 if there is anything of ``wrong``,
``lost``, ``repeated`` and ``unexpected``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from orchestrator_project import CIRCUMSTANCES, Project

from orchestrator.jobs.workers.log import WorkersLog
from orchestrator.paths import RunPaths

SIZE, WORKERS = 12, 3
# exit codes: the end, a stop, and signals that come before the program listens to them
AS_ASKED = (0, 3, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGHUP)
NONE_OF = ("wrong", "lost", "repeated", "unexpected")
# a call leaves a line on a disk that is never full; some parameters raise, some end the process
MODEL = """
import json, os, time

def simulate(parameters, directory):
    with open({log!r}, "a") as log:
        log.write(json.dumps({{"time": time.time(), "x": parameters["x"], "y": parameters["y"]}}) + "\\n")
    x, y = parameters["x"], parameters["y"]
    time.sleep(0.02 + 0.1 * x)
    (directory / "left").write_text("something")
    if y > 1.5:
        raise RuntimeError(f"y = {{y}} is too much")
    if int(1000 * x) % 40 == 0:
        os._exit(7)
    return {{"rate": 10 * x, "cv": y**2}}
"""


@dataclass
class Soak:
    """A run under faults.

    Parameters
    ----------
    project : Project
        On the disk that is filled.
    log : Path
        What is called is in there.
    chance : random.Random
        Decides what is broken, and when.
    """

    project: Project
    log: Path
    chance: random.Random
    kinds: Counter[str] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    # what each controller found to have landed, and when it began
    found: list[tuple[float, set[tuple[int, int]]]] = field(default_factory=list)
    controller: subprocess.Popen[str] | None = None
    began: float = 0.0

    def go_on(self) -> subprocess.Popen[str]:
        """Start or continue the run, with what it had."""
        runs, self.began = self.project.runs, time.time()
        if not runs:
            return self.project.start("run", "config.yaml")
        self.found.append((time.time(), landed(runs[0])))
        return self.project.start("run", "--continue", str(runs[0]))

    def until_it_is_over(self, minutes: float) -> None:
        """Inject faults for so long, and then let it come to its end."""
        end = time.monotonic() + 60 * minutes
        self.controller = self.go_on()
        while True:
            time.sleep(self.chance.uniform(0.1, 2.0))
            if self.controller.poll() is not None:
                if self.ended(self.controller):
                    return
                self.controller = self.go_on()
            elif time.monotonic() < end and self.is_at_work():
                self.inject(self.controller)

    def is_at_work(self) -> bool:
        """Whether something was called since the present controller began."""
        return bool(self.calls()) and self.calls()[-1]["time"] > self.began

    def calls(self) -> list[dict[str, Any]]:
        """Return what was called, and when."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def ended(self, controller: subprocess.Popen[str]) -> bool:
        """Take what a controller that has ended says; return whether the run is over."""
        out, err = controller.communicate()
        text = out + err
        full = "No space left on device" in text
        if "Traceback" in text or controller.returncode not in (*AS_ASKED, *((1,) if full else ())):
            self.unexpected.append(f"exit code {controller.returncode}: {text[-1500:]}")
        return controller.returncode == 0

    def inject(self, controller: subprocess.Popen[str]) -> None:
        """Inject one fault."""
        faults: list[Callable[[subprocess.Popen[str]], str]]
        faults = [self.signal_controller, self.signal_worker, self.suspend_worker, self.suspend_controller]
        if os.geteuid() == 0:
            faults.append(self.fill_disk)
        kind = self.chance.choice(faults)(controller)
        if kind:
            self.kinds[kind] += 1

    def signal_controller(self, controller: subprocess.Popen[str]) -> str:
        """Kill it, stop it, or close its terminal."""
        how = self.chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
        controller.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            controller.wait(60)
        return f"{how.name} to the controller"

    def signal_worker(self, controller: subprocess.Popen[str]) -> str:
        """Kill or end one of its processes, or close its terminal."""
        how = self.chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
        worker = self._worker(controller)
        if worker is None:
            return ""
        with contextlib.suppress(psutil.Error):
            worker.send_signal(how)
        return f"{how.name} to a process"

    def suspend_worker(self, controller: subprocess.Popen[str]) -> str:
        """Suspend one of its processes for a while."""
        worker = self._worker(controller)
        return "" if worker is None else self._suspended(worker, "process")

    def suspend_controller(self, controller: subprocess.Popen[str]) -> str:
        """Suspend it for a while."""
        try:
            return self._suspended(psutil.Process(controller.pid), "controller")
        except psutil.Error:
            return ""

    def fill_disk(self, _: subprocess.Popen[str]) -> str:
        """Leave no room on its disk for a while."""
        filler = self.project.directory / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            for size in (2**16, 2**10, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"x" * size):
                        pass
        time.sleep(self.chance.uniform(0.1, 3.0))
        filler.unlink()
        return "disk full"

    def _worker(self, controller: subprocess.Popen[str]) -> psutil.Process | None:
        try:
            children = psutil.Process(controller.pid).children(recursive=True)
            # the first of Python's is not one of them
            workers = [each for each in children if "resource_tracker" not in " ".join(each.cmdline())]
        except psutil.Error:
            return None
        return self.chance.choice(workers) if workers else None

    def _suspended(self, process: psutil.Process, name: str) -> str:
        try:
            process.suspend()
            time.sleep(self.chance.uniform(0.1, 3.0))
            process.resume()
        except psutil.Error:
            return ""
        return f"{name} suspended"


def landed(run: Path) -> set[tuple[int, int]]:
    """Return generation and index of what has a result in a generation's file."""
    paths = RunPaths(run)
    logs = {number: WorkersLog.read(paths.generation(number).workers) for number in paths.generation_numbers()}
    return {(number, index) for number, log in logs.items() for index in log.results}


def configured(directory: Path, log: Path, generations: int) -> Project:
    """Return a project whose evaluations are cheap."""
    changes = {
        "offspring_size": SIZE,
        "max_ngen": generations,
        "timeout": 600,
        "optimiser": {"method": "cma", "model": "none"},
        "local": {"workers": WORKERS, "stay": True},
    }
    return Project.create(directory, changes, model=MODEL.format(log=str(log)))


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """A file system of 16 MB at a place, for root; else the place is a folder like any other."""
    place.mkdir()
    if os.geteuid() != 0:
        yield
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def differences(right: pd.DataFrame, got: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the evaluations that differ from the right ones, and those that are missing."""
    keys = ["generation", "offspring"]
    one, other = (frame.drop(columns=[*CIRCUMSTANCES, "attempts"]).set_index(keys) for frame in (right, got))
    lost = [str(key) for key in one.index.difference(other.index)]
    wrong = [str(key) for key in other.index.difference(one.index)]
    both = one.index.intersection(other.index)
    wrong += [str(key) for key in both if not one.loc[key].equals(other.loc[key])]
    return wrong, lost


def repeated(
    frame: pd.DataFrame, calls: Sequence[dict[str, Any]], found: Sequence[tuple[float, set[tuple[int, int]]]]
) -> list[str]:
    """Return what was called again after a controller had found its result."""
    columns = [frame[name] for name in ("parameter:x", "parameter:y", "generation", "offspring")]
    names = {(x, y): (generation, index) for x, y, generation, index in zip(*columns, strict=True)}
    began = [(call["time"], names.get((call["x"], call["y"]))) for call in calls]
    return [str(name) for when, keys in found for begin, name in began if name in keys and begin > when]


def soak(directory: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Do both runs; return the figures."""
    right = configured(directory / "right", directory / "right.log", given.generations)
    right.command("run", "config.yaml")
    disk = directory / "disk"
    with small_disk(disk):
        project = configured(disk / "model", directory / "calls.log", given.generations)
        run = Soak(project, directory / "calls.log", random.Random(given.seed))
        begin = time.monotonic()
        run.until_it_is_over(given.minutes)
        frame = project.frame()
        left = [str(path) for path in (project.runs[0] / "generations").iterdir()]
    calls = run.calls()
    wrong, lost = differences(right.frame(), frame)
    again = repeated(frame, calls, run.found)
    run.unexpected += [f"left: {path}" for path in left]
    for line in (*wrong, *lost, *again, *run.unexpected):
        print(f"NOT AS IT SHOULD BE: {line}")
    return {
        "seed": given.seed,
        "minutes": round((time.monotonic() - begin) / 60, 1),
        "evaluations": len(frame),
        "calls": len(calls),
        "controllers": len(run.found) + 1,
        "faults": sum(run.kinds.values()),
        "kinds": dict(sorted(run.kinds.items())),
        "wrong": len(wrong),
        "lost": len(lost),
        "repeated": len(again),
        "unexpected": len(run.unexpected),
    }


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long faults are injected, at most")
    parser.add_argument("--generations", type=int, default=200, help=f"of {SIZE} evaluations")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="soak-local-"))
    try:
        figures = soak(directory, given)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(json.dumps(figures))
    return int(any(figures[key] for key in NONE_OF))


if __name__ == "__main__":
    sys.exit(main())
