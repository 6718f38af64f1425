"""What a user tells every sbatch counts, what SLURM sets in a controller's own job does not, and a key beats both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from submitit.core.utils import JobPaths

from orchestrator.cluster import Job, State, Task
from orchestrator.cluster.environment import cluster_problem, leave_allocation, overruled, with_cluster
from orchestrator.cluster.slurm import SlurmCluster
from orchestrator.config.sections import JobsSection, SlurmSection

# from a shell: sbatch's own, and how SLURM is reached
USERS = {
    "SBATCH_ACCOUNT": "proj42",
    "SBATCH_PARTITION": "long",
    "SBATCH_RESERVATION": "course",
    "SBATCH_QOS": "high",
    "SBATCH_TIMELIMIT": "30",
    "SBATCH_EXPORT": "NONE",
    "SBATCH_GRES_FLAGS": "enforce-binding",
    "SLURM_CONF": "/etc/slurm/slurm.conf",
    "SLURM_CLUSTERS": "gpu",
    "SLURM_JWT": "eyJh",
    "BASH_FUNC_module%%": "() {  eval `modulecmd bash $*`\n}",
    "HTTPS_PROXY": "http://proxy:3128",
}
# of a job of SLURM 22.05 with --mem-per-cpu, --mem-bind and --hint
JOBS = {
    "SLURM_JOB_ID": "7",
    "SLURM_MEM_PER_CPU": "20",
    "SLURM_HINT": "nomultithread",
    "SLURM_WORKING_CLUSTER": "c:127.0.0.1:20788:9728:109",
    "SLURMD_NODENAME": "n1",
    "SBATCH_CPU_BIND": "quiet,mask_cpu:0x1",
    "SBATCH_CPU_BIND_LIST": "0x1",
    "SBATCH_MEM_BIND_TYPE": "local",
    "SRUN_DEBUG": "3",
    "PMI_RANK": "0",
    "PMIX_RANK": "0",
    "OMPI_COMM_WORLD_RANK": "0",
}
# with which SLURM's commands say something else, or not all
OTHER_WORDS = {
    "SQUEUE_FORMAT2": "jobid",
    "SQUEUE_STATES": "RUNNING",
    "SACCT_FORMAT": "jobid",
    "SINFO_PARTITION": "short",
    "SCONTROL_FEDERATION": "1",
    "SCANCEL_INTERACTIVE": "1",
    "SLURM_TIME_FORMAT": "relative",
    "SLURM_BITSTR_LEN": "4",
}


def test_of_a_job_only_what_the_user_told_it_stays() -> None:
    environment = {**USERS, **JOBS, **OTHER_WORDS}
    assert leave_allocation(environment) == {**JOBS, **OTHER_WORDS}
    assert environment == USERS


def test_outside_a_job_a_binding_is_the_users_own() -> None:
    environment = {**USERS, "SBATCH_MEM_BIND": "local"}
    assert leave_allocation(environment) == {}


@pytest.mark.parametrize(
    ("options", "hidden"),
    [
        ((), []),
        (("partition", "account"), ["SBATCH_ACCOUNT", "SBATCH_PARTITION"]),
        (("time", "clusters"), ["SBATCH_TIMELIMIT", "SLURM_CLUSTERS"]),
        (("gres-flags",), ["SBATCH_GRES_FLAGS"]),
    ],
)
def test_sbatch_does_not_see_what_it_would_prefer_to_the_script(options: Sequence[str], hidden: list[str]) -> None:
    assert overruled(options, USERS) == hidden


def test_amounts_of_memory_that_exclude_each_other_do_not_meet() -> None:
    assert overruled(["mem"], {"SBATCH_MEM_PER_CPU": "1G", "SBATCH_MEM_PER_NODE": "8G"}) == [
        "SBATCH_MEM_PER_CPU",
        "SBATCH_MEM_PER_NODE",
    ]


MAKES_ANOTHER_JOB = {
    "SBATCH_ARRAY_INX": "0-99",
    "SBATCH_JOB_NAME": "mine",
    "SBATCH_OUTPUT": "/dev/null",
    "SBATCH_ERROR": "err",
    "SBATCH_OPEN_MODE": "truncate",
    "SBATCH_REQUEUE": "1",
    "SBATCH_SIGNAL": "USR1@60",
    "SBATCH_WAIT": "1",
}


def asked(monkeypatch: pytest.MonkeyPatch, folder: Path, environment: dict[str, str], **slurm: object) -> list[str]:
    """Return the command with which one offspring is submitted, up to the script."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    commands: list[list[str]] = []

    def run(command: Sequence[str], timeout: float) -> str:
        commands.append([*command])
        return "Submitted batch job 7\n"

    section = SlurmSection.model_validate(slurm)
    SlurmCluster(JobsSection(mem="2G"), section, run).submit([Task.of(0, folder / "0.json")], "run-g0-aa", folder, ())
    (command,) = commands
    return command[:-1]


