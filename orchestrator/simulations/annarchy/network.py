"""The population of a process: compiled once, and simulated with a parameter set in each of its neurons.

ANNarchy has one network in a process, which cannot be taken back, so that a process has one for good.
"""

from __future__ import annotations

import contextlib
import copy
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.annarchy.loading import Unusable, part, said_of, without_arguments, working_in
from orchestrator.simulations.annarchy.options import SEED, AnnarchyOptions
from orchestrator.simulations.annarchy.preparation import compiled
from orchestrator.simulations.annarchy.results import of_neuron, recordings_of
from orchestrator.simulations.base import SimulationFailed
from orchestrator.simulations.returned import meaning_of
from orchestrator.simulations.subprocesses import programs_of_this_python
from targets import Recordings
from targets.errors import Exploded, NoValue
from targets.plugins import nearest

# as OptNeuron names them, which scripts may rely on
MODEL, TARGET = "model_neuron", "target_model_neuron"
# CompNeuroPy compiles in a folder of this folder of the working directory
_FOLDERS, _FOLDER = "annarchy_folders", "orchestrator"
# of the experiment with the target's neuron model
_TARGET_SEED = 1
# numpy's legacy generator takes no larger ones
_SEEDS_OF_NUMPY = 2**32

ParameterSet = Mapping[str, float | int]


def build(options: AnnarchyOptions, model_dir: Path, directory: Path) -> None:
    """Make the populations of this process and compile them, in a directory.

    What was compiled there before is only loaded, if it is the same; how many neurons there are changes nothing.

    Raises
    ------
    Unusable
        If a neuron model cannot be used.
    Exception
        Whatever ANNarchy says of a model that it cannot compile.
    """
    with without_arguments():
        import ANNarchy  # noqa: PLC0415  (seconds)
        from CompNeuroPy import compile_in_folder  # noqa: PLC0415

    models = {MODEL: part(options, "neuron_model", model_dir), TARGET: part(options, "target_neuron_model", model_dir)}
    # it looks for cython, and compilers, by their names
    with without_arguments(), working_in(directory), programs_of_this_python(first=True):
        ANNarchy.setup(dt=options.time_step)
        for name, neuron in models.items():
            if neuron is not None:
                ANNarchy.Population(options.neurons if name == MODEL else 1, neuron=neuron, name=name)
        compile_in_folder(_FOLDER, silent=True)


def refuse_unknown(parameters: ParameterSet, population: Any, reference: str) -> None:
    """Raise `Unusable` if neurons of a population have not one of the parameters each.

    Parameters
    ----------
    parameters : mapping of str to float or int
        Without a seed.
    population : ANNarchy.Population
        Compiled or not.
    reference : str
        Of its neuron model.
    """
    known, common = population.attributes, population.neuron_type.description["global"]
    for name in parameters:
        if name not in known:
            message = f"{reference} has no {name!r}{nearest(name, known)}; write names: [] if only expressions use it"
            raise Unusable("neuron_model", message)
        if name in common:
            message = f"{reference}: {name!r} is the same for a whole population; take away its flag population"
            raise Unusable("neuron_model", message)


@contextlib.contextmanager
def _copied(directory: Path) -> Iterator[Path]:
    """Give a copy of what is compiled: two processes cannot compile in one directory, and once loaded it is not needed.

    Raises
    ------
    SimulationFailed
        If it cannot be copied.
    """
    with contextlib.ExitStack() as stack:
        try:
            # that it cannot be removed is no reason to have no network
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
            shutil.copytree(directory / _FOLDERS, scratch / _FOLDERS)
        except OSError as error:
            message = f"what is compiled in {directory} cannot be copied: {type(error).__name__}: {error}"
            raise SimulationFailed(Outcome.NODE_FAIL, message) from error
        yield scratch


