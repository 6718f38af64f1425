"""Closed forms of the likelihood, against numerical integrals."""

from __future__ import annotations

import numpy as np
import pytest

from orchestrator.posterior.likelihood import of_differences, of_numbers, offsets

INTERVALS = [(0.0, 0.0), (-1.0, 2.0), (-np.inf, 1.0), (0.5, np.inf)]


@pytest.mark.parametrize(("low", "high"), INTERVALS)
@pytest.mark.parametrize("mean", [-4.0, 0.2, 1.0, 3.0])
@pytest.mark.parametrize("deviation", [0.05, 1.0, 4.0])
def test_numbers_are_averaged_over_what_is_uncertain(low: float, high: float, mean: float, deviation: float) -> None:
    noise = 0.7
    values = mean + deviation * np.linspace(-9, 9, 200_001)
    distance = np.maximum(np.maximum(low - values, values - high), 0)
    weights = np.exp(-0.5 * ((values - mean) / deviation) ** 2)
    wanted = np.average(np.exp(-0.5 * (distance / noise) ** 2), weights=weights)
    arrays = (np.array([[mean]]), np.array([[deviation]]), np.array([low]), np.array([high]), np.array([noise]))
    assert of_numbers(*arrays)[0, 0] == pytest.approx(np.log(wanted), abs=1e-4)


def test_what_is_certain_and_far_is_normal_outside_and_flat_inside() -> None:
    mean, none = np.array([[-60.0], [0.5], [1.0], [3.0], [300.0]]), np.zeros((5, 1))
    found = of_numbers(mean, none, np.array([0.0]), np.array([1.0]), np.array([2.0]))
    np.testing.assert_allclose(found[:, 0], [-450, 0, np.log(1), -0.5, -0.5 * 149.5**2], atol=1e-6)


def test_differences_are_averaged_over_what_is_uncertain() -> None:
    rng = np.random.default_rng(1)
    mean, deviation, noise = np.array([[0.5, -1.0, 0.2]]), np.array([[0.4, 1.5, 0.0]]), 0.8
    drawn = mean + deviation * rng.standard_normal((150_000, 3))
    wanted = np.log(np.exp(-0.5 * (drawn**2).sum(axis=1) / noise**2).mean())
    assert of_differences(mean, deviation, noise)[0] == pytest.approx(wanted, abs=0.015)


@pytest.mark.parametrize(("half", "noise"), [(0.0, 0.7), (1.0, 0.7), (1.0, 1e-3)])
def test_data_lie_beside_their_value_as_is_likely(half: float, noise: float) -> None:
    """Against the distribution function of the likelihood, integrated numerically."""
    drawn = offsets(np.full(20_000, half), np.full(20_000, noise), np.random.default_rng(1))
    grid = np.linspace(-half - 5 * noise, half + 5 * noise, 4001)
    likelihood = np.exp(-0.5 * (np.maximum(np.abs(grid) - half, 0) / noise) ** 2)
    wanted = np.cumsum(likelihood) / likelihood.sum()
    found = np.searchsorted(np.sort(drawn), grid) / len(drawn)
    assert np.abs(found - wanted).max() < 0.015
