"""What a continued run is compared with, and what it refuses before it writes anything."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from in_process import command
from orchestrator_project import Project
from run_on_disk import STATE, RunOnDisk

from orchestrator.checking.problems import load_checked_config
from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import RunFailed
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.paths import RunPaths
from orchestrator.records import Evaluation, Offspring, Result
from orchestrator.run.asked import Asks
from orchestrator.run.start import create_run

SPACE = SearchSpace([Parameter("x", 0, 1), Parameter("y", -2, 2)])


@pytest.fixture
def run(tmp_path: Path) -> RunPaths:
    """A run that has begun, and of which no generation is complete."""
    project = Project.create(tmp_path)
    paths = RunPaths(tmp_path / "20261126-100000_Optimization")
    paths.directory.mkdir()
    create_run(load_checked_config(project.config), paths)
    return paths


def asked_after(tells: int, generation: int) -> Offspring:
    return Offspring(generation, 0, (0.5, 0.5), {"x": 0.5, "y": 0.0}, asked_after=tells)


@pytest.mark.parametrize("complete", [0, 1])
def test_an_edited_configuration_in_the_run_directory_is_compared_with_the_checkpoint(
    run: RunPaths, complete: int
) -> None:
    checkpoint = Checkpoint(run.checkpoint)
    for number in range(complete):
        done = Evaluation(asked_after(number, number), Result.from_json({"outcome": "OK"}), (3, 1), (0, 0), 1, 1.0)
        checkpoint.append([replace(done, told_in=number)], STATE)
    run.config.write_text(run.config.read_text().replace("target_value: 3", "target_value: 9"))
    before = run.checkpoint.read_bytes(), run.config.read_bytes()
    done = command("run", "--continue", str(run.directory), "--set", "max_ngen=2", cwd=run.directory)
    assert done.returncode == 2
    assert "targets[0].target_value: 3 in the run, 9 now" in done.stderr
    assert "checkpoint.h5" in done.stderr
    assert "config.yaml was edited, put that back, or remove it" in done.stderr
    assert (run.checkpoint.read_bytes(), run.config.read_bytes()) == before


def test_an_edited_configuration_is_not_believed_by_a_reevaluation_either(run: RunPaths) -> None:
    run.config.write_text(run.config.read_text().replace("target_value: 3", "target_value: 9"))
    done = command("best", str(run.directory), "--reevaluate", "1", cwd=run.directory)
    assert done.returncode == 2
    assert "targets[0].target_value: 3 in the run, 9 now" in done.stderr


def test_check_compares_with_the_checkpoint_of_the_run_that_is_continued(run: RunPaths) -> None:
    project = Project(run.surroundings)
    project.configure({"continue_cp": True, "cp_filename": str(run.checkpoint), "optimiser_seed": 7})
    run.config.write_text(run.config.read_text().replace("optimiser_seed: 1", "optimiser_seed: 7"))
    done = command("check", "config.yaml", cwd=project.directory)
    assert done.returncode == 2
    assert "optimiser_seed: 1 in the run, 7 now" in done.stdout


def test_generations_that_were_told_and_are_not_in_the_checkpoint_are_an_older_copy(tmp_path: Path) -> None:
    run = RunOnDisk(tmp_path / "run")
    run.complete(0, [[1.0, 2.0]], begin=100.0)
    asks = Asks(run.paths, SPACE)
    older = tmp_path / "older.h5"
    shutil.copy(run.paths.checkpoint, older)
    run.complete(1, [[1.0, 2.0]], begin=200.0)
    asks.record([asked_after(2, 2)])
    asks.require_fit(Checkpoint(run.paths.checkpoint))
    shutil.copy(older, run.paths.checkpoint)
    with pytest.raises(RunFailed) as error:
        asks.require_fit(Checkpoint(run.paths.checkpoint))
    said = str(error.value)
    assert said.startswith(f"{run.paths.checkpoint}: expected 2 generations, which")
    assert "got 1: another copy of the file has taken its place" in said
    assert "Put the newest one back" in said
    assert "version" not in said


def test_an_older_copy_that_is_continued_is_refused_and_left_as_it_is(run: RunPaths) -> None:
    Asks(run, SPACE).record([asked_after(3, 3)])
    before = run.checkpoint.read_bytes()
    done = command("run", "--continue", str(run.directory), cwd=run.directory)
    assert done.returncode == 1
    assert "expected 3 generations" in done.stderr
    assert "got 0" in done.stderr
    assert run.checkpoint.read_bytes() == before
    assert run.generation(3).record.is_file()


@pytest.mark.run
def test_a_run_goes_on_with_what_its_checkpoint_holds_where_its_configuration_was_removed(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    project.command("run", "config.yaml", "--set", "max_ngen=1")
    (run,) = project.runs
    (run / "config.yaml").unlink()
    project.command("run", "--continue", str(run), "--set", "max_ngen=2")
    assert len(project.frame()) == 8
    assert (run / "config.yaml").read_text() == Checkpoint(run).config_text
    assert "max_ngen: 2" in Checkpoint(run).config_text


@pytest.mark.run
def test_circumstances_that_were_edited_reach_the_checkpoint(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    project.command("run", "config.yaml", "--set", "max_ngen=1")
    (run,) = project.runs
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("max_ngen: 1", "max_ngen: 2"))
    project.command("run", "--continue", str(run))
    assert "max_ngen: 2" in Checkpoint(run).config_text


@pytest.mark.run
def test_a_run_that_was_handed_over_to_a_local_method_goes_on_with_it_under_a_larger_budget(tmp_path: Path) -> None:
    """By its new budget alone it would have been handed over later, and its replay would ask for other points."""
    optimiser = {"method": "cma", "model": "none", "polish": "nelder_mead", "polish_after": 0.5}
    project = Project.create(tmp_path, {"optimiser": optimiser, "offspring_size": 3})
    project.command("run", "config.yaml", "--set", "max_ngen=2")
    (run,) = project.runs
    project.command("run", "--continue", str(run), "--set", "max_ngen=3")
    assert len(project.frame()) == 9
    distribution = Checkpoint(run).distribution()
    assert distribution["polish"].tolist() == [1.0] * 3
    assert distribution["sigma"].shape == (3,)
