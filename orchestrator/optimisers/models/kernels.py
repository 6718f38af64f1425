"""Kernels: how alike a quantity is at two points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestrator.records import FloatArray

# length scales, in median distances between the points
_LENGTHS = (0.12, 0.25, 0.5, 1.0, 2.0)


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
        values = self.near(squares)
        if self.linear or self.quadratic:
            values += (self.linear + self.quadratic * products) * products
        return np.asarray(values)

    def near(self, squares: FloatArray) -> FloatArray:
        """Return the first of the three terms."""
        return np.asarray(self.local * np.exp(squares / (-2 * self.length**2)))

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
        near = weights * self.near(squares)
        slope = (near @ data - near.sum(axis=1)[:, None] * points) / self.length**2
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
    local = [Kernel(float(length)) for length in lengths]
    return [*local, *(Kernel(kernel.length, local=0.3, linear=0.5, quadratic=0.25) for kernel in local)]
