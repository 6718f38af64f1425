"""What sites and users put around SLURM: accounts, several clusters, settings in the environment, requeueing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from orchestrator_project import Project, same, wait_for
from slurm_project import (
    ALIVE,
    CONFIG,
    HELD,
    ROOT,
    SLURM,
    calls_of,
    disguised,
    environment_of,
    finished,
    in_offspring,
    jobs_in,
    jobs_of,
    let_go,
    log_of,
    project_at,
    same_but_attempts,
)
from virtual_cluster import VirtualCluster

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("on_cluster", "leaving_nothing")]

WANTS_ACCOUNT = """if [ -z "$SBATCH_ACCOUNT" ]; then
  echo "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified" >&2
  exit 1
fi
"""


def accounts_of(cluster: VirtualCluster, project: Project) -> set[str]:
    names = {row[2] for row in jobs_of(cluster, project)}
    rows = [line.split("|") for line in cluster.run("squeue", "-h", "-t", "all", "-o", "%j|%a").splitlines()]
    return {account for name, account in rows if name in names}


def test_an_account_in_the_environment_counts(cluster: VirtualCluster, tmp_path: Path, undisturbed: Project) -> None:
    project = project_at(tmp_path / "model")
    site = environment_of(cluster, disguised(tmp_path / "bin", "sbatch", WANTS_ACCOUNT))
    assert "SLURM refuses such a job: Batch job sub" in project.command("check", CONFIG, code=2, **site)
    users = {**site, "SBATCH_ACCOUNT": "proj42"}
    assert "accepts the job" in project.command("check", CONFIG, **users)
    project.command("run", CONFIG, **users)
    assert same(project.frame(), undisturbed.frame())
    assert (project.simulated, accounts_of(cluster, project)) == (8, {"proj42"})


def test_an_account_of_the_shell_counts_in_a_controllers_own_job(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    project = project_at(tmp_path / "model")
    shutil.copy(ROOT / "slurm_templates" / "optimisation.sbatch", project.directory)
    site = environment_of(cluster, disguised(tmp_path / "bin", "sbatch", WANTS_ACCOUNT))
    settings = [f"{name}={value}" for name, value in {**site, "SBATCH_ACCOUNT": "proj42"}.items()]
    submission = f'cd "{project.directory}" && sbatch --wait optimisation.sbatch'
    cluster.run("env", *settings, "sh", "-c", submission, timeout=120)
    assert same(project.frame(), undisturbed.frame())
    assert (project.simulated, accounts_of(cluster, project)) == (8, {"proj42"})


# Two clusters: jobs are on the one of the name gpu, and who does not say so asks another, where there are none.
_TOLD = """told=; [ "$SLURM_CLUSTERS" = gpu ] && told=1
for word; do shift; if [ "$word" = --clusters=gpu ]; then told=1; else set -- "$@" "$word"; fi; done
for script; do :; done
unset SLURM_CLUSTERS
"""
TWO_CLUSTERS = {
    "sbatch": """grep -q '^#SBATCH --clusters=gpu' "$script" && told=1
