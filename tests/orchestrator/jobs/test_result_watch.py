"""Waiting for result files, where the file system tells of them and where it cannot."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from orchestrator.jobs.result_watch import ResultWatch


def test_a_folder_that_is_gone_when_it_is_to_be_watched_is_waited_for_all_the_same(tmp_path: Path) -> None:
    """The controller ended with the system's error."""
    watch = ResultWatch(0.01, threading.Event())
    watch.watch([tmp_path, tmp_path / "gone"])
    begin = time.monotonic()
    watch.wait()
    watch.wait()
    assert time.monotonic() - begin >= 0.02
    watch.close()


def test_where_time_alone_tells_a_stop_ends_the_waiting_at_once(tmp_path: Path) -> None:
    stop = threading.Event()
    watch = ResultWatch(3600, stop)
    watch.watch([tmp_path / "gone"])
    stop.set()
    watch.wait()
    watch.close()
