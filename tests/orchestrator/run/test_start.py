"""How a run begins and ends, without carrying anything out."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from orchestrator_project import Project
from rich.console import Console

from orchestrator.display.logs import LogFormat
from orchestrator.errors import ConfigError, OrchestratorError, Stopped
from orchestrator.paths import RunPaths
from orchestrator.run.start import start


def said_of(
    project: Project, error: Exception, monkeypatch: pytest.MonkeyPatch, *, begun: bool, as_guest: bool = False
) -> str:
    """The message of a run that ends with an error, before or after something was asked for."""

    def end(config: Any, paths: RunPaths, *arguments: Any, **options: Any) -> str:
        if begun:
            paths.generation(0).create()
        raise error

    monkeypatch.setattr("orchestrator.run.start.optimise", end)
    with pytest.raises(OrchestratorError) as caught:
        start(project.config, (), Console(file=io.StringIO()), LogFormat.TEXT, as_guest=as_guest)
    return str(caught.value)


ENDS = [Stopped("stopped in generation 0"), OSError(28, "No space left on device")]


@pytest.mark.parametrize("error", ENDS, ids=["stopped", "full disk"])
def test_nobody_is_advised_to_continue_a_run_that_has_just_been_removed(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.create(tmp_path)
    said = said_of(project, error, monkeypatch, begun=False)
    assert said.endswith("start it again: nothing was simulated yet, and nothing of the run is kept")
    assert "--continue" not in said
    assert project.runs == []


@pytest.mark.parametrize("error", ENDS, ids=["stopped", "full disk"])
def test_a_run_that_has_begun_can_be_continued(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.create(tmp_path)
    said = said_of(project, error, monkeypatch, begun=True)
    (run,) = project.runs
    assert said.endswith(f"continue with\n  orchestrator run --continue {run}")


def test_in_python_it_is_continued_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.create(tmp_path)
    said = said_of(project, ENDS[0], monkeypatch, begun=True, as_guest=True)
    (run,) = project.runs
    assert said.endswith(f"--continue {run}\nor, in Python\n  orchestrator.Run({str(run)!r}).continue_()")


@pytest.mark.run
def test_each_call_of_a_script_whose_job_was_restarted_goes_on_with_its_own_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.create(tmp_path, {"reevaluate": "none"})

    def end(config: Any, paths: RunPaths, *arguments: Any, **options: Any) -> str:
        paths.generation(0).create()
        return "enough"

    monkeypatch.setattr("orchestrator.run.start.optimise", end)

    def script(*seeds: int, restarts: int = 0) -> list[Path]:
        """The runs that the calls of a script carry out."""
        monkeypatch.setattr("orchestrator.run.requeue._CARRIED_OUT", set())
        runs = []
        for seed in seeds:
            monkeypatch.setenv("SLURM_JOB_ID", "5")
            monkeypatch.setenv("SLURM_RESTART_COUNT", str(restarts))
            console = Console(file=io.StringIO())
            ended = start(project.config, [f"optimiser_seed={seed}"], console, LogFormat.TEXT, as_guest=True)
            runs.append(ended.paths.directory)
        return runs

    before = script(1, 2, 3, 3)
    after = script(1, 2, 3, 3, 3, restarts=1)
    assert after[:2] == before[:2]
    assert set(after[2:4]) == set(before[2:])
    assert len(set(after)) == 5
    with pytest.raises(ConfigError, match=r"optimiser_seed"):
        script(-1, restarts=1)
