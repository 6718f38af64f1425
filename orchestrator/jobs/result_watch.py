"""Waiting for result files: told by the file system where it can, looking often enough where it cannot."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import watchfiles

_LOG = logging.getLogger(__name__)


def looks(folder: Path, interval: float, stop: threading.Event) -> Generator[object, None, None]:
    """Yield when `folder` has changed, at least every `interval` s, until `stop` is set.

    Network file systems do not tell of what other machines write, so that time has to do it as well.

    Parameters
    ----------
    folder : pathlib.Path
        Exists; its subfolders are not watched.
    interval : float
        In s.
    stop : threading.Event
        Ends the waiting at once.
    """
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
        yield from watchfiles.watch(folder, **options)
    except OSError as error:  # the kernel's limit of watches is reached
        _LOG.info("looking at %s every %.2g s (%s)", folder, interval, error)
        yield from watchfiles.watch(folder, force_polling=True, **options)
