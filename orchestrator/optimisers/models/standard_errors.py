"""The noise of single evaluations, from the standard errors that trials have given of their values."""

from __future__ import annotations

import numpy as np

from orchestrator.optimisers.models.kernels import pairs
from orchestrator.records import FloatArray

# over so many evaluations the noise is averaged: that of three trials alone is off by a factor of two every third time
_NEIGHBOURS = 8


def smoothed(points: FloatArray, errors: FloatArray) -> FloatArray:
    """Return standard errors as evaluations and their nearest neighbours have them, the root of their mean square.

    A standard error of few trials is itself uncertain, and by chance very small: an evaluation would be believed as if
    it were exact. Noise differs little between neighbours, so that theirs say what it is (smoothed variances of
    stochastic kriging: Ankenman, Nelson & Staum 2010, Operations Research 58:371).

    Parameters
    ----------
    points : ndarray of float, shape (n_data, n_parameters)
        Where the evaluations are.
    errors : ndarray of float, shape (n_data, n_quantities)
        Standard errors, NaN where none is known.

    Returns
    -------
    ndarray of float, shape (n_data, n_quantities)
        Of each quantity either all finite, or all NaN: nothing is known of it, or no trial differs from another.
    """
    found = np.full(errors.shape, np.nan)
    for column, own in enumerate(errors.T):
        known = np.flatnonzero(np.isfinite(own))
        if own[known].any():
            nearest = np.argsort(pairs(points, points[known])[0], axis=1, kind="stable")[:, :_NEIGHBOURS]
            found[:, column] = np.sqrt((own[known] ** 2)[nearest].mean(axis=1))
    return found
