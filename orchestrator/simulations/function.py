"""Simulation by any importable Python callable."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from orchestrator.config.section import Reference
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.base import Finding, Identity, Model, Simulation, SimulationFailed, digests
from orchestrator.simulations.options import SimulationOptions
from orchestrator.simulations.registry import simulation
from orchestrator.simulations.returned import keep_returned, recordings_in
from orchestrator.simulations.seeds import seeds_of_trial
from orchestrator.text import shortened

if TYPE_CHECKING:
    from orchestrator.config.model import Config
    from targets import Recordings

# what it returns is what `targets.recordings.file.as_recordings` takes
Function = Callable[[dict[str, float | int], Path], Mapping[str, Any] | None]

# characters of an exception that are told
_LONGEST = 2000


class FunctionOptions(SimulationOptions):
    """A Python function ``f(parameters: dict, directory: pathlib.Path)`` that returns numbers, traces and events."""

    stand_ins: ClassVar[dict[str, object]] = {"function": "missing:Missing"}

    type: str = Field("function", description="name of the kind of simulation, or file.py:Class for one of your own")
    function: Reference = Field(description="module:function, importable from the model directory")
    trials: int = Field(
        1,
        ge=1,
        description="how often the function is called for one evaluation, with other seeds each time; what it leaves "
        "is averaged as each target says",
    )

    @field_validator("trials")
    @classmethod
    def _differ(cls, trials: int, info: ValidationInfo) -> int:
        if trials > 1 and info.data.get("seeds") == {}:
            raise ValueError(
                f"{trials} trials would be the same: name the parameter that takes their seed in simulation.seeds, "
                "such as seeds: {seed: per_offspring}"
            )
        return trials


class FunctionModel(Model[FunctionOptions]):
    """A module of the user's, of which one function is called."""

    essential = ("function",)

    def describe(self) -> str:
        """Return the function's reference."""
        return self.options.function

    def problems(self, config: Config) -> list[Finding]:
        """Return why the function cannot be imported, if so."""
        if found := super().problems(config):
            return found
        for name in ("orchestrator", "targets"):
            for file in (self.model_dir / f"{name}.py", self.model_dir / name / "__init__.py"):
                if file.exists():
                    message = f"{file} stands in the way of this program's own {name}, which jobs import; rename it"
                    return [(("model_dir",), message)]
        function = self.options.function
        try:
            with modules_of(self.model_dir):
                load(function, self.model_dir)
        except Exception as error:  # noqa: BLE001  (whatever a user's module raises)
            reason = shortened(f"{type(error).__name__}: {error}", _LONGEST)
            return [(("simulation", "function"), f"cannot import {function!r} from {self.model_dir}: {reason}")]
        return []

    def identity(self) -> Identity:
        """Return the digest of the function's module, if it is a file of the model."""
        return Identity({}, digests(self.model_dir, _module_files(self.options.function)))


@simulation("function", options=FunctionOptions, model=FunctionModel)
class FunctionSimulation(Simulation[FunctionOptions]):
    """Calls ``function(parameters, directory)`` in the job's own process.

    The function returns a mapping of names to numbers, with None in the place of one that there is not, to
    `targets.Trace`, `targets.Events`, and to what neo has for the two. It may leave files in the directory as well, or
    alone, for targets of the user's own. What ``simulation.seeds`` names is among the parameters.

    With several ``trials`` it is called that often, with a directory and with seeds of its own each time, which
    `orchestrator.simulations.seeds.seeds_of_trial` makes of those of the evaluation.
    """

    def simulate(self, parameters: Mapping[str, float | int], attempt: AttemptPaths) -> None:
        """Call the function and keep what it returns."""
        with modules_of(self.model_dir):
            try:
                function = load(self.options.function, self.model_dir)
            except Exception as error:
                raise SimulationFailed(Outcome.LAUNCH_FAILED, f"{type(error).__name__}: {error}") from error
        attempt.simulation.mkdir(exist_ok=True)
        os.chdir(self.model_dir)
        if self.options.trials == 1:
            self._call(function, parameters, attempt.simulation)
            return
        seeds = {name: int(parameters[name]) for name in self.options.seeds}
        for number in range(self.options.trials):
            attempt.trial(number).mkdir(exist_ok=True)
            self._call(function, {**parameters, **seeds_of_trial(seeds, number)}, attempt.trial(number))

    def recordings(self, attempt: AttemptPaths) -> Recordings:
        """Return what the function returned and left."""
        return recordings_in(attempt, self.options.trials)

    def _call(self, function: Function, parameters: Mapping[str, float | int], directory: Path) -> None:
        """Call the function once and keep what it returns in a directory that is there."""
        with modules_of(self.model_dir):
            try:
                returned = function(dict(parameters), directory)
            except MemoryError as error:
                raise SimulationFailed(Outcome.OUT_OF_MEMORY, "MemoryError") from error
        keep_returned(returned, directory, f"{self._file()}: {self.options.function.partition(':')[2]}()")

    def _file(self) -> Path | str:
        """Return the file of the function's module, or the module's name if it is none of the model."""
        module = self.options.function.partition(":")[0]
        files = (self.model_dir / each for each in _module_files(module))
        return next((file for file in files if file.is_file()), module)


def load(reference: str, model_dir: Path) -> Function:
    """Return the function that ``module:name`` refers to, imported from the model's directory.

    Raises
    ------
    Exception
        Whatever the module raises while it is imported.
    TypeError
        If what is found is no function.
    """
    module, _, name = reference.partition(":")
    file = model_dir / f"{module}.py"
    # import would find the module of the standard library
    named_alike = module in sys.stdlib_module_names and file.is_file()
    if named_alike:
        from targets.plugins import import_from  # noqa: PLC0415  (most of the time that importing takes)

        function = getattr(import_from(str(file)), name)
    else:
        function = getattr(importlib.import_module(module), name)
    if not callable(function):
        raise TypeError(f"{reference} is not callable")
    return function  # type: ignore[no-any-return]


@contextlib.contextmanager
def modules_of(model_dir: Path) -> Iterator[None]:
    """Let modules of the model be imported for a while.

    They come before installed packages, as in a script of the user's, but after the standard library, of which this
    program and what it uses import parts at any moment.
    """
    entry, standard = str(model_dir), sysconfig.get_paths()["stdlib"]
    if entry in sys.path:  # the user has put it there
        yield
        return
    places = [n for n, place in enumerate(sys.path) if place in (standard, f"{standard}/lib-dynload")]
    sys.path.insert(max(places, default=-1) + 1, entry)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # what was imported may have changed the path
            sys.path.remove(entry)


def _module_files(reference: str) -> list[str]:
    """Return where the module of a reference may be in the model's directory."""
    module = reference.partition(":")[0].replace(".", "/")
    return [f"{module}.py", f"{module}/__init__.py"]
