"""Targets of spontaneous activity: rate, irregularity, synchrony."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveFloat

from targets.base import AtLeastTarget, PointTarget, RangeTarget
from targets.datastore import Datastore
from targets.errors import NoValue
from targets.needs import SPIKES, Located, Needs, extent
from targets.registry import target
from targets.segment import Segment
from targets.sheet_target import SpontaneousTarget, mean_over
from targets.spikes import SpikeTrains


class _SpontaneousSpikes(SpontaneousTarget):
    """A value of the spikes of a sheet's spontaneous activity."""

    @property
    def needs(self) -> Needs:
        """Spikes of spontaneous activity."""
        return super().needs + Needs((SPIKES,))


class SpontaneousRate(_SpontaneousSpikes):
    """Mean over the recorded trains of ``1000 n / (t_stop - t_start)``, in Hz; silence is 0.

    Trials are averaged.
    """

    def outputs(self, recordings: Any) -> float:  # noqa: D102
        return mean_over(self.spontaneous(recordings), lambda segment: float(segment.spikes().rates().mean()))


class SpontaneousIrregularity(_SpontaneousSpikes):
    """Mean coefficient of variation of the inter-spike intervals: ``std(ISI, ddof 0) / mean(ISI)`` of each train.

    Only trains with more than ``min_intervals`` intervals count; trials are averaged. 1 for Poisson trains.
    """

    min_intervals: NonNegativeInt = Field(default=5, description="a train counts if it has more intervals than this")

    def outputs(self, recordings: Any) -> float:  # noqa: D102
        return mean_over(self.spontaneous(recordings), self._irregularity)

    def coefficients(self, segment: Segment) -> NDArray[np.float64]:
        """Return the coefficients of variation of the trains that count, (n_trains that count,).

        Raises
        ------
        NoValue
            If no train counts.
        """
        intervals = segment.spikes().intervals()
        cv = intervals.cv[(intervals.number > self.min_intervals) & np.isfinite(intervals.cv)]
        if not cv.size:
            raise NoValue(f"no train of sheet {self.sheet_name} has more than {self.min_intervals} intervals")
        return cv

    def _irregularity(self, segment: Segment) -> float:
        return float(self.coefficients(segment).mean())


class SpontaneousSynchrony(_SpontaneousSpikes):
    """Mean pairwise Pearson correlation of the trains' spike counts in bins over the whole segment.

    There are ``round(T / bin)`` equal bins in a segment of T ms, which fill it: 50 bins of 10.08 ms in 504 ms. The
    trains are those of neurons in a centred square, ``max(|x|, |y|) <= window / 2``, with more than ``min_intervals``
    inter-spike intervals. A pair with a train of constant counts has correlation 0. Trials are averaged.
    """

    window: PositiveFloat = Field(default=3.0, description="side of the centred square, degrees of visual field")
    bin: PositiveFloat = Field(default=10.0, description="width of a bin of the spike counts, about, ms")
    min_intervals: NonNegativeInt = Field(default=5, description="a train counts if it has more intervals than this")

    @property
    def needs(self) -> Needs:
        """Spikes of spontaneous activity, of two neurons in the square."""
        return super().needs + Needs(located=(self.square,))

    @property
    def square(self) -> Located:
        """Where the neurons are."""
        return Located(self.window / 2, round=False, least=2, option="window")

    def outputs(self, recordings: Any) -> float:  # noqa: D102
        datastore = self.datastore(recordings)
        return mean_over(self.spontaneous(recordings), lambda segment: self._synchrony(datastore, segment))

    def central_trains(self, datastore: Datastore, segment: Segment) -> SpikeTrains:
        """Return the trains that are correlated with each other.

        Raises
        ------
        NoValue
            If there are fewer than two, or the recording is shorter than two bins.
        """
        trains = segment.spikes()
        sheet = datastore.sheet(self.sheet_name)
        x, y = sheet.require_positions()[:2, sheet.indices(trains.ids)]
        central = self.square.selects(x, y)
        if central.sum() < 2:
            raise NoValue(
                f"synchrony needs two recorded neurons of sheet {self.sheet_name} {self.square.words}, there are "
                f"{central.sum()}: their positions are {extent(x, y)}"
            )
        chosen = central & (trains.intervals().number > self.min_intervals)
        if chosen.sum() < 2:
            raise NoValue(
                f"synchrony needs two trains of sheet {self.sheet_name} in the centred square of {self.window:g} "
                f"degrees with more than {self.min_intervals} intervals, there are {chosen.sum()}"
            )
        if trains.n_bins(self.bin_of(trains)) < 2:
            raise NoValue(f"synchrony needs two bins of {self.bin:g} ms, the recording lasts {trains.duration:g} ms")
        return trains.select(chosen)

    def bin_of(self, trains: SpikeTrains) -> float:
        """Return the width in ms of the equal bins that fill the recording of these trains."""
        return trains.equal_width(self.bin)

    def _synchrony(self, datastore: Datastore, segment: Segment) -> float:
        trains = self.central_trains(datastore, segment)
        return trains.mean_correlation(self.bin_of(trains))


@target("SpontActivityTarget", unit="Hz")
class SpontActivityTarget(SpontaneousRate, RangeTarget):
    """The spontaneous rate should lie in a range."""


@target("IrregularityTarget", unit="")
class IrregularityTarget(SpontaneousIrregularity, AtLeastTarget):
    """The spontaneous irregularity should be at least ``target_value``."""


@target("SynchronyTarget", unit="")
class SynchronyTarget(SpontaneousSynchrony, PointTarget):
    """The spontaneous synchrony should be ``target_value``."""
