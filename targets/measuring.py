"""Measures many targets of one simulation, each value with the reason if there is none, and checks scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np

from targets.base import Target, Unmeasurable
from targets.errors import DatastoreError, NoValue
from targets.numbers import FloatArray, as_number, as_outputs
from targets.plugins import said
from targets.recordings import Recordings


class Measurement(NamedTuple):
    """The value of one target, or the reason why there is none.

    Its outputs are there if they are several numbers, and no more than `MOST_OUTPUTS`.
    """

    value: float | None
    reason: str | None
    outputs: tuple[float, ...] = ()
    option: str = ""
    """The target's option because of which there is no value, whatever the parameters are; empty otherwise."""
    deviation: float | None = None
    """Standard deviation (n - 1) of the values of single trials, if there are several."""
    error: float | None = None
    """Standard error of the value if that is the mean of those of single trials: that standard deviation over the
    square root of their number. Of other values, such as those of an averaged trace, it is not known."""


# numbers that one target keeps of an evaluation
MOST_OUTPUTS = 20_000
# how far a value may be off the mean of those of trials to be that, relative to it and to their standard deviation
_ROUNDING, _NEAR = 1e-9, 1e-3


class ScoreError(ValueError):
    """A target's own score is no finite number, or negative; the message says which target and what it gives."""


def measure(targets: Sequence[Target], recordings: object, fatal: Collection[int] = ()) -> list[Measurement]:
    """Compute the value of every target.

    A target that fails costs its own value only: whatever it raises becomes the reason, except what is `fatal`.

    Parameters
    ----------
    targets : sequence of Target
        What is measured.
    recordings
        What the simulation left, as :meth:`Target.outputs` takes it.
    fatal : collection of int
        Error numbers that say that the recordings could not be read just now, such as ``errno.ESTALE``.

    Returns
    -------
    list of Measurement
        One for each target, in their order; a value is a finite float or None.

    Raises
    ------
    OSError
        If it is fatal.
    """
    return [_measure(target, recordings, fatal) for target in targets]


def _measure(target: Target, recordings: object, fatal: Collection[int]) -> Measurement:
    try:
        outputs = as_outputs(target.outputs(recordings))
    except Exception as error:  # noqa: BLE001  (a user's target may raise anything)
        return _without_value(error, fatal)
    if outputs is None:
        return Measurement(None, "no value")
    found = value_of(target, outputs, fatal)
    if found.value is None:
        return found
    kept = tuple(outputs.tolist()) if 1 < outputs.size <= MOST_OUTPUTS else ()
    trials = recordings.trials if isinstance(recordings, Recordings) else ()
    single = [value for trial in trials if (value := _measure(target, trial, fatal).value) is not None]
    deviation = _deviation(single)
    return found._replace(outputs=kept, deviation=deviation, error=_error(found.value, single, deviation))


def value_of(target: Target, outputs: FloatArray, fatal: Collection[int] = ()) -> Measurement:
    """Compute the value that outputs of a target have, those of a simulation or stored ones; as `measure`.

    Parameters
    ----------
    target : Target
        Whose they are.
    outputs : ndarray of float, shape (n_outputs,)
        What `Target.outputs` returned; they are not among what is returned.
    fatal : collection of int
        As for `measure`.
    """
    try:
        value = as_number(target.value(outputs))
    except Exception as error:  # noqa: BLE001  (a user's target may raise anything)
        return _without_value(error, fatal)
    if value is None:
        return Measurement(None, "no value")
    return Measurement(value, None) if math.isfinite(value) else Measurement(None, f"the value is {value}")


def _without_value(error: Exception, fatal: Collection[int]) -> Measurement:
    """Return the reason that a target gives; raises the error if it is fatal."""
    for each in (error, error.__cause__):
        if isinstance(each, OSError) and each.errno in fatal:
            raise each from None
    if isinstance(error, (NoValue, DatastoreError)):
        option = error.option if isinstance(error, Unmeasurable) else ""
        return Measurement(None, str(error) or "no value", option=option)
    return Measurement(None, said(error))


def _deviation(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        deviation = float(np.std(values, ddof=1))
    return deviation if math.isfinite(deviation) else None


def _error(value: float, single: Sequence[float], deviation: float | None) -> float | None:
    """Return the standard error of the mean of the values of trials, if that is what the value is."""
    if deviation is None or abs(value - sum(single) / len(single)) > _ROUNDING * abs(value) + _NEAR * deviation:
        return None
    return deviation / math.sqrt(len(single))


def score_of(target: Target, value: float | None) -> float:
    """Return the score of a value, checked: a target of the user's own may return anything.

    Raises
    ------
    ScoreError
        If the target fails, or its score is no finite number or is negative: no optimiser can be told that.
    """
    return _checked(target, target.score, value)


def ranked_score_of(target: Target, value: float | None) -> float:
    """Return the score of a value for an optimiser, checked: the score itself below ``max_score``, and more above it.

    A target of the user's own may compute its score in another way than all others; it counts where it is below the
    cap, and where it is above what :meth:`Target.ranked_score` makes of the distance.

    Raises
    ------
    ScoreError
        As `score_of`.
    """
    score = score_of(target, value)
    return score if score < target.max_score else max(score, _checked(target, target.ranked_score, value))


def _checked(target: Target, scoring: Callable[[float | None], float], value: float | None) -> float:
    try:
        score = float(scoring(value))
        what = f"its score of the value {value} is {score}"
    except Exception as error:  # noqa: BLE001  (a user's target may raise anything)
        score, what = math.nan, f"its score of the value {value} fails: {said(error)}"
    if not 0 <= score < math.inf:
        raise ScoreError(f"target {target.label}: {what}; expected a finite number, not negative")
    return score
