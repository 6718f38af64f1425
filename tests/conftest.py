"""What all tests share: the tools as modules, the cluster, the order of the suites, and how long a test may take."""

import functools
import gc
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Collection, Generator, Iterator
from pathlib import Path

import pytest
import threadpoolctl
import typer.main
from cpu_time import cpu_seconds, normalised
from hypothesis import given, settings
from hypothesis import strategies as st
from slurm_cluster import VirtualCluster
from slurm_project import environment_of
from suites import CORE, IN_PROCESS, UNDISTURBED

# all but the quick core, the fastest first
SUITES = (
    "methods",
    "commands",
    "drawing",
    "hostile",
    "reference",
    "run",
    "browser",
    "slurm",
    "mozaik",
    "simulators",
    "notebooks",
)
# CPU time of a test of the core in s, that of its subprocesses included, as the reference of `cpu_time` would have it:
# waiting for other programs is not counted, nor that they make this one slower
LONGEST = 1.0
# CPU time of the whole core in s; only told, because a busy machine is slower for a while
ALL_OF_IT = 30
MANY_MODULES = 20
# where the core's temporary files are: to flush files to a disk takes a tenth of its CPU time and half of its duration
MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 1 << 30  # bytes; the core writes a tenth of it, and pytest keeps those of three runs

# The command line is put together once, and not at each of its hundreds of calls in this process.
typer.main.get_command = functools.cache(typer.main.get_command)

# Each run looks at other examples; HYPOTHESIS_PROFILE=nightly at forty times as many.
settings.register_profile("core", max_examples=25, deadline=None)
settings.register_profile("nightly", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "core"))


# all tests of the file are of one of the suites
_OF_A_SUITE = re.compile(rf"^pytestmark = \[?\s*pytest\.mark\.({'|'.join(SUITES)})\b", re.MULTILINE)


def _is_core(config: pytest.Config) -> bool:
    return bool(config.getoption("markexpr") == CORE)


def _left_out(config: pytest.Config) -> Collection[str]:
    """Return the suites of which a run has no test, as far as they are to be left out unread."""
    if _is_core(config):
        return SUITES
    return set(SUITES) - set(UNDISTURBED) if config.getoption("markexpr") == IN_PROCESS else ()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Spare the core, and processes side by side, what only others import: a simulator, a browser, matplotlib."""
    left_out = _left_out(config)
    if not left_out or collection_path.suffix != ".py" or not collection_path.is_file():
        return None
    found = _OF_A_SUITE.search(collection_path.read_text(encoding="utf-8"))
    return (found is not None and found[1] in left_out) or None


def pytest_configure(config: pytest.Config) -> None:
    if _left_out(config):
        # matrices are small: threads would only wait for each other, in libraries that are loaded and in others
        threadpoolctl.threadpool_limits(1)
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Figures are circles of many small objects, and modules stay to the end.
    gc.set_threshold(20_000, 50, 50)
    if _is_core(config) and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    # The processes of pytest-xdist have the size of a terminal among their variables; those of tests have their own.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    # SIGTERM ends the tests as Ctrl-C does, so that fixtures stop what they started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Tests that are started in the background would hand an ignored Ctrl-C down to the programs under test.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@settings(max_examples=1, database=None)
@given(st.text())
def _ask_for_text(_: str) -> None:
    pass


@pytest.fixture(scope="session", autouse=True)
def _tables_of_characters() -> None:
    """Let hypothesis make its tables when it is first asked for text: no test's own time."""
    _ask_for_text()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quick core first, then what needs SLURM, then what simulates."""

    def slowness(item: pytest.Item) -> int:
        return sum(2**n for n, mark in enumerate(SUITES) if item.get_closest_marker(mark))

    items.sort(key=slowness)


def pytest_collection_finish() -> None:
    """Keep the garbage collector from walking through modules and tests, which stay to the end, again and again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what the core took, the processes of pytest-xdist included."""
    if _is_core(config):
        terminalreporter.write_line(
            f"The core took {cpu_seconds():.1f} s of CPU time; on a quiet core {ALL_OF_IT} s are allowed"
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test of the core that takes too long: it is run at every change."""
    before, imported = cpu_seconds(), len(sys.modules)
    result = yield
    taken = cpu_seconds() - before
    # the first test that needs a large package pays for all others, whichever it is
    imports = len(sys.modules) - imported > MANY_MODULES
    if imports or any(item.get_closest_marker(mark) for mark in SUITES):
        return result
    taken = normalised(taken, LONGEST)
    if taken > LONGEST:
        pytest.fail(
            f"took {taken:.2f} s of CPU time, and a test of the core may take {LONGEST:g} s: make it shorter, or mark "
            f"it as one of another suite ({', '.join(SUITES)}) if it runs whole programs, draws, damages files or "
            "needs large libraries",
            pytrace=False,
        )
    return result


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
