"""ABF through neo: channels and sweeps by name and number, units, and what is damaged."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import neo.io
import numpy as np
import pytest
import quantities as pq
from measured_files import events, refused, trace, write_abf

SWEEPS = np.round(np.random.default_rng(3).normal(size=(4, 2, 50)), 3)


@pytest.fixture
def cell(tmp_path: Path) -> Path:
    path = tmp_path / "cell.abf"
    write_abf(path, SWEEPS, ("Vm", "Im"), ("mV", "pA"))
    return path


def test_channels_and_sweeps(cell: Path) -> None:
    found = trace(cell, channel="Vm", sweeps=[3, 1])
    np.testing.assert_allclose(found.values, SWEEPS[[3, 1], 0], atol=1e-6)
    np.testing.assert_allclose(found.times, 0.1 * np.arange(50), atol=1e-9)  # of each sweep, from its beginning
    assert (found.unit, found.time_unit) == ("mV", "ms")
    np.testing.assert_allclose(trace(cell, channel=1).values, SWEEPS[:, 1], atol=1e-6)
    single = trace(cell, channel="Im", sweeps=2, window=[1, 2], unit="nA")
    np.testing.assert_allclose(single.values, SWEEPS[2, 1, 10:21] / 1000, atol=1e-9)


def test_one_channel_needs_no_name(tmp_path: Path) -> None:
    path = tmp_path / "cell.abf"
    write_abf(path, SWEEPS[:1, :1], interval=0.5)
    found = trace(path, resample=1)
    np.testing.assert_allclose(found.values, SWEEPS[0, 0, ::2], atol=1e-6)


def test_what_is_not_there_is_told_with_what_is(cell: Path) -> None:
    there = "there are 0 'Vm' in mV, 1 'Im' in pA"
    assert refused(cell) == f"channel: expected the name or number of a channel, because {there}"
    assert refused(cell, channel="Vn") == f"channel: there is no channel 'Vn'; did you mean 'Vm'?; {there}"
    assert refused(cell, channel=2) == f"channel: there is no channel 2, counted from 0; {there}"
    assert refused(cell, channel=0, sweeps=[0, 4]) == "sweeps: there is no sweep 4, counted from 0: the file has 4"
    assert refused(cell, channel=0, unit="pA").startswith("unit: expected a unit that converts to pA, got mV. ")
    assert refused(cell, channel=0, unit="a.u.").startswith("unit: expected units that are known, got 'mV' and 'a.u.'")
    assert refused(cell, columns=["Vm"]).startswith("columns: says nothing here: the file has channels, which are")
    assert refused(cell, channel=0, events=True).startswith("channel: says nothing here: the file has spike trains")
    assert refused(cell, events=True) == "events: there are no spikes or events in it"
    assert refused(cell, events="Vm").startswith("events: there is no spike train or event 'Vm'")


def test_a_file_that_neo_does_not_read(tmp_path: Path) -> None:
    path = tmp_path / "cell.abf"
    path.write_bytes(b"ABF nonsense")
    assert refused(path).startswith("file: neo cannot read it as what its name says: AxonIO: ")
    other = tmp_path / "cell.xyz"
    other.touch()
    assert refused(other).startswith("file: expected csv, tsv, txt, dat, npz, json, nwb, or a file that neo reads")


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    path = tmp_path / "cell.pkl"
    path.write_bytes(pickle.dumps(Path))
    assert refused(path).startswith("file: expected csv, tsv, txt")


@pytest.mark.parametrize(("name", "module", "extra"), [("a.abf", "neo.io", "neo"), ("a.nwb", "pynwb", "nwb")])
def test_a_library_that_is_missing_is_told_with_the_extra_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / name).touch()
    expected = f"file: to read {Path(name).suffix} files needs {module.partition('.')[0]}: pip install"
    assert refused(tmp_path / name) == f"{expected} 'mozaik-orchestrator[{extra}]'"


def test_units_without_the_library_that_converts_them(cell: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = cell.with_name("cell.npz")
    np.savez(path, **{"v.times": [0, 1], "v.values": [1, 2], "v.unit": "mV"})
    monkeypatch.setitem(sys.modules, "quantities", None)
    assert trace(path, unit="mV").unit == "mV"
    assert refused(path, unit="kV").startswith("unit: to convert mV to kV needs quantities: pip install quantities")


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "cell.txt").touch()
    missing = "there is no such file; did you mean 'cell.txt'? paths are relative to model_dir"
    assert refused(tmp_path / "cel.txt") == f"file: {missing}"
    assert refused(Path("/dev/zero")) == "file: expected a regular file, not a pipe or a device"
    assert refused(tmp_path).startswith("file: ")


def test_events_of_neo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trains = [neo.SpikeTrain([3.0, 4.0] * pq.s, 9 * pq.s, name="a"), neo.SpikeTrain([3500] * pq.ms, 9 * pq.s, name="b")]
    block = neo.Block()
    block.segments.append(neo.Segment())
    block.segments[0].spiketrains.extend(trains)

    class Reader:
        def __init__(self, path: str):
            self.path = path

        def read(self, lazy: bool) -> list[neo.Block]:
            return [block]

    monkeypatch.setattr(neo.io, "list_candidate_ios", lambda path: [Reader])
    path = tmp_path / "cell.smr"
    path.touch()
    found = events(path, events=True)
    assert list(zip(found.times, found.labels, strict=True)) == [(3000, "a"), (3500, "b"), (4000, "a")]
    assert events(path, events="b").times.tolist() == events(path, events=1).times.tolist() == [3500]
    assert refused(path, events="c") == "events: there is no spike train or event 'c'; there are a, b"
