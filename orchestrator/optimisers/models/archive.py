"""All evaluations that a method has been told of and may learn from, in an order that does not depend on when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestrator.optimisers.base import FAILED, Problem, Scale, Told
from orchestrator.optimisers.models.quantities import Quantity, quantities_of
from orchestrator.records import FloatArray, Outcome

Flags = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]
# where nothing is known of the targets, their scores are what is learnt
_NO_CAP = 1e6


@dataclass(frozen=True)
class Archive:
    """Evaluations whose outcome speaks of their parameters.

    Parameters
    ----------
    quantities : sequence of Quantity, length n_targets
        What is learnt of each target.
    points : ndarray of float, shape (n_points, n_parameters)
        As they were simulated, in the cube.
    rows : sequence of ndarray of float, each of shape (n_points, width of the quantity)
        What was measured of each target, NaN where nothing was.
    failed : ndarray of bool, shape (n_points,)
        Whether the simulation exploded, or failed otherwise because of its parameters.
    totals : ndarray of float, shape (n_points,)
        Sums of the scores.
    own : ndarray of bool, shape (n_points,)
        Which of them are of the present search, whose best is the centre of what is learnt; the others are only known.
    """

    quantities: Sequence[Quantity]
    points: FloatArray
    rows: Sequence[FloatArray]
    failed: Flags
    totals: FloatArray
    own: Flags

    @property
    def candidates(self) -> Flags:
        """Which evaluations of the present search did not fail, shape (n_points,)."""
        return np.asarray(self.own & ~self.failed)

    @property
    def best(self) -> int:
        """Row of the least total of the present search that did not fail."""
        return int(np.argmin(np.where(self.candidates, self.totals, np.inf)))

    def nearest(self, number: int) -> Archive:
        """Return the evaluations nearest to the best one, itself among them, at most so many, in their order."""
        if len(self.points) <= number:
            return self
        squares = ((self.points - self.points[self.best]) ** 2).sum(axis=1)
        # of those at the same place, which whole numbers may have many of, candidates first
        return self.only(np.sort(np.lexsort((~self.candidates, squares))[:number]))

    def only(self, chosen: IntArray) -> Archive:
        """Return some of the evaluations, by their rows."""
        rows = [each[chosen] for each in self.rows]
        failed, own = self.failed[chosen], self.own[chosen]
        return Archive(self.quantities, self.points[chosen], rows, failed, self.totals[chosen], own)

    def groups(self) -> list[tuple[IntArray, Flags]]:
        """Return targets that are known of the same evaluations together, and of which these are."""
        found: dict[bytes, list[int]] = {}
        known = [np.isfinite(each).all(axis=1) & ~self.failed for each in self.rows]
        for target, flags in enumerate(known):
            found.setdefault(flags.tobytes(), []).append(target)
        return [(np.array(targets), known[targets[0]]) for targets in found.values()]


def rows_of(blocks: Sequence[Told]) -> list[tuple[int, int]]:
    """Return what speaks of its parameters, as block and row, sorted by the ids of the evaluations."""
    found = (
        (told.ids[n] if told.ids else (block, n), block, n)
        for block, told in enumerate(blocks)
        for n in told.evaluated
        if told.outcomes[n] is Outcome.OK or told.outcomes[n] in FAILED
    )
    return [(block, n) for _, block, n in sorted(found, key=lambda place: place[0])]


def archive_of(problem: Problem, blocks: Sequence[Told], own: Sequence[Flags] | None = None) -> Archive:
    """Return what may be learnt of blocks of evaluations, in the order of `rows_of`.

    Parameters
    ----------
    problem : Problem
        What is solved.
    blocks : sequence of Told
        At least one.
    own : sequence of ndarray of bool, one for each block, optional
        Which rows are of the present search; all by default.
    """
    places = rows_of(blocks)
    width = blocks[0].scores.shape[1]
    scales = problem.scales or [Scale.of_scores(_NO_CAP)] * width
    quantities = quantities_of(scales, problem.vectors, blocks)
    learnt = [[quantity.learnt(told) for told in blocks] for quantity in quantities]
    rows = [_stacked([each[block][n] for block, n in places], each[0].shape[1]) for each in learnt]
    failed = np.array([blocks[block].outcomes[n] is not Outcome.OK for block, n in places], dtype=bool)
    points = _stacked([blocks[block].points[n] for block, n in places], len(problem.start))
    totals = np.array([blocks[block].scores[n].sum() for block, n in places])
    present = np.array([own is None or own[block][n] for block, n in places], dtype=bool)
    return Archive(quantities, problem.snapped(points), rows, failed, totals, present)


def _stacked(rows: Sequence[FloatArray], width: int) -> FloatArray:
    return np.array(rows).reshape(len(rows), width)
