"""A model of the principal components of every target's outputs, and one of where simulations explode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.optimisers.models.archive import Archive, IntArray
from orchestrator.optimisers.models.gaussian_processes import GaussianProcesses
from orchestrator.optimisers.models.quantities import Components
from orchestrator.optimisers.models.values import differ, labels, probability
from orchestrator.records import FloatArray

# of the variance of a target's outputs that is learnt
_SHARE = 0.999
# fewer rows than this are no model: such a target is expected to be at its cap
_FEWEST = 3


class Coordinates:
    """Points with a mean of 0 and a mean square of 1 in each dimension on average.

    Parameters
    ----------
    points : ndarray of float, shape (n_points, n_parameters)
        Those that have it, in the cube.
    """

    def __init__(self, points: FloatArray):
        self._mean = points.mean(axis=0)
        self._spread = float(np.sqrt(((points - self._mean) ** 2).mean())) or 1.0

    def of(self, points: FloatArray) -> FloatArray:
        """Return the coordinates of points of the cube, of the same shape."""
        return np.asarray((points - self._mean) / self._spread)


class Feasibility:
    """Where simulations explode, or fail otherwise because of their parameters.

    Parameters
    ----------
    archive : Archive
        What is known.
    """

    def __init__(self, archive: Archive):
        self._coordinates = Coordinates(archive.points)
        self._failing = labels(self._coordinates.of(archive.points), archive.failed)

    def works(self, points: FloatArray) -> FloatArray:
        """Return how likely it is that a simulation does not fail, shape (n_points,)."""
        if self._failing is None:
            return np.ones(len(points))
        return np.asarray(1 - probability(self._failing.predict(self._coordinates.of(points))[0])[:, 0])


@dataclass(frozen=True)
class _Group:
    """Targets that are known of the same evaluations.

    Parameters
    ----------
    caps : ndarray of float, shape (n_targets,)
        Scores of theirs without a value.
    components : sequence of (Components, slice)
        Of each target, and the columns of its numbers; none if they are known of too few evaluations.
    processes : GaussianProcesses or None
        Of all their numbers.
    missing : GaussianProcesses or None
        Of the label 1 where they are not known; None if they are everywhere.
    """

    caps: FloatArray
    components: Sequence[tuple[Components, slice]]
    processes: GaussianProcesses | None
    missing: GaussianProcesses | None


class OutputModel:
    """Gaussian processes of the principal components of outputs (Astudillo & Frazier 2019, arXiv:1906.01537).

    Parameters
    ----------
    archive : Archive
        With at least one evaluation that did not fail.

    Attributes
    ----------
    width : int
        How many numbers are predicted of a point.
    """

    def __init__(self, archive: Archive):
        works = ~archive.failed
        self._coordinates = Coordinates(archive.points[works])
        points = self._coordinates.of(archive.points)
        self._groups = []
        for targets, known in archive.groups():
            missing = labels(points[works], ~known[works])
            caps = np.array([archive.quantities[target].scale.max_score for target in targets])
            if np.count_nonzero(known) < _FEWEST or not differ(points[known]):
                self._groups.append(_Group(caps, (), None, missing))
                continue
            components, numbers = _components(archive, targets, known)
            self._groups.append(_Group(caps, components, GaussianProcesses(points[known], numbers), missing))
        self.width = sum(group.components[-1][1].stop for group in self._groups if group.components)

    def totals(self, points: FloatArray, draws: FloatArray) -> FloatArray:
        """Return total scores that are possible for points whose simulations do not fail.

        Parameters
        ----------
        points : ndarray of float, shape (n_points, n_parameters)
            Of the cube.
        draws : ndarray of float, shape (n_draws, width)
            How many standard deviations each number is off what is expected, at all points alike.

        Returns
        -------
        ndarray of float, shape (n_draws, n_points)
        """
        coordinates = self._coordinates.of(points)
        found, start = np.zeros((len(draws), len(points))), 0
        for group in self._groups:
            if group.processes is None:
                found += group.caps.sum()
                continue
            missing = np.zeros(len(points))
            if group.missing is not None:
                missing = probability(group.missing.predict(coordinates)[0])[:, 0]
            mean, deviation = group.processes.predict(coordinates)
            numbers = mean + draws[:, None, start : start + mean.shape[1]] * deviation
            for cap, (components, columns) in zip(group.caps, group.components, strict=True):
                score = softened(components.distances(numbers[..., columns]), cap)
                found += (1 - missing) * score + missing * cap
            start += mean.shape[1]
        return found


def _components(
    archive: Archive, targets: IntArray, known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> tuple[list[tuple[Components, slice]], FloatArray]:
    """Return the components of targets, with the columns of each, and all their numbers side by side."""
    found, start = [], 0
    for target in targets:
        components = archive.quantities[target].components(archive.rows[target][known], _SHARE)
        width = components.numbers.shape[1]
        found.append((components, slice(start, start + width)))
        start += width
    return found, np.hstack([components.numbers for components, _ in found])


def softened(distances: FloatArray, cap: float) -> FloatArray:
    """Return scores of distances in norms, which above the cap go on growing, by their logarithm."""
    return np.where(distances > cap, cap * (1 + np.log(np.maximum(distances, cap) / cap)), distances)
