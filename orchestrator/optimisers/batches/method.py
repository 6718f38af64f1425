"""Methods that propose a batch of points from all evaluations so far, as optimisers: what they have in common."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from orchestrator.optimisers.base import TOLERANCE, Asked, Problem, Told
from orchestrator.optimisers.batches.outputs import Feasibility
from orchestrator.optimisers.batches.region import Region
from orchestrator.optimisers.models.archive import Archive, Flags, archive_of
from orchestrator.optimisers.models.proposer import libraries
from orchestrator.optimisers.points.design import DesignOptions
from orchestrator.records import FloatArray, Origin

_LOG = logging.getLogger(__name__)
# of the initial standard deviation, the region is so wide at first
_RADIUS = 2.0
# points of the first design, if there are not more in a batch anyway: one more than parameters, at most
_DESIGN = 8
# a search that comes so near to where an earlier one ended, in first radii of the region, would end there too
_LEFT = 0.25
# evaluations that know something of a target, fewer of which are no model
_FEWEST = 3


class BatchOptions(DesignOptions):
    """Methods that propose whole batches."""

    # so was every run before there was this key
    before: ClassVar[Mapping[str, object]] = {**DesignOptions.before, "restarts": False}

    initial: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        "auto",
        description="evaluations before the first proposal, the start among them; auto: those of a generation, and at "
        "least one more than there are parameters or 8",
    )
    model_points: int = Field(
        300, ge=20, description="evaluations that the models use at most, the nearest to the best"
    )
    restarts: bool = Field(
        True,
        description="whether the search begins anew with other points when nothing more is to be gained around the "
        "best; in runs of earlier versions it does not",
    )

    @property
    def by_sigma(self) -> bool:
        """Whether the problem's sigma decides where the method looks: the first region is as wide."""
        return True


@dataclass(frozen=True)
class Known:
    """What a batch is proposed from.

    Parameters
    ----------
    archive : Archive
        Evaluations.
    region : Region
        Where the models are believed.
    feasibility : Feasibility
        Where simulations fail.
    pending : ndarray of float, shape (n_pending, n_parameters)
        Points that are being evaluated, or will be.
    snapped : callable
        Returns points of the cube as they are simulated.
    is_left : callable
        Returns which points, shape (n_points, n_parameters), are where an earlier search has ended.
    rng : numpy.random.Generator
        Source of all random numbers.
    """

    archive: Archive
    region: Region
    feasibility: Feasibility
    pending: FloatArray
    snapped: Callable[[FloatArray], FloatArray]
    is_left: Callable[[FloatArray], Flags]
    rng: np.random.Generator

    def near(self, point: FloatArray, others: Sequence[FloatArray] | FloatArray, distance: float) -> bool:
        """Return whether a point is nearer than so many radii to one of others, in every dimension."""
        places = np.reshape(others, (-1, len(point)))
        return bool(_any_near(point[None], places, distance * self.region.radius)[0])


# a method: what it knows, and how many points of the cube are wanted, to points of shape (number, n_parameters)
Propose = Callable[[Known, int], FloatArray]


