"""Dependencies point one way, and a job starts quickly."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import orchestrator
import targets

pytestmark = pytest.mark.run  # all files are parsed

ROOTS = {
    name: Path(package.__file__).parent for name, package in (("orchestrator", orchestrator), ("targets", targets))
}


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@functools.cache
def imports(path: Path) -> tuple[str, ...]:
    return tuple(_imports(path))


@functools.cache
def looked_at(path: Path) -> list[ast.Import | ast.ImportFrom | ast.Call]:
    """Return what several tests look at, of all nodes."""
    return [node for node in ast.walk(parsed(path)) if isinstance(node, ast.Import | ast.ImportFrom | ast.Call)]


@pytest.fixture(scope="module", autouse=True)
def _forget_what_was_parsed() -> Iterator[None]:
    """All nodes of all modules would be in the way of the garbage collector to the end."""
    yield
    parsed.cache_clear()
    looked_at.cache_clear()


def _imports(path: Path) -> Iterator[str]:
    for node in looked_at(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_targets_know_nothing_of_the_orchestrator() -> None:
    for path in ROOTS["targets"].rglob("*.py"):
        assert not [name for name in imports(path) if name.split(".")[0] == "orchestrator"], path


def test_nothing_imports_the_command_line() -> None:
    for root in ROOTS.values():
        for path in root.rglob("*.py"):
            if path.parent.name != "cli":
                assert not [name for name in imports(path) if name.startswith("orchestrator.cli")], path


def called(path: Path) -> set[str]:
    """Return the names of what a module calls."""
    calls = (node.func for node in looked_at(path) if isinstance(node, ast.Call))
    return {each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "") for each in calls}


def test_one_module_prints_and_makes_consoles_so_that_foreign_text_is_never_markup() -> None:
    for path in ROOTS["orchestrator"].rglob("*.py"):
        place = path.relative_to(ROOTS["orchestrator"]).as_posix()
        if place != "cli/printing.py":
            assert not called(path) & {"Console", "from_markup", "from_ansi", "echo", "secho"}, place


SLURM = {"sbatch", "squeue", "scancel", "scontrol", "sacct", "sinfo"}


def test_only_one_module_of_the_cluster_runs_commands_of_slurm() -> None:
    cluster = ROOTS["orchestrator"] / "cluster"
    for path in ROOTS["orchestrator"].rglob("*.py"):
        names = set(imports(path))
        runs = "subprocess" in names or {"orchestrator.cluster.commands.run_command"} & names
        if path.is_relative_to(cluster):
            assert ("subprocess" in names) is (path.name == "commands.py"), path
        elif runs:
            words = {node.value for node in ast.walk(parsed(path)) if isinstance(node, ast.Constant)}
            assert not SLURM & words, f"{path}: runs a command of SLURM itself"
            assert "subprocess" in names, f"{path}: calls run_command instead of a function of the cluster"


def test_an_executor_is_imported_only_when_it_is_used() -> None:
    code = "import sys, orchestrator.cluster; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"submitit", "psutil", "orchestrator.cluster.slurm", "orchestrator.cluster.local"} & set(loaded)


def test_a_job_imports_nothing_heavy() -> None:
    heavy = {"pandas", "h5py", "cma", "scipy", "neo", "matplotlib", "mozaik", "rich", "typer"}
    code = (
        "import sys, orchestrator.node.evaluate, targets; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not heavy & set(loaded)


def module_of(path: Path) -> str:
    name = ".".join(path.relative_to(next(iter(ROOTS.values())).parent).with_suffix("").parts)
    return name.removesuffix(".__init__")


def imported_at_once(path: Path, modules: frozenset[str]) -> set[str]:
    """Modules of ours that a file imports when it is imported: not inside functions, not for annotations only."""
    found = set()
    waiting: list[ast.stmt] = list(parsed(path).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {part for part in parts if part in modules} or {node.module}
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return (found & modules) - {module_of(path)}


def test_no_files_import_each_other_in_a_circle() -> None:
    files = {module_of(path): path for root in ROOTS.values() for path in root.rglob("*.py")}
    known = frozenset(files)
    # a package that exports what its modules define is no circle with them
    arrows = {
        name: {other for other in imported_at_once(path, known) if not name.startswith(f"{other}.")}
        for name, path in files.items()
    }
    try:
        list(TopologicalSorter(arrows).static_order())
    except CycleError as error:
        pytest.fail(f"these files import each other in a circle: {' <- '.join(error.args[1])}")


def test_no_two_public_classes_have_one_name() -> None:
    places: dict[str, list[str]] = {}
    for root in ROOTS.values():
        for path in sorted(root.rglob("*.py")):
            for node in parsed(path).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places.setdefault(node.name, []).append(path.relative_to(root.parent).as_posix())
    shared = [f"{name}: {', '.join(files)}" for name, files in sorted(places.items()) if len(files) > 1]
    assert not shared, "these classes are one, or need two names:\n" + "\n".join(shared)


def test_no_room_holds_too_much() -> None:
    files = [path.relative_to(root.parent) for root in ROOTS.values() for path in root.rglob("*.py")]
    rooms = Counter(str(path.parent) for path in files if path.name != "__init__.py")
    assert rooms.pop("orchestrator") <= 14
    # one file per family of targets or figures, one per optimiser, one per step of preparing a model
    large = {
        "targets": 24,
        "orchestrator/optimisers": 24,
        "orchestrator/prepare": 20,
        "orchestrator/jobs": 15,
        "orchestrator/report/figures": 20,
    }
    assert {room: n for room, n in rooms.items() if n > large.get(room, 14)} == {}


def test_files_stay_readable() -> None:
    long = {
        path.name: n
        for root in ROOTS.values()
        for path in root.rglob("*.py")
        if (n := len(path.read_text().splitlines())) > 350
    }
    assert not long
