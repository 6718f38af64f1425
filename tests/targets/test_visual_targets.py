"""Orientation and size tuning, and modulation, on planted preferences; and what degenerate data has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stores import DISK, GRATING, LAYOUTS, SPONTANEOUS, Store

from targets import Datastore, Measurement, create_targets, measure

HALF_PI = math.pi / 2
# Cells 10-13 prefer pi/2 within the tolerance, 14 just doesn't, 15 and 16 prefer 0, the one as pi.
IDS = range(10, 17)
PREFERRED = [HALF_PI, HALF_PI + 0.09, HALF_PI - 0.09, HALF_PI, HALF_PI + 0.11, 0.05, math.pi - 0.05]
ORIENTED = "OrientationTuningPreferenceTarget"
HIGH, LOW = "OrientationTuningOrthoHighTarget", "OrientationTuningOrthoLowTarget"
VERTICAL = GRATING | {"orientation": HALF_PI}


def spikes(*numbers: int) -> dict[int, np.ndarray]:
    """Trains of 10, 11, ... with so many spikes."""
    return {10 + index: np.linspace(1, 999, number) for index, number in enumerate(numbers)}


def store_at(directory: Path, layout: str = "0.1.0", positions: Any = None) -> Store:
    key = "ORMapOrientation" if layout == "2024" else "LGNAfferentOrientation"
    return Store(directory / "store", layout).sheet("A", IDS, positions, PREFERRED, key)


def value_of(name: str, store: Store, **options: Any) -> Measurement:
    spec = {"class": name, "sheet_name": "A", "target_value": 1, "norm": 1} | options
    (measured,) = measure(create_targets([spec]), Datastore(store.write()))
    return measured


@pytest.mark.parametrize("layout", LAYOUTS)
def test_preferred_over_orthogonal(layout: str, tmp_path: Path) -> None:
    store = store_at(tmp_path, layout)
    store.segment("A", VERTICAL | {"contrast": 10}, spikes(90, 90, 90, 90, 90, 90, 90))
    store.segment("A", GRATING, spikes(2, 0, 4, 2, 50, 60, 60))
    store.segment("A", VERTICAL, spikes(20, 30, 10, 20, 70, 3, 5))
    assert value_of(ORIENTED, store).value == 10.0
    assert value_of(ORIENTED, store, tolerance=0.05).value == 10.0
    assert value_of(ORIENTED, store, tolerance=0.12).value == pytest.approx(150 / 58)
    assert value_of(ORIENTED, store, orientation=0.0).value == pytest.approx(120 / 8)
    assert value_of(ORIENTED, store, orientation=math.pi).value == pytest.approx(120 / 8)
    missing = value_of(ORIENTED, store, contrast=10.0)
    assert missing.reason == f"no recording of {GRATING['name']} of contrast 10, orientation 0 rad in sheet A"


def test_three_trials_in_any_order_are_averaged(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    for trial, orthogonal, preferred in ((2, 4, 40), (0, 1, 10), (1, 1, 22)):
        store.segment("A", VERTICAL | {"trial": trial}, spikes(*[preferred] * 7))
        store.segment("A", GRATING | {"trial": trial}, spikes(*[orthogonal] * 7))
        store.segment("A", GRATING | {"trial": trial, "spatial_frequency": 9.0}, spikes(*[99] * 7))
    assert value_of(ORIENTED, store).value == pytest.approx(24 / 2)


def test_only_recorded_cells_count(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    store.segment("A", VERTICAL, {13: np.arange(12.0), 10: np.arange(8.0), 15: np.arange(100.0)})
    store.segment("A", GRATING, {10: np.arange(2.0), 13: np.arange(2.0), 15: np.arange(3.0), 11: np.arange(50.0)})
    assert value_of(ORIENTED, store).value == 5.0
    other = store_at(tmp_path / "other")
    for stimulus in (VERTICAL, GRATING):
        other.segment("A", stimulus, {14: np.arange(5.0), 15: np.arange(100.0)})
    assert "of the 4 cells" in str(value_of(ORIENTED, other).reason)
    assert "none was recorded" in str(value_of(ORIENTED, other).reason)


@pytest.mark.parametrize("spontaneous", [8, 4])
def test_change_by_the_orthogonal_grating(spontaneous: int, tmp_path: Path) -> None:
    store = store_at(tmp_path)
    store.segment("A", SPONTANEOUS, spikes(*[spontaneous] * 4, 99, 99, 99))
    store.segment("A", GRATING, spikes(0, 4, 8, 12, 99, 99, 99))
    store.segment("A", GRATING | {"contrast": 10}, spikes(5, 5, 5, 5, 99, 99, 99))
    assert value_of(HIGH, store).value == abs(spontaneous - 6) / spontaneous
    assert value_of(LOW, store).value == abs(spontaneous - 5) / spontaneous
    assert value_of(LOW, store, contrast=100).value == abs(spontaneous - 6) / spontaneous


def test_divisions_by_0_have_no_value(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    silent = spikes(*[0] * 7)
    store.segment("A", SPONTANEOUS, silent).segment("A", GRATING, silent).segment("A", VERTICAL, spikes(*[5] * 7))
    assert "orthogonal orientation is 0" in str(value_of(ORIENTED, store).reason)
    assert "spontaneous rate is 0" in str(value_of(HIGH, store).reason)
    other = store_at(tmp_path / "other")
    other.segment("A", SPONTANEOUS, spikes(*[5] * 7)).segment("A", GRATING, silent).segment("A", VERTICAL, silent)
    assert "is 0" in str(value_of(ORIENTED, other).reason)
    assert value_of(HIGH, other).value == 1.0


def size_store(directory: Path, disk: Mapping[int, Any], full: Mapping[int, Any]) -> Store:
    # All oriented cells but 13 are near the centre, 13 is just not.
    positions = np.array([[0.0, 0.9, -0.6, 0.6, 0.0, 0.0, 0.0], [0.0, 0.0, 0.7, 0.8, 0.0, 0.0, 0.0], [0.0] * 7])
    store = store_at(directory, positions=positions)
    return store.segment("A", VERTICAL, full).segment("A", DISK, disk)


@pytest.mark.parametrize(
    ("disk", "full", "share"),
    [
        ((12, 12, 12, 99, 99), (10, 10, 10, 1, 1), 1.0),
        ((11, 12, 12, 99, 99), (10, 10, 10, 1, 1), 2 / 3),  # a ratio of 1.1 is not above 1.1
        ((33, 22, 55, 99, 99), (30, 20, 50, 1, 1), 0.0),
        ((2, 3, 3, 99, 99), (1, 1, 1, 1, 1), 2 / 3),  # 2 spikes are not more than 2
        ((9, 9, 9, 99, 99), (0, 1, 8, 1, 1), 2 / 3),  # no spikes for the full field
        ((0, 0, 9, 99, 99), (0, 0, 1, 1, 1), 1 / 3),  # cells that don't respond stay in the denominator
        ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0), 0.0),
    ],
)
def test_size_tuning(disk: tuple[int, ...], full: tuple[int, ...], share: float, tmp_path: Path) -> None:
    assert value_of("SizeTuning", size_store(tmp_path, spikes(*disk), spikes(*full))).value == pytest.approx(share)


def test_options_of_size_tuning(tmp_path: Path) -> None:
    store = size_store(tmp_path, spikes(3, 9, 9, 9), spikes(2, 9, 4, 4))
    store.segment("A", DISK | {"radius": 2.0}, spikes(9, 10, 1, 1))
    assert value_of("SizeTuning", store).value == pytest.approx(2 / 3)
    assert value_of("SizeTuning", store, radius=1.001).value == pytest.approx(3 / 4)
    assert value_of("SizeTuning", store, min_disk_spikes=3).value == pytest.approx(1 / 3)
    assert value_of("SizeTuning", store, min_full_spikes=2).value == pytest.approx(1 / 3)
    assert value_of("SizeTuning", store, min_ratio=2.0).value == pytest.approx(1 / 3)
    assert value_of("SizeTuning", store, min_ratio=0.9).value == 1.0
    assert value_of("SizeTuning", store, disk_radius=2.0).value == pytest.approx(2 / 3)
    assert "radius 3 degrees" in str(value_of("SizeTuning", store, disk_radius=3.0).reason)
    eccentric = size_store(tmp_path / "other", {13: np.arange(9.0)}, {13: np.arange(3.0)})
    assert "within 1 degrees" in str(value_of("SizeTuning", eccentric).reason)
    assert value_of("SizeTuning", eccentric, radius=1.5).value == 1.0


def test_trials_of_size_tuning_are_averaged(tmp_path: Path) -> None:
    store = size_store(tmp_path, spikes(1, 1, 4), spikes(1, 1, 1))
    store.segment("A", DISK | {"trial": 1}, spikes(3, 4, 0))
    assert value_of("SizeTuning", store).value == pytest.approx(1 / 3)


def drifting(modulation: float, cells: int, rng: np.random.Generator, cycles: float = 2.0) -> list[np.ndarray]:
    """Trains over 1 s whose rate is 1 + modulation * cos at a phase of each cell's own."""
    trains = []
    for phase in rng.uniform(0, 2 * np.pi, cells):
        times = rng.uniform(0, 1000, 4000)
        accepted = rng.uniform(0, 2, 4000) < 1 + modulation * np.cos(2 * np.pi * cycles * times / 1000 + phase)
        trains.append(times[accepted])
    return trains


