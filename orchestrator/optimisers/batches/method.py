"""Methods that propose a batch of points from all evaluations so far, as optimisers: what they have in common."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

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
# evaluations that know something of a target, fewer of which are no model
_FEWEST = 3


class BatchOptions(DesignOptions):
    """Methods that propose whole batches."""

    initial: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        "auto",
        description="evaluations before the first proposal, the start among them; auto: those of a generation, and at "
        "least one more than there are parameters or 8",
    )
    model_points: int = Field(
        300, ge=20, description="evaluations that the models use at most, the nearest to the best"
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
    rng : numpy.random.Generator
        Source of all random numbers.
    """

    archive: Archive
    region: Region
    feasibility: Feasibility
    pending: FloatArray
    snapped: Callable[[FloatArray], FloatArray]
    rng: np.random.Generator

    def near(self, point: FloatArray, others: Sequence[FloatArray] | FloatArray, distance: float) -> bool:
        """Return whether a point is nearer than so many radii to one of others, in every dimension."""
        return any(np.abs(point - other).max() < distance * self.region.radius for other in others)


# a method: what it knows, and how many points of the cube are wanted, to points of shape (number, n_parameters)
Propose = Callable[[Known, int], FloatArray]


class Batches:
    """Asks for a first design, then for what methods propose, in equal shares.

    When there is nothing more to gain around the best point, it begins anew with another design: the search goes on
    around the best of what it evaluates from then on, with models that know all evaluations.

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
        self._problem, self._methods = problem, methods
        self._most, self._drawn = options.model_points, partial(options.drawn, problem)
        automatic = max(problem.size, min(len(problem.start) + 1, _DESIGN))
        initial = automatic if options.initial == "auto" else options.initial
        self._design = options.first_points(problem, initial)
        self._next_design = partial(options.further_points, problem, initial)
        self._region = self._wide_region()
        self._blocks: list[Told] = []
        self._asks = 0
        # how often the search has begun anew, after how many asks, what was asked for since, and which rows are of it
        self._restarts, self._begun = 0, 0
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
        """Take evaluations, of which there may be any number; after some before the first ask there is no design."""
        if not self._asks:
            self._design = self._design[:0]
        own = self._of_this_search(told.points)
        self._blocks.append(told)
        self._own.append(own)
        self._region.learn(told, [n for n in told.evaluated if own[n]])
        if self._region.exhausted:
            self._begin_anew()

    def stop(self) -> str | None:
        """Return None: nobody knows that there is nothing more to gain."""
        return None

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return ``radius``, half the width of the region around the best point in which the models are believed.

        It is again as wide as at first in a search that has begun anew.
        """
        return {"radius": self._region.radius}

    def _wide_region(self) -> Region:
        return Region(min(_RADIUS * self._problem.sigma, 1.0))

    def _begin_anew(self) -> None:
        """Leave the best point, of which nothing more is expected, for another design."""
        self._restarts, self._begun, self._asked = self._restarts + 1, self._asks, []
        self._own = [np.zeros_like(each) for each in self._own]
        self._region = self._wide_region()
        self._design = self._next_design(self._restarts)

    def _of_this_search(self, points: FloatArray) -> Flags:
        """Return which of the points were asked for since the search began anew; what comes back late is not."""
        if not self._restarts:
            return np.ones(len(points), dtype=bool)
        asked = np.vstack([np.empty((0, points.shape[1])), *self._asked])
        return np.array([bool((np.abs(asked - point).max(axis=1) <= TOLERANCE).any()) for point in points], dtype=bool)

    def _samples(self, first: int) -> FloatArray:
        """Return as many points as are asked for, of the design and, after its end, anywhere."""
        shape = (self._problem.size, len(self._problem.start))
        anywhere = self._drawn(self._problem.generator(2 * self._asks).random(shape))
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
                proposed = self._proposed(archive.nearest(self._most), number, pending)
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
                    archive, self._region, feasibility, np.vstack([pending, found]), self._problem.snapped, rng
                )
                found = np.vstack([found, method(known, int(share))])
        return found
