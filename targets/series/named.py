"""Finds the trace or the events that a target names among those that a simulation left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar

from targets.base import Unmeasurable
from targets.plugins import nearest
from targets.recordings import Events, Trace

Series = TypeVar("Series", Trace, Events)
# several of them
_PLURALS = {"trace": "traces", "events": "events"}


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