class Batches:
    """Asks for a first design, then for what methods propose, in equal shares.

    When there is nothing more to gain around the best point, it begins anew with another design: the search goes on
    around the best of what it evaluates from then on, with models that know all evaluations. When there is nothing more
    to gain there either, and the best of all is not there, it goes back to that, before it begins anew again.

    It takes any rows. What a method proposes is of `Origin.MODEL`: a replay takes it from the record. All random
    numbers of an ask depend on the seed and on the number of the ask alone.

    Parameters
    ----------
    options : BatchOptions
        Of the method.
    problem : Problem
        Any number of offspring.
    methods : sequence of Propose
        If a batch is not a multiple of their number, another one proposes more in every ask.
    """

    def __init__(self, options: BatchOptions, problem: Problem, methods: Sequence[Propose]):
        self._problem, self._options, self._methods = problem, options, methods
        automatic = max(problem.size, min(len(problem.start) + 1, _DESIGN))
        initial = automatic if options.initial == "auto" else options.initial
        self._design = options.first_points(problem, initial)
        self._initial, self._restarting = initial, options.restarts
        self._first_radius = min(_RADIUS * problem.sigma, 1.0)
        # the present one, and that of the best of all
        self._region = self._best = Region(self._first_radius)
        self._blocks: list[Told] = []
        self._asks = 0
        # where searches have ended; whether the present one is elsewhere, and if so, after how many asks it began and
        # what it asked for; which rows are of it
        self._left: list[FloatArray] = []
        self._elsewhere, self._begun = False, 0
        self._asked: list[FloatArray] = []
        self._own: list[Flags] = []

    def ask(self, recorded: Asked | None = None, pending: FloatArray | None = None) -> Asked:
        """Return the next points."""
        asked = self._next(recorded, pending)
        self._asked.append(asked.points)
        return asked

    def _next(self, recorded: Asked | None, pending: FloatArray | None) -> Asked:
        first = (self._asks - self._begun) * self._problem.size
        begins = self._asks == 0 and len(self._design) > 0
        self._asks += 1
        samples = self._samples(first)
        origins = (Origin.START if begins else Origin.SAMPLE, *[Origin.SAMPLE] * (len(samples) - 1))
        if recorded is not None:
            return recorded.redrawn(samples)
        designed = min(max(len(self._design) - first, 0), len(samples))
        others = np.empty((0, samples.shape[1])) if pending is None else pending
        proposed = self._proposals(len(samples) - designed, np.vstack([others, samples[:designed]]))
        if not len(proposed):
            return Asked(samples, origins)
        return Asked(np.vstack([samples[:designed], proposed]), origins[:designed] + (Origin.MODEL,) * len(proposed))

    def tell(self, told: Told) -> None:
        """Take evaluations, of which there may be any number.

        After some before the first ask, as when it polishes what another method has found, there is no design, and the
        search stays where it is.
        """
        if not self._asks:
            self._design, self._restarting = self._design[:0], False
        own = self._of_this_search(told.points)
        self._blocks.append(told)
        self._own.append(own)
        self._region.learn(told, [n for n in told.evaluated if own[n]])
        if not self._region.exhausted:
            return
        if self._restarting and self._region.least <= self._best.least:
            self._begin_anew()
        else:
            self._go_back()

    def stop(self) -> str | None:
        """Return None: there may be more to gain elsewhere."""
        return None

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return ``radius``, half the width of the region around the best point in which the models are believed.

        It is again as wide as at first in a search that has begun anew.
        """
        return {"radius": self._region.radius}

    def _begin_anew(self) -> None:
        """Leave the best point, of which nothing more is expected, for another design."""
        self._best = self._region
        self._left.append(self._best.best)
        self._begun, self._asked, self._elsewhere = self._asks, [], True
        self._own = [np.zeros_like(each) for each in self._own]
        self._region = Region(self._first_radius)
        self._design = self._options.further_points(self._problem, self._initial, len(self._left))

    def _go_back(self) -> None:
        """Search around the best of all, in a box that is as wide as at first."""
        self._own = [np.ones_like(each) for each in self._own]
        self._region, self._elsewhere = self._best, False
        self._region.widen()

    def _of_this_search(self, points: FloatArray) -> Flags:
        """Return which of the points were asked for since the search began anew; what comes back late is not."""
        if not self._elsewhere:
            return np.ones(len(points), dtype=bool)
        asked = np.vstack([np.empty((0, points.shape[1])), *self._asked])
        return _any_near(points, asked, TOLERANCE) & ~self._is_left(points)

    def _is_left(self, points: FloatArray) -> Flags:
        """Return which points are so near to where a search has ended that it would end there again."""
        left = np.array(self._left if self._elsewhere else []).reshape(-1, points.shape[1])
        return _any_near(points, left, _LEFT * self._first_radius)

    def _samples(self, first: int) -> FloatArray:
        """Return as many points as are asked for, of the design and, after its end, others.

        These are from the whole ranges, and after a restart from where its design is.
        """
        shape = (self._problem.size, len(self._problem.start))
        draw = self._options.further_draws if self._elsewhere else self._options.drawn
        anywhere = draw(self._problem, self._problem.generator(2 * self._asks).random(shape))
        design = self._design[first : first + shape[0]]
        return np.vstack([design, anywhere[len(design) :]])

    def _proposals(self, number: int, pending: FloatArray) -> FloatArray:
        """Return what the methods propose; none if too little is known."""
        nothing = np.empty((0, len(self._problem.start)))
        if not number or not self._blocks:
            return nothing
        archive = archive_of(self._problem, self._blocks, self._own)
        if not archive.candidates.any() or all(np.count_nonzero(known) < _FEWEST for _, known in archive.groups()):
            return nothing
        try:
            # matrices are small: more threads, of which a large node has many, would only wait for each other
            with libraries().limit(limits=1):
                proposed = self._proposed(archive.nearest(self._options.model_points), number, pending)
        except (np.linalg.LinAlgError, ValueError) as error:
            _LOG.warning("nothing is proposed this time, because the models cannot be fitted: %s", error)
            return nothing
        return proposed if np.isfinite(proposed).all() else nothing

    def _proposed(self, archive: Archive, number: int, pending: FloatArray) -> FloatArray:
        feasibility, rng = Feasibility(archive), self._problem.generator(2 * self._asks + 1)
        shares = np.diff(np.arange(len(self._methods) + 1) * number // len(self._methods))
        found = pending[:0]
        # one after the other, beginning with another one in each ask, which counts if a batch is small
        for method, share in zip(self._methods, np.roll(shares, self._asks), strict=True):
            if share:
                known = Known(
                    archive,
                    self._region,
                    feasibility,
                    np.vstack([pending, found]),
                    self._problem.snapped,
                    self._is_left,
                    rng,
                )
                found = np.vstack([found, method(known, int(share))])
        return found


def _any_near(points: FloatArray, others: FloatArray, distance: float) -> Flags:
    """Return which points are nearer than this to one of others in every dimension."""
    return np.array([bool((np.abs(others - point).max(axis=1) < distance).any()) for point in points], dtype=bool)
