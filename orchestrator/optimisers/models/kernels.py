"""Kernels: how alike a quantity is at two points."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from orchestrator.records import FloatArray

# length scales that are tried, in median distances between the points
_LENGTHS = (0.25, 0.7, 2.0)


@dataclass(frozen=True)
class Kernel:
    """r f(d / l) + a L + b L^2, with the distance d of two points t and t', and L = t.t' / n.

    f(x) = exp(-x^2 / 2), or of a rough quantity (1 + z + z^2 / 3) exp(-z) with z = sqrt(5) x, Matern's of order 5/2.

    Parameters
    ----------
    length : float
        l, in the units of the points.
    local, linear, quadratic : float
        r, a and b.
    rough : bool
        Which f.
    """

    length: float
    local: float = 1.0
    linear: float = 0.0
    quadratic: float = 0.0
    rough: bool = False

    def of(self, squares: FloatArray, products: FloatArray) -> FloatArray:
        """Return the kernel of pairs with these squared distances d^2 and products L, which have the same shape."""
        values = self.near(squares)
        if self.linear or self.quadratic:
            values += (self.linear + self.quadratic * products) * products
        return np.asarray(values)

    def near(self, squares: FloatArray) -> FloatArray:
        """Return the first of the three terms."""
        if self.rough:
            z = np.sqrt(5 * squares) / self.length
            return np.asarray(self.local * (1 + z + z**2 / 3) * np.exp(-z))
        return np.asarray(self.local * np.exp(squares / (-2 * self.length**2)))

    def slope(self, squares: FloatArray) -> FloatArray:
        """Return -2 times the derivative of the first of the three terms by d^2."""
        if self.rough:
            z = np.sqrt(5 * squares) / self.length
            return np.asarray(self.local * 5 / (3 * self.length**2) * (1 + z) * np.exp(-z))
        return self.near(squares) / self.length**2

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
        near = weights * self.slope(squares)
        slope = near @ data - near.sum(axis=1)[:, None] * points
        if self.linear or self.quadratic:
            slope += (weights * (self.linear + 2 * self.quadratic * products)) @ data / points.shape[1]
        return np.asarray(slope)

    def gradient_by_scales(self, weights: FloatArray, points: FloatArray) -> FloatArray:
        """Return the gradient of sum_ij weights[i, j] k(t_i, t_j) by the logarithms of factors of the coordinates.

        Parameters
        ----------
        weights : ndarray of float, shape (n_points, n_points)
            Symmetric.
        points : ndarray of float, shape (n_points, n_parameters)
            t, already multiplied by the factors.
        """
        return np.asarray(2 * (self.gradient(weights, points, points) * points).sum(axis=0))

    def at(self, points: FloatArray) -> FloatArray:
        """Return k(t, t) of each point, shape (n_points,)."""
        product = (points**2).mean(axis=1)
        return np.asarray(self.local + (self.linear + self.quadratic * product) * product)

    def gradient_at(self, points: FloatArray) -> FloatArray:
        """Return the gradient of k(t, t) at each point, shape (n_points, n_parameters)."""
        product = (points**2).mean(axis=1)[:, None]
        return np.asarray((self.linear + 2 * self.quadratic * product) * 2 * points / points.shape[1])


def pairs(points: FloatArray, data: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return squared distances and products t.t' / n of all pairs, each of shape (n_points, n_data)."""
    inner = points @ data.T
    squares = (points**2).sum(axis=1)[:, None] + (data**2).sum(axis=1) - 2 * inner
    return np.maximum(squares, 0), inner / points.shape[1]


def median_distance(squares: FloatArray) -> float:
    """Return the median distance of different points, given the squared distances of all pairs; 0 if all are one."""
    apart = squares[np.triu_indices(len(squares), k=1)]
    return float(np.sqrt(np.median(apart))) if len(apart) else 0.0


def candidates(squares: FloatArray) -> list[Kernel]:
    """Return the kernels that are tried for points of these squared distances."""
    lengths = median_distance(squares) * np.array(_LENGTHS)
    local = [Kernel(float(length), rough=rough) for rough in (False, True) for length in lengths]
    return [*local, *(replace(kernel, local=0.3, linear=0.5, quadratic=0.25) for kernel in local)]
