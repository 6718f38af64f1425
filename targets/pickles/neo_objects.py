"""What the objects of neo in a pickle hold: spike trains, analog signals, and the lists that they stand in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.pickles.inert import Array, Instance, Refused
from targets.pickles.train_runs import TrainKind, TrainRun, train_id, train_kind
from targets.pickles.units import Unit, milliseconds, unit_of
from targets.spikes import SpikeTrains

# what PyNN calls the ids of a signal's neurons, and what it called them once, as mozaik still does
_IDS = ("channel_ids", "source_ids")
_HERTZ = {"hertz": 1.0, "kilohertz": 1e3, "megahertz": 1e6, "Hz": 1.0, "kHz": 1e3, "MHz": 1e6}


def items_of(container: object) -> list[Any]:
    """Return the items of neo's containers, which were lists before neo 0.12."""
    if isinstance(container, Instance):
        container = container.state.get("_items", container.elements)
    return container if isinstance(container, list) else []


def spike_trains(container: object) -> SpikeTrains | None:
    """Return the trains that a container of neo's holds; None if it holds none.

    Raises
    ------
    Refused
        If they aren't what neo writes, or of different windows.
    ValueError
        If they contradict each other, see `SpikeTrains.create`.
    """
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
    neurons = integers(ids)
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


def integers(values: object) -> NDArray[np.int64]:
    """Return ids, a list of integers or an array of them, as an array of int64, (n,)."""
    if isinstance(values, Array):
        array = values.numpy().reshape(-1)
        if array.dtype.kind == "O":
            return integers(list(array))
        if array.dtype.kind not in "iu":
            raise Refused(f"ids of type {array.dtype}")
        return array.astype(np.int64)
    if not isinstance(values, list) or not all(type(value) is int for value in values):
        raise Refused("ids that aren't integers")
    try:
        return np.array(values, np.int64)
    except OverflowError:
        raise Refused("ids of more than 64 bits") from None


class AnalogSignal(NamedTuple):
    """An analog signal as the file gives it: some arguments of neo's ``_new_AnalogSignalArray``."""

    name: str
    values: Array
    units: object
    t_start: object
    rate: object
    period: object
    annotated_ids: object = None

    def ids(self) -> NDArray[np.int64]:
        """Return the simulator's ids of the neurons, (n_cells,); empty if the file does not say whose the columns are.

        A signal of several locations of each neuron has more columns than ids, and whose they are is not known either.
        """
        try:
            ids = integers(self.annotated_ids)
        except Refused:
            return np.zeros(0, np.int64)
        values = self.values.numpy()
        return ids if ids.size == (values.shape[1] if values.ndim == 2 else 1) else ids[:0]

    def numbers(self) -> tuple[NDArray[Any], Unit]:
        """Return the values in the unit of the file, (n_samples, n_cells), and that unit.

        Raises
        ------
        Refused
            If they aren't numbers in one or two dimensions, or not of a unit that is known.
        """
        values, unit = self.values.numpy(), unit_of(self.units)
        if values.dtype.kind not in "fiu" or values.ndim not in {1, 2}:
            raise Refused(f"values of type {values.dtype} in {values.ndim} dimensions")
        return values if values.ndim == 2 else values[:, None], unit

    def start(self) -> float:
        """Return the time of the first sample, ms."""
        return milliseconds(self.t_start)

    def step(self) -> float:
        """Return the time between two samples, ms: PyNN gives neo a period, other writers a rate, in Hz or 1/ms."""
        try:
            step = milliseconds(self.period)
        except Refused:
            step = 1.0 / _per_millisecond(self.rate)
        if not (math.isfinite(step) and step > 0):
            raise Refused("an analog signal without a sampling period")
        return step


def analog_signal(signal: object) -> AnalogSignal:
    """Read ``_new_AnalogSignalArray(cls, signal, units, dtype, copy, t_start, rate, period, name, ...)``.

    Raises
    ------
    Refused
        If it is something else.
    """
    if not isinstance(signal, Instance) or len(signal.args) < 9 or not isinstance(signal.args[1], Array):
        raise Refused("a malformed analog signal")
    _, values, units, _, _, t_start, rate, period, name = signal.args[:9]
    annotations = [each for each in signal.args[9:] if isinstance(each, dict)]
    ids = next((each[key] for each in annotations for key in _IDS if key in each), None)
    return AnalogSignal(str(name), values, units, t_start, rate, period, ids)


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
