"""Who goes on when: one process after the other, in a time that moves only by what they do and wait for.

Every program of the world runs in greenlets of its own. It gives way at each `Scheduler.step`, which is called at every
read, write and command, and in each wait. Who goes on then is drawn from the seed.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from greenlet import getcurrent, greenlet

if TYPE_CHECKING:
    from simulated.hosts import Process

# true time at the beginning, Unix time in s
BEGIN = 1.7e9
# what a step takes on average, in s
_STEP = 0.002
# more than any world needs, in s and in steps: it goes round in circles
_LONGEST = 400_000.0
_MOST_STEPS = 400_000


class Crash(BaseException):
    """The process of whoever gets this dies here and now."""


class Stuck(Exception):
    """The world does not come to an end."""


class Task:
    """A greenlet of a process, as threads of a program are.

    Parameters
    ----------
    process : Process
        Whose.
    work : callable
        What it does.
    main : greenlet.greenlet
        That of the scheduler.
    """

    def __init__(self, process: Process, work: Callable[[], object], main: greenlet):
        self.process = process
        self.wake = 0.0
        self.waits_for: Callable[[], bool] | None = None
        self.done = False
        self._work = work
        # who ends gives way to the scheduler, and not to whoever made it
        self.greenlet = greenlet(self._run, parent=main)

    def _run(self) -> None:
        try:
            self._work()
        except Crash:
            pass
        finally:
            self.done = True


class Scheduler:
    """Lets tasks take turns.

    Parameters
    ----------
    seed : str
        Decides who goes on.
    """

    def __init__(self, seed: str):
        self.random = random.Random(seed)
        self.now = BEGIN
        self.steps = 0
        self.current: Task | None = None
        self._main = getcurrent()
        self._tasks: list[Task] = []
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._count = itertools.count()
        # until then nobody but the current task has anything to do
        self._alone_until = 0.0

    def start(self, process: Process, work: Callable[[], object], after: float = 0.0) -> Task:
        """Add a task."""
        task = Task(process, work, self._main)
        task.wake = self.now + after
        self._tasks.append(task)
        process.tasks.append(task)
        self._alone_until = 0.0
        return task

    def at(self, when: float, action: Callable[[], object]) -> None:
        """Do something at a time, between two steps."""
        heapq.heappush(self._events, (when, next(self._count), action))
        self._alone_until = 0.0

    def step(self) -> None:
        """Let others go on, perhaps; called by a task."""
        task = self.current
        if task is None or getcurrent() is not task.greenlet:
            return
        process = task.process
        if process.dead:
            raise Crash
        self.steps += 1
        process.steps += 1
        self.now += _STEP * self.random.random() * 2
        if process.faults and process.steps in process.faults:
            for happen in process.faults.pop(process.steps):
                happen()
        elif self.now < self._alone_until:
            return
        task.wake = self.now
        self._give_way(task)

    def sleep(self, seconds: float, until: Callable[[], bool] | None = None) -> None:
        """Let others go on for so long, or until something is so; called by a task."""
        task = self.current
        if task is None or getcurrent() is not task.greenlet:
            return
        if task.process.dead:
            raise Crash
        task.wake = self.now + max(seconds, 0.0)
        task.waits_for = until
        self._give_way(task)

    def woken(self) -> None:
        """Note that what somebody waits for may have happened."""
        self._alone_until = 0.0

    def run(self, is_over: Callable[[], bool]) -> None:
        """Go on until `is_over`, or nobody has anything to do any more.

        Raises
        ------
        Stuck
            If there is no end to it.
        """
        while not is_over():
            self._tasks = [task for task in self._tasks if not task.done]
            while self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2]()
            ready = [task for task in self._tasks if self._is_ready(task)]
            if not ready:
                upcoming = self._next()
                if math.isinf(upcoming):
                    return
                self.now = max(self.now, upcoming)
                continue
            if self.now > BEGIN + _LONGEST or self.steps > _MOST_STEPS:
                raise Stuck
            task = ready[self.random.randrange(len(ready))] if len(ready) > 1 else ready[0]
            self._resume(task, alone=len(ready) == 1)

    def end(self, process: Process) -> None:
        """Let a process die with its children: it does nothing more, not even tidy up; called between two steps."""
        process.dead = True
        for child in process.children:
            self.end(child)
        for task in process.tasks:
            if not task.done and task.greenlet:
                self.current = task
                task.greenlet.throw(Crash)
                self.current = None
            task.done = True
        self._alone_until = 0.0

    def _resume(self, task: Task, *, alone: bool) -> None:
        task.waits_for = None
        self._alone_until = self._next(besides=task) if alone else 0.0
        self.current = task
        try:
            task.greenlet.switch()
        finally:
            self.current = None

    def _give_way(self, task: Task) -> None:
        self._main.switch()
        if task.process.dead:
            raise Crash

    def _is_ready(self, task: Task) -> bool:
        if task.process.suspended_until > self.now:
            return False
        return task.wake <= self.now or (task.waits_for is not None and task.waits_for())

    def _next(self, besides: Task | None = None) -> float:
        """Return when something happens next."""
        wakes = [max(task.wake, task.process.suspended_until) for task in self._tasks if task is not besides]
        if self._events:
            wakes.append(self._events[0][0])
        return min(wakes, default=math.inf)
