"""Intervals of time that options of targets name."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, FiniteFloat


def _ordered(interval: tuple[float, float]) -> tuple[float, float]:
    if interval[0] >= interval[1]:
        raise ValueError(f"expected [from, to] with from < to, got [{interval[0]:g}, {interval[1]:g}]")
    return interval


# [from, to] in ms
Interval = Annotated[tuple[FiniteFloat, FiniteFloat], AfterValidator(_ordered)]
