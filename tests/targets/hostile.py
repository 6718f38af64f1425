"""Pickles that try to execute something, to exhaust the machine, or that are something else altogether.

A payload that executes anything creates the file that `marker` names.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import neo
import numpy as np


class Calls:
    """Pickled as a call."""

    def __init__(self, function: Any, *args: Any, state: Any = None) -> None:
        self.reduced = (function, args) if state is None else (function, args, state)

    def __reduce__(self) -> Any:
        return self.reduced


class OfTheModelsOwn:
    """A class that only the model's code has."""


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def named(module: str, name: str) -> bytes:
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def stacked(module: str, name: str) -> bytes:
    return text(module) + text(name) + b"\x93"


def program(*parts: bytes, protocol: int = 4) -> bytes:
    return bytes([0x80, protocol]) + b"".join(parts) + b"."


SEGMENT = stacked("neo.core.segment", "Segment")
ARRAY = stacked("numpy._core.multiarray", "_reconstruct") + b")R"
DTYPE = stacked("numpy", "dtype") + text("f8") + b"\x85R"


def array_of(shape: bytes, data: bytes, dtype: bytes = DTYPE) -> bytes:
    """An array with a shape, dtype and data of the attacker's choice."""
    return ARRAY + b"(K\x01" + shape + dtype + b"\x89" + data + b"tb"


def segment_of(spikes: bytes) -> bytes:
    """A segment whose one train has the given opcodes as its times."""
    train = stacked("neo.core.spiketrain", "_new_spiketrain") + b"(N" + spikes + b"N" * 12 + b"}" + b"NNtR"
    return program(SEGMENT, b")\x81}", text("_spiketrains"), b"]" + train + b"a", b"sb")


