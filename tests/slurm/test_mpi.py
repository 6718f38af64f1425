"""A simulation of several MPI processes inside an offspring's job."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import yaml
from orchestrator_project import CONFIG, Project
from virtual_cluster import VirtualCluster

from orchestrator.checkpoint import Checkpoint

pytestmark = pytest.mark.slurm

# In place of a network: says who was there by the way in which a run script reports an explosion.
RUN_SCRIPT = """
import json, os, time
from mpi4py import MPI

task = json.load(open(os.environ["ORCHESTRATOR_OFFSPRING"]))
ranks = MPI.COMM_WORLD.gather(MPI.COMM_WORLD.Get_rank())
if ranks:
    with open(task["progress"], "a") as progress:
        exploded = {"phase": "exploded", "sheet": ranks, "rate": 200, "threshold": 9, "slice": 1}
        for entry in ({"phase": "building"}, exploded):
            progress.write(json.dumps({"time": time.time(), **entry}) + chr(10))
"""


EXPERIMENTS = """
from mozaik.experiments import NoStimulation


def create_experiments(model):
    return [NoStimulation(model)]
"""


def test_srun_starts_all_processes_of_a_simulation(
    cluster: VirtualCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cluster.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    project = Project(tmp_path)
    (tmp_path / "model.py").write_text("class Net: ...\n")
    (tmp_path / "experiments.py").write_text(EXPERIMENTS)
    (tmp_path / "defaults").write_text("{'x': 0.5}")
    (tmp_path / "run.py").write_text(RUN_SCRIPT)
    config = {
        **CONFIG,
        "parameters": {"x": [0, 1]},
        "optimiser_centroid": {},
        "targets": [{"class": "SpontActivityTarget", "sheet_name": "Exc", "target_value": [1, 2], "norm": 1}],
        "executor": "slurm",
        "max_ngen": 1,
        "offspring_size": 3,
        "simulation": {"model": "model:Net", "run_script": "run.py", "parameters_url": "defaults"},
        "jobs": {"ntasks": 2},
        "slurm": {"nodes": 2, "mpi": "pmi2"},
    }
    project.config.write_text(yaml.safe_dump(config))
    project.command("run", "config.yaml")
    assert list(project.frame()["outcome"]) == ["EXPLODED"] * 3
    messages = Checkpoint(project.runs[0]).details()["message"]
    assert set(messages) == {"sheet [0, 1] fired at 200 Hz in slice 1, above the threshold of 9 Hz"}
