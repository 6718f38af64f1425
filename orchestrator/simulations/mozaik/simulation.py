"""Simulation of a mozaik model, a subprocess launched through slurm_templates/offspring.sh."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.base import Simulation, SimulationFailed
from orchestrator.simulations.mozaik.launch_script import launch_script
from orchestrator.simulations.mozaik.options import MozaikOptions
from orchestrator.simulations.phases import Phase, noted, seconds_noted
from orchestrator.simulations.programs.ending import ended_with
from orchestrator.simulations.registry import simulation
from orchestrator.simulations.subprocesses import run_in_own_group

if TYPE_CHECKING:
    from targets import Target


@simulation("mozaik", options=MozaikOptions, model="orchestrator.simulations.mozaik.model:MozaikModel")
class MozaikSimulation(Simulation[MozaikOptions]):
    """Runs ``param_optim/run_optimization_experiment.py`` of a model."""

    def simulate(self, parameters: Mapping[str, float | int], attempt: AttemptPaths) -> None:
        """Render the launch script and run it; raises `SimulationFailed`."""
        attempt.simulation.mkdir()
        attempt.overlay.write_text(self._overlay(parameters), encoding="utf-8")
        script = launch_script(self.options, self.model_dir, self.context, attempt)
        attempt.script.write_text(script, encoding="utf-8")
        with attempt.log.open("wb") as log:
            code = run_in_own_group(["bash", str(attempt.script)], cwd=self.model_dir, log=log)
        entries = noted(attempt)
        if Phase.EXPLODED in entries:
            raise SimulationFailed(Outcome.EXPLODED, _explosion(entries[Phase.EXPLODED]))
        if code != 0:
            raise ended_with(code, started=Phase.BUILDING in entries, log=attempt.log)

    def recordings(self, attempt: AttemptPaths) -> object:
        """Return the datastore that the simulation wrote.

        Raises
        ------
        SimulationFailed
            If there is none, or it is not readable.
        """
        from targets import Datastore, DatastoreError  # noqa: PLC0415  (the controller measures nothing)

        stores = sorted(path for path in attempt.simulation.iterdir() if path.is_dir())
        if len(stores) != 1:
            found = ", ".join(store.name for store in stores) or "none"
            message = f"the simulation ended without an error but left {len(stores)} results directories ({found})"
            raise SimulationFailed(Outcome.SIMULATION_ERROR, message)
        try:
            return Datastore(stores[0])
        except DatastoreError as error:
            raise SimulationFailed(Outcome.SIMULATION_ERROR, str(error)) from error

    def digest(self, recordings: object, targets: Sequence[Target], seconds: float) -> object:
        """Return rates, tuning curves, a raster of a sample and mean signals of every sheet of the datastore."""
        from targets import Datastore  # noqa: PLC0415  (the controller measures nothing)
        from targets.recordings.digest import digest  # noqa: PLC0415

        return digest(recordings, targets, seconds) if isinstance(recordings, Datastore) else None

    def seconds(self, attempt: AttemptPaths) -> Mapping[str, float]:
        """Return the wall times between the phases that the run script reported."""
        return seconds_noted(attempt)

    def _overlay(self, parameters: Mapping[str, float | int]) -> str:
        """Return a root parameter file that changes the model's own; overrides would name the directory after them."""
        url = json.dumps(str(self.options.parameters_url))
        return f"(lambda p: [p.replace_values(**{dict(parameters)!r}), p][1])(url({url}))\n"


def _explosion(entry: Mapping[str, Any]) -> str:
    """Return which sheet exploded, at which rate and when, from the run script's words; a model may have its own."""
    rate, limit, number, in_a_row = (entry.get(key) for key in ("rate", "threshold", "slice", "in_a_row"))
    fired = f"sheet {entry.get('sheet')} fired"
    if isinstance(rate, (int, float)):
        fired += f" at {rate:.0f} Hz"
    if number is None:  # mozaik's own monitoring
        during = f" of {entry['during']}" if entry.get("during") else ""
        return f"{fired} during a stimulus{during}, above the {limit} Hz of the model's explosion_monitoring"
    when = "while the network settled" if number == 0 else f"in slice {number}"
    if entry.get("certain"):
        return f"{fired} {when}, above the certain_threshold of {limit} Hz, as no transient is"
    several = isinstance(in_a_row, int) and in_a_row > 1
    lasting = f" the last of {in_a_row} successive ones" if several else ""
    return f"{fired} {when},{lasting} above the threshold of {limit} Hz"
