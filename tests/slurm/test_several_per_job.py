"""Jobs that evaluate several offspring: the controller, the job, or a process of it dies in the middle of one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from orchestrator_project import Project, same, wait_for
from slurm_project import HELD, SLURM, finished, in_offspring, jobs_in, log_of, project_at, results_of
from virtual_cluster import VirtualCluster

from orchestrator.checkpoint import Checkpoint

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("on_cluster", "leaving_nothing")]

SEARCH = {"offspring_size": 6, "max_ngen": 2, "optimiser": {"method": "cma", "model": "none"}}


def created(directory: Path, per_job: int | str = 3, model: str | None = None, **jobs: int) -> Project:
    own = {**SLURM["jobs"], "evaluations_per_job": per_job, **jobs}
    return project_at(directory, **({} if model is None else {"model": model}), **{**SEARCH, "jobs": own})


def told_of_submissions(project: Project) -> list[str]:
    return re.findall(r": submitted (\d+ offspring.*)", log_of(project))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, cluster: VirtualCluster) -> Project:
    """The same search with a job for each."""
    project = created(tmp_path_factory.mktemp("alone"), 1)
    project.command("run", str(project.config))
    return project


def test_the_controller_is_killed_in_the_middle_of_a_job(alone: Project, tmp_path: Path) -> None:
    project = created(tmp_path)
    controller = project.start("run", str(project.config), TEST_SECONDS="0.5")
    for begun in (2, 8):
        wait_for(lambda begun=begun: project.simulated >= begun)
        controller.kill()
        controller.communicate(timeout=60)
        controller = project.start("run", "--continue", str(project.runs[0]), TEST_SECONDS="0.5")
    finished(controller)
    assert project.simulated == 12
    assert same(project.frame(), alone.frame())
    assert set(told_of_submissions(project)) == {"6 offspring in jobs of up to 3"}
    assert project.frame()["job_id"].nunique() == 4


def test_a_job_that_is_cancelled_costs_what_it_had_not_delivered(
    alone: Project, cluster: VirtualCluster, tmp_path: Path
) -> None:
    project = created(tmp_path, 6, model=in_offspring(HELD, generation=0, index=2))
    controller = project.start("run", str(project.config))
    wait_for(lambda: project.simulated >= 3 and len(results_of(project, 0)) == 2)
    cluster.run("scancel", *jobs_in(cluster, project, 0, "RUNNING"))
    finished(controller)
    frame = project.frame()
    assert same(frame.drop(columns="attempts"), alone.frame().drop(columns="attempts"))
    assert frame["attempts"].tolist() == [1, 1, 2, 2, 2, 2] + [1] * 6
    assert project.simulated == 13  # only what was at work when it was cancelled is simulated again


@pytest.mark.parametrize(
    ("how", "outcome", "attempts"), [("SIGKILL", "OK", 2), ("SIGSEGV", "SIMULATION_ERROR", 1)], ids=str
)
def test_a_process_that_ends_costs_its_own_evaluation(how: str, outcome: str, attempts: int, tmp_path: Path) -> None:
    code = f"import signal; os.kill(os.getpid(), signal.{how})"
    project = created(tmp_path, 6, model=in_offspring(code, generation=0, index=2), processes_per_job=2)
    project.command("run", str(project.config))
    frame = project.frame()
    assert set(frame["outcome"].drop(2)) == {"OK"}
    assert (frame["outcome"][2], frame["attempts"][2]) == (outcome, attempts)
    assert set(frame["attempts"].drop(2)) == {1}
    if outcome != "OK":
        details = Checkpoint(project.runs[0]).details()
        assert details["message"][2] == f"its process ended by {how}"


def test_jobs_grow_once_it_is_known_how_cheap_evaluations_are(alone: Project, tmp_path: Path) -> None:
    project = created(tmp_path, "auto")
    project.command("run", str(project.config))
    assert same(project.frame(), alone.frame())
    assert told_of_submissions(project) == ["6 offspring", "6 offspring in jobs of up to 6"]
