"""What every executor has to do: submit, find again, watch and cancel; the scripted one of the other tests too.

A new executor is one more `Subject` in `SUBJECTS`.
"""

from __future__ import annotations

import math
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cloudpickle
import pytest
from scripted_pool import COMPLETED, RUNNING, FakeCluster

from orchestrator.cluster import Cluster, Job, State, Status, Task
from orchestrator.cluster.ending import end_jobs
from orchestrator.cluster.local import LocalCluster
from orchestrator.cluster.slurm import SlurmCluster
from orchestrator.config.sections import JobsSection, SlurmSection
from orchestrator.node.claim import claim
from orchestrator.paths import GenerationPaths

PATIENCE = 60.0


def work(task_file: str) -> None:
    """Stand in for an evaluation: begin, say so, and end when the test allows it."""
    directory = Path(task_file).parent
    if claim(directory):
        print(f"this is {directory.parent.name}", flush=True)
        (directory / "begun").touch()
        while not (directory / "go").exists():
            time.sleep(0.05)


class Subject:
    """An executor under test, and what a test can do to its jobs.

    Parameters
    ----------
    directory : pathlib.Path
        Takes everything.
    """

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch):
        self.paths = GenerationPaths(directory)
        self.paths.create()
        self.folder = self.paths.submitit
        self.jobs: list[Job] = []
        # a submission's name is given only once
        self.token = f"conformance-{secrets.token_hex(4)}"
        # jobs load it from their pickle, because they cannot import this module
        cloudpickle.register_pickle_by_value(sys.modules[__name__])
        for module in ("local", "submission"):
            monkeypatch.setattr(f"orchestrator.cluster.{module}.evaluate", work)
        self.cluster = self.another()

    def another(self) -> Cluster:
        """Return the executor as a controller sees it that comes after the first one."""
        raise NotImplementedError

    def tasks(self, size: int, first: int = 0) -> list[Task]:
        found = [Task.of(index, self.paths.attempt(index, 1).task) for index in range(first, first + size)]
        for task in found:
            task.files[0].parent.mkdir(parents=True)
            task.files[0].write_text("{}")
        return found

    def submit(self, tasks: list[Task]) -> list[Job]:
        jobs = self.cluster.submit(tasks, self.token, self.folder, ())
        self.jobs += jobs
        return jobs

    def let_end(self, task: Task) -> None:
        (task.files[0].parent / "go").touch()

    def begun(self, task: Task) -> bool:
        return (task.files[0].parent / "begun").exists()

    def close(self) -> None:
        end_jobs(self.cluster, self.jobs)
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


class Local(Subject):
    def another(self) -> Cluster:
        return LocalCluster(workers=2)


class Slurm(Subject):
    def another(self) -> Cluster:
        return SlurmCluster(JobsSection(poll_interval=1), SlurmSection())


class Scripted(Subject):
    """Its executor is the cluster itself, which controllers come and go to."""

    _one: FakeCluster | None = None

    def another(self) -> Cluster:
        self._one = self._one or FakeCluster(self.paths, otherwise=[RUNNING])
        return self._one

    def let_end(self, task: Task) -> None:
        if self._one is not None:
            self._one.answer(task.indices[0], 1, COMPLETED)

    def begun(self, task: Task) -> bool:
        return self._one is not None and (task.indices[0], 1) in self._one.submitted


SUBJECTS = [
    pytest.param(Scripted, id="scripted"),
    pytest.param(Local, id="local", marks=pytest.mark.run),
    pytest.param(Slurm, id="slurm", marks=pytest.mark.slurm),
]


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Subject]:
    if request.param is Slurm:
        request.getfixturevalue("on_cluster")
    made: Subject = request.param(tmp_path / "0", monkeypatch)
    yield made
    made.close()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "this never happens"
        time.sleep(0.1)


def status_of(cluster: Cluster, job: Job) -> Status:
    return cluster.poll([job])[job]


def gone(cluster: Cluster, job: Job) -> bool:
    return status_of(cluster, job).gone


def test_what_it_says_of_itself(subject: Subject) -> None:
    cluster = subject.cluster
    assert cluster.name
    assert isinstance(cluster.survives, bool)
    assert cluster.batch_size >= 1
    assert 0 <= cluster.result_grace < math.inf
    assert all(0 < cluster.poll_interval(elapsed) < math.inf for elapsed in (0, 10, 1e6))


@pytest.mark.parametrize("size", [1, 3])
def test_every_task_becomes_one_job_that_runs_and_ends(subject: Subject, size: int) -> None:
    tasks = subject.tasks(size)
    jobs = subject.submit(tasks)
    assert [job.token for job in jobs] == [subject.token] * size
    assert len({job.id for job in jobs}) == size
    statuses = subject.cluster.poll(jobs)
    assert list(statuses) == jobs
    assert {status.state for status in statuses.values()} <= {State.PENDING, State.RUNNING}
    # each of them by itself, the last one first: jobs are in the order of their tasks
    for task, job in reversed(list(zip(tasks, jobs, strict=True))):
        if task.indices[0] < 2:
            wait_until(lambda task=task: subject.begun(task))  # type: ignore[misc]
            assert status_of(subject.cluster, job).state is State.RUNNING
        subject.let_end(task)
    wait_until(lambda: all(status.gone for status in subject.cluster.poll(jobs).values()))
    log = subject.cluster.log(jobs[0], subject.folder)
    assert log.is_relative_to(subject.folder)
    assert not log.exists() or "this is 0" in log.read_text()


