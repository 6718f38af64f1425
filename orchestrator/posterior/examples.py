"""Evaluations as examples for networks: how far from the data what they gave is, and noise as the data have it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestrator.errors import UsageError
from orchestrator.optimisers.models.archive import Flags
from orchestrator.posterior.emulator import components_of
from orchestrator.posterior.observed import Observed
from orchestrator.records import FloatArray

# standard deviations of the data up to which distances are as they are, nearly; farther ones grow with their logarithm
_LINEAR = 10.0
# least standard deviation of distances that parameters change
_LEAST = 1e-6


@dataclass(frozen=True)
class Examples:
    """Evaluations that have a value of every target.

    Parameters
    ----------
    points : ndarray of float, shape (n_points, n_parameters)
        Of the cube.
    distances : ndarray of float, shape (n_points, n_distances)
        From what is wanted, without noise, in standard deviations of the data; those that no parameter changes are left
        out. What is wanted is 0, measured with a normal error of standard deviation 1.
    without : ndarray of float, shape (n_others, n_parameters)
        Points of evaluations that failed, or have no value of a target.
    """

    points: FloatArray
    distances: FloatArray
    without: FloatArray

    def only(self, chosen: Flags) -> Examples:
        """Return some of them."""
        return Examples(self.points[chosen], self.distances[chosen], self.without)


def examples_of(observed: Observed) -> Examples:
    """Return what evaluations say.

    The distances of a target are that of its value, which is 0 inside of what is wanted, or the numbers of the
    principal components of its differences that the `Emulator` takes. The likelihood of the data is then the density of
    their sum with noise of standard deviation 1, at 0. Far ones, d, are w asinh(d / w): networks need not tell apart
    what is impossible from what is more so.

    Parameters
    ----------
    observed : Observed
        Evaluations and data.

    Raises
    ------
    orchestrator.errors.UsageError
        If none has a value of every target, or no value changes.
    """
    archive = observed.archive
    whole = ~archive.failed & np.all([np.isfinite(rows).all(axis=1) for rows in archive.rows], axis=0)
    if not whole.any():
        raise UsageError("posterior: expected evaluations with a value of every target, got none: evaluate more")
    columns = []
    for quantity, rows, noise in zip(archive.quantities, archive.rows, observed.noise, strict=True):
        components = components_of(quantity, rows[whole], float(noise))
        columns.append(components.residuals(components.numbers) / noise)
    distances = np.hstack(columns)
    distances = distances[:, distances.std(axis=0) > _LEAST]
    if not distances.shape[1]:
        raise UsageError("posterior: all evaluations have the same values, which say nothing of the parameters")
    return Examples(archive.points[whole], _LINEAR * np.arcsinh(distances / _LINEAR), archive.points[~whole])
