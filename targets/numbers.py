"""What counts as a number, and as several, of all that a user's own code may return."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def as_number(value: Any) -> float | None:
    """Return what is a number as one; None for what says that there is none: None, masked values, NA of pandas.

    Scalars and arrays of one number, of numpy, pandas and whatever else has their method ``item``, are numbers.

    Raises
    ------
    TypeError
        If it is none; the message says what it is.
    """
    if value is None or np.ma.is_masked(value) or type(value).__name__ == "NAType":
        return None
    try:
        return float(value.item() if callable(getattr(value, "item", None)) else value)
    except (TypeError, ValueError, OverflowError):
        shape = f" of shape {value.shape}" if hasattr(value, "shape") else ""
        raise TypeError(f"expected a number, got {reprlib.repr(value)} ({type(value).__name__}{shape})") from None


def as_outputs(outputs: Any) -> FloatArray | None:
    """Return outputs of a target as an array of shape (n_outputs,); None for what says that there are none.

    Several of them have the precision that is stored, that of a 32-bit float, so that a value which is computed of
    stored outputs is the same; one number is as it is.

    Raises
    ------
    TypeError
        If these are no numbers; the message says what they are.
    """
    if isinstance(outputs, (list, tuple, np.ndarray)) and np.size(outputs) != 1:
        try:
            several = np.asarray(outputs, dtype=np.float64)
        except (TypeError, ValueError):
            raise TypeError(f"expected numbers, got {reprlib.repr(outputs)}") from None
        if several.ndim != 1:
            raise TypeError(f"expected outputs of shape (n,), got {several.shape}")
        return several.astype(np.float32).astype(np.float64)
    number = as_number(outputs[0] if isinstance(outputs, (list, tuple)) else outputs)
    return None if number is None else np.array([number])
