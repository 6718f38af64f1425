"""What is kept of a datastore that is deleted: means, rates, rasters and tuning curves of its sheets."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from stores import DISK, GRATING, SPONTANEOUS, Store, poisson_trains

from targets import Datastore, SizeTuning, SpontActivityTarget
from targets.recordings import digest as digests
from targets.recordings.digest import Mean, digest, means_in, sheet_and_quantity
from targets.recordings.file import load, save
from targets.segment import Recording, read_recording
from targets.tuning import orientation_responses, size_responses

IDS = range(10, 50)
HALF_PI = math.pi / 2


def trains(*rates: float) -> dict[int, Any]:
    """Return regular trains of 1 s of the first neurons."""
    return {neuron: (np.arange(n) + 0.5) * 1000.0 / n for neuron, n in zip(IDS, map(int, rates), strict=False)}


def visual(
    directory: Path, contrasts: Sequence[float] = (100,), radii: Sequence[float] = (0.5, 0.25), **sheet: Any
) -> Datastore:
    """Four cells that prefer vertical gratings or horizontal ones, seen with two sizes and the full field."""
    store = Store(directory).sheet("Exc", IDS[:4], **{"orientations": [0.0, HALF_PI, HALF_PI, HALF_PI], **sheet})
    store.segment("Exc", SPONTANEOUS, trains(2, 4, 6, 8))
    for contrast in contrasts:
        for orientation, rates in ((0.0, (40, 10, 12, 14)), (HALF_PI, (8, 20, 30, 40))):
            store.segment("Exc", GRATING | {"contrast": contrast, "orientation": orientation}, trains(*rates))
        for radius, rates in zip(radii, ((1, 30, 40, 50), (1, 6, 8, 10)), strict=True):
            store.segment("Exc", DISK | {"contrast": contrast, "radius": radius}, trains(*rates))
    return Datastore(store.write())


def test_means_over_cells_are_those_that_targets_measure(store: Datastore) -> None:
    found = {(each.sheet, each.what): each for each in means_in(digest(store))}
    for sheet in ("Exc", "Inh"):
        rate = SpontActivityTarget(sheet_name=sheet, target_value=(0, 1), norm=1).measured(store)
        spread = store.spontaneous(sheet)[0].spikes().rates().std()
        what = "mean rate (Hz), spontaneous"
        assert found[sheet, what] == Mean(sheet, what, pytest.approx(rate), pytest.approx(spread))
        for signal in store.spontaneous(sheet)[0].signals():
            mean = found[sheet, f"mean {signal.name} (uS), spontaneous"]
            assert mean.mean == pytest.approx(signal.mean)
            assert math.isnan(mean.spread)
    assert len(found) == 6


def test_rates_over_time_have_the_mean_rate_and_quantiles_those_of_the_cells(store: Datastore) -> None:
    traces = digest(store).traces
    rates = store.spontaneous("Exc")[0].spikes().rates()
    over_time, of_cells = traces["Exc: rate, spontaneous"], traces["Exc: rates of the cells, spontaneous"]
    assert (over_time.unit, over_time.time_unit, over_time.axis) == ("Hz", "ms", "time")
    assert over_time.values.shape == (100,)
    assert over_time.values.mean() == pytest.approx(rates.mean())
    assert (of_cells.unit, of_cells.time_unit, of_cells.axis) == ("Hz", "%", "share of the cells")
    np.testing.assert_allclose(of_cells.values[[0, 25, 50]], np.percentile(rates, [0, 50, 100]), rtol=1e-6)


def test_rates_over_time_are_means_over_trials(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("Exc", IDS[:1])
    for trial, times in enumerate(([5.0, 15.0], [15.0], [])):
        store.segment("Exc", SPONTANEOUS | {"trial": trial}, {IDS[0]: times})
    found = digest(Datastore(store.write()))
    np.testing.assert_allclose(found.traces["Exc: rate, spontaneous"].values[:3], [100 / 3, 200 / 3, 0], rtol=1e-6)
    assert found.traces["Exc: rate, spontaneous"].mean.mean() == pytest.approx(
        found.numbers["Exc: mean rate (Hz), spontaneous"]
    )


def test_a_raster_is_of_the_first_second_of_at_most_forty_cells_of_all(tmp_path: Path) -> None:
    ids = range(1000, 1500)
    spikes = poisson_trains(ids, 20, 3000, np.random.default_rng(0))
    store = Store(tmp_path / "store").sheet("Exc", ids)
    store.segment("Exc", SPONTANEOUS | {"duration": 3000.0}, spikes, duration=3000.0, multiplexed=True)
    (raster,) = digest(Datastore(store.write())).events.values()
    cells = sorted({int(each) for each in raster.labels})
    assert len(cells) == 40
    assert (cells[0], cells[-1]) == (1000, 1499)
    for cell in cells:
        own = spikes[cell]
        np.testing.assert_allclose(raster.of(str(cell)), own[own <= 1000], rtol=1e-6)


def test_a_raster_of_cells_that_fire_much_has_fewer_of_them(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("Exc", IDS).segment("Exc", SPONTANEOUS, trains(*[150] * 40))
    (raster,) = digest(Datastore(store.write())).events.values()
    assert len(raster) == 10 * 150


def test_rasters_of_fewer_cells_have_some_of_those_of_more(tmp_path: Path) -> None:
    cells = []
    for rate in (20, 60, 150):
        spikes = {neuron: (np.arange(rate) + 0.5) * 1000.0 / rate for neuron in range(100)}
        store = Store(tmp_path / str(rate)).sheet("Exc", range(100))
        store.segment("Exc", SPONTANEOUS, spikes, multiplexed=True)
        (raster,) = digest(Datastore(store.write())).events.values()
        cells.append(set(raster.labels.tolist()))
    assert [len(each) for each in cells] == [40, 20, 10]
    assert cells[0] > cells[1] > cells[2]


def test_tuning_curves_have_mean_and_spread_over_the_cells_of_the_targets(tmp_path: Path) -> None:
    datastore = visual(tmp_path / "store")
    found = digest(datastore).traces
    orientation = found["Exc: orientation tuning, contrast 100 %"]
    offsets, rates = orientation_responses(datastore, "Exc").aligned()
    assert (orientation.unit, orientation.time_unit) == ("Hz", "deg")
    assert orientation.axis == "orientation from the preferred one"
    np.testing.assert_allclose(orientation.times, np.degrees(offsets))
    np.testing.assert_allclose(orientation.mean, rates.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(orientation.rows.std(axis=0, ddof=1), rates.std(axis=1), rtol=1e-5)

    size = found["Exc: size tuning, contrast 100 %"]
    usual = SizeTuning(sheet_name="Exc", contrast=100.0, target_value=0, norm=1)
    responses = size_responses(datastore, usual)
    assert size.axis == "radius, the largest is the full field"
    np.testing.assert_allclose(size.times, [0.25, 0.5, 1.25 * 0.5])
    np.testing.assert_allclose(size.mean, [8, 40, 30])
    np.testing.assert_allclose(size.rows.std(axis=0, ddof=1), responses.rates.std(axis=1), rtol=1e-5)


def test_the_size_tuning_of_a_sheet_is_that_of_the_cells_of_its_target(tmp_path: Path) -> None:
    datastore = visual(tmp_path / "store")
    horizontal = SizeTuning(sheet_name="Exc", orientation=HALF_PI, tolerance=2.0, target_value=0, norm=1)
    elsewhere = SizeTuning(sheet_name="Inh", orientation=0.0, target_value=0, norm=1)
    curve = digest(datastore, [horizontal, elsewhere]).traces["Exc: size tuning, contrast 100 %"]
    np.testing.assert_allclose(curve.mean, [25 / 4, 121 / 4, 98 / 4])


def test_contrasts_without_a_target_have_the_cells_of_the_target_of_another_one(tmp_path: Path) -> None:
    datastore = visual(tmp_path / "store", contrasts=(100, 10))
    own = SizeTuning(sheet_name="Exc", contrast=100, orientation=HALF_PI, tolerance=2.0, target_value=0, norm=1)
    found = digest(datastore, [own]).traces
    for contrast in (10, 100):
        np.testing.assert_allclose(found[f"Exc: size tuning, contrast {contrast} %"].mean[:2], [25 / 4, 121 / 4])


def test_a_contrast_without_cells_costs_no_curve_of_another_one(tmp_path: Path) -> None:
    datastore = visual(tmp_path / "store", contrasts=(100, 10))
    nowhere = SizeTuning(sheet_name="Exc", contrast=10, orientation=0.7, target_value=0, norm=1)  # nothing has that
    own = SizeTuning(sheet_name="Exc", contrast=100, target_value=0, norm=1)
    found = digest(datastore, [own, nowhere]).traces
    assert [name for name in found if "size" in name] == ["Exc: size tuning, contrast 100 %"]


def test_a_damaged_grating_costs_no_curve_of_another_contrast(tmp_path: Path) -> None:
    visual(tmp_path / "store", contrasts=(10, 100))
    (tmp_path / "store" / "Segment1.pickle").write_bytes(b"of contrast 10")
    found = digest(Datastore(tmp_path / "store")).traces
    assert [name for name in found if "orientation" in name] == ["Exc: orientation tuning, contrast 100 %"]


def test_radii_that_are_nearly_equal_are_told_apart(tmp_path: Path) -> None:
    curve = digest(visual(tmp_path / "store", radii=(0.3, 0.1 * 3))).traces["Exc: size tuning, contrast 100 %"]
    assert curve.times[:2].tolist() == [0.3, 0.1 * 3]


def test_what_goes_wrong_in_a_part_costs_no_other_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> None:
        raise ValueError("of a curve")

    monkeypatch.setattr(digests, "orientation_responses", fails)
    found = digest(visual(tmp_path / "store"))
    assert "Exc: size tuning, contrast 100 %" in found.traces
    assert found.numbers
    assert "Exc: orientation tuning, contrast 100 % is left out: ValueError: of a curve" in caplog.text


@pytest.fixture
def files_of_20_s(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the files of segments that are read, each of which takes 20 s."""
    read: list[Path] = []

    def reading(path: Path) -> Recording:
        read.append(path)
        return read_recording(path)

    monkeypatch.setattr("targets.datastore.read_recording", reading)
    monkeypatch.setattr(digests, "time", SimpleNamespace(monotonic=lambda: 20.0 * len(read)))
    return read


