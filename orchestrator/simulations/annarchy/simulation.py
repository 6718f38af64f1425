"""Simulation of a population of ANNarchy in an experiment of CompNeuroPy, in the process of a job or a worker."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.annarchy.options import SEED, AnnarchyOptions, missing_packages
from orchestrator.simulations.base import Simulation, SimulationFailed
from orchestrator.simulations.phases import Phase, note, seconds_noted
from orchestrator.simulations.programs.importing import modules_of
from orchestrator.simulations.registry import simulation
from orchestrator.simulations.returned import averaged_or_failed, keep_returned, recordings_of
from orchestrator.simulations.seeds import seeds_of_trial

if TYPE_CHECKING:
    from orchestrator.simulations.annarchy.network import Network
    from targets import Recordings


@simulation("annarchy", options=AnnarchyOptions, model="orchestrator.simulations.annarchy.model:AnnarchyModel")
class AnnarchySimulation(Simulation[AnnarchyOptions]):
    """Simulates a neuron model of ANNarchy in an experiment of CompNeuroPy, many parameter sets at once.

    Each neuron of one population has a parameter set of its own. ``get_loss`` gets the results of each neuron as if it
    were alone. Targets get its numbers and what is recorded, as `orchestrator.simulations.annarchy.results` says.
    """

    def simulate(self, parameters: Mapping[str, float | int], attempt: AttemptPaths) -> None:
        """Run the experiment with one parameter set, and keep what it left."""
        from targets.errors import NoValue  # noqa: PLC0415  (most of the time that importing takes)
        from targets.recordings.file import say  # noqa: PLC0415

        attempt.simulation.mkdir(exist_ok=True)
        with modules_of(self.model_dir):
            note(attempt, Phase.BUILDING)
            network = self._network(attempt)
            note(attempt, Phase.PROTOCOLS)
            (left,) = self._left([parameters], network, attempt.simulation)
        note(attempt, Phase.FINISHED)
        if isinstance(left, NoValue):
            say(attempt.simulation, "no_value", str(left))
        elif isinstance(left, Exception):
            raise left
        else:
            keep_returned(left, attempt.simulation, attempt, self.options.experiment)

    def recordings(self, attempt: AttemptPaths) -> Recordings:
        """Return losses, and what was recorded."""
        return recordings_of(self.options.jobs_per_evaluation, attempt)

    def seconds(self, attempt: AttemptPaths) -> Mapping[str, float]:
        """Return the wall times of compiling or loading, and of the experiment."""
        return seconds_noted(attempt)

    @property
    def runs_here(self) -> bool:
        """Yes: the populations stay in the process."""
        return True

    def run_here(self, parameters: Mapping[str, float | int], directory: Path, attempt: AttemptPaths) -> Recordings:
        """Run the experiment with one parameter set, and return what it left."""
        (left,) = self.run_together([parameters], directory, attempt)
        if isinstance(left, Exception):
            raise left
        return left

    @property
    def runs_many(self) -> bool:
        """Whether evaluations have no seeds of their own, so that they can be simulated at once."""
        return not self.options.seeds

    def run_together(
        self, parameter_sets: Sequence[Mapping[str, float | int]], directory: Path, attempt: AttemptPaths
    ) -> list[Recordings | Exception]:
        """Run the experiment with as many parameter sets at once as there are neurons."""
        with modules_of(self.model_dir):
            return self._left(parameter_sets, self._network(attempt), directory)

    def _network(self, attempt: AttemptPaths) -> Network:
        """Return the network of this process, made and, if nobody on this node has done that, compiled."""
        if lacking := missing_packages():
            raise SimulationFailed(Outcome.LAUNCH_FAILED, lacking)
        from orchestrator.simulations.annarchy.network import NetworkRequest, network_of  # noqa: PLC0415  (targets)

        os.chdir(self.model_dir)
        found = network_of(NetworkRequest(self.options.common_json(), self.model_dir, attempt))
        if isinstance(found, SimulationFailed):
            raise SimulationFailed(found.outcome, str(found))
        return found

    def _left(
        self, parameter_sets: Sequence[Mapping[str, float | int]], network: Network, directory: Path
    ) -> list[Recordings | Exception]:
        """Return what each parameter set left, over all trials."""
        seeds = self.options.seeds
        bare = [{name: each for name, each in values.items() if name not in seeds} for values in parameter_sets]
        trials = [
            network.left_by(bare, self._seed(parameter_sets[0], number), directory)
            for number in range(self.options.trials)
        ]
        if len(trials) == 1:
            return trials[0]
        return [averaged_or_failed(each, directory) for each in zip(*trials, strict=True)]

    def _seed(self, parameters: Mapping[str, float | int], number: int) -> int | None:
        if SEED not in self.options.seeds:
            return None
        seed = int(parameters[SEED])
        return seed if self.options.trials == 1 else seeds_of_trial({SEED: seed}, number)[SEED]
