"""An interpreter of pickles that never executes what it reads.

It interprets the opcodes itself instead of restricting Python's unpickler. That one finds classes through a method
that can be replaced, but also calls what it finds, sets attributes of any object, hashes any key (a deeply nested
tuple overflows the C stack), fetches objects by extension codes from a cache that no method sees, and grows its memo
to any size a file asks for. Here every opcode makes plain data or the stand-ins of :mod:`targets.pickles.inert`, the
work and the memory are bounded by the length of the file, and thousands of spike trains, and numpy scalars, that look
alike are read at once (:mod:`targets.pickles.train_runs`, :mod:`targets.pickles.scalars`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from targets.pickles.inert import MOZAIK, Array, Dtype, Global, Instance, Refused, Vocabulary
from targets.pickles.scalars import UNREAD, Scalars
from targets.pickles.train_runs import TrainRuns

_VIEWED_FROM = 1024
"""Byte strings from this length on are views of the file instead of copies."""

_U2, _U4, _U8, _I4, _F8 = (struct.Struct(code) for code in ("<H", "<I", "<Q", "<i", ">d"))


class MalformedError(Exception):
    """The bytes are no pickle of protocol 2 to 5."""


class ReferenceToUnreadError(Exception):
    """A part of a train that was read as one of many is referred to later on."""


class PickleReader:
    """The interpreter of one pickle.

    Parameters
    ----------
    content : bytes
        The whole pickle.
    vocabulary : Vocabulary
        What it may name.
    one_by_one : bool
        Read every spike train, and every scalar, by its own opcodes.
    """

    def __init__(self, content: bytes, vocabulary: Vocabulary = MOZAIK, *, one_by_one: bool = False) -> None:
        self._content = content
        self._vocabulary = vocabulary
        self._view = memoryview(content)
        self._position = 0
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: list[Any] = []
        self._trains = None if one_by_one else TrainRuns(content)
        self._scalars = Scalars(content, self._memo)

    def read(self) -> Any:
        """Interpret the pickle and return its object."""
        content, handlers, trains = self._content, _HANDLERS, self._trains
        if len(content) < 2 or content[0] != 0x80 or not 2 <= content[1] <= 5:
            raise MalformedError("it doesn't begin as a pickle of protocol 2 to 5")
        self._position = 2
        try:
            while True:
                opcode = content[self._position]
                if trains is not None and trains.tracing:
                    trains.trace.append(self._position)
                self._position += 1
                if opcode == 0x2E:  # STOP
                    return self._stack.pop()
                handlers[opcode](self)
        except (Refused, MalformedError, ReferenceToUnreadError):
            raise
        except KeyError:
            raise _unknown(opcode, self._position - 1) from None
        except (IndexError, struct.error):
            raise MalformedError(f"it ends or breaks off at byte {self._position} of {len(content)}") from None
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise MalformedError(f"byte {self._position}: {error}") from None

    # Reading of arguments

    def _take(self, size: int) -> bytes:
        start = self._position
        end = start + size
        if size < 0 or end > len(self._content):
            raise MalformedError(f"{size} bytes are announced at byte {start}, {len(self._content) - start} are there")
        self._position = end
        return self._content[start:end]

    def _size(self, number: struct.Struct) -> int:
        (size,) = number.unpack_from(self._content, self._position)
        self._position += number.size
        return int(size)

    def _number(self, number: struct.Struct) -> Any:
        (value,) = number.unpack_from(self._content, self._position)
        self._position += number.size
        return value

    def _line(self) -> str:
        end = self._content.index(b"\n", self._position)
        line = self._content[self._position : end].decode("utf-8")
        self._position = end + 1
        return line

    def _push_bytes(self, size: int) -> None:
        if size < _VIEWED_FROM:
            self._stack.append(self._take(size))
            return
        start = self._position
        if start + size > len(self._content):
            raise MalformedError(f"{size} bytes are announced at byte {start}, {len(self._content) - start} are there")
        self._position = start + size
        self._stack.append(self._view[start : start + size])

    def _push_text(self, size: int) -> None:
        self._stack.append(self._take(size).decode("utf-8", "surrogatepass"))

    def _push_integer(self, size: int) -> None:
        self._stack.append(int.from_bytes(self._take(size), "little", signed=True))

    # Stack and memo

    def _mark(self) -> None:
        self._marks.append(self._stack)
        self._stack = []

    def _pop_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._marks.pop()
        return items

    def _tuple_of_marked(self) -> None:
        items = self._pop_mark()
        self._stack.append(tuple(items))

    def _drop_marked(self) -> None:
        self._pop_mark()

    def _pop(self) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._pop_mark()

    def _push_tuple(self, size: int) -> None:
        if len(self._stack) < size:
            raise IndexError
        items = tuple(self._stack[-size:])
        del self._stack[-size:]
        self._stack.append(items)

    def _get(self, index: int) -> None:
        item = self._memo[index]
        if item is UNREAD:
            raise ReferenceToUnreadError
        self._stack.append(item)
        if type(item) is Global and item.name == "scalar":
            self._read_scalars()

    def _read_scalars(self) -> None:
        """Read the scalar that the function just pushed makes, and those of the entries that follow, all at once."""
        if self._trains is not None and not self._trains.tracing:
            read, self._position = self._scalars.read(self._position)
            if read:
                self._stack[-1:] = read

    def _put(self, index: int) -> None:
        # A pickler numbers its memo from 0 without gaps; a gap is an attempt to exhaust the memory.
        if index > len(self._memo):
            raise MalformedError(f"memo index {index} after {len(self._memo)} entries")
        if index < len(self._memo):
            self._scalars.forget()
        self._memo[index : index + 1] = [self._stack[-1]]

    def _memoize(self) -> None:
        top = self._stack[-1]
        self._memo.append(top)
        if self._trains is not None and type(top) is Instance and top.name == "_new_spiketrain":
            self._read_alike(self._trains, top)

    def _read_alike(self, trains: TrainRuns, train: Instance) -> None:
        """Read the trains that follow `train` and look like one seen before, all at once."""
        trains.learn(train, self._memo, self._position, self._depth())
        run, self._position, memoized = trains.read(self._position)
        if run is not None:
            self._stack.append(run)
            self._memo.extend([UNREAD] * memoized)
            trains.restart(self._depth())

    def _depth(self) -> tuple[int, int]:
        return len(self._marks), len(self._stack)

    # Containers

    def _append(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif isinstance(target, Instance):
            target.elements.extend(items)
        else:
            raise Refused(f"items appended to an object of type {type(target).__name__}")

    def _set(self, items: list[Any]) -> None:
        target = self._stack[-1]
        entries = target.entries if isinstance(target, Instance) else target
        if not isinstance(entries, dict) or len(items) % 2:
            raise Refused(f"entries set in an object of type {type(target).__name__}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            entries[_key(key)] = value

    def _set_one(self) -> None:
        value = self._stack.pop()
        key = self._stack.pop()
        self._set([key, value])

    def _frozenset(self) -> None:
        made = Instance("frozenset", ())
        made.elements = self._pop_mark()
        self._stack.append(made)

    # Globals and calls

    def _global(self, module: object, name: object) -> None:
        if not self._vocabulary.allows(module, name):
            raise Refused(f"the name {module!s:.100}.{name!s:.100}, which is not {self._vocabulary.described}")
        self._stack.append(Global(str(module), str(name)))

    def _stack_global(self) -> None:
        name = self._stack.pop()
        module = self._stack.pop()
        if not (isinstance(module, str) and isinstance(name, str)):
            raise MalformedError("a name that isn't text")
        self._global(module, name)

    def _call(self, keywords: object = None) -> None:
        args = self._stack.pop()
        called = self._stack.pop()
        maker = self._vocabulary.maker(called) if isinstance(called, Global) else None
        if maker is None or not isinstance(called, Global):
            named = f"{called.module}.{called.name}" if isinstance(called, Global) else type(called).__name__
            raise Refused(f"a call of {named}")
        if not isinstance(args, tuple) or keywords:
            raise Refused(f"a call of {called.module}.{called.name} with malformed arguments")
        self._stack.append(maker(*args))

    def _build(self) -> None:
        state = self._stack.pop()
        target = self._stack[-1]
        if not isinstance(target, (Instance, Array, Dtype)):
            raise Refused(f"a state set on an object of type {type(target).__name__}")
        target.build(state)

    def _frame(self) -> None:
        size = self._size(_U8)
        if self._position + size > len(self._content):
            raise MalformedError(
                f"{size} bytes are announced at byte {self._position}, the file has {len(self._content)}"
            )


def _key(key: object) -> object:
    """Check that a key of a mapping is of a kind that is safe, and quick, to hash."""
    plain = (str, int, float, bytes, Instance, Global, type(None))
    if isinstance(key, plain) or (isinstance(key, tuple) and all(isinstance(part, plain) for part in key)):
        return key
    raise Refused(f"a mapping with a key of type {type(key).__name__}")


_REFUSED_OPCODES = {
    0x50: "a persistent id",
    0x51: "a persistent id",
    0x69: "an old-style instance",
    0x6F: "an old-style instance",
    0x82: "an extension code",
    0x83: "an extension code",
    0x84: "an extension code",
    0x97: "an out-of-band buffer",
}


def _unknown(opcode: int, position: int) -> Exception:
    if opcode in _REFUSED_OPCODES:
        return Refused(_REFUSED_OPCODES[opcode])
    return MalformedError(f"byte {position} is {opcode:#04x}, which is no opcode")


def _push(value: object) -> Callable[[PickleReader], None]:
    return lambda reader: reader._stack.append(value)


def _nothing(_: PickleReader) -> None:
    return


_HANDLERS: dict[int, Callable[[PickleReader], None]] = {
    ord("("): PickleReader._mark,
    ord("0"): PickleReader._pop,
    ord("1"): PickleReader._drop_marked,
    ord("2"): lambda r: r._stack.append(r._stack[-1]),
    ord("N"): _push(None),
    0x88: _push(True),
    0x89: _push(False),
    ord("K"): lambda r: r._stack.append(r._take(1)[0]),
    ord("M"): lambda r: r._stack.append(r._number(_U2)),
    ord("J"): lambda r: r._stack.append(r._number(_I4)),
    0x8A: lambda r: r._push_integer(r._take(1)[0]),
    0x8B: lambda r: r._push_integer(r._size(_I4)),
    ord("G"): lambda r: r._stack.append(r._number(_F8)),
    ord("C"): lambda r: r._push_bytes(r._take(1)[0]),
    ord("B"): lambda r: r._push_bytes(r._size(_U4)),
    0x8E: lambda r: r._push_bytes(r._size(_U8)),
    0x96: lambda r: r._push_bytes(r._size(_U8)),
    0x98: _nothing,  # READONLY_BUFFER
    0x8C: lambda r: r._push_text(r._take(1)[0]),
    ord("X"): lambda r: r._push_text(r._size(_U4)),
    0x8D: lambda r: r._push_text(r._size(_U8)),
    ord(")"): _push(()),
    0x85: lambda r: r._push_tuple(1),
    0x86: lambda r: r._push_tuple(2),
    0x87: lambda r: r._push_tuple(3),
    ord("t"): PickleReader._tuple_of_marked,
    ord("]"): lambda r: r._stack.append([]),
    ord("a"): lambda r: r._append([r._stack.pop()]),
    ord("e"): lambda r: r._append(r._pop_mark()),
    ord("}"): lambda r: r._stack.append({}),
    ord("s"): PickleReader._set_one,
    ord("u"): lambda r: r._set(r._pop_mark()),
    0x8F: lambda r: r._stack.append(Instance("set", ())),
    0x90: lambda r: r._append(r._pop_mark()),
    0x91: PickleReader._frozenset,
    ord("h"): lambda r: r._get(r._take(1)[0]),
    ord("j"): lambda r: r._get(r._size(_U4)),
    ord("q"): lambda r: r._put(r._take(1)[0]),
    ord("r"): lambda r: r._put(r._size(_U4)),
    0x94: PickleReader._memoize,
    ord("c"): lambda r: r._global(r._line(), r._line()),
    0x93: PickleReader._stack_global,
    ord("R"): PickleReader._call,
    0x81: PickleReader._call,
    0x92: lambda r: r._call(keywords=r._stack.pop()),
    ord("b"): PickleReader._build,
    0x95: PickleReader._frame,
}
