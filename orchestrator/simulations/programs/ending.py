"""What the exit code of a simulation's program means."""

from __future__ import annotations

from pathlib import Path

from orchestrator.files import tail
from orchestrator.memory import has_exceeded_limit
from orchestrator.records import Outcome
from orchestrator.simulations.base import SimulationFailed
from orchestrator.simulations.failure_cause import cause_of, is_from_outside

_LINES = 200


def ended_with(
    code: int, *, started: bool, log: Path, since: int = 0, what: str = "the simulation"
) -> SimulationFailed:
    """Return what to raise of a program that has failed.

    Parameters
    ----------
    code : int
        Its exit code, negative for a signal.
    started : bool
        Whether it had begun to simulate: what fails before says nothing of the parameters.
    log : pathlib.Path
        Its output.
    since : int
        The byte in it that its output begins with.
    what : str
        What it is, for people.
    """
    text = tail(log, _LINES, since)
    message = f"{what} ended with exit code {code}: {last_line(text)}"
    if cause := cause_of(text):
        return SimulationFailed(cause, message)
    if is_from_outside(code):
        return SimulationFailed(Outcome.OUT_OF_MEMORY if has_exceeded_limit() else Outcome.CANCELLED, message)
    return SimulationFailed(Outcome.SIMULATION_ERROR if started else Outcome.LAUNCH_FAILED, message)


def last_line(text: str) -> str:
    """Return the last line that is not empty, or ``no output``."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no output")
