"""Many spike trains of a pickle at once.

A segment holds tens of thousands of trains of about 90 opcodes each, which differ in three places only: the number of
spikes, their times, and the id. A pickler numbers its memo implicitly (protocol 4 and 5), so all other bytes are the
same. The bytes of a train that the interpreter has just read make a template; the trains that follow and equal it
byte for byte, except in those places, are read without interpreting them. Anything else falls back to the interpreter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.pickles.inert import Array, Instance, Refused
from targets.pickles.train_blocks import BYTES, COUNTED, INTEGERS, Block, Piece, Shape, TrainBlocks
from targets.pickles.units import milliseconds, unit_of

_ID_KEYS = ("source_id", "channel_id")
_MOST_TEMPLATES = 6
_MOST_ATTEMPTS = 400
_MEMOIZE, _FRAME = 0x94, 0x95
_NOT_REPEATABLE = {_FRAME, ord("c"), ord("q"), ord("r"), ord("e"), ord("a")}
_ALIKE_BEFORE_A_BLOCK = 16
_SMALLEST_BLOCK, _LARGEST_BLOCK = 16, 4096
_GETS = {ord("h"): 1, ord("j"): 4}


class TrainKind(NamedTuple):
    """What the trains of a segment have in common."""

    dtype: np.dtype[Any]
    to_ms: float
    """Factor from the file's unit of time to ms."""
    t_start: float
    t_stop: float


def train_kind(train: Instance) -> TrainKind:
    """Return the kind of a spike train, the window in ms."""
    if len(train.args) < 8 or not isinstance(train.args[1], Array):
        raise Refused("a spike train with malformed arguments")
    unit = unit_of(train.args[3])
    if unit.dimension != "time":
        raise Refused("a spike train whose unit isn't one of time")
    dtype = train.args[1].dtype
    if dtype.kind not in "fiu":
        raise Refused(f"a spike train of {dtype}")
    return TrainKind(dtype, unit.factor, milliseconds(train.args[7]), milliseconds(train.args[2]))


def train_id(train: Instance) -> int:
    """Return the simulator's id of a train's neuron: PyNN <= 0.11 says ``source_id``, newer ones ``channel_id``."""
    given = train.args[14] if len(train.args) > 14 else None
    if isinstance(given, dict):
        for key in _ID_KEYS:
            if isinstance(given.get(key), int):
                return int(given[key])
    raise Refused("a spike train without the id of its neuron (annotation source_id or channel_id)")


class TrainRun:
    """Adjacent trains of one kind that were read together.

    Attributes
    ----------
    kind : TrainKind
        What they have in common.
    ids, counts : list of int
        The neuron and the number of spikes of each train.
    """

    __slots__ = ("_content", "_offsets", "counts", "ids", "kind")

    def __init__(self, content: bytes, kind: TrainKind) -> None:
        self.kind = kind
        self.ids: list[int] = []
        self.counts: list[int] = []
        self._content = content
        self._offsets: list[int] = []

    def append(self, train: Repeat) -> None:
        """Add a train."""
        self.ids.append(train.id)
        self.counts.append(train.spikes)
        self._offsets.append(train.offset)

    def extend(self, block: Block) -> None:
        """Add the trains of a block."""
        self.ids += block.ids.tolist()
        self.counts += block.counts.tolist()
        self._offsets += block.offsets.tolist()

    def times(self) -> NDArray[np.float64]:
        """Return the spike times of all trains, one after the other, in ms."""
        content, size = self._content, self.kind.dtype.itemsize
        data = b"".join(
            [content[start : start + size * n] for start, n in zip(self._offsets, self.counts, strict=True) if n]
        )
        return np.frombuffer(data, self.kind.dtype).astype(np.float64) * self.kind.to_ms


class Repeat(NamedTuple):
    """A train that equals a template except in its spikes and id."""

    id: int
    spikes: int
    offset: int
    """Position in the file at which the spike times begin."""
    end: int