def test_no_job_is_asked_about(subject: Subject) -> None:
    assert subject.cluster.poll([]) == {}
    subject.cluster.cancel([])


def test_a_job_that_it_does_not_know_is_absent_and_may_be_cancelled(subject: Subject) -> None:
    unknown = Job("never-submitted", "999999")
    assert status_of(subject.cluster, unknown).state is State.ABSENT
    subject.cluster.cancel([unknown])
    # an id is given again after a crash: it is not the job without its name
    (job,) = subject.submit(subject.tasks(1))
    other = Job("another-name", job.id)
    assert status_of(subject.cluster, other).state is State.ABSENT
    subject.cluster.cancel([other])
    assert not gone(subject.cluster, job)


def test_a_cancelled_job_ends_the_others_go_on_and_once_more_does_no_harm(subject: Subject) -> None:
    tasks = subject.tasks(2)
    cancelled, other = subject.submit(tasks)
    wait_until(lambda: all(map(subject.begun, tasks)))
    subject.cluster.cancel([cancelled])
    wait_until(lambda: gone(subject.cluster, cancelled))
    subject.cluster.cancel([cancelled])
    assert gone(subject.cluster, cancelled)
    assert status_of(subject.cluster, other).state is State.RUNNING


@pytest.mark.parametrize("noted", [True, False], ids=["ids", "no ids"])
def test_jobs_are_found_again_by_the_next_controller(subject: Subject, noted: bool) -> None:
    tasks = subject.tasks(2)
    jobs = subject.submit(tasks)
    wait_until(lambda: all(map(subject.begun, tasks)))
    later = subject.another()
    ids = [job.id for job in jobs] if noted else None
    assert later.recover(tasks, subject.token, subject.folder, ids, {0, 1}) == jobs
    assert {status.state for status in later.poll(jobs).values()} == {State.RUNNING}
    subject.let_end(tasks[0])
    wait_until(lambda: gone(later, jobs[0]))
    assert not gone(later, jobs[1])
    later.cancel([jobs[1]])
    wait_until(lambda: gone(later, jobs[1]))


def test_of_jobs_that_nobody_waits_for_none_is_begun_by_finding_the_others(subject: Subject) -> None:
    tasks = subject.tasks(3)
    jobs = subject.submit(tasks)
    wait_until(lambda: all(map(subject.begun, tasks[:2])))
    before = [subject.begun(task) for task in tasks]
    later = subject.another()
    assert later.recover(tasks, subject.token, subject.folder, [job.id for job in jobs], {0, 1}) == jobs
    if not later.survives:
        # its queue has died with the first controller
        assert gone(later, jobs[2])
        assert [subject.begun(task) for task in tasks] == before == [True, True, False]
    assert status_of(later, jobs[0]).state is State.RUNNING


def test_jobs_that_are_found_again_twice_are_not_begun_twice(subject: Subject) -> None:
    """A schedule with a deadline for each evaluation asks for one after the other of the same submission."""
    tasks = subject.tasks(3)
    subject.submit(tasks)
    wait_until(lambda: all(map(subject.begun, tasks[:2])))
    later = subject.another()
    jobs = [later.recover(tasks, subject.token, subject.folder, None, {0, 1, 2}) for _ in range(2)]
    assert jobs[0] == jobs[1] is not None
    subject.jobs = list(jobs[0] or ())
    subject.cluster = later
    # of the two workers none is counted twice: the third begins when one of them ends
    subject.let_end(tasks[0])
    wait_until(lambda: gone(later, subject.jobs[0]))
    wait_until(lambda: status_of(later, subject.jobs[2]).state is State.RUNNING)
    for task in tasks[1:]:
        subject.let_end(task)
    wait_until(lambda: all(status.gone for status in later.poll(subject.jobs).values()))
    logs = [file for file in subject.folder.glob("*_log.out") if "this is 2" in file.read_text()]
    assert len(logs) <= 1


def test_a_submission_that_never_happened_is_none_or_happens_now(subject: Subject) -> None:
    (task,) = tasks = subject.tasks(1)
    jobs = subject.cluster.recover(tasks, "never-submitted", subject.folder, None, {0})
    if subject.cluster.survives:
        assert jobs is None
        assert not subject.begun(task)
    else:
        assert jobs is not None
        subject.jobs += jobs
        assert status_of(subject.cluster, jobs[0]).state in (State.PENDING, State.RUNNING)
