"""A segment: what one sheet recorded during one presentation of a stimulus."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.errors import DatastoreError
from targets.pickles.inert import Array, Instance, Refused
from targets.pickles.train_runs import TrainKind, TrainRun, train_id, train_kind
from targets.pickles.unpickle import read_pickle
from targets.spikes import SpikeTrains
from targets.units import milliseconds, unit_of


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
    """None where no spikes were recorded."""
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
    """Parameters of the stimulus by name; ``name`` is its class. Empty where the annotation can't be read."""
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
        return Recording(_spikes(trains), tuple(_signal(each) for each in items_of(signals)))
    except Refused as refusal:
        raise DatastoreError(f"{path} can't be read: it holds {refusal}") from None
    except ValueError as error:
        raise DatastoreError(f"{path} can't be read: {error}") from None


def items_of(container: object) -> list[Any]:
    """Return the items of neo's containers, which were lists before neo 0.12."""
    if isinstance(container, Instance):
        container = container.state.get("_items", container.elements)
    return container if isinstance(container, list) else []


def _spikes(container: object) -> SpikeTrains | None:
    if isinstance(container, Instance) and container.state.get("_items") is None and not container.elements:
        return _multiplexed(container.state)
    kinds: set[TrainKind] = set()
    times: list[NDArray[np.float64]] = []
    counts: list[int] = []
    ids: list[int] = []
    for train in items_of(container):
        if isinstance(train, TrainRun):
            kinds.add(train.kind)
            times.append(train.times())
            counts += train.counts
            ids += train.ids
        elif isinstance(train, Instance):
            kind = train_kind(train)
            kinds.add(kind)
            times.append(np.asarray(train.args[1].numpy(), np.float64).reshape(-1) * kind.to_ms)
            counts.append(times[-1].size)
            ids.append(train_id(train))
        else:
            raise Refused(f"a spike train of type {type(train).__name__}")
    if not ids:
        return None
    windows = {(kind.t_start, kind.t_stop) for kind in kinds}
    if len(windows) > 1:
        raise Refused(f"spike trains of different windows, {sorted(windows)[:3]} ms")
    window = windows.pop()
    return SpikeTrains.create(np.concatenate(times), np.array(counts, np.int64), np.array(ids, np.int64), *window)


def _multiplexed(state: Mapping[Any, Any]) -> SpikeTrains | None:
    """Read neo's other form of a train list: all times, and the id of each."""
    times, owners, ids = (state.get(key) for key in ("_spike_time_array", "_channel_id_array", "_all_channel_ids"))
    metadata = state.get("_spiketrain_metadata")
    if times is None:
        return None
    if not isinstance(times, Array) or not isinstance(owners, Array) or not isinstance(metadata, dict):
        raise Refused("a malformed list of spike trains")
    neurons = numbers(ids)
    order = np.argsort(neurons, kind="stable")
    place = np.searchsorted(neurons[order], owners.numpy())
    if neurons.size == 0 or not np.array_equal(neurons[order][np.minimum(place, neurons.size - 1)], owners.numpy()):
        raise Refused("spikes of a neuron that isn't listed")
    owner = order[place]
    unit = unit_of(times if times.units is not None else metadata.get("units"))
    values = np.asarray(times.numpy(), np.float64) * unit.factor
    window = milliseconds(metadata.get("t_start")), milliseconds(metadata.get("t_stop"))
    counts = np.bincount(owner, minlength=neurons.size)
    return SpikeTrains.create(values[np.lexsort((values, owner))], counts, neurons, *window)


def numbers(values: object) -> NDArray[np.int64]:
    """Return ids, a list of integers or an array of them, as an array."""
    if isinstance(values, Array):
        array = values.numpy().reshape(-1)
        if array.dtype.kind == "O":
            return numbers(list(array))
        if array.dtype.kind not in "iu":
            raise Refused(f"ids of type {array.dtype}")
        return array.astype(np.int64)
    if not isinstance(values, list) or not all(type(value) is int for value in values):
        raise Refused("ids that aren't integers")
    return np.array(values, np.int64)


def _signal(signal: object) -> SignalSummary:
    """Summarise ``_new_AnalogSignalArray(cls, signal, units, dtype, copy, t_start, rate, period, name, ...)``."""
    if not isinstance(signal, Instance) or len(signal.args) < 9 or not isinstance(signal.args[1], Array):
        raise Refused("a malformed analog signal")
    name = str(signal.args[8])
    try:
        values, unit = signal.args[1].numpy(), unit_of(signal.args[2])
    except Refused as refusal:
        return SignalSummary(name, "", math.nan, 0, str(refusal))
    if values.dtype.kind not in "fiu" or values.ndim not in {1, 2}:
        return SignalSummary(name, "", math.nan, 0, f"values of type {values.dtype} in {values.ndim} dimensions")
    mean = float(values.mean(dtype=np.float64)) * unit.factor if values.size else math.nan
    return SignalSummary(name, unit.dimension, mean, values.shape[1] if values.ndim == 2 else 1, None)
