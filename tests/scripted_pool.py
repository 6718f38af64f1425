"""A generation in the pool, on a cluster that answers by script, in a time that moves only while somebody waits."""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cluster import Job, State, Status, SubmissionFailed, Task
from orchestrator.files import append_json_line, read_json_lines, write_json
from orchestrator.jobs.cleanup import Cleanup
from orchestrator.jobs.entries import Landed, Terms
from orchestrator.jobs.measuring.trials import MeasuringOfTrials
from orchestrator.jobs.pool import JobPool
from orchestrator.jobs.trials.pool import TrialPool
from orchestrator.paths import AttemptPaths, GenerationPaths, RunPaths
from orchestrator.records import Offspring, Outcome, Result
from orchestrator.results import read_result

START = 1.7e9
_LONGEST = 50_000.0
_MODULES = (
    "clocks",
    "jobs.pool",
    "jobs.dispatcher",
    "jobs.poller",
    "jobs.journal",
    "jobs.deadline",
    "jobs.retries",
    "jobs.verdicts",
    "jobs.cleanup",
    "jobs.measuring.trials",
    "cluster.ending",
)

PENDING, RUNNING = Status(State.PENDING), Status(State.RUNNING)
ABSENT, UNKNOWN = Status(State.ABSENT), Status(State.UNKNOWN)
COMPLETED = Status(State.ENDED, reason="COMPLETED")
FORGIVEN = Status(State.ENDED, reason="its process was gone", forgiven=True)
OK = Result(Outcome.OK, values={"rate": 1.0}, host="n9")

# What a poll answers; a result is written to the attempt's result file, and its job has ended; a text as it is.
Answer = Status | Result | str | Callable[[AttemptPaths], Status]


def ended(outcome: Outcome | None = None, node: str = "") -> Status:
    return Status(State.ENDED, outcome, outcome.value if outcome else "FAILED", node)


class Crash(BaseException):
    """The controller dies here and now."""


class Clock:
    """Stands in for the module time, and says what time it is where the files are."""

    CLOCK_BOOTTIME = 7

    def __init__(self) -> None:
        # the true time, and how far the host's clock is ahead; when it has booted
        self.now = START
        self.skew = 0.0
        self.booted = START - 5000.0
        self._planned: list[tuple[float, Callable[[], object]]] = []

    def time(self) -> float:
        return self.now + self.skew

    def monotonic(self) -> float:
        return self.now - self.booted

    def clock_gettime(self, _clock: int) -> float:
        return self.monotonic()

    def file_system_time(self, _beside: Path) -> float:
        return self.now

    def append_json_line(self, path: Path, data: Mapping[str, Any]) -> None:
        """Append a line at the file system's time."""
        append_json_line(path, data)
        os.utime(path, (self.now, self.now))

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        due = [action for when, action in self._planned if when <= self.now]
        self._planned = [(when, action) for when, action in self._planned if when > self.now]
        for action in due:
            action()
        assert self.now < START + _LONGEST, "this never ends"

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        self._planned.append((self.now + seconds, action))


class Stop(threading.Event):
    """Waits in the clock's time."""

    def __init__(self, clock: Clock):
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.sleep(timeout or 0.0)
        return self.is_set()


