"""The one trace, or the events, that a configuration wants of several that have names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from orchestrator.data.errors import Unreadable, require_only
from orchestrator.data.section import DataSource
from orchestrator.data.shaping import MS, Raw
from targets.plugins import nearest
from targets.recordings import Events, Recordings, Trace

_Recording = TypeVar("_Recording", Trace, Events)


def selected(recordings: Recordings, source: DataSource) -> Raw:
    """Return what a configuration wants of what a simulation left.

    Raises
    ------
    Unreadable
        If there is none of that name, or there are several and none is named.
    """
    names = ", ".join([*recordings.traces, *recordings.events])
    others = ("columns", "sweeps", "label", "interval")
    require_only(source, others, f"there are whole traces and events, named in channel: {names}")
    if source.events is False:
        trace = _named(recordings.traces, source.channel, "channel", "trace")
        return Raw(trace.times, trace.rows, unit=trace.unit, time_unit=_known(trace.time_unit))
    if source.events is True:
        events = _named(recordings.events, source.channel, "channel", "sort of events")
    else:
        require_only(source, ("channel",), "the events are named in events")
        events = _named(recordings.events, source.events, "events", "sort of events")
    return Raw(events.times, labels=events.labels, time_unit=_known(events.time_unit))


def _named(found: Mapping[str, _Recording], wanted: int | str | None, key: str, what: str) -> _Recording:
    names = list(found)
    listed = f"there are {', '.join(names)}" if names else "there is none"
    if wanted is None:
        if len(names) == 1:
            return found[names[0]]
        raise Unreadable(key, f"expected the name of a {what}; {listed}")
    if isinstance(wanted, int) and wanted < len(names):
        return found[names[wanted]]
    if wanted not in found:
        raise Unreadable(key, f"there is no {what} {wanted!r}{nearest(str(wanted), names)}; {listed}")
    return found[str(wanted)]


def _known(time_unit: str) -> str:
    if time_unit not in MS:
        raise Unreadable("", f"expected times in one of {', '.join(MS)}, got {time_unit!r}")
    return time_unit
