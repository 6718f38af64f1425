"""Many trains of a file compared with templates at once: `targets.pickles.train_runs` in numpy.

The bytes that all trains begin with are searched for; what is found counts as trains only if each ends at the beginning
of the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

INTEGERS = {ord("K"): 1, ord("M"): 2, ord("J"): 4}
"""Opcodes of integers, with their bytes."""
COUNTED = {0x8A, ord("C")}
"""Opcodes of integers whose first byte is the number of the others; they are signed, as that of four bytes is."""
BYTES = {ord("C"): 1, ord("B"): 4, 0x8E: 8, 0x96: 8}
"""Opcodes of byte strings, with the bytes of their length."""

_FARTHEST = 2**17
"""Longest train that is searched for, in bytes."""
_SHORTEST_PREFIX = 8


class Hole(NamedTuple):
    """What an opcode pushes at n positions."""

    value: Integers
    end: Integers
    """Position at which it ends; of byte strings, at which the bytes begin."""
    good: Flags
    """Whether there is such an opcode."""


class Piece(NamedTuple):
    """Fixed bytes, and what follows them: "count", "times", "id", "length" (the count again), "number", or ""."""

    fixed: bytes
    hole: str


class Shape(NamedTuple):
    """What the trains of one template have in common."""

    pieces: Sequence[Piece]
    itemsize: int
    """Bytes of a spike time."""
    memoized: int
    """Memo entries of a train."""


class Block(NamedTuple):
    """Trains that follow each other, (n,) each."""

    ids: Integers
    counts: Integers
    offsets: Integers
    """Positions at which the spike times begin."""
    end: int
    """Position at which the last train ends."""
    memoized: int


def _by_opcode(sizes: dict[int, int]) -> Integers:
    return np.array([sizes.get(opcode, -1) for opcode in range(256)], np.int64)


_INTEGER_SIZE, _LENGTH_SIZE = _by_opcode(INTEGERS), _by_opcode(BYTES)
_IS_COUNTED = np.isin(np.arange(256), list(COUNTED))
_IS_SIGNED = np.isin(np.arange(256), [ord("J"), *COUNTED])


def _common_prefix(texts: Sequence[bytes]) -> bytes:
    first, last = min(texts), max(texts)
    length = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:length]


class TrainBlocks:
    """Finds trains in the bytes of a file."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._bytes = np.frombuffer(content, np.uint8)
        # the eight bytes from each on
        self._words = np.ndarray((max(len(content) - 7, 0),), np.dtype("<i8"), content, strides=(1,))

    def match(self, shapes: Sequence[Shape], position: int, most: int) -> Block | None:
        """Read up to `most` trains from `position` on, each of one of `shapes`; None if there are none."""
        prefix = _common_prefix([shape.pieces[0].fixed for shape in shapes])
        if len(prefix) < _SHORTEST_PREFIX or not self._words.size:
            return None
        starts = self._starts(prefix, position, most)
        fields = np.zeros((4, starts.size), np.int64)  # id, count, offset, end
        memoized = np.zeros(starts.size, np.int64)
        left = np.arange(starts.size)
        for shape in shapes:
            good, found = self._compare(shape, starts[left])
            fields[:, left[good]] = found[:, good]
            memoized[left[good]] = shape.memoized
            left = left[~good]
            if not left.size:
                break
        ids, counts, offsets, ends = fields
        adjacent = np.ones(starts.size, np.bool_)
        adjacent[left] = False
        adjacent[1:] &= starts[1:] == ends[:-1]
        n = starts.size if adjacent.all() else int(np.argmin(adjacent))
        if not n:
            return None
        return Block(ids[:n], counts[:n], offsets[:n], int(ends[n - 1]), int(memoized[:n].sum()))

    def _starts(self, prefix: bytes, position: int, most: int) -> Integers:
        """Return `position` and the positions at which `prefix` occurs after it."""
        find, step = self._content.find, len(prefix)
        starts = [position]
        for _ in range(most - 1):
            position = find(prefix, position + step, position + _FARTHEST)
            if position < 0:
                break
            starts.append(position)
        return np.array(starts, np.int64)

    def _compare(self, shape: Shape, position: Integers) -> tuple[Flags, Integers]:
        """Return which trains have the shape, (n,), and the id, count, offset and end of each, (4, n)."""
        good = np.ones(position.size, np.bool_)
        values: dict[str, Any] = dict.fromkeys(("id", "count", "length", "offset"), np.zeros(position.size, np.int64))
        size = values["count"]
        for fixed, hole in shape.pieces:
            good &= self._equal(position, fixed)
            position = position + len(fixed)
            if not hole:
                continue
            found = self._byte_strings(position) if hole == "times" else self._numbers(position)
            good &= found.good
            if hole == "times":
                values["offset"], size = found.end, found.value
                # Python has one empty byte string only: the pickle refers to its first occurrence later on
                good &= size > 0
                position = found.end + size
            else:
                values[hole], position = found.value, found.end
        good &= (values["count"] * shape.itemsize == size) & (position <= self._bytes.size)
        if any(piece.hole == "length" for piece in shape.pieces):
            good &= values["length"] == values["count"]
        return good, np.array([values["id"], values["count"], values["offset"], position])

    def _equal(self, position: Integers, fixed: bytes) -> Flags:
        """Whether `fixed` is at each position."""
        if not fixed:
            return np.ones(position.size, np.bool_)
        last = self._bytes.size - len(fixed)
        if last < 0:
            return np.zeros(position.size, np.bool_)
        rows = np.ndarray((last + 1,), f"V{len(fixed)}", self._content, strides=(1,))[np.minimum(position, last)]
        if rows.tobytes() == fixed * position.size:  # as nearly always, and quicker
            return position <= last
        there = rows.view(np.uint8).reshape(-1, len(fixed))
        return np.asarray((there == np.frombuffer(fixed, np.uint8)).all(axis=1) & (position <= last))

    def _numbers(self, position: Integers) -> Hole:
        opcode = self._bytes[np.minimum(position, self._bytes.size - 1)]
        counted = _IS_COUNTED[opcode]
        start = position + 1 + counted
        size = np.where(counted, self._bytes[np.minimum(position + 1, self._bytes.size - 1)], _INTEGER_SIZE[opcode])
        good = (size >= 0) & (size <= 8) & (start + size <= self._bytes.size)
        return Hole(self._read(start, np.where(good, size, 0), _IS_SIGNED[opcode]), start + size, good)

    def _byte_strings(self, position: Integers) -> Hole:
        opcode = self._bytes[np.minimum(position, self._bytes.size - 1)]
        width = _LENGTH_SIZE[opcode]
        good = width > 0
        size = self._read(position + 1, np.where(good, width, 0), np.zeros(position.size, np.bool_))
        start = position + 1 + width
        good &= (size >= 0) & (size <= self._bytes.size) & (start <= self._bytes.size)
        size = np.where(good, size, 0)
        return Hole(size, start, good & (start + size <= self._bytes.size))

    def _read(self, start: Integers, size: Integers, signed: Flags) -> Integers:
        """Read little-endian integers of 0 to 8 bytes."""
        # near the end of the file the eight bytes from `start` on are not all there: those before are
        there = np.minimum(start, self._words.size - 1)
        behind = np.minimum(8 * (start - there), 63)
        unused = 64 - 8 * size
        words = self._words[there].view(np.uint64) >> behind.astype(np.uint64)
        high = np.where(size > 0, words << np.minimum(unused, 63).astype(np.uint64), 0)
        shift = np.minimum(unused, 63)
        return np.where(signed, high.view(np.int64) >> shift, (high >> shift.astype(np.uint64)).view(np.int64))
