"""What is believed of a parameter before anything is measured, and how that is written."""

from __future__ import annotations

import math
import sys
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from orchestrator.parameters.given import finite_number
from orchestrator.records import FloatArray

_STANDARD = NormalDist()
# the least and the largest share that has a quantile
_SHARES = sys.float_info.min, 1 - sys.float_info.epsilon / 2
_FORMS = (
    "expected {normal: [mean, sd]}, in the parameter's unit, {lognormal: [median, sd of the natural logarithm]}, or "
    "{choice: [value, value, ...]}, with weights: [weight, weight, ...] beside it or without"
)


@dataclass(frozen=True)
class Prior:
    """A normal distribution of a value, or of its natural logarithm; bounds truncate it.

    Parameters
    ----------
    kind : str
        ``normal`` or ``lognormal``.
    centre : float
        Mean, or median of a lognormal distribution, above 0, in the parameter's unit.
    deviation : float
        Standard deviation of the value, in the parameter's unit, or of its natural logarithm; above 0.
    """

    kind: Literal["normal", "lognormal"]
    centre: float
    deviation: float

    def logarithm(self, values: FloatArray) -> FloatArray:
        """Return the logarithm of the density at values up to a constant, -inf where it is 0."""
        if self.kind == "normal":
            return np.asarray(-0.5 * ((values - self.centre) / self.deviation) ** 2)
        above = values > 0
        logarithms = np.log(np.where(above, values, 1.0))
        standard = (logarithms - math.log(self.centre)) / self.deviation
        return np.where(above, -0.5 * standard**2 - logarithms, -np.inf)

    def below(self, value: float) -> float:
        """Return how likely a smaller value is, without bounds."""
        if self.kind == "normal":
            return _STANDARD.cdf((value - self.centre) / self.deviation)
        return _STANDARD.cdf(math.log(value / self.centre) / self.deviation) if value > 0 else 0.0

    def quantile(self, share: float) -> float:
        """Return the value below which such a share is, without bounds; `share` is from 0 to 1."""
        far = self.deviation * _STANDARD.inv_cdf(min(max(share, _SHARES[0]), _SHARES[1]))
        return self.centre + far if self.kind == "normal" else self.centre * math.exp(far)


@dataclass(frozen=True)
class Choice:
    """A few values, of which a parameter has one: each has an equal share of the unit interval, in their order.

    Parameters
    ----------
    values : tuple of float
        Two or more, ascending, in the parameter's unit.
    weights : tuple of float, as many as values
        How likely each is, above 0, up to a common factor; none if all are as likely.
    """

    values: tuple[float, ...]
    weights: tuple[float, ...] = ()

    def __str__(self) -> str:
        return ", ".join(f"{value:.15g}" for value in self.values)

    @property
    def step(self) -> float:
        """Share of the unit interval that each value has."""
        return 1 / len(self.values)

    def number(self, coordinate: float) -> int:
        """Return which of the values, counted from 0, is at a coordinate, 0 to 1."""
        return min(int(coordinate * len(self.values)), len(self.values) - 1)

    def encode(self, value: float) -> float:
        """Return the coordinate of a value, in the middle of its share; between two values it is between theirs."""
        # most are one of them, and many are looked at
        number = bisect_left(self.values, value)
        if number < len(self.values) and self.values[number] == value:
            return (number + 0.5) * self.step
        return float(np.interp(value, self._ends_and_values, self._ends_and_middles))

    def between(self, coordinate: float) -> float:
        """Return the value at a coordinate, 0 to 1, where the values would go on evenly from each to the next."""
        return float(np.interp(coordinate, self._ends_and_middles, self._ends_and_values))

    def logarithm(self, coordinates: FloatArray) -> FloatArray:
        """Return the logarithm of the density at coordinates up to a constant, of the same shape."""
        if not self.weights:
            return np.zeros_like(coordinates)
        numbers = np.clip((coordinates * len(self.values)).astype(int), 0, len(self.values) - 1)
        return np.asarray(np.log(self.weights)[numbers])

    def below(self, coordinate: float) -> float:
        """Return how likely a smaller coordinate is, 0 to 1."""
        return float(np.interp(coordinate, *self._distribution))

    def quantile(self, share: float) -> float:
        """Return the coordinate below which such a share is; `share` is from 0 to 1."""
        coordinates, shares = self._distribution
        return float(np.interp(share, shares, coordinates))

    @property
    def _distribution(self) -> tuple[FloatArray, FloatArray]:
        """Edges of the shares of the unit interval, and how likely what is below each is."""
        shares = np.cumsum([0.0, *(self.weights or [1.0] * len(self.values))])
        return np.linspace(0.0, 1.0, len(shares)), shares / shares[-1]

    @property
    def _ends_and_values(self) -> list[float]:
        """The values, and half a step beyond the first and the last."""
        first, second, *_, before, last = *self.values[:2], *self.values[-2:]
        return [first - (second - first) / 2, *self.values, last + (last - before) / 2]

    @property
    def _ends_and_middles(self) -> list[float]:
        return [0.0, *((np.arange(len(self.values)) + 0.5) * self.step), 1.0]


