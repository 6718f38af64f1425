"""Simulations that are Python functions: what a user's function may return, and how its module may be called."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.config.file import load_config
from orchestrator.node.evaluate import evaluate
from orchestrator.node.task import NodeTask
from orchestrator.paths import AttemptPaths
from orchestrator.records import Offspring, Outcome, Result
from orchestrator.results import read_result
from orchestrator.simulations import SimulationFailed, create_simulation, delivering, model_of
from orchestrator.simulations.options import SimulationContext
from orchestrator.simulations.phases import Phase, note
from orchestrator.simulations.registry import simulation_options


@pytest.fixture(autouse=True)
def unchanged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A job has a process of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    for name in ("fitted", "code"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def recordings(directory: Path, body: str, module: str = "fitted", head: str = "") -> Any:
    """What a function of this body leaves for the targets."""
    (directory / f"{module}.py").write_text(f"{head}\ndef f(p, d):\n    {body}\n")
    options = simulation_options({"type": "function", "function": f"{module}:f"}, directory)
    simulation = create_simulation(options, directory, SimulationContext())
    attempt = AttemptPaths(directory / "0/1", directory / "0.1.json")
    attempt.directory.mkdir(parents=True)
    simulation.simulate({"a": 3.0}, attempt)
    return simulation.recordings(attempt)


NUMBERS = ["3", "np.float32(3)", "np.array(3)", "np.array([3.0])", "np.array([[3]])", "np.int8(3)", "pd.Series([3])"]


@pytest.mark.parametrize("number", NUMBERS)
def test_an_array_of_one_number_is_a_number(number: str, tmp_path: Path) -> None:
    head = "import numpy as np\nimport pandas as pd"
    found = recordings(tmp_path, f"return {{'x': {number}, 'y': None}}", head=head)
    assert found == {"x": 3.0, "y": None}
    assert isinstance(found["x"], float)


@pytest.mark.parametrize("nothing", ["None", "np.ma.masked", "np.ma.array([3.0], mask=[True])", "pd.NA"])
def test_what_says_that_there_is_no_number_is_no_value(nothing: str, tmp_path: Path) -> None:
    """What is behind a mask was taken for the value."""
    head = "import numpy as np\nimport pandas as pd"
    assert recordings(tmp_path, f"return {{'x': {nothing}, 'y': 1}}", head=head) == {"x": None, "y": 1.0}


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("{'x': 1, 'y': 'much'}", "'y': expected a number, got 'much' (str). Return None if there is no value"),
        ("{'y': [1, 2]}", "'y': expected a number, got [1, 2] (list). Return"),
        ("{'y': np.zeros(3)}", "'y': expected a number, got array([0., 0., 0.]) (ndarray of shape (3,)). Return"),
        ("{'y': 1j}", "'y': expected a number, got 1j (complex). Return"),
        ("{'y': 'a' * 10**6}", "'y': expected a number, got 'aaaaaaaaaaaa...aaaaaaaaaaaaa' (str). Return"),
        ("3.5", "expected a mapping of names to numbers, traces and events, or None, got float"),
    ],
)
def test_what_is_no_number_is_told_with_the_file_and_the_key(returned: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SimulationFailed) as caught:
        recordings(tmp_path, f"return {returned}", head="import numpy as np")
    assert caught.value.outcome is Outcome.SIMULATION_ERROR
    assert f"{tmp_path / 'fitted.py'}: f(): {said}" in str(caught.value)


def result_of(directory: Path, function: str, **changes: Any) -> Result:
    """The result of a job, which runs in this process."""
    (directory / "fitted.py").write_text(function)
    config = {
        "parameters": {"a": [0, 10]},
        "optimiser_centroid": {"a": 3},
        "targets": [{"class": "ReturnedValue", "key": key, "target_value": 1, "norm": 1} for key in "xy"],
        "executor": "local",
        "simulation": {"type": "function", "function": "fitted:f"},
        **changes,
    }
    (directory / "config.yaml").write_text(json.dumps(config))
    settings = load_config(directory / "config.yaml")
    attempt = AttemptPaths(directory / "generations/0/0/1", directory / "0.1.json")
    attempt.directory.mkdir(parents=True)
    NodeTask.of(settings, model_of(settings), Offspring(0, 0, (0.3,), {"a": 3.0}), attempt, 1).write()
    evaluate(str(attempt.task))
    return read_result(attempt.result)


@pytest.fixture
def in_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """No handlers of signals, which would stay in the process of the tests."""
    monkeypatch.setattr("orchestrator.node.evaluate.end_on_signals", lambda note: None)


@pytest.mark.usefixtures("in_a_job")
def test_none_for_one_key_costs_that_target_only(tmp_path: Path) -> None:
    result = result_of(tmp_path, "def f(p, d):\n    return {'x': p['a'], 'y': None}\n")
    assert result.outcome is Outcome.OK
    assert result.values == {"ReturnedValue(x)": 3.0, "ReturnedValue(y)": None}
    assert result.reasons == {"ReturnedValue(y)": "the simulation returned no value for 'y'"}


@pytest.mark.parametrize(
    ("gone", "back", "tries"),
    [
        ("d.parent.rename(d.parent.with_name('away'))", lambda folder: (folder / "away").rename(folder / "1"), 1),
        ("d.rmdir()", lambda _folder: None, 0),
    ],
    ids=["the attempt's folder is away for a while", "the function has removed its own"],
)
def test_what_a_function_has_returned_is_written_again_if_its_folder_is_gone_at_that_moment(
    gone: str, back: Callable[[Path], object], tries: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour's simulation was lost."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        back(tmp_path / "0")

    monkeypatch.setattr(delivering, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: sum(slept)))
    assert recordings(tmp_path, f"{gone}; return {{'x': p['a']}}") == {"x": 3.0}
    assert len(slept) == tries


@pytest.mark.usefixtures("in_a_job")
def test_a_function_that_ends_the_program_has_failed_with_its_parameters(tmp_path: Path) -> None:
    """The job left no result, and was submitted again until the timeout."""
    result = result_of(tmp_path, "import sys\ndef f(p, d):\n    sys.exit(0)\n")
    assert result.outcome is Outcome.SIMULATION_ERROR
    assert result.message == "the function ended the program: SystemExit(0)"


@pytest.mark.usefixtures("in_a_job")
def test_a_disk_that_is_full_when_targets_are_measured_costs_no_simulation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(attempt: AttemptPaths, phase: Phase, **details: Any) -> None:
        if phase is Phase.MEASURING:
            raise OSError(errno.ENOSPC, "No space left on device")
        note(attempt, phase, **details)

    monkeypatch.setattr("orchestrator.node.evaluate.note", full)
    assert result_of(tmp_path, "def f(p, d):\n    return {'x': 3, 'y': 1}\n").outcome is Outcome.OK


@pytest.mark.usefixtures("in_a_job")
def test_a_megabyte_of_exception_text_is_cut(tmp_path: Path) -> None:
    """It went into the checkpoint, the log and the terminal."""
    result = result_of(tmp_path, "def f(p, d):\n    raise ValueError('much ' * 200_000 + 'at the end')\n")
    assert result.outcome is Outcome.SIMULATION_ERROR
    assert result.message.startswith("ValueError: much much ")
    assert result.message.endswith("much at the end")
    assert "characters left out" in result.message
    assert len(result.message) < 2100
    assert "fitted.py" in result.log_tail
    assert result.log_tail.endswith("much at the end")
    assert len(result.to_json()["log_tail"]) < 50_000


@pytest.mark.usefixtures("in_a_job")
def test_a_megabyte_of_a_targets_exception_is_cut(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from targets import NoValue, PointTarget\n\n"
        "class Own(PointTarget):\n    def outputs(self, recordings):\n        raise NoValue('much ' * 200_000)\n"
    )
    own = {"class": "own.py:Own", "target_value": 1, "norm": 1}
    result = result_of(tmp_path, "def f(p, d):\n    return {}\n", targets=[own])
    assert len(result.reasons["Own"]) < 2100


def test_modules_named_like_the_standard_librarys_are_not_imported_instead_of_those(tmp_path: Path) -> None:
    """A model's statistics.py ended a controller with a traceback, long after the check."""
    for name in ("statistics", "colorsys", "tabnanny"):
        (tmp_path / f"{name}.py").write_text("raise SystemError('mine')\n")
    (tmp_path / "helping.py").write_text("HELP = 4\n")
    sys.modules.pop("tabnanny", None)
    before = sys.path[:]
    body = "import helping, tabnanny; return {'x': helping.HELP, 'y': len(tabnanny.__all__)}"
    assert recordings(tmp_path, body) == {"x": 4, "y": 3}
    assert sys.path == before
    sys.modules.pop("colorsys", None)
    import colorsys  # noqa: PLC0415

    assert colorsys.__file__ != str(tmp_path / "colorsys.py")
    sys.modules.pop("helping")


def test_a_function_in_a_module_named_like_the_standard_librarys_is_the_users(tmp_path: Path) -> None:
    import code  # noqa: PLC0415

    assert recordings(tmp_path, "return {'x': p['a']}", module="code") == {"x": 3.0}
    assert sys.modules["code"] is code
