"""What the jobs of the world simulate: two numbers, after a while; fails for some parameters. And who asks for them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from plugins_of_tests import Nearest, NearestOptions

from orchestrator.files import write_json
from orchestrator.optimisers import optimiser
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations import Simulation, SimulationFailed, simulation
from orchestrator.simulations.options import TrialOptions
from orchestrator.simulations.phases import Phase, note


@optimiser("nearest_of_any_rows_of_tests", options=NearestOptions, any_rows=True)
class NearestOfAnyRows(Nearest):
    """Takes any rows, in any order."""


class TimedOptions(TrialOptions):
    """Takes some time."""

    trials_need_seeds = False


@simulation("timed_of_tests", options=TimedOptions)
class Timed(Simulation[TimedOptions]):
    """Takes longer for a larger x; fails for every fourth x."""

    def simulate(self, parameters: Mapping[str, float | int], attempt: AttemptPaths) -> None:
        note(attempt, Phase.BUILDING)
        attempt.simulation.mkdir(exist_ok=True)
        time.sleep(5 + 20 * parameters["x"])
        numbers = numbers_of(parameters)
        if numbers is None:
            raise SimulationFailed(Outcome.SIMULATION_ERROR, f"x = {parameters['x']} does not work")
        write_json(attempt.simulation / "numbers.json", numbers)

    def recordings(self, attempt: AttemptPaths) -> object:
        trials = self.options.jobs_per_evaluation
        folders = [attempt.simulation] if trials == 1 else [attempt.trial(number) for number in range(trials)]
        found = [json.loads((folder / "numbers.json").read_text()) for folder in folders]
        return {name: sum(numbers[name] for numbers in found) / len(found) for name in found[0]}


def numbers_of(parameters: Mapping[str, float | int]) -> dict[str, float] | None:
    """Return what is simulated with these parameters, None if it fails with them."""
    x, y = parameters["x"], parameters["y"]
    return None if int(1000 * x) % 4 == 0 else {"rate": 10 * x, "cv": y**2}
