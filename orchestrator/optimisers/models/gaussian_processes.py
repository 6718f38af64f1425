"""Gaussian processes of many quantities at the same points (Rasmussen & Williams 2006, chapter 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestrator.optimisers.models.kernels import Kernel, pairs
from orchestrator.optimisers.models.likelihood import LEAST, GaussianProcessPrior, inverted, likeliest
from orchestrator.records import FloatArray


@dataclass(frozen=True)
class _Process:
    """One standardised quantity.

    Parameters
    ----------
    kernel : Kernel
        Of the multiplied coordinates.
    factors : ndarray of float, shape (n_parameters,)
        What coordinates are multiplied by.
    data : ndarray of float, shape (n_data, n_parameters)
        Where it is known, multiplied.
    inverse : ndarray of float, shape (n_data, n_data)
        (K + g)^-1, with known noise as part of g.
    alpha : ndarray of float, shape (n_data,)
        (K + g)^-1 y.
    variance : float
        s, which multiplies the kernel.
    noise : float
        Variance of the noise of an evaluation on average.
    """

    kernel: Kernel
    factors: FloatArray
    data: FloatArray
    inverse: FloatArray
    alpha: FloatArray
    variance: float
    noise: float

    @classmethod
    def of(
        cls, prior: GaussianProcessPrior, points: FloatArray, values: FloatArray, known: FloatArray | None
    ) -> _Process:
        """Return the process of values, shape (n_data,), at points, with the variances of noise that is known."""
        data, noise, shares = points * prior.factors, prior.noise, np.full(len(points), prior.noise)
        if prior.variance is not None and known is not None:
            shares += known / prior.variance
            noise = float(shares.mean())
        inverse, _ = inverted(prior.kernel.of(*pairs(data, data)) + np.diag(shares))
        alpha = inverse @ values
        variance = prior.variance or max(float(values @ alpha) / len(data), LEAST)
        return cls(prior.kernel, prior.factors, data, inverse, alpha, variance, variance * noise)

    def near(self, points: FloatArray) -> FloatArray:
        """Return the kernel of points, multiplied, and data, shape (n_points, n_data)."""
        return self.kernel.of(*pairs(points, self.data))


class GaussianProcesses:
    """One process for each of several quantities, known at the same points.

    Parameters
    ----------
    points : ndarray of float, shape (n_data, n_parameters)
        Where the quantities are known; at least two of them differ.
    values : ndarray of float, shape (n_data, n_quantities)
        The quantities, finite.
    errors : ndarray of float, shape (n_data, n_quantities), optional
        Standard errors of the quantities: the noise of an evaluation is not less. NaN of a quantity of which none are
        known, and of which all noise is learnt.

    Attributes
    ----------
    noise : ndarray of float, shape (n_quantities,)
        Standard deviation of the noise of each, in its own unit, of an evaluation on average.
    """

    def __init__(self, points: FloatArray, values: FloatArray, errors: FloatArray | None = None):
        self._mean, spread = values.mean(axis=0), values.std(axis=0)
        constant = spread <= LEAST
        self._spread = np.where(constant, 1.0, spread)
        standard = np.where(constant, 0.0, (values - self._mean) / self._spread)
        variances = np.full(values.shape, np.nan) if errors is None else (errors / self._spread) ** 2
        known = [None if np.isnan(column).any() else column for column in variances.T]
        parts = zip(likeliest(points, standard, known), standard.T, known, strict=True)
        self._processes = [_Process.of(prior, points, y, noise) for prior, y, noise in parts]
        self.noise = np.sqrt([each.noise for each in self._processes]) * self._spread

    def mean(self, points: FloatArray) -> FloatArray:
        """Return the mean of the quantities, shape (n_points, n_quantities)."""
        means = [each.near(points * each.factors) @ each.alpha for each in self._processes]
        return np.asarray(self._mean + self._spread * np.stack(means, axis=1))

    def predict(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and standard deviation of the quantities, without their noise, each (n_points, n_quantities)."""
        mean = np.empty((len(points), len(self._mean)))
        deviation = np.empty_like(mean)
        for column, process in enumerate(self._processes):
            scaled = points * process.factors
            near = process.near(scaled)
            mean[:, column] = near @ process.alpha
            known = ((near @ process.inverse) * near).sum(axis=1)
            unknown = process.variance * (process.kernel.at(scaled) - known)
            deviation[:, column] = np.sqrt(np.maximum(unknown, LEAST))
        return self._mean + self._spread * mean, self._spread * deviation

    def left_out(self) -> tuple[FloatArray, FloatArray]:
        """Return how far each value is from what the others predict, and the standard deviation that is expected of it.

        Rasmussen & Williams, equations 5.11 and 5.12: alpha_i / V_ii and sqrt(s / V_ii), with V = (K + g)^-1. Kernels,
        factors and noise are those of all values.

        Returns
        -------
        tuple of ndarray of float, shape (n_data, n_quantities)
        """
        precisions = [np.diag(each.inverse) for each in self._processes]
        pairs_of = list(zip(self._processes, precisions, strict=True))
        errors = np.stack([each.alpha / precision for each, precision in pairs_of], axis=1)
        deviations = np.stack([np.sqrt(each.variance / precision) for each, precision in pairs_of], axis=1)
        return errors * self._spread, deviations * self._spread

    def gradient(
        self, points: FloatArray, by_mean: FloatArray, by_deviation: FloatArray, deviation: FloatArray
    ) -> FloatArray:
        """Return the gradient of a function of what is predicted.

        Parameters
        ----------
        points : ndarray of float, shape (n_points, n_parameters)
            Where.
        by_mean, by_deviation : ndarray of float, shape (n_points, n_quantities)
            Derivatives of the function by the means and by the standard deviations.
        deviation : ndarray of float, shape (n_points, n_quantities)
            The standard deviations, as `predict` gives them.

        Returns
        -------
        ndarray of float, shape (n_points, n_parameters)
            Derivatives of the function by the points.
        """
        gradient = np.zeros_like(points)
        # d sd / d variance, both of the standardised quantity
        by_variance = by_deviation * self._spread**2 / deviation
        for column, process in enumerate(self._processes):
            scaled = points * process.factors
            weights = (by_mean[:, column] * self._spread[column])[:, None] * process.alpha
            slope = np.zeros_like(points)
            if by_variance[:, column].any():
                factor = (by_variance[:, column] * process.variance)[:, None]
                weights = weights - factor * (process.near(scaled) @ process.inverse)
                slope = 0.5 * factor * process.kernel.gradient_at(scaled)
            gradient += (slope + process.kernel.gradient(weights, scaled, process.data)) * process.factors
        return gradient
