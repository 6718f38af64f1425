"""A run goes on with the data that it began with, whatever has become of their files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from in_process import command
from orchestrator_project import MODEL, Project

from orchestrator.checking.check import inspect
from orchestrator.checking.model_identity import changed_data
from orchestrator.checking.problems import load_checked_config
from orchestrator.checking.summary import summary_rows
from orchestrator.checkpoint import Checkpoint
from orchestrator.config.file import load_config, load_frozen
from orchestrator.data.freezing import read_data
from orchestrator.errors import RunFailed
from orchestrator.files import write_json
from orchestrator.node.task import NodeTask
from orchestrator.paths import RunPaths
from orchestrator.records import Offspring
from orchestrator.run.start import create_run
from orchestrator.simulations import model_of
from targets import Trace

DATA = {"dipole": {"file": "dipole.txt", "window": [1, 3], "unit": "nAm"}, "again": "dipole.txt"}
CHANGED = "is not what it was when the run began (dipole.txt): the run goes on with the data that it began"
MAKING = """

def make(parameters, directory):
    from targets import Trace
    (Path(__file__).parent / "made").open("a").write("x")
    return {"v": Trace([0, 1], [2, 3], "mV")}
"""


def write_dipole(directory: Path, factor: float = 1.0) -> None:
    (directory / "dipole.txt").write_text("".join(f"{t} {factor * t * t}\n" for t in range(5)))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    write_dipole(tmp_path)
    return Project.create(tmp_path, {"data": DATA, "max_ngen": 1}, MODEL + MAKING)


@pytest.fixture
def run(project: Project) -> RunPaths:
    paths = RunPaths(project.directory / "20261126-100000_Optimization")
    paths.directory.mkdir()
    create_run(load_checked_config(project.config), paths)
    return paths


def values_of(measured: object) -> list[float]:
    assert isinstance(measured, Trace)
    return [float(each) for each in measured.values]


def test_a_run_keeps_what_was_read_when_it_began(project: Project, run: RunPaths) -> None:
    write_dipole(project.directory, 10)
    assert values_of(load_config(project.config).measured["dipole"]) == [10, 40, 90]
    (project.directory / "dipole.txt").unlink()
    assert values_of(load_config(run.config).measured["dipole"]) == [1, 4, 9]
    frozen = load_frozen(run.checkpoint, Checkpoint(run.checkpoint).config_text)
    assert values_of(frozen.measured["again"]) == [0, 1, 4, 9, 16]


def test_a_run_that_is_continued_by_its_checkpoint_or_as_a_job_that_was_queued_again_has_its_own_data(
    project: Project, run: RunPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.directory / "dipole.txt").unlink()
    continuing = ["continue_cp=true", f"cp_filename={run.checkpoint}"]
    assert values_of(load_checked_config(project.config, continuing).measured["dipole"]) == [1, 4, 9]
    write_json(run.holder, {"jobs": ["5"]})
    monkeypatch.setenv("SLURM_JOB_ID", "5")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert values_of(load_checked_config(project.config).measured["dipole"]) == [1, 4, 9]


def test_a_run_that_is_continued_by_a_job_that_was_queued_again_has_its_own_data_and_not_those_of_another_run_of_it(
    project: Project, run: RunPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dipole(project.directory, 10)
    later = RunPaths(project.directory / "20991120-100000_Optimization")
    later.directory.mkdir()
    create_run(load_checked_config(project.config), later)
    write_json(later.holder, {"jobs": ["5"]})
    monkeypatch.setenv("SLURM_JOB_ID", "5")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert values_of(load_config(project.config).measured["dipole"]) == [10, 40, 90]
    assert values_of(load_config(run.config).measured["dipole"]) == [1, 4, 9]


def test_what_has_changed_is_told_by_name_and_file(project: Project, run: RunPaths) -> None:
    config = load_config(run.config)
    assert changed_data(config, run) == []
    write_dipole(project.directory, 2)
    expected = [f"data.{name} is not what it was when the run began (dipole.txt)" for name in DATA]
    assert changed_data(config, run) == expected
    # the part that is wanted is the same
    (project.directory / "dipole.txt").write_text("0 7\n1 1\n2 4\n3 9\n4 16\n")
    assert changed_data(config, run) == expected[1:]
    (project.directory / "dipole.txt").unlink()
    assert [line.partition(" (")[0] for line in changed_data(config, run)] == [
        f"data.{name} cannot be read any more" for name in DATA
    ]


def test_check_tells_that_a_continued_run_has_other_data(project: Project, run: RunPaths) -> None:
    write_dipole(project.directory, 2)
    found = inspect(project.config, ["continue_cp=true", f"cp_filename={run.checkpoint}"])
    assert found.sound
    told = [note.message for note in found.notes if note.key == "data"]
    assert told[0] == f"data.dipole {CHANGED} with"


def test_other_data_in_the_place_of_those_of_the_run_are_refused(project: Project, run: RunPaths) -> None:
    other = RunPaths(project.directory / "other")
    other.directory.mkdir()
    write_dipole(project.directory, 2)
    create_run(load_checked_config(project.config), other)
    shutil.copy(other.data, run.data)
    with pytest.raises(RunFailed, match=r"data\.npz: expected the data 'dipole' that the run began with, got others"):
        changed_data(load_config(run.config), run)
    run.data.unlink()
    done = command("run", "--continue", str(run.directory), cwd=project.directory)
    assert done.returncode == 1
    assert "data.npz: expected the data that the run began with, but there is no such file. Restore it" in done.stderr


def test_another_part_of_the_data_makes_it_another_run(project: Project, run: RunPaths) -> None:
    continuing = ["--set", "continue_cp=true", "--set", f"cp_filename={run.checkpoint}"]
    done = command("run", "config.yaml", *continuing, "--set", "data.dipole.window=[0, 3]", cwd=project.directory)
    assert done.returncode == 2
    assert "data.dipole.window[0]: 1.0 in the run, 0.0 now" in done.stderr


def test_data_that_a_run_did_not_begin_with_are_refused(project: Project, run: RunPaths) -> None:
    continuing = ["continue_cp=true", f"cp_filename={run.checkpoint}", "data.more=dipole.txt"]
    with pytest.raises(RunFailed, match=r"'more' is not there\. Restore it, or, if the run began without 'more', "):
        load_checked_config(project.config, continuing)


@pytest.mark.run
def test_check_tells_what_was_read(project: Project) -> None:
    project.configure({"data": {**DATA, "made": {"function": "model:make"}}})
    rows = [text for name, text in summary_rows(inspect(project.config, [])) if name == "data"]
    assert rows == [
        "dipole: 3 samples, 1 to 3 ms every 1 ms, values 1 to 9 nAm (dipole.txt)",
        "again: 5 samples, 0 to 4 ms every 1 ms, values 0 to 16, without a unit (dipole.txt)",
        "made: 2 samples, 0 to 1 ms every 1 ms, values 2 to 3 mV (model:make)",
    ]


def test_a_job_reads_the_data_of_its_run(run: RunPaths) -> None:
    config = load_config(run.config)
    attempt = run.generation(0).attempt(0, 1)
    attempt.directory.mkdir(parents=True)
    NodeTask.of(
        config, model_of(config), Offspring(0, 0, (0.5, 0.5), {"x": 0.5, "y": 0.0}), attempt, 1, data=run.data
    ).write()
    task = NodeTask.read(attempt.task)
    assert task.data == run.data
    assert values_of(read_data(task.data)["dipole"]) == [1, 4, 9]
    old = json.loads(attempt.task.read_text())
    del old["data"]
    assert NodeTask.from_json(old).data is None


@pytest.mark.run
def test_a_run_makes_the_output_of_another_model_once_and_tells_what_has_changed(project: Project) -> None:
    project.configure({"data": {**DATA, "made": {"function": "model:make"}}, "max_ngen": 1})
    project.command("run", "config.yaml")
    write_dipole(project.directory, 2)
    said = project.command("run", "--continue", str(project.runs[0]), "--set", "max_ngen=2")
    words = (
        "data.dipole is not what it was when the run began (dipole.txt): the run goes on with the data that it began"
    )
    assert words in " ".join(said.split())
    assert "data.made" not in said
    assert (project.directory / "made").read_text() == "x"
    assert len(project.frame()) == 8
    with np.load(RunPaths(project.runs[0]).data) as kept:
        assert set(kept.files) >= {"dipole.times", "dipole.values", "dipole.unit", "again.times", "made.values"}
    checked = project.command("check", "--on-node", "config.yaml")
    assert "works" in checked
