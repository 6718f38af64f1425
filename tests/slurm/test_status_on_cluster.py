"""`orchestrator status` of runs on a real SLURM: what its queue says, without asking it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from orchestrator_project import wait_for
from slurm_project import ROOT, jobs_of, project_at
from virtual_cluster import VirtualCluster

from orchestrator.paths import RunPaths
from orchestrator.status import RunStatus, Watcher

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("on_cluster", "leaving_nothing")]


def look(watcher: Watcher) -> RunStatus:
    status = watcher.look()
    assert not status.problems
    return status


def test_why_jobs_are_pending_is_told_without_slurm(cluster: VirtualCluster, tmp_path: Path) -> None:
    """The second half of the generation waits for the first: each takes a whole node."""
    project = project_at(tmp_path, offspring_size=8, max_ngen=1, slurm={"extra": {"exclusive": True}})
    controller = project.start("run", project.config_name, TEST_SECONDS="15")
    wait_for(lambda: project.simulated == 4)
    watcher = Watcher(RunPaths(project.runs[0]))

    def pending() -> int:
        generation = look(watcher).generation
        return sum(generation.pending.values()) if generation else 0

    wait_for(lambda: pending() == 4)
    status = look(watcher)
    assert status.generation is not None
    assert status.generation.counts["queued"] == 4
    assert status.generation.counts["running"] == 4
    assert set(status.generation.pending) <= {"Resources", "Priority"}
    assert {each.job_id for each in status.generation.offspring} == {row[0] for row in jobs_of(cluster, project)}
    # a machine that sees the directory and has no SLURM
    said = project.command("status", str(project.runs[0]), PATH="/nowhere", SLURM_CONF="/nowhere")
    assert "pending (Resources)" in said
    out, err = controller.communicate(timeout=120)
    assert controller.returncode == 0, out + err
    final = look(watcher)
    assert (final.controller.state, final.complete) == ("finished", 1)


def test_the_controllers_job_is_named(cluster: VirtualCluster, tmp_path: Path) -> None:
    project = project_at(tmp_path, max_ngen=1)
    shutil.copy(ROOT / "slurm_templates" / "optimisation.sbatch", tmp_path)
    os.environ.pop("TEST_SECONDS", None)
    job = cluster.run("sh", "-c", f'cd "{tmp_path}" && TEST_SECONDS=5 sbatch --parsable optimisation.sbatch').strip()
    wait_for(lambda: project.simulated == 4)
    status = look(Watcher(RunPaths(project.runs[0])))
    assert (status.controller.state, status.controller.job) == ("alive", job)
    wait_for(lambda: look(Watcher(RunPaths(project.runs[0]))).controller.state == "finished", 120)
    log = (tmp_path / f"optimisation-{job}.log").read_text()
    assert " INFO    generation 0: " in log
    assert "\x1b" not in log


def test_jobs_that_live_on_without_their_controller_are_followed(cluster: VirtualCluster, tmp_path: Path) -> None:
    project = project_at(tmp_path, max_ngen=1)
    controller = project.start("run", project.config_name, TEST_SECONDS="10")
    wait_for(lambda: project.simulated == 4)
    controller.kill()
    controller.wait(30)
    watcher = Watcher(RunPaths(project.runs[0]))
    status = look(watcher)
    assert status.controller.state == "dead"
    assert status.generation is not None
    assert status.generation.counts["running"] == 4

    def landed() -> int:
        generation = look(watcher).generation
        return generation.landed if generation else 0

    wait_for(lambda: landed() == 4)
    project.command("run", "--continue", str(project.runs[0]))
    assert project.simulated == 4
