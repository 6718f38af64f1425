"""The noise of single evaluations, from the standard errors that trials have given of their values."""

from __future__ import annotations

import numpy as np

from orchestrator.optimisers.models.kernels import pairs
from orchestrator.records import FloatArray

# over so many evaluations the noise is averaged: that of three trials alone is off by a factor of two every third time
_NEIGHBOURS = 8


def noise_variances(points: FloatArray, errors: FloatArray) -> FloatArray | None:
    """Return the variance of the noise of each evaluation, the mean of the squared errors of its nearest neighbours.

    A standard error of few trials is itself uncertain, and by chance very small: an evaluation would be believed as if
    it were exact. Noise differs little between neighbours, so that theirs say what it is (smoothed variances of
    stochastic kriging: Ankenman, Nelson & Staum 2010, Operations Research 58:371).

    Parameters
    ----------
    points : ndarray of float, shape (n_data, n_parameters)
        Where the evaluations are.
    errors : ndarray of float, shape (n_data,)
        Standard errors of one quantity, NaN where none is known.

    Returns
    -------
    ndarray of float, shape (n_data,), or None
        In the square of the quantity's unit; None if nothing is known, or no trial differs from another.
    """
    known = np.flatnonzero(np.isfinite(errors))
    squares = errors[known] ** 2
    if not squares.any():
        return None
    nearest = np.argsort(pairs(points, points[known])[0], axis=1, kind="stable")[:, :_NEIGHBOURS]
    return np.asarray(squares[nearest].mean(axis=1))
