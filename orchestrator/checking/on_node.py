"""One short job that takes the way of an offspring: can the node do what the model needs?"""

from __future__ import annotations

import contextlib
import math
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestrator.cluster import Cluster, Job, State, Status, SubmissionFailed, Task, create_cluster
from orchestrator.cluster.ending import end_jobs, see_gone
from orchestrator.config.durations import format_duration
from orchestrator.config.model import Config
from orchestrator.data.freezing import write_data
from orchestrator.errors import Stopped
from orchestrator.files import tail
from orchestrator.jobs.verdicts import patience, verdict
from orchestrator.node.task import NodeTask
from orchestrator.paths import AttemptPaths, GenerationPaths, RunPaths
from orchestrator.records import Offspring, Outcome, Result
from orchestrator.results import new_results
from orchestrator.simulations import Finding, Model, model_of
from orchestrator.simulations.phases import Phase, phases

# between two checks of the result file, and of the queue, in s
_LOOK = 0.25
_POLL = 2.0
# patience for the result file of an ended job and for its last steps, in s
_GRACE = 20.0


@dataclass(frozen=True)
class Rehearsed:
    """What became of the job.

    Parameters
    ----------
    result : Result
        As an offspring's.
    protocol : (int, float) or None
        Number of the protocol's stimuli and their duration in s, None if they could not be counted.
    findings : list of Finding
        What it found to be wrong with the targets.
    processes : bool
        Whether a launcher started the simulation: its memory is not that of the job's own children then.
    whole : bool
        Whether nothing of the simulation was left out: its values are those of the start values then.
    """

    result: Result
    protocol: tuple[int, float] | None
    findings: list[Finding]
    processes: bool
    whole: bool = False

    @property
    def works(self) -> bool:
        """Whether the network was built and simulated; one that explodes is simulated too."""
        return self.result.outcome in (Outcome.OK, Outcome.EXPLODED)


def rehearse(config: Config, limit: float, stop: threading.Event, show: Callable[[str], None]) -> Rehearsed:
    """Run one offspring with the start values, as short as its simulation allows, and leave nothing behind.

    Parameters
    ----------
    config : Config
        Checked, with a start value for every parameter.
    limit : float
        Time limit of the job in s.
    stop : threading.Event
        Set to cancel it.
    show : callable
        Takes a line that says what the job is doing, whenever that changes.

    Raises
    ------
    orchestrator.errors.Stopped
        If `stop` was set; the job is cancelled.
    """
    limit = min(limit, config.jobs.time or limit)
    jobs = config.jobs.model_copy(update={"time": limit})
    config = config.model_copy(update={"jobs": jobs, "local": config.local.model_copy(update={"workers": 1})})
    with _directory(config.model_dir) as directory:
        paths = RunPaths(directory).generation(0)
        paths.create()
        attempt = paths.attempt(0, 1)
        attempt.directory.mkdir(parents=True)
        full = model_of(config)
        model = full.shortened(attempt)
        _task(config, model, paths).write()
        cluster = create_cluster(config, stop)
        token = directory.name
        try:
            (job,) = cluster.submit([Task.of(0, attempt.task)], token, paths.submitit, ())
        except SubmissionFailed as error:
            return Rehearsed(Result(Outcome.SUBMIT_FAILED, message=str(error)), None, [], processes=False)
        try:
            result = _Watch(cluster, job, paths, limit).wait(stop, show)
        except BaseException:
            end_jobs(cluster, [job])
            raise
        if see_gone(cluster, [job], _GRACE):
            end_jobs(cluster, [job])
        findings, processes = model.tried(attempt, config), bool(model.context.launcher)
        return Rehearsed(result, model.counted(attempt), findings, processes=processes, whole=model is full)


@contextlib.contextmanager
def _directory(model_dir: Path) -> Iterator[Path]:
    """Make a directory in the model's, which the nodes see, and remove it."""
    directory = model_dir / f"orchestrator_check_{secrets.token_hex(4)}"
    directory.mkdir(mode=0o700)
    try:
        yield directory
    finally:
        # what a killed simulation has still open is there for a moment longer on network file systems
        for pause in (0.0, 0.5, 2.0):
            time.sleep(pause)
            shutil.rmtree(directory, ignore_errors=True)
            if not directory.exists():
                break


