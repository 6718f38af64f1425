"""Directions, evenly over all compromises between objectives."""

from __future__ import annotations

import math

import numpy as np

from orchestrator.records import FloatArray


def simplex_lattice(n_objectives: int, divisions: int) -> FloatArray:
    """Return all points of the unit simplex whose coordinates are multiples of 1 / divisions.

    Das & Dennis 1998, SIAM J Optim 8:631.

    Returns
    -------
    ndarray of float, shape (C(n_objectives + divisions - 1, divisions), n_objectives)
    """
    return np.array(_compositions(n_objectives, divisions), dtype=float) / divisions


def _compositions(parts: int, total: int) -> list[list[int]]:
    """Return all ways to write a whole number as an ordered sum of so many others."""
    if parts == 1:
        return [[total]]
    return [[first, *rest] for first in range(total + 1) for rest in _compositions(parts - 1, total - first)]


def reference_directions(n_objectives: int, most: int) -> FloatArray:
    """Return directions of the unit simplex, at most so many, of which each objective alone is one.

    As many divisions as there is room for; if these have none inside the simplex, another layer of half its extent, as
    Deb & Jain 2014 have it (IEEE Trans Evol Comput 18:577, section V).

    Parameters
    ----------
    n_objectives : int
        At least 1.
    most : int
        At least `n_objectives`.

    Returns
    -------
    ndarray of float, shape (n_directions, n_objectives)
    """
    outer = _divisions(n_objectives, most)
    directions = simplex_lattice(n_objectives, outer)
    inner = _divisions(n_objectives, most - len(directions)) if outer < n_objectives else 0
    if not inner:
        return directions
    inside = simplex_lattice(n_objectives, inner) / 2 + 1 / (2 * n_objectives)
    return np.vstack([directions, inside])


def _divisions(n_objectives: int, most: int) -> int:
    """Return the most divisions that have no more points than so many; 0 if one has more."""
    if n_objectives == 1:
        return min(most, 1)
    divisions = 0
    while math.comb(n_objectives + divisions, divisions + 1) <= most:
        divisions += 1
    return divisions
