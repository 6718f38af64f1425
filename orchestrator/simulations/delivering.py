"""Writing what a simulation has given: a file system that is full or gone for a while must not cost its hour."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

from orchestrator.paths import AttemptPaths
from orchestrator.simulations.failure_cause import CANNOT_DELIVER
from orchestrator.simulations.phases import Phase, note

_LOG = logging.getLogger(__name__)
# for how long it is tried to write something, and the longest pause between two tries, in s
_WITHIN, _LONGEST_PAUSE = 600.0, 30.0
# how long a generation is missing until nobody waits for its results any more, in s: it may have been renamed
_REMOVED_FOR, _LONGEST_PAUSE_IF_REMOVED = 20.0, 5.0


def deliver(attempt: AttemptPaths, file: Path, write: Callable[[], object]) -> None:
    """Write a file of an attempt; if that fails, again and again.

    Parameters
    ----------
    attempt : AttemptPaths
        Whose file; that it is tried again is noted in its progress.
    file : pathlib.Path
        For messages.
    write : callable
        Writes it; raises `OSError` if it cannot.

    Raises
    ------
    SystemExit
        If it cannot be written for ten minutes, or nobody waits for it any more: its generation has been missing for
        20 s. The exit code says that the parameters are not to blame.
    """
    generation = attempt.result.parent.parent
    end, pause, seen = time.monotonic() + _WITHIN, 1.0, time.monotonic()
    while True:
        try:
            write()
        except OSError as error:
            _LOG.warning("%s cannot be written (%s); trying again", file, error)
        else:
            return
        with contextlib.suppress(OSError):
            note(attempt, Phase.DELIVERING)
        now = time.monotonic()
        if not _is_removed(generation):
            seen = now
        if now > end or now - seen > _REMOVED_FOR:
            sys.exit(CANNOT_DELIVER)
        # a job that nobody waits for keeps a node
        time.sleep(pause if seen == now else min(pause, _LONGEST_PAUSE_IF_REMOVED))
        pause = min(2 * pause, _LONGEST_PAUSE)


def _is_removed(generation: Path) -> bool:
    """Return whether a generation is missing among those that are there; of a file system that is away, it is not."""
    try:
        return generation.parent.is_dir() and not generation.is_dir()
    except OSError:
        return False