def payloads(marker: Path) -> dict[str, bytes]:
    """Every payload, by what it does."""
    touch = f"touch {marker}"
    write = f"open({str(marker)!r}, 'w').close()"
    argument = text(touch)
    import os  # noqa: PLC0415
    import subprocess  # noqa: PLC0415

    made: dict[str, bytes] = {
        "os.system": pickle.dumps(Calls(os.system, touch), 4),
        "os.system, protocol 2": pickle.dumps(Calls(os.system, touch), 2),
        "os.system, protocol 0": pickle.dumps(Calls(os.system, touch), 0),
        "os.system, protocol 5": pickle.dumps(Calls(os.system, touch), 5),
        "subprocess.Popen": pickle.dumps(Calls(subprocess.Popen, ["touch", str(marker)]), 4),
        "eval": pickle.dumps(Calls(eval, write), 4),
        "exec": pickle.dumps(Calls(exec, write), 4),
        "a call in a list": pickle.dumps([1, {"a": Calls(eval, write)}], 4),
        "a call in a segment's annotations": pickle.dumps(_segment_with(Calls(eval, write)), 4),
        "a call in an array of objects": pickle.dumps(np.array([Calls(eval, write)], dtype=object), 4),
        "a call in a call": pickle.dumps(Calls(getattr, Calls(__import__, "os"), "system"), 4),
        "a call in a dtype's metadata": program(
            stacked("numpy", "dtype") + text("f8") + b"\x85R(K\x04" + text("<"),
            b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00",
            named("os", "system") + argument + b"\x85Rtb",
        ),
        "a state from a call": program(SEGMENT, b")\x81", named("os", "system"), argument, b"\x85Rb"),
        "an attribute of an allowed class": program(stacked("neo.core.segment", "Segment.__init__.__globals__")),
        "another module through an allowed one": program(stacked("neo.core.segment", "os"), argument, b"\x85R"),
        "builtins through an allowed module": program(stacked("neo.core.segment", "__builtins__")),
        "an allowed name of another module": program(stacked("os", "Segment"), b")R"),
        "a function that is only a name": program(stacked("builtins", "dict"), b")R"),
        "a call of a string": program(text("os.system"), argument, b"\x85R"),
        "a call of an instance": program(SEGMENT, b")\x81", argument, b"\x85R"),
        "a state for a class": program(SEGMENT, b"}", text("__setstate__"), named("os", "system"), b"sb"),
        "a state for a class's slots": program(SEGMENT, b"N}", text("name"), text("x"), b"s\x86b"),
        "a state for a function": program(ARRAY[:-2], b"}", text("__code__"), text("x"), b"sb"),
        "a class of the model's own": pickle.dumps(OfTheModelsOwn(), 4),
        "reconstruction of a foreign class": program(
            stacked("copyreg", "_reconstructor"), named("subprocess", "Popen"), stacked("builtins", "object"), b"N\x87R"
        ),
        "an instance by INST": program(b"(", argument, b"ios\nsystem\n"),
        "an instance by OBJ": program(b"(", named("os", "system"), argument, b"o"),
        "keywords": program(SEGMENT, b")}", text("name"), argument, b"s\x92"),
        "a persistent id": program(b"Pos.system\n"),
        "a persistent id from the stack": program(argument, b"Q"),
        "an extension code": program(b"\x82\xf0", argument, b"\x85R"),
        "an out-of-band buffer": program(b"\x97", protocol=5),
        "codecs other than for bytes": program(stacked("_codecs", "encode"), argument, text("idna"), b"\x86R"),
        "a string of 2^62 bytes": program(b"\x8e" + struct.pack("<Q", 2**62)),
        "text of 2^63 bytes": program(b"\x8d" + struct.pack("<Q", 2**63)),
        "text of 4 GB": program(b"X" + struct.pack("<I", 2**32 - 1)),
        "an integer of 2 GB": program(b"\x8b" + struct.pack("<i", 2**31 - 1)),
        "an integer of -9 bytes": program(b"\x8b" + struct.pack("<i", -6)),
        "a frame of 2^62 bytes": program(b"\x95" + struct.pack("<Q", 2**62)),
        "a memo of 16 GB": program(b"N" + b"r" + struct.pack("<I", 2**31 - 1)),
        "a memo entry that isn't there": program(b"j" + struct.pack("<I", 2**31 - 1)),
        "an array of 10^18 numbers": segment_of(array_of(b"\x8a\x08" + struct.pack("<Q", 10**18) + b"\x85", b"C\x00")),
        "an array of 10^40 numbers": segment_of(
            array_of(b"\x8a\x11" + (10**40).to_bytes(17, "little") + b"\x85", b"C\x00")
        ),
        "an array of -1 numbers": segment_of(array_of(b"J\xff\xff\xff\xff\x85", b"C\x00")),
        "an array of objects with bytes": segment_of(
            array_of(b"K\x01\x85", b"C\x08" + b"\x41" * 8, stacked("numpy", "dtype") + text("O8") + b"\x85R")
        ),
        "a structured array": segment_of(
            array_of(b"K\x01\x85", b"C\x08" + b"\x41" * 8, stacked("numpy", "dtype") + text("V8") + b"\x85R")
        ),
        "a dtype of 10^6 bytes an item": segment_of(
            array_of(b"K\x01\x85", b"C\x00", stacked("numpy", "dtype") + text("S999999") + b"\x85R")
        ),
        "a tuple 30,000 deep as a key": program(b"}", b")" + b"\x85" * 30_000, b"Ns"),
        "a tuple 30,000 deep": program(b")" + b"\x85" * 30_000),
        "a list 30,000 deep": program(b"]" * 30_000 + b"a" * 29_999),
        "marks, 30,000 deep": program(b"(" * 30_000),
        "a list in itself": program(b"]\x94h\x00a"),
        "a list as a key": program(b"}]Ns"),
        "an unfinished stack": program(b""),
        "items for a number": program(b"K\x01K\x02a"),
        "entries for a list": program(b"]K\x01K\x02s"),
        "an odd number of entries": program(b"}(K\x01u"),
        "bytes that are no opcode": program(b"\xff"),
        "an unknown protocol": b"\x80\x09N.",
        "nothing": b"",
        "a text": b"this is not a pickle\n",
        "an archive": b"PK\x03\x04" + b"\x00" * 40,
        "zeros": b"\x00" * 1000,
        "another pickle": pickle.dumps({"a": [1, 2.5, None]}, 4),
        "another object of neo": pickle.dumps(neo.ChannelView(_signal(), [0]), 4),
    }
    return made


def _segment_with(annotation: object) -> neo.Segment:
    segment = neo.Segment()
    segment.annotations = {"sheet_name": annotation}
    return segment


def _signal() -> neo.AnalogSignal:
    return neo.AnalogSignal(np.zeros((2, 1)), units="mV", sampling_rate=1000 * neo.core.analogsignal.pq.Hz)


Spoil = Callable[[Path, Path], None]
"""Spoils a file of a store, given the file and a directory outside of the store."""


def _link_out(file: Path, outside: Path) -> None:
    file.rename(outside / file.name)
    file.symlink_to(outside / file.name)


def _link_through_a_directory(file: Path, outside: Path) -> None:
    file.rename(outside / file.name)
    (file.parent / "inside").symlink_to(outside)
    file.symlink_to(file.parent / "inside" / file.name)


def _dangle(file: Path, outside: Path) -> None:
    file.unlink()
    file.symlink_to(outside / "gone")


def _loop(file: Path, outside: Path) -> None:
    file.unlink()
    file.symlink_to(file)


def _pipe(file: Path, outside: Path) -> None:
    import os  # noqa: PLC0415

    file.unlink()
    os.mkfifo(file)


def _directory(file: Path, outside: Path) -> None:
    file.unlink()
    file.mkdir()


def _nothing(file: Path, outside: Path) -> None:
    file.unlink()


SPOILS: dict[str, Spoil] = {
    "a link out of the directory": _link_out,
    "a link through a linked directory": _link_through_a_directory,
    "a dangling link": _dangle,
    "a link to itself": _loop,
    "a pipe": _pipe,
    "a directory": _directory,
    "no file": _nothing,
}