class Network:
    """The populations, the experiment and what it is compared with.

    Parameters
    ----------
    options : AnnarchyOptions
        The section ``simulation``.
    model_dir : pathlib.Path
        Absolute path of the model.
    directory : pathlib.Path
        In which `build` has compiled the populations.

    Raises
    ------
    Unusable
        If something that the section names cannot be used, or the target's experiment fails.
    SimulationFailed
        If the file system is full or gone, before there is a population: it can be tried again.
    """

    def __init__(self, options: AnnarchyOptions, model_dir: Path, directory: Path):
        self._options = options
        with _copied(directory) as scratch:
            build(options, model_dir, scratch)
        import ANNarchy  # noqa: PLC0415  (build has imported it)

        self._population = ANNarchy.get_population(MODEL)
        self._experiment = part(options, "experiment", model_dir)
        self._get_loss: Callable[[Any, Any], object] | None = part(options, "get_loss", model_dir)
        self._monitors = self._monitors_of(MODEL)
        self._wanted = part(options, "results_soll", model_dir)
        if options.target_neuron_model is not None:
            self._wanted = self._results_of_target()

    def left_by(
        self, parameter_sets: Sequence[ParameterSet], seed: int | None, directory: Path
    ) -> list[Recordings | Exception]:
        """Simulate parameter sets, as many at once as there are neurons; return what each left, or why it did not.

        Parameters
        ----------
        parameter_sets : sequence of mapping of str to float or int
            Attributes of a neuron.
        seed : int or None
            Of ANNarchy's and of numpy's random numbers; None if they are as they come.
        directory : pathlib.Path
            That of the recordings.

        Raises
        ------
        SimulationFailed
            If the experiment fails.
        targets.errors.NoValue
            If it says that there is nothing to measure.
        """
        size = self._options.neurons
        groups = [parameter_sets[n : n + size] for n in range(0, len(parameter_sets), size)]
        return list(chain.from_iterable(self._left_together(group, seed, directory) for group in groups))

    def _left_together(
        self, parameter_sets: Sequence[ParameterSet], seed: int | None, directory: Path
    ) -> list[Recordings | Exception]:
        def prepare() -> None:
            self._set(parameter_sets)

        with self._told("experiment"):
            results = self._run(MODEL, self._monitors, seed, prepare)
        return [self._left(results, neuron, directory) for neuron in range(len(parameter_sets))]

    def _left(self, results: Any, neuron: int, directory: Path) -> Recordings | Exception:
        try:
            loss: object = None
            own = of_neuron(results, MODEL, neuron, self._options.neurons)
            if self._get_loss is not None:
                with self._told("get_loss"):
                    # whatever it does with the data is not there for the next one
                    loss = self._get_loss(own, copy.deepcopy(self._wanted))
            return recordings_of(own, MODEL, loss, self._options, directory)
        except Exception as error:  # noqa: BLE001  (it is that of one alone)
            return error

    def _run(self, name: str, monitors: Any, seed: int | None, prepare: Callable[[], None]) -> Any:
        """Run the experiment with one of the populations, from the state in which it was compiled."""
        import ANNarchy  # noqa: PLC0415  (seconds)

        ANNarchy.reset()
        if seed is not None:
            ANNarchy.set_seed(seed)
            np.random.seed(seed % _SEEDS_OF_NUMPY)  # noqa: NPY002  (the one that experiments use)
        prepare()
        experiment = self._experiment(monitors=monitors)
        # what reset() of the experiment goes back to
        experiment.store_model_state(compartment_list=[name])
        try:
            results = experiment.run(name)
            if not hasattr(results, "recordings"):
                raise TypeError(f"run() should return self.results(), got {type(results).__name__}")
        except BaseException:
            if monitors is not None:  # what they have recorded is none of the next run's
                with contextlib.suppress(Exception):
                    monitors.get_recordings_and_clear()
            raise
        return results

    def _set(self, parameter_sets: Sequence[ParameterSet]) -> None:
        """Give each neuron its parameters; what is left of the neurons repeats the last ones."""
        refuse_unknown(parameter_sets[0], self._population, self._options.neuron_model)
        missing = self._options.neurons - len(parameter_sets)
        for name in parameter_sets[0]:
            values = [float(each[name]) for each in [*parameter_sets, *[parameter_sets[-1]] * missing]]
            setattr(self._population, name, np.array(values))

    def _monitors_of(self, name: str) -> Any:
        from CompNeuroPy import CompNeuroMonitors  # noqa: PLC0415  (seconds)

        options = self._options
        return CompNeuroMonitors({f"{name}{options.monitored}": list(options.record)}) if options.record else None

    def _results_of_target(self) -> Any:
        """Run the experiment with the target's neuron model, which is not simulated again."""
        import ANNarchy  # noqa: PLC0415  (seconds)

        seed = _TARGET_SEED if SEED in self._options.seeds else None
        try:
            results = self._run(TARGET, self._monitors_of(TARGET), seed, lambda: None)
        except (Exception, SystemExit) as error:
            raise Unusable("target_neuron_model", said_of(error, self._options.experiment)) from error
        ANNarchy.get_population(TARGET).disable()
        return results

    @contextlib.contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Tell what a user's code raises with its key and reference."""
        try:
            yield
        except (Exploded, NoValue) as why:
            raise meaning_of(why) from why
        except MemoryError as error:
            raise SimulationFailed(Outcome.OUT_OF_MEMORY, "MemoryError") from error
        except Unusable as error:
            raise SimulationFailed(Outcome.LAUNCH_FAILED, f"simulation.{error.key}: {error}") from error
        except (Exception, SystemExit) as error:
            message = f"simulation.{key}: {said_of(error, getattr(self._options, key))}"
            raise SimulationFailed(Outcome.SIMULATION_ERROR, message) from error


@dataclass(frozen=True)
class NetworkRequest:
    """What network is asked for; two are equal if it is the same, whoever asks.

    Parameters
    ----------
    options : str
        The section ``simulation`` as JSON, the same for all evaluations.
    model_dir : pathlib.Path
        Absolute path of the model.
    attempt : AttemptPaths
        Of whoever asks; if it has to be compiled, that is noted beside it.
    """

    options: str
    model_dir: Path
    attempt: AttemptPaths = field(compare=False)


@lru_cache(maxsize=1)
def network_of(asked: NetworkRequest) -> Network | SimulationFailed:
    """Return the network of this process, made at the first call; or why it cannot be made, which is kept as well.

    Raises
    ------
    SimulationFailed
        If it cannot be compiled or copied; somebody else, or a later call, may do better.
    """
    options = AnnarchyOptions.model_validate_json(asked.options)
    asked.attempt.directory.mkdir(parents=True, exist_ok=True)
    directory = compiled(options, asked.model_dir, asked.attempt)
    try:
        return Network(options, asked.model_dir, directory)
    except Unusable as error:
        return SimulationFailed(Outcome.LAUNCH_FAILED, f"simulation.{error.key}: {error}")
    except SimulationFailed:
        raise
    except Exception as error:  # noqa: BLE001  (whatever ANNarchy raises)
        return SimulationFailed(Outcome.LAUNCH_FAILED, f"ANNarchy: {type(error).__name__}: {error}")
