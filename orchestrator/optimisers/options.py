"""What a configuration says about its optimiser, typed: the keys that every method has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from orchestrator.config.section import PluginOptions


class OptimiserOptions(PluginOptions):
    """The section ``optimiser``; a method that has options of its own adds them in a subclass."""

    # fewer than this it cannot use
    least_offspring: ClassVar[int] = 1
    # keys that came later, and what runs of versions without them had
    before: ClassVar[Mapping[str, object]] = {}

    method: str = Field(description="name of the optimiser, or file.py:Class for one of your own")

    def default_offspring(self, n_parameters: int) -> int:
        """Return how many offspring a generation has if the configuration does not say it."""
        return 4 + math.floor(3 * math.log(n_parameters))

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
