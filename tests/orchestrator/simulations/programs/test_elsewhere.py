"""Functions in another Python: what they may import, return and raise, and what their failures mean."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program_jobs import attempt_of, config_of, problems_of, result_of, simulated

from orchestrator.records import Outcome
from orchestrator.simulations import SimulationFailed, model_of
from targets import NoValue


@pytest.fixture(scope="session")
def other_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python that has numpy and nothing else, as one of another environment."""
    place = tmp_path_factory.mktemp("other")
    (place / "packages").mkdir()
    source = Path(np.__file__).parents[1]
    for each in source.glob("numpy*"):
        (place / "packages" / each.name).symlink_to(each)
    program = place / "python"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{place}/packages" exec {sys.executable} -S "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


@pytest.fixture
def in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A job has a process of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr("orchestrator.node.evaluate.end_on_signals", lambda note: None)
    sys.modules.pop("fitted", None)
    yield
    sys.modules.pop("fitted", None)


def section(model: Path, function: str, **more: Any) -> dict[str, Any]:
    (model / "fitted.py").write_text(function)
    return {"type": "function", "function": "fitted:f", **more}


FOUND = """\
import sys
from orchestrator import Events, Trace
from targets import Trace as Same
import os

def f(parameters, directory):
    assert Same is Trace
    for name in ("pydantic", "yaml", "orchestrator.config.model"):
        try:
            __import__(name)
        except ImportError:
            continue
        raise SystemExit(name)
    (directory / "file").write_text(os.getcwd())
    return {"x": 10 * parameters["soma.g"], "none": None, "n": parameters["n"] / 1,
            "v": Trace([0, 1, 2], [[1, 2, 3], [4, 5, 6]], "mV"), "spikes": Events([2.5, 1], ["a", "b"])}
"""


def test_what_a_function_of_another_python_returns_is_as_if_it_were_of_ours(tmp_path: Path, other_python: str) -> None:
    found = simulated(tmp_path, section(tmp_path, FOUND, python=other_python))
    assert dict(found) == {"x": 1.25, "none": None, "n": 3.0}
    assert found.traces["v"].rows.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert found.traces["v"].unit == "mV"
    assert found.events["spikes"].labels.tolist() == ["b", "a"]
    assert (found / "file").read_text() == str(tmp_path)


@pytest.mark.run
def test_one_that_returns_nothing_leaves_its_files(tmp_path: Path, other_python: str) -> None:
    function = "def f(p, d):\n    (d / 'mine').write_text('x')\n"
    options = section(tmp_path, function, python=other_python, working_directory="directory")
    found = simulated(tmp_path, options)
    assert (dict(found), (found / "mine").read_text()) == ({}, "x")


FAILURES = [
    ("raise ValueError('g is too large')", Outcome.SIMULATION_ERROR, "exit code 1: ValueError: g is too large"),
    ("raise Exploded('V1 at 400 Hz')", Outcome.EXPLODED, "V1 at 400 Hz"),
    ("raise SystemExit(0)", Outcome.SIMULATION_ERROR, "RuntimeError: the function ended the program: SystemExit(0)"),
    ("raise MemoryError", Outcome.OUT_OF_MEMORY, "MemoryError"),
    ("os.kill(os.getpid(), 9)", Outcome.CANCELLED, "exit code -9"),
    ("return {'x': 'much'}", Outcome.SIMULATION_ERROR, "fitted.py: f(): 'x': expected a number, got 'much' (str)"),
    ("return 3", Outcome.SIMULATION_ERROR, "expected a mapping of names to numbers, traces and events, or None"),
]


@pytest.mark.run
@pytest.mark.parametrize(("body", "outcome", "said"), FAILURES, ids=[body for body, _, _ in FAILURES])
def test_a_failure_in_another_python_means_what_it_means_in_ours(
    body: str, outcome: Outcome, said: str, tmp_path: Path, other_python: str
) -> None:
    function = f"import os\nfrom orchestrator import Exploded\ndef f(p, d):\n    {body}\n"
    with pytest.raises(SimulationFailed) as caught:
        simulated(tmp_path, section(tmp_path, function, python=other_python))
    assert (caught.value.outcome, said in str(caught.value)) == (outcome, True), str(caught.value)


@pytest.mark.usefixtures("in_this_process")
def test_a_function_says_by_an_exception_that_it_has_exploded(tmp_path: Path) -> None:
    function = "from orchestrator import Exploded\ndef f(p, d):\n    raise Exploded('V1 at 400 Hz')\n"
    with pytest.raises(SimulationFailed, match=r"^V1 at 400 Hz$") as caught:
        simulated(tmp_path, section(tmp_path, function))
    assert caught.value.outcome is Outcome.EXPLODED


SILENT = "from targets import NoValue\ndef f(p, d):\n    raise NoValue('no spikes')\n"


@pytest.mark.usefixtures("in_this_process")
def test_a_function_may_say_that_there_is_nothing_to_measure(tmp_path: Path) -> None:
    result = result_of(tmp_path, section(tmp_path, SILENT))
    assert (result.outcome, result.values) == (Outcome.OK, {"ReturnedValue(x)": None})
    assert result.reasons == {"ReturnedValue(x)": "no spikes"}


