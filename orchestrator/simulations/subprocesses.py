"""A child process that never outlives the job that started it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

_GRACE = 0.5
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run_in_own_group(command: Sequence[str], *, cwd: Path, log: IO[bytes]) -> int:
    """Run `command` to its end and return its exit code, negative for a signal.

    SIGTERM and SIGINT to this process end the whole group of the command, and then this process: a cancelled job
    must be gone within a second, where submitit's own handler would ignore SIGTERM until SLURM kills.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    cwd : pathlib.Path
        Working directory.
    log : binary file
        Takes standard output and error.
    """
    child = subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )
    with _ending_on_signals(child):
        return child.wait()


@contextlib.contextmanager
def _ending_on_signals(child: subprocess.Popen[bytes]) -> Iterator[None]:
    def end(number: int, _frame: FrameType | None) -> None:
        _end_group(child)
        os._exit(128 + number)

    before = {number: signal.signal(number, end) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _end_group(child)


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """End what is left of the child's group; the group's number is the child's, which leads its session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
        if number is signal.SIGTERM:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_GRACE)


def end_at_once(number: int, _frame: FrameType | None) -> None:
    """Signal handler: end this process without clean-up, as a job without children should."""
    sys.stdout.flush()
    os._exit(128 + number)
