"""Threads and events of the world's programs: greenlets, and waits in the world's time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from simulated.scheduler import Scheduler, Task


class Event:
    """As `threading.Event`."""

    def __init__(self, scheduler: Scheduler):
        self._scheduler = scheduler
        self._set = False

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        self._scheduler.woken()

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        if not self._set:
            self._scheduler.sleep(math.inf if timeout is None else timeout, self.is_set)
        return self._set


class Thread:
    """As `threading.Thread`, of the process that makes it."""

    def __init__(
        self,
        scheduler: Scheduler,
        target: Callable[..., object],
        args: Sequence[Any] = (),
        *,
        name: str = "",
        daemon: bool | None = None,
    ):
        self._scheduler = scheduler
        self._work = lambda: target(*args)
        self._task: Task | None = None
        self.name = name
        self.daemon = daemon

    def start(self) -> None:
        current = self._scheduler.current
        if current is None:
            raise RuntimeError("expected to be called by a process of the world")
        self._task = self._scheduler.start(current.process, self._work)

    def is_alive(self) -> bool:
        return self._task is not None and not self._task.done

    def join(self, timeout: float | None = None) -> None:
        while self.is_alive():
            self._scheduler.sleep(math.inf if timeout is None else timeout, lambda: not self.is_alive())
            if timeout is not None:
                return
