"""What figures of datastores have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orchestrator.errors import UsageError
from orchestrator.records import FloatArray
from orchestrator.report.domains import from_zero
from orchestrator.report.palette import BLUE, RUNS
from orchestrator.report.scene import Axis, Band, Figure, Line, Mark, Panel, Rule
from targets import SpikeTrains

Indices = NDArray[np.int64]
_BINS = 20
LEAST_EXPLAINED = 0.7
"""Share of the variance of a cell's responses that a fitted curve has to explain to count."""


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


def some_of(n: int, most: int) -> Indices:
    """Return the indices of at most so many of n cells, evenly chosen in their order.

    Raises
    ------
    orchestrator.errors.UsageError
        If none are wanted.
    """
    if most < 1:
        raise UsageError(f"cells: expected 1 or more, got {most}")
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)


def evenly(trains: SpikeTrains, most: int) -> SpikeTrains:
    """Return at most so many trains, evenly chosen in their order."""
    chosen = np.zeros(len(trains), dtype=bool)
    chosen[some_of(len(trains), most)] = True
    return trains if chosen.all() else trains.select(chosen)


def distribution(values: FloatArray, axis: str, domain: tuple[float, float]) -> Panel:
    """Return a histogram of one value per cell, over 20 bins of a domain, with their mean."""
    edges = np.linspace(*domain, _BINS + 1)
    counts = np.histogram(values, edges)[0]
    x, mean = np.repeat(edges, 2), float(values.mean())
    y = np.concatenate(([0.0], np.repeat(counts, 2), [0.0]))
    marks: tuple[Mark, ...] = (
        Band(x, np.zeros_like(x), y, BLUE, "", 0.25), Line(x, y, BLUE, f"{len(values):,} cells"),
        Rule("x", mean, look(1), f"mean {number(mean)}"),
    )  # fmt: skip
    return Panel(Axis(axis, domain), Axis("cells", from_zero(y), whole=True), marks, "every cell", 270)
