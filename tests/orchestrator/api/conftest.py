"""A run that the examples of the public names look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from best_runs import Row, copied, written_run
from orchestrator_project import CONFIG, Project

from orchestrator.paths import RunPaths

ROWS: list[Row] = [({"x": 0.9, "y": -1.5 + n / 10}, (9.0 - n / 10, 2.25)) for n in range(12)]
ROWS[6] = ({"x": 0.35, "y": 1.0}, (3.5, 1.0))
ROWS[10] = ({"x": 0.3, "y": 1.1}, (3.0, 1.25))
ROWS[11] = ({"x": 0.5, "y": 1.05}, (5.0, 1.0))


@pytest.fixture(scope="session")
def _written_run(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    parameters = {**CONFIG["parameters"], "doubled": {"expression": "2 * x"}}
    project = Project.create(tmp_path_factory.mktemp("api") / "model", {"parameters": parameters})
    return written_run(project.config, ROWS)


@pytest.fixture
def run_here(_written_run: RunPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunPaths:
    """A run of twelve evaluations, in the working directory."""
    paths = copied(_written_run, tmp_path / "model")
    monkeypatch.chdir(paths.directory.parent)
    return paths
