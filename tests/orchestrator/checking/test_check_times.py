"""A time limit that is a number alone: seconds for us, and minutes for everybody who knows sbatch."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from orchestrator_project import Project

from orchestrator.checking.problems import doubtful_time
from orchestrator.config.file import load_config
from orchestrator.config.source import Source
from orchestrator.errors import ConfigProblem


def doubt(folder: Path, key: str, time: object, *overrides: str, executor: str = "slurm") -> ConfigProblem | None:
    path = Project.create(folder, {"executor": executor, key: {"time": time}}).config
    return doubtful_time(Source(path), overrides, load_config(path, overrides))


@pytest.mark.parametrize(
    ("key", "time", "said"),
    [
        ("slurm", 30, "30 are seconds here (30 s), but minutes in sbatch --time=30 (30 min): write 30m if you mean"),
        ("jobs", "120", "120 are seconds here (2 min), but minutes in sbatch --time=120 (2 h): write 120m if you mean"),
        ("jobs", 1440, "1440 are seconds here (24 min), but minutes in sbatch --time=1440 (1 d): write 1440m if you"),
    ],
)
def test_a_number_alone_is_doubted(tmp_path: Path, key: str, time: object, said: str) -> None:
    found = doubt(tmp_path, key, time)
    assert found is not None
    assert found.message.startswith(said)
    assert found.key == f"{key}.time"
    assert found.line is not None


@pytest.mark.parametrize("time", [7200, "30m", "30:00", "2h", "0-02:00:00"])
def test_what_can_hardly_be_meant_otherwise_is_not(tmp_path: Path, time: object) -> None:
    assert doubt(tmp_path, "jobs", time) is None


def test_what_the_command_line_sets_counts(tmp_path: Path) -> None:
    assert doubt(tmp_path, "jobs", "2h", "slurm.time=45") is not None
    assert doubt(tmp_path, "jobs", 45, "slurm.time=45m") is None


def test_without_slurm_nobody_thinks_of_minutes(tmp_path: Path) -> None:
    assert doubt(tmp_path, "jobs", 30, executor="local") is None


@pytest.mark.run
def test_a_run_warns_before_it_submits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sbatch", "squeue", "scancel", "srun"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    project = Project.create(tmp_path / "model", {"executor": "slurm", "slurm": {"time": 30}, "timeout": 1})
    controller = project.start("run", "config.yaml")
    assert controller.stdout is not None
    try:
        line = controller.stdout.readline()
        while "WARNING" not in line:
            assert line
            line = controller.stdout.readline()
    finally:
        controller.terminate()
        controller.communicate(timeout=60)
    assert "config.yaml: slurm.time: 30 are seconds here (30 s)" in line
