"""What the controller knows of an experiment of CompNeuroPy: what is installed, and whether its parts fit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.simulations.annarchy.options import AnnarchyOptions, missing_packages
from orchestrator.simulations.base import Finding, Identity, Model, digests
from orchestrator.simulations.programs.before import digests_of, matching
from orchestrator.simulations.programs.importing import module_files
from orchestrator.simulations.programs.looking import name_clashes

if TYPE_CHECKING:
    from orchestrator.config.model import Config

# for how long importing may take, in s
_LONGEST = 300.0
_REFERENCES = ("experiment", "neuron_model", "get_loss", "results_soll", "target_neuron_model")


class AnnarchyModel(Model[AnnarchyOptions]):
    """An experiment, a neuron model, and what the two are compared with."""

    essential = ("experiment", "neuron_model")

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self._found: dict[tuple[str, ...], list[Mapping[str, str]]] = {}

    def describe(self) -> str:
        """Return the references of experiment and neuron model."""
        return f"{self.options.experiment} with {self.options.neuron_model}"

    def problems(self, config: Config) -> list[Finding]:
        """Return what is not installed, cannot be imported, or does not fit."""
        if found := super().problems(config) or name_clashes(self.model_dir) or self._missing_files():
            return found
        if lacking := missing_packages():
            return [(("simulation", "type"), lacking)]
        if config.jobs.ntasks > 1:
            message = "ANNarchy simulates in one process, which several tasks would start several times"
            return [(("jobs", "ntasks"), message)]
        return [(("simulation", each["key"]), each["message"]) for each in self._rehearsed(tuple(config.given().names))]

    def notes(self, config: Config) -> list[Finding]:
        """Return that evaluations are simulated one by one because each has a seed."""
        if not self.options.seeds or self.options.trials > 1:
            return []
        message = "with a seed each evaluation is simulated alone; leave it out if nothing in the model is random"
        return [(("simulation", "seeds"), message)]

    def identity(self) -> Identity:
        """Return digests of the modules of the model that are named, and of further files."""
        named = [reference for key in _REFERENCES if (reference := getattr(self.options, key)) is not None]
        modules = digests(self.model_dir, [file for reference in named for file in module_files(reference)])
        return Identity({}, {**digests_of(self.model_dir, self.options.files), **modules})

    def _missing_files(self) -> list[Finding]:
        return [
            (("simulation", "files", n), f"no file in {self.model_dir} fits {pattern!r}")
            for n, (pattern, names) in enumerate(matching(self.model_dir, self.options.files))
            if not names
        ]

    def _rehearsed(self, names: tuple[str, ...]) -> list[Mapping[str, str]]:
        """Return what `orchestrator.simulations.annarchy.rehearsal` finds, asked once."""
        if names not in self._found:
            self._found[names] = self._asked(names)
        return self._found[names]

    def _asked(self, names: tuple[str, ...]) -> list[Mapping[str, str]]:
        question = {
            "model_dir": str(self.model_dir),
            "options": self.options.model_dump(mode="json"),
            "parameters": dict.fromkeys(names, 0.0),
        }
        command = [sys.executable, "-m", "orchestrator.simulations.annarchy.rehearsal"]
        try:
            done = subprocess.run(
                command, input=json.dumps(question), capture_output=True, text=True, timeout=_LONGEST, check=False
            )
            answer: dict[str, Any] = json.loads(done.stdout)
        except subprocess.TimeoutExpired:
            return [{"key": "experiment", "message": f"it could not be imported within {_LONGEST:g} s"}]
        except ValueError:
            last = done.stderr.strip().splitlines()[-1:]
            message = f"Python ended with exit code {done.returncode}: {' '.join(last)}"
            return [{"key": "experiment", "message": message}]
        found: list[Mapping[str, str]] = answer["problems"]
        return found