def _task(config: Config, model: Model[Any], paths: GenerationPaths) -> NodeTask:
    space = config.space()
    point = space.encode(config.optimiser_centroid)
    start = Offspring(0, 0, tuple(float(x) for x in point), config.start)
    keep = config.keep.model_copy(update={"directories": "none", "log_lines": max(config.keep.log_lines, 20)})
    here = config.model_copy(update={"measure_on": "job", "keep": keep})
    data = paths.directory / "data.npz"
    if config.data:
        write_data(config.measured, data)
    task = NodeTask.of(here, model, start, paths.attempt(0, 1), 1, data=data)
    if config.simulation.jobs_per_evaluation == 1:
        return task
    # the first trial alone
    parameters = task.simulation.parameters_of_trial(task.all_parameters, 0)
    return replace(task, simulation=task.simulation.of_one_trial(), parameters=parameters)


@dataclass
class _Watch:
    """Looks at one job until it has ended, and decides what its end means."""

    cluster: Cluster
    job: Job
    paths: GenerationPaths
    limit: float
    status: Status = field(default_factory=lambda: Status(State.UNKNOWN))
    next_poll: float = 0.0
    listed: bool = False
    # when it was first seen to have ended, and to have begun, in s of `time.monotonic`
    ended: float | None = None
    begun: float | None = None
    seen: set[str] = field(default_factory=set)

    def wait(self, stop: threading.Event, show: Callable[[str], None]) -> Result:
        """Return the job's result; raises `Stopped` where `stop` is set before there is one."""
        attempt = self.paths.attempt(0, 1)
        while True:
            is_away = False
            try:
                for _, _, result in new_results(self.paths.results, self.seen):
                    return result
            except OSError:  # a file system that is away for a moment: the job may well have delivered
                is_away, self.ended = True, None
            if time.monotonic() >= self.next_poll:
                self.status = self.cluster.poll([self.job])[self.job]
                self.listed |= self.status.state not in (State.ABSENT, State.UNKNOWN)
                self.next_poll = time.monotonic() + _POLL
            show(_doing(self.status, attempt, self.job))
            found = (None if is_away else self._end(attempt)) or self._too_long(attempt)
            if found is not None:
                return found
            if stop.wait(_LOOK):
                raise Stopped("the job was cancelled; nothing is left of it")

    def _end(self, attempt: AttemptPaths) -> Result | None:
        """Return what the end of a job without a result means, once the file system has had its time."""
        if not self.status.gone:
            self.ended = None
            return None
        self.ended = self.ended or time.monotonic()
        grace = min(self.cluster.result_grace, _GRACE)
        if time.monotonic() - self.ended <= patience(self.status, attempt, grace, listed=self.listed, timeout=math.inf):
            return None
        log = self.cluster.log(self.job, self.paths.submitit)
        return verdict(self.status, attempt, log, self.job.id, grace)

    def _too_long(self, attempt: AttemptPaths) -> Result | None:
        if self.begun is None and Phase.STARTED in phases(attempt):
            self.begun = time.monotonic()
        patience = _GRACE if self.cluster.survives else 0.0  # SLURM has a limit of its own
        if self.begun is None or time.monotonic() - self.begun <= self.limit + patience:
            return None
        message = f"not finished within {format_duration(self.limit)}; --time-limit gives it more"
        return Result(Outcome.TIME_LIMIT, message=message, log_tail=tail(attempt.log, 20))


def _doing(status: Status, attempt: AttemptPaths, job: Job) -> str:
    """Say what the job is doing, from what it has noted and from the queue."""
    noted = phases(attempt)
    if not noted:
        reason = f" ({status.reason})" if status.reason else ""
        return f"job {job.id} is {'in the queue' if status.state is State.PENDING else status.state.value}{reason}"
    words = {
        Phase.STARTED: "starting",
        Phase.BUILDING: "building the network",
        Phase.CHECK: "presenting one slice",
    }
    last = max(noted, key=lambda phase: noted[phase])
    return f"job {job.id}: {words.get(last, last.value)}"
