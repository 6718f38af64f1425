"""What every kind of simulation promises, and the one that a configuration describes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.records import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.config.model import Config
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


class ModelUnreadable(Exception):
    """What makes a model up cannot be read; the message names the file."""


@dataclass(frozen=True)
class Identity:
    """What decides about a simulation besides the configuration.

    Parameters
    ----------
    parameters : mapping of str to str
        The model's own parameters by dotted name, as text that is equal where they are.
    files : mapping of str to str
        SHA-256 of the files of code, by their path relative to the model's directory.
    """

    parameters: Mapping[str, str]
    files: Mapping[str, str]


def digests(directory: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of those of the files, relative to `directory`, that are there."""
    files = {name: directory / name for name in names}
    return {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items() if file.is_file()}


@dataclass(frozen=True)
class Recorded:
    """An estimate of the disk that one simulation's recordings take.

    Parameters
    ----------
    per_presentation : float
        Bytes for every stimulus presented, however short.
    per_second : float
        Bytes for every second of biological time that is recorded.
    made_of : str
        What the estimate counts, for people.
    """

    per_presentation: float
    per_second: float
    made_of: str

    def size(self, presentations: int, seconds: float) -> float:
        """Return the bytes of a protocol."""
        return presentations * self.per_presentation + seconds * self.per_second


class Simulation(Protocol):
    """Takes named parameters and a directory, leaves recordings for the targets.

    The first methods, up to `task`, run in the controller, the others on the compute node.
    """

    def problems(self, config: Config) -> list[Finding]:
        """Return what is wrong with the model or does not fit it, each with the location of the key to mend."""

    def identity(self) -> Identity:
        """Return what decides about the values, to tell whether it has changed.

        Raises
        ------
        ModelUnreadable
            Where that cannot be read.
        """

    def start_values(self, names: Sequence[str]) -> Mapping[str, float]:
        """Return the model's own values of these parameters, without those that are no numbers."""

    def notes(self, config: Config) -> list[Finding]:
        """Return what is worth a look although it is no problem."""

    def recorded(self) -> Recorded | None:
        """Return an estimate of the recordings' size, None where nothing is known of it."""

    def launch_script(self, attempt: AttemptPaths) -> str | None:
        """Return the shell script that launches the simulation of one offspring, None where there is none."""

    def rehearsal(self, task: Mapping[str, Any], attempt: AttemptPaths) -> Mapping[str, Any]:
        """Return a task that is as short as possible and takes the same way as `task`, an offspring's."""

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
        What else concerns it: the sections ``explosion_check``, ``jobs`` and ``slurm``, and ``launcher``.
    """
    # the modules of other kinds are not imported: a job starts once an offspring
    if section["type"] == "function":
        from orchestrator.simulations.function import FunctionSimulation  # noqa: PLC0415

        return FunctionSimulation(section, model_dir)
    from orchestrator.simulations.mozaik.simulation import MozaikSimulation  # noqa: PLC0415

    return MozaikSimulation(section, model_dir, options)


def simulation_of(config: Config) -> Simulation:
    """Return the simulation that a configuration describes."""
    parallel = config.executor == "slurm" and config.jobs.ntasks > 1
    launcher = f"srun --ntasks={config.jobs.ntasks} --mpi={config.slurm.mpi}" if parallel else ""
    if launcher and config.jobs.cpus_per_task:
        # from SLURM 22.05 srun does not take it over from the job
        launcher += f" --cpus-per-task={config.jobs.cpus_per_task}"
    options = {
        "explosion_check": config.explosion_check.model_dump(mode="json"),
        "launcher": launcher,
        "jobs": config.jobs.model_dump(mode="json"),
        "slurm": config.slurm.model_dump(mode="json"),
    }
    return create_simulation(config.simulation.model_dump(mode="json"), config.model_dir, options)
