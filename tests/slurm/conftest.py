"""What the tests on a real SLURM share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from orchestrator_project import Project
from slurm_project import environment_of, nothing_left
from virtual_cluster import VirtualCluster


@pytest.fixture
def on_cluster(cluster: VirtualCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Direct the controllers of a test, and SLURM's commands, at the cluster of all tests."""
    for name in cluster.environment().keys() ^ os.environ.keys():
        monkeypatch.delenv(name, raising=False)
    for name, value in environment_of(cluster).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def leaving_nothing(cluster: VirtualCluster, tmp_path: Path) -> Iterator[None]:
    """Fail a test after which a job, a process or a directory of its runs is left; and restore the cluster."""
    yield
    projects = {Project(run.parent) for run in tmp_path.rglob("*_Optimization")}
    for project in projects:
        nothing_left(cluster, project)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same optimisation on this machine: where it runs must not matter."""
    project = Project.create(tmp_path_factory.mktemp("undisturbed"))
    project.command("run", "config.yaml")
    return project
