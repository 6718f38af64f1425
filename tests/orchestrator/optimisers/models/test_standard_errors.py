"""What models make of standard errors: the noise of single evaluations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from orchestrator.optimisers.base import Scale, Told
from orchestrator.optimisers.models.gaussian_processes import GaussianProcesses
from orchestrator.optimisers.models.kernels import Kernel, pairs
from orchestrator.optimisers.models.likelihood import loss_beside_noise
from orchestrator.optimisers.models.scores import Scales
from orchestrator.optimisers.models.standard_errors import smoothed
from orchestrator.optimisers.models.values import Data, ValueModel
from orchestrator.records import FloatArray, Origin, Outcome


def points(number: int, width: int = 3, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(size=(number, width))


def smooth(data: FloatArray) -> FloatArray:
    return np.asarray(np.sin(data[:, 0]) + data[:, 1])


def test_errors_are_smoothed_over_the_nearest_evaluations() -> None:
    places = np.concatenate([np.linspace(0, 0.07, 8), np.linspace(5, 5.07, 8)])[:, None]
    errors = np.concatenate([np.linspace(0, 0.7, 8), np.full(8, 2.0)])
    found = smoothed(places, errors[:, None])[:, 0]
    np.testing.assert_allclose(found**2, [np.mean(errors[:8] ** 2)] * 8 + [4.0] * 8)
    # that of an evaluation of which nothing is known is its neighbours'
    errors[-1] = np.nan
    assert smoothed(places, errors[:, None])[-1, 0] ** 2 == pytest.approx((7 * 4 + 0.7**2) / 8)


def test_where_no_trial_differs_from_another_nothing_is_known() -> None:
    nothing = np.column_stack([np.full(5, np.nan), np.zeros(5), np.full(5, np.inf), np.ones(5)])
    found = smoothed(points(5), nothing)
    assert np.isnan(found[:, :3]).all()
    assert (found[:, 3] == 1).all()


@pytest.mark.parametrize(
    "kernel", [Kernel(1.3), Kernel(0.8, local=0.3, linear=0.5, rough=True)], ids=["local", "mixed"]
)
def test_the_gradient_of_the_likelihood_beside_known_noise_is_that_of_differences(kernel: Kernel) -> None:
    data, known = points(12), np.linspace(0.01, 0.4, 12)
    values = smooth(data)
    at = np.append(np.random.default_rng(1).normal(size=3), [-2.0, 0.4])
    by_difference = approx_fprime(at, lambda x: loss_beside_noise(x, kernel, data, values, known)[0], 1e-7)
    np.testing.assert_allclose(
        loss_beside_noise(at, kernel, data, values, known)[1], by_difference, rtol=1e-4, atol=1e-4
    )


def test_the_likelihood_beside_known_noise_is_that_of_a_normal_distribution() -> None:
    """Up to the constant, and to what is expected of factors and noise, which are at the expected ones here."""
    data, known = points(8), np.linspace(0.01, 0.4, 8)
    values, kernel = smooth(data), Kernel(1.1)
    covariance = 0.7 * (kernel.of(*pairs(data, data)) + 0.05 * np.eye(8)) + np.diag(known)
    expected = 0.5 * values @ np.linalg.solve(covariance, values) + 0.5 * np.linalg.slogdet(covariance)[1]
    found, _ = loss_beside_noise(np.array([0, 0, 0, np.log(0.05), np.log(0.7)]), kernel, data, values, known)
    assert found == pytest.approx(expected)


def noisy(number: int = 40) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return points, values and their errors: of half of them, on one side, the noise is large."""
    rng, data = np.random.default_rng(3), points(number)
    deviation = np.where(data[:, 2] > 0, 1.5, 0.02)
    trials = smooth(data)[:, None] + deviation[:, None] * rng.normal(size=(number, 4))
    return data, trials.mean(axis=1)[:, None], smoothed(data, trials.std(axis=1, ddof=1)[:, None] / 2)


