"""A results directory of the real size: four sheets, 100,000 neurons, seven presentations of 2-5 s.

neo makes and pickles about 4,000 spike trains per second. Here they are stand-ins that tell the pickler what neo's
objects would tell it, so that the files are the same byte by byte; `same_bytes` compares them with neo's own.
"""

from __future__ import annotations

import copyreg
import math
import pickle
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import neo
import numpy as np
import quantities as pq
from neo.core.dataobject import ArrayDict, _normalize_array_annotations
from neo.core.spiketrain import _new_spiketrain
from neo.core.spiketrainlist import SpikeTrainList
from quantities.dimensionality import Dimensionality
from quantities.quantity import _reconstruct_quantity

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from stores import DISK, GRATING, SPONTANEOUS, Store

SHEETS = {"V1_Exc_L4": 0.375, "V1_Inh_L4": 0.125, "V1_Exc_L2/3": 0.375, "V1_Inh_L2/3": 0.125}
SIDE = 5.0
"""Side of a sheet in degrees of visual field."""
RATES = (2.5, 2.6)
"""The least of the neurons' spontaneous rates, and their range, Hz; tuning makes 2 to 7 Hz of them."""
CELLS_WITH_SIGNALS = 10

PRESENTATIONS: list[dict[str, Any]] = [
    SPONTANEOUS | {"duration": 5000.0, "frame_duration": 5000.0},
    *(GRATING | {"duration": 2000.0, "orientation": n * math.pi / 4} for n in range(4)),
    GRATING | {"duration": 2000.0, "contrast": 10},
    DISK | {"duration": 2000.0},
]


class _Dimensionality:
    __class__ = property(lambda _: Dimensionality)  # type: ignore[assignment]  # the pickler compares it

    def __reduce_ex__(self, _: int) -> Any:
        return copyreg.__newobj__, (Dimensionality,), None, None, iter(((pq.ms, 1),))  # type: ignore[attr-defined]


_, (_, _, _SHAPE, _KIND), _ = pq.Quantity(1.0, "ms").__reduce__()  # the objects, for a pickler writes each once
_FLOAT = np.dtype(float)


class _Milliseconds:
    """A scalar quantity."""

    __slots__ = ("number",)

    def __init__(self, number: bytes) -> None:
        self.number = number

    def __reduce_ex__(self, _: int) -> Any:
        state = (1, (), _FLOAT, False, bytes(bytearray(self.number)), _Dimensionality())  # a byte string of its own
        return _reconstruct_quantity, (pq.Quantity, np.ndarray, _SHAPE, _KIND), state


class _ArrayAnnotations:
    __slots__ = ("length",)

    def __init__(self, length: int) -> None:
        self.length = length

    def __reduce_ex__(self, _: int) -> Any:
        state = {"check_function": _normalize_array_annotations, "length": self.length}
        return copyreg._reconstructor, (ArrayDict, dict, {}), state  # type: ignore[attr-defined]


_ONE, _ZERO = np.float64(1).tobytes(), np.float64(0).tobytes()
_HERTZ = neo.SpikeTrain([], t_stop=1, units="ms").sampling_rate


class _Train:
    """A spike train."""

    __slots__ = ("annotations", "segment", "stop", "times")

    def __init__(self, times: Any, stop: bytes, annotations: dict[str, Any], segment: neo.Segment) -> None:
        self.times, self.stop, self.annotations, self.segment = times, stop, annotations, segment

    def __reduce_ex__(self, _: int) -> Any:
        return _new_spiketrain, (
            neo.SpikeTrain,
            self.times,
            _Milliseconds(self.stop),
            _Milliseconds(_ONE),
            _FLOAT,
            None,
            _HERTZ,
            _Milliseconds(_ZERO),
            None,
            None,
            None,
            None,
            None,
            _ArrayAnnotations(len(self.times)),
            self.annotations,
            self.segment,
            None,
        )


class Trains(NamedTuple):
    """The spikes of a sheet during one presentation: train i is ``times[offsets[i]:offsets[i + 1]]``, in ms."""

    times: Any
    offsets: Any
    ids: Any
    duration: float

    def each(self) -> Iterator[tuple[Any, int]]:
        """Yield the times and the id of every train."""
        bounds = self.offsets.tolist()
        for neuron, start, stop in zip(self.ids.tolist(), bounds[:-1], bounds[1:], strict=True):
            yield self.times[start:stop], neuron


def stand_ins(trains: Trains, sheet: str, segment: neo.Segment) -> list[_Train]:
    """Return what is pickled as neo's spike trains would be."""
    stop = np.float64(trains.duration).tobytes()
    return [_Train(t, stop, {"source_population": sheet, "source_id": n}, segment) for t, n in trains.each()]


def neo_trains(trains: Trains, sheet: str, segment: neo.Segment) -> list[Any]:
    """Return neo's own."""
    made = [
        neo.SpikeTrain(t * pq.ms, t_stop=trains.duration, source_population=sheet, source_id=n)
        for t, n in trains.each()
    ]
    for train in made:
        train.segment = segment
    return made


