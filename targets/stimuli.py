"""Stimuli as recordings describe them, a class and parameters by name: whether they are the ones that are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from targets.sheet import circular_distance

SPONTANEOUS = "InternalStimulus"
"""Class of the stimulus during which nothing is shown."""


def is_stimulus(stimulus: Mapping[str, Any], name: str, parameters: Mapping[str, float | None]) -> bool:
    """Whether a stimulus has a class and the given parameters, None being any; ``orientation`` has period pi."""
    return stimulus.get("name") == name and all(
        _equal(key, stimulus.get(key), wanted) for key, wanted in parameters.items() if wanted is not None
    )


def is_spontaneous(stimulus: Mapping[str, Any]) -> bool:
    """Whether nothing is shown, nor stimulated directly."""
    return stimulus.get("name") == SPONTANEOUS and stimulus.get("direct_stimulation_name") in {None, "None"}


def number_of(value: object) -> float | None:
    """Return a parameter's value if it is a number."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _equal(key: str, value: object, wanted: float) -> bool:
    number = number_of(value)
    if number is None:
        return False
    difference = abs(number - wanted)
    if key == "orientation":
        return circular_distance(number, wanted) < 1e-3
    return difference <= 1e-6 * max(1.0, abs(wanted))
