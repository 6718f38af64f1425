"""Gaussian processes of many quantities at the same points, which share the decompositions of a few kernels.

Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, chapters 2 and 5. With the eigendecomposition
K = Q diag(w) Q^T of a kernel at the data, every quantity and every share of noise g costs O(N) by
(K + g)^-1 = Q diag(1 / (w + g)) Q^T, and the variance s of a quantity has a closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

from orchestrator.records import FloatArray

IntArray = npt.NDArray[np.intp]

# variance of the noise as a share of the signal's; the one that is expected, and how strongly: a quadratic penalty on
# the logarithm of what it is off
_NOISES = np.array([1e-4, 1e-3, 4e-3, 0.016, 0.06, 0.25, 1.0, 4.0])
_EXPECTED_NOISE, _PENALTY = 0.05, 0.02
# length scales, in median distances between the points
_LENGTHS = (0.12, 0.25, 0.5, 1.0, 2.0)
# so many kernels serve all quantities: a prediction costs one matrix for each
_KERNELS = 3
_LEAST = 1e-12


@dataclass(frozen=True)
class Kernel:
    """r exp(-d^2 / 2 l^2) + a L + b L^2, with the distance d of two points t and t', and L = t.t' / n.

    Parameters
    ----------
    length : float
        l, in the units of the points.
    local, linear, quadratic : float
        r, a and b.
    """

    length: float
    local: float = 1.0
    linear: float = 0.0
    quadratic: float = 0.0

    def of(self, squares: FloatArray, products: FloatArray) -> FloatArray:
        """Return the kernel of pairs with these squared distances d^2 and products L, which have the same shape."""
        values = self._near(squares)
        if self.linear or self.quadratic:
            values += (self.linear + self.quadratic * products) * products
        return np.asarray(values)

    def gradient(self, weights: FloatArray, points: FloatArray, data: FloatArray) -> FloatArray:
        """Return the gradient of sum_i weights[m, i] k(points[m], data[i]) by the points, of their shape.

        Parameters
        ----------
        weights : ndarray of float, shape (n_points, n_data)
            Factors of the kernels.
        points, data : ndarray of float, shape (n_points or n_data, n_parameters)
            The pairs.
        """
        squares, products = pairs(points, data)
        near = weights * self._near(squares)
        slope = (near @ data - near.sum(axis=1)[:, None] * points) / self.length**2
        if self.linear or self.quadratic:
            slope += (weights * (self.linear + 2 * self.quadratic * products)) @ data / points.shape[1]
        return np.asarray(slope)

    def at(self, points: FloatArray) -> FloatArray:
        """Return k(t, t) of each point, shape (n_points,)."""
        product = (points**2).mean(axis=1)
        return np.asarray(self.local + (self.linear + self.quadratic * product) * product)

    def gradient_at(self, points: FloatArray) -> FloatArray:
        """Return the gradient of k(t, t) at each point, shape (n_points, n_parameters)."""
        product = (points**2).mean(axis=1)[:, None]
        return np.asarray((self.linear + 2 * self.quadratic * product) * 2 * points / points.shape[1])

    def _near(self, squares: FloatArray) -> FloatArray:
        return np.asarray(self.local * np.exp(squares / (-2 * self.length**2)))


class _Fit:
    """What one kernel makes of all quantities, each with its likeliest share of noise.

    Parameters
    ----------
    kernel : Kernel
        The kernel.
    matrix : ndarray of float, shape (n_data, n_data)
        The kernel at the data; overwritten.
    values : ndarray of float, shape (n_data, n_quantities)
        Of mean 0 and variance 1.
    """

    def __init__(self, kernel: Kernel, matrix: FloatArray, values: FloatArray):
        self.kernel = kernel
        weights, self.vectors = eigh(matrix, overwrite_a=True, check_finite=False, driver="evd")
        n = len(weights)
        self._rotated = self.vectors.T @ values
        # (n_noises, n_data)
        self._inverses = 1 / (np.maximum(weights, 0) + _NOISES[:, None])
        variance = np.maximum(self._inverses @ self._rotated**2 / n, _LEAST)
        shift = _PENALTY * np.log(_NOISES / _EXPECTED_NOISE) ** 2 - 0.5 * np.log(self._inverses).sum(axis=1)
        losses = 0.5 * n * np.log(variance) + shift[:, None]
        self._choice = np.argmin(losses, axis=0)
        quantities = np.arange(values.shape[1])
        self.loss, self._variance = losses[self._choice, quantities], variance[self._choice, quantities]

    def of(self, columns: IntArray) -> _Share:
        """Return the processes of some of the quantities."""
        inverse = self._inverses[self._choice[columns]].T
        return _Share(
            kernel=self.kernel,
            columns=columns,
            vectors=self.vectors,
            inverse=inverse,
            alpha=self.vectors @ (self._rotated[:, columns] * inverse),
            variance=self._variance[columns],
            noise=self._variance[columns] * _NOISES[self._choice[columns]],
        )


@dataclass(frozen=True)
class _Share:
    """The quantities that one kernel serves: `inverse` is 1 / (w + g), `alpha` (K + g)^-1 y, `variance` s, of each."""

    kernel: Kernel
    columns: IntArray
    vectors: FloatArray
    inverse: FloatArray
    alpha: FloatArray
    variance: FloatArray
    noise: FloatArray


class GaussianProcesses:
    """One process for each of several quantities, known at the same points.

    Kernel and noise of each quantity are the likeliest, of a few kernels that serve all; ties go to the first.

    Parameters
    ----------
    points : ndarray of float, shape (n_data, n_parameters)
        Where the quantities are known; at least two of them differ.
    values : ndarray of float, shape (n_data, n_quantities)
        The quantities, finite.

    Attributes
    ----------
    noise : ndarray of float, shape (n_quantities,)
        Standard deviation of the noise of each, in its own unit.
    """

    def __init__(self, points: FloatArray, values: FloatArray):
        self._points = points
        self._mean, spread = values.mean(axis=0), values.std(axis=0)
        self._spread = np.where(spread > _LEAST, spread, 1.0)
        squares, products = pairs(points, points)
        standard = (values - self._mean) / self._spread
        fits = [_Fit(kernel, kernel.of(squares, products), standard) for kernel in _candidates(squares)]
        chosen = _explaining(np.array([fit.loss for fit in fits]))
        best = np.argmin([fits[n].loss for n in chosen], axis=0)
        self._shares = [fits[n].of(np.flatnonzero(best == place)) for place, n in enumerate(chosen)]
        self.noise = np.zeros(values.shape[1])
        for share in self._shares:
            self.noise[share.columns] = np.sqrt(share.noise)
        self.noise *= self._spread

    def predict(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and standard deviation of the quantities, without their noise, each (n_points, n_quantities)."""
        mean = np.empty((len(points), len(self._mean)))
        deviation = np.empty_like(mean)
        squares, products = pairs(points, self._points)
        for share in self._shares:
            near = share.kernel.of(squares, products)
            mean[:, share.columns] = near @ share.alpha
            known = (near @ share.vectors) ** 2 @ share.inverse
            unknown = share.variance * (share.kernel.at(points)[:, None] - known)
            deviation[:, share.columns] = np.sqrt(np.maximum(unknown, _LEAST))
        return self._mean + self._spread * mean, self._spread * deviation

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
        squares, products = pairs(points, self._points)
        for share in self._shares:
            columns = share.columns
            near = share.kernel.of(squares, products)
            # d sd / d variance, both of the standardised quantity
            factor = by_deviation[:, columns] * self._spread[columns] ** 2 * share.variance / deviation[:, columns]
            weights = (by_mean[:, columns] * self._spread[columns]) @ share.alpha.T
            weights -= ((near @ share.vectors) * (factor @ share.inverse.T)) @ share.vectors.T
            gradient += share.kernel.gradient(weights, points, self._points)
            gradient += 0.5 * factor.sum(axis=1)[:, None] * share.kernel.gradient_at(points)
        return gradient


