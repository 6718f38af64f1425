"""Colours that keep apart for colour-blind eyes and on paper (after Okabe and Ito 2008); meaning is also in symbols."""

from __future__ import annotations

from typing import Literal

INK = "#1d2733"
MUTED = "#6b7683"
FAINT = "#b9c1ca"
BLUE = "#2b6cb0"
LIGHT_BLUE = "#8db5dd"
GOOD = "#0f7b6c"
BAD = "#c9501c"
AMBER = "#c98a00"
PURPLE = "#7d5ba6"
GREY = "#9aa5b1"
NO_VALUE = "#eceff2"

# on a dark page; colours that are not here keep
DARK = {
    INK: "#e6ebf0", MUTED: "#9aa7b5", FAINT: "#4a5663", BLUE: "#6ba6e0", LIGHT_BLUE: "#46719e", GOOD: "#3cb8a2",
    BAD: "#ee8656", AMBER: "#e0ac3c", PURPLE: "#a98bd3", GREY: "#7b8794", NO_VALUE: "#2a323b", "#4a5560": "#a4afba",
}  # fmt: skip

# of runs that are compared, each also with a symbol of its own
RUNS = ("#2b6cb0", "#c9501c", "#0f7b6c", "#7d5ba6", "#c98a00", "#4a5560", "#b83280", "#5f8f1d")
SYMBOLS: tuple[Literal["dot", "diamond", "square", "triangle"], ...] = ("dot", "diamond", "square", "triangle")

OUTCOMES = {
    "OK": "#8fc1b5",
    "EXPLODED": "#c9501c",
    "SIMULATION_ERROR": "#7d5ba6",
    "OUT_OF_MEMORY": "#b83280",
    "TIME_LIMIT": "#c98a00",
    "TIMEOUT": "#e3bb52",
}
LOST = "#9aa5b1"

# of where a point comes from, by the names of `orchestrator.records.Origin`
ORIGINS = {"start": "#4a5560", "sample": "#8db5dd", "model": "#c98a00", "injected": "#7d5ba6"}

PHASES = {
    "queue": "#d5dae0",
    "waiting for a worker": "#d5dae0",
    "building": "#e3bb52",
    "explosion check": "#c9501c",
    "protocols": "#4f8fc9",
    "measuring": "#0f7b6c",
    "rest of the job": "#aab4c0",
}

Stops = tuple[tuple[float, str], ...]
"""Values and their colours; between them colours are interpolated."""

CORRELATION: Stops = ((-1.0, "#1f5f99"), (-0.5, "#85b3d9"), (0.0, "#f7f7f5"), (0.5, "#eda574"), (1.0, "#b2420f"))
IMPORTANCE: Stops = ((0.0, "#f7f7f5"), (0.05, "#d3e3f2"), (0.2, "#85b3d9"), (0.5, "#2f74b5"), (1.0, "#123e6b"))


def score_stops(max_score: float) -> Stops:
    """Return colours of scores: greens up to 1 norm, oranges beyond, up to the largest score."""
    top = max(max_score, 2.0)
    beyond = ((1.0001, "#fbe6d4"), (1 + (top - 1) * 0.1, "#f2b98a"), (1 + (top - 1) * 0.4, "#d9743a"), (top, "#7c2d0c"))
    return ((0.0, "#0f7b6c"), (0.5, "#74b8ab"), (1.0, "#d3ebe4"), *beyond)
