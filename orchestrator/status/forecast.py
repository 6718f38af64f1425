"""When a run ends, from how long its generations took: an estimate, and honest if there is none."""

from __future__ import annotations

import math

import numpy as np

from orchestrator.records import FloatArray
from orchestrator.status.described import Forecast
from orchestrator.status.past import Past

# generations that count: the time in the queue of a month ago says little about today's
_LAST = 20
# a generation takes its timeout at most, except for cancelling, scoring and appending, in s
_SLACK = 900.0


def forecast(past: Past, *, begin: float, now: float, max_ngen: int, timeout: float) -> Forecast:
    """Return when `max_ngen` generations will be complete.

    Parameters
    ----------
    past : Past
        The complete generations.
    begin : float
        When the generation in flight was first submitted, NaN if there is none yet; Unix time in s.
    now : float
        Unix time in s.
    max_ngen : int
        How many generations there will be.
    timeout : float
        Of one in s.
    """
    left = max_ngen - past.complete
    if left <= 0:
        return Forecast()
    started = begin if math.isfinite(begin) else now
    latest = max(now, started + left * timeout)
    durations = _durations(past, begin, timeout)
    if not len(durations):
        return Forecast(latest=latest)
    low, middle, high = (float(value) for value in np.percentile(durations, (25, 50, 75)))
    # the generation in flight may take longer than usual: then it ends now, for all that is known
    end = max(now, started + middle) + (left - 1) * middle
    return Forecast(generation_seconds=middle, range_seconds=(low, high), end=end, latest=latest)


def _durations(past: Past, begin: float, timeout: float) -> FloatArray:
    """Return how long the last generations took, from first submission to first submission if that is known."""
    begins = np.r_[past.begins, begin][-_LAST - 1 :]
    to_next = np.diff(begins)
    to_end = past.ends[-_LAST:] - past.begins[-_LAST:]
    # while nobody carried the run out, no generation took any time
    passed = np.where(to_next <= timeout + _SLACK, to_next, to_end)
    return passed[np.isfinite(passed) & (passed > 0)]