def pairs(points: FloatArray, data: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return squared distances and products t.t' / n of all pairs, each of shape (n_points, n_data)."""
    inner = points @ data.T
    squares = (points**2).sum(axis=1)[:, None] + (data**2).sum(axis=1) - 2 * inner
    return np.maximum(squares, 0), inner / points.shape[1]


def median_distance(squares: FloatArray) -> float:
    """Return the median distance of different points, given the squared distances of all pairs; 0 if all are one."""
    apart = squares[np.triu_indices(len(squares), k=1)]
    return float(np.sqrt(np.median(apart))) if len(apart) else 0.0


def _candidates(squares: FloatArray) -> list[Kernel]:
    lengths = median_distance(squares) * np.array(_LENGTHS)
    local = [Kernel(float(length)) for length in lengths]
    return [*local, *(Kernel(kernel.length, local=0.3, linear=0.5, quadratic=0.25) for kernel in local)]


def _explaining(losses: FloatArray) -> list[int]:
    """Return the kernels that together explain all quantities best, chosen one after the other.

    Parameters
    ----------
    losses : ndarray of float, shape (n_kernels, n_quantities)
        Negative logarithm of the likelihood.
    """
    chosen: list[int] = []
    least = np.full(losses.shape[1], np.inf)
    while len(chosen) < _KERNELS:
        together = np.minimum(losses, least).sum(axis=1)
        best = int(np.argmin(together))
        if best in chosen:
            break
        chosen.append(best)
        least = np.minimum(least, losses[best])
    return chosen
