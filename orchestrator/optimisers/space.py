"""The search space: named parameters to and from the unit cube."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter

import numpy as np

from orchestrator.optimisers.priors import Choice, Prior
from orchestrator.parameters.bounds import Bounds
from orchestrator.parameters.expressions import NoNumber
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
        Bounds in the parameter's own unit, both included; if other parameters decide them, the widest that are known.
    log : bool
        Whether the unit interval maps to the logarithm of the value.
    integer : bool
        Whether values are whole numbers; each gets an equal share of the interval.
    prior : Prior or Choice, optional
        What is believed of the value; None if it is uniform in the unit interval. Of a choice the bounds are the ends,
        the unit interval maps to its values, and there is no logarithm.
    moving : Bounds, optional
        Bounds that other parameters decide. What follows from bounds, such as `decode`, is then asked of what `beside`
        returns.
    """

    name: str
    low: float
    high: float
    log: bool = False
    integer: bool = False
    prior: Prior | Choice | None = None
    moving: Bounds | None = None

    @property
    def choice(self) -> Choice | None:
        """The values that it has, if these are a few only."""
        return self.prior if isinstance(self.prior, Choice) else None

    @property
    def uniform(self) -> bool:
        """Whether every place in the unit interval is as likely as any other before anything is measured."""
        return self.prior is None or (self.choice is not None and not self.choice.weights)

    def ends(self, others: Mapping[str, float]) -> tuple[float, float]:
        """Return the bounds that the parameter has beside values of others, in the order in which they are written.

        Those of whole numbers are rounded.

        Raises
        ------
        orchestrator.parameters.expressions.NoNumber
            If one has no value.
        """
        if self.moving is None:
            return self.low, self.high
        low, high = (float(math.floor(end + 0.5) if self.integer else end) for end in self.moving.ends(others))
        return low, high

    def beside(self, others: Mapping[str, float]) -> Parameter:
        """Return the parameter as it is beside values of others: with bounds that are numbers, the smaller one first.

        If they have no value, or cannot be on a logarithmic scale, they are the widest ones.
        """
        if self.moving is None:
            return self
        try:
            low, high = sorted(self.ends(others))
        except NoNumber:
            low, high = self.low, self.high
        if self.log and low <= 0:
            low, high = self.low, self.high
        return replace(self, low=low, high=high, moving=None)

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
        """Return the coordinate (0 to 1) of `value`; the inverse of `decode` up to rounding.

        That is the middle where others leave no room between the bounds.
        """
        if self.choice is not None:
            return self.choice.encode(value)
        low, high = self._edges
        if low == high:
            return 0.5
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

    def place(self, coordinate: float) -> float:
        """Return where a coordinate lies from the lower bound (0) to the upper (1); the middle if there is no room.

        The two differ for whole numbers: the search has half a step of room beyond their bounds.
        """
        low, high = self.encode(self.low), self.encode(self.high)
        return (coordinate - low) / (high - low) if high > low else 0.5

    def range_in_words(self) -> str:
        """Return the bounds for people; of those that others decide, how far they go as well."""
        numbers = f"{self.low:g} to {self.high:g}"
        return numbers if self.moving is None else f"{self.moving.low.text} to {self.moving.high.text} ({numbers})"

    def log_prior(self, coordinates: FloatArray) -> FloatArray:
        """Return the logarithm of the prior's density in the unit interval up to a constant, of the same shape.

        That of the value times the derivative of the value by the coordinate, which on a log scale is in proportion to
        the value. If there is no prior, it is 0: uniform, on a log scale in the logarithm of the value.
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

    Attributes
    ----------
    ordered : tuple of Parameter
        The same, each after those that decide its bounds.
    """

    def __init__(self, parameters: Sequence[Parameter]):
        self.parameters = tuple(parameters)
        self.names = tuple(p.name for p in self.parameters)
        self.ordered = _ordered(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def decode(self, point: Sequence[float] | FloatArray) -> dict[str, float | int]:
        """Return named values of a point of the unit cube, shape (n_parameters,), as plain Python numbers."""
        coordinates = {p.name: float(x) for p, x in zip(self.parameters, point, strict=True)}
        return self.valued(lambda p: p.decode(coordinates[p.name]))

    def encode(self, values: Mapping[str, float]) -> FloatArray:
        """Return the point of the unit cube, shape (n_parameters,), of named values."""
        return np.array([p.encode(values[p.name]) for p in self.beside(values)])

    def encode_exactly(self, values: Mapping[str, float]) -> FloatArray:
        """Return the point that `decode` makes these values of to the last digit, if there is one near."""
        return np.array([p.encode_exactly(values[p.name]) for p in self.beside(values)])

    def completed(self, values: Mapping[str, float]) -> dict[str, float | int]:
        """Return values of all parameters: what is not among these is in the middle of its range, on its scale."""
        return self.valued(lambda p: values[p.name] if p.name in values else p.decode(0.5))

    def valued(self, value: Callable[[Parameter], float | int]) -> dict[str, float | int]:
        """Return a value of each parameter, which is asked for with the bounds that it has beside the others."""
        found: dict[str, float | int] = {}
        for each in self.ordered:
            found[each.name] = value(each.beside(found))
        return {name: found[name] for name in self.names}

    def beside(self, values: Mapping[str, float]) -> tuple[Parameter, ...]:
        """Return the parameters with the bounds that they have beside such values, as `completed` completes them."""
        if not self.moves:
            return self.parameters
        found = self.completed(values)
        return tuple(p.beside(found) for p in self.parameters)

    def outside(self, values: Mapping[str, float]) -> tuple[Parameter, ...]:
        """Return the parameters whose values are outside their bounds, or none of their choice, with these bounds."""
        return tuple(p for p in self.beside(values) if not p.allows(values[p.name]))

    def bounds_in_words(self, name: str, values: Mapping[str, float]) -> str:
        """Return the bounds of a parameter beside such values, with those values that decide them."""
        found = {p.name: p for p in self.beside(values)}[name]
        moving = self.parameters[self.names.index(name)].moving
        decide = () if moving is None else (f"{each} = {values[each]:g}" for each in moving.names if each in values)
        beside = ", ".join(decide)
        return f"[{found.low:g}, {found.high:g}]{f' with {beside}' if beside else ''}"

    @property
    def moves(self) -> bool:
        """Whether there are bounds that other parameters decide."""
        return any(p.moving is not None for p in self.parameters)

    @property
    def middle(self) -> dict[str, float | int]:
        """The middle of each range on its scale."""
        return self.completed({})

    @property
    def steps(self) -> FloatArray:
        """Width of one step in each dimension of the unit cube, 0 if continuous, shape (n_parameters,).

        Of bounds that others decide, in the widest ones.
        """
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

    def prior_values(self, number: int) -> FloatArray:
        """Return values that are spread as the prior says, always the same ones, shape (number, n_parameters)."""
        points = self.prior_quantiles(np.random.Generator(np.random.Philox(key=[0, 0])).random((number, len(self))))
        return np.array([list(self.decode(point).values()) for point in points], dtype=float)


def _ordered(parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    """Return the parameters, each after those that decide its bounds."""
    if all(each.moving is None for each in parameters):
        return parameters
    by_name = {each.name: each for each in parameters}
    needs = {name: () if each.moving is None else each.moving.names for name, each in by_name.items()}
    return tuple(by_name[name] for name in TopologicalSorter(needs).static_order())
