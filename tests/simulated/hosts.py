"""Hosts with clocks of their own, and the processes on them."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulated.scheduler import Scheduler, Task


@dataclass(eq=False)
class Host:
    """A machine.

    Parameters
    ----------
    name : str
        Its name.
    skew : float
        How far its wall clock is ahead, in s.
    booted : float
        What its monotonic clock shows less than the true time, in s.
    lateness : float
        How late it sees what others change in the file system, in s.
    """

    name: str
    skew: float = 0.0
    booted: float = 0.0
    lateness: float = 0.0
    # until when it has seen everything, in true time: what it has seen does not vanish
    seen_until: float = 0.0
    # for how long it was suspended since its boot, in s: its monotonic clock stood still
    slept: float = 0.0
    # until when, in true time, its file system is full, and away
    full_until: float = 0.0
    away_until: float = 0.0
    away_as: int = errno.EIO

    def horizon(self, now: float) -> float:
        """Return until when it sees what others have changed."""
        return max(self.seen_until, now - self.lateness)

    def see_late(self, lateness: float, now: float) -> None:
        """See so late, from now on, what others change."""
        self.seen_until, self.lateness = self.horizon(now), lateness


@dataclass(eq=False)
class Process:
    """A program that runs on a host.

    Parameters
    ----------
    name : str
        For people.
    host : Host
        Where.
    pid : int
        Its number.
    scheduler : Scheduler
        Lets it run.
    """

    name: str
    host: Host
    pid: int
    scheduler: Scheduler
    created: float = 0.0
    tasks: list[Task] = field(default_factory=list)
    dead: bool = False
    steps: int = 0
    # what happens to it at which of its steps
    faults: dict[int, list[Callable[[], object]]] = field(default_factory=dict)
    suspended_until: float = 0.0
    # until which of its steps it does what it has just looked at the lease for
    guarded_until: int = 0
    # what it does if it is asked to end
    on_signal: Callable[[], object] | None = None
    # processes that end with it
    children: list[Process] = field(default_factory=list)
    # what its environment says
    variables: dict[str, Any] = field(default_factory=dict)

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return not self.dead and any(not task.done for task in self.tasks)

    @property
    def is_guarded(self) -> bool:
        """Whether it has looked at the lease a moment ago."""
        return self.steps < self.guarded_until

    def wall(self) -> float:
        """Return what its wall clock shows, Unix time in s."""
        return self.scheduler.now + self.host.skew

    def monotonic(self) -> float:
        """Return what its monotonic clock shows, in s."""
        return self.scheduler.now - self.host.booted - self.host.slept

    def since_boot(self) -> float:
        """Return the time since its host was booted, in s."""
        return self.scheduler.now - self.host.booted
