"""The nine targets the straightforward way: neo objects, a Python loop over spike trains, an N x N correlation matrix.

It is kinder than mozaik, which keeps every segment that it ever loaded: segments are dropped once their sheet is done.
"""

from __future__ import annotations

import ast
import math
import pickle
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import neo
import numpy as np

SPONTANEOUS, GRATING, DISK = "InternalStimulus", "FullfieldDriftingSinusoidalGrating", "DriftingSinusoidalGratingDisk"
PREFERRED, ORTHOGONAL, TOLERANCE = math.pi / 2, 0.0, 0.1


class _Unpickler(pickle.Unpickler):
    """Python's own, with mozaik's only class in these files replaced by its base class."""

    def find_class(self, module: str, name: str) -> Any:
        if name == "PickledDataStoreNeoWrapper":
            return neo.Segment
        return super().find_class(module, name)


def _load(path: Path) -> Any:
    with path.open("rb") as file:
        return _Unpickler(file).load()


class SheetRecordings:
    """All that one sheet recorded, loaded."""

    def __init__(self, directory: Path, block: Any, sheet: str) -> None:
        annotations = block.annotations
        self.index = {neuron: index for index, neuron in enumerate(annotations["neuron_ids"][sheet])}
        self.x, self.y = np.asarray(annotations["neuron_positions"][sheet])[:2]
        self.orientations = np.array(
            [float(each["LGNAfferentOrientation"]) for each in annotations["neuron_annotations"][sheet]]
        )
        self.presentations = [
            (ast.literal_eval(stub.annotations["stimulus"]), _load(directory / f"{stub.identifier}.pickle"))
            for stub in block.segments
            if stub.annotations["sheet_name"] == sheet
        ]

    def find(self, name: str, **parameters: float) -> list[tuple[dict[str, Any], Any]]:
        """Return stimuli and segments of the given class and parameters."""
        return [
            (stimulus, segment)
            for stimulus, segment in self.presentations
            if stimulus["name"] == name and all(abs(stimulus[k] - v) < 1e-6 for k, v in parameters.items())
        ]

    def segment(self, name: str, **parameters: float) -> Any:
        """Return the only such segment."""
        ((_, segment),) = self.find(name, **parameters)
        return segment

    def prefer(self, orientation: float) -> Any:
        """Return which neurons prefer an orientation."""
        distance = np.abs(self.orientations - orientation) % np.pi
        return np.minimum(distance, np.pi - distance) <= TOLERANCE

    def chosen(self, segment: Any, mask: Any) -> list[Any]:
        """Return the spike trains of some neurons."""
        return [train for train in segment.spiketrains if mask[self.index[train.annotations["source_id"]]]]


def _duration(train: Any) -> float:
    return float(train.t_stop.magnitude) - float(train.t_start.magnitude)


def _rate(train: Any) -> float:
    return 1000.0 * len(train) / _duration(train)


def _mean_rate(trains: Iterable[Any]) -> float:
    return float(np.mean([_rate(train) for train in trains]))


def _counts(train: Any, width: float = 10.0) -> Any:
    stop = float(train.t_stop.magnitude)
    return np.histogram(train.magnitude, bins=round(stop / width), range=(0, stop))[0]


def spont_activity(sheet: SheetRecordings) -> float:
    """Mean spontaneous rate."""
    return _mean_rate(sheet.segment(SPONTANEOUS).spiketrains)


def irregularity(sheet: SheetRecordings) -> float:
    """Mean CV of inter-spike intervals."""
    values = []
    for train in sheet.segment(SPONTANEOUS).spiketrains:
        intervals = np.diff(train.magnitude)
        if len(intervals) > 5:
            values.append(np.std(intervals) / np.mean(intervals))
    return float(np.mean(values))


def synchrony(sheet: SheetRecordings) -> float:
    """Mean pairwise correlation of counts in 10 ms."""
    central = np.maximum(np.abs(sheet.x), np.abs(sheet.y)) <= 1.5
    trains = sheet.chosen(sheet.segment(SPONTANEOUS), central)
    matrix = np.corrcoef([_counts(train) for train in trains if len(train) - 1 > 5])
    np.nan_to_num(matrix, copy=False)
    n = len(matrix)
    # the mean of the upper triangle without two index arrays of its size
    return float((matrix.sum() - np.trace(matrix)) / (n * (n - 1)))


