"""Mean and spread of what one parameter set gave under several seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Spread:
    """Numbers of one kind under several seeds.

    Parameters
    ----------
    n : int
        How many numbers there are.
    mean, sd, low, high : float or None
        Mean, standard deviation (of the sample, over n - 1), smallest and largest; None if there are too few.
    """

    n: int
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread:
        """Return the spread of the finite ones of these numbers."""
        finite = [number for number in numbers if math.isfinite(number)]
        if not finite:
            return cls(0, None, None, None, None)
        sd = statistics.stdev(finite) if len(finite) > 1 else None
        return cls(len(finite), statistics.fmean(finite), sd, min(finite), max(finite))

    @property
    def words(self) -> str:
        """Mean and standard deviation, for people; empty if there is none."""
        if self.mean is None:
            return ""
        spread = "" if self.sd is None else f" +- {self.sd:.2g}"
        return f"{self.mean:.4g}{spread} (mean +- sd of {self.n} other seeds)"

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary."""
        names = {"low": "min", "high": "max"}
        return {names.get(name, name): value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Again:
    """What other seeds gave of one parameter set; the evaluation that the optimiser saw is not among them.

    Parameters
    ----------
    total : Spread
        Of the total score, explosions and failed simulations with their ``max_score`` included.
    values : mapping of str to Spread
        Of each target's value, by label.
    """

    total: Spread
    values: Mapping[str, Spread]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary."""
        return {
            "total_score": self.total.to_json(),
            "values": {label: spread.to_json() for label, spread in self.values.items()},
        }
