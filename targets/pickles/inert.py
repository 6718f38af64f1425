"""What a pickle is read into: plain data and the inert stand-ins of the few classes that mozaik's files hold.

Nothing here calls anything that a file names. A class becomes an :class:`Instance` that keeps what the file says about
it; numpy's arrays, dtypes and scalars are rebuilt from their bytes by :func:`numpy.frombuffer`.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Refused(Exception):
    """The stream asks for something that is not read."""


class Global:
    """A class or function that a pickle names and that is allowed; only a name."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name


class Instance:
    """An object of an allowed class, as the data that the file gives for it.

    Attributes
    ----------
    name : str
        Name of the class, or of the function that makes it (``_new_spiketrain``).
    args : tuple
        Arguments of that.
    state : dict
        Attributes by name.
    entries : dict
        Items of a mapping.
    elements : list
        Items of a list or set.
    """

    __slots__ = ("args", "elements", "entries", "name", "state")

    def __init__(self, name: str, args: tuple[Any, ...]) -> None:
        self.name = name
        self.args = args
        self.state: dict[Any, Any] = {}
        self.entries: dict[Any, Any] = {}
        self.elements: list[Any] = []

    def build(self, state: object) -> None:
        """Take the attributes that the file gives."""
        if isinstance(state, dict):
            self.state.update(state)
        elif state is not None:
            self.state["state"] = state  # of a class with a __setstate__ of its own, e.g. a unit; never looked at


_LETTERS = {"f4": "f", "f8": "d", "i4": "i", "i8": "q", "u4": "I", "u8": "Q"}
"""The numbers that struct reads, by numpy's code."""


class Dtype:
    """A numpy dtype of plain values."""

    __slots__ = ("_unpack", "code", "order")

    _PLAIN = re.compile(r"[biufcSU]\d{1,6}")

    def __init__(self, code: object) -> None:
        if not isinstance(code, str):
            raise Refused(f"a numpy dtype made from {type(code).__name__}")
        self.code = code
        self.order = "|"
        self._unpack: Callable[[bytes], tuple[Any, ...]] | None = None

    def build(self, state: object) -> None:
        """Take the byte order; anything structured is refused."""
        if not isinstance(state, tuple) or len(state) < 5 or state[1] not in {"<", ">", "|", "="}:
            raise Refused("a numpy dtype with a malformed state")
        if any(part is not None for part in state[2:5]):
            raise Refused("a structured numpy dtype")
        self.order = state[1]
        self._unpack = None

    def unpacker(self, size: int) -> Callable[[bytes], tuple[Any, ...]] | None:
        """Return what makes a tuple of one number from its `size` bytes; None if the dtype isn't such a number's."""
        if self._unpack is None and (letter := _LETTERS.get(self.code)) is not None:
            self._unpack = struct.Struct(self.order.replace("|", "=") + letter).unpack
        return self._unpack if self.code[1:] == str(size) else None

    @property
    def is_object(self) -> bool:
        """Whether the values are Python objects."""
        return self.code in {"O", "O8", "O4"}

    def numpy(self) -> np.dtype[Any]:
        """Return the dtype, which is one of plain values of fixed size."""
        if not self._PLAIN.fullmatch(self.code):
            raise Refused(f"numpy values of type {self.code!r}")
        try:
            return np.dtype(self.order.replace("|", "=") + self.code)
        except TypeError:
            raise Refused(f"numpy values of type {self.code!r}") from None


