"""Waiting for result files: told by the file system if it can, looking often enough if it cannot."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Generator
from pathlib import Path
from typing import Any

import watchfiles

_LOG = logging.getLogger(__name__)


class ResultWatch:
    """Waits until one of several folders has changed.

    Network file systems do not tell of what other machines write, so that time has to do it as well.

    Parameters
    ----------
    interval : float
        Longest wait in s.
    stop : threading.Event
        Ends the waiting at once.
    """

    def __init__(self, interval: float, stop: threading.Event):
        self._interval = interval
        self._stop = stop
        self._folders: frozenset[Path] = frozenset()
        self._changes: Generator[object, None, None] | None = None

    def watch(self, folders: Collection[Path]) -> None:
        """Watch these folders from now on; their subfolders are not watched."""
        if self._folders != frozenset(folders):
            self.close()
            self._folders = frozenset(folders)
            self._changes = _changes(sorted(self._folders), self._interval, self._stop)

    def wait(self) -> None:
        """Return when something has changed, `interval` has passed, or `stop` is set."""
        if self._changes is not None:
            next(self._changes, None)

    def close(self) -> None:
        """Watch nothing any more."""
        if self._changes is not None:
            self._changes.close()
        self._folders, self._changes = frozenset(), None


def _changes(folders: list[Path], interval: float, stop: threading.Event) -> Generator[object, None, None]:
    options: dict[str, Any] = {
        "watch_filter": None,
        "debounce": 50,
        "step": 10,
        "rust_timeout": int(1000 * interval),
        "yield_on_timeout": True,
        "stop_event": stop,
        "recursive": False,
        "raise_interrupt": False,
    }
    try:
        yield from watchfiles.watch(*folders, **options)
    except OSError as error:  # the kernel's limit of watches is reached, or a folder is gone for a moment
        _LOG.info("looking for results every %.2g s (%s)", interval, error)
        while not stop.wait(interval):
            yield None
