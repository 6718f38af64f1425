"""What importing targets brings along, and that nobody looks into the box of pickles."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from targets import pickles

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ("neo", "quantities", "mozaik", "pandas", "scipy", "orchestrator", "elephant", "h5py", "yaml")


@pytest.mark.run
def test_nothing_heavy_is_imported() -> None:
    code = f"import sys, targets; print([name for name in {FOREIGN!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def files_around(*boxes: Path) -> Iterator[Path]:
    for folder in ("targets", "orchestrator", "tests", "tools", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            if not any(path.is_relative_to(box) for box in boxes):
                yield path


def test_only_what_the_box_of_pickles_exports_is_imported_from_it() -> None:
    inside = []
    for path in files_around(ROOT / "targets/pickles", ROOT / "tests/targets/pickles"):
        text = path.read_text(encoding="utf-8")
        if "targets.pickles" not in text:
            continue  # parsing takes longest
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module == "targets.pickles":
                inside += [(path, each.name) for each in node.names if each.name not in pickles.__all__]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("targets.pickles."):
                inside.append((path, node.module))
            elif isinstance(node, ast.Import):
                inside += [(path, each.name) for each in node.names if each.name.startswith("targets.pickles.")]
    assert not inside
