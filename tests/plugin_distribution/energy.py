"""A target of somebody else's: the energy that the kind `well` of simulation leaves."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from targets import PointTarget
from targets.registry import target


@target("ParticleEnergy", unit="eV")
class ParticleEnergy(PointTarget):
    """Energy of the particle, times a factor."""

    factor: float = Field(default=1.0, description="what the energy is multiplied with")

    def outputs(self, recordings: Any) -> float:
        return self.factor * float(recordings["energy"])