@dataclass
class FakeCluster:
    """Runs nothing: answers what `script` says of attempt (offspring, number), or of any attempt (offspring, None)."""

    paths: GenerationPaths
    survives: bool = True
    batch_size: int = 100
    name: str = "fake"
    result_grace: float = 5.0
    script: dict[tuple[int, int | None], list[Answer]] = field(default_factory=dict)
    otherwise: list[Answer] = field(default_factory=lambda: [RUNNING, OK])
    # what the next calls of submit and recover raise; whether a submission happens all the same
    refusals: deque[tuple[SubmissionFailed, bool]] = field(default_factory=deque)
    silent: deque[SubmissionFailed] = field(default_factory=deque)
    on_cancel: Callable[[], object] = lambda: None
    confirm: Callable[[], object] = lambda: None
    batches: list[list[tuple[int, int]]] = field(default_factory=list)
    avoided: list[set[str]] = field(default_factory=list)
    cancelled: list[tuple[int, int]] = field(default_factory=list)
    recovered: list[tuple[str, set[int]]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    _jobs: dict[Job, list[tuple[int, int]]] = field(default_factory=dict)
    _left: dict[tuple[int, int], list[Answer]] = field(default_factory=dict)

    @property
    def submitted(self) -> list[tuple[int, int]]:
        return [attempt for batch in self.batches for attempt in batch]

    def answer(self, index: int, number: int | None, *answers: Answer) -> None:
        """Answer this from now on, the last one for ever."""
        self.script[index, number] = list(answers)
        self._left = {key: left for key, left in self._left.items() if key[0] != index or key[1] != (number or key[1])}

    def submit(self, tasks: Sequence[Task], token: str, folder: Path, avoid: Collection[str]) -> list[Job]:
        self.confirm()
        error, happens = self.refusals.popleft() if self.refusals else (None, True)
        jobs = self._start(tasks, token) if happens else []
        if happens:
            self.avoided.append(set(avoid))
        if error is not None:
            raise error
        return jobs

    def add(self, job: Job, attempt: tuple[int, int]) -> tuple[int, int]:
        """Know a job that somebody else submitted."""
        self._jobs[job] = [attempt]
        return attempt

    def recover(
        self, tasks: Sequence[Task], token: str, folder: Path, ids: Sequence[str] | None, wanted: Collection[int]
    ) -> list[Job] | None:
        if self.silent:
            raise self.silent.popleft()
        self.recovered.append((token, set(wanted)))
        if ids is not None:
            return [Job(token, job_id) for job_id in ids]
        return [job for job in self._jobs if job.token == token] or None

    def poll(self, jobs: Sequence[Job]) -> Mapping[Job, Status]:
        return {job: self._status_of_all(self._jobs[job]) if job in self._jobs else ABSENT for job in jobs}

    def cancel(self, jobs: Sequence[Job]) -> None:
        self.confirm()
        self.on_cancel()
        self.calls.append("cancel")
        self.cancelled += [attempt for job in jobs for attempt in self._jobs.get(job, ())]

    def log(self, job: Job, folder: Path) -> Path:
        return folder / job.id

    def poll_interval(self, elapsed: float) -> float:
        return 1.0

    def _start(self, tasks: Sequence[Task], token: str) -> list[Job]:
        groups = [_attempts_of(task) for task in tasks]
        attempts = [attempt for group in groups for attempt in group]
        assert not set(attempts) & set(self.submitted), "an attempt's directory is used twice"
        jobs = [Job(token, f"{len(self.batches)}_{n}") for n in range(len(tasks))]
        self._jobs.update(zip(jobs, groups, strict=True))
        self.batches.append(attempts)
        self.calls.append("submit")
        return jobs

    def _status_of_all(self, attempts: Sequence[tuple[int, int]]) -> Status:
        """A job has ended well if it has delivered all; otherwise what happens to one of its evaluations counts."""
        statuses = [self._status(*attempt) for attempt in attempts]
        return next((each for each in statuses if each != COMPLETED), COMPLETED)

    def _status(self, index: int, number: int) -> Status:
        if (index, number) in self.cancelled:
            return ended(Outcome.CANCELLED)
        script = self.script.get((index, number), self.script.get((index, None), self.otherwise))
        left = self._left.setdefault((index, number), list(script))
        answer = left.pop(0) if len(left) > 1 else left[0]
        paths = self.paths.attempt(index, number)
        if isinstance(answer, str):
            paths.result.write_text(answer)
            return COMPLETED
        if isinstance(answer, Result):
            write_json(paths.result, answer.to_json())
            return COMPLETED
        return answer if isinstance(answer, Status) else answer(paths)


def _attempts_of(task: Task) -> list[tuple[int, int]]:
    return [(index, int(file.parent.name)) for index, file in zip(task.indices, task.files, strict=True)]


class FakeMeasuring:
    """Measures at the next look; `findings` are results, those that say nothing where there are none."""

    in_place = True

    def __init__(self) -> None:
        self.findings: dict[int, Result] = {}
        self.added: list[tuple[int, AttemptPaths]] = []
        self._running: list[tuple[tuple[int, int], AttemptPaths]] = []

    def add(self, key: tuple[int, int], paths: AttemptPaths) -> None:
        self.added.append((key[1], paths))
        self._running.append((key, paths))

    def landed(self, key: tuple[int, int]) -> None:
        pass

    def poll(self) -> list[tuple[tuple[int, int], Result]]:
        failed = []
        for key, paths in self._running:
            finding = self.findings.get(key[1], OK)
            if finding.says_nothing or finding.outcome is Outcome.SIMULATION_ERROR:
                failed.append((key, finding))
            else:
                found = {"outcome": finding.outcome, "values": finding.values, "message": finding.message}
                write_json(paths.result, replace(read_result(paths.result), **found, measured=True).to_json())
        self._running.clear()
        return failed

    def close(self) -> None:
        self._running.clear()


class ScriptedRun:
    """A directory, a cluster and a time that controllers come and go in."""

    def __init__(
        self,
        directory: Path,
        monkeypatch: pytest.MonkeyPatch,
        *,
        size: int = 2,
        number: int = 0,
        timeout: float = 1000.0,
        retries: int = 2,
        **options: Any,
    ):
        self.clock = Clock()
        self.paths = GenerationPaths(directory / "generations" / str(number))
        self.cluster = FakeCluster(self.paths, **options)
        self.cluster.confirm = self._confirm
        self.terms = Terms(timeout, retries, "run")
        self.offspring = [Offspring(number, n, (0.5,), {"x": 0.5}) for n in range(size)]
        self.measuring = FakeMeasuring()
        self._directory = directory
        self.stop = Stop(self.clock)
        self.confirm: Callable[[], object] = lambda: None
        self.deadlines: list[float] = []
        self._pool: JobPool | None = None
        for module in _MODULES:
            monkeypatch.setattr(f"orchestrator.{module}.time", self.clock)
        for module in ("jobs.journal", "simulations.phases"):
            monkeypatch.setattr(f"orchestrator.{module}.file_system_time", self.clock.file_system_time)
        monkeypatch.setattr("orchestrator.jobs.journal.append_json_line", self.clock.append_json_line)
        monkeypatch.setattr("orchestrator.jobs.result_watch._changes", self._looks)

    def _looks(self, folders: Sequence[Path], interval: float, stop: threading.Event) -> Iterator[None]:
        while not stop.is_set():
            assert self._pool is not None
            own = [deadline.time for deadline in self._pool._entries.by_deadline()]
            self.deadlines += [time + self.clock.booted for time in own]
            self.clock.sleep(interval)
            yield

    def _confirm(self) -> None:
        self.confirm()

    def cleanup(self) -> Cleanup:
        """Return what a new controller cleans up."""
        return Cleanup(RunPaths(self._directory), self.cluster, "none", self._confirm)

    def pool(self, cleanup: Cleanup | None = None) -> JobPool:
        """Return the pool of a new controller."""
        return self._new_pool(self.measuring, cleanup)

    def pool_of_trials(self, trials: int) -> TrialPool:
        """Return the pool of a new controller for evaluations of which each trial has a job."""
        measuring = MeasuringOfTrials(
            self.measuring,  # type: ignore[arg-type]
            trials,
            folder_of=self._folder,
            write_task=lambda offspring, paths: write_json(paths.task, {"index": offspring.index}),
            confirm=self._confirm,
            grace=self.cluster.result_grace,
        )
        return TrialPool(self._new_pool(measuring), measuring, trials)

    def _folder(self, number: int) -> GenerationPaths:
        return GenerationPaths(self.paths.directory.parent / str(number))

    def _new_pool(self, measuring: Any, cleanup: Cleanup | None = None) -> JobPool:
        self.stop.clear()
        self._pool = JobPool(
            self.cluster,
            self.terms,
            folder_of=self._folder,
            write_task=lambda offspring, paths, number: write_json(
                paths.task, {"index": offspring.index, "attempt": number}
            ),
            measuring=measuring,
            cleanup=cleanup or self.cleanup(),
            stop=self.stop,
            confirm=self._confirm,
            first=self.offspring[0].generation == 0,
        )
        return self._pool

    def finish(self, cleanup: Cleanup | None = None) -> list[Landed]:
        """Let a new controller evaluate the generation; return what came of it in the order of the offspring."""
        with self.pool(cleanup) as pool:
            pool.add(self.offspring)
            landed: list[Landed] = []
            while not pool.is_idle:
                landed += pool.wait()
            pool.refuse_if_all_failed(self.offspring)
            return sorted(landed, key=lambda one: one.offspring.index)

    def crash(self, after: float) -> None:
        """Let a new controller work, and die."""

        def die() -> None:
            raise Crash

        self.clock.after(after, die)
        with pytest.raises(Crash):
            self.finish()

    def outcomes(self) -> list[Outcome]:
        return [landed.result.outcome for landed in self.finish()]

    def deliver(self, index: int, number: int, result: Result = OK) -> None:
        """Write the result file of an attempt, whatever the cluster says of its job."""
        write_json(self.paths.attempt(index, number).result, result.to_json())

    def told(self, index: int, number: int, exit_code: int) -> Callable[[AttemptPaths], Status]:
        """Answer that a job which had begun has ended, and told its exit code in its log."""

        def dies(paths: AttemptPaths) -> Status:
            self.beat(paths)
            self._tell(index, number, "Killed", exit_code)
            return ended()

        return dies

    def waited_in_vain(self, index: int, number: int, node: str) -> Callable[[AttemptPaths], Status]:
        """Answer that a job has ended because it was not handed its task within submitit's minute."""

        def gives_up(_: AttemptPaths) -> Status:
            words = "RuntimeError: Waited for 60 seconds but could not find submitted jobs in path:\n/7_submitted.pkl"
            self._tell(index, number, words, 1)
            return ended(node=node)

        return gives_up

    def _tell(self, index: int, number: int, words: str, exit_code: int) -> None:
        job = next(job for job, attempt in self.cluster._jobs.items() if (index, number) in attempt)
        log = self.cluster.log(job, self.paths.submitit)
        log.write_text(f"{words}\norchestrator: the process of the job ended with exit code {exit_code}\n")

    def beat(self, paths: AttemptPaths, phase: str = "started") -> None:
        """Leave a sign of life of an attempt."""
        paths.directory.mkdir(parents=True, exist_ok=True)
        append_json_line(paths.progress, {"time": self.clock.time(), "phase": phase})
        os.utime(paths.progress, (self.clock.now, self.clock.now))

    def write(self, event: str, **entry: object) -> None:
        """Write into the journal what a controller that died has left there."""
        self.paths.create()
        self.clock.append_json_line(self.paths.journal, {"event": event, "time": self.clock.time(), **entry})

    def write_submitting(self, token: str, *attempts: tuple[int, int], executor: str = "fake") -> list[Task]:
        self.write("submitting", token=token, tasks=[list(attempt) for attempt in attempts], executor=executor)
        return [Task.of(index, self.paths.attempt(index, number).task) for index, number in attempts]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [entry for entry in read_json_lines(self.paths.journal) if entry["event"] == name]


def content(landed: Sequence[Landed]) -> list[str]:
    """What can be compared: NaN is not equal to itself."""
    return [repr(one) for one in landed]


def finite(deadlines: Sequence[float]) -> list[float]:
    return [deadline for deadline in deadlines if math.isfinite(deadline)]
