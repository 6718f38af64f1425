"""A SLURM that may lose, delay, repeat and misreport jobs, within what real ones were seen to do."""

from __future__ import annotations

import functools
import json
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.cluster.commands import NoAnswer
from simulated.filesystem import FileSystem
from simulated.hosts import Host, Process
from simulated.scheduler import Scheduler

# how long squeue lists what has ended, in s
_MIN_JOB_AGE = 300.0
# how long a job waits for what submitit hands over, in s
_PATIENCE = 60.0
_PENDING, _RUNNING = "PENDING", "RUNNING"


@dataclass(eq=False)
class Job:
    """One job of an array, as SLURM sees it."""

    number: int
    index: int | None
    name: str
    folder: str
    host: Host
    state: str = _PENDING
    reason: str = "Resources"
    ended: float = 0.0
    # from when on squeue lists it; it may never
    listed_from: float = 0.0
    process: Process | None = None
    # before then it does not begin
    held_until: float = 0.0
    submitted: float = 0.0
    # whether something has happened to it that may let another one do its work at the same time
    excused: bool = False

    @property
    def id(self) -> str:
        """Its id as sbatch and squeue write it."""
        return str(self.number) if self.index is None else f"{self.number}_{self.index}"

    @property
    def is_active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in (_PENDING, _RUNNING)


@dataclass
class Slurm:
    """Takes commands, and runs jobs on its nodes.

    Parameters
    ----------
    scheduler : Scheduler
        Lets jobs run.
    files : FileSystem
        Where scripts, tasks and logs are.
    nodes : list of Host
        The nodes.
    begin : callable
        Runs what a job has to do, given the paths of its task files.
    spawn : callable
        Makes a process, given its name and host.
    faults : dict
        What happens at which call of a command, and to which job: by the name of the command, or ``job``, and its
        number.
    note : callable
        Told what happens.
    """

    scheduler: Scheduler
    files: FileSystem
    nodes: list[Host]
    begin: Callable[[Sequence[str]], None]
    spawn: Callable[[str, Host], Process]
    faults: dict[tuple[str, int], Callable[[Any], object]]
    note: Callable[[str, str], None]
    jobs: list[Job] = field(default_factory=list)
    _calls: dict[str, int] = field(default_factory=dict)
    _next_number: int = 101
    _snapshots: list[tuple[float, str]] = field(default_factory=list)

    def finish(
        self, command: Sequence[str], timeout: float, *, stop: Any = None, directory: Any = None
    ) -> subprocess.CompletedProcess[str]:
        """Take the place of `orchestrator.cluster.commands.finish`."""
        program = command[0]
        self.scheduler.step()
        self._calls[program] = self._calls.get(program, 0) + 1
        call = Call(self, list(command), timeout, stop)
        fault = self.faults.get((program, self._calls[program]))
        if fault is not None:
            fault(call)
        code, out, err = call.answer()
        # what was done is done before the caller knows of it
        self.scheduler.sleep(0.01 + 0.05 * self.scheduler.random.random())
        self.note(program, f"{' '.join(command[1:])[:160]} -> {code} {out.strip()[:200]!r} {err[:60]}")
        return subprocess.CompletedProcess(command, code, out, err)

    # what commands do

    def sbatch(self, text: str) -> int:
        """Take a batch script; return the job's number."""
        options = dict(re.findall(r"^#SBATCH --([\w-]+)=(.*)$", text, re.MULTILINE))
        size = int(options["array"].partition("-")[2].partition("%")[0]) + 1 if "array" in options else None
        number, self._next_number = self._next_number, self._next_number + 1
        for index in range(size) if size else [None]:
            host = self.nodes[self.scheduler.random.randrange(len(self.nodes))]
            job = Job(number, index, options["job-name"], options["output"].rpartition("/")[0], host)
            job.listed_from = job.submitted = self.scheduler.now
            self.jobs.append(job)
            begins = self.scheduler.now + 0.5 + 4 * self.scheduler.random.random()
            self.scheduler.at(begins, functools.partial(self._start, job))
            fault = self.faults.get(("job", len(self.jobs)))
            if fault is not None:
                fault(job)
        return number

    def lose(self, number: int) -> None:
        """Forget the jobs of a submission, whose number is given to the next one."""
        for job in [job for job in self.jobs if job.number == number]:
            self.forget(job)
        self._next_number = number

    def forget(self, job: Job) -> None:
        """Forget a job that has not begun."""
        if job.state == _PENDING:
            job.state, job.listed_from = "LOST", float("inf")

    def squeue(self, names: Sequence[str]) -> str:
        """Return the lines of squeue for jobs of these names."""
        now = self.scheduler.now
        lines = []
        for job in self.jobs:
            is_recent = job.is_active or now - job.ended < _MIN_JOB_AGE
            if job.name in names and job.listed_from <= now and is_recent:
                index = "N/A" if job.index is None else job.index
                node = job.host.name if job.process is not None else ""
                lines.append(f"{job.number}|{index}|{job.state}|{job.name}|{node}|{job.reason}")
        return "\n".join(lines)

    def scancel(self, name: str, ids: str) -> str:
        """Cancel jobs; return what is complained about."""
        base, _, indices = ids.partition("_")
        wanted = {int(part) for part in indices.strip("[]").split(",")} if indices else {None}
        found = [job for job in self.jobs if job.number == int(base) and job.name == name and job.index in wanted]
        active = [job for job in found if job.is_active]
        for job in active:
            self.end(job, "CANCELLED", gently=True)
        return "" if active else f"scancel: error: Invalid job id {ids}"

    # what becomes of jobs

    def end(self, job: Job, state: str, *, gently: bool = False, payload: bool = True) -> None:
        """End a job from outside; its payload may be told before, or live on."""
        if not job.is_active:
            return
        self.note(f"job {job.id}", f"{state} from outside")
        job.state, job.reason, job.ended = state, "None", self.scheduler.now
        process = job.process
        if process is None or not payload:
            return
        if gently and process.on_signal is not None and process.lives:
            notice = process.on_signal
            for task in process.tasks:
                task.wake, task.waits_for = float("inf"), None
            process.on_signal = None

            def notice_and_end() -> None:
                try:
                    notice()
                finally:
                    self._end_process(process)

            self.scheduler.start(process, notice_and_end)
        else:
            self._end_process(process)

    def _end_process(self, process: Process) -> None:
        self.scheduler.at(self.scheduler.now, lambda: self.scheduler.end(process))

    def _start(self, job: Job) -> None:
        if job.state != _PENDING:
            return
        if job.held_until > self.scheduler.now:
            self.scheduler.at(job.held_until, lambda: self._start(job))
            return
        job.state, job.reason = _RUNNING, "None"
        process = self.spawn(f"job {job.id} of {job.name}", job.host)
        process.variables["job"] = job
        job.process = process
        fault = self.faults.get(("payload", self.jobs.index(job) + 1))
        if fault is not None:
            fault(job)
        self.scheduler.start(process, lambda: self._work(job, process))

    def _work(self, job: Job, process: Process) -> None:
        code, said = 0, ""
        try:
            self._do(job, process)
        except SystemExit as end:
            code = int(end.code or 0)
        except Exception as error:  # noqa: BLE001
            code, said = 1, f"{type(error).__name__}: {error}\n"
        self.end_by_itself(job, code, said)

    def _do(self, job: Job, process: Process) -> None:
        file = f"{job.folder}/{job.id}_submitted.pkl"
        waits_until = self.scheduler.now + _PATIENCE
        while self.files.view(file, job.host) is None:
            if self.scheduler.now > waits_until:
                raise RuntimeError(f"Waited for 60 seconds but could not find submitted jobs in path:\n{file}")
            self.scheduler.sleep(1.0)
        tasks = json.loads(bytes(self.files.opened(file, job.host).content))["tasks"]
        self.scheduler.step()
        self.begin(tasks)

    def end_by_itself(self, job: Job, code: int, said: str = "") -> None:
        """End a job whose process has ended; its script tells the exit code in its log, if the log can be written."""
        if job.state != _RUNNING:
            return
        job.state, job.ended = "FAILED" if code else "COMPLETED", self.scheduler.now
        self.note(f"job {job.id}", f"{job.state} with exit code {code} {said.strip()}")
        is_writable = max(job.host.full_until, job.host.away_until) <= self.scheduler.now
        if is_writable and self.files.truth(job.folder) is not None:
            told = f"{said}orchestrator: the process of the job ended with exit code {code}\n"
            log = self.files.create(f"{job.folder}/{job.id}_0_log.out", job.host)
            self.files.write(log, 0, told.encode(), job.host)