[ $told ] || { echo "sbatch: error: no partition here" >&2; exit 1; }
sed -i '/^#SBATCH --clusters/d' "$script"
said=$("$REAL" "$@") || exit; echo "$said on cluster gpu"; exit
""",
    "squeue": '[ $told ] || exit 0; echo "CLUSTER: gpu"',
    "scancel": '[ $told ] || { echo "scancel: error: Invalid job id specified" >&2; exit 1; }',
    "scontrol": '[ $told ] || { echo "MaxArraySize = 1"; exit 0; }',
    "sinfo": '[ $told ] || exit 0; echo "CLUSTER: gpu"',
}


def two_clusters(folder: Path) -> Path:
    for name, script in TWO_CLUSTERS.items():
        disguised(folder, name, f"{_TOLD}{script}")
    return folder


@pytest.mark.parametrize("named_by", ["slurm.extra", "SLURM_CLUSTERS", "SBATCH_CLUSTERS"])
def test_all_of_slurm_is_asked_on_the_cluster_of_the_jobs(
    named_by: str, cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    extra = {"clusters": "gpu"} if named_by == "slurm.extra" else {}
    project = project_at(tmp_path / "model", slurm={"extra": {**extra, "exclusive": False, "comment": None}})
    site = two_clusters(tmp_path / "bin")
    environment = {**environment_of(cluster, site), **({} if extra else {named_by: "gpu"})}
    assert "  cluster     gpu accepts the job" in project.command("check", CONFIG, **environment)
    before = calls_of(site, "sbatch")
    project.command("run", CONFIG, **environment)
    assert same(project.frame(), undisturbed.frame())
    assert (project.simulated, calls_of(site, "sbatch") - before) == (8, 2)


def test_who_cancels_or_continues_need_not_know_the_cluster(cluster: VirtualCluster, tmp_path: Path) -> None:
    project = project_at(tmp_path / "model", slurm={"extra": {"begin": "now+600"}})
    site = environment_of(cluster, two_clusters(tmp_path / "bin"))
    controller = project.start("run", CONFIG, **site, SLURM_CLUSTERS="gpu")
    wait_for(lambda: len(jobs_in(cluster, project, 0, "PENDING")) == 4 and "submitted 4" in log_of(project))
    controller.terminate()
    controller.communicate(timeout=60)
    assert controller.returncode == 3
    (run,) = map(str, project.runs)
    elsewhere = ["--set", "slurm.extra.clusters=cpu"]
    said = project.command("run", "--continue", run, *elsewhere, code=2, **site)
    assert "its jobs run with executor: slurm on cluster gpu, not slurm on cluster cpu" in said
    assert "Ended 4 jobs" in project.command("cancel", run, **site)
    assert jobs_of(cluster, project, *ALIVE) == []
    shutil.rmtree(run)  # it could be continued


# what users set for themselves, and sites for them: other words, other jobs, less of an environment
SETTINGS = {
    "SQUEUE_FORMAT": "%i",
    "SQUEUE_FORMAT2": "jobid",
    "SQUEUE_SORT": "-i",
    "SQUEUE_STATES": "PENDING",
    "SQUEUE_USERS": "nobody",
    "SQUEUE_PARTITION": "other",
    "SACCT_FORMAT": "jobid",
    "SINFO_FORMAT": "%n",
    "SLURM_TIME_FORMAT": "relative",
    "SLURM_BITSTR_LEN": "3",
    "SCANCEL_INTERACTIVE": "1",
    "SBATCH_JOB_NAME": "mine",
    "SBATCH_ARRAY_INX": "0-3",
    "SBATCH_OUTPUT": "/dev/null",
    "SBATCH_ERROR": "mine.err",
    "SBATCH_OPEN_MODE": "truncate",
    "SBATCH_REQUEUE": "1",
    "SBATCH_SIGNAL": "USR1@60",
    "SBATCH_WAIT": "1",
    "SBATCH_DEBUG": "3",
    "SBATCH_MEM_PER_CPU": "9999G",
    "LC_ALL": "de_DE.UTF-8",
    "TWO_LINES": "a\nSLURM_JOB_ID=1",
    "BASH_FUNC_python%%": "() { echo a function; exit 1; }",
    "BASH_FUNC_sbatch%%": "() { echo a function; exit 1; }",
    "BASH_ENV": "/proc/nowhere",
    "TMPDIR": "/proc/nowhere",
    "HTTPS_PROXY": "http://127.0.0.1:9",
}


def test_what_users_set_for_themselves_changes_nothing(tmp_path: Path, undisturbed: Project) -> None:
    project = project_at(tmp_path / "model", jobs={**SLURM["jobs"], "mem": "50M"})
    project.command("run", CONFIG, **SETTINGS)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


def test_where_jobs_begin_with_a_clean_environment_srun_starts_what_was_set_up(
    tmp_path: Path, undisturbed: Project
) -> None:
    setup = f"""
        if [ -n "$OF_THE_SHELL" ]; then
            exit 1
        fi
        export SITE=ready
        srun --ntasks=1 sh -c 'echo "$SITE" >> "$0"' {tmp_path}/seen
    """
    project = project_at(tmp_path / "model", jobs={**SLURM["jobs"], "setup": setup})
    project.command("run", CONFIG, SBATCH_EXPORT="NONE", OF_THE_SHELL="1")
    assert same(project.frame(), undisturbed.frame())
    assert (tmp_path / "seen").read_text().split() == 8 * ["ready"]


def test_a_line_of_the_jobs_setup_that_fails_is_told(tmp_path: Path) -> None:
    project = project_at(tmp_path / "model", jobs={**SLURM["jobs"], "setup": "export A=1\nmodule load nest/99\n"})
    said = project.command("check", CONFIG, "--on-node", code=2)
    assert "module: command not found" in said
    assert "jobs.setup, line 2: exit code 127 from: module load nest/99" in said
    assert project.simulated == 0


def test_a_job_that_a_site_requeues_against_its_will_is_submitted_again(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    project = project_at(tmp_path / "model", in_offspring(HELD, generation=0))
    plugin = 'sed -i "s/^#SBATCH --no-requeue/#SBATCH --requeue/" "$1"'
    controller = project.start("run", CONFIG, **environment_of(cluster, disguised(tmp_path / "bin", "sbatch", plugin)))
    wait_for(lambda: project.simulated == 4)
    job = jobs_in(cluster, project, 0, "RUNNING")[1]
    cluster.run("scontrol", "requeue", job)
    wait_for(lambda: job in jobs_in(cluster, project, 0, "PENDING"))
    cluster.run("scontrol", "update", f"jobid={job}", "StartTime=now")  # SLURM would wait for two minutes
    wait_for(lambda: "offspring 1: attempt lost, CANCELLED" in log_of(project))
    let_go(project)
    finished(controller)
    assert same_but_attempts(project.frame(), undisturbed.frame())
    assert list(project.frame().attempts) == [1, 2, 1, 1, 1, 1, 1, 1]
