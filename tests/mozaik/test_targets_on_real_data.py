"""Every target on datastores that real models wrote, compared with the definitions taken literally.

The other side unpickles neo's objects with mozaik's classes at hand and loops over spike trains.
"""

from __future__ import annotations

import ast
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from targets import Datastore, create_targets, measure

pytestmark = pytest.mark.mozaik

HALF_PI = np.pi / 2


class Naive:
    """A datastore read the straightforward way."""

    def __init__(self, path: Path) -> None:
        pytest.importorskip("neo", reason="reads the datastore the way mozaik does")
        with (path / "datastore.recordings.pickle").open("rb") as file:
            block = pickle.load(file)
        self.annotations = block.annotations
        self.segments = []
        for stub in block.segments:
            with (path / f"{stub.identifier}.pickle").open("rb") as file:
                segment = pickle.load(file)
            stimulus = ast.literal_eval(stub.annotations["stimulus"])
            self.segments.append((stub.annotations["sheet_name"], stimulus, segment))

    def sheets(self) -> list[str]:
        return sorted({sheet for sheet, _, _ in self.segments})

    def find(self, sheet: str, name: str, **parameters: float) -> list[Any]:
        return [
            segment
            for in_sheet, stimulus, segment in self.segments
            if in_sheet == sheet
            and stimulus["name"] == name
            and all(abs(stimulus[key] - value) < 1e-3 for key, value in parameters.items())
        ]

    def spontaneous(self, sheet: str) -> Any:
        (segment,) = self.find(sheet, "InternalStimulus")
        return segment

    def index(self, sheet: str, train: Any) -> int:
        number = train.annotations.get("source_id", train.annotations.get("channel_id"))
        return list(self.annotations["neuron_ids"][sheet]).index(number)

    def position(self, sheet: str, train: Any) -> Any:
        return np.asarray(self.annotations["neuron_positions"][sheet])[:2, self.index(sheet, train)]

    def prefers(self, sheet: str, train: Any, orientation: float) -> bool:
        annotations = self.annotations["neuron_annotations"][sheet][self.index(sheet, train)]
        distance = abs(float(annotations["LGNAfferentOrientation"]) - orientation) % np.pi
        return min(distance, np.pi - distance) <= 0.1

    def spike_counts(self, sheet: str, segments: list[Any], orientation: float = HALF_PI) -> dict[int, float]:
        """Spikes of each cell that prefers the orientation, averaged over trials."""
        counts: dict[int, list[int]] = {}
        for segment in segments:
            for train in segment.spiketrains:
                if self.prefers(sheet, train, orientation):
                    counts.setdefault(self.index(sheet, train), []).append(len(train))
        return {cell: float(np.mean(trials)) for cell, trials in counts.items()}


def times(train: Any) -> Any:
    return train.rescale("ms").magnitude


def rate(train: Any) -> float:
    return len(train) / float((train.t_stop - train.t_start).rescale("s").magnitude)


def cv(train: Any) -> float:
    intervals = np.diff(times(train))
    return float(np.std(intervals) / np.mean(intervals))


def counts_in_bins(train: Any, width: float = 10.0) -> Any:
    start, stop = (float(t.rescale("ms").magnitude) for t in (train.t_start, train.t_stop))
    n_bins = int((stop - start) / width)  # what remains is no bin
    # Simulated spikes stand on a grid that bin edges are part of: rounding must not move them to the bin before.
    edges = start + width * np.arange(n_bins + 1) - 1e-6
    edges[-1] += 2e-6  # a spike at the end of the last bin counts
    return np.histogram(times(train), edges)[0]


def naive_synchrony(naive: Naive, sheet: str) -> float:
    trains = [
        train
        for train in naive.spontaneous(sheet).spiketrains
        if len(train) > 6 and np.max(np.abs(naive.position(sheet, train))) <= 1.5
    ]
    with np.errstate(invalid="ignore"):
        correlations = np.nan_to_num(np.corrcoef([counts_in_bins(train) for train in trains]))
    return float(np.mean(correlations[np.triu_indices(len(trains), 1)]))


def naive_spontaneous(naive: Naive, sheet: str) -> dict[str, float]:
    segment = naive.spontaneous(sheet)
    trains = segment.spiketrains
    values = {
        "SpontActivityTarget": float(np.mean([rate(train) for train in trains])),
        "IrregularityTarget": float(np.mean([cv(train) for train in trains if len(train) - 1 > 5])),
        "SynchronyTarget": naive_synchrony(naive, sheet),
    }
    signals = {signal.name: float(np.mean(signal.magnitude)) for signal in segment.analogsignals}
    if "gsyn_inh" in signals:
        values["ConductanceRatio"] = signals["gsyn_inh"] / signals["gsyn_exc"]
    return values


