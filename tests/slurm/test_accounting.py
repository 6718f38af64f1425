"""The second opinion on a cluster that keeps accounts: ends that squeue has forgotten, and accounts that are away."""

import logging
import os
import pwd
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from orchestrator_project import Project, same
from slurm_cluster import ClusterError, ClusterSettings, VirtualCluster
from slurm_processes import processes, wait_until
from slurm_project import CONFIG, environment_of, nothing_left, project_at

from orchestrator.cluster import Job, State, Status, Task
from orchestrator.cluster.commands import run_command
from orchestrator.cluster.partitions import node_states, partitions
from orchestrator.cluster.slurm import SlurmCluster
from orchestrator.config.sections import JobsSection, SlurmSection
from orchestrator.records import Outcome

pytestmark = pytest.mark.slurm


@pytest.fixture(scope="module")
def keeping() -> Iterator[VirtualCluster]:
    """A cluster that keeps accounts, and soon forgets the jobs themselves; it leaves nothing behind."""
    settings = ClusterSettings(nodes=2, min_job_age=2, accounting=True, extra=["KillWait=1"])
    with VirtualCluster(tempfile.mkdtemp(prefix="slurm-"), settings) as own:
        yield own
        daemons = own.daemons()
    assert {"munged", "mariadbd", "slurmdbd", "slurmctld", "n1", "n2"} == set(daemons)
    assert [name for name, process in daemons.items() if process.alive()] == []
    assert [process.command() for process in processes() if str(own.directory) in process.command()] == []
    assert not own.directory.exists()


def submit(cluster: VirtualCluster, name: str, *arguments: str) -> Job:
    options = ("--parsable", "--output=/dev/null", "--no-requeue", f"--job-name={name}")
    return Job(name, cluster.run("sbatch", *options, *arguments).strip())


def wait_until_it_runs(cluster: VirtualCluster, job: Job) -> None:
    question = ("squeue", "--noheader", f"--name={job.token}", "--format=%T")
    assert wait_until(lambda: "RUNNING" in cluster.run(*question), 60)


@pytest.fixture(scope="module")
def past(keeping: VirtualCluster) -> dict[str, Job]:
    """Jobs that have ended in several ways, and that squeue has forgotten."""
    waiting = {
        "stopped": submit(keeping, "run-g0-stopped", "--nodelist=n1", "--wrap=sleep 100"),
        "lost": submit(keeping, "run-g0-lost", "--nodelist=n2", "--wrap=sleep 100"),
    }
    jobs = {
        **waiting,
        "array": submit(keeping, "run-g0-array", "--array=0-2", "--hold", "--wrap=true"),
        "done": submit(keeping, "run-g0-done", "--nodelist=n1", "--wrap=true"),
        "failed": submit(keeping, "run-g0-failed", "--nodelist=n1", "--wrap=exit 3"),
    }
    for job in waiting.values():
        wait_until_it_runs(keeping, job)
    keeping.run("scancel", jobs["stopped"].id, jobs["array"].id)
    keeping.run("scontrol", "update", "nodename=n2", "state=down", "reason=test")
    names = ",".join(job.token for job in jobs.values())
    # it takes slurmctld some seconds longer than MinJobAge
    question = ("squeue", "--noheader", "--states=all", f"--name={names}")
    assert wait_until(lambda: keeping.run(*question).strip() == "", 120, interval=0.2)
    keeping.wait_for_idle(60)  # n2 comes back by itself
    return jobs


COMMANDS = ("sbatch", "squeue", "sacct", "scancel", "scontrol")


