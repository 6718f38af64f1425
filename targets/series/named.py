"""Finds the trace or the events that a target names: among those that a simulation left, or among measured ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar

from targets.base import UnfitData, Unmeasurable
from targets.plugins import nearest
from targets.recordings import Events, Trace

Series = TypeVar("Series", Trace, Events)
# several of them
_PLURALS = {"trace": "traces", "events": "events"}
# what is expected, and what a recording is
_SORTS = {Trace: ("a trace", "is a trace"), Events: ("events", "are events")}


def named(found: Mapping[str, Series], name: str | None, option: Literal["trace", "events"]) -> Series:
    """Return what has a name, or the only one there is.

    Parameters
    ----------
    found : mapping of str to Trace or to Events
        What a simulation left.
    name : str, optional
        That of one of them.
    option : {"trace", "events"}
        The target's option that says the name.

    Raises
    ------
    targets.base.Unmeasurable
        If there is none of this name, or not just one and no name.
    """
    if name is None:
        if len(found) != 1:
            left = f"the {_PLURALS[option]} {', '.join(found)}" if found else f"no {option}"
            raise Unmeasurable(option, f"expected a name, as the simulation left {left}")
        return next(iter(found.values()))
    if name not in found:
        there = ", ".join(found) or "none"
        raise Unmeasurable(
            option, f"the simulation left no {option} {name!r}{nearest(name, list(found))}; it left: {there}"
        )
    return found[name]


def measured_series(data: Mapping[str, Trace | Events], name: str, sort: type[Series]) -> Series:
    """Return the measured trace or events of a name.

    Parameters
    ----------
    data : mapping of str to Trace or Events
        The section ``data``.
    name : str
        That of one of them.
    sort : type
        Which of the two is wanted.

    Raises
    ------
    targets.base.UnfitData
        If there is none of this name, or it is of the other sort.
    """
    if name not in data:
        known = ", ".join(data) or "nothing"
        raise UnfitData("data", f"the section data has no {name!r}{nearest(name, list(data))}; it has: {known}")
    found = data[name]
    if not isinstance(found, sort):
        expected, got = _SORTS[sort][0], _SORTS[type(found)][1]
        raise UnfitData("data", f"expected {expected}, {name!r} in the section data {got}")
    return found
