"""Targets on events that a simulation leaves, such as spikes: how many, when, and how regular."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np
from pydantic import Field

from targets.base import Target, Unmeasurable
from targets.errors import NoValue
from targets.kinds import of_every_kind, wanting_that_of_data
from targets.numbers import FloatArray
from targets.recordings import Events, Recordings, Trace
from targets.recordings.units import factor
from targets.series.interval import Interval
from targets.series.named import measured_series, named

Made = TypeVar("Made", bound="EventTarget")


class EventTarget(Target):
    """One number of events in a window of time; the mean over trials if there are several."""

    events: str | None = Field(
        default=None, min_length=1, description="name of the events; may be left out if the simulation leaves only one"
    )
    data: str | None = Field(
        default=None,
        min_length=1,
        description="name of measured events in the section data; their value is wanted",
    )
    labels: list[str | int] | None = Field(
        default=None, min_length=1, description="labels of the events that count, such as cell types; by default all"
    )
    window: Interval = Field(description="[from, to], the times that count, ms")

    options_of_score: ClassVar[frozenset[str]] = Target.options_of_score | {"data"}

    def _subject(self) -> str | None:
        return self.events or self.data

    def with_data(self: Made, data: Mapping[str, Trace | Events]) -> Made:  # noqa: D102
        if self.data is None:
            return self
        events = measured_series(data, self.data, Events)
        return wanting_that_of_data(self, self.data, lambda: self.of_times(self._times_of(events)))

    def outputs(self, recordings: Any) -> Sequence[float]:
        """Return the number of each trial."""
        if not isinstance(recordings, Recordings):
            raise Unmeasurable("class", f"{type(self).__name__} needs events, got {type(recordings).__name__}")
        trials = recordings.trials or (recordings,)
        return [self.of_times(self._times_of(named(each.events, self.events, "events"))) for each in trials]

    def value(self, outputs: FloatArray) -> float:
        """Return the mean over the trials."""
        return float(outputs.mean())

    @abstractmethod
    def of_times(self, times: FloatArray) -> float:
        """Return the number that events at these times in ms, sorted, have; raises `NoValue`."""

    def _times_of(self, events: Events) -> FloatArray:
        try:
            times = events.times * factor(events.time_unit, "ms")
        except ValueError as error:
            raise Unmeasurable("events", f"{self.events or 'the only ones'}: {error}") from error
        inside = (times >= self.window[0]) & (times <= self.window[1])
        if self.labels is not None:
            inside &= np.isin(events.labels, [str(label) for label in self.labels])
        return np.asarray(times[inside])


@of_every_kind("EventCount", unit="")
class EventCount(EventTarget):
    """The number of events in the window."""

    def of_times(self, times: FloatArray) -> float:  # noqa: D102
        return float(times.size)


@of_every_kind("EventRate", unit="Hz")
class EventRate(EventTarget):
    """The number of events by the length of the window, and by ``sources``."""

    sources: int = Field(default=1, ge=1, description="cells or channels that the events are those of")

    def of_times(self, times: FloatArray) -> float:  # noqa: D102
        return 1000 * times.size / (self.window[1] - self.window[0]) / self.sources


@of_every_kind("FirstEvent", unit="ms")
class FirstEvent(EventTarget):
    """The time of the first event after the beginning of the window."""

    def of_times(self, times: FloatArray) -> float:  # noqa: D102
        if not times.size:
            raise NoValue("no events in the window")
        return float(times[0]) - self.window[0]


@of_every_kind("EventIrregularity", unit="")
class EventIrregularity(EventTarget):
    """Coefficient of variation of the intervals between events, ``std / mean`` (ddof 0); 1 for a Poisson process."""

    def of_times(self, times: FloatArray) -> float:  # noqa: D102
        intervals = np.diff(times)
        if intervals.size < 2 or intervals.mean() == 0:
            raise NoValue(f"{times.size} events in the window have no irregularity")
        return float(intervals.std() / intervals.mean())
