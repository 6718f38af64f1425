"""What figures of datastores have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence

from orchestrator.report.palette import RUNS
from orchestrator.report.scene import Figure


def look(n: int) -> str:
    """Return the colour of sheet number `n`."""
    return RUNS[n % len(RUNS)]


def number(value: float, unit: str = "") -> str:
    """Return a number with three digits and its unit."""
    text = f"{value:.3g}" if math.isfinite(value) else "no value"
    return f"{text} {unit}" if unit else text


def missing(name: str, title: str, reasons: Sequence[str]) -> Figure:
    """Return a figure that says why there is nothing to see."""
    return Figure(name, title, empty="\n".join(dict.fromkeys(reasons)) or "There is nothing to see.")


def sentences(*parts: str) -> str:
    """Return a caption of parts that may be empty, each ended with a full stop."""
    ended = (
        part.strip() if part.strip().endswith((".", ":")) else f"{part.strip()}." for part in parts if part.strip()
    )
    return " ".join(ended)
