"""Segments read without neo equal those that neo reads, of every layout and protocol, in runs and one by one."""

from __future__ import annotations

import functools
import pickle
from pathlib import Path
from typing import Any

import neo
import numpy as np
import pytest
import quantities as pq
from hypothesis import given
from hypothesis import strategies as st
from stores import LAYOUTS, plain_store

from targets import Datastore, DatastoreError, SpikeTrains
from targets.pickles import items_of, read_pickle
from targets.pickles.reader import PickleReader, ReferenceToUnreadError
from targets.pickles.train_runs import TrainRun
from targets.segment import read_recording

pytestmark = pytest.mark.hostile


def equals_neo(trains: SpikeTrains, expected: list[Any]) -> None:
    assert len(trains) == len(expected)
    assert trains.times.dtype == np.float64
    parts = np.split(trains.times, trains.offsets[1:-1])
    for part, number, train in zip(parts, trains.ids, expected, strict=True):
        np.testing.assert_allclose(part, train.rescale("ms").magnitude, rtol=1e-15)
        assert number == train.annotations.get("source_id", train.annotations.get("channel_id"))
        assert trains.t_start == float(train.t_start.rescale("ms"))
        assert trains.t_stop == float(train.t_stop.rescale("ms"))


def segment_of(trains: list[Any], file: Path, protocol: int = 4) -> Path:
    segment = neo.Segment()
    segment.spiketrains = trains
    file.write_bytes(pickle.dumps(segment, protocol))
    return file


def train(times: Any, number: int = 3, **options: Any) -> neo.SpikeTrain:
    options = {"units": pq.ms, "t_start": 0.0 * pq.ms, "t_stop": 100.0 * pq.ms, "channel_id": number} | options
    return neo.SpikeTrain(times, **options)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_layout_and_protocol(layout: str, protocol: int, tmp_path: Path) -> None:
    directory = plain_store(tmp_path / "store", layout, protocol)
    segments = Datastore(directory).segments()
    assert [each.sheet_name for each in segments] == ["Exc", "Inh"]
    for segment in segments:
        with (directory / f"{segment.identifier}.pickle").open("rb") as file:
            expected = pickle.load(file)
        equals_neo(segment.spikes(), list(expected.spiketrains))
        for ours, neos in zip(segment.signals(), expected.analogsignals, strict=True):
            assert (ours.name, ours.dimension, ours.n_cells) == (neos.name, "conductance", 4)
            assert ours.mean == pytest.approx(neos.magnitude.mean())


@functools.cache
def alike() -> tuple[list[int], list[Any]]:
    """Return ids, and trains across frames (of 64 kB), batches (of 1000 items), silent trains and all sizes of ids."""
    rng = np.random.default_rng(3)
    ids = [*range(250, 260), *range(65_530, 66_540), *range(2**31 - 5, 2**31 + 5), 2**40]
    trains = [
        train(np.sort(rng.uniform(0, 100, rng.poisson(4) * (i % 3 > 0))), number, source_index=np.int64(i))
        for i, number in enumerate(ids)
    ]
    trains[7] = train(np.arange(90.0).repeat(20), ids[7])  # a long one
    return ids, trains


@pytest.mark.parametrize("protocol", [4, 5])
def test_trains_that_look_alike_are_read_in_runs(protocol: int, tmp_path: Path) -> None:
    ids, trains = alike()
    file = segment_of(trains, tmp_path / "segment.pickle", protocol)
    equals_neo(read_recording(file).spikes, trains)
    items = items_of(read_pickle(file).state["_spiketrains"])
    in_runs = sum(len(item.ids) for item in items if isinstance(item, TrainRun))
    assert in_runs > 0.9 * len(ids)
    one_by_one = items_of(PickleReader(file.read_bytes(), one_by_one=True).read().state["_spiketrains"])
    assert len(one_by_one) == len(ids)


