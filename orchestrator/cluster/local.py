"""Executor for one machine: submitit starts the processes, at most so many at once."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import submitit

from orchestrator.cluster.base import Job, State, Status, Task
from orchestrator.evaluate import evaluate
from orchestrator.files import write_json
from orchestrator.records import Outcome

# submitit ends local jobs after two minutes unless told otherwise
_NO_LIMIT_MIN = 60 * 24 * 365
_GRACE = 1.0


@dataclass(frozen=True)
class _Waiting:
    job: Job
    task: Task
    folder: Path


class LocalCluster:
    """Runs tasks on this machine.

    Parameters
    ----------
    workers : int
        Simulations at once; the others wait for their turn.
    """

    survives = False
    batch_size = sys.maxsize
    result_grace = 1.0

    def __init__(self, *, workers: int):
        self._workers = workers
        self._waiting: deque[_Waiting] = deque()
        self._running: dict[Job, psutil.Process] = {}
        self._found_dead: set[Job] = set()
        # kept because submitit's job objects own the Popen objects, whose poll() reaps the processes
        self._started: dict[Job, submitit.Job[None]] = {}

    def submit(self, tasks: Sequence[Task], token: str, folder: Path) -> list[Job]:
        """Put the tasks into the queue and start the first ones."""
        jobs = [Job(token, f"{token}-{task.index}") for task in tasks]
        self._waiting.extend(_Waiting(job, task, folder) for job, task in zip(jobs, tasks, strict=True))
        self._fill()
        return jobs

    def recover(self, tasks: Sequence[Task], token: str, folder: Path, ids: Sequence[str] | None) -> list[Job] | None:  # noqa: ARG002
        """Attach to the processes of a dead controller; tasks that it had not started are queued again."""
        jobs = [Job(token, f"{token}-{task.index}") for task in tasks]
        for job, task in zip(jobs, tasks, strict=True):
            process = _recorded_process(task)
            if process is not None:
                self._running[job] = process
            elif _process_file(task).exists():
                self._found_dead.add(job)
            else:
                self._waiting.append(_Waiting(job, task, folder))
        self._fill()
        return jobs

    def poll(self, jobs: Sequence[Job]) -> Mapping[Job, Status]:
        """Look which processes are alive, and start waiting tasks in the places of those that are not."""
        for job in [job for job, process in self._running.items() if not self._alive(job, process)]:
            del self._running[job]
            self._started.pop(job, None)
        self._fill()
        waiting = {entry.job for entry in self._waiting}
        return {job: self._status(job, waiting) for job in jobs}

    def _status(self, job: Job, waiting: set[Job]) -> Status:
        if job in waiting:
            return Status(State.PENDING)
        if job in self._running:
            return Status(State.RUNNING)
        if job in self._found_dead:
            return Status(State.ENDED, Outcome.CANCELLED, "its process was gone when the controller came back")
        return Status(State.ENDED, reason="its process has ended")

    def cancel(self, jobs: Sequence[Job]) -> None:
        """End the processes of these jobs with all their children."""
        wanted = set(jobs)
        self._waiting = deque(entry for entry in self._waiting if entry.job not in wanted)
        processes = []
        for job in wanted & set(self._running):
            with contextlib.suppress(psutil.NoSuchProcess):
                processes += [*self._running[job].children(recursive=True), self._running[job]]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        _, alive = psutil.wait_procs(processes, timeout=_GRACE)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=_GRACE)

    def poll_interval(self, elapsed: float) -> float:  # noqa: ARG002  (looking at a process costs nothing)
        """Return a quarter of a second."""
        return 0.25

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self._workers:
            entry = self._waiting.popleft()
            executor = submitit.LocalExecutor(folder=entry.folder, max_num_timeout=0)
            # Ctrl-C in a terminal is for the controller, which ends its jobs itself; and the jobs' working directory
            # is away from the model, because python -m looks for modules there first
            setup = ["trap '' INT", f"cd {shlex.quote(str(entry.folder))}"]
            executor.update_parameters(timeout_min=_NO_LIMIT_MIN, stderr_to_stdout=True, setup=setup)
            started = executor.submit(evaluate, str(entry.task.file))
            process = psutil.Process(int(started.job_id))
            write_json(_process_file(entry.task), {"pid": process.pid, "create_time": process.create_time()})
            self._started[entry.job], self._running[entry.job] = started, process

    def _alive(self, job: Job, process: psutil.Process) -> bool:
        if job in self._started:
            return self._started[job].state == "RUNNING"
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _process_file(task: Task) -> Path:
    return task.file.with_name("process.json")


def _recorded_process(task: Task) -> psutil.Process | None:
    """Return the living process of a task; a process id that was given to another since is told by its start time."""
    try:
        recorded = json.loads(_process_file(task).read_text(encoding="utf-8"))
        process = psutil.Process(recorded["pid"])
        same = abs(process.create_time() - recorded["create_time"]) < 0.02
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        return None
    return process if same and process.status() != psutil.STATUS_ZOMBIE else None
