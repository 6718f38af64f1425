"""Numpy scalars of annotations, read many at once, equal those read opcode by opcode."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.pickles import reader
from targets.pickles.reader import PickleReader, ReferenceToUnreadError

NAMES = ["LGNAfferentOrientation", "LGNAfferentPhase", "LGNAfferentSize", "name"]


def both(content: bytes) -> Any:
    """Read in both ways, which agree."""
    read = PickleReader(content).read()
    np.testing.assert_equal(read, PickleReader(content, one_by_one=True).read())
    return read


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_annotations_of_neurons(protocol: int) -> None:
    rng = np.random.default_rng(0)
    annotations = [dict(zip(NAMES, map(np.float64, rng.random(3)), strict=False)) | {"name": "x"} for _ in range(500)]
    assert both(pickle.dumps(annotations, protocol)) == annotations


@given(
    numbers=st.lists(
        st.one_of(
            st.floats(width=32).map(np.float32),
            st.floats().map(np.float64),
            st.floats().map(lambda x: np.array(x, ">f8")[()]),
            st.integers(-(2**63), 2**63 - 1).map(np.int64),
            st.integers(0, 2**64 - 1).map(np.uint64),
            st.booleans().map(np.bool_),
            st.complex_numbers(max_magnitude=1e30).map(np.complex64),
            st.floats(),
        ),
        max_size=12,
    ),
    keys=st.lists(st.one_of(st.sampled_from(NAMES), st.integers(0, 3)), min_size=12, max_size=12),
    protocol=st.integers(2, 5),
)
def test_any_scalars(numbers: list[Any], keys: list[Any], protocol: int) -> None:
    data = [dict(zip(keys, numbers, strict=False)), numbers, dict(zip(keys, reversed(numbers), strict=False))]
    expected = [
        {key: number if type(number) is float else number.item() for key, number in each.items()}
        for each in (data[0], data[2])
    ]
    read = both(pickle.dumps(data, protocol))
    np.testing.assert_equal([read[0], read[2]], expected)


def test_the_bytes_of_a_scalar_that_are_referred_to_are_read_one_by_one() -> None:
    content = pickle.dumps([np.float64(1.0), np.float64(2.5)], 4)
    assert content.endswith(b"\x94\x86\x94R\x94e.")
    # the memo ends with the bytes, the arguments and the scalar; a third item refers to the bytes
    memo = PickleReader(content, one_by_one=True)
    memo.read()
    referring = content[:-2] + b"h" + bytes([len(memo._memo) - 3]) + b"e."
    size = int.from_bytes(content[3:11], "little") + 2
    referring = content[:3] + size.to_bytes(8, "little") + referring[11:]
    assert pickle.loads(referring) == [1.0, 2.5, np.float64(2.5).tobytes()]
    with pytest.raises(ReferenceToUnreadError):
        PickleReader(referring).read()
    assert PickleReader(referring, one_by_one=True).read() == [1.0, 2.5, np.float64(2.5).tobytes()]


def test_annotations_take_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    handlers = reader._HANDLERS

    def count(reader: PickleReader) -> None:
        calls.append(1)
        PickleReader._call(reader)

    monkeypatch.setitem(handlers, ord("R"), count)
    PickleReader(pickle.dumps([{name: np.float64(n) for name in NAMES} for n in range(100)], 4)).read()
    assert 0 < len(calls) <= 5
