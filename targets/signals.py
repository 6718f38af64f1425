"""Reads recorded analog signals over time; targets only need their means, which `Segment.signals` has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.errors import DatastoreError
from targets.pickles import AnalogSignal, Instance, Refused, analog_signal, items_of, read_pickle


@dataclass(frozen=True, eq=False)
class Signal:
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
    ids : ndarray of int64, (n_cells,)
        The simulator's ids of the cells; empty if the file does not say whose the columns are.
    """

    name: str
    dimension: str
    values: NDArray[np.float64]
    t_start: float
    step: float
    ids: NDArray[np.int64]

    def times(self) -> NDArray[np.float64]:
        """Return the times of the samples in ms, (n_samples,)."""
        return np.asarray(self.t_start + self.step * np.arange(len(self.values)))


def read_traces(path: Path) -> list[Signal]:
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
            traces.append(_trace(analog_signal(signal)))
        except Refused:
            continue
    return [each for each in traces if each.values.size]


def _trace(signal: AnalogSignal) -> Signal:
    values, unit = signal.numbers()
    columns = np.asarray(values, np.float64)
    if unit.factor != 1:  # they may be large, and a copy is not needed
        columns = columns * unit.factor
    return Signal(signal.name, unit.dimension, columns, signal.start(), signal.step(), signal.ids())
