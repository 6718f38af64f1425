"""When a run was carried out, and whether it has ended, for the head of its page."""

from __future__ import annotations

import math
import time

import numpy as np

from orchestrator.config.durations import format_duration
from orchestrator.lease import hold_of, holder_of
from orchestrator.paths import RunPaths
from orchestrator.report.history import History
from orchestrator.report.naming import elided

_LONGEST = 200
_ENDS = {"finished": "Finished", "stopped": "Stopped", "failed": "Failed", "cancelled": "Cancelled"}


def day(moment: float) -> str:
    """Return a Unix time in s as local date and time."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
    except (OverflowError, ValueError, OSError):
        return "an unknown time"


def dates(history: History) -> str:
    """Return from when to when there were jobs, empty if that is not known."""
    begin, end = history.begin, float(np.fmax.reduce(history.times["finished"], initial=math.nan))
    if not math.isfinite(begin):
        return ""
    if not math.isfinite(end) or end < begin:
        return f"since {day(begin)}"
    return f"{day(begin)} to {day(end)}, {format_duration(end - begin)}"


def ending(paths: RunPaths, ended: str = "") -> str:
    """Return whether a run has ended, and why, as far as its files say.

    Parameters
    ----------
    paths : RunPaths
        The run.
    ended : str
        Why it has just ended; its controller, which has it written, still holds it.
    """
    if ended:
        return f"Finished: {elided(ended, _LONGEST)}"
    hold, holder = hold_of(paths), holder_of(paths)
    if hold is not None:
        return "Running" if hold.lives is not False and not hold.expired else "Interrupted: its controller is gone"
    if word := _ENDS.get(str(holder.get("how"))):
        why = elided(str(holder.get("why") or ""), _LONGEST)
        return f"{word}: {why}" if why else word
    return "Interrupted: its controller is gone" if holder else ""