class Array:
    """A numpy array, or with ``units`` a Quantity, as its bytes, dtype and shape."""

    __slots__ = ("_data", "_dtype", "_fortran", "_shape", "units")

    def __init__(self) -> None:
        self._shape: tuple[int, ...] = (0,)
        self._dtype = Dtype("f8")
        self._fortran = False
        self._data: object = b""
        self.units: Instance | None = None

    def build(self, state: object) -> None:
        """Take ``(version, shape, dtype, is_fortran, data[, dimensionality])``."""
        if not isinstance(state, tuple) or len(state) not in {5, 6}:
            raise Refused("a numpy array with a malformed state")
        self.fill(shape=state[1], dtype=state[2], fortran=state[3], data=state[4])
        if len(state) == 6:
            if not isinstance(state[5], Instance):
                raise Refused("a quantity with malformed units")
            self.units = state[5]

    def fill(self, *, shape: object, dtype: object, fortran: object, data: object) -> None:
        """Take the parts, checking their types only."""
        if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 8:
            raise Refused(f"a numpy array of shape {shape!r:.60}")
        if not isinstance(dtype, Dtype) or not isinstance(data, (bytes, bytearray, memoryview, list)):
            raise Refused("a numpy array with a malformed state")
        self._shape, self._dtype, self._fortran, self._data = shape, dtype, bool(fortran), data

    def __len__(self) -> int:
        return self._shape[0] if self._shape else 0

    @property
    def data(self) -> object:
        """The bytes of the values, or a list of objects."""
        return self._data

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of plain values."""
        return self._dtype.numpy()

    def numpy(self) -> NDArray[Any]:
        """Return the array, a read-only view of the file's bytes if it can be one."""
        size = math.prod(self._shape)
        if self._dtype.is_object:
            if not isinstance(self._data, list) or len(self._data) != size:
                raise Refused("a numpy array of objects whose length differs from its shape")
            objects = np.empty(size, dtype=object)
            for index, item in enumerate(self._data):
                objects[index] = item
            return objects.reshape(self._shape)
        dtype = self.dtype
        if isinstance(self._data, list) or len(self._data) != size * dtype.itemsize:  # type: ignore[arg-type]
            raise Refused(f"a numpy array of shape {self._shape!r:.60} whose data has another length")
        if not size:
            return np.empty(self._shape, dtype)
        values = np.frombuffer(self._data, dtype)  # type: ignore[call-overload]
        shaped: NDArray[Any] = values.reshape(self._shape, order="F" if self._fortran else "C")
        return shaped


def _make_array(*_: object) -> Array:
    return Array()


def _make_array_of_buffer(data: object, dtype: object, shape: object, order: object = "C") -> Array:
    array = Array()
    array.fill(shape=shape, dtype=dtype, fortran=order == "F", data=data)
    return array


def _make_dtype(code: object, *_: object) -> Dtype:
    return Dtype(code)


def _make_scalar(dtype: object, data: object = b"") -> object:
    """Return a numpy scalar as the Python number or text it stands for."""
    array = Array()
    array.fill(shape=(), dtype=dtype, fortran=False, data=data)
    return array.numpy().item()


def _make_bytes(text: object, encoding: object = "latin1") -> bytes:
    """Protocol 2 writes bytes as text of code points below 256."""
    if not isinstance(text, str) or encoding not in {"latin1", "latin-1"}:
        raise Refused("a call of _codecs.encode other than for bytes")
    try:
        return text.encode("latin1")
    except UnicodeEncodeError:
        raise Refused("a call of _codecs.encode other than for bytes") from None


def _make_no_bytes() -> bytes:
    """Protocol 2 writes the empty byte string as a call of bytes."""
    return b""


def _make_object(cls: object, _base: object, state: object = None) -> Instance:
    """``copyreg._reconstructor(cls, base, state)``: `state` is the value of the built-in base class."""
    if not isinstance(cls, Global):
        raise Refused("an object without a class")
    made = Instance(cls.name, ())
    if isinstance(state, dict):
        made.entries.update(state)
    return made


def make_instance_of(name: str) -> Callable[..., Instance]:
    """Return what makes an `Instance` of its arguments."""

    def make(*args: object) -> Instance:
        return Instance(name, args)

    return make


Maker = Callable[..., object]


