"""Faults of SLURM and of the file system, injected for real, that show within seconds.

If the fault is the infrastructure's, the checkpoint is that of the undisturbed run; if it is the simulation's, it
is scored. No test leaves a job, a process or a directory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from orchestrator_project import Project, same, wait_for
from slurm_project import (
    CONFIG,
    HELD,
    MODEL,
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
    nothing_left,
    own_cluster,
    project_at,
    results_of,
    same_but_attempts,
)
from virtual_cluster import ClusterError, VirtualCluster

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("on_cluster", "leaving_nothing")]


BUSY = in_offspring(HELD, generation=0)


# What happens to a job


def test_a_job_cancelled_from_outside_is_submitted_again(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    project = project_at(tmp_path, BUSY)
    controller = project.start("run", CONFIG)
    wait_for(lambda: project.simulated == 4)
    victim = jobs_in(cluster, project, 0)[1]
    cluster.run("scancel", victim)
    wait_for(lambda: jobs_in(cluster, project, 0, "CANCELLED") == [victim])
    let_go(project)
    out = finished(controller)
    assert same_but_attempts(project.frame(), undisturbed.frame())
    assert list(project.frame()["attempts"]) == [1, 2, 1, 1, 1, 1, 1, 1]
    assert project.simulated == 9
    assert "generation 0 offspring 1: attempt lost, CANCELLED" in out


def test_a_job_that_is_cancelled_four_times_and_then_left_alone_is_evaluated(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    """It was given up after two retries, and told to the optimiser at the worst score."""
    where = "directory.match('generations/0/1/*/simulation')"
    held = MODEL.replace("    time.sleep(", f"    if {where}:\n        {HELD}\n    time.sleep(")
    project = project_at(tmp_path, held, timeout=240)
    controller = project.start("run", CONFIG)
    for time in range(4):
        wait_for(lambda: project.simulated == 4 + time, 60)  # noqa: B023
        victim = jobs_in(cluster, project, 0)[1] if time == 0 else jobs_in(cluster, project, 0, "RUNNING")[-1]
        cluster.run("scancel", victim)
    let_go(project)
    out = finished(controller)
    assert same_but_attempts(project.frame(), undisturbed.frame())
    assert list(project.frame()["attempts"]) == [1, 5, 1, 1, 1, 1, 1, 1]
    assert out.count("generation 0 offspring 1: attempt lost, CANCELLED") == 4


def test_a_job_whose_process_is_killed_is_submitted_again(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    """By a kill -9, or by the kernel for another job's memory: SLURM says FAILED, as of a model that fails."""
    project = project_at(tmp_path, in_offspring("os.kill(os.getpid(), 9)", generation=0, index=2))
    out = finished(project.start("run", CONFIG))
    assert same_but_attempts(project.frame(), undisturbed.frame())
    assert list(project.frame()["attempts"]) == [1, 1, 2, 1, 1, 1, 1, 1]
    assert "generation 0 offspring 2: attempt lost, CANCELLED" in out
    assert "the job's process ended with exit code 137 without a result" in out


def test_a_model_that_leaves_its_process_is_a_failed_simulation(cluster: VirtualCluster, tmp_path: Path) -> None:
    project = project_at(tmp_path, in_offspring("os._exit(3)", generation=0, index=2), max_ngen=1)
    finished(project.start("run", CONFIG))
    frame = project.frame()
    assert list(frame["outcome"] == "SIMULATION_ERROR") == [False, False, True, False]
    assert (frame["total_score"][2], frame["attempts"][2]) == (40, 1)


SPOILT = {
    "truncated": "path.write_text(json.dumps(data)[:40])",
    "empty": "path.write_text('')",
    "of_other_types": "write(path, {**data, 'values': 'none'})",
}


