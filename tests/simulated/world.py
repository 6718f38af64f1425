"""A world: hosts, a file system, SLURM, a run, and the controllers that carry it out, one after another or at once."""

from __future__ import annotations

import functools
import itertools
import json
import random
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import simulated.model  # noqa: F401  (registers the simulation and the optimisers)
from orchestrator.checking.problems import load_checked_config
from orchestrator.config.model import Config
from orchestrator.display.logs import LogFormat
from orchestrator.errors import OrchestratorError, Stopped
from orchestrator.node.evaluate import evaluate
from orchestrator.node.several import evaluate_several
from orchestrator.paths import RunPaths
from orchestrator.records import Result
from orchestrator.run.start import create_run, go_on
from simulated.calls import Calls
from simulated.filesystem import ROOT, FileSystem
from simulated.hosts import Host, Process
from simulated.patches import patched
from simulated.scheduler import Scheduler, Stuck
from simulated.slurm import Job, Slurm

MODEL = f"{ROOT}/model"
RUN = RunPaths(Path(f"{MODEL}/20261120-100000_Optimization"))
CONFIG: dict[str, Any] = {
    "parameters": {"x": [0, 1], "y": [-2, 2]},
    "optimiser_centroid": {"x": 0.5, "y": -1.6},
    "targets": [
        {"class": "ReturnedValue", "key": "rate", "target_value": 3, "norm": 1},
        {"class": "ReturnedValue", "key": "cv", "target_value": 1, "norm": 0.2},
    ],
    "optimiser": {"method": "nearest_of_tests"},
    "offspring_size": 3,
    "max_ngen": 2,
    "timeout": "3h",
    "executor": "slurm",
    "report": False,
    "simulation": {"type": "timed_of_tests"},
}
# of the runs in which each has a job
TRIALS = 2
_OVERLAPPING = {"optimiser": {"method": "nearest_of_any_rows_of_tests"}, "max_ngen": 3}
# what the configuration says besides, by schedule: with the last two, what is late is told in a later generation
SCHEDULES: dict[str, dict[str, Any]] = {
    "generations": {},
    "several_per_job": {"jobs": {"evaluations_per_job": 2}},
    "job_per_trial": {"simulation": {"type": "timed_of_tests", "trials": TRIALS, "job_per_trial": True}},
    "close_at": {**_OVERLAPPING, "schedule": {"kind": "generations", "close_at": 0.6}},
    "rolling": {**_OVERLAPPING, "schedule": {"kind": "rolling"}},
}
# of these it is known beforehand what is asked for
IN_ORDER = ("generations", "several_per_job", "job_per_trial")
# so many controllers are enough for every run, besides those that were refused because another one was at work
_MOST_CONTROLLERS = 25
# longest pause before somebody continues a run whose controller has ended, in s
_PAUSE = 120.0


@dataclass
class Simulated:
    """One simulation that a job has begun."""

    generation: int
    index: int
    attempt: int
    job: Job
    begun: float
    ended: float | None = None
    delivered: float | None = None
    # the error that its job ended with, in the place of a result
    lost_by: str = ""


@dataclass
class Ending:
    """How a controller ended."""

    name: str
    how: str
    when: float
    unexpected: str = ""
    # whether it was turned away by another one, which lives
    refused: bool = False


