"""Channels, sweeps and spike trains of recordings: which of a file's are meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.data.errors import Unreadable, require_only
from orchestrator.data.section import DataSource
from orchestrator.data.shaping import Raw
from targets.plugins import nearest
from targets.recordings import FloatArray

# two sweeps have the same times if they differ by less than this share of an interval
_TOLERANCE = 1e-3
_OF_TABLES = ("columns", "interval", "label")
# channels that are listed in a message
_MOST = 12


@dataclass(frozen=True)
class Channel:
    """One channel of one sweep.

    Parameters
    ----------
    name, unit : str
        As the file calls them.
    read : callable
        Returns the times in ms and the values, both of shape (n,).
    """

    name: str
    unit: str
    read: Callable[[], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class Train:
    """Spikes or other events of one source.

    Parameters
    ----------
    name : str
        As the file calls it.
    times : numpy.ndarray, shape (n,)
        In ms.
    """

    name: str
    times: FloatArray


def trace_of(sweeps: Mapping[int, Sequence[Channel]], source: DataSource) -> Raw:
    """Return the channel that is wanted, a row for each sweep.

    Parameters
    ----------
    sweeps : mapping of int to sequence of Channel
        The channels of each sweep that is wanted.
    source : DataSource
        Says which channel.

    Raises
    ------
    Unreadable
        If there is no such channel, or the sweeps do not fit each other.
    """
    require_only(source, _OF_TABLES, "the file has channels, which are named in channel")
    found = {number: _chosen(channels, source) for number, channels in sweeps.items()}
    samples = {number: channel.read() for number, channel in found.items()}
    first = min(samples)
    unit, (times, _) = found[first].unit, samples[first]
    tolerance = _TOLERANCE * float(np.median(np.diff(times))) if times.size > 1 else 0.0
    for number, (own, _) in samples.items():
        if own.shape != times.shape or not np.allclose(own, times, rtol=0, atol=tolerance):
            message = (
                f"expected sweeps of the same times, but sweep {number} has {own.size} samples up to {own[-1]:g} ms, "
                f"and sweep {first} {times.size} up to {times[-1]:g} ms. Name some that fit each other"
            )
            raise Unreadable("sweeps", message)
        if found[number].unit != unit:
            message = (
                f"expected sweeps of one unit, but sweep {number} is in {found[number].unit}, and {first} in {unit}"
            )
            raise Unreadable("sweeps", message)
    return Raw(times, np.array([values for _, values in samples.values()]), unit=unit, time_unit="ms")


def events_of(trains: Sequence[Train], source: DataSource) -> Raw:
    """Return the events of all trains, or of those of the name or number that is wanted, labelled with their names.

    Raises
    ------
    Unreadable
        If there are none.
    """
    require_only(source, (*_OF_TABLES, "channel"), "the file has spike trains, which are named in events")
    names = list(dict.fromkeys(train.name for train in trains))
    wanted = source.events
    if isinstance(wanted, int) and wanted is not True:
        wanted = names[wanted] if wanted < len(names) else str(wanted)
    if wanted is not True and wanted not in names:
        listed = f"; there are {', '.join(names[:_MOST])}" if names else ""
        raise Unreadable("events", f"there is no spike train or event {wanted!r}{nearest(str(wanted), names)}{listed}")
    chosen = [train for train in trains if wanted is True or train.name == wanted]
    if not any(train.times.size for train in chosen):
        raise Unreadable("events", "there are no spikes or events in it")
    labels = [train.name for train in chosen for _ in range(train.times.size)]
    return Raw(
        np.concatenate([train.times for train in chosen]), labels=np.array(labels, dtype=np.str_), time_unit="ms"
    )


def _chosen(channels: Sequence[Channel], source: DataSource) -> Channel:
    wanted = source.channel
    names = [each.name for each in channels]
    listed = ", ".join(f"{n} {each.name!r} in {each.unit}" for n, each in enumerate(channels[:_MOST])) or "none"
    if len(channels) > _MOST:
        listed += f" and {len(channels) - _MOST} more"
    if wanted is None:
        if len(channels) == 1:
            return channels[0]
        raise Unreadable("channel", f"expected the name or number of a channel, because there are {listed}")
    if isinstance(wanted, int):
        if wanted < len(channels):
            return channels[wanted]
        raise Unreadable("channel", f"there is no channel {wanted}, counted from 0; there are {listed}")
    if wanted not in names:
        raise Unreadable("channel", f"there is no channel {wanted!r}{nearest(wanted, names)}; there are {listed}")
    if names.count(wanted) > 1:
        raise Unreadable(
            "channel", f"expected the number of a channel, because several are called {wanted!r}: {listed}"
        )
    return channels[names.index(wanted)]
