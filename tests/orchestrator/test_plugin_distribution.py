"""An installed distribution brings an optimiser, a schedule, a kind of simulation and a target, each one file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from orchestrator_project import Project, same, wait_for

from orchestrator.checkpoint import Checkpoint

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "tests" / "plugin_distribution"
INFO = "somebody_elses-1.2.dist-info"
WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
ENTRY_POINTS = """
[orchestrator.optimisers]
shrinking_box = somebody_elses.shrinking_box:ShrinkingBox

[orchestrator.schedules]
patient = somebody_elses.patient:Patient

[orchestrator.simulations]
well = somebody_elses.well:Well

[orchestrator.targets]
ParticleEnergy = somebody_elses.energy:ParticleEnergy
"""
CONFIG: dict[str, Any] = {
    "parameters": {"x": [-2, 2], "y": [-2, 2]},
    "optimiser_centroid": {"x": 1.5, "y": -1.5},
    "optimiser": {"method": "shrinking_box", "width": 0.9, "shrinkage": 0.8},
    "schedule": {"kind": "patient", "patience": 50},
    "simulation": {"type": "well", "depth": 3.0},
    "targets": [{"class": "ParticleEnergy", "target_value": -6.0, "norm": 0.5, "factor": 2.0}],
    "offspring_size": 4,
    "max_ngen": 3,
    "timeout": 120,
    "executor": "local",
    "local": {"workers": 2},
}
pytestmark = pytest.mark.run


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory into which pip has installed the distribution."""
    folder = tmp_path_factory.mktemp("distribution")
    wheel = folder / "somebody_elses-1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("somebody_elses/__init__.py", "")
        for file in FILES.glob("*.py"):
            archive.write(file, f"somebody_elses/{file.name}")
        archive.writestr(f"{INFO}/METADATA", "Metadata-Version: 2.1\nName: somebody-elses\nVersion: 1.2\n")
        archive.writestr(
            f"{INFO}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{INFO}/entry_points.txt", ENTRY_POINTS)
        archive.writestr(f"{INFO}/RECORD", "".join(f"{name},,\n" for name in [*archive.namelist(), f"{INFO}/RECORD"]))
    target = folder / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*pip, str(wheel)], check=True)
    return target


@pytest.fixture
def project(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PYTHONPATH", str(installed), prepend=os.pathsep)
    written = Project(tmp_path / "model")
    written.directory.mkdir()
    written.config.write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    return written


def slowly(project: Project) -> None:
    config = {**CONFIG, "simulation": {**CONFIG["simulation"], "seconds": 0.5}}
    project.config.write_text(yaml.safe_dump(config, sort_keys=False))


def test_all_commands_work_with_them(project: Project, tmp_path: Path) -> None:
    assert "sound." in project.command("check", "config.yaml")
    project.command("run", "config.yaml")
    assert project.simulated == 13  # the start, and three generations
    (run,) = project.runs
    frame = Checkpoint(run).evaluations()
    assert len(frame) == 13
    assert (frame["value:ParticleEnergy"] == 2 * (frame["parameter:x"] ** 2 + frame["parameter:y"] ** 2 - 3)).all()
    assert "3" in project.command("status", str(run))
    best = yaml.safe_load(project.command("best", str(run), "--yaml"))
    assert frame["total_score"].min() == frame.set_index("parameter:x")["total_score"][best["x"]]
    project.command("report", str(run))
    page = (run / "report.html").read_text()
    assert "ParticleEnergy" in page
    assert "The method was a shrinking box (Doe 2024) (method shrinking_box, width 0.9, shrinkage 0.8)" in page
    assert "standard deviation of" not in page  # of which it makes no use
    assert "@article{doe2024,\n  author = {Doe, Jane},\n  title = {Boxes that shrink}," in page


def test_a_run_that_is_killed_and_continued_is_that_of_an_undisturbed_one(project: Project, installed: Path) -> None:
    slowly(project)
    project.command("run", "config.yaml")
    done = project.simulated
    process = project.start("run", "config.yaml")
    wait_for(lambda: project.simulated >= done + 6)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    project.command("run", "--continue", str(project.runs[-1]))
    assert same(project.frame(0), project.frame(1))
    assert project.simulated == 2 * done


def test_its_options_are_checked_and_in_the_reference_of_the_configuration(project: Project) -> None:
    for change, message in (
        ({"optimiser": {"method": "shrinking_box", "widht": 1.0}}, "did you mean 'width'"),
        ({"simulation": {"type": "well", "depht": 1.0}}, "did you mean 'depth'"),
        ({"schedule": {"kind": "patient", "patience": 0}}, "schedule.patience"),
    ):
        project.config.write_text(yaml.safe_dump({**CONFIG, **change}, sort_keys=False))
        assert message in project.command("check", "config.yaml", code=2)
    tool = [sys.executable, str(ROOT / "tools" / "config_reference.py")]
    reference = subprocess.run(tool, capture_output=True, text=True, check=True).stdout
    for words in (
        "factor by which the box is narrower after each generation",
        "generations in a row without a better total score",
        "depth of the well, in eV",
    ):
        assert words in reference
