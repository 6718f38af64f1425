"""A segment: what one sheet recorded during one presentation of a stimulus."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from targets.errors import DatastoreError
from targets.pickles import AnalogSignal, Instance, Refused, analog_signal, items_of, read_pickle, spike_trains
from targets.spikes import SpikeTrains


@dataclass(frozen=True)
class SignalSummary:
    """What targets need of a recorded analog signal."""

    name: str
    dimension: str
    """"voltage", "conductance", "current" or "dimensionless"."""
    mean: float
    """Over recorded cells and time; mV, uS or nA."""
    n_cells: int
    problem: str | None
    """Why it can't be read; the others of the segment can."""


@dataclass(frozen=True)
class Recording:
    """The contents of a segment's file."""

    spikes: SpikeTrains | None
    """None if no spikes were recorded."""
    signals: tuple[SignalSummary, ...]

    @property
    def size(self) -> int:
        """Bytes that the arrays take."""
        return 0 if self.spikes is None else self.spikes.times.nbytes + 16 * len(self.spikes)


@dataclass(frozen=True, eq=False)
class Segment:
    """One presentation of a stimulus, as one sheet recorded it; its file is read when it is asked for."""

    identifier: str
    sheet_name: str | None
    stimulus: Mapping[str, Any]
    """Parameters of the stimulus by name; ``name`` is its class. Empty if the annotation can't be read."""
    is_null: bool
    """Whether it is the blank after a stimulus, which carries the annotation of the stimulus that follows."""
    problem: str | None
    """Why the annotation can't be read."""
    _read: Callable[[str], Recording] = field(repr=False)

    def spikes(self) -> SpikeTrains:
        """Return the spike trains.

        Raises
        ------
        DatastoreError
            If the file is missing, broken or unsafe, or holds no spike trains.
        """
        trains = self._read(self.identifier).spikes
        if trains is None:
            raise DatastoreError(f"{self.identifier} has no spike trains: record spikes of {self.sheet_name}")
        return trains

    def signals(self) -> tuple[SignalSummary, ...]:
        """Return the recorded analog signals.

        Raises
        ------
        DatastoreError
            If the file is missing, broken or unsafe.
        """
        return self._read(self.identifier).signals


def mean_over_cells(signals: Sequence[SignalSummary]) -> float:
    """Return the mean of one signal, which some recorders split into parts of some cells each."""
    return sum(each.mean * each.n_cells for each in signals) / sum(each.n_cells for each in signals)


def read_recording(path: Path) -> Recording:
    """Read the file of a segment.

    Raises
    ------
    DatastoreError
        If it is missing, broken, unsafe, or no segment; names it.
    """
    content = read_pickle(path)
    if not isinstance(content, Instance) or content.name not in {"Segment", "PickledDataStoreNeoWrapper"}:
        raise DatastoreError(f"{path} holds no neo segment")
    try:
        trains = content.state.get("_spiketrains", content.state.get("spiketrains"))
        signals = content.state.get("_analogsignals", content.state.get("analogsignals"))
        return Recording(spike_trains(trains), tuple(_summary(analog_signal(each)) for each in items_of(signals)))
    except Refused as refusal:
        raise DatastoreError(f"{path} can't be read: it holds {refusal}") from None
    except ValueError as error:
        raise DatastoreError(f"{path} can't be read: {error}") from None


def _summary(signal: AnalogSignal) -> SignalSummary:
    try:
        values, unit = signal.numbers()
    except Refused as refusal:
        return SignalSummary(signal.name, "", math.nan, 0, str(refusal))
    mean = float(values.mean(dtype=np.float64)) * unit.factor if values.size else math.nan
    return SignalSummary(signal.name, unit.dimension, mean, values.shape[1], None)
