"""What is kept of targets for those who look at a run later: classes of the user's own are not imported then."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from targets import Target


def is_own(class_name: object) -> bool:
    """Return whether a target's class is in a module or a file that a configuration names: to find it executes that."""
    return isinstance(class_name, str) and ":" in class_name


def description_of(target: Target) -> dict[str, Any]:
    """Return what tables and figures need of a target, as JSON; of a class that fails at that, nothing.

    ``unit``, ``norm``, ``max_score``, ``sheet``, ``entry``, its place in the configuration, and the edges ``low`` and
    ``high`` of the values that score 0, null where they are open; both are left out if these are no interval.
    """
    try:
        kept: dict[str, Any] = {"unit": target.unit, "sheet": target.sheet_name or "", "entry": target.entry}
        kept |= {"norm": target.norm, "max_score": target.max_score}
        if target.wanted_interval is not None:
            low, high = target.wanted_interval
            kept |= {"low": low if math.isfinite(low) else None, "high": high if math.isfinite(high) else None}
    except Exception:  # noqa: BLE001  (a user's own target may raise anything)
        return {}
    return kept


def unit_in(description: Mapping[str, Any]) -> str:
    """Return the unit in what was kept of a target, whoever has written it; empty if there is none."""
    unit = description.get("unit")
    return unit if isinstance(unit, str) else ""


def entry_in(description: Mapping[str, Any], otherwise: int) -> int:
    """Return the place of a target's entry in the configuration, as kept of it, `otherwise` if it was not kept."""
    entry = description.get("entry")
    return entry if isinstance(entry, int) and not isinstance(entry, bool) and entry >= 0 else otherwise
