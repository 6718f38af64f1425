"""Points that together are expected to improve most on the best total score."""

from __future__ import annotations

import numpy as np

from orchestrator.optimisers.batches.method import Known
from orchestrator.optimisers.batches.outputs import OutputModel
from orchestrator.optimisers.models.archive import Archive
from orchestrator.records import FloatArray

# draws, candidates, and points around each chosen one among which a better one is looked for; and so many where a value
# is any function of outputs, of which it is not known how long it takes
_EFFORT, _LITTLE = (64, 300, 60), (16, 100, 15)
# how far points around a chosen one are, as shares of the radius
_WIDTHS = (0.5, 0.2, 0.08, 0.03)
# likewise half of the candidates, around so many points that are expected to be best
_AROUND, _GOOD = (0.1, 0.3, 0.6), 8
# weight of the expected score beside the improvement, which may be none everywhere
_EXPECTED = 1e-6
# the nearest evaluations that are learnt: so many for each parameter and one, or all that are so many radii near
_LEAST, _FARTHEST = 10, 3.0


def improving(known: Known, number: int) -> FloatArray:
    """Return points, shape (number, n_parameters), chosen one after the other.

    The expected improvement of a batch (Ginsbourger et al. 2010, Kriging is well-suited to parallelize optimization),
    (1 - p) mean_k max(least_k - T_k, 0), is over draws k that all points share: T_k is the total score if every number
    is as many standard deviations off as draw k says, least_k the least of the points that were chosen before, or are
    being evaluated, and p the probability of an explosion.

    Parameters
    ----------
    known : Known
        What they are chosen by.
    number : int
        How many.
    """
    search = _Search(known)
    return np.array([search.next() for _ in range(number)])


class _Search:
    def __init__(self, known: Known):
        self._known = known
        learnt = _learnt(known)
        self._model = OutputModel(learnt)
        quick = all(each.quick for each in learnt.quantities)
        draws, self._number, self._near = _EFFORT if quick else _LITTLE
        self._draws = known.rng.standard_normal((draws, self._model.width))
        worked = learnt.points[~learnt.failed]
        expected = self._model.totals(worked, np.zeros((1, self._model.width)))[0]
        own = learnt.own[~learnt.failed]
        self._least, self._worst = np.full(draws, expected[own].min()), float(learnt.totals.max())
        if len(known.pending):
            self._least = np.minimum(self._least, self._totals(known.pending).min(axis=1))
        self._low, self._high = known.region.box(known.archive.points[known.archive.best])
        good = worked[own][np.argsort(expected[own], kind="stable")[:_GOOD]]
        self._candidates = known.snapped(self._around(good))
        self._possible, self._works = self._totals(self._candidates), self._allowed(self._candidates)

    def next(self) -> FloatArray:
        """Return the point that improves most on those that were returned before."""
        gains = self._gains(self._possible, self._works)
        best = int(np.argmax(gains))
        point, totals, gain = self._candidates[best], self._possible[:, best], gains[best]
        rng, radius = self._known.rng, self._known.region.radius
        for width in _WIDTHS:
            near = point + width * radius * rng.standard_normal((self._near, len(point)))
            near = self._known.snapped(np.clip(near, self._low, self._high))
            possible = self._totals(near)
            gains = self._gains(possible, self._allowed(near))
            best = int(np.argmax(gains))
            if gains[best] > gain:
                point, totals, gain = near[best], possible[:, best], gains[best]
        self._least = np.minimum(self._least, totals)
        return np.asarray(point)

    def _totals(self, points: FloatArray) -> FloatArray:
        return self._model.totals(points, self._draws)

    def _allowed(self, points: FloatArray) -> FloatArray:
        """Return the probability that points can be simulated, 0 of those that a search has left behind."""
        return self._known.feasibility.works(points) * ~self._known.is_left(points)

    def _gains(self, possible: FloatArray, works: FloatArray) -> FloatArray:
        """Return the expected improvement of points of which these totals, shape (n_draws, n_points), are possible."""
        gain = np.maximum(self._least[:, None] - possible, 0).mean(axis=0)
        expected = works * possible.mean(axis=0) + (1 - works) * self._worst
        return np.asarray(works * gain - _EXPECTED * expected)

    def _around(self, good: FloatArray) -> FloatArray:
        """Return candidates, half of them anywhere in the box, half around good points."""
        rng, half = self._known.rng, self._number // 2
        anywhere = rng.uniform(self._low, self._high, (half, len(self._low)))
        widths = rng.choice(_AROUND, size=(half, 1)) * self._known.region.radius
        around = good[rng.integers(len(good), size=half)] + widths * rng.standard_normal(anywhere.shape)
        return np.clip(np.vstack([anywhere, around]), self._low, self._high)


def _learnt(known: Known) -> Archive:
    """Return the evaluations from which is learnt: near the end of a search those far away would say nothing."""
    points = known.archive.points
    near = np.abs(points - points[known.archive.best]).max(axis=1) <= _FARTHEST * known.region.radius
    return known.archive.nearest(max(_LEAST * (points.shape[1] + 1), int(near.sum())))
