"""Compares where a trace is in the plane of its values and its slopes with a measured one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TypeVar

import numpy as np
from pydantic import Field, FiniteFloat, PrivateAttr

from targets.base import PointTarget, Target, UnfitData
from targets.errors import NoValue
from targets.numbers import FloatArray
from targets.recordings import Events, Trace
from targets.registry import target
from targets.series.trace_target import TraceSamples, TraceTarget

Made = TypeVar("Made", bound="PhasePlaneDensity")


@target("PhasePlaneDensity", unit="")
class PhasePlaneDensity(TraceTarget, PointTarget):
    """Difference of the density in the plane of ``v`` and ``dv/dt`` from that of a measured trace.

    ``sum_b (1 - P_b) |p_b - P_b|``, where ``p_b`` and ``P_b`` are the shares of time that the simulation and the data
    spend in bin ``b``; 0 to 2. ``bins`` x ``bins`` equal bins cover the range of the data; what lies outside is counted
    at the edge. Each step between two samples is shared among the four bins whose centres are around it, in proportion
    to how near they are, so that the difference changes gradually.
    """

    data: str = Field(min_length=1, description="name of a measured trace in the section data")
    target_value: FiniteFloat = Field(default=0.0, description="the wanted difference")
    bins: int = Field(default=5, ge=2, le=100, description="bins along v, and along dv/dt")
    # edges of the plane, shape (2, 2): from and to of v and of dv/dt
    _edges: FloatArray | None = PrivateAttr(None)
    # that of the data, shape (bins * bins,)
    _density: FloatArray | None = PrivateAttr(None)

    options_of_score: ClassVar[frozenset[str]] = Target.options_of_score

    def with_data(self: Made, data: Mapping[str, Trace | Events]) -> Made:  # noqa: D102
        bound = super().with_data(data)
        samples = bound.data_samples()
        if len(samples.times) < 3:
            raise UnfitData("window", f"expected three samples of {bound.data!r} in it, got {len(samples.times)}")
        plane = _plane(samples)
        bound._edges = np.stack([plane.min(axis=1), plane.max(axis=1)], axis=1)
        if not (np.diff(bound._edges) > 0).all():
            raise UnfitData("data", f"{bound.data!r} does not suit it: it is constant, or a straight line")
        bound._density = bound.outputs_of(samples)
        return bound

    def difference_of_outputs(self, other: Target) -> str | None:
        """Return whether the two have other bins."""
        found = super().difference_of_outputs(other)
        if found is not None or not isinstance(other, PhasePlaneDensity):
            return found
        if self._edges is None or other._edges is None or np.allclose(self._edges, other._edges, rtol=1e-9, atol=0):
            return None
        return f"data: {self.data!r} has another range than what was measured with"

    def outputs_of(self, samples: TraceSamples) -> FloatArray:
        """Return the share of time in each bin, shape (bins * bins,)."""
        if self._edges is None:
            raise NoValue(f"the data {self.data!r} are not at hand")
        if len(samples.times) < 2:
            raise NoValue("expected at least two samples in the window, of which there is a slope, got one")
        plane, width = _plane(samples), np.diff(self._edges) / self.bins
        # in widths of a bin, from the centre of the first one
        place = np.clip((plane - self._edges[:, :1]) / width - 0.5, 0, self.bins - 1)
        low = np.minimum(place.astype(np.int64), self.bins - 2)
        share = place - low
        density = np.zeros(self.bins**2)
        for right, up in np.ndindex(2, 2):
            amount = np.abs(1 - right - share[0]) * np.abs(1 - up - share[1]) * np.diff(samples.times)
            density += np.bincount((low[0] + right) * self.bins + low[1] + up, amount, self.bins**2)
        return np.asarray(density / density.sum())

    def value(self, outputs: FloatArray) -> float:
        """Return the weighted difference, the mean of the trials' if their values are averaged."""
        if self._density is None:
            raise NoValue(f"the data {self.data!r} are not at hand")
        wanted = self._density
        return float(np.mean(np.abs(outputs.reshape(-1, wanted.size) - wanted) @ (1 - wanted)))


def _plane(samples: TraceSamples) -> FloatArray:
    """Return the value and the slope between each two samples, shape (2, n_samples - 1)."""
    times, values = samples
    return np.stack([(values[1:] + values[:-1]) / 2, np.diff(values) / np.diff(times)])
