"""How many generations a configuration allows, of ``max_ngen`` and ``max_evaluations``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_NGEN = 100
"""Generations of a configuration that says neither."""


def generations_of(data: Mapping[str, Any]) -> int | None:
    """Return the generations that a configuration allows, as it is in a file or a checkpoint; None if it is unreadable.

    A generation that would exceed ``max_evaluations`` is not begun, except the first one.
    """
    most, evaluations, size = (_count(data.get(name)) for name in ("max_ngen", "max_evaluations", "offspring_size"))
    if evaluations is None or size is None:
        is_default = "max_ngen" in data and data["max_ngen"] is None
        return MAX_NGEN if is_default else most
    by_evaluations = max(1, evaluations // size)
    return by_evaluations if most is None else min(most, by_evaluations)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
