"""A kind of simulation of somebody else's: the energy of a particle in a well."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from orchestrator.paths import AttemptPaths
from orchestrator.simulations.base import Simulation
from orchestrator.simulations.options import SimulationOptions
from orchestrator.simulations.registry import simulation


class WellOptions(SimulationOptions):
    """The section ``simulation`` for a well."""

    type: str = Field("well", description="name of the kind of simulation")
    depth: float = Field(2.0, gt=0, description="depth of the well, in eV")
    seconds: float = Field(0.0, ge=0, description="how long one simulation takes, in s")


@simulation("well", options=WellOptions)
class Well(Simulation[WellOptions]):
    """Computes the energy of a particle at a position; leaves a line for each simulation in a file of the model."""

    def simulate(self, parameters: Mapping[str, float | int], attempt: AttemptPaths) -> None:
        with (self.model_dir / "simulated").open("a") as log:
            log.write(json.dumps(dict(parameters)) + "\n")
        time.sleep(self.options.seconds)
        energy = sum(float(x) ** 2 for x in parameters.values()) - self.options.depth
        attempt.simulation.mkdir(exist_ok=True)
        self._file(attempt).write_text(json.dumps({"energy": energy}))

    def recordings(self, attempt: AttemptPaths) -> object:
        return json.loads(self._file(attempt).read_text())

    @staticmethod
    def _file(attempt: AttemptPaths) -> Path:
        return attempt.simulation / "energy.json"