def read_prior(value: object) -> Prior | Choice:
    """Return a ``prior`` as it is written; raises ValueError with what is wrong."""
    if isinstance(value, Prior | Choice):
        return value
    if (choice := read_choice(value)) is not None:
        return choice
    if isinstance(value, Mapping) and len(value) == 1:
        ((kind, numbers),) = value.items()
        if kind in ("normal", "lognormal") and isinstance(numbers, list | tuple) and len(numbers) == 2:
            return Prior(kind, *_centre_and_deviation(kind, numbers))
    raise ValueError(f"{_FORMS}, got {value!r}")


def read_choice(value: object) -> Choice | None:
    """Return a ``prior`` if it is written as a choice; raises ValueError if it is a wrong one."""
    if isinstance(value, Choice):
        return value
    if not isinstance(value, Mapping) or "choice" not in value:
        return None
    if value.keys() - {"choice", "weights"}:
        raise ValueError(f"{_FORMS}, got {dict(value)!r}")
    numbers, weights = _numbers(value["choice"]), value.get("weights")
    if numbers is None or len(set(numbers)) < max(len(numbers), 2):
        raise ValueError(f"expected choice: two or more finite numbers, all different, got {value['choice']!r}")
    if weights is None:
        return Choice(tuple(sorted(numbers)))
    shares = _numbers(weights)
    if shares is None or len(shares) != len(numbers) or min(shares) <= 0:
        raise ValueError(f"expected weights: {len(numbers)} numbers above 0, one for each value, got {weights!r}")
    pairs = sorted(zip(numbers, map(float, shares), strict=True))
    return Choice(tuple(number for number, _ in pairs), tuple(share for _, share in pairs))


def written_prior(prior: Prior | Choice) -> dict[str, Any]:
    """Return a prior as it is written."""
    if isinstance(prior, Prior):
        return {prior.kind: [prior.centre, prior.deviation]}
    written = {"choice": list(prior.values)}
    return {**written, "weights": list(prior.weights)} if prior.weights else written


def _centre_and_deviation(kind: str, numbers: Sequence[object]) -> tuple[float, float]:
    centre, deviation = (finite_number(each) for each in numbers)
    if centre is None or deviation is None:
        raise ValueError(f"expected two finite numbers, got {list(numbers)!r}")
    if deviation <= 0:
        raise ValueError(f"expected a standard deviation above 0, got {deviation:g}")
    if kind == "lognormal" and centre <= 0:
        raise ValueError(f"expected a median above 0, got {centre:g}")
    return float(centre), float(deviation)


def _numbers(values: object) -> list[int | float] | None:
    """Return finite numbers, None if there are others or this is no list."""
    found = [finite_number(each) for each in values] if isinstance(values, list | tuple) else [None]
    return None if None in found else [each for each in found if each is not None]
