"""What the targets of mozaik datastores have in common: a sheet, its spontaneous activity, rates by cell."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat

from targets.base import Target
from targets.datastore import Datastore
from targets.errors import NoValue
from targets.needs import Needs, Presented
from targets.segment import Segment
from targets.stimuli import SPONTANEOUS


class SheetTarget(Target):
    """A value of one sheet of a mozaik datastore."""

    sheet_name: str = Field(min_length=1, description="sheet of the model the value is taken from")

    def datastore(self, recordings: Any) -> Datastore:
        """Return `recordings`, checked to be a datastore.

        Raises
        ------
        NoValue
            If they are something else.
        """
        if not isinstance(recordings, Datastore):
            raise NoValue(f"{type(self).__name__} needs a mozaik datastore, got {type(recordings).__name__}")
        return recordings

    def missing(self, datastore: Datastore, what: str) -> NoValue:
        """Return the statement that the sheet has no recording of `what`, with what could not be read of it."""
        problems = datastore.problems(self.sheet_name)
        unread = f"; unreadable annotations: {'; '.join(problems[:3])}" if problems else ""
        return NoValue(f"no recording of {what} in sheet {self.sheet_name}{unread}")


class SpontaneousTarget(SheetTarget):
    """A value of a sheet's spontaneous activity."""

    duration: PositiveFloat | None = Field(
        default=None, description="duration of the spontaneous stimulus, ms; by default the longest that was presented"
    )

    @property
    def needs(self) -> Needs:
        """The spontaneous activity, of ``duration`` if that is given."""
        parameters = {} if self.duration is None else {"duration": self.duration}
        return super().needs + Needs(presented=(Presented(SPONTANEOUS, parameters, {"duration": "duration"}),))

    def spontaneous(self, recordings: Any) -> list[Segment]:
        """Return the segments of spontaneous activity, at least one.

        Raises
        ------
        NoValue
            If there are none.
        """
        datastore = self.datastore(recordings)
        segments = datastore.spontaneous(self.sheet_name, self.duration)
        if not segments:
            length = f" of {self.duration:g} ms" if self.duration is not None else ""
            raise self.missing(datastore, f"spontaneous activity{length}")
        return segments


def mean_over(segments: Sequence[Segment], value: Callable[[Segment], float]) -> float:
    """Average a value over trials, those without a value left out.

    Raises
    ------
    NoValue
        If no trial has a value, with the reason of the first.
    """
    values, reasons = [], []
    for segment in segments:
        try:
            values.append(value(segment))
        except NoValue as reason:
            reasons.append(reason)
    if not values:
        raise reasons[0] if reasons else NoValue("nothing was recorded")
    return float(np.mean(values))


def rates_by_cell(datastore: Datastore, sheet_name: str, segments: Sequence[Segment]) -> NDArray[np.float64]:
    """Return the mean rate of a sheet's N cells averaged over trials, in Hz, (N,); NaN for cells not recorded."""
    sheet = datastore.sheet(sheet_name)
    rates = np.full((len(segments), sheet.ids.size), np.nan)
    for trial, segment in zip(rates, segments, strict=True):
        trains = segment.spikes()
        trial[sheet.indices(trains.ids)] = trains.rates()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of no trials is NaN, as wanted
        return np.asarray(np.nanmean(rates, axis=0), np.float64)