@dataclass(frozen=True)
class Vocabulary:
    """What a pickle may name; all else is refused.

    Parameters
    ----------
    makers : mapping of (str, str) to callable
        What may be called, by module and name, and what is called instead of it.
    names : frozenset of (str, str)
        What may be named and not called.
    packages : tuple of str
        Packages of which everything may be named, and called to make an `Instance`.
    described : str
        What is expected, for people.
    """

    makers: Mapping[tuple[str, str], Maker]
    names: frozenset[tuple[str, str]]
    packages: tuple[str, ...] = ()
    described: str = "one of mozaik's data classes"

    def allows(self, module: object, name: object) -> bool:
        """Whether a pickle may name this."""
        return (module, name) in self.makers or (module, name) in self.names or self._of_package(module)

    def maker(self, called: Global) -> Maker | None:
        """Return what is called instead of this; None if it may not be called."""
        maker = self.makers.get((called.module, called.name))
        if maker is None and self._of_package(called.module):
            return make_instance_of(called.name)
        return maker

    def _of_package(self, module: object) -> bool:
        return isinstance(module, str) and module.partition(".")[0] in self.packages


_CLASSES = {
    "mozaik.storage.neo_neurotools_wrapper": ["PickledDataStoreNeoWrapper"],
    "neo.core.block": ["Block"],
    "neo.core.segment": ["Segment"],
    "neo.core.group": ["Group"],
    "neo.core.unit": ["Unit"],
    "neo.core.channelindex": ["ChannelIndex"],
    "neo.core.view": ["ChannelView"],
    "neo.core.objectlist": ["ObjectList"],
    "neo.core.spiketrainlist": ["SpikeTrainList"],
    "neo.core.dataobject": ["ArrayDict"],
    "neo.core.spiketrain": ["SpikeTrain", "_new_spiketrain"],
    "neo.core.analogsignal": ["AnalogSignal", "_new_AnalogSignalArray"],
    "neo.core.irregularlysampledsignal": ["IrregularlySampledSignal", "_new_IrregularlySampledSignal"],
    "neo.core.event": ["Event", "_new_event"],
    "neo.core.epoch": ["Epoch", "_new_epoch"],
    "neo.core.imagesequence": ["ImageSequence", "_new_imagesequence"],
    "quantities.dimensionality": ["Dimensionality"],
    "quantities.unitquantity": [
        "CompoundUnit", "Dimensionless", "IrreducibleUnit", "UnitAngle", "UnitConstant", "UnitCurrency",
        "UnitCurrent", "UnitInformation", "UnitLength", "UnitLuminousIntensity", "UnitMass", "UnitQuantity",
        "UnitSubstance", "UnitTemperature", "UnitTime",
    ],
    "datetime": ["date", "datetime", "time", "timedelta", "timezone"],
    "collections": ["OrderedDict"],
    "builtins": ["frozenset", "set"],
    "__builtin__": ["frozenset", "set"],
}  # fmt: skip

_NAMES_ONLY = {
    "neo.core.dataobject": ["_normalize_array_annotations"],
    "numpy": ["ndarray"],
    "quantities.quantity": ["Quantity"],
    "builtins": ["dict", "list", "object", "tuple"],
    "__builtin__": ["dict", "list", "object", "tuple"],
}

MAKERS: dict[tuple[str, str], Maker] = {
    (module, name): make_instance_of(name) for module, names in _CLASSES.items() for name in names
}
"""What may be called, by module and name, and what is called instead of it."""

MAKERS |= {
    ("numpy", "dtype"): _make_dtype,
    ("quantities.quantity", "_reconstruct_quantity"): _make_array,
    ("copyreg", "_reconstructor"): _make_object,
    ("copy_reg", "_reconstructor"): _make_object,
    ("_codecs", "encode"): _make_bytes,
    ("builtins", "bytes"): _make_no_bytes,
    ("__builtin__", "bytes"): _make_no_bytes,
}
for _core in ("numpy.core", "numpy._core"):
    MAKERS[_core + ".multiarray", "_reconstruct"] = _make_array
    MAKERS[_core + ".multiarray", "scalar"] = _make_scalar
    MAKERS[_core + ".numeric", "_frombuffer"] = _make_array_of_buffer

MOZAIK = Vocabulary(MAKERS, frozenset((module, name) for module, names in _NAMES_ONLY.items() for name in names))
"""What mozaik's files name."""
