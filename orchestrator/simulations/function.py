"""Simulation by any importable Python callable."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.files import write_json
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.base import Finding, Identity, Recorded, SimulationFailed, digests

if TYPE_CHECKING:
    from orchestrator.config.model import Config


class FunctionSimulation:
    """Calls ``function(parameters, directory)`` in the job's own process.

    The function returns a mapping of names to numbers, which targets such as ``ReturnedValue`` read, or leaves
    files in the directory and returns None for targets of the user's own, which get the directory's path. What
    ``simulation.seeds`` names is among the parameters.

    Parameters
    ----------
    section : mapping
        The section ``simulation``, validated.
    model_dir : pathlib.Path
        Where the function's module is looked for first.
    """

    def __init__(self, section: Mapping[str, Any], model_dir: Path):
        self._section = section
        self._model_dir = model_dir

    def _load(self) -> Callable[[dict[str, float | int], Path], Mapping[str, float] | None]:
        if str(self._model_dir) not in sys.path:
            sys.path.insert(0, str(self._model_dir))
        module, _, name = self._section["function"].partition(":")
        function = getattr(importlib.import_module(module), name)
        if not callable(function):
            raise TypeError(f"{self._section['function']} is not callable")
        return function  # type: ignore[no-any-return]

    def problems(self, config: Config) -> list[Finding]:
        """Return why the function cannot be imported, if so."""
        if not self._model_dir.is_dir():
            return [(("model_dir",), f"there is no directory {self._model_dir}")]
        for name in ("orchestrator", "targets"):
            for file in (self._model_dir / f"{name}.py", self._model_dir / name / "__init__.py"):
                if file.exists():
                    message = f"{file} stands in the way of this program's own {name}, which jobs import; rename it"
                    return [(("model_dir",), message)]
        try:
            self._load()
        except Exception as error:  # noqa: BLE001  (whatever a user's module raises)
            message = (
                f"cannot import {self._section['function']!r} from {self._model_dir}: {type(error).__name__}: {error}"
            )
            return [(("simulation", "function"), message)]
        return []

    def identity(self) -> Identity:
        """Return the digest of the function's module, where it is a file of the model."""
        module = self._section["function"].partition(":")[0].replace(".", "/")
        return Identity({}, digests(self._model_dir, [f"{module}.py", f"{module}/__init__.py"]))

    def start_values(self, names: Sequence[str]) -> Mapping[str, float]:
        """Return nothing: a function has no defaults that could be known."""
        return {}

    def notes(self, config: Config) -> list[Finding]:
        """Return nothing."""
        return []

    def recorded(self) -> Recorded | None:
        """Return None: what a function leaves is not known before it is called."""
        return None

    def launch_script(self, attempt: AttemptPaths) -> str | None:
        """Return None: the function is called in the job's own process."""
        return None

    def rehearsal(self, task: Mapping[str, Any], attempt: AttemptPaths) -> Mapping[str, Any]:
        """Return the whole task: a function cannot be called in part."""
        return task

    def task(self) -> Mapping[str, Any]:
        """Return nothing more than the section."""
        return {}

    def simulate(self, parameters: Mapping[str, float | int], attempt: AttemptPaths) -> None:
        """Call the function and keep what it returns."""
        try:
            function = self._load()
        except Exception as error:
            raise SimulationFailed(Outcome.LAUNCH_FAILED, f"{type(error).__name__}: {error}") from error
        attempt.simulation.mkdir(exist_ok=True)
        os.chdir(self._model_dir)
        try:
            returned = function({**self._section["seeds"], **parameters}, attempt.simulation)
        except MemoryError as error:
            raise SimulationFailed(Outcome.OUT_OF_MEMORY, "MemoryError") from error
        if returned is not None:
            numbers = {str(name): float(value) for name, value in returned.items()}
            write_json(self._returned(attempt), numbers)

    def recordings(self, attempt: AttemptPaths) -> object:
        """Return the numbers that the function returned, or its directory where it returned none."""
        path = self._returned(attempt)
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else attempt.simulation

    def seconds(self, attempt: AttemptPaths) -> Mapping[str, float]:
        """Return nothing: a function has no phases."""
        return {}

    @staticmethod
    def _returned(attempt: AttemptPaths) -> Path:
        return attempt.simulation / "returned.json"