@pytest.mark.parametrize(
    ("seconds", "read", "tuning"), [(0.0, 2, []), (70.0, 4, ["orientation"]), (110.0, 5, ["orientation", "size"])]
)
def test_no_more_is_read_after_as_long_as_the_targets_took(
    seconds: float, read: int, tuning: list[str], tmp_path: Path, files_of_20_s: list[Path]
) -> None:
    found = digest(visual(tmp_path / "store"), seconds=seconds)
    assert len(files_of_20_s) == read
    assert found.numbers
    assert found.events
    assert [f"Exc: {each} tuning, contrast 100 %" for each in tuning] == [n for n in found.traces if "tuning" in n]


@pytest.mark.usefixtures("files_of_20_s")
def test_what_there_was_no_time_for_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    digest(visual(tmp_path / "store"))
    said = "is left out: making the digest took more than 30 s"
    assert [record.message for record in caplog.records] == [
        f"Exc: orientation tuning, contrast 100 % {said}",
        f"Exc: size tuning {said}",
    ]


def test_what_was_not_recorded_is_left_out(tmp_path: Path) -> None:
    without = digest(visual(tmp_path / "store", orientations=None))  # no preferred orientations
    assert sorted(without.traces) == ["Exc: rate, spontaneous", "Exc: rates of the cells, spontaneous"]
    signals = Store(tmp_path / "signals").sheet("Exc", IDS).sheet("Inh", [1])
    signals.segment("Exc", SPONTANEOUS, {}, signals={"v": np.full((5, 2), -60.0)}, units="mV")
    alone = digest(Datastore(signals.write()))
    assert dict(alone) == {"Exc: mean v (mV), spontaneous": -60.0}
    assert not alone.traces
    assert not alone.events


