"""Targets that compare the spikes of a membrane potential, or what is beside them, with those of a measured one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, TypeVar

import numpy as np
from pydantic import Field, FiniteFloat, NonNegativeFloat, PositiveFloat, PositiveInt, PrivateAttr

from targets.base import PointTarget, Target, UnfitData
from targets.errors import NoValue
from targets.numbers import FloatArray
from targets.recordings import Events, Trace
from targets.registry import target
from targets.series.comparison import TraceRMSE
from targets.series.spikes import SPIKE_HEIGHT, SpikeTarget, spikes_of
from targets.series.trace_target import TraceSamples

Made = TypeVar("Made", bound="ComparedSpikes")


class ComparedSpikes(SpikeTarget, PointTarget):
    """The root mean square difference of numbers of the first spikes from those of a measured trace.

    As many spikes count as the data have in the window; what is compared where the simulation has fewer depends on how
    near it is to a spike. That it may have more is for `SpikeCount` to tell.
    """

    data: str = Field(min_length=1, description="name of a measured trace in the section data")
    target_value: FiniteFloat = Field(default=0.0, description="the wanted difference, in the target's unit")
    spikes: PositiveInt | None = Field(
        default=None, description="how many spikes of the data count, from the first; by default all in the window"
    )
    # number of spikes that count, and their numbers in the data
    _count: int = PrivateAttr(0)
    _numbers: FloatArray | None = PrivateAttr(None)

    options_of_score: ClassVar[frozenset[str]] = Target.options_of_score
    options_of_value: ClassVar[frozenset[str]] = frozenset({"data"})

    def with_data(self: Made, data: Mapping[str, Trace | Events]) -> Made:  # noqa: D102
        bound = super().with_data(data)
        samples = bound.data_samples()
        there = spikes_of(samples, bound.threshold).starts.size
        if not there:
            place = f"sweep {bound.sweeps[0]} of {bound.data!r}" if bound.sweeps else f"{bound.data!r}"
            what = f"expected spikes above {bound.threshold:g} mV in the window, {place} has none"
            raise UnfitData("data", f"{what}: leave it out here, SpikeCount compares silence")
        bound._count = min(there, bound.spikes or there)
        bound._numbers = bound.numbers_of(samples, bound._count)
        return bound

    def difference_of_outputs(self, other: Target) -> str | None:
        """Return whether as many spikes count."""
        found = super().difference_of_outputs(other)
        if found is not None or not isinstance(other, ComparedSpikes) or self._count == other._count:
            return found
        return f"data: {self.data!r} has {self._count} spikes that count, and {other._count} were measured"

    @abstractmethod
    def numbers_of(self, samples: TraceSamples, count: int) -> FloatArray:
        """Return the numbers of the first `count` spikes of a trace, as many whatever it has, shape (n_numbers,)."""

    def outputs_of(self, samples: TraceSamples) -> FloatArray:
        """Return the numbers of as many spikes as count."""
        self._wanted_numbers()
        return self.numbers_of(samples, self._count)

    def value(self, outputs: FloatArray) -> float:
        """Return the root mean square difference, the mean of the trials' if their values are averaged."""
        return float(np.mean(np.linalg.norm(self._differences(outputs), axis=1)))

    def residuals(self, outputs: FloatArray) -> FloatArray | None:
        """Return the differences of the numbers; None if another value than 0 is wanted, or that of trials."""
        differences = self._differences(outputs)
        return differences[0] if self.target_value == 0 and len(differences) == 1 else None

    def _differences(self, outputs: FloatArray) -> FloatArray:
        """Return what has the value as its norm, shape (n_trials, n_numbers)."""
        wanted = self._wanted_numbers()
        return np.asarray((outputs.reshape(-1, wanted.size) - wanted) / np.sqrt(wanted.size))

    def _wanted_numbers(self) -> FloatArray:
        if self._numbers is None:
            raise NoValue(f"the data {self.data!r} are not at hand")
        return self._numbers


@target("SpikeTimes", unit="ms")
class SpikeTimes(ComparedSpikes):
    """The root mean square difference of the times of the first spikes from those measured.

    ``sqrt(mean_i (t_i - T_i)^2)`` over the spikes ``T_i`` of the data, at upward crossings of ``threshold``. A spike
    that is missing counts as one at the end of the window, and 1 ms later for each mV by which the trace has stayed
    below the threshold since the last one.
    """

    def numbers_of(self, samples: TraceSamples, count: int) -> FloatArray:  # noqa: D102
        found = spikes_of(samples, self.threshold)
        return _filled(found.starts, count, float(samples.times[-1]) + found.depth)


@target("SpikeWidths", unit="ms")
class SpikeWidths(ComparedSpikes):
    """The root mean square difference of the widths of the first spikes from those measured.

    ``sqrt(mean_i (w_i - W_i)^2)``, where the width ``w_i`` is how long spike ``i`` is above ``threshold``. One that is
    missing has the width ``-d / 100`` ms, where ``d`` mV were missing to the threshold since the last one.
    """

    def numbers_of(self, samples: TraceSamples, count: int) -> FloatArray:  # noqa: D102
        found = spikes_of(samples, self.threshold)
        return _filled(found.ends - found.starts, count, -found.depth / SPIKE_HEIGHT)


