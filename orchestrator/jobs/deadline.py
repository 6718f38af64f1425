"""When a generation times out: from its first submission, the queue included, but not while nobody watched."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable


class GenerationClock:
    """Starts at the first submission of a generation.

    A controller that takes over from a dead one goes on with its clock as long as the jobs live. Where offspring have
    to be submitted again because nobody was there to see their end, the clock starts anew: the time of the
    controller's absence is not held against them.

    Parameters
    ----------
    timeout : float
        Of the generation in s.
    """

    def __init__(self, timeout: float):
        self._timeout = timeout
        self._begin: float | None = None
        # offspring of the dead controller of which it is not known yet whether their jobs live
        self._unresolved: set[int] = set()
        self._taking_over = True

    def take_over(self, begin: float | None, flying: Iterable[int]) -> None:
        """Go on from the first submission of a dead controller, with these offspring in flight."""
        self._begin = begin
        self._unresolved = set(flying)

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
    def deadline(self) -> float:
        """Unix time in s at which the generation times out; infinite as long as that is not known."""
        return math.inf if self._unresolved or self._begin is None else self._begin + self._timeout

    @property
    def elapsed(self) -> float:
        """Time in s since the first submission."""
        return 0.0 if self._begin is None else time.time() - self._begin