def preference(sheet: SheetRecordings) -> float:
    """Preferred over orthogonal response."""
    cells = sheet.prefer(PREFERRED)
    preferred, orthogonal = (
        _mean_rate(sheet.chosen(sheet.segment(GRATING, contrast=100, orientation=angle), cells))
        for angle in (PREFERRED, ORTHOGONAL)
    )
    return preferred / orthogonal


def _orthogonal_change(sheet: SheetRecordings, contrast: float) -> float:
    cells = sheet.prefer(PREFERRED)
    spontaneous = _mean_rate(sheet.chosen(sheet.segment(SPONTANEOUS), cells))
    grating = sheet.segment(GRATING, contrast=contrast, orientation=ORTHOGONAL)
    return abs(spontaneous - _mean_rate(sheet.chosen(grating, cells))) / spontaneous


def orthogonal_high(sheet: SheetRecordings) -> float:
    """Change of rate by the orthogonal grating of contrast 100."""
    return _orthogonal_change(sheet, 100)


def orthogonal_low(sheet: SheetRecordings) -> float:
    """Change of rate by the orthogonal grating of contrast 10."""
    return _orthogonal_change(sheet, 10)


def size_tuning(sheet: SheetRecordings) -> float:
    """Share of cells with surround suppression."""
    cells = sheet.prefer(PREFERRED) & (sheet.x**2 + sheet.y**2 < 1)
    full = sheet.chosen(sheet.segment(GRATING, contrast=100, orientation=PREFERRED), cells)
    disk = sheet.chosen(sheet.segment(DISK, contrast=100, orientation=PREFERRED), cells)
    of_full = {train.annotations["source_id"]: train for train in full}
    suppressed = []
    for train in disk:
        other = of_full[train.annotations["source_id"]]
        suppressed.append(len(train) > 2 and len(other) > 0 and _rate(train) / _rate(other) > 1.1)
    return float(np.mean(suppressed))


def conductance_ratio(sheet: SheetRecordings) -> float:
    """Mean inhibitory over mean excitatory conductance."""
    signals = {signal.name: signal.magnitude for signal in sheet.segment(SPONTANEOUS).analogsignals}
    return float(np.mean(signals["gsyn_inh"]) / np.mean(signals["gsyn_exc"]))


def modulation_ratio(sheet: SheetRecordings) -> float:
    """2 F1 / F0 of the mean amplitudes."""
    f0, f1 = [], []
    for stimulus, segment in sheet.find(GRATING, contrast=100):
        cycles = round(stimulus["temporal_frequency"] * stimulus["duration"] / 1000)
        for train in sheet.chosen(segment, sheet.prefer(stimulus["orientation"])):
            amplitudes = np.abs(np.fft.rfft(_counts(train) * 100.0)) / (stimulus["duration"] / 10)
            f0.append(amplitudes[0])
            f1.append(amplitudes[cycles])
    return float(2 * np.mean(f1) / np.mean(f0))


TARGETS: dict[str, Callable[[SheetRecordings], float]] = {
    "SpontActivityTarget": spont_activity,
    "IrregularityTarget": irregularity,
    "SynchronyTarget": synchrony,
    "OrientationTuningPreferenceTarget": preference,
    "OrientationTuningOrthoHighTarget": orthogonal_high,
    "OrientationTuningOrthoLowTarget": orthogonal_low,
    "SizeTuning": size_tuning,
    "ConductanceRatio": conductance_ratio,
    "ModulationRatio": modulation_ratio,
}


def values(directory: Path) -> dict[str, float]:
    """Compute every target of every sheet, by ``Class(sheet)``."""
    block = _load(directory / "datastore.recordings.pickle")
    found = {}
    for sheet in block.annotations["neuron_ids"]:
        recordings = SheetRecordings(directory, block, sheet)
        found |= {f"{name}({sheet})": value(recordings) for name, value in TARGETS.items()}
        del recordings
    return found