@dataclass
class Call:
    """A command that is being carried out; faults change what it does and answers."""

    slurm: Slurm
    command: list[str]
    timeout: float
    stop: Any
    # what becomes of the order, and of its answer
    taken_after: float | None = 0.0
    says: tuple[int, str, str] | None = None
    preface: str = ""
    silent_for: float = 0.0
    after: Callable[[int], object] | None = None

    def answer(self) -> tuple[int, str, str]:
        """Do it; return exit code, output, and errors."""
        out, err = "", ""
        node = self.slurm.files.truth(self.command[-1])
        script = "" if node is None else bytes(node.content).decode()
        if self.taken_after is None:
            pass
        elif self.taken_after > 0:
            self.slurm.scheduler.at(self.slurm.scheduler.now + self.taken_after, lambda: self._do(script))
        else:
            out, err = self._do(script)
        if self.silent_for:
            until = min(self.silent_for, self.timeout)
            stop = self.stop
            self.slurm.scheduler.sleep(until, None if stop is None else stop.is_set)
            if self.silent_for >= self.timeout or (stop is not None and stop.is_set()):
                raise NoAnswer(f"no answer within {self.timeout:.0f} s")
        if self.says is not None:
            return self.says
        return (1 if err else 0), self.preface + out, err

    def _do(self, script: str) -> tuple[str, str]:
        slurm, options = self.slurm, dict(part.lstrip("-").partition("=")[::2] for part in self.command[1:])
        program = self.command[0]
        if program == "sbatch":
            number = slurm.sbatch(script)
            if self.after is not None:
                self.after(number)
            return f"Submitted batch job {number}\n", ""
        if program == "squeue":
            return slurm.squeue(options["name"].split(",")), ""
        if program == "scancel":
            if "name" not in options:
                return "", ""
            return "", slurm.scancel(options["name"], self.command[-1])
        if program == "scontrol":
            return "MaxArraySize            = 1001\nAccountingStorageType   = accounting_storage/none\n", ""
        return "", f"{program}: command not found"