def naive_modulation(naive: Naive, sheet: str) -> float:
    spectra = []
    for orientation in (0.0, HALF_PI):
        trials = naive.find(sheet, "FullfieldDriftingSinusoidalGrating", contrast=100, orientation=orientation)
        cells: dict[int, list[Any]] = {}
        for segment in trials:
            for train in segment.spiketrains:
                if naive.prefers(sheet, train, orientation):
                    cells.setdefault(naive.index(sheet, train), []).append(counts_in_bins(train))
        spectra += [np.abs(np.fft.fft(np.mean(psths, axis=0))) for psths in cells.values()]
    (stimulus,) = {
        (stimulus["temporal_frequency"], stimulus["duration"])
        for in_sheet, stimulus, _ in naive.segments
        if in_sheet == sheet and stimulus["name"] == "FullfieldDriftingSinusoidalGrating"
    }
    mean = np.mean(spectra, axis=0)
    return float(2 * mean[round(stimulus[0] * stimulus[1] / 1000)] / mean[0])


def naive_visual(naive: Naive, sheet: str) -> dict[str, float]:
    grating = "FullfieldDriftingSinusoidalGrating"
    preferred = naive.spike_counts(sheet, naive.find(sheet, grating, contrast=100, orientation=HALF_PI))
    orthogonal = naive.spike_counts(sheet, naive.find(sheet, grating, contrast=100, orientation=0.0))
    values = {
        "OrientationTuningPreferenceTarget": np.mean(list(preferred.values())) / np.mean(list(orthogonal.values()))
    }
    spontaneous = np.mean([rate(t) for t in naive.spontaneous(sheet).spiketrains if naive.prefers(sheet, t, HALF_PI)])
    for contrast, name in ((100, "OrientationTuningOrthoHighTarget"), (10, "OrientationTuningOrthoLowTarget")):
        trials = naive.find(sheet, grating, contrast=contrast, orientation=0.0)
        rates = [rate(t) for s in trials for t in s.spiketrains if naive.prefers(sheet, t, HALF_PI)]
        values[name] = abs(spontaneous - np.mean(rates)) / spontaneous
    disk = naive.spike_counts(sheet, naive.find(sheet, "DriftingSinusoidalGratingDisk", contrast=100))
    positions = np.asarray(naive.annotations["neuron_positions"][sheet])
    central = [cell for cell in disk if positions[0, cell] ** 2 + positions[1, cell] ** 2 < 1]
    suppressed = [disk[cell] > 2 and preferred[cell] > 0 and disk[cell] / preferred[cell] > 1.1 for cell in central]
    values["SizeTuning"] = float(np.mean(suppressed))
    values["ModulationRatio"] = naive_modulation(naive, sheet)
    return values


def measured(path: Path, sheet: str, names: list[str]) -> dict[str, float | None]:
    ranges = {"SpontActivityTarget"}
    targets = create_targets(
        [{"class": n, "sheet_name": sheet, "target_value": [0, 1] if n in ranges else 1, "norm": 1} for n in names]
    )
    return {name: each.value for name, each in zip(names, measure(targets, Datastore(path)), strict=True)}


def test_spontaneous_targets_of_the_balanced_network(balanced_datastore: Path) -> None:
    naive = Naive(balanced_datastore)
    assert naive.sheets() == ["Exc", "Inh"]
    for sheet in naive.sheets():
        expected = naive_spontaneous(naive, sheet)
        assert len(expected) == 4
        assert measured(balanced_datastore, sheet, list(expected)) == pytest.approx(expected, rel=1e-9)


def test_all_targets_of_the_visual_model(visual_datastore: Path) -> None:
    naive = Naive(visual_datastore)
    compared = set()
    for sheet in ("V1_Exc_L4", "V1_Inh_L4", "V1_Exc_L2/3", "V1_Inh_L2/3"):
        expected = naive_spontaneous(naive, sheet)
        if "LGNAfferentOrientation" in naive.annotations["neuron_annotations"][sheet][0]:
            expected |= naive_visual(naive, sheet)
        assert measured(visual_datastore, sheet, list(expected)) == pytest.approx(expected, rel=1e-9)
        compared |= set(expected)
    assert len(compared) == 9
