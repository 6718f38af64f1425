"""The points that have offspring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestrator.optimisers.base import Told
from orchestrator.optimisers.evolution.domination import BoolArray, IntArray, crowding_distances, fronts
from orchestrator.records import FloatArray, Outcome


@dataclass(frozen=True)
class Population:
    """Evaluations, in the order in which they were told.

    Parameters
    ----------
    points : ndarray of float, shape (n_points, n_parameters)
        Of the unit cube.
    scores : ndarray of float, shape (n_points, n_targets)
        Of every target.
    works : ndarray of bool, shape (n_points,)
        Whether the outcome is OK: whatever else it is, nothing is known of the scores.
    """

    points: FloatArray
    scores: FloatArray
    works: BoolArray

    @classmethod
    def empty(cls, n_parameters: int, n_targets: int) -> Population:
        """Return one of no points."""
        return cls(np.empty((0, n_parameters)), np.empty((0, n_targets)), np.empty(0, dtype=bool))

    def __len__(self) -> int:
        return len(self.points)

    def of(self, rows: IntArray) -> Population:
        """Return some of them, in the order of `rows`."""
        return Population(self.points[rows], self.scores[rows], self.works[rows])

    def joined(self, told: Told) -> Population:
        """Return the population and, behind it, what was told and evaluated."""
        rows = told.evaluated
        works = np.array([outcome is Outcome.OK for outcome in told.outcomes], dtype=bool)
        return Population(
            np.vstack([self.points, told.points[rows]]),
            np.vstack([self.scores, told.scores[rows]]),
            np.concatenate([self.works, works[rows]]),
        )

    def fronts(self) -> list[IntArray]:
        """Return the rows of each front; those that do not work are one more, the last."""
        working, others = np.flatnonzero(self.works), np.flatnonzero(~self.works)
        found = [working[front] for front in fronts(self.scores[working])]
        return [*found, others] if len(others) else found


def ranks_and_crowding(population: Population, found: list[IntArray]) -> tuple[IntArray, FloatArray]:
    """Return the number of each point's front, from 0, and its crowding distance there, each of shape (n_points,)."""
    ranks, crowding = np.zeros(len(population), dtype=np.intp), np.zeros(len(population))
    for n, front in enumerate(found):
        ranks[front], crowding[front] = n, crowding_distances(population.scores[front])
    return ranks, crowding
