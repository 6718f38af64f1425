"""Simulation of a mozaik model, a subprocess launched through slurm_templates/offspring.sh."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.files import read_json_lines, tail
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.base import Finding, Identity, ModelUnreadable, Recorded, SimulationFailed, digests
from orchestrator.simulations.failure_cause import blame
from orchestrator.simulations.mozaik.launch_script import render, template_path
from orchestrator.simulations.phases import phases
from orchestrator.simulations.subprocesses import run_in_own_group
from targets import Datastore, DatastoreError

if TYPE_CHECKING:
    from orchestrator.config.model import Config

# mozaik insists on a name for the run; the results directory's name is made of it
_RUN_NAME = "offspring"


class MozaikSimulation:
    """Runs ``param_optim/run_optimization_experiment.py`` of a model.

    Parameters
    ----------
    section : mapping
        The section ``simulation``, validated.
    model_dir : pathlib.Path
        Absolute path of the model.
    options : mapping
        ``explosion_check``, ``launcher``, the command before Python, and the sections ``jobs`` and ``slurm``.
    """

    def __init__(self, section: Mapping[str, Any], model_dir: Path, options: Mapping[str, Any]):
        self._section = section
        self._model_dir = model_dir
        self._options = options

    def problems(self, config: Config) -> list[Finding]:
        """Return missing files, and parameters, seeds and sheets that the model does not have."""
        if not self._model_dir.is_dir():
            return [(("model_dir",), f"there is no directory {self._model_dir}; it is relative to this file")]
        from orchestrator.simulations.mozaik.check import model_problems  # noqa: PLC0415  (not needed on the node)

        return model_problems(self._section, self._model_dir, config)

    def identity(self) -> Identity:
        """Return all parameters, and digests of the run script and of the modules of model and experiments."""
        from orchestrator.simulations.mozaik.parameters import (  # noqa: PLC0415
            ParameterFileError,
            as_text,
            flatten,
            read_parameter_tree,
        )

        try:
            tree = read_parameter_tree(Path(self._section["parameters_url"]), self._model_dir)
            modules = [str(self._section[key]).partition(":")[0].replace(".", "/") for key in ("model", "experiments")]
            files = digests(self._model_dir, [self._section["run_script"], *(f"{module}.py" for module in modules)])
        except (ParameterFileError, OSError) as error:
            raise ModelUnreadable(str(error)) from error
        return Identity({name: as_text(value) for name, value in flatten(tree)}, files)

    def start_values(self, names: Sequence[str]) -> Mapping[str, float]:
        """Return the values of these parameters in the model's parameter files, without those that are no numbers."""
        from orchestrator.simulations.mozaik.parameters import lookup, read_parameter_tree  # noqa: PLC0415

        tree = read_parameter_tree(Path(self._section["parameters_url"]), self._model_dir)
        values = {name: lookup(tree, name) for name in names}
        return {n: float(v) for n, v in values.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}

    def notes(self, config: Config) -> list[Finding]:
        """Return what is worth a look in a configuration without problems."""
        from orchestrator.simulations.mozaik.notes import model_notes  # noqa: PLC0415

        return model_notes(self._section, self._model_dir, config)

    def recorded(self) -> Recorded | None:
        """Return an estimate of what the recorders of all sheets leave."""
        from orchestrator.simulations.mozaik.notes import recorded_by  # noqa: PLC0415

        return recorded_by(self._section, self._model_dir)

    def rehearsal(self, task: Mapping[str, Any], attempt: AttemptPaths) -> Mapping[str, Any]:
        """Return a task that builds the network, makes the protocol and presents one slice of the explosion check."""
        from orchestrator.simulations.mozaik.rehearsal import rehearsal  # noqa: PLC0415

        return rehearsal(task, attempt, self._model_dir)

    def task(self) -> Mapping[str, Any]:
        """Return what the run script reads from the task file."""
        return {
            "model": self._section["model"],
            "experiments": self._section["experiments"],
            **self._options,
        }

    def simulate(self, parameters: Mapping[str, float | int], attempt: AttemptPaths) -> None:
        """Render the launch script and run it; raises `SimulationFailed`."""
        attempt.simulation.mkdir()
        attempt.overlay.write_text(self._overlay(parameters), encoding="utf-8")
        attempt.script.write_text(self.launch_script(attempt), encoding="utf-8")
        with attempt.log.open("wb") as log:
            code = run_in_own_group(["bash", str(attempt.script)], cwd=self._model_dir, log=log)
        noted = {entry.get("phase"): entry for entry in read_json_lines(attempt.progress)}
        if "exploded" in noted:
            raise SimulationFailed(Outcome.EXPLODED, _explosion(noted["exploded"]))
        if code != 0:
            raise self._failure(code, started="building" in noted, log=tail(attempt.log, 200))

    def recordings(self, attempt: AttemptPaths) -> object:
        """Return the datastore that the simulation wrote.

        Raises
        ------
        SimulationFailed
            Where there is none, or it is not readable.
        """
        stores = sorted(path for path in attempt.simulation.iterdir() if path.is_dir())
        if len(stores) != 1:
            found = ", ".join(store.name for store in stores) or "none"
            message = f"the simulation ended without an error but left {len(stores)} results directories ({found})"
            raise SimulationFailed(Outcome.SIMULATION_ERROR, message)
        try:
            return Datastore(stores[0])
        except DatastoreError as error:
            raise SimulationFailed(Outcome.SIMULATION_ERROR, str(error)) from error

    def seconds(self, attempt: AttemptPaths) -> Mapping[str, float]:
        """Return the wall times between the phases that the run script reported."""
        first = phases(attempt)
        ends = {
            "build": ("building", ("check", "protocols")),
            "check": ("check", ("exploded", "protocols")),
            "protocols": ("protocols", ("finished",)),
        }
        seconds = {}
        for name, (start, following) in ends.items():
            end = next((first[phase] for phase in following if phase in first), None)
            if start in first and end is not None:
                seconds[name] = end - first[start]
        return seconds

    def _overlay(self, parameters: Mapping[str, float | int]) -> str:
        """Return a root parameter file that changes the model's own; overrides would name the directory after them."""
        changes = {**self._section["seeds"], **parameters}
        url = json.dumps(str(self._section["parameters_url"]))
        return f"(lambda p: [p.replace_values(**{changes!r}), p][1])(url({url}))\n"

    def launch_script(self, attempt: AttemptPaths) -> str:
        """Return the rendered launch script."""
        launcher = self._section["launcher"] if self._section["launcher"] is not None else self._options["launcher"]
        python = self._section["python"] or shlex.quote(sys.executable)
        arguments = [
            self._section["simulator"],
            str(self._section["threads"]),
            str(attempt.overlay),
            "results_dir",
            repr(f"{attempt.simulation}/"),
            _RUN_NAME,
        ]
        values = {
            "model_dir": self._model_dir,
            "setup": self._section["setup"],
            "task": attempt.task,
            "threads": self._section["threads"],
            "launcher": launcher,
            # under MPI one rank's exception must end the others, which wait for it at a barrier
            "python": f"{python} -m mpi4py" if launcher else python,
            "run_script": self._section["run_script"],
            "arguments": shlex.join(arguments),
            "simulation": self._section,
            "jobs": self._options.get("jobs", {}),
            # templates of users name keys of `jobs` by their old place
            "slurm": {**self._options.get("slurm", {}), **self._options.get("jobs", {})},
        }
        return render(template_path(self._section["launch_script"], self._model_dir), values)

    @staticmethod
    def _failure(code: int, *, started: bool, log: str) -> SimulationFailed:
        last = next((line for line in reversed(log.splitlines()) if line.strip()), "no output")
        message = f"the simulation ended with exit code {code}: {last.strip()}"
        if blamed := blame(log):
            return SimulationFailed(blamed, message)
        if not started:
            return SimulationFailed(Outcome.LAUNCH_FAILED, message)
        # a killed process is nearly always the kernel's answer to a lack of memory; bash reports it as 128 + 9
        return SimulationFailed(Outcome.OUT_OF_MEMORY if code in (-9, 137) else Outcome.SIMULATION_ERROR, message)


def _explosion(entry: Mapping[str, Any]) -> str:
    # no slice: mozaik's own monitoring, after a stimulus
    when = f"in slice {entry['slice']}" if entry.get("slice") is not None else "after a stimulus"
    rate, threshold = entry.get("rate", float("nan")), entry.get("threshold")
    return f"sheet {entry.get('sheet')} fired at {rate:.0f} Hz {when}, above the threshold of {threshold} Hz"