class Asker:
    """A product that finds this cluster, and what it asks."""

    def __init__(self, cluster: VirtualCluster, monkeypatch: pytest.MonkeyPatch, **slurm: Any) -> None:
        for name in os.environ:
            if name.startswith(("SLURM_", "SACCT_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("SLURM_CONF", str(cluster.conf))
        self.asked: list[str] = []
        self.slurm = SlurmCluster(JobsSection(poll_interval=1), SlurmSection(**slurm), self._run)

    def _run(self, command: Sequence[str], timeout: float) -> str:
        self.asked.append(next(word for word in command if word in COMMANDS))
        return run_command(command, timeout)

    def status(self, job: Job) -> Status:
        return self.slurm.poll([job])[job]


@pytest.fixture
def asker(keeping: VirtualCluster, monkeypatch: pytest.MonkeyPatch) -> Asker:
    return Asker(keeping, monkeypatch)


def test_ends_that_squeue_has_forgotten_are_known(past: dict[str, Job], asker: Asker) -> None:
    found = {name: asker.status(job) for name, job in past.items()}
    assert found["done"] == Status(State.ENDED, None, "COMPLETED", "n1")
    assert found["failed"] == Status(State.ENDED, None, "FAILED exit code 3:0", "n1")
    assert found["lost"] == Status(State.ABSENT)  # a crashed node's processes may live: their heartbeat decides
    assert found["stopped"].outcome is Outcome.CANCELLED
    assert found["stopped"].reason == f"CANCELLED by {os.getuid()}"
    assert found["stopped"].node == "n1"
    array = past["array"]
    for index in range(3):
        cancelled = asker.status(Job(array.token, f"{array.id}_{index}"))
        assert (cancelled.state, cancelled.outcome, cancelled.node) == (State.ENDED, Outcome.CANCELLED, "")
    assert asker.asked.count("scontrol") == 1


def test_another_cluster_is_asked_by_its_name(
    keeping: VirtualCluster, past: dict[str, Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name,) = re.findall(r"^ClusterName\s*=\s*(\S+)", keeping.run("scontrol", "show", "config"), re.MULTILINE)
    asker = Asker(keeping, monkeypatch, extra={"clusters": name, "hold": True})
    monkeypatch.setenv("SLURM_CLUSTERS", "nowhere")  # it is the user's shell that says so
    (job,) = asker.slurm.submit([Task.of(0, tmp_path / "offspring.json")], "run-g3-held", tmp_path, ())
    assert job.id.isdecimal()
    assert asker.status(job).state is State.PENDING
    assert asker.slurm.batch_size == 1000
    asker.slurm.cancel([job])
    assert wait_until(lambda: asker.status(job).gone, 60, interval=0.2)
    assert asker.status(past["failed"]) == Status(State.ENDED, None, "FAILED exit code 3:0", "n1")
    assert set(asker.asked) == set(COMMANDS)
    assert [each.name for each in partitions(name)] == ["main"]
    assert node_states(partitions(name), name) == ["idle", "idle"]


def test_a_job_that_never_was_stays_absent(past: dict[str, Job], asker: Asker) -> None:
    others = [
        Job("run-g1-other", past["done"].id),
        Job(past["done"].token, "99999"),
        Job(past["array"].token, f"{past['array'].id}_3"),
    ]
    assert [asker.status(job).state for job in others] == [State.ABSENT] * 3
    assert asker.asked.count("sacct") == 3


def test_while_the_accounts_are_away_a_forgotten_job_is_no_news(
    keeping: VirtualCluster,
    past: dict[str, Job],
    asker: Asker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "orchestrator")
    keeping.terminate("slurmdbd")
    assert [asker.status(past["done"]).state for _ in range(5)] == [State.ABSENT] * 5
    assert asker.asked.count("sacct") == 1
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 1
    assert messages[0].startswith("sacct does not answer (sacct: error: ")
    # jobs go on meanwhile, and squeue is believed
    live = submit(keeping, "run-g2-live", "--wrap=sleep 100")
    assert wait_until(lambda: asker.status(live).state is State.RUNNING, 60, interval=0.2)
    keeping.run("scancel", live.id)
    keeping.launch("slurmdbd")
    again = Asker(keeping, monkeypatch)
    assert again.status(past["done"]).state is State.ENDED


def test_while_the_database_is_away_a_forgotten_job_is_no_news(
    keeping: VirtualCluster, past: dict[str, Job], asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping.kill("mariadbd")
    assert asker.status(past["done"]).state is State.ABSENT
    assert asker.asked == ["squeue", "scontrol", "sacct"]
    keeping.launch("mariadbd")
    assert wait_until(lambda: Asker(keeping, monkeypatch).status(past["done"]).state is State.ENDED, 60, interval=0.5)


def test_the_database_is_private(keeping: VirtualCluster) -> None:
    assert (keeping.directory / "database").stat().st_mode & 0o077 == 0
    assert (keeping.directory / "slurmdbd.conf").stat().st_mode & 0o777 == 0o600


def test_without_accounts_sacct_is_never_asked(cluster: VirtualCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    asker = Asker(cluster, monkeypatch)
    job = submit(cluster, "run-g0-held", "--hold", "--wrap=true")
    assert asker.status(job).state is State.PENDING
    assert asker.status(Job("run-g0-held", "99999")).state is State.ABSENT
    cluster.run("scancel", job.id)
    assert asker.asked == ["squeue", "squeue", "scontrol"]


@pytest.fixture
def limiting() -> Iterator[VirtualCluster]:
    """A cluster whose accounts let a user have two jobs at once, those in the queue included."""
    extra = ["AccountingStorageEnforce=associations,limits,qos"]
    with VirtualCluster(
        tempfile.mkdtemp(prefix="slurm-"), ClusterSettings(nodes=2, accounting=True, extra=extra)
    ) as own:
        user = pwd.getpwuid(os.getuid()).pw_name
        own.run("sacctmgr", "-i", "add", "account", "lab")
        own.run("sacctmgr", "-i", "add", "user", user, "account=lab")
        own.run("sacctmgr", "-i", "modify", "user", user, "set", "MaxSubmitJobs=2")
        # the database tells slurmctld a moment later
        refused = ("sbatch", "-A", "lab", "--hold", "--array=0-4", "--output=/dev/null", "--wrap=true")
        assert wait_until(lambda: "AssocMaxSubmitJobLimit" in answer_of(own, *refused), 60)
        yield own


def answer_of(cluster: VirtualCluster, *command: str) -> str:
    try:
        accepted = cluster.run(*command)
    except ClusterError as error:
        return str(error)
    cluster.run("scancel", accepted.split()[-1])
    return accepted


def test_a_users_submit_limit_is_waited_out_from_the_first_submission_on(
    limiting: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    """AssocMaxSubmitJobLimit ended a new run within seconds."""
    project = project_at(tmp_path, slurm={"account": "lab"}, timeout=300)
    out = project.command("run", CONFIG, **environment_of(limiting))
    assert out.count("so many jobs are not taken") == 1
    assert "AssocMaxSubmitJobLimit" in out
    assert "attempt lost" not in out
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
    nothing_left(limiting, project)
