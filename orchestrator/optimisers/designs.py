"""Where a search looks first."""

from __future__ import annotations

import numpy as np

from orchestrator.records import FloatArray


def latin_hypercube(start: FloatArray, width: float, number: int, rng: np.random.Generator) -> FloatArray:
    """Return the start and a Latin hypercube around it, inside the unit cube.

    McKay, Beckman & Conover 1979, Technometrics 21:239.

    Parameters
    ----------
    start : ndarray of float, shape (n_parameters,)
        Where the search begins.
    width : float
        How far from it the points may be, in each dimension; from 1 on they are everywhere.
    number : int
        Of points, the start among them.
    rng : numpy.random.Generator
        Source of all random numbers.

    Returns
    -------
    ndarray of float, shape (number, n_parameters)
    """
    n = len(start)
    strata = rng.permuted(np.tile(np.arange(number - 1), (n, 1)), axis=1).T
    cube = (strata + rng.random(strata.shape)) / max(number - 1, 1)
    low, high = np.maximum(start - width, 0.0), np.minimum(start + width, 1.0)
    return np.vstack([start, low + (high - low) * cube])
