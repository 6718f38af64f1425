"""What a function or a command returned, kept in an attempt's directory until its targets are measured."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from orchestrator.files import replacing
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.base import SimulationFailed
from orchestrator.simulations.delivering import deliver

if TYPE_CHECKING:
    from targets import Recordings

Left = TypeVar("Left")


def keep_returned(returned: object, directory: Path, attempt: AttemptPaths, where: str) -> None:
    """Write what a function returned into a directory of an attempt, whole or not at all.

    Parameters
    ----------
    returned : mapping, or None
        As `targets.recordings.taking.as_recordings` takes it; nothing is written for None.
    directory : pathlib.Path
        That of the simulation, or of one of its trials.
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
    from targets.recordings.file import NPZ, save  # noqa: PLC0415  (most of the time that importing takes)

    if returned is None:
        return
    recordings = as_measurable(returned, directory, where)
    file = directory / NPZ

    def write() -> None:
        directory.mkdir(exist_ok=True)
        with replacing(file) as temporary:
            save(recordings, temporary)

    deliver(attempt, file, write)


def as_measurable(returned: object, directory: Path, where: str) -> Recordings:
    """Return what a function returned as recordings; raises `SimulationFailed`, naming the function and the key."""
    from targets.recordings.taking import as_recordings  # noqa: PLC0415  (most of the time that importing takes)

    try:
        return as_recordings(returned, directory)
    except TypeError as error:
        message = f"{where}: {error}. Return None if there is no value"
        raise SimulationFailed(Outcome.SIMULATION_ERROR, message) from error


def refuse_explosion(directory: Path) -> None:
    """Raise `SimulationFailed` if a simulation says in its directory that it has exploded, or has left no numbers."""
    from targets.errors import NoValue  # noqa: PLC0415  (most of the time that importing takes)
    from targets.recordings.file import numbers_in  # noqa: PLC0415

    with contextlib.suppress(NoValue):
        understood(lambda: numbers_in(directory))


def recordings_in(directory: Path) -> Recordings:
    """Return what a simulation has left in its directory.

    Raises
    ------
    SimulationFailed
        If it has exploded, or what it has left is not what it should be.
    targets.errors.NoValue
        If it says that there is nothing to measure.
    """
    from targets.recordings.file import left_in  # noqa: PLC0415  (most of the time that importing takes)

    return understood(lambda: left_in(directory))


def recordings_of(trials: int, attempt: AttemptPaths) -> Recordings:
    """Return what a simulation of one or several trials has left, as one; raises as `recordings_in`."""
    from targets.recordings.file import averaged, left_in  # noqa: PLC0415  (most of the time that importing takes)

    if trials == 1:
        return recordings_in(attempt.simulation)
    directories = [attempt.trial(number) for number in range(trials)]
    return understood(lambda: averaged([left_in(each) for each in directories], attempt.simulation))


def understood(read: Callable[[], Left]) -> Left:
    """Return what is read of recordings; raises `SimulationFailed` if they cannot be measured."""
    from targets.errors import Exploded  # noqa: PLC0415  (most of the time that importing takes)

    try:
        return read()
    except Exploded as why:
        raise SimulationFailed(Outcome.EXPLODED, str(why)) from why
    except ValueError as error:
        raise SimulationFailed(Outcome.SIMULATION_ERROR, str(error)) from error


def averaged_or_failed(trials: Sequence[Recordings | Exception], directory: Path) -> Recordings | Exception:
    """Return the average of the trials of one of many, or what the first that failed says."""
    from targets.recordings.file import averaged  # noqa: PLC0415  (most of the time that importing takes)

    found = []
    for each in trials:
        if isinstance(each, Exception):
            return each
        found.append(each)
    try:
        return understood(lambda: averaged(found, directory))
    except Exception as error:  # noqa: BLE001  (it is that of one alone)
        return error


def meaning_of(why: Exception) -> Exception:
    """Return what it means that a user's code says that activity exploded, or that there is nothing to measure."""
    from targets.errors import Exploded, NoValue  # noqa: PLC0415  (most of the time that importing takes)

    if isinstance(why, Exploded):
        return SimulationFailed(Outcome.EXPLODED, str(why) or "the function raised Exploded")
    return NoValue(str(why) or "the function raised NoValue") if isinstance(why, NoValue) else why
