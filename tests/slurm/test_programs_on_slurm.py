"""Programs and functions as jobs of SLURM: one job prepares for all nodes, and srun starts several processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import yaml
from orchestrator_project import CONFIG, MODEL, Project
from script_as_main import script
from virtual_cluster import VirtualCluster

import orchestrator
from orchestrator.checkpoint import Checkpoint

pytestmark = pytest.mark.slurm

# the first job that prepares is killed in the middle, as by an administrator
PREPARE = """\
echo half > program
if mkdir "$ORCHESTRATOR_MODEL_DIR/first"; then scancel --signal=KILL "$SLURM_JOB_ID"; sleep 60; fi
echo "$SLURM_JOB_ID" >> "$ORCHESTRATOR_MODEL_DIR/made"
sleep 1
cat > program <<'END'
#!/bin/sh
echo "{\\"rate\\": $1, \\"cv\\": 1}" > returned.json
END
chmod +x program
"""
FUNCTION = """\
import os
from orchestrator import Exploded
from mpi4py import MPI

def simulate(parameters, directory):
    ranks = MPI.COMM_WORLD.gather(MPI.COMM_WORLD.Get_rank())
    if parameters["y"] > 1.9:
        raise Exploded("too much")
    (directory / f"rank{MPI.COMM_WORLD.Get_rank()}").touch()
    if ranks is not None:
        return {"rate": len(ranks), "cv": float(os.environ["OMP_NUM_THREADS"])}
"""


@pytest.fixture
def project(cluster: VirtualCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name, value in cluster.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return Project(tmp_path)


def run(project: Project, **changes: object) -> Checkpoint:
    config = {**CONFIG, "executor": "slurm", "max_ngen": 1, "offspring_size": 4, "reevaluate": "none", **changes}
    project.config.write_text(yaml.safe_dump(config))
    project.command("run", "config.yaml")
    return Checkpoint(project.runs[0])


def test_what_a_killed_job_was_preparing_is_prepared_once_by_another(project: Project) -> None:
    section = {"type": "command", "command": "{prepared}/program {x}", "before": {"run": PREPARE}}
    found = run(project, simulation=section, jobs={"poll_interval": 1, "result_grace": 2}).evaluations()
    assert list(found["outcome"]) == ["OK"] * 4
    assert (found["value:ReturnedValue(rate)"] - found["parameter:x"]).abs().max() < 1e-12
    assert len((project.directory / "made").read_text().split()) == 1
    assert sorted(found["attempts"])[-1] == 2


def test_srun_starts_all_processes_of_a_function(project: Project) -> None:
    (project.directory / "model.py").write_text(FUNCTION)
    section = {"type": "function", "function": "model:simulate"}
    jobs = {"ntasks": 2, "poll_interval": 1, "result_grace": 2}
    checkpoint = run(project, simulation=section, jobs=jobs, slurm={"nodes": 2, "mpi": "pmi2"}, offspring_size=3)
    found = checkpoint.evaluations()
    assert list(found["outcome"]) == ["OK"] * 3, list(checkpoint.details()["message"])
    assert set(found["value:ReturnedValue(rate)"]) == {2}
    assert set(found["value:ReturnedValue(cv)"]) == {1}


@pytest.mark.parametrize("where", ["script", "module"])
def test_functions_of_a_script_and_of_a_module_are_optimised_from_python(
    where: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs import the module from its directory, and what was written of the script from the folder beside it."""
    if where == "script":
        simulate = script(project.directory, MODEL)["simulate"]
    else:
        (project.directory / "model.py").write_text(MODEL)
        monkeypatch.syspath_prepend(project.directory)
        monkeypatch.delitem(sys.modules, "model", raising=False)
        from model import simulate  # noqa: PLC0415  (of the project)
    found = orchestrator.optimise(
        simulate,
        {"x": (0, 1), "y": (-2, 1)},
        {"rate": 3, "cv": 1},
        jobs={"poll_interval": 1, "result_grace": 2},
        offspring_size=3,
        max_ngen=1,
        report=False,
        progress=False,
    ).evaluations()
    monkeypatch.delitem(sys.modules, "model", raising=False)
    assert list(found["outcome"]) == ["OK"] * 3
    assert found["job_id"].str.fullmatch(r"\d+_\d+").all()
    assert (found["value:ReturnedValue(rate)"] == 10 * found["parameter:x"]).all()
