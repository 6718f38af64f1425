"""Result files: what is in them besides values, and what lies beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.records import Outcome, Result
from orchestrator.results import keep_beside, read_result
from orchestrator.simulations import create_simulation
from orchestrator.simulations.command import CommandOptions
from orchestrator.simulations.options import SimulationContext
from targets import Events, Recordings, Trace
from targets.recordings.file import load


def test_outputs_deviations_errors_and_options_are_read_as_they_were_written(tmp_path: Path) -> None:
    result = Result(
        Outcome.OK,
        values={"a": 1.0, "b": None},
        outputs={"a": [0.1, 2.0]},
        deviations={"a": 0.5},
        errors={"a": 0.25},
        unfit={"b": "trace"},
        recordings="0.1.npz",
        started=1.0,
        finished=2.0,
    )
    (tmp_path / "0.1.json").write_text(json.dumps(result.to_json()))
    assert read_result(tmp_path / "0.1.json") == result


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("outputs", {"a": 1.0}),
        ("outputs", {"a": [1.0, "x"]}),
        ("outputs", {"a": [1.0, None]}),
        ("deviations", {"a": "x"}),
        ("errors", {"a": None}),
        ("unfit", {"b": 3}),
        ("recordings", "../0.1.npz"),
        ("recordings", 3),
    ],
)
def test_what_is_none_of_these_is_no_result(key: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"{key}: unexpected"):
        Result.from_json({"outcome": "OK", key: wrong})


def test_traces_lie_beside_the_result_with_few_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = np.arange(0, 100, 0.5)
    left = Recordings({"x": 1.0}, {"v": Trace(times, times / 3, "mV")}, {"s": Events(times, ["a"] * 200)})
    result = tmp_path / "3.2.json"
    assert keep_beside(result, lambda: left) == "3.2.npz"
    np.testing.assert_array_equal(load(tmp_path / "3.2.npz", tmp_path).traces["v"].values, np.float32(times / 3))
    monkeypatch.setattr("orchestrator.results._MOST_SAMPLES", 50)
    keep_beside(result, lambda: left)
    few = load(tmp_path / "3.2.npz", tmp_path)
    assert few.traces["v"].times.tolist() == times[::4].tolist()
    assert len(few.events["s"]) == 50
    assert dict(few) == {"x": 1.0}


def test_what_cannot_be_had_of_recordings_costs_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def digest() -> None:
        raise RuntimeError("half a datastore")

    assert keep_beside(tmp_path / "0.1.json", digest) == ""
    assert "0.1.npz: nothing is kept of the recordings: RuntimeError: half a datastore" in caplog.text


def test_samples_that_are_too_large_for_32_bits_are_kept_as_they_are(tmp_path: Path) -> None:
    v, w = Trace([0, 1, 2], [1.1, 1e39, np.nan], "mV"), Trace([0, 1], [1.1, 2.0], "mV")
    assert keep_beside(tmp_path / "0.1.json", lambda: Recordings(traces={"v": v, "w": w})) == "0.1.npz"
    kept = load(tmp_path / "0.1.npz", tmp_path).traces
    np.testing.assert_array_equal(kept["v"].values, v.values)
    np.testing.assert_array_equal(kept["w"].values, np.float32([1.1, 2.0]))


def test_what_cannot_be_thinned_costs_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> None:
        raise ValueError("of a trace")

    monkeypatch.setattr("targets.recordings.file.thinned", fails)
    assert keep_beside(tmp_path / "0.1.json", lambda: Recordings({"x": 1.0})) == ""
    assert "0.1.npz: nothing is kept of the recordings: ValueError: of a trace" in caplog.text


@pytest.mark.parametrize("left", [Recordings(), {"x": 1.0}, None])
def test_of_nothing_there_is_no_file(left: Any, tmp_path: Path) -> None:
    assert keep_beside(tmp_path / "0.1.json", lambda: left) == ""
    assert not list(tmp_path.iterdir())


def test_a_digest_may_have_numbers_alone(tmp_path: Path) -> None:
    assert keep_beside(tmp_path / "0.1.json", lambda: Recordings({"x": 1.0})) == "0.1.npz"
    assert dict(load(tmp_path / "0.1.npz", tmp_path)) == {"x": 1.0}


@pytest.mark.parametrize("left", [Recordings({"x": 1.0}), {"x": 1.0}, None])
def test_numbers_that_a_simulation_returns_alone_are_not_kept_twice(left: Any, tmp_path: Path) -> None:
    options = CommandOptions.model_validate({"command": "sh model.sh"})
    simulation = create_simulation(options, tmp_path, SimulationContext())
    assert simulation.digest(left, (), 0.0) is None
    events = Recordings({"x": 1.0}, events={"s": Events([])})
    assert simulation.digest(events, (), 0.0) is events
