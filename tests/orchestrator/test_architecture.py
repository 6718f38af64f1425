"""Dependencies point one way, and a job starts quickly."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orchestrator
import targets

ROOTS = {
    name: Path(package.__file__).parent for name, package in (("orchestrator", orchestrator), ("targets", targets))
}


@functools.cache
def imports(path: Path) -> tuple[str, ...]:
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
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


def test_a_job_imports_nothing_heavy() -> None:
    heavy = {"pandas", "h5py", "cma", "scipy", "neo", "matplotlib", "mozaik", "rich", "typer"}
    code = (
        "import sys, orchestrator.node.evaluate, targets; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not heavy & set(loaded)


def test_files_stay_readable() -> None:
    long = {
        path.name: n
        for root in ROOTS.values()
        for path in root.rglob("*.py")
        if (n := len(path.read_text().splitlines())) > 350
    }
    assert not long
