"""Faults that SLURM takes its time to notice: injected all at once, each on a cluster of its own.

Together they take as long as the longest of them, little more than a minute.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from signal import SIGCONT
from typing import TypeAlias

import pytest
from orchestrator_project import Project, same, wait_for
from slurm_processes import end, wait_until
from slurm_project import (
    CONFIG,
    HELD,
    SLURM,
    Step,
    calls_of,
    disguised,
    environment_of,
    finished,
    in_offspring,
    jobs_in,
    killed_at,
    let_go,
    nothing_left,
    own_cluster,
    processes_in,
    project_at,
    same_but_attempts,
)
from virtual_cluster import VirtualCluster

pytestmark = pytest.mark.slurm

Fault: TypeAlias = Callable[[VirtualCluster, Path, Project], None]
FAULTS: dict[str, Fault] = {}


def fault(function: Fault) -> Fault:
    """Register what is done to a cluster and found out, given an empty directory and the undisturbed run."""
    FAULTS[function.__name__] = function
    return function


@pytest.fixture(scope="module")
def faults(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, undisturbed: Project
) -> Iterator[dict[str, Future[None]]]:
    """Inject all faults that are asked for at once."""

    def inject(name: str, directory: Path) -> None:
        # a node that does not answer for ten seconds is down
        with own_cluster(nodes=2, extra=["SlurmdTimeout=10"]) as own:
            try:
                FAULTS[name](own, directory, undisturbed)
            finally:
                end(processes_in(directory))

    names = [name for name in FAULTS if any(f"[{name}]" in item.name for item in request.session.items)]
    with ThreadPoolExecutor(max_workers=len(FAULTS)) as pool:
        yield {name: pool.submit(inject, name, tmp_path_factory.mktemp(name)) for name in names}


@fault
def a_job_is_over_its_time_limit(cluster: VirtualCluster, directory: Path, undisturbed: Project) -> None:
    """SLURM's limits are whole minutes."""
    model = in_offspring("time.sleep(600)", generation=0, index=2)
    project = project_at(directory, model, jobs={**SLURM["jobs"], "time": 60})
    project.command("run", CONFIG, **environment_of(cluster))
    frame = project.frame()
    assert list(frame["outcome"] == "TIME_LIMIT") == [False, False, True, *5 * [False]]
    assert frame["total_score"][2] == 40
    assert same(frame[:4].drop(index=2), undisturbed.frame()[:4].drop(index=2))
    assert list(frame["attempts"]) == [1] * 8
    assert project.simulated == 8
    nothing_left(cluster, project)


@fault
def slurmctld_is_away_for_half_a_minute(cluster: VirtualCluster, directory: Path, undisturbed: Project) -> None:
    """Jobs are running when it goes, and the next generation is due before it is back."""
    watched = disguised(disguised(directory / "bin", "sbatch", ""), "squeue", "")
    project = project_at(directory / "model", in_offspring(HELD, generation=0))
    controller = project.start("run", CONFIG, **environment_of(cluster, watched))
    wait_for(lambda: project.simulated == 4)
    looks = calls_of(watched, "squeue")
    cluster.terminate("slurmctld")
    away = time.monotonic()
    wait_for(lambda: calls_of(watched, "squeue") >= looks + 3, 120)  # silence is no news, however often
    let_go(project)
    wait_for(lambda: calls_of(watched, "sbatch") == 2)  # the second generation is due
    wait_for(lambda: time.monotonic() - away > 30)
    cluster.launch("slurmctld")
    finished(controller)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
    nothing_left(cluster, project)


@fault
def slurmctld_is_frozen_when_it_gets_a_submission(
    cluster: VirtualCluster, directory: Path, undisturbed: Project
) -> None:
    """Sbatch gives up, squeue is asked and waits; thawed, slurmctld takes the submission after all."""
    freezing = f"kill -STOP {cluster.daemons()['slurmctld'].pid}"
    disguise = disguised(directory / "bin", "sbatch", f'[ "$N" = 2 ] && {freezing}')
    disguised(disguise, "squeue", "")
    project = project_at(directory / "model")
    controller = project.start("run", CONFIG, **environment_of(cluster, disguise))
    wait_for(lambda: calls_of(disguise, "sbatch") == 2)
    looks = calls_of(disguise, "squeue")
    # sbatch gives up after ten seconds, as a rule
    wait_until(lambda: calls_of(disguise, "squeue") > looks, 20)
    cluster.signal("slurmctld", SIGCONT)
    finished(controller)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
    assert len(jobs_in(cluster, project, 1)) == 4
    nothing_left(cluster, project)


