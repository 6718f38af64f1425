"""Simulations that are Python functions: what a user's function may return, and how its module may be called."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from orchestrator.config.file import load_config
from orchestrator.data.freezing import write_data
from orchestrator.errors import ConfigError
from orchestrator.node.evaluate import evaluate
from orchestrator.node.task import NodeTask
from orchestrator.paths import AttemptPaths
from orchestrator.records import Offspring, Outcome, Result
from orchestrator.results import read_result
from orchestrator.simulations import SimulationFailed, create_simulation, delivering, model_of
from orchestrator.simulations.options import SimulationContext
from orchestrator.simulations.phases import Phase, note
from orchestrator.simulations.registry import simulation_options
from orchestrator.simulations.seeds import seeds_of_trial
from targets.recordings.file import load


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
    directory.mkdir(exist_ok=True)
    sys.modules.pop("fitted", None)
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
    if settings.data:
        write_data(settings.measured, directory / "data.npz")
    start, data = Offspring(0, 0, (0.3,), {"a": 3.0}), directory / "data.npz"
    NodeTask.of(settings, model_of(settings), start, attempt, 1, data=data).write()
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


TRACED = "from targets import Trace\n\n\ndef f(p, d):\n    return {'v': Trace([0, 1, 2], [p['a'], 0, 1], 'mV')}\n"


@pytest.mark.usefixtures("in_a_job")
def test_a_job_compares_with_the_data_of_the_run_and_keeps_outputs_and_traces(tmp_path: Path) -> None:
    (tmp_path / "rec.csv").write_text("0,1\n1,0\n2,0\n")
    changes = {
        "data": {"rec": {"file": "rec.csv", "unit": "mV"}},
        "targets": [{"class": "TraceRMSE", "data": "rec", "norm": 1}],
        "model_dir": ".",
    }
    result = result_of(tmp_path, TRACED, **changes)
    assert result.values == {"TraceRMSE(rec)": pytest.approx(np.sqrt(5 / 3))}
    assert result.outputs == {"TraceRMSE(rec)": [3.0, 0.0, 1.0]}
    assert result.recordings == "0.1.npz"
    assert load(tmp_path / "0.1.npz", tmp_path).traces["v"].values.tolist() == [3, 0, 1]
    mean = {"class": "TraceMean", "target_value": 0, "norm": 1}
    assert result_of(tmp_path / "none", TRACED, targets=[mean], keep={"best": 0}).recordings == ""


TRIALS = """
import numpy as np
from targets import Events, Trace

def f(p, d):
    rng = np.random.default_rng(p["seed"])
    (d / "mine.txt").write_text(str(p["seed"]))
    noise = rng.normal()
    return {"x": p["a"] + noise, "y": 1.0, "v": Trace([0, 1], [noise, 2 * noise]), "s": Events([abs(noise)])}
"""


def trials_of(directory: Path, seed: object, n: int = 3) -> Result:
    simulation = {"type": "function", "function": "fitted:f", "trials": n, "seeds": {"seed": seed}}
    targets = [
        {"class": "ReturnedValue", "key": "x", "target_value": 1, "norm": 1},
        {"class": "TraceMean", "target_value": 1, "norm": 1},
        {"class": "PeakAmplitude", "polarity": "either", "average": "values", "target_value": 1, "norm": 1},
        {"class": "EventCount", "window": [0, 10], "target_value": 1, "norm": 1},
    ]
    return result_of(directory, TRIALS, simulation=simulation, targets=targets, keep={"directories": "all"})


@pytest.mark.usefixtures("in_a_job")
def test_trials_have_seeds_and_directories_of_their_own_and_values_a_deviation(tmp_path: Path) -> None:
    result = trials_of(tmp_path, "per_offspring")
    seeds = [seeds_of_trial(result.seeds, n)["seed"] for n in range(3)]
    assert len({*seeds, *result.seeds.values()}) == 4
    folders = [tmp_path / f"generations/0/0/1/simulation/trial-{n}" for n in range(3)]
    assert [int((folder / "mine.txt").read_text()) for folder in folders] == seeds
    noise = [float(np.random.default_rng(seed).normal()) for seed in seeds]
    spread = np.std(noise, ddof=1)
    assert result.values["ReturnedValue(x)"] == pytest.approx(3 + np.mean(noise))
    assert result.deviations["ReturnedValue(x)"] == pytest.approx(spread)
    assert result.values["TraceMean"] == pytest.approx(1.5 * np.mean(noise))
    assert result.deviations["TraceMean"] == pytest.approx(1.5 * spread)
    assert result.errors["TraceMean"] == pytest.approx(1.5 * spread / np.sqrt(len(seeds)))
    assert result.values["PeakAmplitude"] == pytest.approx(2 * np.mean(noise), rel=1e-6)
    assert result.outputs["PeakAmplitude"] == pytest.approx([2 * each for each in noise], rel=1e-6)
    assert result.values["EventCount"] == 1
    assert result.deviations["EventCount"] == 0
    kept = load(tmp_path / result.recordings, tmp_path)
    assert kept.traces["v"].rows[:, 0].tolist() == pytest.approx(noise, rel=1e-6)


@pytest.mark.usefixtures("in_a_job")
def test_trials_of_a_frozen_seed_are_the_same_in_each_evaluation(tmp_path: Path) -> None:
    one, other = (trials_of(tmp_path / name, 7) for name in ("one", "other"))
    assert one.values == other.values
    assert one.deviations["ReturnedValue(x)"] > 0


@pytest.mark.usefixtures("in_a_job")
def test_what_trials_leave_must_fit_each_other(tmp_path: Path) -> None:
    function = "def f(p, d):\n    return {'x' if p['seed'] % 2 else 'y': 1.0}\n"
    simulation = {"type": "function", "function": "fitted:f", "trials": 20, "seeds": {"seed": 7}}
    result = result_of(tmp_path, function, simulation=simulation)
    assert result.outcome is Outcome.SIMULATION_ERROR
    assert result.message == "some trials left 'x', and others did not"


def test_trials_without_a_seed_would_be_the_same(tmp_path: Path) -> None:
    simulation = {"type": "function", "function": "fitted:f", "trials": 2}
    with pytest.raises(ConfigError, match=r"simulation\.trials: 2 trials would be the same: name the parameter that"):
        result_of(tmp_path, "def f(p, d):\n    return {}\n", simulation=simulation)


@pytest.mark.run
@pytest.mark.usefixtures("in_a_job")
def test_trials_in_a_process_of_their_own_have_their_directories_and_seeds_too(tmp_path: Path) -> None:
    function = "import os\n\n\ndef f(p, d):\n    return {'x': p['seed'] % 1000, 'y': float(os.environ['Y'])}\n"
    simulation = {"type": "function", "function": "fitted:f", "trials": 2, "seeds": {"seed": 7}}
    result = result_of(tmp_path, function, simulation={**simulation, "environment": {"Y": "3"}})
    seeds = [seeds_of_trial({"seed": 7}, n)["seed"] % 1000 for n in range(2)]
    assert result.values == {"ReturnedValue(x)": np.mean(seeds), "ReturnedValue(y)": 3.0}
    assert result.deviations == {"ReturnedValue(x)": pytest.approx(np.std(seeds, ddof=1)), "ReturnedValue(y)": 0.0}
