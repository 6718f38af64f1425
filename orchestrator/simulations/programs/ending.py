"""What the exit code of a simulation's program means."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from orchestrator.files import tail
from orchestrator.memory import has_exceeded_limit
from orchestrator.records import Outcome
from orchestrator.simulations.base import SimulationFailed
from orchestrator.simulations.failure_cause import cause_of, is_from_outside

if TYPE_CHECKING:
    from targets.recordings import Recordings

_LINES = 200
Left = TypeVar("Left")


def ended_with(code: int, *, started: bool, log: Path, what: str = "the simulation") -> SimulationFailed:
    """Return what to raise of a program that has failed.

    Parameters
    ----------
    code : int
        Its exit code, negative for a signal.
    started : bool
        Whether it had begun to simulate: what fails before says nothing of the parameters.
    log : pathlib.Path
        Its output.
    what : str
        What it is, for people.
    """
    text = tail(log, _LINES)
    message = f"{what} ended with exit code {code}: {last_line(text)}"
    if cause := cause_of(text):
        return SimulationFailed(cause, message)
    if is_from_outside(code):
        return SimulationFailed(Outcome.OUT_OF_MEMORY if has_exceeded_limit() else Outcome.CANCELLED, message)
    return SimulationFailed(Outcome.SIMULATION_ERROR if started else Outcome.LAUNCH_FAILED, message)


def last_line(text: str) -> str:
    """Return the last line that is not empty, or ``no output``."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no output")


def refuse_explosion(directory: Path) -> None:
    """Raise `SimulationFailed` if a simulation says in its directory that it has exploded, or has left no numbers."""
    from targets.errors import NoValue  # noqa: PLC0415  (most of the time that importing takes)
    from targets.returned_file import numbers_in  # noqa: PLC0415

    with contextlib.suppress(NoValue):
        _understood(lambda: numbers_in(directory))


def recordings_in(directory: Path) -> Recordings:
    """Return what a simulation has left in its directory.

    Raises
    ------
    SimulationFailed
        If it has exploded, or what it has left is not what it should be.
    targets.errors.NoValue
        If it says that there is nothing to measure.
    """
    from targets.returned_file import left_in  # noqa: PLC0415  (most of the time that importing takes)

    return _understood(lambda: left_in(directory))


def _understood(read: Callable[[], Left]) -> Left:
    from targets.errors import Exploded  # noqa: PLC0415  (most of the time that importing takes)

    try:
        return read()
    except Exploded as why:
        raise SimulationFailed(Outcome.EXPLODED, str(why)) from why
    except ValueError as error:
        raise SimulationFailed(Outcome.SIMULATION_ERROR, str(error)) from error
