"""What is public: its examples are true, it is documented, and it costs nothing who does not use it."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest
import yaml

import orchestrator
from orchestrator import Run, UsageError
from orchestrator.checkpoint import Checkpoint
from orchestrator.paths import RunPaths
from orchestrator.run.report_refresher import ReportRefresher

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))

from shown import blocks_of

PAGE = Path(__file__).resolve().parents[3] / "docs/api.md"
# they simulate
CARRIED_OUT = ("optimise", "Run.continue_", "Run.cancel")
DRAWN = ("Figures", "Run.figures", "Run.report", "Figure", "Figure.choose", "Figure.save")
_MEMBERS = (FunctionType, property, cached_property, classmethod, staticmethod)


def reference() -> list[str]:
    """Return what the page documents: names, and their methods and properties, all or those that it lists."""
    found = []
    for name, options in re.findall(r"^::: orchestrator\.(\w+)\n((?: .*\n)*)", PAGE.read_text("utf-8"), re.MULTILINE):
        public = getattr(orchestrator, name)
        every = [each for each, value in vars(public).items() if isinstance(value, _MEMBERS) and each[0] != "_"]
        listed = yaml.safe_load(options)["options"]["members"] if options else every
        members = listed if isinstance(public, type) else []
        found += [name, *(f"{name}.{each}" for each in members)]
    return found


def shown_on_the_page() -> set[str]:
    """Return the names that code of the page uses, which tests/docs executes, and members of what it makes by them."""
    found = set()
    for block in blocks_of("docs/api.md"):
        if block.language != "python":
            continue
        nodes = list(ast.walk(ast.parse(block.text)))
        made = {}
        for node in nodes:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                made[ast.unparse(node.targets[0])] = ast.unparse(node.value.func)
            elif isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                place = ast.unparse(node.value)
                found.add(node.attr if place == "orchestrator" else f"{made.get(place, place)}.{node.attr}")
    return found


def examples() -> dict[str, doctest.DocTest]:
    """Return the doctests of what the page documents."""
    finder, found = doctest.DocTestFinder(), {}
    for name in PUBLIC:
        public = getattr(orchestrator, name.partition(".")[0])
        names = {"Run": Run, "orchestrator": orchestrator, "__name__": "__main__"}
        found |= {test.name: test for test in finder.find(public, public.__name__, globs=names) if test.examples}
    return {name: found[name] for name in PUBLIC if name in found}


PUBLIC = reference()
EXAMPLES = examples()


def test_every_public_name_has_an_example_that_is_executed() -> None:
    assert len(PUBLIC) > len(orchestrator.__all__)
    assert sorted({*PUBLIC} - EXAMPLES.keys() - shown_on_the_page()) == []
    assert {*CARRIED_OUT, *DRAWN} <= EXAMPLES.keys()


def require_true(test: doctest.DocTest, *, clear: bool = True) -> None:
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    result = runner.run(test, out=said.append, clear_globs=clear)
    assert not result.failed, "".join(said)


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in (*CARRIED_OUT, *DRAWN)])
def test_examples_of_looking(name: str, run_here: RunPaths) -> None:
    require_true(EXAMPLES[name])


@pytest.mark.drawing
@pytest.mark.parametrize("name", DRAWN)
def test_examples_of_drawing(name: str, run_here: RunPaths) -> None:
    test = EXAMPLES[name]
    if name.startswith("Figure."):  # of the figure that the class's example has drawn
        test.globs["figure"] = Run(run_here.directory).figures["parameter_exploration"]
    require_true(test)


@pytest.mark.run
def test_examples_of_carrying_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ReportRefresher, "refresh", lambda *_: None)
    names = EXAMPLES["optimise"].globs
    for name in CARRIED_OUT:  # each goes on where the one before has ended
        EXAMPLES[name].globs = names
        require_true(EXAMPLES[name], clear=False)


def test_the_reference_has_all_public_names() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in orchestrator.__all__:
        assert name == "__version__" or f"::: orchestrator.{name}\n" in page, name
        assert getattr(orchestrator, name) is not None
        assert name in dir(orchestrator)
    assert page.count("::: ") == len(orchestrator.__all__) - 1
    with pytest.raises(AttributeError, match="has no attribute 'optimize'"):
        _ = orchestrator.optimize


def test_names_for_annotations_are_those_that_are_found() -> None:
    tree = ast.parse(inspect.getsource(orchestrator))
    named = [alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted({*orchestrator.__all__} - {*named}) == ["__version__"]


def test_looking_at_a_run(run_here: RunPaths) -> None:
    run = Run(run_here.checkpoint)
    assert run.directory == run_here.directory
    assert len(run.evaluations()) == 12
    assert run.best.values == {"ReturnedValue(rate)": 3.5, "ReturnedValue(cv)": 1.0}
    assert [each.rank for each in run.ranked(100)] == list(range(1, 13))
    assert [each.offspring for each in run.front("ReturnedValue(rate)").members] == [2]
    assert "score_by_generation" in run.figures
    assert repr(run.figures).startswith("Figures: score_by_generation")
    with pytest.raises(KeyError, match="did you mean 'score_by_generation'"):
        _ = run.figures["scores_by_generation"]
    assert run.figures.get("nothing") is None
    with pytest.raises(UsageError, match="from 1, got 0"):
        run.ranked(0)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a run directory"):
        Run(tmp_path)


def test_a_run_of_which_nothing_is_measured(run_here: RunPaths) -> None:
    Checkpoint.create(run_here.checkpoint, config="{}", parameters=["x"], targets=["rate"], versions={})
    run = Run(run_here.directory)
    assert repr(run).endswith(": 0 evaluations")
    for look in (lambda: run.best, run.front):
        with pytest.raises(UsageError, match="nothing is best yet"):
            look()
    assert np.shape(run.evaluations())[0] == 0


@pytest.mark.run
def test_nobody_imports_more_than_before() -> None:
    """A job and the command line import nothing of what is for scripts."""
    code = (
        "import sys, orchestrator.node.evaluate, orchestrator.cli; from orchestrator import Trace; print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in loaded if name.startswith("orchestrator.api")]
    code = "import sys, orchestrator; print(len(sys.modules), 'targets' in sys.modules)"
    alone = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert alone[1] == "False"
