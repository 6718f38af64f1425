"""The search space: named parameters to and from the unit cube."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.optimisers.priors import Choice, Prior
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
    prior : Prior or Choice, optional
        What is believed of the value; None if it is uniform in the unit interval. Of a choice the bounds are the ends,
        the unit interval maps to its values, and there is no logarithm.
    """

    name: str
    low: float
    high: float
    log: bool = False
    integer: bool = False
    prior: Prior | Choice | None = None

    @property
    def choice(self) -> Choice | None:
        """The values that it has, if these are a few only."""
        return self.prior if isinstance(self.prior, Choice) else None

    @property
    def uniform(self) -> bool:
        """Whether every place in the unit interval is as likely as any other before anything is measured."""
        return self.prior is None or (self.choice is not None and not self.choice.weights)

    @property
    def _edges(self) -> tuple[float, float]:
        """Ends of the interval that is mapped, in transformed units; half a step wider for integers."""
        low, high = (self.low - 0.5, self.high + 0.5) if self.integer else (self.low, self.high)
        return (math.log(low), math.log(high)) if self.log else (low, high)

    @property
    def step(self) -> float:
        """Width in the unit interval of a step to another value (the widest on a log scale), 0 if it is continuous."""
        if self.choice is not None:
            return self.choice.step
        if not self.integer:
            return 0.0
        low, high = self._edges
        widest = math.log(self.low + 0.5) - math.log(self.low - 0.5) if self.log else 1.0
        return widest / (high - low)

    def decode(self, coordinate: float) -> float | int:
        """Return the value at `coordinate` (0 to 1), never outside the bounds."""
        if self.choice is not None:
            value = self.choice.values[self.choice.number(coordinate)]
            return int(value) if self.integer else float(value)
        value = self.unrounded(coordinate)
        if self.integer:
            # floor(x + 0.5), because round() sends halves to even numbers and would favour those
            value = math.floor(value + 0.5)
        value = min(max(value, self.low), self.high)
        return int(value) if self.integer else float(value)

    def encode(self, value: float) -> float:
        """Return the coordinate (0 to 1) of `value`; the inverse of `decode` up to rounding."""
        if self.choice is not None:
            return self.choice.encode(value)
        low, high = self._edges
        value = math.log(value) if self.log else value
        return min(max((value - low) / (high - low), 0.0), 1.0)

    def snapped(self, coordinate: float) -> float:
        """Return the coordinate in the middle of those of the same value, itself if values are continuous."""
        return self.encode(self.decode(coordinate)) if self.step else coordinate

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
        if isinstance(self.prior, Choice):
            return self.prior.logarithm(coordinates)
        low, high = self._edges
        transformed = low + (high - low) * coordinates
        if self.log:
            return self.prior.logarithm(np.exp(transformed)) + transformed
        return self.prior.logarithm(transformed)

    def prior_quantile(self, share: float) -> float:
        """Return the coordinate, 0 to 1, below which such a share (0 to 1) of the truncated prior is."""
        if self.prior is None:
            return share
        if isinstance(self.prior, Choice):
            return self.prior.quantile(share)
        low, high = self._weight_at_edges(self.prior)
        value = self.prior.quantile(low + share * (high - low))
        return self.encode(value)

    def prior_share(self, coordinate: float) -> float:
        """Return which share of the truncated prior is below a coordinate (0 to 1); the inverse of `prior_quantile`."""
        if self.prior is None:
            return coordinate
        if isinstance(self.prior, Choice):
            return self.prior.below(coordinate)
        low, high = self._weight_at_edges(self.prior)
        share = (self.prior.below(self.unrounded(coordinate)) - low) / (high - low)
        return min(max(share, 0.0), 1.0)

    def _weight_at_edges(self, prior: Prior) -> tuple[float, float]:
        """Return how likely smaller values than those at both ends of the unit interval are, without bounds."""
        return prior.below(self.unrounded(0.0)), prior.below(self.unrounded(1.0))

    def allows(self, value: float) -> bool:
        """Return whether it may have a value: within the bounds, and one of the choice if there is one."""
        return self.low <= value <= self.high and (self.choice is None or value in self.choice.values)

    def unrounded(self, coordinate: float) -> float:
        """Return the value at `coordinate` (0 to 1), not rounded to a whole one: up to half beyond the bounds.

        Between the values of a choice it is between them, and at the ends half a step beyond.
        """
        if self.choice is not None:
            return self.choice.between(coordinate)
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
        """Width of one step in each dimension of the unit cube, 0 if continuous, shape (n_parameters,)."""
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

    def prior_quantiles(self, shares: FloatArray) -> FloatArray:
        """Return points of the cube that follow the priors, of points that are uniform in it.

        Parameters
        ----------
        shares : ndarray of float, shape (n_points, n_parameters)
            Of each parameter the share of its prior that is below, 0 to 1.

        Returns
        -------
        ndarray of float, shape (n_points, n_parameters)
            The shares themselves where a prior is uniform.
        """
        points: FloatArray = shares.copy()
        for n, parameter in enumerate(self.parameters):
            if not parameter.uniform:
                points[:, n] = [parameter.prior_quantile(float(share)) for share in shares[:, n]]
        return points
