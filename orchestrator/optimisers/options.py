"""What a configuration says about its optimiser, typed: the keys that every method has."""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field

from orchestrator.config.section import PluginOptions


class OptimiserOptions(PluginOptions):
    """The section ``optimiser``; a method that has options of its own adds them in a subclass."""

    # fewer than this it cannot use
    least_offspring: ClassVar[int] = 1

    method: str = Field(description="name of the optimiser, or file.py:Class for one of your own")

    def default_offspring(self, n_parameters: int) -> int:
        """Return how many offspring a generation has if the configuration does not say it."""
        return 4 + math.floor(3 * math.log(n_parameters))