@fault
def slurmctld_crashes_right_after_a_submission(cluster: VirtualCluster, directory: Path, undisturbed: Project) -> None:
    """It has not saved the jobs, does not know them any more, and gives their ids to others."""
    project = project_at(directory / "model", max_ngen=1)
    project.command("run", CONFIG, **environment_of(cluster))
    # nodes on which it starts jobs under ids that they know already would be drained by it, for an administrator to
    # look at: so the first generation's are saved, and those to be lost don't start
    cluster.terminate("slurmctld")
    saved = shutil.copytree(cluster.directory / "state", directory / "saved")
    cluster.launch("slurmctld")
    cluster.run("scontrol", "update", "partition=main", "state=down")
    crash = f'"$REAL" "$@"; kill -KILL {cluster.daemons()["slurmctld"].pid}; exit 0'
    disguise = disguised(directory / "bin", "sbatch", f'[ "$N" = 1 ] && {{ {crash}; }}')
    more = ("--continue", str(project.runs[0]), "--set", "max_ngen=2")
    controller = project.start("run", *more, **environment_of(cluster, disguise))
    wait_for(lambda: not cluster.daemons()["slurmctld"].alive())
    # it saves every now and then, and may have done so just in time
    shutil.rmtree(cluster.directory / "state")
    shutil.copytree(saved, cluster.directory / "state")
    cluster.launch("slurmctld")
    cluster.run("scontrol", "update", "partition=main", "state=up")
    finished(controller)
    assert same_but_attempts(project.frame(), undisturbed.frame())
    assert list(project.frame()["attempts"]) == [1, 1, 1, 1, 2, 2, 2, 2]
    assert project.simulated == 8
    nothing_left(cluster, project)


@fault
def a_node_crashes_and_its_jobs_outlive_their_loss(
    cluster: VirtualCluster, directory: Path, undisturbed: Project
) -> None:
    """Their processes go on for longer than SLURM waits for the node, and come to nothing."""
    longer = "time.sleep(75 if os.environ['SLURMD_NODENAME'] == 'n1' else 0)"
    project = project_at(directory, in_offspring(longer, generation=0))
    controller = project.start("run", CONFIG, **environment_of(cluster))
    wait_for(lambda: project.simulated == 4)
    victims = cluster.run("squeue", "-h", "-r", "-w", "n1", "-t", "RUNNING", "-o", "%K").split()
    assert victims
    cluster.crash_node("n1")
    out = finished(controller)
    assert processes_in(directory)  # of the first attempts
    assert same_but_attempts(project.frame(), undisturbed.frame())
    attempts = [2 if str(index) in victims else 1 for index in range(4)]
    assert list(project.frame()["attempts"]) == [*attempts, 1, 1, 1, 1]
    assert project.simulated == 8 + len(victims)
    assert f"generation 0 offspring {victims[0]}: attempt lost, NODE_FAIL" in out
    cluster.launch("n1")
    # they sleep, and then see for a while whether their generation comes back
    nothing_left(cluster, project, 120)


@fault
def a_controller_is_killed_while_sbatch_is_running(
    cluster: VirtualCluster, directory: Path, undisturbed: Project
) -> None:
    """The program sbatch lives on, and submits after the continued controller has looked for its jobs in vain."""
    late = 'sleep 4; "$REAL" "$@"; touch "$0.late"; exit'
    disguise = disguised(directory / "bin", "sbatch", f'[ "$N" = 2 ] && {{ {late}; }}')
    project = project_at(directory / "model", in_offspring(HELD, generation=1))
    controller = project.start("run", CONFIG, **environment_of(cluster, disguise))
    wait_for(lambda: calls_of(disguise, "sbatch") == 2)
    controller.kill()
    controller.communicate()
    successor = project.start("run", "--continue", str(project.runs[0]), **environment_of(cluster, disguise))
    wait_for((disguise / "sbatch.late").exists)
    let_go(project)
    finished(successor)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
    nothing_left(cluster, project, 120)  # jobs without a task wait for one for a minute


@fault
def a_controller_is_killed_before_it_has_said_who_it_is(
    cluster: VirtualCluster, directory: Path, undisturbed: Project
) -> None:
    """It holds the run, and only time tells that it is dead."""
    project = project_at(directory)
    killed_at(project, Step("orchestrator.lease:write_json", when="n == 1"), "run", CONFIG, **environment_of(cluster))
    project.command("run", "--continue", str(project.runs[0]), **environment_of(cluster))
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
    nothing_left(cluster, project)


@fault
def a_node_crashes_and_its_jobs_deliver(cluster: VirtualCluster, directory: Path, undisturbed: Project) -> None:
    """Their processes live on, and their results count: nothing is simulated again."""
    project = project_at(directory, in_offspring(HELD, generation=0))
    controller = project.start("run", CONFIG, **environment_of(cluster))
    wait_for(lambda: project.simulated == 4)
    cluster.crash_node("n1")
    let_go(project)
    finished(controller)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
    nothing_left(cluster, project)
    cluster.launch("n1")


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_slurm_is_slow_to_notice(name: str, faults: dict[str, Future[None]]) -> None:
    faults[name].result(timeout=300)
