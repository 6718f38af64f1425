"""Trains read in blocks, and pickles without their frames, equal those read opcode by opcode."""

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

from targets.pickles import items_of, train_runs
from targets.pickles.frames import without_frames
from targets.pickles.reader import PickleReader
from targets.pickles.train_blocks import TrainBlocks
from targets.pickles.train_runs import Template, TrainRun, train_id

pytestmark = pytest.mark.hostile


def pickled(trains: list[Any], protocol: int = 4) -> bytes:
    segment = neo.Segment()
    segment.spiketrains = trains
    return pickle.dumps(segment, protocol)


def train(times: Any, number: int, **annotations: Any) -> neo.SpikeTrain:
    ends = {"t_start": 0.0 * pq.ms, "t_stop": 100.0 * pq.ms}
    return neo.SpikeTrain(np.asarray(times, float), units=pq.ms, channel_id=number, **ends, **annotations)


def read(content: bytes, **options: Any) -> list[tuple[int, list[float]]]:
    """Return the id and the times of each train."""
    read: list[tuple[int, list[float]]] = []
    for item in items_of(PickleReader(content, **options).read().state["_spiketrains"]):
        if isinstance(item, TrainRun):
            parts = np.split(item.times(), np.cumsum(item.counts)[:-1])
            read += zip(item.ids, (part.tolist() for part in parts), strict=True)
        else:
            read.append((train_id(item), item.args[1].numpy().tolist()))
    return read


@pytest.fixture
def matched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many trains each block had."""
    numbers: list[int] = []
    original = TrainBlocks.match

    def match(self: TrainBlocks, *arguments: Any) -> Any:
        block = original(self, *arguments)
        numbers.append(0 if block is None else len(block.ids))
        return block

    monkeypatch.setattr(TrainBlocks, "match", match)
    return numbers


@functools.cache
def many(silent: float) -> list[Any]:
    rng = np.random.default_rng(1)
    # all sizes of ids, and more than a batch, which has 1000
    ids = [*range(230, 290), *range(65_450, 66_350), *range(2**31 - 50, 2**31 + 50)]
    trains = [
        train(np.sort(rng.uniform(0, 100, rng.integers(1, 60) * (rng.random() >= silent))), number, depth=n)
        for n, number in enumerate(ids)
    ]
    trains[300] = train(np.linspace(0, 100, 9000), ids[300])  # too large for a frame
    return trains


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("silent", [0.0, 0.2])
def test_most_trains_are_read_in_blocks(protocol: int, silent: float, matched: list[int]) -> None:
    trains = many(silent)
    content = pickled(trains, protocol)
    expected = [(each.annotations["channel_id"], each.magnitude.tolist()) for each in trains]
    assert read(content, one_by_one=True) == expected
    assert not matched
    assert read(content) == expected
    assert read(without_frames(content)) == expected
    assert sum(matched) > 1.5 * len(trains)


def test_what_looks_like_a_train_among_spike_times(matched: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers whose bytes are those that trains begin with, in a stream that breaks off in between."""
    templates: list[Template] = []
    monkeypatch.setattr(train_runs, "Template", lambda *args: templates.append(Template(*args)) or templates[-1])
    plain = [train(np.arange(1.0, 9.0), number) for number in range(300)]
    read(pickled(plain))
    first = templates[-1].shape.pieces[0].fixed
    disguised = np.frombuffer(first + b"K\x08" + bytes(-(len(first) + 2) % 8))
    trains = [*plain[:100], *plain[200:]]
    content = pickled(trains)
    marker = plain[250].magnitude.tobytes()
    assert content.count(marker) == len(trains)
    at = content.index(marker, len(content) // 2)
    forged = content[:at] + disguised.tobytes().ljust(64, b"\0") + content[at + 64 :]
    assert len(forged) == len(content)
    np.testing.assert_equal(read(forged), read(forged, one_by_one=True))
    assert sum(matched) > 100


@given(data=st.data())
def test_flipped_bytes_are_read_as_they_are_one_by_one(data: st.DataObject) -> None:
    """If both succeed, they agree; neither hangs nor fails otherwise."""
    at = data.draw(st.integers(0, len(_CONTENT) - 1))
    flipped = _CONTENT[:at] + bytes([data.draw(st.integers(0, 255))]) + _CONTENT[at + 1 :]
    results = []
    for options in ({}, {"one_by_one": True}):
        try:
            results.append(read(flipped, **options))
        except Exception as error:  # noqa: BLE001  (the kinds are tested in test_hostile_stores)
            results.append(error)
    if all(isinstance(result, list) for result in results):
        np.testing.assert_equal(*results)


_CONTENT = pickled([train(np.linspace(0, 90, 5 + n % 7), n) for n in range(60)])


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("size", [0, 100, 70_000, 300_000])
def test_a_pickle_without_frames_is_the_same(protocol: int, size: int, tmp_path: Path) -> None:
    data = [["x" * 50] * 5, list(range(30_000)), b"b" * size, "ä" * size, bytes(size), {"after": 1.5}, b"\x95" * 20]
    content = pickle.dumps(data, protocol)
    short = without_frames(content)
    assert pickle.loads(short) == data
    assert (len(short) < len(content)) == (protocol >= 4)
    assert without_frames(short) == short


def test_frames_that_are_too_long_are_left_for_the_reader_to_refuse() -> None:
    content = pickle.dumps(list(range(100_000)), 4)
    for end in (3, 10, 11, 5000, len(content) // 2, len(content) - 1):
        cut = without_frames(content[:end])
        with pytest.raises((pickle.UnpicklingError, EOFError)):
            pickle.loads(cut)
    assert without_frames(b"") == b""
    assert without_frames(b"\x80\x04") == b"\x80\x04"
