"""Simulation by any importable Python callable."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from orchestrator.config.section import Reference
from orchestrator.files import write_json
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.base import Finding, Identity, Model, Simulation, SimulationFailed, digests
from orchestrator.simulations.options import SimulationOptions
from orchestrator.simulations.registry import simulation

if TYPE_CHECKING:
    from orchestrator.config.model import Config

Function = Callable[[dict[str, float | int], Path], Mapping[str, float] | None]


class FunctionOptions(SimulationOptions):
    """A Python function ``f(parameters: dict, directory: pathlib.Path) -> dict[str, float]``."""

    stand_ins: ClassVar[dict[str, object]] = {"function": "missing:Missing"}

    type: str = Field("function", description="name of the kind of simulation, or file.py:Class for one of your own")
    function: Reference = Field(description="module:function, importable from the model directory")


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
            load(function, self.model_dir)
        except Exception as error:  # noqa: BLE001  (whatever a user's module raises)
            message = f"cannot import {function!r} from {self.model_dir}: {type(error).__name__}: {error}"
            return [(("simulation", "function"), message)]
        return []

    def identity(self) -> Identity:
        """Return the digest of the function's module, if it is a file of the model."""
        module = self.options.function.partition(":")[0].replace(".", "/")
        return Identity({}, digests(self.model_dir, [f"{module}.py", f"{module}/__init__.py"]))


@simulation("function", options=FunctionOptions, model=FunctionModel)
class FunctionSimulation(Simulation[FunctionOptions]):
    """Calls ``function(parameters, directory)`` in the job's own process.

    The function returns a mapping of names to numbers, which targets such as ``ReturnedValue`` read, or leaves
    files in the directory and returns None for targets of the user's own, which get the directory's path. What
    ``simulation.seeds`` names is among the parameters.
    """

    def simulate(self, parameters: Mapping[str, float | int], attempt: AttemptPaths) -> None:
        """Call the function and keep what it returns."""
        try:
            function = load(self.options.function, self.model_dir)
        except Exception as error:
            raise SimulationFailed(Outcome.LAUNCH_FAILED, f"{type(error).__name__}: {error}") from error
        attempt.simulation.mkdir(exist_ok=True)
        os.chdir(self.model_dir)
        try:
            returned = function(dict(parameters), attempt.simulation)
        except MemoryError as error:
            raise SimulationFailed(Outcome.OUT_OF_MEMORY, "MemoryError") from error
        if returned is not None:
            numbers = {str(name): float(value) for name, value in returned.items()}
            write_json(self._returned(attempt), numbers)

    def recordings(self, attempt: AttemptPaths) -> object:
        """Return the numbers that the function returned, or its directory if it returned none."""
        path = self._returned(attempt)
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else attempt.simulation

    @staticmethod
    def _returned(attempt: AttemptPaths) -> Path:
        return attempt.simulation / "returned.json"


def load(reference: str, model_dir: Path) -> Function:
    """Return the function that ``module:name`` refers to, imported from the model's directory.

    Raises
    ------
    Exception
        Whatever the module raises while it is imported.
    TypeError
        If what is found is no function.
    """
    if str(model_dir) not in sys.path:
        sys.path.insert(0, str(model_dir))
    module, _, name = reference.partition(":")
    function = getattr(importlib.import_module(module), name)
    if not callable(function):
        raise TypeError(f"{reference} is not callable")
    return function  # type: ignore[no-any-return]
