"""What the end of a job that left no result means."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from orchestrator.cluster import Cluster, State, Status
from orchestrator.files import tail
from orchestrator.jobs.entries import Entry, Stage
from orchestrator.node.claim import is_claimed_by_another
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome, Result
from orchestrator.results import why_unreadable
from orchestrator.simulations.failure_cause import (
    CANNOT_DELIVER,
    cause_of,
    is_from_outside,
    told_exit_code,
    waited_in_vain,
)
from orchestrator.simulations.phases import HEARTBEAT, Phase, phases, silence

_LOG_LINES = 20
# how long an accepted job may be missing in the queue's answers as long as it never was in one, in s
_NOT_LISTED = 600.0


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
    beat, began = _last_beat(paths), _phases(paths)
    doubtful = status.state is State.ABSENT or is_claimed_by_another(paths.directory, job_id)
    if doubtful and not _is_silent(paths, grace):
        return None
    told = tail(job_log, _LOG_LINES)
    said = tail(paths.log, _LOG_LINES) or told
    if undelivered := _why_undelivered(paths, began):
        outcome, message = Outcome.NODE_FAIL, undelivered
    elif status.state is State.ABSENT:
        outcome, message = Outcome.NODE_FAIL, "the queue does not know the job, and it left no result"
    elif status.outcome is not None:
        outcome, message = status.outcome, status.reason
    elif Phase.TERMINATED in began:
        outcome, message = Outcome.CANCELLED, "the job was terminated from outside"
    elif beat is None and waited_in_vain(told):
        # sbatch, or the controller after it, took too long: neither the node nor the program is at fault
        outcome, message = Outcome.SUBMIT_FAILED, "the job was not handed its task in time"
    elif beat is None and not is_from_outside(told_exit_code(told)):
        outcome, message = Outcome.LAUNCH_FAILED, f"the job ended without a result ({status.reason})"
    else:
        outcome, message = _of_its_log(said, told, status.reason)
    return Result(
        outcome,
        message=message,
        log_tail=said,
        job_id=job_id,
        host=status.node,
        started=began.get(Phase.STARTED, math.nan),
        finished=beat if beat is not None else time.time(),
    )


def verdict_on(entry: Entry, status: Status, cluster: Cluster) -> Result | None:
    """Decide what the end of an entry's job without a result means, as `verdict`.

    The end of a job that evaluates others as well says nothing of any of them: it is not known whose doing it was.
    """
    job_log = cluster.log(entry.job, entry.folder.paths.submitit)
    if status.state is State.ABSENT and any(not _is_silent(each, cluster.result_grace) for each in entry.beside()):
        return None  # it is at work on another one
    found = verdict(status, entry.paths, job_log, entry.job.id, cluster.result_grace)
    if found is None or found.outcome.infrastructure or not entry.beside():
        return found
    message = f"its job, which evaluated others as well, ended: {found.outcome.value}, {found.message}"
    return replace(found, outcome=Outcome.NODE_FAIL, message=message)


def node_that_died(entry: Entry, status: Status) -> str:
    """Return the node that died under an entry alone, empty if none did: under a job of many, it was none's doing."""
    return status.node if status.outcome is Outcome.NODE_FAIL and not entry.beside() else ""


def patience(
    status: Status, paths: AttemptPaths, grace: float, *, listed: bool, timeout: float, before: float = 0.0
) -> float:
    """Return for how long it is not decided what the end of a job without a result means, in s.

    Parameters
    ----------
    status : Status
        `State.ENDED` or `State.ABSENT`.
    paths : AttemptPaths
        What the job may have written.
    grace : float
        How late the file system may be, in s.
    listed : bool
        Whether the executor has ever listed the job: one that was accepted may be missing in an answer from a cache.
    timeout : float
        How long there is altogether, in s.
    before : float
        For how long the job had been accepted when the executor did not list it first, also under controllers before
        this one, in s.
    """
    if status.outcome is not None:  # a job that SLURM says was killed writes nothing any more
        return 0.0
    if status.state is State.ABSENT and not listed and _last_beat(paths) is None:
        return max(min(_NOT_LISTED, timeout / 4) - before, grace)
    return grace


def at_deadline(entry: Entry, cluster: Cluster, timeout: str) -> Result:
    """Return the result of an entry that has none at its deadline, once its job has been cancelled.

    Parameters
    ----------
    entry : Entry
        With what the executor said of its job before.
    cluster : Cluster
        Knows where the output of the job itself is, and how late the file system may be.
    timeout : str
        For people.
    """
    status, paths = entry.said, entry.paths
    if entry.attempt is None:
        message = f"not submitted within {timeout}{f': {entry.refusal}' if entry.refusal else ''}"
        return of_last_loss(entry) if entry.history.losses else Result(Outcome.TIMEOUT, message=message)
    if entry.stage is Stage.ENDED and (found := verdict_on(entry, status, cluster)) is not None:
        return found
    began, finished = _phases(paths), time.time()
    started = began.get(Phase.STARTED, math.nan)
    waited = f"{status.state.value}{f' ({status.reason})' if status.reason else ''}"
    outcome, message = Outcome.TIMEOUT, f"not finished within {timeout} of the first submission; it was {waited}"
    if undelivered := _why_undelivered(paths, began):
        outcome, message = Outcome.NODE_FAIL, undelivered
    elif entry.status is not None and status.state is State.UNKNOWN and _has_died(paths, started, cluster):
        outcome, message = Outcome.NODE_FAIL, f"{message}, and it gave no sign of life any more"
    return Result(outcome, message=message, started=started, finished=finished)


def of_last_loss(entry: Entry) -> Result:
    """Return the result of an entry that is given up after its last loss."""
    last = entry.history.losses[-1]
    return Result(last.outcome, message=last.reason)


def _of_its_log(said: str, job_log: str, reason: str) -> tuple[Outcome, str]:
    """Return what became of a job that had begun, and ended by itself or was killed, and a message."""
    code = told_exit_code(job_log)
    ended = "the job was killed" if code is None else f"the job's process ended with exit code {code}"
    message = f"{ended} without a result ({reason})"
    if cause := cause_of(said) or cause_of(job_log):
        return cause, message
    if code is None or is_from_outside(code):
        return Outcome.CANCELLED, message
    # a process that has done its work without an error has written a result: the file system has it not, or not yet
    return (Outcome.NODE_FAIL if code in (0, CANNOT_DELIVER) else Outcome.SIMULATION_ERROR), message


def _why_undelivered(paths: AttemptPaths, began: Mapping[Phase, float]) -> str:
    """Return what the file system did to a result that there is, or was; empty if there is no sign of one."""
    if unreadable := why_unreadable(paths.result):
        return f"its result cannot be read: {unreadable}"
    return "its result could not be written" if Phase.DELIVERING in began else ""


def _last_beat(paths: AttemptPaths) -> float | None:
    """Return when a job gave its last sign of life, Unix time in s; None if it never did."""
    try:
        return paths.progress.stat().st_mtime
    except OSError:
        return None


def _phases(paths: AttemptPaths) -> dict[Phase, float]:
    try:
        return phases(paths)
    except OSError:
        return {}


def _has_died(paths: AttemptPaths, started: float, cluster: Cluster) -> bool:
    """Return whether a job that had begun has given no sign of life for long."""
    return not math.isnan(started) and _is_silent(paths, cluster.result_grace)


def _is_silent(paths: AttemptPaths, grace: float) -> bool:
    return silence(paths) >= 3 * HEARTBEAT + grace
