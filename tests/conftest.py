"""What all tests share: the tools as modules, the running cluster, the order of the suites."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from slurm_cluster import VirtualCluster
from slurm_project import environment_of


def pytest_configure() -> None:
    # SIGTERM ends the tests as Ctrl-C does, so that fixtures stop what they started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Tests that are started in the background would hand an ignored Ctrl-C down to the programs under test.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quick core first, then what needs SLURM, then what simulates."""

    def slowness(item: pytest.Item) -> int:
        marks = ("run", "browser", "slurm", "mozaik", "notebooks")
        return sum(2**n for n, mark in enumerate(marks) if item.get_closest_marker(mark))

    items.sort(key=slowness)


@pytest.fixture(scope="session")
def cluster() -> Iterator[VirtualCluster]:
    """The virtual cluster that tools/test started, or one for this session if there is none."""
    running = VirtualCluster(Path(os.environ.get("SLURM_CONF", "/nonexistent/slurm.conf")).parent)
    if running.record.exists():
        yield running
    else:
        with VirtualCluster(tempfile.mkdtemp(prefix="slurm-")) as own:
            yield own


@pytest.fixture
def on_cluster(cluster: VirtualCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Direct the controllers of a test, and SLURM's commands, at the cluster of all tests."""
    for name in cluster.environment().keys() ^ os.environ.keys():
        monkeypatch.delenv(name, raising=False)
    for name, value in environment_of(cluster).items():
        monkeypatch.setenv(name, value)
