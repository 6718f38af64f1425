"""What `check` says of the Python of another environment: versions and modules, asked of that Python itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from checked_project import visual_model
from in_process import command
from program_jobs import config_of

from orchestrator.checking.surroundings import surroundings_findings
from orchestrator.config.file import load_config
from orchestrator.simulations import model_of
from orchestrator.simulations.surroundings import Surroundings, required_by

# of the standard library alone
BARE = f"{sys.executable} -S"
FITTED = """\
import json, no_such_simulator
import no_such.part as part
from numpy import array
from beside import thing
from orchestrator import Trace
from . import nothing
try:
    import perhaps_there
except ImportError:
    pass

def f(parameters, directory):
    import later
"""


def findings(tmp_path: Path, **section: Any) -> tuple[list[Any], list[Any]]:
    (tmp_path / "fitted.py").write_text(FITTED)
    (tmp_path / "beside.py").touch()
    config = config_of(tmp_path, {"type": "function", "function": "fitted:f", **section})
    return surroundings_findings(model_of(config))


def test_what_a_module_imports_whatever_happens_is_needed(tmp_path: Path) -> None:
    (tmp_path / "fitted.py").write_text(FITTED)
    assert required_by(tmp_path, ["fitted"]) == ("json", "no_such_simulator", "no_such", "numpy", "beside")
    assert required_by(tmp_path, ["installed.elsewhere", "fitted"])[:2] == ("installed", "json")
    (tmp_path / "fitted.py").write_text("import (")
    assert required_by(tmp_path, ["fitted"]) == ()


def test_modules_that_the_python_of_a_function_does_not_find_are_named(tmp_path: Path) -> None:
    ((key, message),), unknown = findings(tmp_path, python=BARE)
    assert (key, unknown) == (("simulation", "python"), [])
    version = ".".join(map(str, sys.version_info[:2]))
    assert f"{BARE} (version {version}), does not find numpy, no_such_simulator, no_such: install that" in message


def test_the_lines_of_setup_are_what_they_are_in_a_job(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for name in ("numpy", "no_such_simulator", "no_such"):
        (tmp_path / "there" / f"{name}.py").write_text("raise SystemError('imported')")
    setup = ["echo loaded", f"export PYTHONPATH={tmp_path}/there"]
    assert findings(tmp_path, setup=setup, python=BARE) == ([], [])
    assert findings(tmp_path, environment={"PYTHONPATH": f"{tmp_path}/there"}, python=BARE) == ([], [])
    ((key, message),), _ = findings(tmp_path, setup=["true"])
    assert key == ("simulation", "setup")
    assert "does not find no_such_simulator, no_such:" in message


def test_a_python_that_cannot_be_asked_here_may_be_there_on_a_node(tmp_path: Path) -> None:
    problems, ((key, message),) = findings(tmp_path, python="/no/such/python")
    assert (problems, key) == ([], ("simulation", "python"))
    assert "/no/such/python: No such file or directory. Let a node try it (--on-node)" in message
    problems, ((key, message),) = findings(tmp_path, setup=["cd /no/such/place"])
    assert (problems, key) == ([], ("simulation", "setup"))
    assert "simulation.setup, line 1: exit code 1 from: cd /no/such/place. Let a node" in message


def test_one_that_does_not_answer_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.checking.surroundings._TIMEOUT", 0.05)
    problems, ((_, message),) = findings(tmp_path, setup=["read -r < <(sleep 60)"])
    assert problems == []
    assert "no answer within " in message


def test_a_python_that_is_too_old_is_refused(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\necho 'orchestrator: version 2.7'\nexit 1\n")
    old.chmod(0o755)
    ((_, message),), unknown = findings(tmp_path, python=str(old))
    assert message == "expected Python 3.10 or newer, got 2.7: name the Python of another environment"
    assert unknown == []


def test_a_function_of_this_python_is_imported_instead(tmp_path: Path) -> None:
    assert findings(tmp_path) == ([], [])


def test_a_mozaik_model_needs_what_its_modules_and_the_run_script_import(tmp_path: Path) -> None:
    path = visual_model(tmp_path)
    found = model_of(load_config(path, ["simulation.python=python3", "executor=slurm"])).surroundings()
    assert isinstance(found, Surroundings)
    # of two processes
    assert found.modules[:6] == ("mozaik", "numpy", "parameters", "pyNN", "mpi4py", "nest")
    assert model_of(load_config(path)).surroundings() is None
    (path.parents[1] / "own.sh").touch()
    own = ["simulation.python=python3", "simulation.launch_script=own.sh"]
    assert model_of(load_config(path, own)).surroundings() is None


def test_check_says_so_with_file_and_line(tmp_path: Path) -> None:
    path = visual_model(tmp_path, {"simulation|python": BARE})
    done = command("check", str(path), cwd=tmp_path)
    assert done.returncode == 2
    said = " ".join(done.stdout.split())
    assert f"{path.name}:" in said
    assert f"simulation.python: the Python of the simulations, {BARE} (version" in said
    assert "does not find mozaik, numpy, parameters, pyNN, nest" in said


def test_lines_that_are_executed_before_need_something_too_and_decide_about_values(tmp_path: Path) -> None:
    path = visual_model(tmp_path, {"simulation|before": "import no_such_extension, ours\nno_such_extension.start()"})
    (path.parents[1] / "ours.py").write_text("import no_such_neurons\n")
    model = model_of(load_config(path, ["simulation.python=python3", "executor=slurm"]))
    found = model.surroundings()
    assert isinstance(found, Surroundings)
    assert found.modules[-2:] == ("no_such_extension", "no_such_neurons")
    identity = model.identity()
    assert identity is not None
    assert "ours.py" in identity.files
