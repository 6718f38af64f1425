"""The total mapping of SLURM's words to ours: text in, typed states out.

Words of ``squeue --states=all`` as in the manual of squeue, section JOB STATE CODES.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from orchestrator.cluster.base import State, Status
from orchestrator.records import Outcome

# %F array's job id (or the job's), %K index in the array, %T state, %j name, %N nodes, %r reason
SQUEUE_FORMAT = "%F|%K|%T|%j|%N|%r"

_PENDING = (
    "PENDING",
    "CONFIGURING",
    "REQUEUED",
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


def status_of(word: str, reason: str = "") -> Status:
    """Return the status that a state of SLURM means.

    Parameters
    ----------
    word : str
        Such as ``RUNNING``, ``CANCELLED by 1060``, ``CANCELLED+``.
    reason : str
        SLURM's reason, kept for people.
    """
    base = word.strip().split(" ")[0].rstrip("+").upper()
    said = reason if reason and reason != "None" else ""
    if base in _PENDING:
        return Status(State.PENDING, reason=said)
    if base in _RUNNING:
        return Status(State.RUNNING, reason=said)
    if base in _ENDED:
        return Status(State.ENDED, _ENDED[base], f"{word.strip()} {said}".strip())
    return Status(State.UNKNOWN, reason=f"unknown SLURM state {word!r}")


@dataclass(frozen=True)
class Row:
    """One job of squeue's answer."""

    id: str
    name: str
    status: Status


def parse_squeue(text: str) -> Iterator[Row]:
    """Yield the jobs of an answer in `SQUEUE_FORMAT`; lines of another form are no news and are passed over."""
    for line in text.splitlines():
        fields = line.strip().split("|", 5)
        if len(fields) != 6 or not fields[0].isdigit():
            continue
        base, index, word, name, node, reason = fields
        yield Row(f"{base}_{index}" if index.isdigit() else base, name, replace(status_of(word, reason), node=node))
