"""Reads numpy's scalars in a pickle in fewer steps than opcodes: the annotations of neurons hold a million of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from targets.pickles.inert import Dtype, Global

UNREAD = object()
"""Stands in the memo for what was read as a part of many."""

_REFERENCE = rb"(?:h.|j.{4})"
_CALL = rb"C\x08(.{8})\x94\x86\x94R\x94"
_SCALAR = re.compile(rb"(" + _REFERENCE + rb")" + _CALL, re.DOTALL)
"""What follows numpy's function that makes a scalar: the dtype, eight bytes, the call."""
_ENTRY = re.compile(rb"(" + 3 * _REFERENCE + rb")" + _CALL, re.DOTALL)
"""An entry of a mapping: the key, the function, and all that."""

Unpack = Callable[[bytes], tuple[Any, ...]]


class Scalars:
    """Reads scalars of eight bytes.

    Parameters
    ----------
    content : bytes
        The pickle.
    memo : list
        Of the interpreter; gets the entries that it would have made.
    """

    def __init__(self, content: bytes, memo: list[Any]) -> None:
        self._content = content
        self._memo = memo
        self._known: dict[bytes, tuple[list[Any], Unpack] | None] = {}

    def forget(self) -> None:
        """Forget what references stand for, because an entry of the memo has changed."""
        self._known.clear()

    def read(self, position: int) -> tuple[list[Any], int]:
        """Read the scalar whose function was read just before `position`, and the entries of scalars that follow it.

        Returns
        -------
        list
            The scalar, and the key and scalar of each entry; empty if there is no such scalar.
        int
            The position after them.
        """
        read: list[Any] = []
        pattern = _SCALAR
        while (found := pattern.match(self._content, position)) is not None:
            references, data = found.groups()
            try:
                known = self._known[references]
            except KeyError:
                known = self._known[references] = self._look_up(references)
            if known is None:
                break
            key, unpack = known
            (value,) = unpack(data)
            read += key
            read.append(value)
            self._memo += (UNREAD, UNREAD, value)  # its bytes, the arguments of the call
            position = found.end()
            pattern = _ENTRY
        return read, position

    def _look_up(self, references: bytes) -> tuple[list[Any], Unpack] | None:
        """Return the key, if there is one, and how the scalar is read; None if it's something else."""
        items = []
        while references:
            size = 2 if references[:1] == b"h" else 5
            items.append(self._memo[int.from_bytes(references[1:size], "little")])
            references = references[size:]
        *key, dtype = items
        if key:
            function = key.pop()
            if type(key[0]) is not str or type(function) is not Global or function.name != "scalar":
                return None
        unpack = dtype.unpacker(8) if type(dtype) is Dtype else None
        return None if unpack is None else (key, unpack)
