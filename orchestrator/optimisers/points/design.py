"""The points that methods evaluate before they know anything."""

from __future__ import annotations

import math

import numpy as np

from orchestrator.optimisers.base import Problem
from orchestrator.records import FloatArray


def first_design(problem: Problem, number: int) -> FloatArray:
    """Return the start and a Latin hypercube of the initial standard deviation around it, inside the cube.

    McKay, Beckman & Conover 1979, Technometrics 21:239.

    Parameters
    ----------
    problem : Problem
        What is solved.
    number : int
        Points altogether.

    Returns
    -------
    ndarray of float, shape (number, n_parameters)
    """
    rng = problem.generator(0)
    n = len(problem.start)
    strata = rng.permuted(np.tile(np.arange(number - 1), (n, 1)), axis=1).T
    cube = (strata + rng.random(strata.shape)) / max(number - 1, 1)
    width = math.sqrt(3) * problem.sigma
    low, high = np.maximum(problem.start - width, 0.0), np.minimum(problem.start + width, 1.0)
    return np.vstack([problem.start, low + (high - low) * cube])
