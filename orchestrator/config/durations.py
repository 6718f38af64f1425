"""Durations as people write them, in seconds."""

from __future__ import annotations

import math
import re

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_WITH_UNIT = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)")
_CLOCK = re.compile(r"(?:(\d+)-)?(\d+):(\d{1,2})(?::(\d{1,2}))?")


def parse_duration(value: object) -> float:
    """Return seconds.

    Parameters
    ----------
    value : object
        Seconds as a number; text with units such as ``20h``, ``90m`` or ``1d 12h``; or SLURM's
        ``[days-]hours:minutes[:seconds]``. Two numbers without days are ``minutes:seconds``, as in SLURM.

    Raises
    ------
    ValueError
        If it is none of these, or not above 0.
    """
    seconds = _seconds(value)
    if seconds is None or not (0 < seconds < math.inf):
        raise ValueError(f"expected a duration above 0 such as 3600 (seconds), 20h, 90m or 1-12:00:00, got {value!r}")
    return seconds


def _seconds(value: object) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return None
    text = value.strip().lower()
    if clock := _CLOCK.fullmatch(text):
        days, first, second, third = clock.groups()
        if third is None and days is None:
            return int(first) * 60 + int(second)
        return int(days or 0) * 86400 + int(first) * 3600 + int(second) * 60 + int(third or 0)
    parts = _WITH_UNIT.findall(text)
    if parts and not _WITH_UNIT.sub("", text).strip():
        return math.fsum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        return float(text)
    except ValueError:
        return None


def format_duration(seconds: float) -> str:
    """Return `seconds` for people: ``45 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    if not math.isfinite(seconds):
        return "an unknown time"
    whole = max(round(seconds), 0)
    for unit, size, smaller, smaller_size in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // smaller_size
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def slurm_time(seconds: float) -> str:
    """Return `seconds`, rounded up to whole minutes, as SLURM's ``days-hours:minutes:seconds``."""
    minutes = math.ceil(seconds / 60)
    return f"{minutes // 1440}-{minutes // 60 % 24:02d}:{minutes % 60:02d}:00"
