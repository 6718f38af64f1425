"""Simulation by any Python callable: in the job's own process, or in another Python."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.base import Finding, Identity, Simulation, SimulationFailed, digests
from orchestrator.simulations.phases import seconds_noted
from orchestrator.simulations.programs.before import prepared
from orchestrator.simulations.programs.elsewhere import call_elsewhere, calling_script, is_elsewhere
from orchestrator.simulations.programs.importing import load, module_files, modules_of, place_of
from orchestrator.simulations.programs.launching import PREPARED, Launch
from orchestrator.simulations.programs.looking import FilesModel, standing_in_the_way
from orchestrator.simulations.programs.options import FunctionOptions
from orchestrator.simulations.registry import simulation
from orchestrator.simulations.returned import keep_returned, recordings_in, recordings_of_trials, refuse_explosion
from orchestrator.simulations.seeds import seeds_of_trial
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
        if found := super().problems(config) or standing_in_the_way(self.model_dir):
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

    With several ``trials`` it is called that often, with a directory and with seeds of its own each time, which
    `orchestrator.simulations.seeds.seeds_of_trial` makes of those of the evaluation.
    """

    def simulate(self, parameters: Mapping[str, float | int], attempt: AttemptPaths) -> None:
        """Call the function and keep what it returns."""
        made = prepared(self.options, self.model_dir, attempt)
        attempt.simulation.mkdir(exist_ok=True)
        if self.options.trials == 1:
            self._simulate_in(attempt.simulation, parameters, attempt, made)
            return
        seeds = {name: int(parameters[name]) for name in self.options.seeds}
        for number in range(self.options.trials):
            own = {**parameters, **seeds_of_trial(seeds, number)}
            attempt.trial(number).mkdir(exist_ok=True)
            self._simulate_in(attempt.trial(number), own, attempt, made)

    def recordings(self, attempt: AttemptPaths) -> Recordings:
        """Return what the function returned, and the directory with what it wrote."""
        if self.options.trials == 1:
            return recordings_in(attempt.simulation)
        return recordings_of_trials([attempt.trial(n) for n in range(self.options.trials)], attempt.simulation)

    def seconds(self, attempt: AttemptPaths) -> Mapping[str, float]:
        """Return the wall time of a preparation."""
        return seconds_noted(attempt)

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
        from targets.errors import Exploded, NoValue  # noqa: PLC0415  (most of the time that importing takes)
        from targets.recordings.file import say  # noqa: PLC0415

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
                returned = function(dict(parameters), directory)
            except MemoryError as error:
                raise SimulationFailed(Outcome.OUT_OF_MEMORY, "MemoryError") from error
            except SystemExit as error:  # a job that ends without a result has to be taken for lost
                message = f"the function ended the program: SystemExit({error.code!r})"
                raise SimulationFailed(Outcome.SIMULATION_ERROR, message) from error
            except Exploded as why:
                raise SimulationFailed(Outcome.EXPLODED, str(why) or "the function raised Exploded") from why
            except NoValue as why:
                return say(directory, "no_value", str(why) or "the function raised NoValue")
        keep_returned(returned, directory, attempt, place_of(reference, self.model_dir))
        return None
