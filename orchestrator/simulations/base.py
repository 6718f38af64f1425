"""What every kind of simulation promises: a Model, which the controller asks, and a Simulation, which a node runs."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from orchestrator.records import Outcome

if TYPE_CHECKING:
    from orchestrator.config.model import Config
    from orchestrator.paths import AttemptPaths
    from orchestrator.simulations.options import SimulationContext, SimulationOptions
    from orchestrator.simulations.registry import SimulationKind
    from orchestrator.simulations.surroundings import Surroundings
    from targets import Recordings, Target

Options = TypeVar("Options", bound="SimulationOptions")

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
        super().__init__(outcome, message)
        self.outcome = outcome

    def __str__(self) -> str:
        return str(self.args[1])


class ModelUnreadable(Exception):
    """What makes a model up cannot be read; the message names the file."""


@dataclass(frozen=True)
class Identity:
    """What decides about a simulation besides the configuration.

    Parameters
    ----------
    parameters : mapping of str to str
        The model's own parameters by dotted name, as text that is equal if they are.
    files : mapping of str to str
        SHA-256 of the files of code, by their path relative to the model's directory.
    """

    parameters: Mapping[str, str]
    files: Mapping[str, str]


def digests(directory: Path, names: Iterable[str | Path]) -> dict[str, str]:
    """Return the SHA-256 of those of the files, relative to `directory`, that are there."""
    files = {str(name): directory / name for name in names}
    return {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items() if file.is_file()}


@dataclass(frozen=True)
class RecordingSize:
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


@dataclass(frozen=True)
class ParameterFolder:
    """A model's folder of parameter files, of which `orchestrator best --apply` writes a copy.

    Parameters
    ----------
    root : pathlib.Path
        Root parameter file of the optimisation, relative to the model's directory.
    command : callable
        Returns the shell command that runs the model with another root parameter file.
    """

    root: Path
    command: Callable[[Path], str]


class Model(Generic[Options]):
    """What the controller must know of a model; every method has a default, which knows nothing.

    Parameters
    ----------
    options : SimulationOptions
        The section ``simulation``.
    model_dir : pathlib.Path
        Absolute path of the model.
    context : SimulationContext
        What else of the configuration concerns simulations.
    """

    # keys of the section without which nothing else can be known of the model
    essential: ClassVar[tuple[str, ...]] = ()
    # what `write_own_file` writes, in a few words
    own_file: ClassVar[str | None] = None

    def __init__(self, options: Options, model_dir: Path, context: SimulationContext):
        self.options = options
        self.model_dir = model_dir
        self.context = context

    def describe(self) -> str:
        """Return the model in a few words, for summaries and reports."""
        return self.options.type

    def problems(self, config: Config) -> list[Finding]:
        """Return what is wrong with the model or does not fit it, each with the location of the key to fix."""
        return [] if self.model_dir.is_dir() else [(("model_dir",), f"there is no directory {self.model_dir}")]

    def unmeasurable(self, config: Config) -> list[Finding]:
        """Return the targets that can never have a value, each with the key to fix; a run that has begun goes on."""
        return []

    def unknown(self, config: Config) -> list[Finding]:
        """Return what cannot be found out of the model on this machine, and who can."""
        return []

    def surroundings(self) -> Surroundings | None:
        """Return what a simulation needs of the Python of another environment; None if there is none, or not known."""
        return None

    def notes(self, config: Config) -> list[Finding]:
        """Return what is worth a look although it is no problem."""
        return []

    def identity(self) -> Identity:
        """Return what decides about the values, to tell whether it has changed.

        Raises
        ------
        ModelUnreadable
            If that cannot be read.
        """
        return Identity({}, {})

    def start_values(self, names: Sequence[str]) -> Mapping[str, float] | None:
        """Return the model's own values of these parameters, without those that are no numbers.

        None if models of this kind have no values of their own: a search then starts in the middle of the ranges.
        """
        return None

    def recorded(self) -> RecordingSize | None:
        """Return an estimate of the recordings' size, None if nothing is known of it."""
        return None

    def launch_script(self, attempt: AttemptPaths) -> str | None:
        """Return the shell script that launches the simulation of one offspring, None if there is none."""
        return None

    def launch_script_source(self) -> tuple[str, str]:
        """Return the key of the section that the launch script comes from, and what to call the script."""
        return "setup", "the launch script"

    def task(self) -> Mapping[str, Any]:
        """Return what a program of the model reads from the task file besides what every task has, as JSON."""
        return {}

    def shortened(self, attempt: AttemptPaths) -> Model[Options]:
        """Return the same model simulated as short as possible in the same way, to try a node.

        Parameters
        ----------
        attempt : AttemptPaths
            Of the trial; its directory is there, below the model's.
        """
        return self

    def counted(self, attempt: AttemptPaths) -> tuple[int, float] | None:
        """Return what a shortened simulation has found out: number of stimuli, and their duration in s; None if not."""
        return None

    def tried(self, attempt: AttemptPaths, config: Config) -> list[Finding]:
        """Return what a shortened simulation has found to be wrong with the targets, each with the key to fix."""
        return []

    def parameter_folder(self) -> ParameterFolder | None:
        """Return the folder of parameter files, None if the model has none that a program could write."""
        return None

    def write_own_file(self, parameters: Mapping[str, float | int], file: Path) -> None:
        """Write the model as a file of its simulator, whole or not at all; only of models that have an `own_file`.

        Parameters
        ----------
        parameters : mapping of str to float or int
            Those that are searched, and seeds.
        file : pathlib.Path
            Is overwritten.

        Raises
        ------
        orchestrator.errors.UsageError
            If that cannot be done here.
        """
        raise NotImplementedError


