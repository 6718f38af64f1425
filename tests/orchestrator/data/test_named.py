"""Arrays by name: npz and json, and what simulations leave."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measured_files import events, refused, trace

from targets import Events, Recordings, Trace
from targets.recordings.file import save

TIMES = [0.0, 1.0, 2.0]
SWEEPS = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def test_arrays_of_npz(tmp_path: Path) -> None:
    path = tmp_path / "cell.npz"
    np.savez(path, t=TIMES, v=SWEEPS, turned=np.transpose(SWEEPS), spikes=[3, 1])
    assert trace(path, columns=["t", "v"]).values.tolist() == SWEEPS
    assert trace(path, columns=["t", "turned"], window=[1, 2]).values.tolist() == [[2, 3], [5, 6]]
    assert trace(path, columns="v", interval=0.5).times.tolist() == [0, 0.5, 1]
    assert events(path, events="spikes").times.tolist() == [1, 3]
    assert refused(path) == "columns: expected columns: [time, value], because there are t, v, turned, spikes"
    assert refused(path, columns=["t", "spikes"]).startswith("columns: expected 3 numbers in array 'spikes', as many")
    assert refused(path, columns=["v", "t"]).startswith("columns: expected one time for each sample, got an array of")


def test_what_a_simulation_left(tmp_path: Path) -> None:
    path = tmp_path / "returned.npz"
    traces = {"soma": Trace([0, 0.001], [1, 2], "mV", "s"), "dend": Trace([0, 1], [3, 4], "mV")}
    save(Recordings({"rate": 1.0}, traces, {"spikes": Events([3, 1], ["a", "b"])}), path)
    found = trace(path, channel="soma", unit="uV")
    assert (found.times.tolist(), found.values.tolist(), found.unit) == ([0, 1], pytest.approx([1000, 2000]), "uV")
    assert events(path, events=True).labels.tolist() == ["b", "a"]
    assert refused(path) == "channel: expected the name of a trace; there are soma, dend"
    assert (
        refused(path, channel="some") == "channel: there is no trace 'some'; did you mean 'soma'?; there are soma, dend"
    )
    assert refused(path, channel="soma", unit="pA").startswith("unit: expected a unit that converts to pA, got mV. ")
    assert refused(path, columns=["a"]).startswith("columns: says nothing here: there are whole traces and events")
    assert refused(path, events="spikes", channel="soma").startswith("channel: says nothing here: the events are named")


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        ({"t": TIMES, "v": SWEEPS[0], "about": "a cell"}, {"columns": ["t", "v"]}),
        ({"t": TIMES, "v": SWEEPS[0]}, {}),
        ([{"t": t, "v": v} for t, v in zip(TIMES, SWEEPS[0], strict=True)], {}),
        ({"cell": {"times": TIMES, "values": SWEEPS[0], "unit": "mV"}, "rate": 3}, {}),
        ({"cell": {"times": [0, 0.001, 0.002], "values": SWEEPS[0], "time_unit": "s"}, "other": {"times": []}}, {}),
    ],
)
def test_json(tmp_path: Path, content: Any, keys: dict[str, Any]) -> None:
    path = tmp_path / "cell.json"
    path.write_text(json.dumps(content))
    found = trace(path, **keys)
    assert (found.times.tolist(), found.values.tolist()) == (TIMES, SWEEPS[0])


def test_a_missing_number_in_json_is_a_missing_sample(tmp_path: Path) -> None:
    path = tmp_path / "cell.json"
    path.write_text('{"t": [0, 1, 2], "v": [1, null, 3]}')
    np.testing.assert_array_equal(trace(path).values, [1, np.nan, 3])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[1,", "file: is not JSON: "),
        ("[" * 100_000, "file: is not JSON: nested too deeply"),
        ("3", "file: expected lists of numbers by name"),
        ("{}", "file: expected lists of numbers by name"),
        ('{"t": [0, 1], "v": ["a", "b"]}', "columns: expected numbers in array 'v'"),
        ('{"t": [0, 1], "v": [[1], [2, 3]]}', "columns: expected numbers in array 'v'"),
        ('{"cell": {"times": [1, 0], "values": [1, 2]}}', "file: 'cell': expected times that are finite and increase"),
        ('{"t": [0, 1], "v": [1, 1%s]}' % ("0" * 400), "columns: expected numbers in array 'v': int too large"),
        ('{"cell": {"times": 3, "values": [1, 2]}}', "file: 'cell': expected the times of at least two samples"),
        ('{"cell": {"times": [0, 1], "values": [1, 2], "time_unit": "yr"}}', ": expected times in one of us, ms, s"),
    ],
)
def test_json_that_is_none_or_has_no_recordings(tmp_path: Path, content: str, expected: str) -> None:
    path = tmp_path / "cell.json"
    path.write_text(content)
    assert refused(path).startswith(expected)


def test_what_an_npz_would_execute_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cell.npz"
    np.savez(path, t=np.array([{"a": 1}, None], dtype=object), v=[1, 2])
    none = "file: expected arrays of numbers as numpy.savez writes them: it is none, or holds Python objects, which are"
    assert refused(path).startswith(none)
    path.write_bytes(pickle.dumps(TIMES))
    assert refused(path).startswith(none)
    path.write_bytes(b"")
    assert refused(path).startswith("file: expected arrays of numbers as numpy.savez writes them: ")
