"""Size-tuning curves fitted to planted responses, and the indices of curves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, special

from orchestrator.analysis import SizeFits, fit_sizes, suppression_indices
from targets import NoValue
from targets.tuning import SizeResponses

pytestmark = pytest.mark.commands

RADII = np.geomspace(0.125, 5, 12)
# amplitude and width of centre, surround and what lies beyond, and the baseline: c, a, s, b - a, f, d - b, r0
THREE = np.array([[20, 0.8, 15, 1.5, 6, 2, 2], [14, 0.4, 9, 0.7, 5, 1.8, 0], [10, 1.5, 0, 1, 0, 1, 1]], float)


def curve(radii: np.ndarray, *p: float) -> np.ndarray:
    """The documented formula, written out."""
    c, a, s, to_b, f, to_d, r0 = p
    b, d = a + to_b, a + to_b + to_d
    return r0 + c * special.erf(radii / a) ** 2 - s * special.erf(radii / b) ** 2 + f * special.erf(radii / d) ** 2


def fitted(radii: np.ndarray, *curves: np.ndarray) -> SizeFits:
    return fit_sizes(SizeResponses(radii, np.array(curves).T, np.arange(len(curves))))


@pytest.mark.parametrize(
    ("responses", "suppression", "counter"),
    [
        ([0, 10, 4, 6], 0.6, 0.2),  # suppressed, and recovers
        ([0, 10, 6, 4], 0.6, 0.0),
        ([1, 5, 8, 10], 0.0, 0.0),  # largest at the largest size
        ([3, 10, 4, 10], 0.6, 0.6),  # the first one of two equal ones is the largest
        ([0, 0, 0, 0], math.nan, math.nan),
        ([0, math.nan, 1, 2], math.nan, math.nan),
        ([1, 10, -4, 2], 1.0, 0.2),  # of a curve below 0: a rate is not negative
        ([1, 10, -4, -1], 1.0, 0.0),
    ],
)
def test_indices_of_a_curve(responses: list[float], suppression: float, counter: float) -> None:
    (si,), (csi,) = suppression_indices(np.array([responses], float).T)
    assert (si, csi) == (pytest.approx(suppression, nan_ok=True), pytest.approx(counter, nan_ok=True))


def test_indices_are_of_each_cell() -> None:
    curves = np.array([[0.0, 10, 4, 6], [0.0, 0, 0, 0], [1.0, 5, 8, 2]]).T
    si, csi = suppression_indices(curves)
    np.testing.assert_allclose(si, [0.6, math.nan, 0.75])
    np.testing.assert_allclose(csi, [0.2, math.nan, 0])
    assert [each.shape for each in suppression_indices(curves[:, :0])] == [(0,), (0,)]


def test_planted_curves_are_found_again() -> None:
    found = fitted(RADII, *(curve(RADII, *each) for each in THREE))
    assert found.three
    assert (found.explained > 0.9999).all()
    truth = np.array([curve(found.fine, *each) for each in THREE]).T
    np.testing.assert_allclose(found.curves(), truth, atol=0.15)
    np.testing.assert_allclose(found.indices(), suppression_indices(truth), atol=0.02)


def test_cells_that_large_disks_silence_have_no_negative_rates_and_do_not_recover() -> None:
    radii = np.array([0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 6])
    found = fitted(radii, np.array([12.0, 11, 30, 24, 13, 0, 0, 0, 0, 0]))
    curve = found.curves()
    assert curve.min() == 0
    (si,), (csi,) = found.indices()
    assert si == 1
    assert csi < 0.03


def test_a_curve_begins_at_the_smallest_disk() -> None:
    radii, rates = np.geomspace(0.25, 6, 7), np.array([14.0, 6, 8, 8, 7, 10, 13])
    found = fitted(radii, rates)
    assert (found.fine[0], found.fine[-1]) == (0.25, 6)
    assert found.curves().max() < 1.1 * rates.max()
    assert found.indices()[0][0] < 0.7


def test_a_fit_of_noisy_responses_is_as_near_as_that_of_another_program() -> None:
    rng = np.random.default_rng(2)
    noisy = [np.maximum(curve(RADII, *each) + rng.normal(0, 0.7, len(RADII)), 0) for each in THREE[:2]]
    found = fitted(RADII, *noisy)
    for rates, explained, truth in zip(noisy, found.explained, THREE, strict=False):
        other, _ = optimize.curve_fit(curve, RADII, rates, truth, bounds=(0, 200), max_nfev=2000)
        left = ((curve(RADII, *other) - rates) ** 2).sum() / ((rates - rates.mean()) ** 2).sum()
        assert 1 - explained <= 1.02 * left


def test_few_disks_have_two_gaussians_or_no_curve() -> None:
    radii = np.array([0.25, 0.5, 1, 2, 4])
    found = fitted(radii, curve(radii, 20, 0.6, 15, 1.5, 0, 1, 2))
    assert not found.three
    assert found.explained[0] > 0.9999
    (si,), (csi,) = found.indices()
    assert si == pytest.approx(
        suppression_indices(curve(found.fine, 20, 0.6, 15, 1.5, 0, 1, 2)[:, None])[0][0], abs=0.01
    )
    assert csi == 0
    with pytest.raises(NoValue, match="needs disks of 5 sizes, 4 were presented"):
        fitted(radii[:4], np.arange(4.0))


def test_the_full_field_is_no_disk_and_silent_cells_have_no_curve() -> None:
    radii = np.append(RADII, math.inf)
    responses = [np.append(curve(RADII, *THREE[0]), 1000.0), np.zeros(13), np.full(13, 4.0), np.full(13, math.nan)]
    found = fitted(radii, *responses)
    assert found.radii.tolist() == RADII.tolist()
    assert found.explained[0] > 0.9999
    assert np.isnan(found.explained[1:]).all()
    assert np.isnan(found.indices()[0][1:]).all()
