"""Targets on single features of a trace: peaks, mean and spread, and the power of frequency bands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar

import numpy as np
from pydantic import Field, FiniteFloat, NonNegativeFloat, ValidationInfo, field_validator

from targets.errors import NoValue
from targets.kinds import of_every_kind, wanting_that_of_data
from targets.numbers import FloatArray
from targets.recordings import Events, Trace
from targets.series.trace_target import CONSTANT, TraceSamples, TraceTarget

Made = TypeVar("Made", bound="TraceFeature")


class TraceFeature(TraceTarget):
    """One number of each row of a trace.

    Of a measured trace it is the wanted value: with ``data`` and no ``target_value``.
    """

    def value(self, outputs: FloatArray) -> float:
        """Return the number, the mean of the trials' if their values are averaged."""
        return float(outputs.mean())

    def with_data(self: Made, data: Mapping[str, Trace | Events]) -> Made:  # noqa: D102
        bound = super().with_data(data)
        if bound.data is None:
            return bound
        return wanting_that_of_data(bound, bound.data, lambda: float(np.mean(bound.outputs_of(bound.data_samples()))))


@of_every_kind("TraceMean", unit=None)
class TraceMean(TraceFeature):
    """Mean of the samples, in the unit of the trace."""

    def outputs_of(self, samples: TraceSamples) -> float:  # noqa: D102
        return float(samples.values.mean())


@of_every_kind("TraceSD", unit=None)
class TraceSD(TraceFeature):
    """Standard deviation of the samples (ddof 0), in the unit of the trace."""

    def outputs_of(self, samples: TraceSamples) -> float:  # noqa: D102
        return float(samples.values.std())


@of_every_kind("TraceSkewness", unit="")
class TraceSkewness(TraceFeature):
    """Skewness of the samples, ``m3 / m2^1.5`` with their central moments ``m``; 0 if they are symmetric."""

    def outputs_of(self, samples: TraceSamples) -> float:  # noqa: D102
        return _standard_moment(samples, 3)


@of_every_kind("TraceKurtosis", unit="")
class TraceKurtosis(TraceFeature):
    """Kurtosis of the samples, ``m4 / m2^2`` with their central moments ``m``; 3 if they are normal."""

    def outputs_of(self, samples: TraceSamples) -> float:  # noqa: D102
        return _standard_moment(samples, 4)


def _standard_moment(samples: TraceSamples, order: int) -> float:
    deviations = samples.values - samples.values.mean()
    # of samples that are the same, what is left is rounding
    if np.ptp(samples.values) <= CONSTANT * np.abs(samples.values).max():
        raise NoValue("the trace is constant in the window")
    return float(np.mean(deviations**order) / np.mean(deviations**2) ** (order / 2))


class Peak(TraceFeature):
    """The largest sample, or the smallest or the one that is farthest from 0."""

    polarity: Literal["positive", "negative", "either"] = Field(
        default="positive",
        description="which peak: positive, the largest sample; negative, the smallest; either, the one farthest from 0",
    )

    def peak(self, samples: TraceSamples) -> int:
        """Return the number of the sample."""
        values = {"positive": samples.values, "negative": -samples.values, "either": np.abs(samples.values)}
        return int(values[self.polarity].argmax())


@of_every_kind("PeakAmplitude", unit=None)
class PeakAmplitude(Peak):
    """The value of the peak, in the unit of the trace."""

    def outputs_of(self, samples: TraceSamples) -> float:  # noqa: D102
        return float(samples.values[self.peak(samples)])


@of_every_kind("PeakLatency", unit="ms")
class PeakLatency(Peak):
    """The time of the peak; a peak at an edge of the window is none."""

    def outputs_of(self, samples: TraceSamples) -> float:  # noqa: D102
        found = self.peak(samples)
        if found in (0, len(samples.values) - 1):
            raise NoValue(f"the {self.polarity} peak is at the edge of the window, {samples.times[found]:g}")
        return float(samples.times[found])


@of_every_kind("BandPower", unit=None)
class BandPower(TraceFeature):
    """Power of a trace in bands of frequency, of its periodogram with a Hamming window.

    ``relative``: ``sum_b w_b P_b / P`` with the power ``P_b`` of band ``b``, edges included, and ``P`` of all
    frequencies; 1 at most for weights of 1. Otherwise ``sum_b w_b P_b`` in the square of the trace's unit.
    Hamming window and relative power are hnn-core's ``maximize_psd``.
    """

    bands: list[tuple[NonNegativeFloat, NonNegativeFloat]] = Field(
        min_length=1, description="[lowest, highest] frequencies of each band, Hz"
    )
    band_weights: list[FiniteFloat] | None = Field(
        default=None, description="what the power of each band counts; by default 1"
    )
    relative: bool = Field(default=True, description="whether the power is the share of that of all frequencies")

    @field_validator("bands")
    @classmethod
    def _ordered_bands(cls, bands: list[tuple[float, float]]) -> list[tuple[float, float]]:
        for low, high in bands:
            if low >= high:
                raise ValueError(f"expected [lowest, highest] with lowest < highest, got [{low:g}, {high:g}]")
        return bands

    @field_validator("band_weights")
    @classmethod
    def _one_for_each_band(cls, weights: list[float] | None, info: ValidationInfo) -> list[float] | None:
        bands = info.data.get("bands")
        if weights is not None and bands is not None and len(weights) != len(bands):
            raise ValueError(f"expected a weight for each of {len(bands)} bands, got {len(weights)}")
        return weights

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Empty for relative power, the square of the data's unit otherwise."""
        return "" if self.relative or not self.samples_unit else f"({self.samples_unit})^2"

    def outputs_of(self, samples: TraceSamples) -> float:  # noqa: D102
        steps = np.diff(samples.times)
        if len(steps) < 1:
            raise NoValue("expected at least two samples in the window, of which a spectrum can be computed, got one")
        step = float(steps.mean())
        if np.ptp(steps) > 1e-6 * step * len(steps):
            raise NoValue("expected times at equal steps, of which a spectrum can be computed")
        from scipy.signal import periodogram  # noqa: PLC0415  (half a second, and few need it)

        frequencies, density = periodogram(samples.values, 1000 / step, window="hamming")
        total = density.sum()
        if self.relative and total == 0:
            raise NoValue("the trace has no power at all")
        weights = self.band_weights or [1.0] * len(self.bands)
        inside = [(frequencies >= low) & (frequencies <= high) for low, high in self.bands]
        power = sum(weight * float(density[band].sum()) for weight, band in zip(weights, inside, strict=True))
        return power / total if self.relative else power * float(frequencies[1] - frequencies[0])
