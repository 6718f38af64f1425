"""Who may look at a run: its user alone, or whoever the umask allows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from orchestrator_project import Project

from orchestrator.checking.problems import load_checked_config
from orchestrator.cli.printing import PlainConsole
from orchestrator.cluster import create_cluster
from orchestrator.cluster.submission import job_parameters
from orchestrator.config.model import Config
from orchestrator.display.logs import LogFormat
from orchestrator.paths import RunPaths
from orchestrator.run import start as starting
from orchestrator.run.start import Ended, start


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def modes(path: Path) -> dict[str, int]:
    """Return the permissions of a directory and all that is in it."""
    return {each.name: each.stat().st_mode & 0o777 for each in (path, *path.rglob("*"))}


@pytest.mark.parametrize(("mode", "folder", "file"), [("private", 0o700, 0o600), ("group", 0o750, 0o640)])
def test_directories_and_files_of_a_run_follow_its_mode(
    mode: str, folder: int, file: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[str, int] = {}

    def control(config: Config, paths: RunPaths, *_: object, **__: object) -> Ended:
        paths.generation(0).create()
        found.update(modes(paths.directory))
        return Ended(paths, "")

    monkeypatch.setattr(starting, "_control", control)
    project = Project.create(tmp_path, {"run_mode": mode})
    run = start(project.config, (), PlainConsole(), LogFormat.TEXT).paths
    assert found == {
        **dict.fromkeys([run.directory.name, "generations", "0", "results", "submitit"], folder),
        **dict.fromkeys(["config.yaml", "model.json", "checkpoint.h5"], file),
    }


@pytest.mark.parametrize(("mode", "line"), [("private", "umask 077"), ("group", "umask 027")])
def test_jobs_follow_the_mode_of_the_run(mode: str, line: str, tmp_path: Path) -> None:
    project = Project.create(tmp_path, {"run_mode": mode})
    config = load_checked_config(project.config).model_copy(update={"executor": "slurm"})
    cluster = create_cluster(config)
    parameters = job_parameters(config.jobs, config.slurm, "t", tmp_path, umask=cluster._umask)  # type: ignore[attr-defined]
    assert parameters["setup"][0] == line
