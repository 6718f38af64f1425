"""Evaluations of which each trial has a SLURM job of its own: the same values as in one job, whatever is killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from orchestrator_project import MODEL, Project, same, wait_for
from slurm_project import HELD, finished, in_offspring, jobs_in, let_go, project_at
from virtual_cluster import VirtualCluster

from orchestrator.checkpoint import Checkpoint

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("on_cluster", "leaving_nothing")]

TRIALS = 3
SEARCH = {"offspring_size": 4, "max_ngen": 2, "optimiser": {"method": "cma", "model": "none"}}
# a noise that its seed decides
SEEDED = '    return {"rate": 10 * x + parameters["seed"] / 2**31, "cv": y**2}\n'


def seeded(model: str) -> str:
    return model.replace('    return {"rate": 10 * x, "cv": y**2}\n', SEEDED)


def created(directory: Path, *, apart: bool = True, model: str = MODEL, **changes: Any) -> Project:
    simulation = {
        "type": "function",
        "function": "model:simulate",
        "seeds": {"seed": "per_offspring"},
        "trials": TRIALS,
        "job_per_trial": apart,
    }
    return project_at(directory, seeded(model), **{**SEARCH, "simulation": simulation, **changes})


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, cluster: VirtualCluster) -> Project:
    """The same search with one job for all trials of an evaluation."""
    project = created(tmp_path_factory.mktemp("together"), apart=False)
    project.command("run", str(project.config))
    return project


def errors_of(project: Project) -> list[list[float]]:
    (first, *_) = Checkpoint(project.runs[-1]).told()
    assert first.errors is not None
    return [list(map(float, row)) for row in first.errors]


def test_values_and_their_errors_are_those_of_trials_in_one_job(together: Project, tmp_path: Path) -> None:
    project = created(tmp_path, keep={"directories": "all"})
    project.command("run", str(project.config))
    assert same(project.frame(), together.frame())
    assert errors_of(project) == errors_of(together)
    assert set(project.frame()["outcome"]) == {"OK"}
    assert project.simulated == 4 * 2 * TRIALS
    kept = project.runs[0] / "kept" / "0" / "1" / "1"
    assert sorted(path.name for path in kept.glob("simulation/*")) == [f"trial-{n}" for n in range(TRIALS)]


def test_the_controller_is_killed_again_and_again(together: Project, tmp_path: Path) -> None:
    project = created(tmp_path)
    controller = project.start("run", str(project.config), TEST_SECONDS="0.3")
    for begun in (3, 12, 17):
        wait_for(lambda begun=begun: project.simulated >= begun)
        controller.kill()
        controller.communicate(timeout=60)
        controller = project.start("run", "--continue", str(project.runs[0]), TEST_SECONDS="0.3")
    finished(controller)
    assert same(project.frame(), together.frame())
    assert project.simulated == 4 * 2 * TRIALS


def test_a_job_that_is_cancelled_costs_its_trial_alone(
    together: Project, cluster: VirtualCluster, tmp_path: Path
) -> None:
    # of offspring 1 the second trial
    project = created(tmp_path, model=in_offspring(HELD, generation=0, index=4))
    controller = project.start("run", str(project.config))
    wait_for(lambda: project.simulated == 4 * TRIALS and len(jobs_in(cluster, project, 0, "RUNNING")) == 1)
    shown = json.loads(project.command("status", "--json", str(project.runs[0])))["generation"]
    assert [each["index"] for each in shown["offspring"]] == [0, 1, 2, 3]
    assert shown["offspring"][1]["state"] == "running"
    assert shown["offspring"][1]["name"] == "2 of 3 trials are there"
    cluster.run("scancel", *jobs_in(cluster, project, 0, "RUNNING"))
    let_go(project)
    finished(controller)
    frame = project.frame()
    assert same(frame.drop(columns="attempts"), together.frame().drop(columns="attempts"))
    assert project.simulated == 4 * 2 * TRIALS + 1


# of offspring 1 the first trial fails once the others have begun, which would never end
FIRST_FAILS = """number = directory.parent.parent.name
        if number in "45":
            (here / f"held-{number}").touch()
            while not (here / "go").exists(): time.sleep(0.05)
        if number == "3":
            while len(list(here.glob("held-*"))) < 2: time.sleep(0.05)
            raise RuntimeError("of one trial")"""


def test_what_one_trial_says_of_the_parameters_ends_the_others(tmp_path: Path) -> None:
    project = created(tmp_path, max_ngen=1, model=in_offspring(FIRST_FAILS, generation=0))
    project.command("run", str(project.config))
    frame = project.frame()
    assert frame["outcome"].tolist() == ["OK", "SIMULATION_ERROR", "OK", "OK"]
    assert "of one trial" in Checkpoint(project.runs[0]).details()["message"][1]