class World:
    """What a seed and its faults make of a run.

    Parameters
    ----------
    seed : int
        Decides who goes on when, and how long everything takes.
    faults : sequence of Fault
        What goes wrong.
    schedule : str
        Which of `SCHEDULES` the run has.
    """

    def __init__(self, seed: int, faults: Sequence[Any] = (), schedule: str = "generations"):
        self.seed = seed
        self.schedule = schedule
        self.scheduler = Scheduler(f"world {seed}")
        self.files = FileSystem(lambda: self.scheduler.now)
        self.calls = Calls(self.files, self.scheduler)
        self.logins = [Host("login1", booted=1.6e9), Host("login2", booted=1.65e9)]
        self.nodes = [Host(f"n{number}", booted=1.69e9) for number in (1, 2, 3)]
        self.slurm = Slurm(self.scheduler, self.files, self.nodes, self._begin, self.spawn, {}, self.note)
        self.simulated: list[Simulated] = []
        self.endings: list[Ending] = []
        self.trace: list[str] | None = None
        self.happened: list[str] = []
        self.processes: list[Process] = []
        self.controllers: list[Process] = []
        # what happens to the controllers, by their number from 1
        self.at_controller: dict[int, list[Any]] = {}
        self.longest_lateness = 0.0
        self._is_last = False
        self._pids = itertools.count(1000)
        for path, content in template(schedule)[0].items():
            self.files.put(path, content)
        for fault in faults:
            fault.plan(self)

    @property
    def hosts(self) -> list[Host]:
        """All machines."""
        return [*self.logins, *self.nodes]

    def run(self) -> None:
        """Let it go on until a last controller has finished the run undisturbed.

        Raises
        ------
        Stuck
            If it does not come to an end.
        """
        with patched(self):
            operator = self.spawn("operator", Host("home"))
            self.scheduler.start(operator, self._operate)
            try:
                self.scheduler.run(lambda: not operator.lives)
                # jobs that are being ended, and nothing else
                self.scheduler.run(lambda: not any(process.lives for process in self.processes))
            finally:
                # what is left would be ended by the garbage collector, in the middle of another world
                for process in self.processes:
                    self.scheduler.end(process)

    def spawn(self, name: str, host: Host) -> Process:
        """Return a new process, which does nothing yet."""
        process = Process(name, host, next(self._pids), self.scheduler, created=self.scheduler.now)
        self.processes.append(process)
        return process

    def start_controller(self, host: Host) -> Process:
        """Continue the run on a host, as a user does."""
        process = self.spawn(f"controller {len(self.controllers) + 1} on {host.name}", host)
        self.controllers.append(process)
        for plan in () if self._is_last else self.at_controller.get(len(self.controllers), ()):
            plan(process)
        self.scheduler.start(process, lambda: self._control(process))
        return process

    def start_elsewhere(self) -> None:
        """Continue the run on the other host than the last one, as somebody does who sees that nothing goes on."""
        if self.controllers and not self._is_last:
            self.start_controller(self.logins[self.controllers[-1].host is self.logins[0]])

    def process_at(self, host: Host | None, pid: int) -> Process | None:
        """Return the process of a host that has a number."""
        return next((each for each in self.processes if each.host is host and each.pid == pid), None)

    def terminate(self, process: Process) -> None:
        """Ask a process to end."""
        self.note(process.name, "is asked to stop")
        if process.on_signal is not None:
            process.on_signal()
        else:
            self.kill(process)

    def kill(self, process: Process) -> None:
        """End a process at once; nothing of it goes on."""
        self.scheduler.at(self.scheduler.now, lambda: self.scheduler.end(process))

    def note(self, who: str, what: str) -> None:
        """Add a line to the trace, if there is one."""
        if self.trace is not None:
            self.trace.append(f"{self.scheduler.now - 1.7e9:10.3f} {who}: {what}")

    def inject(self, kind: str, who: str, what: str) -> None:
        """Note that a fault has happened."""
        self.happened.append(kind)
        self.note(who, f"*** {what}")

    def _operate(self) -> None:
        """Continue the run until it is over, and once more when nobody else is there."""
        choose = random.Random(f"operator {self.seed}")
        while not any(ending.how == "finished" for ending in self.endings):
            host = self.logins[choose.randrange(2)] if self.controllers else self.logins[0]
            process = self.start_controller(host)
            self._wait_for(process)
            self.scheduler.sleep(1.0 + choose.random() * _PAUSE)
        for process in self.controllers:
            self._wait_for(process)
        self._is_last = True
        self.scheduler.sleep(60.0)
        # also of what has gone wrong only since the run was over
        for host in self.hosts:
            host.see_late(0.0, self.scheduler.now)
            host.full_until = host.away_until = 0.0
        self._wait_for(self.start_controller(self.logins[0]))

    def _wait_for(self, process: Process) -> None:
        while process.lives:
            self.scheduler.sleep(1e6, lambda: not process.lives)
        # a user who tries again while another controller waits for ten minutes, for a job that SLURM forgot, is refused
        # as often as he tries; a run in which that never ends takes longer than any may
        if len(self.controllers) - sum(ending.refused for ending in self.endings) > _MOST_CONTROLLERS:
            raise Stuck

    def _control(self, process: Process) -> None:
        how, unexpected = "finished", ""
        try:
            go_on(RUN, (), _Console(self, process), LogFormat.AUTO)  # type: ignore[arg-type]
        except Stopped as error:
            how = f"stopped: {error}"
        except (OrchestratorError, OSError) as error:
            how = f"failed: {error}"
        except Exception as error:  # noqa: BLE001
            how, unexpected = f"crashed: {error!r}", traceback.format_exc()
        self.note(process.name, how)
        refused = " is in use by " in how and any(each.lives for each in self.controllers if each is not process)
        self.endings.append(Ending(process.name, how, self.scheduler.now, unexpected, refused))

    def _begin(self, tasks: Sequence[str]) -> None:
        """Do the work of a job."""
        if len(tasks) == 1:
            self.evaluate(tasks[0])
        else:
            evaluate_several(*tasks)

    def evaluate(self, task: str) -> None:
        """Do an evaluation, and keep in mind that it was done."""
        current = self.scheduler.current
        if current is None:
            raise RuntimeError("expected to be called by a job")
        job = current.process.variables["job"]
        *_, generation, index, attempt, _ = task.split("/")
        one = Simulated(int(generation), int(index), int(attempt), job, self.scheduler.now)
        before = self.files.truth(f"{task.rpartition('/')[0]}/claimed")
        if before is None:
            self.simulated.append(one)
        self.note(f"job {job.id}", f"begins attempt {generation}/{index}/{attempt}")
        try:
            evaluate(task)
        except (Exception, SystemExit) as error:
            simulation = f"{task.rpartition('/')[0]}/simulation"
            # who cannot write its result exits after some time; that is no loss if there is nothing in it
            place = f"{simulation}/numbers.json" if isinstance(error, SystemExit) else simulation
            if self.files.truth(place) is not None:
                one.lost_by = repr(error)
            raise
        finally:
            one.ended = self.scheduler.now
            if self._has_delivered(one):
                one.delivered = self.scheduler.now

    def _has_delivered(self, one: Simulated) -> bool:
        """Return whether there is a result of an attempt that speaks of its parameters."""
        node = self.files.truth(str(RUN.generation(one.generation).attempt(one.index, one.attempt).result))
        return node is not None and not Result.from_json(json.loads(bytes(node.content))).outcome.infrastructure


class _Console:
    """Takes what a controller says to its user."""

    is_terminal = False

    def __init__(self, world: World, process: Process):
        self._world = world
        self._process = process

    def print(self, *what: object, **_: object) -> None:
        self._world.note(self._process.name, " ".join(map(str, what)))


@functools.cache
def template(schedule: str) -> tuple[dict[str, bytes], Config]:
    """Return the files of a run that was created and has not begun, and its configuration."""
    maker = World.__new__(World)
    maker.scheduler = Scheduler("template")
    maker.files = FileSystem(lambda: maker.scheduler.now)
    maker.trace = None
    maker.calls = Calls(maker.files, maker.scheduler)
    maker.slurm = Slurm(maker.scheduler, maker.files, [], lambda _: None, maker.spawn, {}, lambda *_: None)
    maker.files.put(f"{MODEL}/config.yaml", yaml.safe_dump(CONFIG | SCHEDULES[schedule]).encode())
    maker.files.put_folder(str(RUN.directory))
    with patched(maker):
        config = load_checked_config(Path(f"{MODEL}/config.yaml"))
        create_run(config, RUN)
    return maker.files.files(), config
