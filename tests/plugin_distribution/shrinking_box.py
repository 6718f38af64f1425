"""An optimiser of somebody else's: uniform samples of a box around the best point, which shrinks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from orchestrator.optimisers.base import Asked, Problem, Told
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.registry import optimiser
from orchestrator.records import FloatArray
from orchestrator.references import article

DOE_2024 = article(
    "doe2024", "Doe 2024", "Doe, Jane", "Boxes that shrink", "Journal of Boxes", 2024, volume="3", pages="1--9"
)


class BoxOptions(OptimiserOptions):
    """The section ``optimiser`` for the shrinking box."""

    method: str = Field("shrinking_box", description="name of the optimiser")
    width: float = Field(0.8, gt=0, le=2, description="width of the first box, as a fraction of the range")
    shrinkage: float = Field(0.7, gt=0, lt=1, description="factor by which the box is narrower after each generation")


@optimiser("shrinking_box", options=BoxOptions, packages=("numpy",), references=(DOE_2024,), called="a shrinking box")
class ShrinkingBox:
    """Samples a box around the best point so far, which is narrower after each generation."""

    def __init__(self, options: BoxOptions, problem: Problem):
        self._options, self._problem = options, problem
        self._rng = np.random.default_rng(problem.seed)
        self._centre, self._best, self._width = problem.start, np.inf, options.width

    def ask(self) -> Asked:
        size = (self._problem.size, len(self._centre))
        points = self._centre + self._width * self._rng.uniform(-0.5, 0.5, size)
        return Asked.samples(np.clip(points, 0.0, 1.0))

    def tell(self, told: Told) -> None:
        totals = told.scores.sum(axis=1)
        if totals.min() < self._best:
            self._best, self._centre = float(totals.min()), told.points[totals.argmin()]
        self._width *= self._options.shrinkage

    def stop(self) -> str | None:
        return "the box is a point" if self._width < 1e-12 else None

    def state(self) -> Mapping[str, FloatArray | float]:
        return {"centre": self._centre, "width": self._width}
