"""What the end of a job that left no result means."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path

from orchestrator.cluster import State, Status
from orchestrator.files import tail
from orchestrator.node.claim import is_claimed_by_another
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome, Result
from orchestrator.simulations.failure_cause import cause_of
from orchestrator.simulations.phases import HEARTBEAT, Phase, phases, silence

_LOG_LINES = 20


def failure(what: str, result: Result) -> str:
    """Return a message for people: what failed, why, and where.

    A Python traceback is told by the place where it ends; the log of another program by its last lines.
    """
    places = re.findall(r'^ *File "(.+)", line (\d+)', result.log_tail, re.MULTILINE)
    if places:
        file, line = places[-1]
        return f"{what}: {result.message} ({file}, line {line})"
    log = f"\nLast lines of its log:\n{result.log_tail}" if result.log_tail else ""
    return f"{what}: {result.message}{log}"


def verdict(status: Status, paths: AttemptPaths, job_log: Path, job_id: str, grace: float) -> Result | None:
    """Decide what the end of a job without a result means.

    Parameters
    ----------
    status : Status
        `State.ENDED` or `State.ABSENT`.
    paths : AttemptPaths
        What the job may have written.
    job_log : pathlib.Path
        Output of the job itself.
    job_id : str
        For the result.
    grace : float
        How late the file system may be, in s.

    Returns
    -------
    Result or None
        None if the attempt's progress file is still touched: a queue that has forgotten a job is no proof of its end,
        nor is the end of a job the end of another one that evaluates the same attempt.
    """
    try:
        beat: float | None = paths.progress.stat().st_mtime
    except OSError:
        beat = None
    said = tail(paths.log, _LOG_LINES) or tail(job_log, _LOG_LINES)
    began = phases(paths)
    doubtful = status.state is State.ABSENT or is_claimed_by_another(paths.directory, job_id)
    if doubtful and silence(paths) < 3 * HEARTBEAT + grace:
        return None
    if status.state is State.ABSENT:
        outcome, message = Outcome.NODE_FAIL, "the queue does not know the job, and it left no result"
    elif status.outcome is not None:
        outcome, message = status.outcome, status.reason
    elif Phase.TERMINATED in began:
        outcome, message = Outcome.CANCELLED, "the job was terminated from outside"
    else:
        cause = cause_of(said) or cause_of(tail(job_log, _LOG_LINES)) or Outcome.SIMULATION_ERROR
        outcome = Outcome.LAUNCH_FAILED if beat is None else cause
        message = f"the job ended without a result ({status.reason})"
    return Result(
        outcome,
        message=message,
        log_tail=said,
        job_id=job_id,
        host=status.node,
        started=began.get(Phase.STARTED, math.nan),
        finished=beat if beat is not None else time.time(),
    )


def too_late(status: Status, paths: AttemptPaths, timeout: str) -> Result:
    """Return the result of an attempt that was ended because it was late, with when its job began if it did."""
    waited = f"{status.state.value}{f' ({status.reason})' if status.reason else ''}"
    message = f"not finished within {timeout} of the generation's first submission; it was {waited}"
    started = phases(paths).get(Phase.STARTED, math.nan)
    return Result(Outcome.TIMEOUT, message=message, started=started, finished=time.time())
