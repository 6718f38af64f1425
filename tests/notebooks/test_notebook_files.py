"""The notebooks as they are in the repository."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NAMES = ["optimization_analyze", "optimization_evaluate_data_store", "optimization_inspect_spont_OT_ST"]
# of any machine: in text or in a string
ABSOLUTE = re.compile(r"(?:^|[\s\"'`(=])(?:/[\w.-]+/|[A-Za-z]:\\|~/)")


@pytest.fixture(params=NAMES)
def notebook(request: pytest.FixtureRequest) -> Any:
    return nbformat.read(FOLDER / f"{request.param}.ipynb", as_version=4)


def code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_these_and_no_others() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == [f"{name}.ipynb" for name in NAMES]


def test_nothing_of_an_execution_is_left(notebook: Any) -> None:
    nbformat.validate(notebook)
    for cell in code(notebook):
        assert cell.outputs == []
        assert cell.execution_count is None
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata.language_info) == {"name"}


def test_no_path_of_a_machine(notebook: Any) -> None:
    for cell in notebook.cells:
        assert not ABSOLUTE.search(cell.source), cell.source
        assert "attachments" not in cell


@pytest.mark.parametrize("text", ["run = '/data/run'", 'run = "/home/me/x"', "~/results/x", "C:\\runs\\x"])
def test_paths_of_a_machine_are_seen(text: str) -> None:
    assert ABSOLUTE.search(text)


def test_one_cell_sets_everything_and_is_first(notebook: Any) -> None:
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert tagged == code(notebook)[:1]
    for line in ast.parse(tagged[0].source).body:
        assert isinstance(line, ast.Assign), "only values"
    assert all("#" in line for line in tagged[0].source.splitlines()), "each is explained"


def test_they_are_thin(notebook: Any) -> None:
    """Whatever computes or draws is in the library, where it is typed and tested."""
    for cell in code(notebook):
        assert len(ast.parse(cell.source).body) <= 6
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.For | ast.While | ast.Lambda)
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] == "orchestrator"
            assert not isinstance(node, ast.Import)


def test_every_step_is_explained(notebook: Any) -> None:
    kinds = [cell.cell_type for cell in notebook.cells]
    assert kinds[0] == "markdown"
    assert kinds.count("markdown") >= kinds.count("code") - 3