@pytest.mark.parametrize("modulation", [0.0, 0.5, 1.0])
def test_modulation_ratio_of_sinusoidal_rates(modulation: float, tmp_path: Path) -> None:
    """The response 1 + m cos has F1 / F0 = m / 2, at the phase of each cell."""
    rng = np.random.default_rng(0)
    store = store_at(tmp_path)
    for orientation, own in ((HALF_PI, range(10, 14)), (0.0, (15, 16))):
        flat = dict(zip(IDS, drifting(0.0, 7, rng), strict=True))
        flat |= dict(zip(own, drifting(modulation, len(own), rng), strict=True))
        store.segment("A", GRATING | {"orientation": orientation}, flat)
        store.segment("A", GRATING | {"orientation": orientation, "contrast": 10}, spikes(*[9] * 7))
    assert value_of("ModulationRatio", store).value == pytest.approx(modulation, abs=0.05)


@pytest.mark.parametrize(("frequency", "duration"), [(2.0, 1000.0), (2.0, 1001.0), (4.0, 1300.0), (3.0, 1000.0)])
def test_modulation_ratio_equals_the_ffts(frequency: float, duration: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    store = store_at(tmp_path)
    stimulus = VERTICAL | {"temporal_frequency": frequency, "duration": duration}
    trials = [{cell: np.sort(rng.uniform(0, duration, 40)) for cell in IDS} for _ in range(2)]
    for trial, trains in enumerate(trials):
        store.segment("A", stimulus | {"trial": trial}, trains, duration=duration)
    n_bins = int(duration / 10)
    spectra = []
    for cell in range(10, 14):
        psth = np.mean([np.histogram(trains[cell], n_bins, (0, n_bins * 10))[0] for trains in trials], axis=0)
        spectra.append(np.abs(np.fft.fft(psth)))
    mean = np.mean(spectra, axis=0)
    expected = 2 * mean[round(frequency * n_bins / 100)] / mean[0]
    assert value_of("ModulationRatio", store).value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("stimulus", "trains", "reason"),
    [
        (VERTICAL, spikes(*[0] * 7), "F0 is 0"),
        (VERTICAL, {15: np.arange(3.0)}, "no recorded cell"),
        (VERTICAL | {"orientation": 0.8}, spikes(*[5] * 7), "no recorded cell"),
        (VERTICAL | {"contrast": 50}, spikes(*[5] * 7), "no recording of"),
        (VERTICAL | {"temporal_frequency": 0.3}, spikes(*[5] * 7), "no first harmonic"),
        (VERTICAL | {"temporal_frequency": 60.0}, spikes(*[5] * 7), "no first harmonic"),
        (VERTICAL | {"temporal_frequency": 0}, spikes(*[5] * 7), "no temporal_frequency"),
    ],
)
def test_no_modulation_ratio(stimulus: dict[str, Any], trains: Any, reason: str, tmp_path: Path) -> None:
    measured = value_of("ModulationRatio", store_at(tmp_path).segment("A", stimulus, trains))
    assert measured.value is None
    assert reason in str(measured.reason)


def test_an_exploded_store_has_spontaneous_values_only(tmp_path: Path) -> None:
    store = store_at(tmp_path).segment("A", SPONTANEOUS, spikes(*[300] * 7))
    assert value_of("SpontActivityTarget", store, target_value=[1, 2]).value == 300.0
    for name in (ORIENTED, HIGH, LOW, "SizeTuning", "ModulationRatio"):
        measured = value_of(name, store)
        assert measured.value is None
        assert "no recording of" in str(measured.reason)


def test_a_broken_segment_costs_the_targets_that_need_it(tmp_path: Path) -> None:
    store = store_at(tmp_path).segment("A", SPONTANEOUS, spikes(*[5] * 7))
    store.segment("A", VERTICAL, spikes(*[9] * 7)).segment("A", GRATING, spikes(*[3] * 7))
    (tmp_path / "store" / "Segment1.pickle").write_bytes(b"\x80\x04broken")
    assert value_of(HIGH, store).value == pytest.approx(0.4)
    broken = value_of(ORIENTED, store)
    assert broken.value is None
    assert "Segment1.pickle is truncated or no pickle" in str(broken.reason)
