"""The simplex method of Nelder & Mead (1965, Computer Journal 7:308), of which whole batches are evaluated at once."""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np
from pydantic import Field

from orchestrator.optimisers.base import Asked, Problem, Told
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.points.evaluated import EvaluatedPoints
from orchestrator.optimisers.registry import optimiser
from orchestrator.optimisers.simplex.speculation import needed
from orchestrator.optimisers.simplex.steps import Simplex
from orchestrator.records import FloatArray, Origin
from orchestrator.references import NELDER_1965

# lengths of the edges of a first simplex, in spreads
_SHORTEST, _LONGEST = 0.5, 1.0
# a simplex that is smaller has come to its end; another one begins at the best point
_COLLAPSED = 1e-8
# share of the total score by which a simplex has to improve it, or it is the last one
_GAIN = 1e-3
# of a batch, for each point that a step moves
_EVALUATIONS = 3
# steps that need no evaluation, before something is evaluated in any case
_STEPS = 1000


class NelderMeadOptions(OptimiserOptions):
    """The simplex method."""

    method: str = Field("nelder_mead", description="name of the optimiser, or file.py:Class for one of your own")

    @property
    def by_sigma(self) -> bool:
        """Whether the problem's sigma decides where the method looks: the first simplex is as large."""
        return True


@optimiser("nelder_mead", options=NelderMeadOptions, any_rows=True, proposes=True, references=(NELDER_1965,))
class NelderMead:
    """Moves the worst of n + 1 points through the others, and evaluates what the next steps may need in one batch.

    With many offspring several of the worst points are moved in a step. It takes any rows, and begins with what was
    told before the first ask. Its points are samples: they follow from what was told by arithmetic.

    Parameters
    ----------
    options : NelderMeadOptions
        None of its own.
    problem : Problem
        Any number of offspring; sigma is the length of the longest edges of the first simplex, if nothing is known.
    """

    def __init__(self, options: NelderMeadOptions, problem: Problem):
        self._problem = problem
        self._known = EvaluatedPoints(problem)
        # of one point a batch holds all that the step may need, of more it holds less for each
        self._moved = max(1, min(problem.size // _EVALUATIONS, (len(problem.start) + 1) // 2))
        self._simplex: Simplex | None = None
        self._asks = self._simplices = 0
        self._spread = self._known.spread()
        self._begin(problem.start)
        # the least total score when the last simplex had come to its end, and whether the first points of the present
        # one all had the same
        self._before: float | None = None
        self._flat = self._ended = False

    def _begin(self, centre: FloatArray) -> None:
        """Begin a simplex around a point, with random lengths and directions of its edges."""
        rng = self._problem.generator(2 * self._simplices)
        self._simplices += 1
        n = len(centre)
        edges = self._spread * rng.uniform(_SHORTEST, _LONGEST, n) * rng.choice([-1.0, 1.0], n)
        outside = (centre + edges < 0) | (centre + edges > 1)
        self._simplex, self._centre, self._edges = None, centre, np.where(outside, -edges, edges)

    def ask(self, recorded: Asked | None = None, pending: FloatArray | None = None) -> Asked:
        """Return the next points."""
        origin = Origin.SAMPLE if self._asks or len(self._known) else Origin.START
        if not self._asks and len(self._known):
            self._spread = self._known.spread()
            self._begin(self._known.best()[0])
            self._advance()
        self._asks += 1
        busy = self._known.busy(pending)
        points = self._vertices(busy) if self._simplex is None else []
        size = self._problem.size
        if self._simplex is not None and not self._ended:
            points = needed(self._simplex, self._known.total, self._known.key, size, moved=self._moved, known=busy)
        points = [*points[:size], *self._around(max(size - len(points), 0))]
        self._known.asked(points)
        return Asked(np.array(points), (origin, *[Origin.SAMPLE] * (size - 1)))

    def tell(self, told: Told) -> None:
        """Take evaluations, of any points."""
        self._known.learn(told)
        if self._asks:
            self._advance()

    def stop(self) -> str | None:
        """Return that simplices end where they begin, or None."""
        return "a new simplex around the best point has found nothing better" if self._ended else None

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return ``mean`` and ``covariance`` (n_parameters, n_parameters) of the simplex' points, and ``sigma``."""
        if self._simplex is None:
            mean, covariance = self._centre, np.diag(self._edges**2)
        else:
            points = self._simplex.points
            mean, covariance = points.mean(axis=0), np.atleast_2d(np.cov(points.T))
        return {"mean": mean, "sigma": float(np.sqrt(np.trace(covariance) / len(mean))), "covariance": covariance}

    def _advance(self) -> None:
        """Make the steps that are known."""
        for _ in range(_STEPS):
            if self._ended:
                return
            simplex = self._simplex or self._first_simplex()
            if simplex is None:
                return
            step = simplex.after_a_step(self._known.total, self._moved)
            self._simplex = step if isinstance(step, Simplex) else simplex
            if self._simplex is simplex:
                return
            if self._simplex.extent <= _COLLAPSED:
                self._collapsed()

    def _collapsed(self) -> None:
        """Begin again at the best point, unless the last simplex was not worth it."""
        least, before = self._known.least, self._before
        self._ended = not self._flat and before is not None and before - least <= _GAIN * abs(before)
        if self._ended:
            return
        self._before = least
        self._begin(self._known.best()[0])

    def _corners(self) -> FloatArray:
        """Return the points at the ends of the edges, then those opposite, shape (2, n_parameters, n_parameters)."""
        edges = np.diag(self._edges)
        return np.asarray(np.clip(self._centre + np.stack([edges, -edges]), 0.0, 1.0))

    def _first_simplex(self) -> Simplex | None:
        """Return the centre and the better end of each edge, None while that is not known."""
        corners = self._corners()
        totals = np.array([[self._known.total(point) for point in side] for side in corners], dtype=float)
        centre = self._known.total(self._centre)
        if centre is None or np.isnan(totals).all(axis=0).any():
            return None
        better = np.nanargmin(totals, axis=0)
        rows = np.arange(len(self._centre))
        values = np.append(centre, totals[better, rows])
        # as where everything explodes
        self._flat = bool(np.ptp(values) == 0)
        return Simplex.of(np.vstack([self._centre, corners[better, rows]]), values)

    def _vertices(self, busy: Set[bytes]) -> list[FloatArray]:
        """Return what is to be evaluated of the first simplex, then of the ends of its edges on the other side."""
        points = np.vstack([self._centre[None], *self._corners()])
        keys = self._known.keys(points)
        return [point for point, key in zip(points, keys, strict=True) if key not in busy and key not in self._known]

    def _around(self, number: int) -> FloatArray:
        """Return random points around the present simplex."""
        rng, state = self._problem.generator(2 * self._asks + 1), self.state()
        width = np.sqrt(np.diag(np.asarray(state["covariance"])))
        return np.clip(state["mean"] + width * rng.standard_normal((number, len(width))), 0.0, 1.0)
