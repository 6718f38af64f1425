"""Translates every word that SLURM has for a state into ours: text in, typed states out.

The words are those of ``job_state_string`` in src/common/slurm_protocol_defs.c of SLURM 20.11 to 26.05, and those that
the manuals of squeue and sacct add in their sections JOB STATE CODES.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from orchestrator.cluster.base import State, Status
from orchestrator.records import Outcome

# %F array's job id (or the job's), %K index in the array, %T state, %j name, %N nodes, %r reason
SQUEUE_FORMAT = "%F|%K|%T|%j|%N|%r"
SACCT_FORMAT = "JobID,State,ExitCode,NodeList,JobName"

_PENDING = (
    "PENDING",
    "CONFIGURING",
    "REQUEUED",
    "REQUEUED_CRON",
    "REQUEUE_FED",
    "REQUEUE_HOLD",
    "RESV_DEL_HOLD",
    "SPECIAL_EXIT",
    "POWER_UP_NODE",
)
_RUNNING = (
    "RUNNING",
    "COMPLETING",
    "SUSPENDED",
    "STOPPED",
    "SIGNALING",
    "STAGE_OUT",
    "RESIZING",
    "UPDATE_DB",
    "EXPEDITING",
)
_ENDED = {
    "COMPLETED": None,
    "FAILED": None,
    "LAUNCH_FAILED": Outcome.LAUNCH_FAILED,
    "RECONFIG_FAIL": Outcome.LAUNCH_FAILED,
    "BOOT_FAIL": Outcome.NODE_FAIL,
    "NODE_FAIL": Outcome.NODE_FAIL,
    "PREEMPTED": Outcome.PREEMPTED,
    "CANCELLED": Outcome.CANCELLED,
    "REVOKED": Outcome.CANCELLED,
    "OUT_OF_MEMORY": Outcome.OUT_OF_MEMORY,
    "TIMEOUT": Outcome.TIME_LIMIT,
    "DEADLINE": Outcome.TIME_LIMIT,
}
_WORDS = frozenset((*_PENDING, *_RUNNING, *_ENDED))
# indices in an array are listed as 7, or as 0-4,7 or [0-8:2,11%2] with a step and the most that may run at once
_RANGE = re.compile(r"([0-9]+)(?:-([0-9]+)(?::([1-9][0-9]*))?)?")
# a garbled line must not fill the memory
_LONGEST_ARRAY = 100_000


def status_of(word: str, reason: str = "") -> Status:
    """Return the status that a state of SLURM means.

    Parameters
    ----------
    word : str
        Such as ``RUNNING``, ``CANCELLED by 1060``, ``CANCELLED+``, ``OUT_OF_ME+``.
    reason : str
        SLURM's reason, kept for people.
    """
    base = _whole_word(word)
    said = reason if reason and reason != "None" else ""
    if base in _PENDING:
        return Status(State.PENDING, reason=said)
    if base in _RUNNING:
        return Status(State.RUNNING, reason=said)
    if base in _ENDED:
        return Status(State.ENDED, _ENDED[base], f"{word.strip()} {said}".strip())
    return Status(State.UNKNOWN, reason=f"unknown SLURM state {word!r}")


def _whole_word(word: str) -> str:
    """Return the state's own word, completed if it was cut to a column's width and only one begins like it."""
    first = word.strip().partition(" ")[0].upper()
    base = first.rstrip("+")
    if base == first or base in _WORDS:
        return base
    begun = [known for known in _WORDS if base and known.startswith(base)]
    return begun[0] if len(begun) == 1 else base


@dataclass(frozen=True)
class Row:
    """One job of an answer."""

    id: str
    name: str
    status: Status


def parse_squeue(text: str) -> Iterator[Row]:
    """Yield the jobs of an answer in `SQUEUE_FORMAT`; lines of another form say nothing and are passed over."""
    for line in text.splitlines():
        fields = line.strip().split("|", 5)
        if len(fields) != 6:
            continue
        base, index, word, name, node, reason = fields
        status = replace(status_of(word, reason), node=node)
        for job_id in _ids(base, "" if index == "N/A" else index):
            yield Row(job_id, name, status)


def parse_sacct(text: str) -> Iterator[Row]:
    """Yield the jobs of an answer in `SACCT_FORMAT`, not their steps; other lines are passed over.

    A job that was requeued may have several rows; the last one counts.
    """
    for line in text.splitlines():
        fields = line.strip().split("|", 4)
        if len(fields) != 5:
            continue
        job, word, code, node, name = fields
        base, _, index = job.partition("_")
        status = status_of(word, "" if code in ("", "0:0") else f"exit code {code}")
        for job_id in _ids(base, index):
            yield Row(job_id, name, replace(status, node="" if node == "None assigned" else node))


def parse_configuration(text: str) -> dict[str, str]:
    """Return the values of ``scontrol show config`` by their names; ``(null)`` is an empty one."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {name.strip(): value.strip().replace("(null)", "") for name, equals, value in pairs if equals}


def _ids(base: str, indices: str) -> list[str]:
    """Return the ids of the jobs that one row stands for; none if it is no job's row."""
    if not (base.isascii() and base.isdigit()):
        return []
    if not indices:
        return [base]
    ids: list[str] = []
    for part in indices.strip("[]").partition("%")[0].split(","):
        found = _RANGE.fullmatch(part)
        if found is None:  # SLURM ends a long list with three dots
            break
        numbers = range(int(found[1]), int(found[2] or found[1]) + 1, int(found[3] or 1))
        ids += [f"{base}_{number}" for number in numbers[:_LONGEST_ARRAY]]
    return ids
