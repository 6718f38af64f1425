"""The best evaluated again as jobs of SLURM: interrupted, killed, continued and cancelled."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from orchestrator_project import Project, wait_for
from slurm_project import ALIVE, MODEL, jobs_of, project_at
from virtual_cluster import VirtualCluster

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("on_cluster", "leaving_nothing")]

NOISY = MODEL.replace(
    "    x, y =", "    import random\n    draw = random.Random(repr(sorted(parameters.items())))\n    x, y ="
).replace('{"rate": 10 * x, "cv": y**2}', '{"rate": 10 * x + draw.gauss(0, 0.5), "cv": y**2 + draw.gauss(0, 0.05)}')
SIMULATION = {"type": "function", "function": "model:simulate", "seeds": {"seed": 7}}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A run that was finished on this machine."""
    project = project_at(tmp_path, NOISY, simulation=SIMULATION, max_ngen=1)
    project.command("run", str(project.config), "--set", "executor=local")
    return project


def words(project: Project, executor: str = "slurm") -> list[str]:
    again = ["best", str(project.runs[0]), "--reevaluate", "2", "--seeds", "2"]
    return [*again, "--set", f"executor={executor}"]


def said(project: Project) -> dict[str, Any]:
    return dict(json.loads(project.command("best", str(project.runs[0]), "--reevaluated", "--json")))


def on_this_machine(project: Project, directory: Path) -> dict[str, Any]:
    """The same, on this machine: where it runs must not matter."""
    copy = directory / "local"
    shutil.copytree(project.directory, copy)
    local = Project(copy)
    local.command(*words(local, "local"))
    return said(local)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_jobs_outlive_an_interrupted_one_and_are_taken_over(
    cluster: VirtualCluster, project: Project, tmp_path_factory: pytest.TempPathFactory, how: signal.Signals
) -> None:
    expected = on_this_machine(project, tmp_path_factory.mktemp("elsewhere"))
    process = project.start(*words(project), TEST_SECONDS="5")
    wait_for(lambda: project.simulated > 4)
    jobs = jobs_of(cluster, project, *ALIVE)
    assert all("-reevaluation-g0-" in row[2] for row in jobs)
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    if how is signal.SIGINT:
        assert process.returncode == 3
        assert "Its jobs go on; go on with" in err
    assert len(jobs_of(cluster, project, *ALIVE)) >= 3
    out = project.command(*words(project))
    assert "Going on with the re-evaluation" in out
    assert said(project) == expected
    assert project.simulated == 4 + 4
    assert not any((project.runs[0] / "reevaluation/generations").iterdir())


def test_a_job_that_the_cluster_lost_is_submitted_again(
    cluster: VirtualCluster, project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = on_this_machine(project, tmp_path_factory.mktemp("elsewhere"))
    process = project.start(*words(project), TEST_SECONDS="6")
    wait_for(lambda: project.simulated == 4 + 4)
    cluster.run("scancel", jobs_of(cluster, project, "RUNNING")[0][0])
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    assert said(project) == expected
    assert project.simulated == 4 + 5


def test_a_second_one_is_told_who_evaluates_and_force_ends_another(cluster: VirtualCluster, project: Project) -> None:
    process = project.start(*words(project), TEST_SECONDS="100")
    wait_for(lambda: project.simulated > 4)
    assert f"process {process.pid}" in project.command(*words(project), code=2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    other = ["best", str(project.runs[0]), "--reevaluate", "1", "--seeds", "1"]
    assert "add --force to end its jobs" in project.command(*other, code=2)
    assert len(jobs_of(cluster, project, *ALIVE)) == 4
    project.command(*other, "--force", "--set", "executor=slurm")
    assert said(project)["open"] == 0
    wait_for(lambda: not jobs_of(cluster, project, *ALIVE))


def test_a_run_that_is_killed_while_its_best_are_evaluated_again_takes_their_jobs_over(
    cluster: VirtualCluster, tmp_path: Path
) -> None:
    project = project_at(tmp_path, NOISY, simulation=SIMULATION, max_ngen=1)
    project.command("run", str(project.config), "--set", "executor=local", "--set", "reevaluate=none")
    again = ["run", "--continue", str(project.runs[0]), "--set", "executor=slurm", "--set", "reevaluate=2 x 2"]
    process = project.start(*again, TEST_SECONDS="5")
    wait_for(lambda: project.simulated > 4, 120)
    assert all("-reevaluation-g0-" in row[2] for row in jobs_of(cluster, project, *ALIVE))
    process.kill()
    process.communicate(timeout=60)
    assert jobs_of(cluster, project, *ALIVE)
    project.command(*again)
    assert project.simulated == 4 + 4
    report = said(project)
    assert (report["open"], len(report["candidates"])) == (0, 2)
    assert not any((project.runs[0] / "reevaluation/generations").iterdir())