@pytest.mark.parametrize("how", SPOILT.values(), ids=SPOILT)
def test_a_result_that_cannot_be_read_is_simulated_again(
    how: str, cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    spoil = (
        f"import orchestrator.node.evaluate as job; write = job.write_json; job.write_json = lambda path, data: {how}"
    )
    project = project_at(tmp_path, in_offspring(spoil, generation=0, index=0))
    out = finished(project.start("run", CONFIG))
    assert same_but_attempts(project.frame(), undisturbed.frame())
    assert list(project.frame()["attempts"]) == [2, 1, 1, 1, 1, 1, 1, 1]
    assert "generation 0 offspring 0: attempt lost, NODE_FAIL" in out
    assert "its result cannot be read" in out


def test_a_job_on_a_node_that_is_set_down_is_submitted_again(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    project = project_at(tmp_path, BUSY)
    controller = project.start("run", CONFIG)
    wait_for(lambda: project.simulated == 4)
    victims = cluster.run("squeue", "-h", "-r", "-w", "n1", "-t", "RUNNING", "-o", "%K").split()
    assert victims
    cluster.run("scontrol", "update", "nodename=n1", "state=down", "reason=test")
    let_go(project)
    try:
        out = finished(controller)
    finally:
        if "down" in cluster.node_states()["n1"]:  # it may have registered again meanwhile
            cluster.run("scontrol", "update", "nodename=n1", "state=resume")
    assert same_but_attempts(project.frame(), undisturbed.frame())
    attempts = [2 if str(index) in victims else 1 for index in range(4)]
    assert list(project.frame()["attempts"]) == [*attempts, 1, 1, 1, 1]
    assert project.simulated == 8 + len(victims)
    assert f"generation 0 offspring {victims[0]}: attempt lost, NODE_FAIL" in out


def test_a_job_goes_on_while_its_nodes_daemon_is_killed_and_restarted(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    project = project_at(tmp_path, BUSY)
    controller = project.start("run", CONFIG)
    wait_for(lambda: project.simulated == 4)
    cluster.kill("n1")
    cluster.kill("n2")
    cluster.launch("n1")
    cluster.launch("n2")
    let_go(project)
    finished(controller)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


def test_a_job_that_somebody_requeues_is_not_run_twice(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    project = project_at(tmp_path, BUSY)
    controller = project.start("run", CONFIG)
    wait_for(lambda: project.simulated == 4)
    for job in jobs_in(cluster, project, 0):
        with pytest.raises(ClusterError, match="Requested operation is presently disabled"):
            cluster.run("scontrol", "requeue", job)
    let_go(project)
    finished(controller)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


def test_a_suspended_job_is_waited_for(cluster: VirtualCluster, tmp_path: Path, undisturbed: Project) -> None:
    """For longer than an ended job's result would be."""
    watched = disguised(tmp_path / "bin", "squeue", "")
    project = project_at(tmp_path / "model", BUSY)
    controller = project.start("run", CONFIG, **environment_of(cluster, watched))
    wait_for(lambda: project.simulated == 4)
    job = jobs_in(cluster, project, 0)[2]
    cluster.run("scontrol", "suspend", job)
    assert jobs_in(cluster, project, 0, "SUSPENDED") == [job]
    let_go(project)
    wait_for(lambda: len(results_of(project, 0)) == 3)
    looks = calls_of(watched, "squeue")
    wait_for(lambda: calls_of(watched, "squeue") >= looks + 5)
    assert project.simulated == 4
    cluster.run("scontrol", "resume", job)
    finished(controller)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


@pytest.fixture
def preempting() -> Iterator[VirtualCluster]:
    extra = [
        "PreemptType=preempt/partition_prio",
        "PreemptMode=REQUEUE",
        "PartitionName=urgent Nodes=ALL PriorityTier=9",
    ]
    with own_cluster(nodes=2, extra=extra) as own:
        yield own


def test_a_preempted_job_is_submitted_again(preempting: VirtualCluster, tmp_path: Path, undisturbed: Project) -> None:
    project = project_at(tmp_path, BUSY)
    controller = project.start("run", CONFIG, **environment_of(preempting))
    wait_for(lambda: project.simulated == 4)
    urgent = ("sbatch", "--wait", "--partition=urgent", "--nodes=1", "--exclusive", "--output=/dev/null")
    preempting.run(*urgent, "--wrap=true")
    let_go(project)
    out = finished(controller)
    assert same_but_attempts(project.frame(), undisturbed.frame())
    assert sorted(project.frame()["attempts"]) == [1, 1, 1, 1, 1, 1, 2, 2]
    assert project.simulated == 10
    assert out.count("attempt lost, PREEMPTED") == 2
    nothing_left(preempting, project)


# Two ways in which clusters end a job that takes too much memory.
MEMORY = ["SelectTypeParameters=CR_Core_Memory", "DefMemPerCPU=500"]
WATCHES = {
    "by_the_kernel": {
        "extra": [*MEMORY, "TaskPlugin=task/cgroup"],
        "cgroup": ["CgroupPlugin=cgroup/v1", "ConstrainRAMSpace=yes", "ConstrainSwapSpace=yes"],
    },
    "by_slurm": {"extra": [*MEMORY, "JobAcctGatherParams=OverMemoryKill", "JobAcctGatherFrequency=1"]},
}


@pytest.mark.parametrize("watch", WATCHES.values(), ids=WATCHES)
def test_a_job_over_its_memory_is_scored(watch: dict[str, list[str]], tmp_path: Path) -> None:
    model = in_offspring("taken = bytes(range(256)) * 2**22; time.sleep(60)", generation=0, index=1)
    project = project_at(tmp_path, model, max_ngen=1, jobs={**SLURM["jobs"], "mem": "200M"})
    with own_cluster(nodes=2, **watch) as own:
        project.command("run", CONFIG, **environment_of(own))
        nothing_left(own, project)
    frame = project.frame()
    assert list(frame["outcome"] == "OUT_OF_MEMORY") == [False, True, False, False]
    assert frame["total_score"][1] == 40
    assert list(frame["attempts"]) == [1, 1, 1, 1]
    assert project.simulated == 4


def test_a_job_held_in_the_queue_ends_with_the_generation(cluster: VirtualCluster, tmp_path: Path) -> None:
    project = project_at(tmp_path, slurm={"extra": {"hold": True}}, timeout=15, max_ngen=1)
    controller = project.start("run", CONFIG)
    wait_for(lambda: project.runs and len(jobs_of(cluster, project, "PENDING")) == 4)
    held, *others = jobs_in(cluster, project, 0)
    cluster.run("scontrol", "release", *others)
    out = finished(controller)
    frame = project.frame()
    assert list(frame["outcome"] == "TIMEOUT") == [True, False, False, False]
    assert list(frame["total_score"].isna()) == [True, False, False, False]
    assert "; not evaluated" in out
    assert "JobHeldUser" in out
    assert jobs_in(cluster, project, 0, "CANCELLED") == [held]
    assert project.simulated == 3


# What happens to a submission


def test_a_partition_that_is_down_is_waited_for(cluster: VirtualCluster, tmp_path: Path, undisturbed: Project) -> None:
    project = project_at(tmp_path)
    cluster.run("scontrol", "update", "partitionname=main", "state=down")
    try:
        controller = project.start("run", CONFIG)
        wait_for(lambda: "4 pending (PartitionDown)" in log_of(project))
        assert project.simulated == 0
    finally:
        cluster.run("scontrol", "update", "partitionname=main", "state=up")
    finished(controller)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


REFUSALS = {
    "for_a_moment": ("Socket timed out on send/recv operation", 4),
    # what is left of the generation is submitted in arrays of 4, 2, 1, 2 and 1
    "by_a_limit": ("Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)", 6),
}


@pytest.mark.parametrize(("words", "calls"), REFUSALS.values(), ids=REFUSALS)
def test_sbatch_that_fails_twice_and_then_works(
    words: str, calls: int, cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    """In the second generation: in the first it could mean that nothing can ever be submitted."""
    error = f"sbatch: error: Batch job submission failed: {words}"
    broken = disguised(tmp_path / "bin", "sbatch", f'case $N in 2|3) echo "{error}" >&2; exit 1;; esac')
    project = project_at(tmp_path / "model")
    out = project.command("run", CONFIG, **environment_of(cluster, broken))
    assert calls_of(broken, "sbatch") == calls
    assert words in out
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


def test_a_limit_on_how_many_jobs_a_user_may_have_is_waited_out(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    """From the first submission of a new run on, which ended within seconds; three jobs at once are taken here."""
    error = "sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job violates "
    error += "accounting/QOS policy (job submit limit, user's size and/or time limits)"
    refuse = f"""
SIZE=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$1")
HERE=$(squeue -h -r -t PENDING,RUNNING,COMPLETING -u $(id -u) -o %i | wc -l)
if [ $((HERE + ${{SIZE:-0}} + 1)) -gt 3 ]; then echo "{error}" >&2; echo >> "$0.refused"; exit 1; fi"""
    limited = disguised(tmp_path / "bin", "sbatch", refuse)
    project = project_at(tmp_path / "model", timeout=240)
    out = project.command("run", CONFIG, **environment_of(cluster, limited))
    assert (limited / "sbatch.refused").exists()
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
    assert out.count("so many jobs are not taken") == 1
    assert "attempt lost" not in out


def test_jobs_that_squeue_does_not_list_yet_are_waited_for(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    """A site's squeue answers from a cache: jobs in the queue were taken for lost, and submitted again."""
    cached = disguised(tmp_path / "bin", "squeue", '[ "$N" -le 8 ] && exit 0')
    project = project_at(tmp_path / "model", slurm={"extra": {"hold": True}}, timeout=240, max_ngen=1)
    controller = project.start("run", CONFIG, **environment_of(cluster, cached))
    wait_for(lambda: calls_of(cached, "squeue") > 8)
    cluster.run("scontrol", "release", *jobs_in(cluster, project, 0))
    out = finished(controller)
    assert same(project.frame(), undisturbed.frame()[:4])
    assert project.simulated == 4
    assert "attempt lost" not in out


def test_a_submission_that_slurm_takes_after_all_is_not_repeated(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    """Sbatch has given up and squeue has known nothing of it, when slurmctld comes to what was waiting for it."""
    later = '(while [ ! -e "$0.asked" ]; do sleep 0.1; done; "$REAL" "$@") >/dev/null 2>&1 &'
    words = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"
    late = f'[ "$N" = 2 ] && {{ {later} echo "{words}" >&2; exit 1; }}'
    disguise = disguised(tmp_path / "bin", "sbatch", late)
    asked = f'case "$*" in *-g1-*) "$REAL" "$@"; touch {disguise}/sbatch.asked; exit;; esac'
    disguised(disguise, "squeue", asked)
    project = project_at(tmp_path / "model")
    project.command("run", CONFIG, **environment_of(cluster, disguise))
    assert len(jobs_in(cluster, project, 1)) == 4
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


# What happens to a file


def test_a_result_that_the_file_system_shows_late_is_taken(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    hide = "import orchestrator.node.evaluate as job; write = job.write_json; "
    hide += "job.write_json = lambda path, data: write(path.with_suffix('.late'), data)"
    watched = disguised(tmp_path / "bin", "squeue", "")
    project = project_at(
        tmp_path / "model", in_offspring(hide, generation=0, index=3), jobs={**SLURM["jobs"], "result_grace": 60}
    )
    controller = project.start("run", CONFIG, **environment_of(cluster, watched))
    wait_for(lambda: len(results_of(project, 0)) == 3)
    wait_for(lambda: len(jobs_in(cluster, project, 0, "COMPLETED")) == 4)
    looks = calls_of(watched, "squeue")
    wait_for(lambda: calls_of(watched, "squeue") >= looks + 3)  # the controller has seen the job's end
    (late,) = project.directory.glob("*_Optimization/generations/0/results/3.1.late")
    late.rename(late.with_suffix(".json"))
    finished(controller)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
