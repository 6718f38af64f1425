"""When what was asked for together times out: from its first submission, the queue included, but not unwatched."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable


class Deadline:
    """Counts from the first submission of the evaluations that share it.

    A controller that takes over from one that is gone goes on with its clock as long as the jobs live. If offspring
    have to be submitted again because nobody was there to see their end, the clock starts anew: the time of the
    controller's absence is not held against them.

    Parameters
    ----------
    timeout : float
        In s.
    """

    def __init__(self, timeout: float):
        self._timeout = timeout
        self._begin: float | None = None
        # offspring of the controller that is gone of which it is not known yet whether their jobs live
        self._unresolved: set[int] = set()
        self._taking_over = True

    def take_over(self, begin: float | None, in_flight: Iterable[int]) -> None:
        """Go on from the first submission of a controller that is gone, with these offspring in flight."""
        self._begin = begin
        self._unresolved = set(in_flight)

    def resolve(self, index: int) -> None:
        """Note that an offspring's job is known to live, or to have left a result."""
        self._unresolved.discard(index)

    def submitting(self, indices: Iterable[int]) -> bool:
        """Note, once a look, which offspring are submitted now, possibly none; return whether the clock starts anew."""
        indices = list(indices)
        starts = bool(indices) and self._taking_over
        if starts:
            self._begin = time.time()
        self._unresolved.difference_update(indices)
        self._taking_over = bool(self._unresolved)
        return starts

    @property
    def settled(self) -> bool:
        """Whether it is known of all jobs whether they live."""
        return not self._unresolved

    @property
    def time(self) -> float:
        """Unix time in s of the timeout; infinite as long as that is not known."""
        return math.inf if self._unresolved or self._begin is None else self._begin + self._timeout

    @property
    def has_passed(self) -> bool:
        """Whether it is time to end what is unfinished."""
        return time.time() >= self.time

    @property
    def elapsed(self) -> float:
        """Time in s since the first submission."""
        return 0.0 if self._begin is None else time.time() - self._begin
