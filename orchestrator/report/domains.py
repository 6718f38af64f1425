"""Ends of axes, and where values lie between bounds."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.records import FloatArray

Domain = tuple[float, float]
# ends are nowhere beyond what has a finite range, nor those of logarithmic axes below what has all digits
_FARTHEST, _LARGEST, LEAST = 1e300, sys.float_info.max, sys.float_info.min


def padded(low: float, high: float, share: float = 0.05) -> Domain:
    """Return the two ends with some room beyond; a range even where both are the same or not finite."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return (0.0, 1.0)
    low, high = (min(max(end, -_FARTHEST), _FARTHEST) for end in (low, high))
    room = (high - low) * share or abs(low) * 0.1 or 1.0
    return (low - room, high + room)


def around(*numbers: Any, share: float = 0.05) -> Domain:
    """Return ends that hold all finite numbers."""
    flat = np.concatenate([np.ravel(np.asarray(each, dtype=float)) for each in numbers])
    flat = flat[np.isfinite(flat)]
    return padded(float(flat.min()), float(flat.max()), share) if len(flat) else (0.0, 1.0)


def central(values: FloatArray, *also: float) -> Domain:
    """Return ends that hold the central 96 % of `values`, and all of `also`: a few far ones don't hide the rest."""
    known = values[np.isfinite(values)]
    edges = np.quantile(known, [0.02, 0.98]) if len(known) else np.zeros(0)
    return around(edges, also, share=0.08)


def from_zero(*numbers: Any, share: float = 0.06) -> Domain:
    """Return 0 and an end that holds all finite numbers."""
    high = around(0.0, *numbers, share=share)[1]
    return (0.0, high if high > 0 else 1.0)


def log_domain(*numbers: Any) -> Domain:
    """Return ends of a logarithmic axis for the positive ones of the numbers, at most twelve decades apart."""
    flat = np.concatenate([np.ravel(np.asarray(each, dtype=float)) for each in numbers])
    flat = flat[np.isfinite(flat) & (flat > 0)]
    if not len(flat):
        return (0.1, 10.0)
    low, high = (min(max(float(end), LEAST), _FARTHEST) for end in (flat.min(), flat.max()))
    return (max(low / 1.25, high / 1e12), high * 1.25)


def parameter_domain(parameter: Parameter) -> Domain:
    """Return the bounds with a little room."""
    if parameter.log:
        room = math.exp(0.03 * (math.log(parameter.high) - math.log(parameter.low)))
        return (max(parameter.low / room, LEAST), min(parameter.high * room, _LARGEST))
    return padded(parameter.low, parameter.high, 0.03)


def places_between(space: SearchSpace, values: Sequence[float]) -> FloatArray:
    """Return where a value of each parameter lies from the lower bound (0) to the upper (1), on their own scales.

    Bounds that other parameters decide are those beside these values. NaN where a value is.
    """
    pairs = list(zip(space.beside(dict(zip(space.names, values, strict=True))), values, strict=True))
    return np.array([each.place(each.encode(value)) if math.isfinite(value) else math.nan for each, value in pairs])
