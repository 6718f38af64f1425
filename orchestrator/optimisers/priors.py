"""What is believed of a parameter before anything is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from orchestrator.records import FloatArray

_STANDARD = NormalDist()


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
        """Return the value below which such a share is, without bounds; `share` is above 0 and below 1."""
        far = self.deviation * _STANDARD.inv_cdf(share)
        return self.centre + far if self.kind == "normal" else self.centre * math.exp(far)
