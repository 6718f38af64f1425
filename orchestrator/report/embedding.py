"""Figures as JSON that a page carries: numbers as base64 of little-endian arrays, each array once."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from orchestrator.report.scene import Array, Pick, Taken
from orchestrator.text import plain

_LARGEST = float(np.finfo(np.float32).max)


class Embedding:
    """Collects arrays, so that one that is used twice is kept once."""

    def __init__(self) -> None:
        self._arrays: list[dict[str, Any]] = []
        self._known: dict[str, int] = {}

    def array(self, array: Array) -> dict[str, Any]:
        """Return a reference to an array of numbers: ``{"$": index}``."""
        kind, packed = _packed(np.asarray(array))
        raw = packed.tobytes()
        key = f"{kind}{packed.shape}{hashlib.sha256(raw).hexdigest()}"
        if key not in self._known:
            self._known[key] = len(self._arrays)
            entry = {"t": kind, "b": base64.b64encode(raw).decode("ascii")}
            self._arrays.append(entry | ({"columns": packed.shape[1]} if packed.ndim == 2 else {}))
        return {"$": self._known[key]}

    def data(self, part: Any) -> Any:
        """Return a part of a figure, or anything made of lists, dictionaries and arrays, as JSON can hold it."""
        if isinstance(part, np.ndarray):
            return self.array(part)
        if isinstance(part, Taken):
            return {**self.array(part.array), "rows": self.array(part.rows)}
        if isinstance(part, Pick):
            return {"?": part.key, "of": [self.data(each) for each in part.of]}
        if is_dataclass(part) and not isinstance(part, type):
            data = {field.name: self.data(getattr(part, field.name)) for field in fields(part)}
            return {"kind": type(part).__name__, **data}
        if isinstance(part, dict):
            return {str(key): self.data(each) for key, each in part.items()}
        if isinstance(part, (list, tuple)):
            return [self.data(each) for each in part]
        if isinstance(part, (float, np.floating)):
            return _number(float(part))
        if isinstance(part, str):
            return plain(part)
        return int(part) if isinstance(part, np.integer) else part

    @property
    def arrays(self) -> list[dict[str, Any]]:
        """All arrays so far, each ``{"t": type, "b": base64}``, with ``columns`` if it has rows."""
        return self._arrays


def _packed(array: Array) -> tuple[str, Array]:
    """Return the name of a type in JavaScript and the array in it: 7 digits do for a picture."""
    if array.dtype.kind in "iub":
        kind = "u2" if not array.size or (array.min() >= 0 and array.max() < 2**16) else "i4"
        return kind, array.astype({"u2": "<u2", "i4": "<i4"}[kind])
    with np.errstate(over="ignore"):
        clipped = np.clip(array.astype(float), -_LARGEST, _LARGEST)
    return "f4", clipped.astype("<f4")


def _number(number: float) -> float | None:
    """Return what JSON can hold; infinities become numbers beyond any axis."""
    if math.isnan(number):
        return None
    return float(f"{min(max(number, -1e300), 1e300):.9g}")


def script_json(data: Any) -> str:
    """Return JSON that can stand inside a script element whatever the texts in it say."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
