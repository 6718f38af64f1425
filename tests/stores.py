"""Writes mozaik results directories of every generation of the format, with neo's own objects."""

from __future__ import annotations

import functools
import json
import pickle
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import neo
import numpy as np
import quantities as pq
import quantities.registry

LAYOUTS = ("0.1.0", "2020", "2024")
_MODULE = "mozaik.storage.neo_neurotools_wrapper"

SPONTANEOUS = {
    "module_path": "mozaik.stimuli",
    "name": "InternalStimulus",
    "direct_stimulation_name": "None",
    "duration": 1000.0,
    "frame_duration": 1000.0,
    "trial": 0,
}
GRATING = {
    "module_path": "mozaik.stimuli.vision.topographica_based",
    "name": "FullfieldDriftingSinusoidalGrating",
    "contrast": 100,
    "orientation": 0.0,
    "spatial_frequency": 0.8,
    "temporal_frequency": 2.0,
    "duration": 1000.0,
    "trial": 0,
}
DISK = GRATING | {"name": "DriftingSinusoidalGratingDisk", "orientation": np.pi / 2, "radius": 0.5}


# quantities parses and compiles the name of a unit wherever one is given by its name: most of the time that neo takes
_unit_called = functools.cache(type(quantities.registry.unit_registry).__getitem__)
type(quantities.registry.unit_registry).__getitem__ = _unit_called


class _Stub(neo.Segment):
    """Stands for mozaik's PickledDataStoreNeoWrapper, and is pickled under its name."""


_Stub.__name__ = _Stub.__qualname__ = "PickledDataStoreNeoWrapper"
_Stub.__module__ = _MODULE


@contextmanager
def _mozaik_at_hand() -> Iterator[None]:
    names = ["mozaik", "mozaik.storage", _MODULE]
    before = {name: sys.modules.get(name) for name in names}
    for name in names:
        sys.modules[name] = types.ModuleType(name)
    sys.modules[_MODULE].PickledDataStoreNeoWrapper = _Stub  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


class Store:
    """A results directory in the making."""

    def __init__(self, directory: Path, layout: str = "0.1.0", protocol: int = 4) -> None:
        self.directory = directory
        self.layout = layout
        self.protocol = protocol
        self.block = neo.Block()
        self.block.annotations = {"neuron_ids": {}, "neuron_positions": {}, "neuron_annotations": {}}
        directory.mkdir(parents=True, exist_ok=True)

    def sheet(
        self,
        name: str,
        ids: Sequence[int],
        positions: Any = None,
        orientations: Sequence[float] | None = None,
        key: str = "LGNAfferentOrientation",
    ) -> Store:
        """Add a sheet; by default its neurons stand in the centre."""
        annotations = self.block.annotations
        annotations["neuron_ids"][name] = list(ids) if self.layout == "0.1.0" else np.array(ids, int)
        annotations["neuron_positions"][name] = np.zeros((3, len(ids))) if positions is None else np.array(positions)
        annotations["neuron_annotations"][name] = (
            [{} for _ in ids] if orientations is None else [{key: value, "other": "x"} for value in orientations]
        )
        return self

    def segment(
        self,
        sheet: str,
        stimulus: Mapping[str, Any] | str,
        trains: Mapping[int, Any],
        *,
        duration: float = 1000.0,
        null: bool = False,
        signals: Mapping[str, Any] | None = None,
        units: str | Mapping[str, str] = "uS",
        cells: Sequence[int] = (),
        multiplexed: bool = False,
    ) -> Store:
        """Add a presentation: spike times in ms by neuron, signals (time, cells) by name, of `cells` if given."""
        key = "channel_id" if self.layout == "2024" else "source_id"
        segment = neo.Segment()
        if multiplexed:
            segment.spiketrains = _multiplexed(trains, duration)
        else:
            segment.spiketrains = [
                _train(np.sort(np.asarray(times, float)), duration * pq.ms, source_population=sheet)
                for times in trains.values()
            ]
            for neuron, train in zip(trains, segment.spiketrains, strict=True):
                train.annotations |= {key: neuron, "source_index": np.int64(neuron)}
        for name, values in (signals or {}).items():
            unit = units if isinstance(units, str) else units[name]
            ids = {"channel_ids": np.array(cells)} if cells else {}
            segment.analogsignals.append(
                neo.AnalogSignal(np.asarray(values), units=unit, name=name, sampling_rate=pq.kHz, **ids)
            )
        return self.add(segment, sheet, stimulus, null=null)

    def add(self, segment: neo.Segment, sheet: str, stimulus: Mapping[str, Any] | str, *, null: bool = False) -> Store:
        """Add a presentation that neo's objects describe."""
        stub = _Stub()
        stub.identifier = segment.identifier = f"Segment{len(self.block.segments)}"
        text = stimulus if isinstance(stimulus, str) else repr(dict(stimulus))
        segment.annotations = stub.annotations = {"sheet_name": sheet, "stimulus": text}
        if self.layout != "0.1.0":
            stub.null = null
        self.block.segments.append(stub)
        self._dump(f"{stub.identifier}.pickle", segment)
        return self

    def write(self) -> Path:
        """Write the rest of the directory."""
        if self.layout != "0.1.0":
            self.block.annotations |= {
                "model_parameters": "{}",
                "sheet_parameters": "{}",
                "experiment_parameters": "[]",
            }
            self._dump("datastore.sensory.stimulus.pickle", {})
        with _mozaik_at_hand():
            self._dump("datastore.recordings.pickle", self.block)
        self._dump("datastore.analysis.pickle", [])
        (self.directory / "log").write_text("written by a test\n")
        if self.layout == "2024":
            for name in ("sim_info", "parameters", "modified_parameters", "recorders", "stimuli"):
                (self.directory / f"{name}.json").write_text(json.dumps({}))
        else:
            (self.directory / "parameters").write_text("{}")
            self._dump("modified_parameters", {})
        return self.directory

    def _dump(self, name: str, content: object) -> None:
        (self.directory / name).write_bytes(pickle.dumps(content, self.protocol))


