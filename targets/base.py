"""What a target is: a value taken from recordings, and the distance of that value from the one that is wanted.

A target class joins two things that know nothing of each other:

- a *value*, a subclass of :class:`Target` that implements :meth:`Target.value`;
- a *kind*, one of :class:`PointTarget`, :class:`RangeTarget`, :class:`AtLeastTarget`, :class:`AtMostTarget`.

They compose by inheritance, the value first: ``class MyTarget(SpontaneousRate, AtMostTarget): ...``. (Options are
pydantic fields, of which those of the first base class count.)
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveFloat, field_validator


class NoValue(Exception):
    """Raised by :meth:`Target.value` where the recordings have no value; its text is the reason."""


class Target(BaseModel):
    """One number that the recordings of an offspring have, and how far it is from the wanted one.

    A user's own target is a class with a kind, a unit, options as pydantic fields, and :meth:`value`; the example is
    in the docstring of :mod:`targets`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: ClassVar[str] = ""
    """Unit of :meth:`value`, of ``target_value`` and of ``norm``; empty for a pure number."""

    if TYPE_CHECKING:  # every kind has one of its own; as a field of this class it would hide them
        target_value: float | tuple[float, float]

    sheet_name: str | None = Field(default=None, description="sheet of the model the value is taken from")
    norm: PositiveFloat = Field(
        allow_inf_nan=False, description="distance from the target value that scores 1, in the target's unit"
    )
    max_score: PositiveFloat = Field(
        default=20.0, allow_inf_nan=False, description="cap of the score, and the score of a missing value"
    )
    name: str | None = Field(default=None, min_length=1, description="label in reports instead of Class(sheet)")

    @property
    def label(self) -> str:
        """``name`` if there is one, or ``Class(sheet_name)``."""
        if self.name is not None:
            return self.name
        subject = self._subject()
        return f"{type(self).__name__}({subject})" if subject else type(self).__name__

    def _subject(self) -> str | None:
        """What tells this target from others of its class: its sheet, unless a subclass knows better."""
        return self.sheet_name

    @abstractmethod
    def value(self, recordings: Any) -> float:
        """Compute the value in ``unit``.

        Parameters
        ----------
        recordings
            What the simulation left: a :class:`targets.Datastore` for mozaik, the returned mapping for a function.

        Raises
        ------
        NoValue
            With the reason, where the recordings have no such value (nothing recorded, too few spikes, 0/0).
        """

    @abstractmethod
    def distance(self, value: float) -> float:
        """Return how far `value` is from what is wanted, >= 0, in ``unit``."""

    def score(self, value: float | None) -> float:
        """Score a value: ``distance / norm``, at most ``max_score``, which a missing or non-finite value scores too.

        Pure arithmetic, so that scores can be computed again from stored values under other target values or norms.
        """
        if value is None or not math.isfinite(value):
            return self.max_score
        return min(self.distance(value) / self.norm, self.max_score)


class PointTarget(Target):
    """The value should be ``target_value``: distance ``|target_value - value|``."""

    target_value: FiniteFloat = Field(description="the wanted value, in the target's unit")

    def distance(self, value: float) -> float:  # noqa: D102
        return abs(self.target_value - value)


class RangeTarget(Target):
    """The value should lie in ``[low, high]``, edges included: distance to the nearer edge, 0 inside."""

    target_value: tuple[FiniteFloat, FiniteFloat] = Field(
        description="[low, high], the edges of the wanted range, in the target's unit"
    )

    @field_validator("target_value")
    @classmethod
    def _ordered(cls, edges: tuple[float, float]) -> tuple[float, float]:
        if edges[0] > edges[1]:
            raise ValueError(f"low must not exceed high, got [{edges[0]:g}, {edges[1]:g}]")
        return edges

    def distance(self, value: float) -> float:  # noqa: D102
        low, high = self.target_value
        return max(low - value, value - high, 0.0)


class AtLeastTarget(Target):
    """The value should be ``target_value`` or more: distance ``target_value - value`` below it, 0 from there on."""

    target_value: FiniteFloat = Field(description="the least wanted value, in the target's unit")

    def distance(self, value: float) -> float:  # noqa: D102
        return max(self.target_value - value, 0.0)


class AtMostTarget(Target):
    """The value should be ``target_value`` or less: distance ``value - target_value`` above it, 0 up to there."""

    target_value: FiniteFloat = Field(description="the largest wanted value, in the target's unit")

    def distance(self, value: float) -> float:  # noqa: D102
        return max(value - self.target_value, 0.0)
