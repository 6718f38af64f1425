"""Results that jobs of a real SLURM deliver in other ways than into the folder that they find: none is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from orchestrator_project import Project, same, wait_for
from slurm_project import (
    CONFIG,
    calls_of,
    disguised,
    environment_of,
    finished,
    in_offspring,
    jobs_in,
    log_of,
    project_at,
)
from virtual_cluster import VirtualCluster

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("on_cluster", "leaving_nothing")]

LATER_VERSION = """import orchestrator.node.evaluate as job; write = job.write_json
        job.write_json = lambda path, data: write(path, {**data, "energy": 3.5, "nested": {"a": [1]}})"""
# the last one of its generation puts its result into a folder that has another name by then
RENAMED = """import orchestrator.node.evaluate as job; write = job.write_json
        results = directory.parents[2] / "results"
        while len(list(results.glob("*.json"))) < 3: time.sleep(0.05)
        away = results.rename(results.with_name("away"))
        job.write_json = lambda path, data: write(away / path.name, data)"""


def test_results_of_a_later_version_in_the_shared_environment_are_read(tmp_path: Path, undisturbed: Project) -> None:
    """It was upgraded under a running controller: all of its jobs were given up as lost."""
    project = project_at(tmp_path, in_offspring(LATER_VERSION, generation=0))
    out = finished(project.start("run", CONFIG))
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
    assert "attempt lost" not in out


def test_jobs_that_end_while_the_folder_of_their_results_is_gone_are_not_lost(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    """They were after `result_grace`, though all of them had delivered."""
    watched = disguised(tmp_path / "bin", "squeue", "")
    project = project_at(tmp_path / "model", in_offspring(RENAMED, generation=1, index=2))
    controller = project.start("run", CONFIG, **environment_of(cluster, watched))
    wait_for(lambda: len(jobs_in(cluster, project, 1, "COMPLETED")) == 4)
    looks = calls_of(watched, "squeue")
    wait_for(lambda: calls_of(watched, "squeue") >= looks + 4)  # the controller has seen the job's end
    assert "nothing is decided meanwhile" in log_of(project)
    folder = project.runs[0] / "generations" / "1"
    (folder / "away").rename(folder / "results")
    out = finished(controller)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
    assert "attempt lost" not in out
