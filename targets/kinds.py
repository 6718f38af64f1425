"""Registers a value under all four kinds, for values of which people want one as often as another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import Field, FiniteFloat, model_validator

from targets.base import AtLeastTarget, AtMostTarget, PointTarget, RangeTarget, Target, UnfitData
from targets.errors import NoValue
from targets.registry import target

ValueClass = TypeVar("ValueClass", bound=type[Target])
Made = TypeVar("Made", bound=Target)


class PointOrDataTarget(PointTarget):
    """The value should be ``target_value``, or that of the data: distance ``|target_value - value|``."""

    target_value: FiniteFloat | None = Field(  # type: ignore[assignment]
        default=None, description="the wanted value, in the target's unit; by default that of the data"
    )

    @model_validator(mode="after")
    def _something_is_wanted(self) -> PointOrDataTarget:
        if self.target_value is None and getattr(self, "data", None) is None:
            raise ValueError("expected target_value, or data whose value is the wanted one, got neither")
        return self


def wanting_that_of_data(target: Made, data: str, value: Callable[[], float]) -> Made:
    """Return a target that wants what its data have, if it does not say what it wants.

    Parameters
    ----------
    target : Target
        Any; one with a ``target_value`` is returned as it is.
    data : str
        Name of the data, for messages.
    value : callable
        Returns their value, in the target's unit.

    Raises
    ------
    targets.base.UnfitData
        If the data have no value.
    """
    if getattr(target, "target_value", 0.0) is not None:
        return target
    try:
        return target.model_copy(update={"target_value": value()})
    except NoValue as error:
        raise UnfitData("data", f"{data!r} has no such value: {error}") from error


_KINDS: dict[str, tuple[type[Target], str]] = {
    "": (PointOrDataTarget, "should be ``target_value``, or that of the data."),
    "Range": (RangeTarget, "should lie in ``target_value``."),
    "AtLeast": (AtLeastTarget, "should be ``target_value`` or more."),
    "AtMost": (AtMostTarget, "should be ``target_value`` or less."),
}


def of_every_kind(name: str, *, unit: str | None) -> Callable[[ValueClass], ValueClass]:
    """Register the decorated value as ``NAME``, ``NAMERange``, ``NAMEAtLeast`` and ``NAMEAtMost``.

    Parameters
    ----------
    name : str
        What a configuration calls the target that should have a certain value.
    unit : str or None
        Unit of its value; None if the class says it itself.
    """

    def register(cls: ValueClass) -> ValueClass:
        first = (cls.__doc__ or "").partition("\n\n")[0].rstrip(".")
        for suffix, (kind, wanted) in _KINDS.items():
            namespace: dict[str, Any] = {"__doc__": f"{first}; it {wanted}", "__module__": cls.__module__}
            made = type(f"{name}{suffix}", (cls, kind), namespace)
            target(f"{name}{suffix}", unit=unit)(made)
        return cls

    return register
