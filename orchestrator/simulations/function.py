"""Simulation by any Python callable: in the job's own process, or in another Python."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.base import Finding, Identity, Simulation, SimulationFailed, digests
from orchestrator.simulations.phases import seconds_noted
from orchestrator.simulations.programs.before import prepared
from orchestrator.simulations.programs.elsewhere import call_elsewhere, calling_script, is_elsewhere
from orchestrator.simulations.programs.importing import load, module_files, modules_of, place_of
from orchestrator.simulations.programs.launching import PREPARED, Launch
from orchestrator.simulations.programs.looking import FilesModel, name_clashes
from orchestrator.simulations.programs.options import FunctionOptions
from orchestrator.simulations.registry import simulation
from orchestrator.simulations.returned import (
    as_measurable,
    averaged_or_failed,
    keep_returned,
    meaning_of,
    recordings_in,
    recordings_of,
    refuse_explosion,
    understood,
)
from orchestrator.text import shortened

if TYPE_CHECKING:
    from orchestrator.config.model import Config
    from orchestrator.simulations.surroundings import Surroundings
    from targets import Recordings

# characters of an exception that are told
_LONGEST = 2000
_KEY = ("simulation", "function")
# that programs/runner.py can be run with
_OLDEST_PYTHON = (3, 10)


class FunctionModel(FilesModel[FunctionOptions]):
    """A module of the user's, of which one function is called."""

    essential = ("function",)

    def describe(self) -> str:
        """Return the function's reference."""
        return self.options.function

    def problems(self, config: Config) -> list[Finding]:
        """Return why the function cannot be imported, if so, and patterns that no file fits."""
        if found := super().problems(config) or name_clashes(self.model_dir):
            return found
        return list(self._not_there() if self._is_of_another_python else self._not_imported())

    def unknown(self, config: Config) -> list[Finding]:
        """Return that a function of another Python is not imported here."""
        if not self._is_of_another_python:
            return []
        function = self.options.function
        message = f"whether {function} can be imported, which only its own Python knows: let a node try it (--on-node)"
        return [(_KEY, message)]

    def surroundings(self) -> Surroundings | None:
        """Return that another Python needs numpy, and what the function's module imports."""
        if not self._is_of_another_python:
            return None
        from orchestrator.simulations.surroundings import Surroundings, required_by  # noqa: PLC0415  (not on nodes)

        options, module = self.options, self.options.function.partition(":")[0]
        modules = tuple(dict.fromkeys(("numpy", *required_by(self.model_dir, [module]))))
        return Surroundings(options.python, self.model_dir, options.setup, options.environment, modules, _OLDEST_PYTHON)

    def identity(self) -> Identity:
        """Return the digests of the function's module, if it is a file of the model, and of what else is named."""
        module = digests(self.model_dir, module_files(self.options.function))
        return Identity({}, {**super().identity().files, **module})

    def launch_script(self, attempt: AttemptPaths) -> str | None:
        """Return the script that calls the function, if it has a process of its own."""
        if not is_elsewhere(self.options, self.context):
            return None
        launch = Launch(self.options, self.model_dir, self.context, attempt, attempt.simulation)
        return calling_script(launch, self.options)

    @property
    def _is_of_another_python(self) -> bool:
        return bool(self.options.python or self.options.setup)

    def _not_imported(self) -> Iterator[Finding]:
        function = self.options.function
        try:
            with modules_of(self.model_dir):
                load(function, self.model_dir)
        except Exception as error:  # noqa: BLE001  (whatever a user's module raises)
            reason = shortened(f"{type(error).__name__}: {error}", _LONGEST)
            yield _KEY, f"cannot import {function!r} from {self.model_dir}: {reason}"

    def _not_there(self) -> Iterator[Finding]:
        """Yield that a module of the model has no such name, as far as its source says."""
        from orchestrator.errors import UsageError  # noqa: PLC0415
        from orchestrator.simulations.mozaik.modules import defined_in, module_file, module_tree  # noqa: PLC0415
        from targets.plugins import nearest  # noqa: PLC0415

        module, _, name = self.options.function.partition(":")
        try:
            tree = module_tree(self.model_dir, module)
        except UsageError as error:
            yield _KEY, str(error)
            return
        defined = {} if tree is None else defined_in(tree)
        if defined and not {name, "*"} & defined.keys():
            yield _KEY, f"{module_file(self.model_dir, module)} has no {name!r}{nearest(name, defined)}"


