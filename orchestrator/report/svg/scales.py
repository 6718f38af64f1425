"""From values to pixels, ticks, and colours, for figures that are drawn without a browser or matplotlib."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from orchestrator.records import FloatArray
from orchestrator.report.domains import LEAST
from orchestrator.report.palette import NO_VALUE, Stops
from orchestrator.report.scene import Axis

# letters as wide as they are high begin there
_IDEOGRAPHS = 0x2E80
# of narrower axes, the distance of ticks would have few digits or none
_NARROWEST = 1e-300
_NARROW, _WIDE = "fijlrtI.,:;'|()[] ", "mwMW@%—"


@dataclass(frozen=True)
class AxisScale:
    """An axis between two pixels.

    Parameters
    ----------
    axis : Axis
        In which every choice is made.
    first, last : float
        Pixels of the ends of its domain.
    """

    axis: Axis
    first: float
    last: float

    def place(self, values: Any) -> FloatArray:
        """Return the pixels of values; of an axis of rows these are numbers of rows."""
        numbers = self.axis.slot(np.asarray(values, dtype=float))
        return np.asarray(self.at_slot(numbers))

    def at_slot(self, slots: Any) -> Any:
        """Return the pixels of places along the axis, which are the values unless it has rows in groups."""
        low, high = self.axis.domain  # type: ignore[misc]
        values = np.asarray(slots, dtype=float)
        with np.errstate(invalid="ignore", over="ignore"):  # what is far beyond the domain is drawn at its end
            if self.axis.scale == "log":
                share = (np.log(np.maximum(values, LEAST)) - math.log(low)) / (math.log(high) - math.log(low))
            else:
                share = (values - low) / (high - low)
            return self.first + share * (self.last - self.first)

    def clamped(self, values: Any) -> FloatArray:
        """Return the pixels of values, those beyond the domain at its ends."""
        return np.asarray(np.clip(self.place(values), min(self.first, self.last), max(self.first, self.last)))

    @property
    def step(self) -> float:
        """Pixels from one row to the next."""
        low, high = self.axis.domain  # type: ignore[misc]
        return abs((self.last - self.first) / (high - low))


def ticks_of(axis: Axis, most: float) -> list[float]:
    """Return about `most` round values within the domain of an axis, none if it is too narrow or wide for a float."""
    low, high = (float(end) for end in axis.domain)  # type: ignore[union-attr]
    if not _NARROWEST < high - low < math.inf or (axis.scale == "log" and low <= 0):
        return []
    return _log_ticks(low, high, most) if axis.scale == "log" else _linear_ticks(low, high, most, bool(axis.whole))


def _linear_ticks(low: float, high: float, most: float, whole: bool = False) -> list[float]:
    raw = (high - low) / max(most, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if factor * power >= raw * 0.999)
    if whole:
        step = max(1.0, float(round(step)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{n * step:.12g}") for n in range(first, last + 1)]


def _log_ticks(low: float, high: float, most: float) -> list[float]:
    decades = math.log10(high) - math.log10(low)
    factors = (1,) if decades > most / 1.6 else (1, 3) if decades > most / 4 else (1, 2, 5)
    every = max(1, math.ceil(decades / most))
    powers = [n for n in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) if n % every == 0]
    ticks = [float(f"{factor}e{power}") for power in powers for factor in factors]
    inside = [tick for tick in ticks if low * 0.9999 <= tick <= high * 1.0001 and tick < math.inf]
    return inside if len(inside) > 1 else [tick for tick in _linear_ticks(low, high, most) if tick > 0]


def number(value: float) -> str:
    """Return a number as the page shows it at a tick."""
    if value == 0:
        return "0"
    digits = f"{value:.3e}" if abs(value) >= 1e6 or abs(value) < 1e-4 else f"{value:.6g}"
    mantissa, e, exponent = digits.partition("e")
    if e:
        digits = f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return digits.replace("-", "−")


def text_width(text: str, size: float) -> float:
    """Return about how many pixels a text takes, whatever the font."""
    return size * sum(map(_letter_width, text))


def _letter_width(letter: str) -> float:
    if letter in _NARROW:
        return 0.3
    return 1.0 if ord(letter) >= _IDEOGRAPHS else 0.9 if letter in _WIDE else 0.62


class Colours:
    """Colours between stops, in 33 steps an interval so that cells of a colour share one path."""

    def __init__(self, stops: Stops) -> None:
        self._at = [at for at, _ in stops]
        self._rgb = [[int(colour[n : n + 2], 16) for n in (1, 3, 5)] for _, colour in stops]

    def of(self, value: float) -> str:
        """Return the colour of a value."""
        if math.isnan(value):
            return NO_VALUE
        n = min(max(int(np.searchsorted(self._at, value)) - 1, 0), len(self._at) - 2)
        low, high = self._at[n], self._at[n + 1]
        share = round(min(max((value - low) / (high - low), 0.0), 1.0) * 32) / 32
        mixed = (a + share * (b - a) for a, b in zip(self._rgb[n], self._rgb[n + 1], strict=True))
        return f"rgb({','.join(str(round(part)) for part in mixed)})"
