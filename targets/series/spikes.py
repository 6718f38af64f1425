"""Spikes of a membrane potential: when they begin and end, and how near a trace without them came to one."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat

from targets.kinds import of_every_kind
from targets.numbers import FloatArray
from targets.series.features import TraceFeature
from targets.series.trace_target import TraceSamples, TraceTarget

# by which depths in mV are divided where they are counted as spikes: about the height of one
SPIKE_HEIGHT = 100.0


class Spikes(NamedTuple):
    """Times at which a trace is above a threshold, and its largest sample of afterwards.

    Parameters
    ----------
    starts, ends : ndarray of float, shape (n_spikes,)
        Upward and downward crossings of the threshold, linearly interpolated, in ms. A spike that lasts until the last
        sample ends there; what is above the threshold from the first sample on is none.
    nearest : float
        When the trace was largest after the last spike, from where it first rises again; in the whole trace if there
        are no spikes. In ms.
    depth : float
        How far below the threshold it was then, >= 0, in the unit of the trace.
    """

    starts: FloatArray
    ends: FloatArray
    nearest: float
    depth: float


def spikes_of(samples: TraceSamples, threshold: float) -> Spikes:
    """Return the spikes of a trace.

    Parameters
    ----------
    samples : TraceSamples
        The trace.
    threshold : float
        In its unit.
    """
    times, values = samples
    above = values > threshold
    up = np.flatnonzero(~above[:-1] & above[1:])
    down = np.flatnonzero(above[:-1] & ~above[1:])
    down = down[down > up[0]] if up.size else down[:0]
    starts = _crossings(samples, up, threshold)
    ends = np.append(_crossings(samples, down, threshold), times[-1])[: len(starts)]
    after = int(down[-1]) + 1 if len(down) == len(up) > 0 else (len(times) - 1 if up.size else 0)
    if up.size:
        rising = np.flatnonzero(np.diff(values[after:]) > 0)
        after += int(rising[0]) if rising.size else len(times) - 1 - after
    nearest = after + int(values[after:].argmax())
    return Spikes(starts, ends, float(times[nearest]), max(threshold - float(values[nearest]), 0.0))


def _crossings(samples: TraceSamples, before: NDArray[np.intp], threshold: float) -> FloatArray:
    """Return when the lines between these samples and the next ones cross the threshold."""
    times, values = samples
    share = (threshold - values[before]) / (values[before + 1] - values[before])
    return np.asarray(times[before] + share * (times[before + 1] - times[before]))


class SpikeTarget(TraceTarget):
    """A value of the spikes of a membrane potential, in mV."""

    threshold: FiniteFloat = Field(default=-20.0, description="potential above which there is a spike, mV")
    average: Literal["recordings", "values"] = Field(
        default="values",
        description="what is averaged over trials: values, those of the single traces; recordings, the traces",
    )

    @property
    def samples_unit(self) -> str:
        """Millivolts, whatever the data have."""
        return "mV"


@of_every_kind("SpikeCount", unit="")
class SpikeCount(SpikeTarget, TraceFeature):
    """The number of spikes in the window; without any, ``-d / 100``, where ``d`` mV are missing to the threshold.

    A spike is an upward crossing of ``threshold``. So cells that are silent differ in how near they are to a spike;
    where 0 spikes are wanted, all of them are as good.
    """

    @property
    def wanted_interval(self) -> tuple[float, float] | None:
        """The edges of the values that score 0: all values of silent cells if 0 spikes do."""
        wanted = super().wanted_interval
        # without the data at hand, nothing is known of it
        if wanted is None or getattr(self, "target_value", None) is None or wanted[0] > 0:
            return wanted
        return -math.inf, max(wanted[1], 0.0)

    def outputs_of(self, samples: TraceSamples) -> float:  # noqa: D102
        found = spikes_of(samples, self.threshold)
        return float(found.starts.size) if found.starts.size else 0.0 - found.depth / SPIKE_HEIGHT


@of_every_kind("SpikeRate", unit="Hz")
class SpikeRate(SpikeCount):
    """The number of spikes as `SpikeCount` has it, by the length of the window, or of the trace if there is none.

    One for each of several ``sweeps`` is a curve of frequency over current (F-I curve).
    """

    def outputs_of(self, samples: TraceSamples) -> float:  # noqa: D102
        first, last = self.window or (samples.times[0], samples.times[-1])
        return 1000 * super().outputs_of(samples) / float(last - first)
