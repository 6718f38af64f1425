"""When what was asked for together times out: from its first submission, the queue included, but not unwatched."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable


class Deadline:
    """Counts from the first submission of the evaluations that share it; if that takes long, from its end.

    A controller that takes over from one that is gone goes on with its clock as long as the jobs live. If offspring
    have to be submitted again because nobody was there to see their end, the clock starts anew: the time of the
    controller's absence is not held against them. So it is for a controller that was suspended itself until after the
    deadline. A deadline that has passed while nobody watched is not enforced before somebody has had the time to see
    what came of the jobs.

    All times are those of this process, by `time.monotonic`: a jump of the clock on the wall changes nothing. Time in
    which the whole machine was suspended does not count there; time in which this process alone was, does.

    Parameters
    ----------
    timeout : float
        In s.
    """

    def __init__(self, timeout: float):
        self._timeout = timeout
        self._begin: float | None = None
        # not enforced before this, once it has passed unwatched
        self._postponed: float | None = None
        # offspring that nobody watched of which it is not known yet whether their jobs live
        self._unresolved: set[int] = set()
        self._taking_over = True

    def take_over(self, elapsed: float | None, in_flight: Iterable[int], grace: float = 0.0) -> None:
        """Go on with the clock of a controller that is gone.

        Parameters
        ----------
        elapsed : float or None
            Since its first submission in s, None if there was none.
        in_flight : iterable of int
            Offspring that it has left in flight.
        grace : float
            As for `watched_again`.
        """
        self._begin = None if elapsed is None else time.monotonic() - elapsed
        self._unresolved = set(in_flight)
        self.watched_again((), grace)

    def watched_again(self, in_flight: Iterable[int], grace: float) -> None:
        """Note that nobody has watched until now: if it has passed meanwhile, it is enforced in `grace` s, once.

        Parameters
        ----------
        in_flight : iterable of int
            Offspring of which nobody has seen what became of their jobs meanwhile, or whose next attempt was due.
        grace : float
            How long it takes to see that, in s.
        """
        now = time.monotonic()
        if self._postponed is None and self._begin is not None and now >= self._begin + self._timeout:
            self._postponed = now + grace
            self._unresolved.update(in_flight)
            self._taking_over = self._taking_over or bool(self._unresolved)

    def resolve(self, index: int) -> None:
        """Note that an offspring's job is known to live, or to have left a result."""
        self._unresolved.discard(index)

    def submitting(self, indices: Iterable[int]) -> bool:
        """Note, once a look, which offspring are submitted now, possibly none; return whether the clock starts anew."""
        indices = list(indices)
        starts = bool(indices) and self._taking_over
        if starts:
            self.start()
        self._unresolved.difference_update(indices)
        self._taking_over = bool(self._unresolved)
        return starts

    def start(self) -> None:
        """Start the clock, now."""
        self._begin, self._postponed = time.monotonic(), None

    def in_doubt(self, index: int) -> bool:
        """Whether nobody has seen yet if the job that a controller that is gone has left an offspring lives."""
        return index in self._unresolved

    @property
    def settled(self) -> bool:
        """Whether it is known of all jobs whether they live."""
        return not self._unresolved

    @property
    def time(self) -> float:
        """When it is to be enforced, in s of `time.monotonic`; infinite as long as that is not known."""
        if self._unresolved or self._begin is None:
            return math.inf
        return max(self._begin + self._timeout, self._postponed or 0.0)

    @property
    def has_passed(self) -> bool:
        """Whether it is time to end what is unfinished."""
        return time.monotonic() >= self.time

    @property
    def elapsed(self) -> float:
        """Time in s since the first submission."""
        return 0.0 if self._begin is None else time.monotonic() - self._begin
