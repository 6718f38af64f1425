"""Constants of a script as they are written in a module."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

# characters of one, beyond which it belongs in a file
_LONGEST = 100_000
_PLAIN = (bool, int, str, bytes, type(None))
_NUMPY = "import numpy as _numpy"


@dataclass(frozen=True)
class Written:
    """The expression that makes a constant, and the imports that it needs."""

    text: str
    imports: frozenset[str] = frozenset()


def written(value: object) -> Written | None:
    """Return how a constant is written, with all its digits; None if it is no number, text, path or array, or of these.

    Parameters
    ----------
    value : object
        Of exactly one of these types: objects of others may have more to them than what they look like.
    """
    try:
        found = _written(value)
    except RecursionError:  # it holds itself
        return None
    return found if found is not None and len(found.text) <= _LONGEST else None


def _written(value: object) -> Written | None:
    kind = type(value)
    if kind in _PLAIN:
        return Written(repr(value))
    if isinstance(value, float) and kind is float:
        return Written(repr(value) if math.isfinite(value) else f"float({str(value)!r})")
    if isinstance(value, (list, tuple, set)) and kind in (list, tuple, set):
        return _of_several(value, kind)
    if isinstance(value, dict) and kind is dict:
        return _joined([_pair(*each) for each in value.items()], "{", "}")
    if isinstance(value, PurePath):
        return Written(f"_pathlib.Path({str(value)!r})", frozenset({"import pathlib as _pathlib"}))
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biuf":
        return _of_numpy(value)
    return None


def _of_several(value: Iterable[object], kind: type) -> Written | None:
    parts = [_written(each) for each in value]
    if kind is list:
        return _joined(parts, "[", "]")
    if kind is tuple:
        return _joined(parts, "(", ",)" if len(parts) == 1 else ")")
    # the order of a set of texts is another in each process
    return _joined(sorted(parts, key=lambda each: each.text if each else ""), "set([", "])")


def _pair(key: object, value: object) -> Written | None:
    found = [_written(key), _written(value)]
    joined = _joined(found, "", "")
    return joined and Written(": ".join(each.text for each in found if each), joined.imports)


def _of_numpy(value: np.ndarray | np.generic) -> Written | None:
    # no number of Python has all digits of a long double
    if value.dtype.type is np.longdouble or (isinstance(value, np.ndarray) and type(value) is not np.ndarray):
        return None
    numbers = _written(value.tolist())
    if numbers is None:
        return None
    array = f"_numpy.array({numbers.text}, dtype={value.dtype.str!r})"
    if value.size == 0:  # lists of nothing do not have all of its lengths
        array += f".reshape({value.shape!r})"
    return Written(array if isinstance(value, np.ndarray) else f"{array}[()]", frozenset({_NUMPY}))


def _joined(parts: list[Written | None], first: str, last: str) -> Written | None:
    found = [each for each in parts if each is not None]
    if len(found) < len(parts):
        return None
    text = first + ", ".join(each.text for each in found) + last
    return Written(text, frozenset().union(*(each.imports for each in found)))