def test_evaluations_with_large_errors_are_believed_less() -> None:
    """Every other one is noisy: all noise that is learnt would be the same."""
    rng = np.random.default_rng(5)
    data = np.linspace(-2, 2, 40)[:, None]
    errors = np.where(np.arange(40) % 2, 1.0, 0.05)[:, None]
    values = np.sin(data) + errors * rng.normal(size=data.shape)
    at = np.linspace(-1.9, 1.9, 50)[:, None]
    plain, told = (GaussianProcesses(data, values, each) for each in (None, errors))
    off = [np.sqrt(np.mean((each.predict(at)[0] - np.sin(at)) ** 2)) for each in (plain, told)]
    assert off[1] < 0.1
    assert off[1] < 0.5 * off[0]
    assert told.noise[0] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=0.1)


def test_noise_that_is_known_of_some_quantities_only_is_learnt_of_the_others() -> None:
    data = points(30)
    values = np.column_stack([smooth(data), smooth(data) + 0.2 * np.random.default_rng(2).normal(size=30)])
    errors = np.column_stack([np.full(30, 0.3), np.full(30, np.nan)])
    plain, told = GaussianProcesses(data, values), GaussianProcesses(data, values, errors)
    assert told.noise[1] == plain.noise[1]
    assert told.noise[0] >= 0.3 > plain.noise[0]


def test_mean_deviation_and_what_is_left_out_are_the_textbooks_with_known_noise() -> None:
    data, values, errors = noisy(14)
    model = GaussianProcesses(data, values, errors)
    (own,) = model._processes
    mean, spread = values.mean(), values.std()
    known = (errors[:, 0] / spread) ** 2
    shares = own.noise / own.variance - known.mean() / own.variance
    covariance = own.variance * (own.near(own.data) + shares * np.eye(14)) + np.diag(known)
    near = own.variance * own.near(points(3, seed=9) * own.factors)
    expected = mean + spread * near @ np.linalg.solve(covariance, (values[:, 0] - mean) / spread)
    np.testing.assert_allclose(model.predict(points(3, seed=9))[0][:, 0], expected, rtol=1e-6)
    errors_left_out, deviations = model.left_out()
    others = np.arange(1, 14)
    weights = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, 0])
    assert errors_left_out[0, 0] == pytest.approx(values[0, 0] - mean - weights @ (values[others, 0] - mean), rel=1e-4)
    assert deviations[0, 0] == pytest.approx(
        spread * np.sqrt(covariance[0, 0] - weights @ covariance[others, 0]), rel=1e-4
    )


def test_errors_of_what_is_learnt_are_those_of_differences() -> None:
    scales = Scales([Scale(0, 2, 0.5, 20), Scale.of_scores(20)]).widened(np.array([4.0, 1.0]))
    values = np.array([[7.0, 1.0]])
    found = scales.errors(values, np.array([[1e-6, 1e-6]]))
    assert found[0, 0] == pytest.approx(float((scales.learnt(values + 1e-6) - scales.learnt(values))[0, 0]), rel=1e-4)
    # noise of many norms is not more than it is where y is steepest
    steep = Scales([Scale(0, 0, 1, 20)]).errors(np.zeros((1, 1)), np.full((1, 1), 50.0))
    assert steep[0, 0] == pytest.approx(np.arcsinh(50))
    # of a target that computes its score in a way of its own the score is learnt
    assert np.isnan(found[0, 1])


def test_the_model_of_the_values_knows_which_of_them_are_noisy() -> None:
    data, values, errors = noisy()
    scales = Scales([Scale(0, 0, 0.2, 20)])
    failed = np.zeros(len(data), dtype=bool)
    plain, told = (ValueModel(Data(data, values, failed, each), scales) for each in (None, errors))
    quiet = data[:, 2] < 0
    off = [np.abs(each.left_out()[0][quiet]).mean() for each in (plain, told)]
    assert off[1] < 0.8 * off[0]
    # what is pending has no error, and is believed all the same
    assert np.isfinite(told.believing(points(3, seed=8)).predict(points(2, seed=7)).mean).all()


def test_leaving_a_row_out_leaves_its_errors_out() -> None:
    values, ok = np.ones((3, 2)), [Outcome.OK] * 3
    told = Told(points(3), values, values, ok, [Origin.SAMPLE] * 3, errors=np.arange(6.0).reshape(3, 2))
    np.testing.assert_array_equal(told.without(1).errors_or_nan, [[0, 1], [4, 5]])
    assert np.isnan(replace(told, errors=None).without(1).errors_or_nan).all()