def same_bytes(trains: Trains, sheet: str = "V1_Exc_L4", protocol: int = 4) -> bool:
    """Whether stand-ins are pickled as neo's own spike trains are."""
    pickled = []
    for make in (stand_ins, neo_trains):
        segment = neo.Segment()
        segment._spiketrains = _listed(make(trains, sheet, segment), segment)
        pickled.append(pickle.dumps(segment, protocol))
    return pickled[0] == pickled[1]


def _listed(trains: list[Any], segment: neo.Segment) -> SpikeTrainList:
    spiketrains = SpikeTrainList([], parent=segment)
    spiketrains._items = trains
    return spiketrains


class _Sheet(NamedTuple):
    name: str
    ids: Any
    rates: Any
    """Spontaneous rates in Hz, (n,)."""
    orientations: Any
    phases: Any


def write_evaluation(directory: Path, n_neurons: int = 100_000, seed: int = 0) -> float:
    """Write the results directory of a network of `n_neurons`; return the mean number of bytes of a spike train."""
    rng = np.random.default_rng(seed)
    store = Store(directory)
    sheets, first = [], 3
    for name, share in SHEETS.items():
        n = round(share * n_neurons)
        angles = rng.uniform(0, math.pi, n), rng.uniform(0, 2 * math.pi, n)
        sheet = _Sheet(name, np.arange(first, first + n), RATES[0] + RATES[1] * rng.random(n) ** 2, *angles)
        store.sheet(name, sheet.ids.tolist(), np.vstack([rng.uniform(-SIDE / 2, SIDE / 2, (2, n)), np.zeros(n)]))
        described = zip(*angles, *rng.uniform(0.4, 0.8, (3, n)), strict=True)
        names = [f"LGNAfferent{what}" for what in ("Orientation", "Phase", "AspectRatio", "Frequency", "Size")]
        store.block.annotations["neuron_annotations"][name] = [
            dict(zip(names, map(np.float64, numbers), strict=True)) for numbers in described
        ]
        sheets.append(sheet)
        first += n
    few = spikes(sheets[0]._replace(ids=sheets[0].ids[:300]), PRESENTATIONS[0], np.random.default_rng(seed))
    if not same_bytes(few):
        raise RuntimeError(f"neo {neo.__version__} writes spike trains in another way: adapt {Path(__file__).name}")
    for stimulus in PRESENTATIONS:
        for sheet in sheets:
            segment = neo.Segment(name="segment000")
            segment._spiketrains = _listed(stand_ins(spikes(sheet, stimulus, rng), sheet.name, segment), segment)
            for signal in _signals(stimulus["duration"], rng):
                segment.analogsignals.append(signal)
            store.add(segment, sheet.name, stimulus)
    store.write()
    size = sum(file.stat().st_size for file in directory.glob("Segment*.pickle"))
    signals = len(SHEETS) * sum(3 * 8 * CELLS_WITH_SIGNALS * (round(each["duration"]) + 1) for each in PRESENTATIONS)
    return (size - signals) / (len(PRESENTATIONS) * sum(sheet.ids.size for sheet in sheets))


def spikes(sheet: _Sheet, stimulus: Mapping[str, Any], rng: np.random.Generator) -> Trains:
    """Draw a sheet's spikes: Poisson trains on a grid of 0.1 ms, tuned to orientation and modulated at 2 Hz.

    All cells share the modulation of spontaneous activity, and are suppressed by a full field.
    """
    duration, n = stimulus["duration"], sheet.ids.size
    rates, depth, phases = sheet.rates[:n], 0.3, np.zeros(n)
    if "orientation" in stimulus:
        full = stimulus["name"] == GRATING["name"]
        gain = (0.4 if full else 0.55) * stimulus["contrast"] / 100
        rates = rates * (0.8 + gain * np.cos(sheet.orientations[:n] - stimulus["orientation"]) ** 2)
        depth, phases = 0.8, sheet.phases[:n]
    counts = rng.poisson(rates * duration / 1000)
    owner = np.repeat(np.arange(n), counts)
    # inverse of the integral of 1 + depth sin(2 pi 2 Hz t + phase), which is periodic in 500 ms
    cycle = np.linspace(0, 1, 2001)
    integral = cycle - depth * (np.cos(2 * np.pi * cycle) - 1) / (2 * np.pi)
    within = np.interp(rng.random(owner.size), integral, cycle) - phases[owner] / (2 * np.pi)
    times = (rng.integers(0, round(duration / 500), owner.size) + within % 1) * 500
    grid = np.clip(np.round(times * 10), 1, duration * 10)
    times = grid[np.lexsort((grid, owner))] / 10
    return Trains(times, np.concatenate(([0], np.cumsum(counts))), sheet.ids, duration)


def _signals(duration: float, rng: np.random.Generator) -> Iterator[neo.AnalogSignal]:
    shape = (round(duration) + 1, CELLS_WITH_SIGNALS)
    for name, units, mean, spread in (
        ("v", "mV", -60.0, 5.0),
        ("gsyn_exc", "uS", 0.002, 0.001),
        ("gsyn_inh", "uS", 0.009, 0.004),
    ):
        values = rng.uniform(mean - spread, mean + spread, shape)
        yield neo.AnalogSignal(values, units=units, name=name, sampling_rate=pq.kHz)
