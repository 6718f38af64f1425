"""Points that do not depend on what was told, one after the other: what the scans have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Set

import numpy as np

from orchestrator.optimisers.base import Asked, Problem, Told
from orchestrator.optimisers.points.evaluated import EvaluatedPoints
from orchestrator.records import FloatArray, Origin


class Scan(ABC):
    """Asks for the start, then for the points of a sequence, none of them twice.

    Points that are simulated as the same one, such as those with the same whole numbers, are one point. One that was
    not evaluated, because the cluster lost its job, is asked for again.

    Parameters
    ----------
    problem : Problem
        Any number of offspring.
    """

    # of all points but the start
    origin = Origin.SAMPLE

    def __init__(self, problem: Problem):
        self._problem = problem
        self._known = EvaluatedPoints(problem)
        # in their order, by what is the same of points that are simulated as one
        self._points: dict[bytes, FloatArray] = {}
        self._add(problem.start[None])
        self._asks = 0

    @abstractmethod
    def _more(self) -> FloatArray:
        """Return the next points of the sequence, shape (n_points, n_parameters), none at its end."""

    def ask(self, recorded: Asked | None = None, pending: FloatArray | None = None) -> Asked:
        """Return the next points, at the end fewer than usual."""
        first, size = self._asks == 0, self._problem.size
        self._asks += 1
        left = self._left(size, self._known.busy(pending))
        # there is nothing else while the last ones are being evaluated
        points = np.array([self._points[key] for key in left] or [self._problem.start])
        self._known.asked(points)
        return Asked(points, (Origin.START if first else self.origin, *[self.origin] * (len(points) - 1)))

    def tell(self, told: Told) -> None:
        """Note which points were evaluated."""
        self._known.learn(told)

    def stop(self) -> str | None:
        """Return that all points were evaluated, or None."""
        return None if self._left(1, set()) else f"all {len(self._points)} points of the scan were evaluated"

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return ``scanned``, how many points were evaluated."""
        return {"scanned": float(len(self._known))}

    def _left(self, number: int, busy: Set[bytes]) -> list[bytes]:
        """Return the next points that were not evaluated, at most so many."""
        while True:
            left = [key for key in self._points if key not in self._known and key not in busy][:number]
            if len(left) == number or not self._add(self._more()):
                return left

    def _add(self, points: FloatArray) -> bool:
        """Take points into the sequence; return whether there are others than before."""
        before = len(self._points)
        for key, point in zip(self._known.keys(points), points, strict=True):
            self._points.setdefault(key, point)
        return len(self._points) > before