def test_without_spontaneous_activity_it_is_that_of_the_first_stimulus(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("Exc", IDS[:2])
    for trial, rates in ((0, (10, 20)), (1, (20, 30))):
        store.segment("Exc", GRATING | {"trial": trial}, trains(*rates))
    store.segment("Exc", GRATING | {"orientation": 1.0}, trains(90, 90))
    found = digest(Datastore(store.write()))
    assert found.numbers["Exc: mean rate (Hz), first stimulus"] == 20
    assert len(found.events["Exc: spikes, first stimulus"]) == 30


def test_a_first_stimulus_is_one_that_can_be_read(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("Exc", IDS[:2]).sheet("Inh", IDS[:2])
    store.segment("Inh", "no stimulus", trains(50, 50))
    store.segment("Exc", "no stimulus", trains(50, 50)).segment("Exc", GRATING, trains(10, 20))
    found = digest(Datastore(store.write()))
    assert found.numbers == {"Exc: mean rate (Hz), first stimulus": 15, "Exc: SD of rate (Hz), first stimulus": 5}


def test_stimuli_are_not_grouped_to_find_the_first_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Datastore, "by_stimulus")  # its time grows with the square of their number
    store = Store(tmp_path / "store").sheet("Exc", IDS[:2]).segment("Exc", GRATING, trains(10, 20))
    assert digest(Datastore(store.write())).numbers["Exc: mean rate (Hz), first stimulus"] == 15


def test_a_digest_is_the_same_in_a_file_of_a_limited_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rng, store = np.random.default_rng(0), Store(tmp_path / "store")
    for n in range(4):
        ids = range(100 * n, 100 * n + 40)
        store.sheet(f"L{n}", ids).segment(f"L{n}", SPONTANEOUS, poisson_trains(ids, 48, 1000, rng), multiplexed=True)
    datastore = Datastore(store.write())
    assert len(digest(datastore).events) == 4
    monkeypatch.setattr(digests, "MOST_BYTES", 40_000)
    with caplog.at_level(logging.INFO):
        kept = digest(datastore)
    assert len(kept.numbers) == len(kept.traces) == 8
    assert list(kept.events) == [f"L{n}: spikes, spontaneous" for n in range(3)]
    assert "L3: spikes, spontaneous is left out: the digest would be larger than 40000 bytes" in caplog.text
    save(kept, tmp_path / "digest.npz", compressed=True)
    assert 0.7 * 40_000 < (tmp_path / "digest.npz").stat().st_size <= 40_000
    again = load(tmp_path / "digest.npz", tmp_path)
    assert again.numbers == kept.numbers
    for name, events in kept.events.items():
        np.testing.assert_array_equal(again.events[name].times, events.times)


def test_names_of_sheets_may_have_any_characters() -> None:
    assert sheet_and_quantity("V1: L2/3: rate, spontaneous") == ("V1: L2/3", "rate, spontaneous")
    assert sheet_and_quantity("rate") == ("", "rate")
