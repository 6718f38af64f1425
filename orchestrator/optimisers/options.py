"""What a configuration says about its optimiser, typed: the keys that every method has."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from orchestrator.config.section import CIRCUMSTANCE, PluginOptions


class OptimiserOptions(PluginOptions):
    """The section ``optimiser``; a method that has options of its own adds them in a subclass."""

    # fewer than this it cannot use
    least_offspring: ClassVar[int] = 1
    # keys that came later, and what runs of versions without them had
    before: ClassVar[Mapping[str, object]] = {}

    method: str = Field(description="name of the optimiser, or file.py:Class for one of your own")
    polish: Literal["none", "nelder_mead", "gauss_newton"] = Field(
        "none",
        description="a local method that goes on from the best points with the last part of the budget, or as soon as "
        "the optimiser has converged",
    )
    polish_after: float = Field(
        0.6,
        gt=0,
        le=1,
        description="share of the evaluations of the whole run after which it does",
        json_schema_extra=CIRCUMSTANCE,
    )

    def default_offspring(self, n_parameters: int) -> int:
        """Return how many offspring a generation has if the configuration does not say it."""
        return 4 + math.floor(3 * math.log(n_parameters))

    def refused(self, names: Sequence[str]) -> tuple[str, str] | None:
        """Return a key of the section whose value is of no use for these parameters, and why; None if all are.

        Parameters
        ----------
        names : sequence of str
            The parameters that are searched.
        """
        return None

    def as_it_was(self, frozen: OptimiserOptions) -> OptimiserOptions:
        """Return the options of a run that goes on: keys that came later and are not given are as they were in it.

        Parameters
        ----------
        frozen : OptimiserOptions
            What the run was made with; of the same method.
        """
        left_out = self.before.keys() - self.model_fields_set
        was = {key: getattr(frozen, key) if key in frozen.model_fields_set else self.before[key] for key in left_out}
        return self.model_copy(update=was)
