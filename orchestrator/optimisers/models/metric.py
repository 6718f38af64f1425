"""Coordinates in which the search distribution is round."""

from __future__ import annotations

import numpy as np

from orchestrator.records import FloatArray

# least variance along an axis, as a share of the largest
_LEAST = 1e-4
# standard deviation of a uniform distribution on [0, 1]
_UNIT = 0.29


class Metric:
    """t = (u - m) B S^-1 / 0.29, with B S^2 B^T the covariance, of determinant 1.

    Parameters
    ----------
    covariance : ndarray of float, shape (n_parameters, n_parameters)
        Of the search distribution in the unit cube, up to a factor.
    origin : ndarray of float, shape (n_parameters,)
        m.
    """

    def __init__(self, covariance: FloatArray, origin: FloatArray):
        variances, axes = np.linalg.eigh(covariance)
        variances = np.maximum(variances, _LEAST * variances.max())
        deviations = np.sqrt(variances / np.exp(np.log(variances).mean())) * _UNIT
        self._origin = origin
        # the symmetric root: the signs of the axes, which differ between processors, do not matter
        self._forward = (axes / deviations) @ axes.T
        self._back = (axes * deviations) @ axes.T

    def of(self, points: FloatArray) -> FloatArray:
        """Return t of points of the cube, shape (n_points, n_parameters)."""
        return np.asarray((points - self._origin) @ self._forward)

    def inside(self, points: FloatArray) -> FloatArray:
        """Return the t whose points of the cube are nearest to those of these t."""
        return self.of(self.cube(points))

    def cube(self, points: FloatArray) -> FloatArray:
        """Return the points of the cube of t, those outside moved to its faces."""
        return np.asarray(np.clip(points @ self._back + self._origin, 0.0, 1.0))
