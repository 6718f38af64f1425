"""What the controller knows of a network of hnn-core: what is installed, and what ``set_params`` reads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import UsageError
from orchestrator.files import replacing
from orchestrator.parameters.expressions import NoNumber
from orchestrator.simulations.base import Finding, Identity, Model, digests
from orchestrator.simulations.hnn.options import HNNOptions, missing_packages
from orchestrator.simulations.programs.importing import module_files
from orchestrator.simulations.programs.looking import name_clashes
from orchestrator.simulations.seeds import seeds_of

if TYPE_CHECKING:
    from orchestrator.config.model import Config

# for how long a network may be built, in s
_LONGEST = 300.0


class HNNModel(Model[HNNOptions]):
    """A function that makes a network, and one that sets its parameters."""

    essential = ("network", "set_params")
    own_file = "a network of hnn-core, which its GUI opens"

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self._rehearsed: dict[tuple[tuple[str, float], ...], Mapping[str, Any]] = {}

    def describe(self) -> str:
        """Return the references of the two functions."""
        return f"{self.options.network} with {self.options.set_params}"

    def problems(self, config: Config) -> list[Finding]:
        """Return what is not installed, and why the network cannot be made with the start values."""
        if found := super().problems(config) or name_clashes(self.model_dir):
            return found
        if lacking := missing_packages(self.options):
            return [(("simulation", "type"), lacking)]
        if config.jobs.ntasks > 1:
            message = "hnn-core starts its MPI processes itself: set simulation.n_procs, and leave out jobs.ntasks"
            return [(("jobs", "ntasks"), message)]
        answer = self._rehearse(config)
        if answer["key"] is None:
            return []
        return [self._problem(config, answer)]

    def notes(self, config: Config) -> list[Finding]:
        """Return the parameters that are never read, and processes for which there are no cores."""
        read, sources = self._rehearse(config)["read"], config.given().sources
        message = f"{self.options.set_params} does not read {{}} with the start values, so that it may change nothing"
        found: list[Finding] = [
            (("parameters", source), message.format(name)) for name, source in sources.items() if name not in read
        ]
        cores = config.jobs.cpus_per_task or 1
        if config.executor == "slurm" and self.options.n_procs > cores:
            message = f"simulation.n_procs is {self.options.n_procs}, and a job has {cores}: they wait for each other"
            found.append((("jobs",), f"cpus_per_task: {message}"))
        return found

    def identity(self) -> Identity:
        """Return digests of the modules of the two functions, as far as they are files of the model."""
        files = [*module_files(self.options.network), *module_files(self.options.set_params)]
        return Identity({}, digests(self.model_dir, files))

    def write_own_file(self, parameters: Mapping[str, float | int], file: Path) -> None:
        """Write the network with its drives as hnn-core's own JSON."""
        if lacking := missing_packages(self.options):
            raise UsageError(lacking)
        with replacing(file) as temporary:
            answer = self._asked(parameters, temporary)
            if answer["key"] is not None:
                reference = getattr(self.options, str(answer["key"]))
                raise UsageError(f"{reference}: {answer['message']}. Nothing was written")

    def _problem(self, config: Config, answer: Mapping[str, Any]) -> Finding:
        key = str(answer["key"])
        reference = getattr(self.options, key)
        if answer["wanted"] is not None:
            from targets.plugins import nearest  # noqa: PLC0415  (most of the time that importing takes)

            wanted = str(answer["wanted"])
            hint = nearest(wanted, [*config.given().names, *self.options.seeds])
            message = f"{reference} reads {wanted!r}, which is neither here nor in simulation.seeds{hint}"
            return ("parameters",), message
        what = "cannot make the network" if key == "network" else "fails with the start values"
        return ("simulation", key), f"{reference} {what}: {answer['message']}"

    def _rehearse(self, config: Config) -> Mapping[str, Any]:
        """Return what `orchestrator.simulations.hnn.rehearsal` says of the start values, asked once."""
        try:
            start = config.given().values(config.space().completed(config.optimiser_centroid))
        except NoNumber:  # which is said of the expression itself
            return {"key": None, "read": list(config.given().names)}
        start |= seeds_of(self.options.seeds, config.optimiser_seed, 0, 0)
        known = tuple(start.items())
        if known not in self._rehearsed:
            self._rehearsed[known] = self._asked(start)
        return self._rehearsed[known]

    def _asked(self, parameters: Mapping[str, float], write: Path | None = None) -> Mapping[str, Any]:
        question = {
            "model_dir": str(self.model_dir),
            "options": self.options.model_dump(mode="json"),
            "parameters": dict(parameters),
            "write": None if write is None else str(write),
        }
        command = [sys.executable, "-m", "orchestrator.simulations.hnn.rehearsal"]
        nothing: dict[str, Any] = {"key": "network", "wanted": None, "read": []}
        try:
            done = subprocess.run(
                command, input=json.dumps(question), capture_output=True, text=True, timeout=_LONGEST, check=False
            )
            answer: Mapping[str, Any] = json.loads(done.stdout)
        except subprocess.TimeoutExpired:
            return {**nothing, "message": f"it was not there after {_LONGEST:g} s"}
        except ValueError:
            last = done.stderr.strip().splitlines()[-1:]
            return {**nothing, "message": f"Python ended with exit code {done.returncode}: {' '.join(last)}"}
        return answer
