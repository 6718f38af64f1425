"""Simulation of a network of hnn-core, in the job's own process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.base import Simulation, SimulationFailed
from orchestrator.simulations.hnn.options import HNNOptions, missing_packages
from orchestrator.simulations.phases import Phase, note, seconds_noted
from orchestrator.simulations.programs.importing import load, modules_of
from orchestrator.simulations.registry import simulation
from orchestrator.simulations.returned import keep_returned, recordings_of
from orchestrator.simulations.subprocesses import programs_of_this_python

if TYPE_CHECKING:
    from targets import Recordings


@simulation("hnn", options=HNNOptions, model="orchestrator.simulations.hnn.model:HNNModel")
class HNNSimulation(Simulation[HNNOptions]):
    """Simulates a network of hnn-core, whose ``set_params(net, params)`` sets what is fitted.

    The order is that of hnn-core's own ``Optimizer``: all trials are simulated, and each is scaled, then smoothed.
    Targets get the traces ``dipole.agg``, ``dipole.L2`` and ``dipole.L5`` in nAm, a row for each trial, and the events
    ``spikes``, whose labels are the types of cells and the names of drives.
    """

    def simulate(self, parameters: Mapping[str, float | int], attempt: AttemptPaths) -> None:
        """Build the network, simulate its trials and keep dipoles and spikes."""
        # hnn-core starts nrniv by its name
        with modules_of(self.model_dir), programs_of_this_python():
            if lacking := missing_packages(self.options) or self._missing_launcher():
                raise SimulationFailed(Outcome.LAUNCH_FAILED, lacking)
            network, set_params = (self._imported(key) for key in ("network", "set_params"))
            attempt.simulation.mkdir(exist_ok=True)
            os.chdir(self.model_dir)
            note(attempt, Phase.BUILDING)
            net = self._called("network", lambda: network(**self.options.arguments))
            self._called("set_params", lambda: set_params(net, dict(parameters)))
            as_trial(net, self.context.trial)
            note(attempt, Phase.PROTOCOLS)
            dipoles = self._dipoles(net)
        note(attempt, Phase.FINISHED)
        keep_returned(recorded(net, dipoles), attempt.simulation, attempt, "hnn-core")

    def recordings(self, attempt: AttemptPaths) -> Recordings:
        """Return dipoles and spikes."""
        return recordings_of(self.options.jobs_per_evaluation, attempt)

    def seconds(self, attempt: AttemptPaths) -> Mapping[str, float]:
        """Return the wall times of building the network in Python, and of the trials."""
        return seconds_noted(attempt)

    def _missing_launcher(self) -> str | None:
        command = self.options.mpi_command
        if self.options.n_procs == 1 or shutil.which(command):
            return None
        return f"simulation.n_procs: {self.options.n_procs} needs {command!r}, which is not in the PATH of this node"

    def _imported(self, key: str) -> Callable[..., Any]:
        reference = getattr(self.options, key)
        try:
            return load(reference, self.model_dir)
        except Exception as error:
            message = f"simulation.{key}: {reference}: {type(error).__name__}: {error}"
            raise SimulationFailed(Outcome.LAUNCH_FAILED, message) from error

    def _called(self, key: str, function: Callable[[], Any]) -> Any:
        """Call a function of the user's; what it raises is told with its name."""
        try:
            return function()
        except MemoryError as error:
            raise SimulationFailed(Outcome.OUT_OF_MEMORY, "MemoryError") from error
        except Exception as error:
            message = f"simulation.{key}: {getattr(self.options, key)}: {type(error).__name__}: {error}"
            raise SimulationFailed(Outcome.SIMULATION_ERROR, message) from error

    def _dipoles(self, net: Any) -> list[Any]:
        """Return the dipole of each trial, scaled and smoothed."""
        from hnn_core import JoblibBackend, MPIBackend, simulate_dipole  # noqa: PLC0415  (seconds)

        options = self.options
        several = options.n_procs > 1
        backend = MPIBackend(options.n_procs, options.mpi_command) if several else JoblibBackend(n_jobs=1)
        with backend:
            dipoles: list[Any] = simulate_dipole(net, options.tstop, dt=options.dt, n_trials=options.trials)
        for number, dipole in enumerate(dipoles, 1):
            wrong = ~np.isfinite(dipole.data["agg"])
            if wrong.any():
                at = dipole.times[np.argmax(wrong)]
                message = f"the dipole of trial {number} is not finite from {at:g} ms on: the integration has failed"
                raise SimulationFailed(Outcome.SIMULATION_ERROR, message)
            if options.scale != 1:
                dipole.scale(options.scale)
            if options.smooth:
                dipole.smooth(options.smooth)
        return dipoles


def as_trial(net: Any, number: int) -> None:
    """Let the only trial of a network be another one, from 0, of several.

    hnn-core makes the times of a drive's events of ``event_seed + trial * number of cells``
    (``Network._instantiate_drives``).

    Parameters
    ----------
    net : hnn_core.Network
        With its drives.
    number : int
        Of the trial.
    """
    if number:
        cells = max(gids.stop for gids in net.gid_ranges.values())
        for drive in net.external_drives.values():
            drive["event_seed"] += number * cells


def recorded(net: Any, dipoles: list[Any]) -> Recordings:
    """Return what a simulated network leaves.

    Parameters
    ----------
    net : hnn_core.Network
        With its ``cell_response``.
    dipoles : list of hnn_core.dipole.Dipole
        One for each trial, scaled and smoothed.
    """
    from targets import Events, Recordings, Trace  # noqa: PLC0415  (most of the time that importing takes)
    from targets.recordings.file import averaged  # noqa: PLC0415

    response = net.cell_response
    trials = [
        Recordings(
            traces={f"dipole.{layer}": Trace(dipole.times, moment, "nAm") for layer, moment in dipole.data.items()},
            events={"spikes": Events(response.spike_times[number], response.spike_types[number])},
        )
        for number, dipole in enumerate(dipoles)
    ]
    return trials[0] if len(trials) == 1 else averaged(trials, trials[0].directory)
