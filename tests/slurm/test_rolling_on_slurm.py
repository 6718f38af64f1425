"""A schedule that does not wait, with the model of the values, on SLURM: killed again and again, and continued."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from orchestrator_project import wait_for
from slurm_project import ALIVE, jobs_of, project_at
from virtual_cluster import VirtualCluster

from orchestrator.checkpoint import Checkpoint

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("on_cluster", "leaving_nothing")]

CHANGES: dict[str, Any] = {"optimiser": {"model": "targets"}, "offspring_size": 4, "max_ngen": 5}


@pytest.mark.parametrize(
    "schedule", [{"kind": "rolling", "in_flight": 5}, {"kind": "generations", "close_at": 0.5}], ids=str
)
def test_nothing_is_lost_or_done_twice_however_often_the_controller_is_killed(
    cluster: VirtualCluster, tmp_path: Path, schedule: dict[str, Any]
) -> None:
    project = project_at(tmp_path, schedule=schedule, **CHANGES)
    process = project.start("run", str(project.config), TEST_SECONDS="1")
    for begun in (3, 8, 13, 17):
        wait_for(lambda begun=begun: project.simulated >= begun)
        process.kill()
        process.communicate(timeout=60)
        process = project.start("run", "--continue", str(project.runs[0]), TEST_SECONDS="1")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    frame = project.frame()
    assert len(frame) == project.simulated == 20
    assert len(set(zip(frame["generation"], frame["offspring"], strict=True))) == 20
    assert set(frame["outcome"]) <= {"OK", "SIMULATION_ERROR"}  # of the model itself
    assert "model" in set(frame["origin"])
    # where a share of a generation is waited for, the rest may come in time all the same
    assert (frame["told_in"] != frame["generation"]).any() or schedule["kind"] == "generations"
    assert len(Checkpoint(project.runs[0]).told()) == 5
    assert not jobs_of(cluster, project, *ALIVE)
    # the record as a whole is asked for again, point by point, and goes on
    project.command("run", "--continue", str(project.runs[0]), "--set", "max_ngen=6")
    assert len(project.frame()) == 24
