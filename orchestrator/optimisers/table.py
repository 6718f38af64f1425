"""Parameter sets that are given: each is evaluated once, and nothing is searched."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from orchestrator.optimisers.base import Problem
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.points.scan import Scan
from orchestrator.optimisers.registry import optimiser
from orchestrator.records import FloatArray, Origin

AT_ONCE = 100
"""Parameter sets in a generation, if the configuration does not say it."""

# how far, in the unit cube, the start may be from a set that it is, because it was written down in other units
_SAME = 1e-9


class TableOptions(OptimiserOptions):
    """Parameter sets that are given."""

    stand_ins: ClassVar[dict[str, object]] = {"file": "sets.csv"}

    method: str = Field("table", description="name of the optimiser, or file.py:Class for one of your own")
    file: Path = Field(
        description="where the parameter sets are, relative to model_dir: a run's directory, a table (.csv) or a file "
        ".json; what is read when a run starts stays with it"
    )
    best: int | None = Field(None, ge=1, description="how many of the best of them at most, by default all")
    front: bool | list[str] = Field(
        default=False, description="only the Pareto front of the run: true, or labels of the targets that count"
    )

    def default_offspring(self, n_parameters: int) -> int:
        """Return how many offspring a generation has if the configuration does not say it."""
        return min(AT_ONCE, self.best or AT_ONCE)


@optimiser("table", options=TableOptions, proposes=True)
class Table(Scan):
    """Parameter sets of a run or a table, each evaluated once, the start first: nothing is searched.

    Parameters
    ----------
    options : TableOptions
        Where they are, which are read already.
    problem : Problem
        With the sets; any number of offspring.

    Raises
    ------
    ValueError
        If the problem has no sets.
    """

    origin = Origin.INJECTED

    def __init__(self, options: TableOptions, problem: Problem):
        if problem.sets is None:
            raise ValueError(f"{options.method} needs the parameter sets that are to be evaluated: it is for runs")
        self._sets = problem.sets
        super().__init__(problem)
        # the start is one of them, and what is evaluated are their own digits
        same = np.abs(problem.sets - problem.start).max(axis=1) < _SAME
        if same.any():
            self._points.clear()
            self._add(problem.sets[same][:1])

    def _more(self) -> FloatArray:
        sets, self._sets = self._sets, self._sets[:0]
        return np.asarray(sets)