class Template(NamedTuple):
    """The bytes of a train, with holes."""

    shape: Shape
    kind: TrainKind

    def match(self, content: bytes, position: int) -> Repeat | None:
        """Read the train at `position` if it equals the template."""
        number = count = offset = size = 0
        length: int | None = None  # not every version says it
        for piece, hole in self.shape.pieces:
            if not content.startswith(piece, position):
                return None
            position += len(piece)
            if hole == "times":
                found = _bytes_at(content, position)
                # Python has one empty byte string only: the pickle refers to its first occurrence later on.
                if found is None or found[1] == 0:
                    return None
                offset, size = found
                position = offset + size
            elif hole:
                value = _integer_at(content, position)
                if value is None:
                    return None
                if hole == "count":
                    count = value[0]
                elif hole == "id":
                    number = value[0]
                elif hole == "length":
                    length = value[0]
                position = value[1]
        consistent = count * self.kind.dtype.itemsize == size and length in {None, count}
        return Repeat(number, count, offset, position) if consistent and position <= len(content) else None


class TrainRuns:
    """Learns templates from the trains that the interpreter reads, and reads what repeats them.

    Attributes
    ----------
    tracing : bool
        Whether the interpreter is to append the position of every opcode to `trace`.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._blocks: TrainBlocks | None = None
        self._expected = 0
        self._templates: list[Template] = []
        self._attempts = 0
        self._depth: tuple[int, int] | None = None
        self.tracing = False
        self.trace: list[int] = []

    def learn(self, train: Instance, memo: list[object], end: int, depth: tuple[int, int]) -> None:
        """Make a template of the train that ends at `end`, if its opcodes were traced and can repeat.

        Parameters
        ----------
        train : Instance
            What the interpreter has made.
        memo : list
            The interpreter's memo.
        end : int
            Position after the train.
        depth : tuple of int
            Number of the interpreter's marks, and of objects on its stack, after the train was pushed.
        """
        trace, before = self.trace, self._depth
        adjacent = before is not None and depth == (before[0], before[1] + 1)
        if self.tracing and adjacent and not _NOT_REPEATABLE.intersection(self._content[p] for p in trace):
            template = _template(self._content, trace, end, train, memo)
            if template is not None and all(template.kind == known.kind for known in self._templates):
                self._templates.append(template)
        self._attempts += 1
        self.tracing = len(self._templates) < _MOST_TEMPLATES and self._attempts < _MOST_ATTEMPTS
        self.restart(depth)

    def restart(self, depth: tuple[int, int]) -> None:
        """Begin the trace of the next train."""
        self.trace = []
        self._depth = depth

    def read(self, position: int) -> tuple[TrainRun | None, int, int]:
        """Read all trains from `position` on that repeat a template.

        Returns
        -------
        TrainRun or None
            The trains, if there are any.
        int
            The position after them.
        int
            How many memo entries the interpreter would have made.
        """
        if not self._templates:
            return None, position, 0
        run = TrainRun(self._content, self._templates[0].kind)
        memoized = alike = 0
        while (found := self._match(position)) is not None:
            repeat, template = found
            run.append(repeat)
            position = repeat.end
            memoized += template.shape.memoized
            alike += 1
            if alike == _ALIKE_BEFORE_A_BLOCK:
                alike = 0
                for block in self._blocks_from(position):
                    run.extend(block)
                    position = block.end
                    memoized += block.memoized
        return (run if run.ids else None), position, memoized

    def _blocks_from(self, position: int) -> Iterator[Block]:
        """Yield blocks of trains as long as they are full, the first as long as there were trains the last time."""
        if self._blocks is None:
            self._blocks = TrainBlocks(self._content)
        shapes = [template.shape for template in self._templates]
        size, total = min(max(self._expected, _SMALLEST_BLOCK), _LARGEST_BLOCK), 0
        while (block := self._blocks.match(shapes, position, size)) is not None:
            yield block
            position = block.end
            total += len(block.ids)
            if len(block.ids) < size:
                break
            size = min(max(total, _SMALLEST_BLOCK), _LARGEST_BLOCK) if total > self._expected else _SMALLEST_BLOCK
        self._expected = total

    def _match(self, position: int) -> tuple[Repeat, Template] | None:
        for index, template in enumerate(self._templates):
            repeat = template.match(self._content, position)
            if repeat is not None:
                if index:  # what was met last is likely to be met next
                    self._templates.insert(0, self._templates.pop(index))
                return repeat, template
        return None


def _template(content: bytes, trace: list[int], end: int, train: Instance, memo: list[object]) -> Template | None:
    """Find the places in the bytes of a train that differ from train to train; None if they aren't as expected."""
    try:
        kind, number = train_kind(train), train_id(train)
    except Refused:
        return None
    holes: list[tuple[int, int, str]] = []
    after = 0
    if len(train.args[1]):
        times = _holes_of_times(content, trace, train.args[1])
        if times is None:
            return None
        holes, after = times
    annotations = _holes_of_annotations(content, trace[after:], train, memo)
    if not any(hole == "id" for _, _, hole in annotations):
        return None
    pieces = []
    start = trace[0]
    for first, last, hole in [*holes, *annotations]:
        pieces.append(Piece(content[start:first], hole))
        start = last
    pieces.append(Piece(content[start:end], ""))
    memoized = sum(content[p] == _MEMOIZE for p in trace)
    template = Template(Shape(tuple(pieces), kind.dtype.itemsize, memoized), kind)
    itself = template.match(content, trace[0])
    same = itself is not None and (itself.id, itself.spikes, itself.end) == (number, len(train.args[1]), end)
    return template if same else None