@pytest.mark.run
def test_a_function_of_another_python_may_say_so_too(tmp_path: Path, other_python: str) -> None:
    with pytest.raises(NoValue, match=r"^no spikes$"):
        simulated(tmp_path, section(tmp_path, SILENT, python=other_python))


@pytest.mark.run
@pytest.mark.parametrize(
    ("function", "more", "said"),
    [
        ("import no_such_module\n", {}, "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def g(p, d):\n    pass\n", {}, "has no attribute 'f'"),
        ("def f(p, d):\n    pass\n", {"python": "/no/such/python"}, "/no/such/python"),
        ("def f(p, d):\n    pass\n", {"python": f"{sys.executable} -S -E"}, "simulation.python needs numpy"),
        ("def f(p, d):\n    pass\n", {"setup": ["module load neuron"]}, "simulation.setup, line 1"),
    ],
)
def test_what_cannot_be_started_says_nothing_of_the_parameters(
    function: str, more: dict[str, Any], said: str, tmp_path: Path, other_python: str
) -> None:
    with pytest.raises(SimulationFailed) as caught:
        simulated(tmp_path, section(tmp_path, function, **{"python": other_python, **more}))
    assert (caught.value.outcome, said in str(caught.value)) == (Outcome.LAUNCH_FAILED, True), str(caught.value)


@pytest.mark.run
def test_of_several_processes_the_first_one_leaves_what_it_returns(tmp_path: Path) -> None:
    """Each rank called the function, and the last one to write won."""
    (tmp_path / "mpirun").write_text(
        '#!/bin/sh\nPMI_RANK=1 "$@" || exit 1\nPMI_RANK=0 "$@" || exit 1\nPMI_RANK=2 "$@"\n'
    )
    (tmp_path / "mpirun").chmod(0o755)
    function = (
        "import os\ndef f(p, d):\n    rank = int(os.environ['PMI_RANK'])\n"
        "    (d / str(rank)).touch()\n    return {'rank': rank}\n"
    )
    found = simulated(tmp_path, section(tmp_path, function, launcher=f"{tmp_path}/mpirun"))
    assert dict(found) == {"rank": 0}
    assert all((found / name).exists() for name in "012")


@pytest.mark.run
def test_its_environment_is_there_before_anything_is_imported(tmp_path: Path) -> None:
    function = "import os\nSEEN = os.environ.get('OMP_NUM_THREADS'), os.environ['WHO']\n"
    function += "def f(p, d):\n    return {'x': float(SEEN == ('3', 'me'))}\n"
    found = simulated(tmp_path, section(tmp_path, function, environment={"WHO": "me"}, threads=3))
    assert dict(found) == {"x": 1.0}


@pytest.mark.usefixtures("in_this_process")
def test_what_is_prepared_is_known_to_a_function_in_the_jobs_own_process(tmp_path: Path) -> None:
    function = (
        "import os\ndef f(p, d):\n    prepared = os.environ['ORCHESTRATOR_PREPARED']\n"
        "    return {'x': float(open(prepared + '/n').read())}\n"
    )
    found = simulated(tmp_path, section(tmp_path, function, before={"run": "echo 4 > n"}))
    assert dict(found) == {"x": 4.0}


def test_a_function_of_another_python_is_looked_for_and_not_imported_here(tmp_path: Path) -> None:
    options = section(tmp_path, "raise SystemError('imported')\ndef g(p, d):\n    pass\n", python="python3")
    ((key, message),) = problems_of(tmp_path, options)
    assert (key, message) == (("simulation", "function"), f"{tmp_path}/fitted.py has no 'f'")
    config = config_of(tmp_path, {**options, "function": "fitted:g"})
    assert model_of(config).problems(config) == []
    ((_, unknown),) = model_of(config).unknown(config)
    assert unknown.startswith("whether fitted:g can be imported, which only its own Python knows")
    # of a package that is installed there
    config = config_of(tmp_path, {**options, "function": "installed.there:f"})
    assert model_of(config).problems(config) == []
    assert problems_of(tmp_path, {**options, "setup": ["x"], "python": None, "function": "fitted:f"})


def test_a_script_of_a_function_can_be_looked_at(tmp_path: Path) -> None:
    config = config_of(tmp_path, section(tmp_path, "def f(p, d): pass\n", setup=["module load neuron"]))
    script = model_of(config).launch_script(attempt_of(tmp_path)) or ""
    assert "module load neuron" in script.splitlines()
    here = config_of(tmp_path, section(tmp_path, "def f(p, d): pass\n"))
    assert model_of(here).launch_script(attempt_of(tmp_path, 2)) is None


def test_no_value_is_one_class_under_all_its_names() -> None:
    import orchestrator  # noqa: PLC0415

    assert orchestrator.NoValue is NoValue


@pytest.mark.run
def test_versions_of_simulators_in_another_python_are_in_the_result(
    tmp_path: Path, other_python: str, in_this_process: None
) -> None:
    (tmp_path / "nest.py").write_text('__version__ = "3.9.0"\n')
    function = "import nest\n\ndef f(parameters, directory):\n    return {'x': 1.0}\n"
    result = result_of(tmp_path, section(tmp_path, function, python=other_python))
    assert result.outcome is Outcome.OK
    assert result.versions["NEST"] == "3.9.0"
