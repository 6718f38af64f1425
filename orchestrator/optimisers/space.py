"""The search space: named parameters to and from the unit cube."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.optimisers.priors import Prior
from orchestrator.records import FloatArray

# of a coordinate that `Parameter.encode` gives: it may be off by as much, with room to spare
_ROUNDING = 1e-13


@dataclass(frozen=True)
class Parameter:
    """One dimension of the search space.

    Parameters
    ----------
    name : str
        Dotted name in the model's parameter tree.
    low, high : float
        Bounds in the parameter's own unit, both included.
    log : bool
        Whether the unit interval maps to the logarithm of the value.
    integer : bool
        Whether values are whole numbers; each gets an equal share of the interval.
    prior : Prior, optional
        What is believed of the value; None if it is uniform in the unit interval.
    """

    name: str
    low: float
    high: float
    log: bool = False
    integer: bool = False
    prior: Prior | None = None

    @property
    def _edges(self) -> tuple[float, float]:
        """Ends of the interval that is mapped, in transformed units; half a step wider for integers."""
        low, high = (self.low - 0.5, self.high + 0.5) if self.integer else (self.low, self.high)
        return (math.log(low), math.log(high)) if self.log else (low, high)

    @property
    def step(self) -> float:
        """Width in the unit interval of one integer step (the widest on a log scale), 0 for real parameters."""
        if not self.integer:
            return 0.0
        low, high = self._edges
        widest = math.log(self.low + 0.5) - math.log(self.low - 0.5) if self.log else 1.0
        return widest / (high - low)

    def decode(self, coordinate: float) -> float | int:
        """Return the value at `coordinate` (0 to 1), never outside the bounds."""
        value = self.unrounded(coordinate)
        if self.integer:
            # floor(x + 0.5), because round() sends halves to even numbers and would favour those
            value = math.floor(value + 0.5)
        value = min(max(value, self.low), self.high)
        return int(value) if self.integer else float(value)

    def encode(self, value: float) -> float:
        """Return the coordinate (0 to 1) of `value`; the inverse of `decode` up to rounding."""
        low, high = self._edges
        value = math.log(value) if self.log else value
        return min(max((value - low) / (high - low), 0.0), 1.0)

    def encode_exactly(self, value: float) -> float:
        """Return the coordinate (0 to 1) that `decode` makes `value` of to the last digit, if there is one near.

        There is one of all values that it has made of a coordinate, within the same bounds on the same scale.
        """
        middle = nearest = self.encode(value)
        low, high = max(nearest - _ROUNDING, 0.0), min(nearest + _ROUNDING, 1.0)
        while (found := self.decode(middle)) != value:
            low, high = (middle, high) if found < value else (low, middle)
            middle = (low + high) / 2
            if middle in (low, high):
                return nearest
        return middle

    def log_prior(self, coordinates: FloatArray) -> FloatArray:
        """Return the logarithm of the prior's density in the unit interval up to a constant, of the same shape.

        That of the value times the derivative of the value by the coordinate, which on a log scale is in proportion to
        the value. Where there is no prior it is 0: uniform, on a log scale in the logarithm of the value.
        """
        if self.prior is None:
            return np.zeros_like(coordinates)
        low, high = self._edges
        transformed = low + (high - low) * coordinates
        if self.log:
            return self.prior.logarithm(np.exp(transformed)) + transformed
        return self.prior.logarithm(transformed)

    def prior_quantile(self, share: float) -> float:
        """Return the coordinate, 0 to 1, below which such a share (above 0 and below 1) of the truncated prior is."""
        if self.prior is None:
            return share
        low, high = (self.prior.below(self.unrounded(end)) for end in (0.0, 1.0))
        value = self.prior.quantile(low + share * (high - low))
        return self.encode(value)

    def unrounded(self, coordinate: float) -> float:
        """Return the value at `coordinate` (0 to 1), not rounded to a whole one: up to half beyond the bounds."""
        low, high = self._edges
        value = low + (high - low) * coordinate
        return math.exp(value) if self.log else value


class SearchSpace:
    """All parameters that are optimised, in a fixed order.

    Parameters
    ----------
    parameters : sequence of Parameter
        Names unique.
    """

    def __init__(self, parameters: Sequence[Parameter]):
        self.parameters = tuple(parameters)
        self.names = tuple(p.name for p in self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def decode(self, point: Sequence[float] | FloatArray) -> dict[str, float | int]:
        """Return named values of a point of the unit cube, shape (n_parameters,), as plain Python numbers."""
        return {p.name: p.decode(float(x)) for p, x in zip(self.parameters, point, strict=True)}

    def encode(self, values: Mapping[str, float]) -> FloatArray:
        """Return the point of the unit cube, shape (n_parameters,), of named values."""
        return np.array([p.encode(values[p.name]) for p in self.parameters])

    @property
    def middle(self) -> dict[str, float | int]:
        """The middle of each range on its scale."""
        return self.decode([0.5] * len(self))

    @property
    def steps(self) -> FloatArray:
        """Width of one integer step in each dimension of the unit cube, 0 if real, shape (n_parameters,)."""
        return np.array([p.step for p in self.parameters])

    def log_prior(self, points: FloatArray) -> FloatArray:
        """Return the logarithm of the prior's density at points of the cube up to a constant, shape (n_points,).

        Parameters
        ----------
        points : ndarray of float, shape (n_points, n_parameters)
            Of the unit cube.
        """
        columns = zip(self.parameters, points.T, strict=True)
        return np.asarray(sum((p.log_prior(column) for p, column in columns), np.zeros(len(points))))