def _holes_of_times(content: bytes, trace: list[int], signal: Array) -> tuple[list[tuple[int, int, str]], int] | None:
    """Find the spike times, and their number, which stands before them (protocol 4) or after them (protocol 5)."""
    times = next(((p, found) for p in trace if (found := _bytes_at(content, p)) is not None), None)
    if times is None:
        return None
    position, (offset, size) = times
    if content[offset : offset + size] != bytes(signal.data):  # type: ignore[call-overload]
        return None
    integers = [(p, *found) for p in trace if (found := _integer_at(content, p)) is not None and p != position]
    before, after = [each for each in integers if each[0] < position], [each for each in integers if each[0] > position]
    count_at, count, count_end = (before[-1:] or after[:1] or [(0, -1, 0)])[0]
    if count != len(signal):
        return None
    holes = sorted([(count_at, count_end, "count"), (position, offset + size, "times")])
    return holes, trace.index(holes[-1][0]) + 1


def _holes_of_annotations(
    content: bytes, trace: list[int], train: Instance, memo: list[object]
) -> list[tuple[int, int, str]]:
    """Find the integers of a train's annotations, which may be Python's or numpy's."""
    holes: list[tuple[int, int, str]] = []
    values = dict(train.args[14])
    id_key = next(key for key in _ID_KEYS if isinstance(values.get(key), int))
    kinds = {key: "id" if key == id_key else "number" for key, value in values.items() if type(value) is int}
    if isinstance(train.args[13], Instance) and "length" in train.args[13].state:  # of neo's array annotations
        values["length"] = train.args[13].state["length"]
        kinds["length"] = "length"
    for index, position in enumerate(trace):
        size = _GETS.get(content[position])
        if size is None:
            continue
        key = memo[int.from_bytes(content[position + 1 : position + 1 + size], "little")]
        if not isinstance(key, str) or key not in kinds:
            continue
        for candidate in trace[index + 1 : index + 5]:  # a numpy scalar begins with its function and dtype
            number = _integer_at(content, candidate)
            if number is not None and number[0] == values[key]:
                holes.append((candidate, number[1], kinds[key]))
                break
    return holes


def _integer_at(content: bytes, position: int) -> tuple[int, int] | None:
    """Read the integer that an opcode pushes, or that the bytes of a numpy integer hold; and the position after it."""
    if position >= len(content):
        return None
    opcode = content[position]
    start = position + 1
    size = INTEGERS.get(opcode)
    if size is None:
        if opcode not in COUNTED or start >= len(content) or content[start] > 8:
            return None
        size, start = content[start], start + 1
        return int.from_bytes(content[start : start + size], "little", signed=True), start + size
    return int.from_bytes(content[start : start + size], "little", signed=opcode == ord("J")), start + size


def _bytes_at(content: bytes, position: int) -> tuple[int, int] | None:
    """Return the position at which the byte string that an opcode pushes begins, and its length."""
    size = BYTES.get(content[position]) if position < len(content) else None
    if size is None:
        return None
    start = position + 1 + size
    length = int.from_bytes(content[position + 1 : start], "little")
    return (start, length) if start + length <= len(content) else None
