"""A scan of all combinations of a few values of every parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from orchestrator.optimisers.base import Problem
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.points.scan import Scan
from orchestrator.optimisers.registry import optimiser
from orchestrator.records import FloatArray

# points at most: nobody evaluates more
_MOST = 100_000
Points = Annotated[int, Field(ge=1)]


class GridOptions(OptimiserOptions):
    """All combinations of a few values of every parameter."""

    method: str = Field("grid", description="name of the optimiser, or file.py:Class for one of your own")
    points: Points | dict[str, Points] = Field(
        5,
        description="values of every parameter, or by parameter: from one bound to the other at equal distances on its "
        "scale; 1, or a parameter that is left out: its start; whole numbers have at most as many as there are",
    )

    def numbers(self, names: Sequence[str]) -> list[int]:
        """Return how many values each parameter has at most."""
        return [self.points if isinstance(self.points, int) else self.points.get(name, 1) for name in names]

    def problems(self, problem: Problem) -> list[tuple[str, str]]:
        """Return that points are of parameters that are not searched, or too many."""
        names = [] if problem.space is None else problem.space.names
        unknown = sorted(self.points.keys() - set(names)) if isinstance(self.points, Mapping) else []
        if unknown:
            message = f"{', '.join(unknown)}: not among the parameters that are searched, {', '.join(names)}"
            return [("points", message)]
        combinations = math.prod(self.numbers(names))
        if combinations <= _MOST:
            return []
        message = (
            f"the grid of {len(names)} parameters has {combinations:.3g} points, more than {_MOST:,}: take fewer, "
            "or points of a few parameters only (points: {name: 5}), or method: sobol"
        )
        return [("points", message)]


@optimiser("grid", options=GridOptions)
class Grid(Scan):
    """All combinations of equally distant values of every parameter, in random order, the start first.

    Parameters
    ----------
    options : GridOptions
        How many values each parameter has.
    problem : Problem
        Any number of offspring.
    """

    def __init__(self, options: GridOptions, problem: Problem):
        names = problem.space.names if problem.space is not None else [""] * len(problem.start)
        axes = [_axis(problem, n, number) for n, number in enumerate(options.numbers(names))]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
        # so that at any time what was evaluated is spread over the space
        self._grid = problem.generator(0).permutation(grid)
        super().__init__(problem)

    def _more(self) -> FloatArray:
        grid, self._grid = self._grid, self._grid[:0]
        return grid


def _axis(problem: Problem, parameter: int, number: int) -> FloatArray:
    """Return so many coordinates of a parameter; of whole numbers there may be fewer."""
    if number == 1:
        return problem.start[parameter : parameter + 1]
    if problem.space is not None and problem.space.parameters[parameter].moving is not None:
        # which of them are the same depends on the others
        return np.linspace(0.0, 1.0, number)
    points = np.tile(problem.start, (number, 1))
    points[:, parameter] = np.linspace(0.0, 1.0, number)
    return np.unique(problem.snapped(points)[:, parameter])
