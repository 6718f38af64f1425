"""The processes that evaluate, and stay up: started when there is something to do, and anew if they break."""

from __future__ import annotations

import logging
import multiprocessing
import queue
import secrets
import shutil
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from pebble import ProcessPool

from orchestrator.errors import RunFailed
from orchestrator.node import worker
from orchestrator.node.task import NodeTask
from orchestrator.node.worker import Order
from orchestrator.records import Result

_LOG = logging.getLogger(__name__)
# how often all processes are started anew without a result in between
_RENEWALS = 5

Key = tuple[int, int]
Results = Sequence[Result | None]


class Processes:
    """Processes of pebble's pool, of which one that ends is replaced.

    Parameters
    ----------
    number : int
        At once.
    most_memory : int or None
        Of each, in bytes.
    scratch : pathlib.Path
        Directory in which they have directories of their own; what this makes there is removed at the end.
    """

    def __init__(self, number: int, most_memory: int | None, scratch: Path):
        self.number = number
        self._most_memory = most_memory
        # of this controller alone: one before it may still be at work
        self._scratch = scratch / secrets.token_hex(4)
        self._pool: ProcessPool | None = None
        self._renewals = 0
        self._ended: queue.SimpleQueue[tuple[list[Key], Future[Results]]] = queue.SimpleQueue()

    def start(self, tasks: Sequence[NodeTask]) -> Future[Results]:
        """Give evaluations that belong together to a process.

        Raises
        ------
        BrokenProcessPool
            If the processes are to be started anew: one of them has died while it had nothing to do.
        """
        if self._pool is None:
            self._scratch.mkdir(parents=True, exist_ok=True)
            self._pool = ProcessPool(
                max_workers=self.number,
                context=multiprocessing.get_context("spawn"),
                initializer=worker.begin,
                initargs=(tasks[0].to_json(), str(self._scratch), self._most_memory),
            )
        keys = [(task.generation, task.index) for task in tasks]
        try:
            future: Future[Results] = self._pool.schedule(worker.evaluate, args=[[Order.of(task) for task in tasks]])
        except RuntimeError as error:
            raise BrokenProcessPool(str(error)) from error
        future.add_done_callback(lambda future: self._ended.put((keys, future)))
        return future

    def ended(self, wait: float) -> list[tuple[list[Key], Future[Results]]]:
        """Return all that has ended, once something has; nothing if nothing does within `wait` s."""
        found = []
        try:
            found.append(self._ended.get(timeout=wait) if wait else self._ended.get_nowait())
            while True:
                found.append(self._ended.get_nowait())
        except queue.Empty:
            return found

    def worked(self) -> None:
        """Note that something has come of them."""
        self._renewals = 0

    def renew(self, why: object) -> None:
        """End all processes, so that others begin.

        Raises
        ------
        RunFailed
            If that has happened again and again, and nothing has come of them in between.
        """
        self._renewals += 1
        if self._renewals > _RENEWALS:
            raise RunFailed(f"no process of this machine stays up: {why}; local: {{stay: false}} gives each its own")
        _LOG.warning("the processes that evaluate are started anew: %s", why)
        self._end()

    def close(self) -> None:
        """End all, and remove their directories."""
        self._end()
        shutil.rmtree(self._scratch, ignore_errors=True)
        try:
            self._scratch.parent.rmdir()
        except OSError:  # it is not empty: those of another controller are there
            return

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.stop()  # type: ignore[no-untyped-call]
            self._pool.join()
            self._pool = None
