"""Values of many targets of one simulation, each with a reason where it has none."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

from targets.base import NoValue, Target
from targets.errors import DatastoreError


class Measurement(NamedTuple):
    """The value of one target, or the reason why there is none."""

    value: float | None
    reason: str | None


def measure(targets: Sequence[Target], recordings: object, fatal: Collection[int] = ()) -> list[Measurement]:
    """Compute the value of every target.

    A target that fails costs its own value only: whatever it raises becomes the reason, but for what is `fatal`.

    Parameters
    ----------
    targets : sequence of Target
    recordings
        What the simulation left, as :meth:`Target.value` takes it.
    fatal : collection of int
        Error numbers that say that the recordings could not be read just now, such as ``errno.ESTALE``.

    Returns
    -------
    list of Measurement
        One for each target, in their order; a value is a finite float or None.

    Raises
    ------
    OSError
        Where it is fatal.
    """
    return [_measure(target, recordings, fatal) for target in targets]


def _measure(target: Target, recordings: object, fatal: Collection[int]) -> Measurement:
    try:
        value = float(target.value(recordings))
    except Exception as error:  # noqa: BLE001  (a user's target may raise anything)
        for each in (error, error.__cause__):
            if isinstance(each, OSError) and each.errno in fatal:
                raise each from None
        if isinstance(error, (NoValue, DatastoreError)):
            return Measurement(None, str(error) or "no value")
        return Measurement(None, f"{type(error).__name__}: {error}")
    if not math.isfinite(value):
        return Measurement(None, f"the value is {value}")
    return Measurement(value, None)
