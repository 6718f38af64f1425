"""Targets that compare a trace with a measured one, sample by sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, NonNegativeFloat, PositiveFloat, model_validator

from targets.base import PointTarget, Target, UnfitData, Unmeasurable
from targets.errors import NoValue
from targets.numbers import FloatArray
from targets.recordings import Events, Trace
from targets.registry import target
from targets.series.trace_target import CONSTANT, ROUNDING, TraceSamples, TraceTarget

FIT = "fit"


Made = TypeVar("Made", bound="ComparedTrace")


class ComparedTrace(TraceTarget):
    """A value of the difference between a trace and a measured one."""

    data: str = Field(min_length=1, description="name of a measured trace in the section data")
    resample: Literal["data", "simulation", "shorter"] = Field(
        default="data",
        description="at which times the two are compared: data, those of the data, the simulation being interpolated "
        "linearly; simulation, as many times as the simulation has; shorter, those of the one that has fewer, the "
        "other being resampled by Fourier's method, as hnn-core does",
    )
    weights: list[tuple[FiniteFloat, FiniteFloat, PositiveFloat]] = Field(
        default_factory=list,
        description="[from, to, weight] of times that count more or less than 1, ms",
    )
    smooth: NonNegativeFloat = Field(
        default=0.0, allow_inf_nan=False, description="width of the moving average of both that are compared, ms"
    )

    options_of_score: ClassVar[frozenset[str]] = Target.options_of_score
    options_of_value: ClassVar[frozenset[str]] = frozenset({"data", "weights", "smooth"})

    @model_validator(mode="after")
    def _as_many_samples_in_each_trial(self) -> ComparedTrace:
        if self.average == "values" and self.resample != "data":
            raise ValueError(f"average: values needs resample: data, got {self.resample}")
        return self

    def with_data(self: Made, data: Mapping[str, Trace | Events]) -> Made:  # noqa: D102
        bound = super().with_data(data)
        times = bound.data_samples().times
        for first, last, _ in bound.weights:
            if not ((times >= first) & (times <= last)).any():
                got = f"[{times[0]:g}, {times[-1]:g}] ms, has none in [{first:g}, {last:g}] ms"
                raise UnfitData("weights", f"expected times of the data: {self.data!r}, of {got}")
        return bound

    def difference_of_outputs(self, other: Target) -> str | None:
        """Return whether the two compare other times, or in other units."""
        found = super().difference_of_outputs(other)
        if found is not None or not isinstance(other, ComparedTrace):
            return found
        here, there = self.data_samples().times, other.data_samples().times
        if here.shape == there.shape and np.allclose(here, there, rtol=1e-9, atol=0):
            return None
        one, two = (f"{len(each)} samples over [{each[0]:g}, {each[-1]:g}] ms" for each in (here, there))
        return f"data: {self.data!r} has {one}, and {two} were measured"

    def outputs_of(self, samples: TraceSamples) -> FloatArray:
        """Return the simulated trace at the times at which it is compared, shape (n_times,)."""
        wanted = self.data_samples()
        if self.resample == "shorter":
            count = min(len(samples.values), len(wanted.values))
            return _by_fourier(samples.values, count)
        first, last = wanted.times[0], wanted.times[-1]
        # a simulation that begins at 0 often ends a step before the data do: its last sample holds until then
        slack = 1.000001 * float(np.diff(samples.times).max(initial=0.0)) + ROUNDING * max(abs(first), abs(last))
        if samples.times[0] > first + slack or samples.times[-1] < last - slack:
            covered = f"[{samples.times[0]:g}, {samples.times[-1]:g}]"
            message = f"expected times that the trace has, {covered} ms, the data have [{first:g}, {last:g}] ms"
            raise Unmeasurable("window", message)
        if self.resample == "data":
            return np.interp(wanted.times, samples.times, samples.values)
        count = int(np.count_nonzero((samples.times >= first) & (samples.times <= last)))
        return np.interp(np.linspace(first, last, count), samples.times, samples.values)

    def inside(self, times: FloatArray) -> NDArray[np.bool_]:
        """Return which of the times count: for ``resample: shorter`` the samples that hnn-core takes.

        Those are from the one nearest to the beginning to the one before that nearest to the end.
        """
        if self.resample != "shorter" or self._measured is None:
            return super().inside(times)
        edges = self.window or (self._measured.times[0], self._measured.times[-1])
        first, last = (int(np.abs(times - edge).argmin()) for edge in edges)
        steps = np.diff(times).max()
        if times[0] > edges[0] + steps or times[-1] < edges[1] - steps:
            covered = f"[{times[0]:g}, {times[-1]:g}]"
            message = f"expected times that the trace has, {covered} ms, got [{edges[0]:g}, {edges[1]:g}] ms"
            raise Unmeasurable("window", message)
        numbers = np.arange(len(times))
        return np.asarray((numbers >= first) & (numbers < last))

    def taken(self, times: FloatArray) -> NDArray[np.bool_]:
        """Return which samples of a simulated trace are needed to interpolate it: one more on each side."""
        counts = self.inside(times)
        if self.resample == "shorter":
            return counts
        before, after = np.append(counts[1:], False), np.insert(counts[:-1], 0, False)
        return np.asarray(counts | before | after)

    def measured_at(self, n_outputs: int) -> TraceSamples:
        """Return the measured samples at the times at which so many outputs are compared."""
        wanted = self.data_samples()
        if self.resample == "data":
            return wanted
        first, last = wanted.times[0], wanted.times[-1]
        if self.resample == "shorter":
            # a period is one step longer than from the first sample to the last
            period = (last - first) * len(wanted.times) / max(len(wanted.times) - 1, 1)
            return TraceSamples(
                first + period * np.arange(n_outputs) / n_outputs, _by_fourier(wanted.values, n_outputs)
            )
        times = np.linspace(first, last, n_outputs)
        return TraceSamples(times, np.interp(times, *wanted))

    def compared(self, outputs: FloatArray) -> list[tuple[FloatArray, FloatArray, FloatArray]]:
        """Return simulated samples, measured ones and weights, of which the sum is 1, of each trial that counts."""
        times, measured = self.measured_at(outputs.size)
        rows = outputs.reshape(-1, len(times))
        found = []
        for row in rows:
            weights = self.weights_of(times, row, measured)
            simulated, wanted_row = (_moving_average(times, each, self.smooth) for each in (row, measured))
            found.append((simulated, wanted_row, weights / weights.sum()))
        return found

    def weights_of(self, times: FloatArray, row: FloatArray, measured: FloatArray) -> FloatArray:
        """Return how much each sample counts, shape (n_times,), not negative; raises `NoValue` if none does.

        Parameters
        ----------
        times : ndarray of float, shape (n_times,)
            In ms.
        row, measured : ndarray of float, shape (n_times,)
            The simulated and the measured samples, not smoothed.
        """
        weights = np.ones(len(times))
        for first, last, weight in self.weights:
            weights[(times >= first) & (times <= last)] = weight
        return weights


@target("TraceRMSE", unit=None)
class TraceRMSE(ComparedTrace, PointTarget):
    """The root mean square difference from a measured trace, ``sqrt(sum(w (s x + b - data)^2) / sum(w))``.

    The factor ``s`` and the shift ``b`` are those of ``scale`` and ``shift``, or fitted by least squares.
    """

    options_of_value: ClassVar[frozenset[str]] = ComparedTrace.options_of_value | {"scale", "shift", "shift_limits"}

    target_value: FiniteFloat = Field(default=0.0, description="the wanted difference, in the unit of the data")
    scale: float | Literal["fit"] = Field(
        default=1.0, description="factor of the simulated trace, or fit: the best one that is not negative"
    )
    shift: float | Literal["fit"] = Field(
        default=0.0, description="what is added to the simulated trace, in the unit of the data, or fit: the best one"
    )
    shift_limits: tuple[FiniteFloat, FiniteFloat] | None = Field(
        default=None, description="[lowest, highest] shift that is fitted, in the unit of the data; by default any"
    )

    def value(self, outputs: FloatArray) -> float:
        """Return the root mean square difference, the mean of the trials' if their values are averaged."""
        return float(np.mean([np.linalg.norm(each) for each in self._differences(outputs)]))

    def residuals(self, outputs: FloatArray) -> FloatArray | None:
        """Return the weighted differences of the samples; None if another value than 0 is wanted, or that of trials."""
        differences = self._differences(outputs)
        return differences[0] if self.target_value == 0 and len(differences) == 1 else None

    def differences_from(self, n_outputs: int) -> tuple[TraceSamples, FloatArray] | None:
        """Return the measured samples that `residuals` are the differences from, and the factor of each difference.

        Parameters
        ----------
        n_outputs : int
            How many outputs there are, those of one trace.

        Returns
        -------
        tuple of TraceSamples and ndarray of float, shape (n_times,), or None
            Factors are above 0; None if they depend on the simulated trace.
        """
        times, measured = self.measured_at(n_outputs)
        weights = self.weights_of(times, measured, measured)
        return TraceSamples(times, _moving_average(times, measured, self.smooth)), np.sqrt(weights / weights.sum())

    def _differences(self, outputs: FloatArray) -> list[FloatArray]:
        return [
            np.sqrt(weights) * (self._adjusted(row, measured, weights) - measured)
            for row, measured, weights in self.compared(outputs)
        ]

    def _adjusted(self, row: FloatArray, measured: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the row times scale plus shift, of which one or both may be fitted."""
        means = weights @ row, weights @ measured
        if self.scale != FIT:
            scale = float(self.scale)
        elif self.shift == FIT:
            scale = _least_squares(row - means[0], measured - means[1], weights)
        else:
            scale = _least_squares(row, measured - float(self.shift), weights)
        if self.shift != FIT:
            return scale * row + float(self.shift)
        shift = float(means[1] - scale * means[0])
        if self.shift_limits is not None and not self.shift_limits[0] <= shift <= self.shift_limits[1]:
            shift = float(np.clip(shift, *self.shift_limits))
            scale = _least_squares(row, measured - shift, weights) if self.scale == FIT else scale
        return scale * row + shift


@target("TraceCorrelation", unit="")
class TraceCorrelation(ComparedTrace, PointTarget):
    """Pearson's correlation with a measured trace; the distance from 1 is hnn-core's ``dipole_corr``."""

    target_value: FiniteFloat = Field(default=1.0, description="the wanted correlation")

    def with_data(self, data: Mapping[str, Trace | Events]) -> TraceCorrelation:  # noqa: D102
        bound = super().with_data(data)
        if np.ptp(bound.data_samples().values) == 0:
            raise UnfitData("data", f"{self.data!r} does not suit it: it is constant, and correlates with nothing")
        return bound

    def value(self, outputs: FloatArray) -> float:
        """Return the weighted correlation, the mean of the trials' if their values are averaged."""
        found = []
        for row, measured, weights in self.compared(outputs):
            x, y = row - weights @ row, measured - weights @ measured
            deviations = np.sqrt(weights @ x**2), np.sqrt(weights @ y**2)
            if any(one <= CONSTANT * np.abs(of).max() for one, of in zip(deviations, (row, measured), strict=True)):
                raise NoValue("one of the two traces is constant")
            found.append(float(weights @ (x * y) / np.prod(deviations)))
        return float(np.mean(found))


def _least_squares(row: FloatArray, measured: FloatArray, weights: FloatArray) -> float:
    """Return the factor that is not negative with which a row comes nearest to a measured one."""
    square = float(weights @ row**2)
    return max(float(weights @ (row * measured)) / square, 0.0) if square else 0.0


def _moving_average(times: FloatArray, values: FloatArray, width: float) -> FloatArray:
    """Return the means of the samples within half a width of each, of fewer at the ends."""
    if not width:
        return values
    first = np.searchsorted(times, times - width / 2)
    after = np.searchsorted(times, times + width / 2, side="right")
    sums = np.append(0.0, np.cumsum(values))
    return np.asarray((sums[after] - sums[first]) / (after - first))


def _by_fourier(values: FloatArray, count: int) -> FloatArray:
    from scipy.signal import resample  # noqa: PLC0415  (half a second, and few need it)

    return values if len(values) == count else np.asarray(resample(values, count))
