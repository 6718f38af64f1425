"""Recorded analog signals over time; targets need their means only, which `Segment.signals` has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.errors import DatastoreError
from targets.pickles.inert import Array, Instance, Refused
from targets.pickles.unpickle import read_pickle
from targets.segment import items_of
from targets.units import milliseconds, unit_of

_HERTZ = {"hertz": 1.0, "kilohertz": 1e3, "megahertz": 1e6, "Hz": 1.0, "kHz": 1e3, "MHz": 1e6}


@dataclass(frozen=True, eq=False)
class Trace:
    """One recorded signal of some cells.

    Attributes
    ----------
    name : str
        Such as ``gsyn_exc`` or ``v``.
    dimension : str
        ``voltage``, ``conductance``, ``current`` or ``dimensionless``.
    values : ndarray of float64, (n_samples, n_cells)
        In mV, uS or nA.
    t_start, step : float
        Time of the first sample, and between two, in ms.
    """

    name: str
    dimension: str
    values: NDArray[np.float64]
    t_start: float
    step: float

    def times(self) -> NDArray[np.float64]:
        """Return the times of the samples in ms, (n_samples,)."""
        return np.asarray(self.t_start + self.step * np.arange(len(self.values)))


def read_traces(path: Path) -> list[Trace]:
    """Read the analog signals of a segment's file; those that can't be read, or hold no samples, are left out.

    Raises
    ------
    DatastoreError
        If the file is missing, broken or unsafe; names it.
    """
    content = read_pickle(path)
    if not isinstance(content, Instance):
        raise DatastoreError(f"{path} holds no neo segment")
    traces = []
    for signal in items_of(content.state.get("_analogsignals", content.state.get("analogsignals"))):
        try:
            traces.append(_trace(signal))
        except Refused:
            continue
    return [each for each in traces if each.values.size]


def _trace(signal: object) -> Trace:
    """Read ``_new_AnalogSignalArray(cls, signal, units, dtype, copy, t_start, rate, period, name, ...)``."""
    if not isinstance(signal, Instance) or len(signal.args) < 9 or not isinstance(signal.args[1], Array):
        raise Refused("a malformed analog signal")
    unit, values = unit_of(signal.args[2]), signal.args[1].numpy()
    if values.dtype.kind not in "fiu" or values.ndim not in {1, 2}:
        raise Refused(f"an analog signal of type {values.dtype} in {values.ndim} dimensions")
    columns = np.asarray(values if values.ndim == 2 else values[:, None], np.float64)
    if unit.factor != 1:  # they may be large, and a copy is not needed
        columns = columns * unit.factor
    start = milliseconds(signal.args[5])
    return Trace(str(signal.args[8]), unit.dimension, columns, start, _step(signal.args[6], signal.args[7]))


def _step(rate: object, period: object) -> float:
    """Return the time between two samples in ms: PyNN gives neo a period, and other writers a rate, in Hz or 1/ms."""
    try:
        step = milliseconds(period)
    except Refused:
        step = 1.0 / _per_millisecond(rate)
    if not (math.isfinite(step) and step > 0):
        raise Refused("an analog signal without a sampling period")
    return step


def _per_millisecond(rate: object) -> float:
    if isinstance(rate, Instance) and rate.args and rate.args[0] in _HERTZ:  # the unit itself
        return _HERTZ[rate.args[0]] / 1e3
    if not isinstance(rate, Array) or rate.units is None or len(rate.units.entries) != 1:
        raise Refused("an analog signal without a sampling rate")
    ((unit, power),) = rate.units.entries.items()
    name = unit.args[0] if isinstance(unit, Instance) and unit.args else ""
    values = rate.numpy().reshape(-1)
    if values.size != 1 or values.dtype.kind not in "fiu" or not values[0] > 0:
        raise Refused("a sampling rate that isn't one number")
    if power == 1 and name in _HERTZ:
        return float(values[0]) * _HERTZ[name] / 1e3
    found = unit_of(name)
    if power != -1 or found.dimension != "time":
        raise Refused(f"a sampling rate in {name!r:.60}")
    return float(values[0]) / found.factor
