"""Targets of simulations that are plain Python callables: a number that the callable returned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from targets.base import AtLeastTarget, AtMostTarget, PointTarget, RangeTarget, Target, Unmeasurable
from targets.errors import NoValue
from targets.numbers import as_number
from targets.plugins import nearest
from targets.registry import target


class Returned(Target):
    """The number that a simulation returned under ``key``."""

    key: str = Field(description="key of the value in the mapping that the simulation returned")

    def _subject(self) -> str:
        return self.key

    def outputs(self, recordings: Any) -> float:
        """Return ``recordings[key]``.

        Raises
        ------
        NoValue
            If the recordings aren't a mapping, have no such key, or what is there isn't a number.
        """
        if not isinstance(recordings, Mapping):
            got = type(recordings).__name__
            raise Unmeasurable("class", f"{type(self).__name__} needs a mapping of numbers, got {got}")
        if self.key not in recordings:
            known = [str(key) for key in recordings]
            hint = nearest(self.key, known)
            message = f"the simulation returned no {self.key!r}{hint}; it returned: {', '.join(known) or 'nothing'}"
            # nothing at all says that there was nothing to measure this time
            raise Unmeasurable("key", message) if known else NoValue(message)
        try:
            number = as_number(recordings[self.key])
        except TypeError as error:
            raise NoValue(f"{self.key!r}: {error}") from None
        if number is None:
            raise NoValue(f"the simulation returned no value for {self.key!r}")
        return number


@target("ReturnedValue", unit="")
class ReturnedValue(Returned, PointTarget):
    """A returned number that should be ``target_value``."""


@target("ReturnedValueRange", unit="")
class ReturnedValueRange(Returned, RangeTarget):
    """A returned number that should lie in ``target_value``."""


@target("ReturnedValueAtLeast", unit="")
class ReturnedValueAtLeast(Returned, AtLeastTarget):
    """A returned number that should be ``target_value`` or more."""


@target("ReturnedValueAtMost", unit="")
class ReturnedValueAtMost(Returned, AtMostTarget):
    """A returned number that should be ``target_value`` or less."""
