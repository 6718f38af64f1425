"""What every kind of simulation promises, and the one that a configuration describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.records import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.config import Config
    from orchestrator.paths import AttemptPaths


# location of a key in the configuration, and what is wrong there
Finding = tuple[tuple[str | int, ...], str]


class SimulationFailed(Exception):
    """The simulation ended without recordings.

    Parameters
    ----------
    outcome : Outcome
        Why.
    message : str
        For people.
    """

    def __init__(self, outcome: Outcome, message: str):
        super().__init__(message)
        self.outcome = outcome


class Simulation(Protocol):
    """Takes named parameters and a directory, leaves recordings for the targets.

    The first three methods run in the controller, the others on the compute node.
    """

    def problems(self, config: Config) -> list[Finding]:
        """Return what is wrong with the model or does not fit it, each with the location of the key to mend."""

    def start_values(self, names: Sequence[str]) -> Mapping[str, float]:
        """Return the model's own values of these parameters, without those that are no numbers."""

    def task(self) -> Mapping[str, Any]:
        """Return the part of the task file that says how to simulate, as JSON."""

    def simulate(self, parameters: Mapping[str, float | int], attempt: AttemptPaths) -> None:
        """Simulate one offspring.

        Raises
        ------
        SimulationFailed
            Where it leaves no recordings.
        """

    def recordings(self, attempt: AttemptPaths) -> object:
        """Return what the targets measure."""

    def seconds(self, attempt: AttemptPaths) -> Mapping[str, float]:
        """Return wall times by phase in s: ``build``, ``check``, ``protocols``, as far as they are known."""


def create_simulation(section: Mapping[str, Any], model_dir: Path, options: Mapping[str, Any]) -> Simulation:
    """Return the simulation of a configuration.

    Parameters
    ----------
    section : mapping
        The section ``simulation``, validated.
    model_dir : pathlib.Path
        Absolute path of the model.
    options : mapping
        The other sections that concern it: ``explosion_check`` and ``processes`` (number and launcher).
    """
    # the modules of other kinds are not imported: a job starts once an offspring
    if section["type"] == "function":
        from orchestrator.simulations.function import FunctionSimulation  # noqa: PLC0415

        return FunctionSimulation(section, model_dir)
    from orchestrator.simulations.mozaik import MozaikSimulation  # noqa: PLC0415

    return MozaikSimulation(section, model_dir, options)


def simulation_of(config: Config) -> Simulation:
    """Return the simulation that a configuration describes."""
    parallel = config.executor == "slurm" and config.slurm.ntasks > 1
    launcher = f"srun --ntasks={config.slurm.ntasks} --mpi={config.slurm.mpi}" if parallel else ""
    if launcher and config.slurm.cpus_per_task:
        # from SLURM 22.05 srun does not take it over from the job
        launcher += f" --cpus-per-task={config.slurm.cpus_per_task}"
    options = {
        "explosion_check": config.explosion_check.model_dump(mode="json"),
        "launcher": launcher,
    }
    return create_simulation(config.simulation.model_dump(mode="json"), config.model_dir, options)