class Simulation(ABC, Generic[Options]):
    """Takes named parameters and a directory, and leaves recordings for the targets; on the compute node.

    Parameters
    ----------
    options : SimulationOptions
        The section ``simulation``.
    model_dir : pathlib.Path
        Absolute path of the model.
    context : SimulationContext
        What else of the configuration concerns simulations.
    """

    plugin: ClassVar[SimulationKind]

    def __init__(self, options: Options, model_dir: Path, context: SimulationContext):
        self.options = options
        self.model_dir = model_dir
        self.context = context

    @abstractmethod
    def simulate(self, parameters: Mapping[str, float | int], attempt: AttemptPaths) -> None:
        """Simulate one offspring.

        Parameters
        ----------
        parameters : mapping of str to float or int
            Those of the configuration, constants and what is computed included, and what ``simulation.seeds`` names.
        attempt : AttemptPaths
            Where what it leaves belongs: ``attempt.simulation`` is a directory that is yet to be made.

        Raises
        ------
        SimulationFailed
            If it leaves no recordings.
        """

    @abstractmethod
    def recordings(self, attempt: AttemptPaths) -> object:
        """Return what the targets measure.

        Raises
        ------
        SimulationFailed
            If there is nothing that could be measured.
        targets.errors.NoValue
            With the reason, if it was simulated and no target has a value.
        """

    def digest(self, recordings: object, targets: Sequence[Target], seconds: float) -> object:
        """Return what is kept of recordings if the evaluation is among the best: themselves, with traces or events.

        If recordings are something else, a kind may make `targets.Recordings` of them, which take little space.
        Nothing is kept of anything else, nor if this fails.

        Parameters
        ----------
        recordings, targets
            As `recordings` returned them, and what has been measured of them.
        seconds : float
            What measuring them took. A digest that takes much longer costs the job its time, and perhaps the values.
        """
        from targets.recordings import Recordings  # noqa: PLC0415  (the controller measures nothing)

        return recordings if isinstance(recordings, Recordings) and (recordings.traces or recordings.events) else None

    def seconds(self, attempt: AttemptPaths) -> Mapping[str, float]:
        """Return wall times by phase in s: ``build``, ``check``, ``protocols``, as far as they are known."""
        return {}

    @property
    def runs_here(self) -> bool:
        """Whether `run_here` simulates in this process, so that many simulations can follow each other in one."""
        return False

    def run_here(self, parameters: Mapping[str, float | int], directory: Path, attempt: AttemptPaths) -> Recordings:
        """Simulate one offspring in this process, and return what it left; writes no files of this program.

        Parameters
        ----------
        parameters : mapping of str to float or int
            As for `simulate`.
        directory : pathlib.Path
            Where it may write files; it is there and empty.
        attempt : AttemptPaths
            Tells where the run's files are.

        Raises
        ------
        SimulationFailed
            If it leaves nothing that could be measured.
        targets.errors.NoValue
            If it says that there is nothing to measure.
        """
        raise NotImplementedError(f"{type(self).__name__} does not simulate in this process")

    @property
    def runs_many(self) -> bool:
        """Whether `run_together` simulates several offspring at once in this process."""
        return False

    def run_together(
        self, parameter_sets: Sequence[Mapping[str, float | int]], directory: Path, attempt: AttemptPaths
    ) -> list[Recordings | Exception]:
        """Simulate several offspring at once in this process; return what each left, or what `run_here` would raise.

        Parameters
        ----------
        parameter_sets : sequence of mapping
            For each, as for `simulate`.
        directory, attempt
            As for `run_here`.

        Raises
        ------
        Exception
            Whatever says that they cannot be simulated together: they are tried one by one then.
        """
        raise NotImplementedError(f"{type(self).__name__} does not simulate several at once")