def test_no_variable_makes_another_job_of_an_offsprings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = asked(monkeypatch, tmp_path, MAKES_ANOTHER_JOB)
    assert command == ["env", *(word for name in sorted(MAKES_ANOTHER_JOB) for word in ("-u", name)), "sbatch"]


def test_a_key_beats_a_variable_and_the_others_are_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = {"SBATCH_ACCOUNT": "proj42", "SBATCH_PARTITION": "long", "SBATCH_MEM_PER_CPU": "1G"}
    command = asked(monkeypatch, tmp_path, users, partition="short")
    assert command == ["env", "-u", "SBATCH_MEM_PER_CPU", "-u", "SBATCH_PARTITION", "sbatch"]


@pytest.mark.parametrize(
    ("extra", "environment", "cluster"),
    [
        ({}, {}, None),
        ({"clusters": "gpu"}, {"SLURM_CLUSTERS": "cpu"}, "gpu"),
        ({"nice": 1}, {"SLURM_CLUSTERS": "gpu"}, "gpu"),
        ({}, {"SBATCH_CLUSTERS": "gpu"}, "gpu"),
        ({}, {"SLURM_CLUSTERS": ""}, None),
    ],
)
def test_the_cluster_of_the_environment_becomes_the_runs(
    extra: dict[str, str | int], environment: dict[str, str], cluster: str | None
) -> None:
    section = with_cluster(SlurmSection.model_validate({"extra": extra}), environment)
    assert section.cluster == cluster
    assert {**section.extra, "clusters": None} == {**extra, "clusters": None}
    assert cluster_problem(section, environment) is None


@pytest.mark.parametrize("named", ["cpu,gpu", "all"])
def test_several_clusters_of_the_environment_are_none_to_watch(named: str) -> None:
    environment = {"SLURM_CLUSTERS": named}
    assert with_cluster(SlurmSection(), environment).cluster is None
    problem = cluster_problem(SlurmSection(), environment)
    assert problem is not None
    assert f"SLURM_CLUSTERS is '{named}'" in problem
    assert cluster_problem(SlurmSection(extra={"clusters": "gpu"}), environment) is None


ON_GPU = {
    "sbatch": "Submitted batch job 77 on cluster gpu\n",
    "squeue": "CLUSTER: gpu\n77|0|RUNNING|run-g0-aa|n1|None\n",
    "sacct": "77_1|FAILED|1:0|n1|run-g0-aa\n",
    "scontrol": "AccountingStorageType = accounting_storage/slurmdbd\n",
    "scancel": "",
}


def test_all_commands_are_told_the_cluster_of_the_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: name)
    commands: list[list[str]] = []

    def run(command: Sequence[str], timeout: float) -> str:
        commands.append([*command])
        return ON_GPU[command[0]]

    cluster = SlurmCluster(JobsSection(), SlurmSection(extra={"clusters": "gpu"}), run)
    jobs = cluster.submit([Task.of(n, tmp_path / f"{n}.json") for n in range(2)], "run-g0-aa", tmp_path, ())
    statuses = cluster.poll(jobs)
    cluster.cancel(jobs)
    assert [(job.id, statuses[job].state) for job in jobs] == [("77_0", State.RUNNING), ("77_1", State.ENDED)]
    sbatch, *others = commands
    assert "#SBATCH --clusters=gpu\n" in JobPaths(tmp_path / "run-g0-aa", "77").submission_file.read_text()
    assert sbatch[0] == "sbatch"
    assert [command[:2] for command in others] == [
        [name, "--clusters=gpu"] for name in ("squeue", "scontrol", "sacct", "scancel")
    ]


@pytest.mark.parametrize(
    ("named", "before"),
    [("gpu", []), ("broken", ["env", "-u", "SLURM_CLUSTERS"])],
)
def test_a_cluster_of_the_shell_that_is_out_of_order_does_not_matter(
    named: str, before: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CLUSTERS", named)
    commands: list[list[str]] = []

    def run(command: Sequence[str], timeout: float) -> str:
        commands.append([*command])
        return ""

    cluster = SlurmCluster(JobsSection(), SlurmSection(extra={"clusters": "gpu"}), run)
    cluster.cancel([Job("run-g0-aa", "77")])
    assert commands == [[*before, "scancel", "--clusters=gpu", "--name=run-g0-aa", "77"]]


def test_who_watches_another_cluster_is_another_executor() -> None:
    names = [SlurmCluster(JobsSection(), SlurmSection(extra=extra)).name for extra in ({"clusters": "gpu"}, {})]
    assert names == ["slurm on cluster gpu", "slurm"]
