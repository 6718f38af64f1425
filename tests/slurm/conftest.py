"""What the tests on a real SLURM share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from orchestrator_project import Project
from slurm_project import below, nothing_left
from virtual_cluster import VirtualCluster


@pytest.fixture
def leaving_nothing(cluster: VirtualCluster, tmp_path: Path) -> Iterator[None]:
    """Fail a test after which a job, a process or a directory of its runs is left; and restore the cluster."""
    yield
    projects = {Project(run.parent) for run in below(tmp_path) if run.name.endswith("_Optimization")}
    for project in projects:
        nothing_left(cluster, project)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same optimisation on this machine: where it runs must not matter."""
    project = Project.create(tmp_path_factory.mktemp("undisturbed"))
    project.command("run", "config.yaml")
    return project
