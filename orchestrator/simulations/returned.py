"""What a function or a command returned, kept in an attempt's directory until its targets are measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.files import replacing
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.base import SimulationFailed

if TYPE_CHECKING:
    from targets import Recordings


def keep_returned(returned: object, directory: Path, where: str) -> None:
    """Write what a function returned into a directory, whole or not at all.

    Parameters
    ----------
    returned : mapping, or None
        As `targets.recordings.file.as_recordings` takes it; nothing is written for None.
    directory : pathlib.Path
        Where the function may have left files.
    where : str
        The function and its file, for people.

    Raises
    ------
    SimulationFailed
        If it is nothing that a target could measure; the message names the key.
    OSError
        If it cannot be written.
    """
    from targets.recordings.file import NPZ, as_recordings, save  # noqa: PLC0415  (most of the time that importing takes)

    if returned is None:
        return
    try:
        recordings = as_recordings(returned, directory)
    except TypeError as error:
        message = f"{where}: {error}. Return None if there is no value"
        raise SimulationFailed(Outcome.SIMULATION_ERROR, message) from error
    with replacing(directory / NPZ) as temporary:
        save(recordings, temporary)


def recordings_in(attempt: AttemptPaths, trials: int = 1) -> Recordings:
    """Return what is in the attempt's directory, that of several trials as one.

    Raises
    ------
    SimulationFailed
        If a file is there that is none of the sort; the message names it.
    OSError
        If it cannot be read.
    """
    from targets.recordings.file import averaged, left_in  # noqa: PLC0415  (most of the time that importing takes)

    try:
        if trials == 1:
            return left_in(attempt.simulation)
        return averaged([left_in(attempt.trial(n)) for n in range(trials)], attempt.simulation)
    except ValueError as error:
        raise SimulationFailed(Outcome.SIMULATION_ERROR, str(error)) from error
