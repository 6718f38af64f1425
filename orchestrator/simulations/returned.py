"""What a function or a command returned, kept in an attempt's directory until its targets are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.files import replacing
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.base import SimulationFailed
from orchestrator.simulations.delivering import deliver

if TYPE_CHECKING:
    from targets import Recordings


def keep_returned(returned: object, attempt: AttemptPaths, where: str) -> None:
    """Write what a function returned into the attempt's directory, whole or not at all.

    Parameters
    ----------
    returned : mapping, or None
        As `targets.recordings.file.as_recordings` takes it; nothing is written for None.
    attempt : AttemptPaths
        Of which ``simulation`` is there.
    where : str
        The function and its file, for people.

    Raises
    ------
    SimulationFailed
        If it is nothing that a target could measure; the message names the key.
    SystemExit
        If it cannot be written for ten minutes, as `orchestrator.simulations.delivering.deliver` says.
    """
    from targets.recordings.file import NPZ, as_recordings, save  # noqa: PLC0415  (most of the time that importing takes)

    if returned is None:
        return
    try:
        recordings = as_recordings(returned, attempt.simulation)
    except TypeError as error:
        message = f"{where}: {error}. Return None if there is no value"
        raise SimulationFailed(Outcome.SIMULATION_ERROR, message) from error
    file = attempt.simulation / NPZ

    def write() -> None:
        attempt.simulation.mkdir(exist_ok=True)
        with replacing(file) as temporary:
            save(recordings, temporary)

    deliver(attempt, file, write)


def recordings_in(attempt: AttemptPaths) -> Recordings:
    """Return what is in the attempt's directory.

    Raises
    ------
    SimulationFailed
        If a file is there that is none of the sort; the message names it.
    OSError
        If it cannot be read.
    """
    from targets.recordings.file import left_in  # noqa: PLC0415  (most of the time that importing takes)

    try:
        return left_in(attempt.simulation)
    except ValueError as error:
        raise SimulationFailed(Outcome.SIMULATION_ERROR, str(error)) from error