@target("SpikeShapes", unit="mV")
class SpikeShapes(ComparedSpikes):
    """The root mean square difference of the potential around each of the first spikes from that measured.

    ``sqrt(mean_ij (v(t_i + s_j) - V(T_i + s_j))^2)`` with times ``s_j`` from ``-before`` to ``after``, ``step`` apart,
    around the upward crossings ``t_i`` and ``T_i`` of ``threshold``. In the place of a spike that is missing is what is
    around the largest sample since the last one. Beyond the ends of the trace its first and last samples hold.
    """

    before: NonNegativeFloat = Field(default=1.0, allow_inf_nan=False, description="time before the crossing, ms")
    after: PositiveFloat = Field(default=3.0, allow_inf_nan=False, description="time after the crossing, ms")
    step: PositiveFloat = Field(default=0.1, allow_inf_nan=False, description="time between two samples, ms")

    def numbers_of(self, samples: TraceSamples, count: int) -> FloatArray:  # noqa: D102
        return self._around(samples, count).ravel()

    def _around(self, samples: TraceSamples, count: int) -> FloatArray:
        """Return the potential around each spike, shape (count, n_times)."""
        found = spikes_of(samples, self.threshold)
        around = np.arange(-self.before, self.after + self.step / 2, self.step)
        at = _filled(found.starts, count, found.nearest)
        return np.interp(at[:, np.newaxis] + around, samples.times, samples.values)


@target("MeanSpike", unit="mV")
class MeanSpike(SpikeShapes):
    """The root mean square difference of the mean spike from the one measured.

    ``sqrt(mean_j (v_j - V_j)^2)``, where ``v_j`` is the mean over the spikes of what `SpikeShapes` compares one by one.
    """

    def numbers_of(self, samples: TraceSamples, count: int) -> FloatArray:  # noqa: D102
        return np.asarray(self._around(samples, count).mean(axis=0))


@target("SubthresholdRMSE", unit=None)
class SubthresholdRMSE(TraceRMSE):
    """`TraceRMSE` without the samples near spikes, of either trace.

    Those from ``before`` ms before an upward crossing of ``threshold`` to ``after`` ms after it do not count.
    """

    threshold: FiniteFloat = Field(
        default=-20.0, description="potential above which there is a spike, in the data's unit"
    )
    before: NonNegativeFloat = Field(default=1.0, allow_inf_nan=False, description="time before a spike, ms")
    after: NonNegativeFloat = Field(default=10.0, allow_inf_nan=False, description="time after a spike began, ms")

    options_of_value: ClassVar[frozenset[str]] = TraceRMSE.options_of_value | {"threshold", "before", "after"}

    def with_data(self, data: Mapping[str, Trace | Events]) -> SubthresholdRMSE:  # noqa: D102
        bound = super().with_data(data)
        times, values = bound.data_samples()
        try:
            bound.weights_of(times, values, values)
        except NoValue as error:
            raise UnfitData("data", f"{self.data!r} does not suit it: {error}") from error
        return bound

    def differences_from(self, n_outputs: int) -> None:
        """Return None: where the simulated trace has spikes does not count."""

    def weights_of(self, times: FloatArray, row: FloatArray, measured: FloatArray) -> FloatArray:
        """Return 0 near spikes, and elsewhere what `weights` say."""
        weights = super().weights_of(times, row, measured)
        for values in (row, measured):
            for start in spikes_of(TraceSamples(times, values), self.threshold).starts:
                weights[(times >= start - self.before) & (times <= start + self.after)] = 0
        if not weights.any():
            raise NoValue("no sample counts: all are close to spikes")
        return weights


@target("SpikeWeightedRMSE", unit=None)
class SpikeWeightedRMSE(TraceRMSE):
    """`TraceRMSE` in which samples during the spikes of the data count more.

    The weight of samples of the data above ``threshold`` is ``spike_weight``, or ``n / n_spikes`` of ``n`` samples.
    """

    threshold: FiniteFloat = Field(
        default=-20.0, description="potential above which there is a spike, in the data's unit"
    )
    spike_weight: PositiveFloat | None = Field(
        default=None,
        allow_inf_nan=False,
        description="what a sample during a spike counts more; by default the number of samples for each spike",
    )

    options_of_value: ClassVar[frozenset[str]] = TraceRMSE.options_of_value | {"threshold", "spike_weight"}

    def weights_of(self, times: FloatArray, row: FloatArray, measured: FloatArray) -> FloatArray:
        """Return the product of what `weights` say and the weight of spikes."""
        weights = super().weights_of(times, row, measured)
        count = spikes_of(TraceSamples(times, measured), self.threshold).starts.size
        if count:
            weights[measured > self.threshold] *= self.spike_weight or len(times) / count
        return weights


def _filled(numbers: FloatArray, count: int, missing: float) -> FloatArray:
    """Return the first numbers, and what stands for those that are missing, shape (count,)."""
    return np.append(numbers[:count], np.full(max(count - numbers.size, 0), missing))
