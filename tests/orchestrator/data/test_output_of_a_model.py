"""A recording that another model makes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.data import DataSource, Unreadable, read
from orchestrator.data.function import main
from targets import Events, Trace

MODEL = """
import os
from pathlib import Path
from targets import Events, Trace

def simulate(parameters, directory):
    print("a word")
    (directory / "file").touch()
    Path("here").write_text(str(os.getpid()))
    return {"v": Trace([0, 0.001], [parameters["a"], 2], "mV", "s"), "spikes": Events([3, 1]), "n": 3}

def wrong(parameters, directory):
    raise ValueError("nothing like it")

def leave(parameters, directory):
    print("last\\n\\nwords", flush=True)
    os._exit(int(parameters["code"]))

def lists(parameters, directory):
    return {"v": [1, 2, 3]}

def silent(parameters, directory):
    (directory / "returned.json").write_text('{"no_value": "no spikes"}')

def runaway(parameters, directory):
    (directory / "returned.json").write_text('{"exploded": "500 Hz"}')

def files(parameters, directory):
    import numpy
    numpy.savez(directory / "returned.npz", **{"spikes.times": [6, 5]})
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model.py").write_text(MODEL)
    return tmp_path


def test_it_is_called_in_a_process_of_its_own_in_the_directory_of_the_model(model: Path) -> None:
    source = DataSource(function="model:simulate", parameters={"a": 7.0}, unit="uV")
    found = read(source, model)
    assert isinstance(found, Trace)
    assert (found.times.tolist(), found.values.tolist(), found.unit) == ([0, 1], pytest.approx([7000, 2000]), "uV")
    assert (model / "here").exists()


@pytest.mark.run
def test_it_may_leave_a_file_instead(model: Path) -> None:
    found = read(DataSource(function="model:files", events=True), model)
    assert isinstance(found, Events)
    assert found.times.tolist() == [5, 6]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"function": "model:wrong"}, "function: model:wrong: ValueError: nothing like it"),
        ({"function": "model:simulate"}, "function: model:simulate: KeyError: 'a'"),
        ({"function": "model:lists"}, "function: model:lists: TypeError: 'v': expected a number, got [1, 2, 3] (list)"),
        ({"function": "model:none"}, "function: model:none: AttributeError: module 'model' has no attribute 'none'"),
        ({"function": "model:silent"}, "function: model:silent left nothing to compare with: no spikes"),
        ({"function": "model:runaway"}, "function: model:runaway left nothing to compare with: 500 Hz"),
        ({"function": "no_model:f"}, "function: no_model:f: ModuleNotFoundError: No module named 'no_model'"),
        (
            {"function": "model:simulate", "parameters": {"a": 1}, "channel": "w"},
            "channel: model:simulate: there is no trace 'w'; there are v",
        ),
    ],
)
def test_what_goes_wrong_is_told(
    model: Path, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any], expected: str
) -> None:
    def call_here(command: list[str], **_: Any) -> int:
        sys.modules.pop("model", None)  # of another test
        try:
            main(command[-1])
        except SystemExit as ending:
            return int(str(ending.code))
        return 0

    monkeypatch.chdir(model)  # and back
    monkeypatch.setattr("orchestrator.data.function.run_in_own_group", call_here)
    with pytest.raises(Unreadable) as caught:
        read(DataSource(**keys), model)
    assert f"{caught.value.key}: {caught.value}" == expected


@pytest.mark.run
def test_a_process_that_dies_is_told_with_its_last_words(model: Path) -> None:
    source = DataSource(function="model:leave", parameters={"code": 3})
    with pytest.raises(Unreadable, match=r"^model:leave: its process ended with 3: last; words$"):
        read(source, model)
