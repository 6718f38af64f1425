"""What all tests share: the tools as modules, the cluster, the order of the suites, and how long a test may take."""

import os
import resource
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from slurm_cluster import VirtualCluster
from slurm_project import environment_of

# all but the quick core, the fastest first
SUITES = ("run", "browser", "slurm", "mozaik", "notebooks")
# CPU time of a test of the core in s, that of its subprocesses included: waiting for other programs is not counted
LONGEST = 1.0
MANY_MODULES = 20

# Each run looks at other examples; HYPOTHESIS_PROFILE=nightly at forty times as many.
settings.register_profile("core", max_examples=25, deadline=None)
settings.register_profile("nightly", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "core"))


def pytest_configure() -> None:
    # SIGTERM ends the tests as Ctrl-C does, so that fixtures stop what they started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Tests that are started in the background would hand an ignored Ctrl-C down to the programs under test.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quick core first, then what needs SLURM, then what simulates."""

    def slowness(item: pytest.Item) -> int:
        return sum(2**n for n, mark in enumerate(SUITES) if item.get_closest_marker(mark))

    items.sort(key=slowness)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test of the core that takes too long: it is run at every change."""
    before, imported = _cpu_seconds(), len(sys.modules)
    result = yield
    taken = _cpu_seconds() - before
    # the first test that needs a large package pays for all others, whichever it is
    imports = len(sys.modules) - imported > MANY_MODULES
    if taken > LONGEST and not imports and not any(item.get_closest_marker(mark) for mark in SUITES):
        pytest.fail(
            f"took {taken:.2f} s of CPU time, and a test of the core may take {LONGEST:g} s: make it shorter, or mark "
            f"it as one of another suite ({', '.join(SUITES)}) if it runs whole programs",
            pytrace=False,
        )
    return result


def _cpu_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


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