@given(
    spikes=st.lists(st.lists(st.floats(0, 100), max_size=12), min_size=1, max_size=20),
    protocol=st.integers(2, 5),
    key=st.sampled_from(["source_id", "channel_id"]),
    first=st.integers(0, 2**40),
    as_numpy=st.booleans(),
    other=st.sampled_from([{}, {"source_index": 5}, {"depth": 2.5}, {"label": "x", "on": True}]),
    dtype=st.sampled_from(["float64", "float32"]),
)
def test_any_trains_equal_neos(
    *,
    spikes: list[list[float]],
    protocol: int,
    key: str,
    first: int,
    as_numpy: bool,
    other: dict[str, Any],
    dtype: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    trains = []
    for index, times in enumerate(spikes):
        made = neo.SpikeTrain(np.sort(np.array(times, dtype)), units="ms", t_stop=100.0, dtype=dtype, **other)
        made.annotations[key] = np.int64(first + index) if as_numpy else first + index
        trains.append(made)
    file = segment_of(trains, tmp_path_factory.getbasetemp() / "any.pickle", protocol)
    equals_neo(read_recording(file).spikes, trains)


def test_a_train_that_is_referred_to_again_is_read_one_by_one(tmp_path: Path) -> None:
    trains = [train(np.arange(5.0 + i), i) for i in range(20)]
    segment = neo.Segment()
    segment.spiketrains = trains
    segment.annotations["favourite"] = trains[13]
    file = tmp_path / "segment.pickle"
    state = segment.__dict__
    state["annotations"] = state.pop("annotations")  # annotations last
    file.write_bytes(pickle.dumps(segment, 4))
    with pytest.raises(ReferenceToUnreadError):
        PickleReader(file.read_bytes()).read()
    equals_neo(read_recording(file).spikes, trains)


def test_units_of_time(tmp_path: Path) -> None:
    trains = [
        neo.SpikeTrain([0.01, 0.02], units="s", t_start=10 * pq.ms, t_stop=0.05 * pq.s, channel_id=3),
        neo.SpikeTrain([10.0, 20.0], units="ms", t_start=0.01 * pq.s, t_stop=50 * pq.ms, channel_id=4),
    ]
    spikes = read_recording(segment_of(trains, tmp_path / "segment.pickle")).spikes
    assert spikes is not None
    np.testing.assert_allclose(spikes.times, [10.0, 20.0, 10.0, 20.0])
    np.testing.assert_allclose(spikes.rates(), [50.0, 50.0])


@pytest.mark.parametrize(
    ("trains", "reason"),
    [
        ([train([1.0]), train([1.0], 4, t_stop=200.0)], "different windows"),
        ([train([1.0]), train([2.0])], "two spike trains of the same neuron"),
        ([neo.SpikeTrain([1.0], units="ms", t_stop=10.0)], "without the id of its neuron"),
        ([neo.SpikeTrain([1.0], units="ms", t_stop=10.0, channel_id="3")], "without the id of its neuron"),
        ([train([], t_stop=0.0)], "empty"),
    ],
)
def test_trains_that_make_no_sense(trains: list[Any], reason: str, tmp_path: Path) -> None:
    file = segment_of(trains, tmp_path / "segment.pickle")
    with pytest.raises(DatastoreError, match=reason) as caught:
        read_recording(file)
    assert str(file) in str(caught.value)


def test_a_segment_without_trains_has_none(tmp_path: Path) -> None:
    assert read_recording(segment_of([], tmp_path / "segment.pickle")).spikes is None


@pytest.mark.parametrize(
    "values", [np.zeros((3, 2), ">f8"), np.asfortranarray(np.ones((3, 2))), np.arange(6).reshape(3, 2)]
)
def test_arrays_of_any_order(values: np.ndarray, tmp_path: Path) -> None:
    for protocol in (2, 4, 5):
        (tmp_path / "array.pickle").write_bytes(pickle.dumps([values, values[0, 1], values[0, 1].item()], protocol))
        array, scalar, number = read_pickle(tmp_path / "array.pickle")
        np.testing.assert_array_equal(array.numpy(), values)
        assert array.numpy().dtype == values.dtype.newbyteorder("=" if values.dtype.isnative else ">")
        assert scalar == number == values[0, 1]


def test_plain_data_survives(tmp_path: Path) -> None:
    data = {
        "text": "ä" * 300, "none": None, "bytes": b"\x00" * 5000, "empty": b"", "big": 2**100, "negative": -(2**70),
        "small": [-1, 255, 256, 65_536, -70_000], "float": 1.5e300, "tuple": (1, (2, (3, 4, 5, 6))),
        "yes": [True, False], 1: {2.5: {None: ()}},
    }  # fmt: skip
    for protocol in (2, 3, 4, 5):
        (tmp_path / "data.pickle").write_bytes(pickle.dumps(data, protocol))
        read = read_pickle(tmp_path / "data.pickle")
        read["bytes"] = bytes(read["bytes"])
        assert read == data
