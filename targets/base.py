"""What a target is: a value taken from recordings, and the distance of that value from the one that is wanted.

A target class joins two things that know nothing of each other:

- a *value*, a subclass of :class:`Target` that implements :meth:`Target.outputs`, and says in :attr:`Target.needs` what
  has to be recorded and presented for it; where there is more than one output, :meth:`Target.value` makes one number of
  them;
- a *kind*, one of :class:`PointTarget`, :class:`RangeTarget`, :class:`AtLeastTarget`, :class:`AtMostTarget`.

They compose by inheritance, the value first: ``class MyTarget(SpontaneousRate, AtMostTarget): ...``. (Options are
pydantic fields, of which those of the first base class count.)
"""

from __future__ import annotations

import inspect
import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveFloat, PrivateAttr, field_validator

from targets.errors import NoValue
from targets.needs import Needs
from targets.numbers import FloatArray, as_outputs
from targets.recordings import Events, Trace

# What is ranked exceeds the cap of what is shown by at most this share of it, and by half of that where a value is so
# many caps above the cap: up to there, two targets are weighed against each other nearly as below it.
_ABOVE_CAP = 0.05
_HALFWAY = 100


Made = TypeVar("Made", bound="Target")


def takes_recordings(method: Any) -> bool:
    """Return whether the one argument of a method has the name that it had before there were outputs."""
    return inspect.isfunction(method) and [*inspect.signature(method).parameters][1:] == ["recordings"]


class UnfitData(ValueError):
    """Raised by :meth:`Target.with_data` if measured recordings are missing or do not suit the target.

    Parameters
    ----------
    option : str
        The target's option to change.
    message : str
        What is wrong.
    """

    def __init__(self, option: str, message: str):
        super().__init__(option, message)
        self.option = option

    def __str__(self) -> str:
        return str(self.args[1])


class Unmeasurable(NoValue):
    """Raised by :meth:`Target.outputs` if what is wrong are the target's options, whatever the model's parameters are.

    Parameters
    ----------
    option : str
        The target's option to change.
    message : str
        What was expected, and what there is.
    """

    def __init__(self, option: str, message: str):
        super().__init__(option, message)
        self.option = option

    def __str__(self) -> str:
        return "{}: {}".format(*self.args)


class Target(BaseModel):
    """One number that the recordings of an offspring have, and how far it is from the wanted one.

    A user's own target is a class with a kind, a unit, options as pydantic fields, and :meth:`outputs`; the example is
    in the docstring of :mod:`targets`.

    The way from recordings to a score has three steps: ``outputs(recordings)`` on the node, the only one that sees the
    recordings; ``value(outputs)`` and ``score(value)``, which are pure arithmetic, so that they can be computed again
    of stored outputs under other target values, norms or data.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: ClassVar[str] = ""
    """Unit of :meth:`value`, of ``target_value`` and of ``norm``; empty for a pure number."""

    wanted_kind: ClassVar[str] = ""
    """What the kind is called, for people: ``at most``; empty for a kind of the user's own that says nothing."""

    any_target_value: ClassVar[Any] = 0.0
    """A target value that the kind accepts, for those who only want the value."""

    options_of_score: ClassVar[frozenset[str]] = frozenset({"target_value", "norm", "max_score", "name"})
    """Options that the value does not depend on: stored values have a score under others, too."""

    options_of_value: ClassVar[frozenset[str]] = frozenset()
    """Further ones that :meth:`value` depends on, and :meth:`outputs` does not: stored outputs have another value."""

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
    _entry: int = PrivateAttr(0)

    def __init_subclass__(cls, **options: Any) -> None:
        """Take the one step of targets that were written before, ``value(recordings)``, for :meth:`outputs`."""
        super().__init_subclass__(**options)
        before = cls.__dict__.get("value")
        if before is not None and getattr(cls.outputs, "__isabstractmethod__", False) and takes_recordings(before):
            cls.outputs = before  # type: ignore[method-assign]
            del cls.value

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

    @property
    def needs(self) -> Needs:
        """What has to be recorded and presented for a value; empty if the target does not say."""
        return Needs()

    @property
    def wanted_interval(self) -> tuple[float, float] | None:
        """The edges of the values that score 0, infinite if open; None if these are no interval, or unknown."""
        return None

    @property
    def wanted_in_words(self) -> str:
        """What is wanted, for people: ``at most 5``, without the unit."""
        if self.wanted_interval is not None:
            return interval_in_words(*self.wanted_interval)
        target_value = getattr(self, "target_value", "")
        return f"{target_value:g}" if isinstance(target_value, float) else str(target_value)

    def parts(self) -> Sequence[Target]:
        """Return the targets that this entry of a configuration stands for, such as one for each of several sweeps.

        Each has a value and a score of its own. By default there is one, this target.
        """
        return (self,)

    @property
    def entry(self) -> int:
        """Place of the entry that the target comes from, in the list of the configuration, from 0."""
        return self._entry

    def for_entry(self: Made, entry: int) -> Made:
        """Return this target as that of an entry of a configuration."""
        copy = self.model_copy()
        copy._entry = entry
        return copy

    def with_data(self: Made, data: Mapping[str, Trace | Events]) -> Made:
        """Return this target with the measured recordings at hand that it compares with; most need none.

        Raises
        ------
        UnfitData
            If it needs some that are not there or do not suit it.
        """
        return self

    def difference_of_outputs(self, other: Target) -> str | None:
        """Return why the outputs of another target of these options are others, because of its data; None if not."""
        return None

    @abstractmethod
    def outputs(self, recordings: Any) -> ArrayLike | None:
        """Return the number or the numbers that the value is computed from.

        Parameters
        ----------
        recordings
            What the simulation left: a :class:`targets.Datastore` for mozaik, :class:`targets.Recordings` for a
            function or a command, which are a mapping of the returned numbers.

        Returns
        -------
        float, or array_like of float, shape (n_outputs,)
            The value itself in ``unit``, None if there is none; or the samples or features that :meth:`value` makes
            one of.

        Raises
        ------
        NoValue
            With the reason, if the recordings have no such value (nothing recorded, too few spikes, 0/0).
        """

    def value(self, outputs: FloatArray) -> float:
        """Return the value in ``unit`` that outputs of shape (n_outputs,) have: of one number, the number."""
        if outputs.size != 1:
            raise NoValue(
                f"{type(self).__name__} returned {outputs.size} outputs, and does not say what their value is"
            )
        return float(outputs[0])

    def residuals(self, outputs: FloatArray) -> FloatArray | None:
        """Return differences, shape (n_residuals,), whose Euclidean norm is the distance; None if there are no such.

        Optimisers for sums of squares follow each of them, which takes far fewer evaluations than following the sum.
        """
        return None

    def measured(self, recordings: Any) -> float:
        """Return the value of recordings in ``unit``; raises as :meth:`outputs` and :meth:`value`."""
        outputs = as_outputs(self.outputs(recordings))
        if outputs is None:
            raise NoValue("no value")
        return self.value(outputs)

    @abstractmethod
    def distance(self, value: float) -> float:
        """Return how far `value` is from what is wanted, >= 0, in ``unit``."""

    def score(self, value: float | None) -> float:
        """Score a value: ``distance / norm``, at most ``max_score``, which a missing or non-finite value scores too.

        Pure arithmetic, so that scores can be computed again from stored values under other target values or norms.
        """
        return min(self.ranked_score(value), self.max_score)

    def ranked_score(self, value: float | None) -> float:
        """Score a value for an optimiser, which has to tell bad from worse beyond ``max_score`` too.

        Up to the cap it is ``s = distance / norm``, the score that people see. Above the cap it goes on growing,
        strictly, and by up to 5 % of the cap: ``max_score * (1 + 0.05 * e / (e + 100))`` with the excess
        ``e = s / max_score - 1``. A missing or non-finite value is ranked behind all others, at ``1.05 * max_score``.
        """
        if value is None or not math.isfinite(value):
            return self.max_score * (1 + _ABOVE_CAP)
        norms = self.distance(value) / self.norm
        if norms <= self.max_score:
            return norms
        # e / (e + 100), where an infinite e gives 1
        share = 1 - _HALFWAY / (norms / self.max_score - 1 + _HALFWAY)
        return self.max_score * (1 + _ABOVE_CAP * share)


