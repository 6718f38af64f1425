"""Gaussian processes: against the textbook's formulas, and their gradients against differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from orchestrator.optimisers.models.gaussian_processes import GaussianProcesses
from orchestrator.optimisers.models.kernels import Kernel, pairs
from orchestrator.optimisers.models.likelihood import loss
from orchestrator.records import FloatArray

LOCAL = Kernel(1.3)
MIXED = Kernel(0.8, local=0.3, linear=0.5, quadratic=0.25)
ROUGH = Kernel(1.3, local=0.6, linear=0.5, rough=True)


def points(number: int, width: int = 4, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(size=(number, width))


def smooth(data: FloatArray) -> FloatArray:
    return np.stack([np.sin(data[:, 0]), data @ np.arange(1, data.shape[1] + 1), data[:, 1] ** 2], axis=1)


@pytest.mark.parametrize("kernel", [LOCAL, MIXED, ROUGH], ids=["local", "mixed", "rough"])
def test_a_kernel_is_what_its_formula_says(kernel: Kernel) -> None:
    one, other = points(1)[0], points(1, seed=1)[0]
    product = one @ other / 4
    distance = np.linalg.norm(one - other) / kernel.length
    z = np.sqrt(5) * distance
    near = (1 + z + z**2 / 3) * np.exp(-z) if kernel.rough else np.exp(-(distance**2) / 2)
    expected = kernel.local * near + kernel.linear * product + kernel.quadratic * product**2
    assert kernel.of(*pairs(one[None], other[None])) == pytest.approx(expected)
    assert kernel.at(one[None]) == pytest.approx(kernel.of(*pairs(one[None], one[None]))[0])


@pytest.mark.parametrize("kernel", [LOCAL, MIXED, ROUGH], ids=["local", "mixed", "rough"])
def test_gradients_of_a_kernel_are_those_of_differences(kernel: Kernel) -> None:
    at, data = points(1)[0], points(5, seed=1)
    weights = np.random.default_rng(2).normal(size=(1, 5))
    by_difference = approx_fprime(at, lambda t: float((weights @ kernel.of(*pairs(t[None], data)).T)[0, 0]), 1e-7)
    np.testing.assert_allclose(kernel.gradient(weights, at[None], data)[0], by_difference, rtol=1e-5, atol=1e-6)
    by_difference = approx_fprime(at, lambda t: float(kernel.at(t[None])[0]), 1e-7)
    np.testing.assert_allclose(kernel.gradient_at(at[None])[0], by_difference, rtol=1e-5, atol=1e-6)


def test_mean_and_deviation_are_the_textbooks() -> None:
    """Rasmussen & Williams 2006, equations 2.25 and 2.26, with the kernel and the noise that were chosen."""
    data, at = points(30), points(6, seed=1)
    values = smooth(data)[:, :1]
    process = GaussianProcesses(data, values)
    (own,) = process._processes
    noise = own.noise / own.variance
    data, at_data = data * own.factors, at * own.factors
    inverse = np.linalg.inv(own.kernel.of(*pairs(data, data)) + noise * np.eye(30))
    standard = (values[:, 0] - values.mean()) / values.std()
    near = own.kernel.of(*pairs(at_data, data))
    mean, deviation = process.predict(at)
    np.testing.assert_allclose(mean[:, 0], values.mean() + values.std() * near @ inverse @ standard, rtol=1e-6)
    np.testing.assert_allclose(process.mean(at), mean, rtol=1e-12)
    variance = own.kernel.at(at_data) - np.einsum("ij,jk,ik->i", near, inverse, near)
    assert own.variance == pytest.approx(standard @ inverse @ standard / 30)
    np.testing.assert_allclose(deviation[:, 0], values.std() * np.sqrt(own.variance * variance), rtol=1e-4)


@pytest.mark.parametrize("kernel", [LOCAL, MIXED, ROUGH], ids=["local", "mixed", "rough"])
def test_the_gradient_of_the_likelihood_is_that_of_differences(kernel: Kernel) -> None:
    data = points(12)
    values = smooth(data)[:, 0]
    at = np.append(np.random.default_rng(1).normal(size=4), -2.0)
    by_difference = approx_fprime(at, lambda logarithms: loss(logarithms, kernel, data, values)[0], 1e-7)
    np.testing.assert_allclose(loss(at, kernel, data, values)[1], by_difference, rtol=1e-4, atol=1e-4)


def test_a_parameter_that_does_not_matter_is_found_out() -> None:
    data, at = points(40, 8), points(100, 8, seed=1)
    process = GaussianProcesses(data, np.sin(data[:, :1]) + data[:, 1:2])
    assert process._processes[0].factors[:2].min() > 2 * process._processes[0].factors[2:].max()
    assert (process.predict(at)[0] - np.sin(at[:, :1]) - at[:, 1:2]).std() < 0.2


def test_smooth_functions_are_learnt_and_noise_is_found() -> None:
    data, at = points(80), points(40, seed=1)
    rng = np.random.default_rng(2)
    values = np.concatenate([smooth(data), smooth(data)[:, :1] + 0.3 * rng.normal(size=(80, 1))], axis=1)
    process = GaussianProcesses(data, values)
    mean, _ = process.predict(at)
    errors = (mean[:, :3] - smooth(at)).std(axis=0) / smooth(at).std(axis=0)
    assert (errors < 0.2).all()
    assert process.noise[3] == pytest.approx(0.3, rel=0.3)
    assert (process.noise[:3] < 0.1).all()


def test_deviations_are_as_large_as_the_errors() -> None:
    data, at = points(60), points(400, seed=1)
    mean, deviation = GaussianProcesses(data, smooth(data)).predict(at)
    standardised = (mean - smooth(at))[:, 0] / deviation[:, 0]
    assert 0.4 < standardised.std() < 2


@pytest.mark.parametrize("number", [5, 40])
def test_the_gradient_is_that_of_differences(number: int) -> None:
    data, at = points(number), points(1, seed=3)[0]
    process = GaussianProcesses(data, np.concatenate([smooth(data), np.ones((number, 1))], axis=1))
    by_mean, by_deviation = np.random.default_rng(4).normal(size=(2, 1, 4))

    def function(t: FloatArray) -> float:
        mean, deviation = process.predict(t[None])
        return float((by_mean * mean + by_deviation * deviation).sum())

    _, deviation = process.predict(at[None])
    gradient = process.gradient(at[None], by_mean, by_deviation, deviation)[0]
    # with a smaller step their rounding is larger than their error
    by_difference = [(function(at + step) - function(at - step)) / 2e-4 for step in 1e-4 * np.eye(4)]
    np.testing.assert_allclose(gradient, by_difference, rtol=1e-3, atol=1e-3)


def test_a_constant_is_predicted_as_it_is() -> None:
    data = points(20)
    mean, deviation = GaussianProcesses(data, np.full((20, 1), 7.0)).predict(points(5, seed=1))
    np.testing.assert_allclose(mean, 7)
    assert (deviation < 1e-3).all()


def test_what_is_left_out_is_what_all_others_predict() -> None:
    rng = np.random.default_rng(1)
    points = rng.standard_normal((14, 2))
    values = np.column_stack([points @ [1.0, 2.0] + 3, np.sin(3 * points[:, 0]) + 0.1 * rng.standard_normal(14)])
    model = GaussianProcesses(points, values)
    errors, deviations = model.left_out()
    # with the same kernels and noise, and the mean and spread of all values
    for column, process in enumerate(model._processes):
        covariance = process.variance * process.near(process.data) + process.noise * np.eye(14)
        mean, spread = values[:, column].mean(), values[:, column].std()
        for n in range(14):
            others = np.delete(np.arange(14), n)
            weights = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, n])
            expected = mean + weights @ (values[others, column] - mean)
            assert errors[n, column] == pytest.approx(values[n, column] - expected, rel=1e-4, abs=1e-8)
            variance = covariance[n, n] - weights @ covariance[others, n]
            assert deviations[n, column] == pytest.approx(spread * np.sqrt(variance), rel=1e-4)