@simulation("function", options=FunctionOptions, model=FunctionModel)
class FunctionSimulation(Simulation[FunctionOptions]):
    """Calls ``function(parameters, directory)`` in the job's own process, or in that of another Python.

    The function returns a mapping of names to numbers, traces and events, which targets read, with None in the place of
    a number that there is not. Or it leaves files in the directory and returns None, for targets of the user's own.
    What ``simulation.seeds`` names is among the parameters. It may raise ``Exploded`` and ``NoValue`` of this program.

    A ``function_of_many`` takes a list of parameter sets in their place and returns a list with what it would return of
    each alone; for one that failed, what it would raise.

    With several ``trials`` it is called that often, with a directory and with seeds of its own each time, which
    `orchestrator.simulations.seeds.seeds_of_trial` makes of those of the evaluation; or in a job of its own each.
    """

    def simulate(self, parameters: Mapping[str, float | int], attempt: AttemptPaths) -> None:
        """Call the function and keep what it returns."""
        made = prepared(self.options, self.model_dir, attempt)
        attempt.simulation.mkdir(exist_ok=True)
        if self.options.trials == 1:
            self._simulate_in(attempt.simulation, parameters, attempt, made)
            return
        for number in range(self.options.trials):
            attempt.trial(number).mkdir(exist_ok=True)
            self._simulate_in(
                attempt.trial(number), self.options.parameters_of_trial(parameters, number), attempt, made
            )

    def recordings(self, attempt: AttemptPaths) -> Recordings:
        """Return what the function returned, and the directory with what it wrote."""
        return recordings_of(self.options.trials, attempt)

    def seconds(self, attempt: AttemptPaths) -> Mapping[str, float]:
        """Return the wall time of a preparation."""
        return seconds_noted(attempt)

    @property
    def runs_here(self) -> bool:
        """Whether the function is called in this process."""
        return not is_elsewhere(self.options, self.context)

    def run_here(self, parameters: Mapping[str, float | int], directory: Path, attempt: AttemptPaths) -> Recordings:
        """Call the function, once for each trial, and return what it returned."""
        from targets.recordings.file import averaged  # noqa: PLC0415  (most of the time that importing takes)

        made = self._prepared(attempt)
        if self.options.trials == 1:
            return self._recordings_of(directory, parameters, made)
        found = []
        for number in range(self.options.trials):
            own = directory / attempt.trial(number).name
            own.mkdir()
            found.append(self._recordings_of(own, self.options.parameters_of_trial(parameters, number), made))
        return understood(lambda: averaged(found, directory))

    @property
    def runs_many(self) -> bool:
        """Whether it is a function of many, which is called in this process."""
        return self.options.function_of_many

    def run_together(
        self, parameter_sets: Sequence[Mapping[str, float | int]], directory: Path, attempt: AttemptPaths
    ) -> list[Recordings | Exception]:
        """Call the function once for all, or once for each trial."""
        made = self._prepared(attempt)
        if self.options.trials == 1:
            return [self._left(each, directory) for each in self._returned_of(parameter_sets, directory, made)]
        trials = []
        for number in range(self.options.trials):
            own = directory / attempt.trial(number).name
            own.mkdir()
            seeded = [self.options.parameters_of_trial(parameters, number) for parameters in parameter_sets]
            trials.append([self._left(each, own) for each in self._returned_of(seeded, own, made)])
        return [averaged_or_failed(each, directory) for each in zip(*trials, strict=True)]

    def _prepared(self, attempt: AttemptPaths) -> Path | None:
        """Return what a preparation has made, None if there is none; whoever makes it notes that beside the attempt."""
        if self.options.before is not None:
            attempt.directory.mkdir(parents=True, exist_ok=True)
        return prepared(self.options, self.model_dir, attempt)

    def _left(self, returned: object, directory: Path) -> Recordings | Exception:
        """Return what the function says of one of many."""
        try:
            return as_measurable(_value_of(returned), directory, place_of(self.options.function, self.model_dir))
        except Exception as error:  # noqa: BLE001  (it is that of one alone)
            return error

    def _recordings_of(self, directory: Path, parameters: Mapping[str, float | int], made: Path | None) -> Recordings:
        returned = self._returned(directory, parameters, made)
        if returned is None:
            return recordings_in(directory)
        return as_measurable(returned, directory, place_of(self.options.function, self.model_dir))

    def _simulate_in(
        self, directory: Path, parameters: Mapping[str, float | int], attempt: AttemptPaths, made: Path | None
    ) -> None:
        """Call the function once, which leaves what it leaves in a directory that is there."""
        if is_elsewhere(self.options, self.context):
            launch = Launch(self.options, self.model_dir, self.context, attempt, directory, made)
            call_elsewhere(launch, self.options, parameters)
        else:
            self._call(directory, parameters, attempt, made)
        refuse_explosion(directory)

    def _call(
        self, directory: Path, parameters: Mapping[str, float | int], attempt: AttemptPaths, made: Path | None
    ) -> None:
        from targets.errors import NoValue  # noqa: PLC0415  (most of the time that importing takes)
        from targets.recordings.file import say  # noqa: PLC0415

        try:
            returned = self._returned(directory, parameters, made)
        except NoValue as why:
            say(directory, "no_value", str(why))
        else:
            keep_returned(returned, directory, attempt, place_of(self.options.function, self.model_dir))

    def _returned(self, directory: Path, parameters: Mapping[str, float | int], made: Path | None) -> object:
        """Call the function and return what it returns; raises `SimulationFailed` and `targets.errors.NoValue`."""
        if self.options.function_of_many:
            (only,) = self._returned_of([parameters], directory, made)
            return _value_of(only)
        return self._called(dict(parameters), directory, made)

    def _returned_of(
        self, parameter_sets: Sequence[Mapping[str, float | int]], directory: Path, made: Path | None
    ) -> list[object]:
        """Call a function of many, and return what it returns of each."""
        returned = self._called([dict(each) for each in parameter_sets], directory, made)
        if not isinstance(returned, (list, tuple)) or len(returned) != len(parameter_sets):
            got = f"{len(returned)} of them" if isinstance(returned, (list, tuple)) else type(returned).__name__
            raise TypeError(
                f"{place_of(self.options.function, self.model_dir)}: expected a list of what each of "
                f"{len(parameter_sets)} parameter sets gives (function_of_many), got {got}"
            )
        return list(returned)

    def _called(self, given: dict[str, Any] | list[dict[str, Any]], directory: Path, made: Path | None) -> object:
        from targets.errors import Exploded, NoValue  # noqa: PLC0415  (most of the time that importing takes)

        reference = self.options.function
        if made is not None:
            os.environ[PREPARED] = str(made)
        with modules_of(self.model_dir):
            try:
                function = load(reference, self.model_dir)
            except Exception as error:
                raise SimulationFailed(Outcome.LAUNCH_FAILED, f"{type(error).__name__}: {error}") from error
            os.chdir(self.options.works_in(self.model_dir, directory))
            try:
                return function(given, directory)
            except MemoryError as error:
                raise SimulationFailed(Outcome.OUT_OF_MEMORY, "MemoryError") from error
            except SystemExit as error:  # a job that ends without a result has to be taken for lost
                message = f"the function ended the program: SystemExit({error.code!r})"
                raise SimulationFailed(Outcome.SIMULATION_ERROR, message) from error
            except (Exploded, NoValue) as why:
                raise meaning_of(why) from why


def _value_of(returned: object) -> object:
    """Return what a function of many returned of one; raises what it returned in its place, or `NoValue` for None."""
    from targets.errors import NoValue  # noqa: PLC0415  (most of the time that importing takes)

    if isinstance(returned, Exception):
        raise meaning_of(returned)
    if returned is None:
        raise NoValue("the function returned None for it")
    return returned