def interval_in_words(low: float, high: float) -> str:
    """Return an interval of wanted values for people: ``1 to 5``, ``at least 0.8``, ``at most 5``, ``0.01``."""
    if low == high:
        return f"{low:g}"
    if math.isinf(low) and math.isinf(high):
        return "anything"
    if math.isinf(low):
        return f"at most {high:g}"
    return f"at least {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"


class IntervalTarget(Target):
    """A target whose wanted values are an interval: the distance is that to the nearer edge, 0 inside, edges included.

    Subclasses say in ``wanted_interval`` what ``target_value`` means.
    """

    @property
    @abstractmethod
    def wanted_interval(self) -> tuple[float, float]: ...  # noqa: D102

    def distance(self, value: float) -> float:  # noqa: D102
        low, high = self.wanted_interval
        return max(low - value, value - high, 0.0)


class PointTarget(IntervalTarget):
    """The value should be ``target_value``: distance ``|target_value - value|``."""

    wanted_kind = "point"

    target_value: FiniteFloat = Field(description="the wanted value, in the target's unit")

    @property
    def wanted_interval(self) -> tuple[float, float]:  # noqa: D102
        return self.target_value, self.target_value


class RangeTarget(IntervalTarget):
    """The value should lie in ``[low, high]``, edges included: distance to the nearer edge, 0 inside."""

    wanted_kind = "range"
    any_target_value = (0.0, 0.0)

    target_value: tuple[FiniteFloat, FiniteFloat] = Field(
        description="[low, high], the edges of the wanted range, in the target's unit"
    )

    @field_validator("target_value")
    @classmethod
    def _ordered(cls, edges: tuple[float, float]) -> tuple[float, float]:
        if edges[0] > edges[1]:
            raise ValueError(f"low must not exceed high, got [{edges[0]:g}, {edges[1]:g}]")
        return edges

    @property
    def wanted_interval(self) -> tuple[float, float]:  # noqa: D102
        return self.target_value


class AtLeastTarget(IntervalTarget):
    """The value should be ``target_value`` or more: distance ``target_value - value`` below it, 0 from there on."""

    wanted_kind = "at least"

    target_value: FiniteFloat = Field(description="the least wanted value, in the target's unit")

    @property
    def wanted_interval(self) -> tuple[float, float]:  # noqa: D102
        return self.target_value, math.inf


class AtMostTarget(IntervalTarget):
    """The value should be ``target_value`` or less: distance ``value - target_value`` above it, 0 up to there."""

    wanted_kind = "at most"

    target_value: FiniteFloat = Field(description="the largest wanted value, in the target's unit")

    @property
    def wanted_interval(self) -> tuple[float, float]:  # noqa: D102
        return -math.inf, self.target_value
