"""Tuning curves, their widths and suppression, on planted responses."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize
from stores import DISK, GRATING, Store

from targets import Datastore, DatastoreError, NoValue, SizeTuning
from targets.tuning import OrientationResponses, contrasts, orientation_responses, size_responses

IDS = range(10, 14)
PREFERRED = [0.0, math.pi / 2, math.pi / 2 + 0.05, math.pi / 2]


def gaussian(theta: np.ndarray, mean: float, sigma: float, base: float, height: float) -> np.ndarray:
    distance = np.abs((theta - mean + math.pi / 2) % math.pi - math.pi / 2)
    return base + height * np.exp(-(distance**2) / (2 * sigma**2))


def responses(n: int, *curves: np.ndarray) -> OrientationResponses:
    rates = np.array(curves).T
    return OrientationResponses(100.0, math.pi / n * np.arange(n), rates, np.zeros(rates.shape[1]))


@pytest.mark.parametrize("n", [6, 8, 12, 24])
@pytest.mark.parametrize("degrees", [15.0, 25.0, 40.0])
def test_half_widths_of_gaussians(n: int, degrees: float) -> None:
    """The height falls to its half at the half width, whatever the baseline, height and preferred orientation."""
    sigma = math.radians(degrees)
    theta = math.pi / n * np.arange(n)
    means = np.linspace(0, math.pi, 7, endpoint=False)
    found = responses(n, *(gaussian(theta, mean, sigma, 2 + mean, 5 + 3 * mean) for mean in means))
    if degrees <= 90 / n:
        return  # too narrow for so few gratings
    half_widths, explained = found.widths()
    np.testing.assert_allclose(np.degrees(half_widths), math.sqrt(2 * math.log(2)) * degrees, atol=2.0)
    assert (explained > 0.99).all()
    at_half = gaussian(half_widths, 0.0, sigma, 0.0, 1.0)
    np.testing.assert_allclose(at_half, 0.5, atol=0.06)


def test_noisy_responses_and_cells_without_any() -> None:
    rng = np.random.default_rng(0)
    theta = math.pi / 12 * np.arange(12)
    tuned = gaussian(theta, 1.0, 0.4, 3.0, 20.0)
    found = responses(12, tuned + rng.normal(0, 0.5, 12), np.full(12, 4.0), np.full(12, np.nan), rng.uniform(0, 9, 12))
    half_widths, explained = found.widths()
    assert half_widths[0] == pytest.approx(0.4 * math.sqrt(2 * math.log(2)), abs=0.05)
    assert np.isnan(half_widths[[1, 2]]).all()
    assert np.isnan(explained[[1, 2]]).all()
    assert explained[0] > 0.97 > explained[3]


def test_widths_agree_with_a_fit_by_least_squares() -> None:
    rng = np.random.default_rng(1)
    theta = math.pi / 12 * np.arange(12)
    curves = [gaussian(theta, mean, 0.45, 2, 15) + rng.normal(0, 1, 12) for mean in rng.uniform(0, math.pi, 20)]
    half_widths, explained = responses(12, *curves).widths()
    for curve, half_width, share in zip(curves, half_widths, explained, strict=True):
        start = [theta[curve.argmax()], 0.4, 2, 15]
        (_, sigma, _, _), _ = optimize.curve_fit(gaussian, theta, curve, start, maxfev=5000)
        assert half_width == pytest.approx(abs(sigma) * math.sqrt(2 * math.log(2)), abs=0.03)
        assert 0.8 < share < 1


def test_three_orientations_have_no_width() -> None:
    with pytest.raises(NoValue, match="needs gratings of 4 orientations, 3 of contrast 100 were presented"):
        responses(3, np.arange(3.0)).widths()


@pytest.mark.parametrize(("n", "offsets"), [(4, [-90, -45, 0, 45]), (3, [-60, 0, 60]), (2, [-90, 0])])
def test_responses_are_aligned_with_the_preferred_orientation(n: int, offsets: list[float]) -> None:
    orientations = math.pi / n * np.arange(n)
    preferred = np.array([0.01, math.pi / n - 0.02, math.pi - 0.03, np.nan])
    distance = np.abs((orientations[:, None] - preferred + math.pi / 2) % math.pi - math.pi / 2)
    found, rates = OrientationResponses(100.0, orientations, 100 - distance, preferred).aligned()
    np.testing.assert_allclose(np.degrees(found), offsets, atol=1e-9)
    assert (rates[:, :3].argmax(axis=0) == offsets.index(0)).all()
    for cell in range(3):
        np.testing.assert_allclose(rates[:, cell], 100 - np.abs(np.radians(offsets)), atol=0.04)
    assert np.isnan(rates[:, 3]).all()


def spikes(*numbers: int) -> dict[int, np.ndarray]:
    return {10 + index: np.linspace(1, 999, number) for index, number in enumerate(numbers)}


def test_responses_of_a_datastore(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("A", IDS, None, PREFERRED)
    for n, orientation in enumerate((math.pi / 2, 0.0, math.pi / 4)):
        for trial in (0, 1):
            stimulus = GRATING | {"orientation": orientation, "trial": trial}
            store.segment("A", stimulus, spikes(n, 10 * n, 5 + 2 * trial))
    store.segment("A", GRATING | {"contrast": 10, "orientation": math.pi}, spikes(1, 1, 1))
    datastore = Datastore(store.write())
    assert contrasts(datastore, "A") == [10.0, 100.0]
    found = orientation_responses(datastore, "A")
    np.testing.assert_allclose(found.orientations, [0, math.pi / 4, math.pi / 2], atol=1e-6)
    np.testing.assert_array_equal(found.rates, [[1, 10, 6, np.nan], [2, 20, 6, np.nan], [0, 0, 6, np.nan]])
    np.testing.assert_array_equal(found.preferred, PREFERRED)
    assert orientation_responses(datastore, "A", 10).orientations.tolist() == [0.0]
    with pytest.raises(NoValue, match="of contrast 50 in sheet A"):
        orientation_responses(datastore, "A", 50)


def test_cells_without_preferred_orientations(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("A", IDS).segment("A", GRATING, spikes(1, 1))
    with pytest.raises(DatastoreError, match="have no annotation"):
        orientation_responses(Datastore(store.write()), "A")


def test_sizes_and_suppression(tmp_path: Path) -> None:
    """Cell 10 prefers another orientation, 13 lies outside of the centre."""
    positions = np.array([[0.0, 0.1, 0.2, 3.0], [0.0] * 4, [0.0] * 4])
    store = Store(tmp_path / "store").sheet("A", IDS, positions, PREFERRED)
    store.segment("A", DISK | {"radius": 2.0}, spikes(9, 12, 8, 9))
    store.segment("A", DISK | {"radius": 0.5}, spikes(9, 16, 2, 9))
    store.segment("A", GRATING | {"orientation": math.pi / 2}, spikes(9, 4, 10, 9))
    target = SizeTuning(sheet_name="A", target_value=0.5, norm=1)
    found = size_responses(Datastore(store.write()), target)
    assert found.radii.tolist() == [0.5, 2.0, math.inf]
    np.testing.assert_array_equal(found.rates, [[16, 2], [12, 8], [4, 10]])
    np.testing.assert_allclose(found.suppression(), [12 / 16, 0])
    assert found.cells.tolist() == [1, 2]
    np.testing.assert_allclose(found.of(np.array([1])).suppression(), [0])


def test_without_the_full_field_the_largest_disk_is_the_largest_size(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("A", IDS, None, PREFERRED)
    store.segment("A", DISK | {"radius": 1.0}, spikes(0, 10, 0, 0))
    target = SizeTuning(sheet_name="A", target_value=0.5, norm=1)
    one = size_responses(Datastore(store.write()), target)
    with pytest.raises(NoValue, match="two sizes"):
        one.suppression()
    store.segment("A", DISK | {"radius": 3.0}, spikes(0, 5, 0, 0))
    two = size_responses(Datastore(store.write()), target)
    np.testing.assert_array_equal(two.suppression(), [0.5, np.nan, np.nan])  # cells that respond to no size


def test_no_disks(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("A", IDS, None, PREFERRED).segment("A", GRATING, spikes(1, 1, 1, 1))
    with pytest.raises(NoValue, match="no recording of DriftingSinusoidalGratingDisk"):
        size_responses(Datastore(store.write()), SizeTuning(sheet_name="A", target_value=0.5, norm=1))