def _train(times: Any, end: Any, **annotations: Any) -> neo.SpikeTrain:
    # neo converts what it is not given as quantities, which takes as long as all the rest
    return neo.SpikeTrain(times, units=pq.ms, t_start=0.0 * pq.ms, t_stop=end, **annotations)


def _multiplexed(trains: Mapping[int, Any], duration: float) -> Any:
    times = np.concatenate([np.asarray(each, float) for each in trains.values()])
    owners = np.concatenate([np.full(len(each), neuron) for neuron, each in trains.items()])
    order = np.argsort(times, kind="stable")
    return neo.spiketrainlist.SpikeTrainList.from_spike_time_array(
        times[order] * pq.ms, owners[order], list(trains), t_start=0 * pq.ms, t_stop=duration * pq.ms
    )


def poisson_trains(ids: Sequence[int], rate: float, duration: float, rng: np.random.Generator) -> dict[int, np.ndarray]:
    """Poisson trains of a rate in Hz, on a grid of 0.1 ms."""
    return {
        neuron: np.sort(rng.uniform(0, duration, rng.poisson(rate * duration / 1000))).round(1).clip(0, duration)
        for neuron in ids
    }


def plain_store(directory: Path, layout: str = "0.1.0", protocol: int = 4, seed: int = 0) -> Path:
    """Two sheets with Poisson trains and conductances in one spontaneous stimulus."""
    rng = np.random.default_rng(seed)
    store = Store(directory, layout, protocol)
    for sheet, first in (("Exc", 3), ("Inh", 63)):
        ids = range(first, first + 40)
        store.sheet(sheet, ids, rng.uniform(-2, 2, (3, 40)), rng.uniform(0, np.pi, 40))
        conductances = {"gsyn_exc": rng.uniform(0, 0.02, (200, 4)), "gsyn_inh": rng.uniform(0, 0.05, (200, 4))}
        trains = poisson_trains(ids, 20, 1000, rng)
        trains[first + 7] = np.array([])
        store.segment(sheet, SPONTANEOUS, trains, signals=conductances)
    return store.write()
