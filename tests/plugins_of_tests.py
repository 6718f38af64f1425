"""An optimiser and a kind of simulation as users would write them, each in one piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from orchestrator.files import write_json
from orchestrator.optimisers import Asked, Problem, Told, optimiser
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.paths import AttemptPaths
from orchestrator.records import FloatArray, Outcome
from orchestrator.simulations import Simulation, SimulationFailed, simulation
from orchestrator.simulations.options import SimulationOptions


class NearestOptions(OptimiserOptions):
    """Samples around the best point so far."""

    width: float = Field(0.1, gt=0, description="standard deviation of the samples, as a fraction of the range")
    shrink: float = Field(0.9, gt=0, le=1, description="factor of the width after every generation")


@optimiser("nearest_of_tests", options=NearestOptions)
class Nearest:
    """Samples around the best point so far, ever nearer to it; learns no covariance."""

    def __init__(self, options: NearestOptions, problem: Problem):
        self._problem, self._shrink, self._width = problem, options.shrink, options.width
        self._random = np.random.default_rng(problem.seed)
        self._best, self._loss = np.asarray(problem.start, dtype=float), np.inf

    def ask(self) -> Asked:
        steps = self._random.normal(scale=self._width, size=(self._problem.size, len(self._best)))
        return Asked.samples(np.clip(self._best + steps, 0, 1))

    def tell(self, told: Told) -> None:
        for row in told.evaluated:
            loss = float(told.scores[row].sum())
            if loss < self._loss:
                self._best, self._loss = told.points[row], loss
        self._width *= self._shrink

    def stop(self) -> str | None:
        return "the width is below 1e-9" if self._width < 1e-9 else None

    def state(self) -> Mapping[str, FloatArray | float]:
        return {"best_point": self._best, "width": self._width}


@optimiser("stateless_of_tests", any_rows=True)
class Stateless:
    """Draws from the whole cube, whatever was told."""

    def __init__(self, options: OptimiserOptions, problem: Problem):
        self._shape = (problem.size, len(problem.start))
        self._random = np.random.default_rng(problem.seed)

    def ask(self) -> Asked:
        return Asked.samples(self._random.random(self._shape))

    def tell(self, told: Told) -> None:
        pass

    def stop(self) -> str | None:
        return None

    def state(self) -> Mapping[str, FloatArray | float]:
        return {}


class Nearby:
    """A generator of the gest-api standard: samples around the best point so far, as `Nearest` draws them."""

    returns_id = True

    def __init__(self, vocs: Any, seed: int = 0, width: float = 0.1):
        self.vocs, self.seed, self.width = vocs, seed, width
        self._random = np.random.default_rng(seed)
        self._best, self._loss = [each.default_value for each in vocs.variables.values()], np.inf
        self._names, self._objectives = list(vocs.variables), list(vocs.objectives)
        self.ids: set[int] = set()
        self.ingested: list[Mapping[str, Any]] = []
        self.finalized = 0

    def suggest(self, num_points: int | None) -> list[dict[str, Any]]:
        steps = self._random.normal(scale=self.width, size=(num_points or 1, len(self._best)))
        points = np.clip(self._best + steps, 0, 1)
        first = len(self.ids)
        self.ids |= set(range(first, first + len(points)))
        rows = [dict(zip(self._names, point, strict=True)) for point in points]
        return [{**row, "_id": first + n} for n, row in enumerate(rows)]

    def ingest(self, results: Sequence[Mapping[str, Any]]) -> None:
        for result in results:
            if result.get("_id", 0) not in {0, *self.ids}:
                raise ValueError(f"no such _id: {result['_id']}")
            loss = sum(result[name] for name in self._objectives)
            if loss < self._loss:
                self._best, self._loss = [result[name] for name in self._names], loss
        self.ingested += results

    def finalize(self) -> None:
        self.finalized += 1


class ToyOptions(SimulationOptions):
    """A straight line."""

    gain: float = Field(1.0, gt=0, description="factor of every parameter")


@simulation("toy_of_tests", options=ToyOptions)
class Toy(Simulation[ToyOptions]):
    """Multiplies its parameters; fails above 1."""

    def simulate(self, parameters: Mapping[str, float | int], attempt: AttemptPaths) -> None:
        attempt.simulation.mkdir()
        if max(parameters.values()) > 1:
            raise SimulationFailed(Outcome.SIMULATION_ERROR, "a parameter is above 1")
        numbers = {name: self.options.gain * value for name, value in parameters.items()}
        write_json(attempt.simulation / "numbers.json", numbers)

    def recordings(self, attempt: AttemptPaths) -> object:
        return attempt.simulation / "numbers.json"
