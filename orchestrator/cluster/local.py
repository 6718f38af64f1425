"""The executor for one machine: submitit starts a process for every task, at most `workers` at once."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import submitit
from submitit.core.utils import JobPaths

from orchestrator.cluster.base import Job, State, Status, Task
from orchestrator.cluster.commands import Place
from orchestrator.node.claim import claimant, is_claimed
from orchestrator.node.evaluate import evaluate
from orchestrator.processes import was_started_with
from orchestrator.simulations.failure_cause import telling_exit_code

# submitit ends local jobs after two minutes unless told otherwise
_NO_LIMIT_MIN = 60 * 24 * 365
_GRACE = 1.0


@dataclass(eq=False)
class _Entry:
    """One job, from its place in the queue to its end."""

    job: Job
    task: Task
    folder: Path
    # submitit's own job, which reaps the process; None if an earlier controller started it
    started: submitit.Job[None] | None = None
    process: psutil.Process | None = None
    found_dead: bool = False

    @property
    def attempt(self) -> Path:
        """The directory of the attempt that it is; a job of this machine evaluates one offspring."""
        return self.task.files[0].parent

    @property
    def alive(self) -> bool:
        """Whether a process works on the task; it may be another one that claimed it just before ours.

        A file in the run's directory may name any process: one that was not started for this folder is not the job's.
        """
        if self.started is not None and self.started.state == "RUNNING":
            return True
        claiming = claimant(self.attempt)
        self.process = claiming if claiming is not None and was_started_with(claiming, self.folder) else None
        return self.process is not None


class LocalCluster:
    """Runs tasks on this machine.

    Parameters
    ----------
    workers : int
        How many simulations run at once; the others wait. 0 if jobs are only to be ended.
    confirm : callable
        As for `orchestrator.cluster.create_cluster`.
    """

    name = "local"
    survives = False
    batch_size = sys.maxsize
    result_grace = 1.0

    def __init__(self, *, workers: int, confirm: Callable[[], object] = lambda: None):
        self._workers = workers
        self._confirm = confirm
        self._entries: dict[Job, _Entry] = {}
        self._waiting: deque[_Entry] = deque()
        self._running: list[_Entry] = []

    def submit(self, tasks: Sequence[Task], token: str, folder: Path, avoid: Collection[str]) -> list[Job]:
        """Put the tasks into the queue and start as many as may run."""
        entries = [self._entry(task, token, folder) for task in tasks]
        jobs = [entry.job for entry in entries]
        self._waiting.extend(entries)
        try:
            self._fill()
        except OSError:
            self.cancel(jobs)  # nobody else knows about those that have started
            raise
        return jobs

    def recover(
        self,
        tasks: Sequence[Task],
        token: str,
        folder: Path,
        ids: Sequence[str] | None,
        wanted: Collection[int],
    ) -> list[Job] | None:
        """Attach to the processes of a dead controller; tasks that no process has claimed are queued again."""
        entries = [self._entry(task, token, folder) for task in tasks]
        for entry in entries:
            known = entry.found_dead or entry in self._running or entry in self._waiting
            if known or entry.task.indices[0] not in wanted:
                continue
            if entry.alive:
                self._running.append(entry)
            elif is_claimed(entry.attempt):
                entry.found_dead = True
            else:
                self._waiting.append(entry)
        self._fill()
        return [entry.job for entry in entries]

    def poll(self, jobs: Sequence[Job]) -> Mapping[Job, Status]:
        """See which processes are alive, and start a waiting task for each that is not."""
        self._running = [entry for entry in self._running if entry.alive]
        self._fill()
        statuses = {job: self._status(self._entries.get(job)) for job in jobs}
        # nobody will ask about the others again
        working = {entry.job for entry in (*self._running, *self._waiting)}
        self._entries = {job: entry for job, entry in self._entries.items() if job in statuses or job in working}
        return statuses

    def _status(self, entry: _Entry | None) -> Status:
        if entry is None:
            return Status(State.ABSENT)
        if entry in self._waiting:
            return Status(State.PENDING)
        if entry in self._running:
            return Status(State.RUNNING)
        if entry.found_dead:
            return Status(State.ENDED, reason="its process was gone when the controller came back", forgiven=True)
        return Status(State.ENDED, reason="its process has ended")

    def cancel(self, jobs: Sequence[Job]) -> None:
        """End the processes of these jobs with all their children."""
        with contextlib.suppress(OSError):  # a file system that does not tell is no reason to leave them behind
            self._confirm()
        entries = [self._entries[job] for job in jobs if job in self._entries]
        self._waiting = deque(entry for entry in self._waiting if entry not in entries)
        processes = []
        for entry in entries:
            if entry in self._running and entry.process is not None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    processes += [*entry.process.children(recursive=True), entry.process]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        _, alive = psutil.wait_procs(processes, timeout=_GRACE)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=_GRACE)

    def places(self) -> Mapping[str, Place]:
        """Return nothing: `alive` asks the kernel about each process."""
        return {}

    def log(self, job: Job, folder: Path) -> Path:
        """Return where submitit sends a job's output; it is named after the process."""
        entry = self._entries.get(job)
        return JobPaths(folder, entry.started.job_id if entry and entry.started else job.id, 0).stdout

    def poll_interval(self, elapsed: float) -> float:
        """Return a quarter of a second."""
        return 0.25

    def _entry(self, task: Task, token: str, folder: Path) -> _Entry:
        job = Job(token, f"{token}-{task.indices[0]}")
        return self._entries.setdefault(job, _Entry(job, task, folder))

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self._workers:
            self._confirm()
            entry = self._waiting.popleft()
            program = shlex.join(["/bin/sh", "-c", telling_exit_code('"$@"'), "sh", sys.executable])
            executor = submitit.LocalExecutor(folder=entry.folder, max_num_timeout=0, python=program)
            # Ctrl-C in a terminal is for the controller, which ends its jobs itself; and the jobs' working directory
            # is away from the model, because python -m looks for modules there first
            setup = ["trap '' INT", f"cd {shlex.quote(str(entry.folder))}"]
            executor.update_parameters(timeout_min=_NO_LIMIT_MIN, stderr_to_stdout=True, setup=setup)
            entry.started = executor.submit(evaluate, str(entry.task.files[0]))
            entry.process = psutil.Process(int(entry.started.job_id))
            self._running.append(entry)
