"""What the soak breaks around the controllers, one thing at a time, and repairs: SLURM, nodes, files and clocks."""

from __future__ import annotations

import contextlib
import errno
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from soak_controllers import Controllers
from soak_project import READABLE, UNREADABLE, Clocks
from virtual_cluster import ClusterError, VirtualCluster

HOUR = 3600
# how long after a file system was away a controller may fail because of it, in s
_EXCUSED = 120.0


class InVain(Exception):
    """There is nothing that could be broken in this way just now."""


@dataclass(frozen=True)
class Away:
    """When the results of a run, or all of it, could not be seen, in s of the file system's time."""

    begin: float
    end: float


class Surroundings:
    """Breaks what is around the controllers, and repairs it.

    Parameters
    ----------
    cluster : VirtualCluster
        SLURM.
    controllers : Controllers
        Of the run.
    clocks : Clocks
        Of all hosts and nodes.
    directory : pathlib.Path
        Where the soak's ``project`` is, and the ``wrappers`` before SLURM's commands.
    chance : random.Random
        Decides what is broken.
    """

    def __init__(
        self,
        cluster: VirtualCluster,
        controllers: Controllers,
        clocks: Clocks,
        directory: Path,
        chance: random.Random,
    ):
        self._cluster = cluster
        self._controllers = controllers
        self._clocks = clocks
        self._project = directory / "project"
        self._wrappers = directory / "wrappers"
        self._chance = chance
        # an offspring under which two nodes die in a row is given up: one of them does
        self._mortal = chance.choice(list(cluster.settings.node_names()))
        self.away: list[Away] = []
        self.faults: list[Callable[[], None]] = [
            *(self._cancel_job, self._kill_jobs_process, self._suspend_job, self._hold_job),
            *(self._kill_node_daemon, self._set_node_down, self._crash_node),
            *(self._restart_slurmctld, self._kill_slurmctld, self._freeze_slurmctld, self._close_partition),
            *(self._refuse_submissions, self._deny_submissions, self._hang_submissions),
            *(self._refuse_questions, self._hang_questions, self._answer_nothing),
            *(self._move_clock_of_controller, self._move_clock_of_controller, self._move_clock_of_node),
            *(self._spoil_result, self._spoil_result, self._deliver_strangely, self._take_results_away),
            self._take_run_away,
        ]

    def _pause(self, longest: float) -> None:
        time.sleep(self._chance.uniform(0.2, longest))

    def _job(self, state: str) -> str:
        jobs = self._cluster.run("squeue", "-h", "-r", "-t", state, "-o", "%i").split()
        if not jobs:
            raise InVain(f"no job is {state}")
        return self._chance.choice(jobs)

    # Clocks

    def move_clock(self, host: str) -> None:
        """Let a host's clock jump, by an hour or two."""
        others = [ahead for ahead in (-HOUR, 0, HOUR) if ahead != self._clocks.ahead(host)]
        self._clocks.set(host, self._chance.choice(others))

    def _move_clock_of_controller(self) -> None:
        self.move_clock(self._controllers.current.host.name)

    def _move_clock_of_node(self) -> None:
        self.move_clock(self._node())

    # Results

    def _spoil_result(self) -> None:
        """Let the next job deliver what cannot be read."""
        self._deliver(self._chance.choice(UNREADABLE))

    def _deliver_strangely(self) -> None:
        """Let the next job deliver what must be read all the same."""
        self._deliver(self._chance.choice(READABLE))

    def _deliver(self, how: str) -> None:
        file = self._project / "spoil"
        file.with_suffix(".new").write_text(how)
        file.with_suffix(".new").replace(file)
        end = time.monotonic() + 10
        while file.exists() and time.monotonic() < end:
            time.sleep(0.1)
        try:
            file.unlink()
        except FileNotFoundError:
            return
        raise InVain("no job delivers just now")

    def _take_results_away(self) -> None:
        folders = sorted(self._controllers.run.glob("generations/*/results")) if self._controllers.run else []
        if not folders:
            raise InVain("there are no results")
        self._take_away(folders[-1], 15)

    def _take_run_away(self) -> None:
        if self._controllers.run is None:
            raise InVain("there is no run")
        self._controllers.excused = time.monotonic() + _EXCUSED
        self._take_away(self._controllers.run, 6)
        self._controllers.excused = time.monotonic() + _EXCUSED

    def _take_away(self, folder: Path, longest: float) -> None:
        """Rename a folder, and put it back; what was made in its place meanwhile is not lost."""
        aside, begin = folder.with_name(f"{folder.name}.away"), time.time()
        try:
            folder.rename(aside)
            self._pause(longest)
            _put_back(aside, folder)
        except FileNotFoundError:
            raise InVain("the generation is done") from None
        finally:
            self.away.append(Away(begin, time.time()))

    # Jobs and nodes

    def _node(self) -> str:
        return self._chance.choice(list(self._cluster.settings.node_names()))

    def _cancel_job(self) -> None:
        self._cluster.run("scancel", self._job("RUNNING"))

    def _kill_jobs_process(self) -> None:
        """Kill one that simulates, as the kernel does where memory is short."""
        processes = [each for each in self._cluster.job_processes() if "python" in each.command().split(" ")[0]]
        if not processes:
            raise InVain("no simulation runs")
        self._chance.choice(processes).signal(signal.SIGKILL)

    def _suspend_job(self) -> None:
        job = self._job("RUNNING")
        self._cluster.run("scontrol", "suspend", job)
        self._pause(5)
        self._cluster.run("scontrol", "resume", job)

    def _hold_job(self) -> None:
        job = self._job("PENDING")
        self._cluster.run("scontrol", "hold", job)
        self._pause(5)
        self._cluster.run("scontrol", "release", job)

    def _set_node_down(self) -> None:
        self._cluster.run("scontrol", "update", f"nodename={self._mortal}", "state=down", "reason=soak")
        self._pause(5)
        with contextlib.suppress(ClusterError):  # it has registered again meanwhile
            self._cluster.run("scontrol", "update", f"nodename={self._mortal}", "state=resume")

    def _kill_node_daemon(self) -> None:
        node = self._node()
        self._cluster.kill(node)
        self._pause(5)
        self._cluster.launch(node)

    def _crash_node(self) -> None:
        self._cluster.crash_node(self._mortal)
        self._pause(25)
        self._cluster.launch(self._mortal)

    # SLURM

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

    def _close_partition(self) -> None:
        self._cluster.run("scontrol", "update", "partition=main", "state=down")
        self._pause(5)
        self._cluster.run("scontrol", "update", "partition=main", "state=up")

    def _refuse_submissions(self) -> None:
        self._break("sbatch.refuse")

    def _deny_submissions(self) -> None:
        """Submit, and say that it failed."""
        self._break("sbatch.deny")

    def _hang_submissions(self) -> None:
        self._break("sbatch.hang")

    def _refuse_questions(self) -> None:
        self._break("squeue.refuse")

    def _hang_questions(self) -> None:
        self._break("squeue.hang")

    def _answer_nothing(self) -> None:
        """Let the queue answer that there are no jobs."""
        self._break("squeue.nothing")

    def _break(self, how: str) -> None:
        (self._wrappers / how).touch()
        self._pause(6)
        (self._wrappers / how).unlink()


def _put_back(aside: Path, folder: Path) -> None:
    """Rename a folder to what it was called, with what was made under its name meanwhile."""
    while True:
        try:
            aside.rename(folder)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            for made in [path for path in folder.rglob("*") if path.is_file()]:
                place = aside / made.relative_to(folder)
                place.parent.mkdir(parents=True, exist_ok=True)
                made.replace(place)
            for emptied in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
                with contextlib.suppress(OSError):
                    emptied.rmdir()
        else:
            return
