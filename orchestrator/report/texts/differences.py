"""How far the best parameters are from others: the start values, or values of the user's own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config.yaml_text import read_mapping
from orchestrator.errors import UsageError
from orchestrator.files import read_text
from orchestrator.report.history import History

# whole numbers of YAML may be too long for a number
_LARGEST = 1e300


@dataclass(frozen=True)
class Differences:
    """The best parameters beside others.

    Parameters
    ----------
    title : str
        What they are compared with.
    rows : sequence of (str, str)
        Value there and difference of the best in percent, of each parameter and of what follows from them, as texts.
    """

    title: str
    rows: Sequence[tuple[str, str]]


def read_reference(path: Path, names: Sequence[str]) -> dict[str, float]:
    """Return values of parameters from a file of the user's, a YAML mapping as ``orchestrator best --yaml`` prints it.

    Parameters
    ----------
    path : pathlib.Path
        The file; keys may be below ``optimiser_centroid``.
    names : sequence of str
        The run's parameters. What the file does not say of them is left out.

    Raises
    ------
    orchestrator.errors.UsageError
        If it cannot be read, a value is no number, or it says nothing of any of these parameters.
    """
    named = f"--reference {path}"
    try:
        found = read_mapping(read_text(path))
    except OSError as error:
        raise UsageError(f"{named}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise UsageError(f"{named}: expected parameters and their values in YAML, got other text ({error})") from error
    inner = found.get("optimiser_centroid", found)
    values = {name: inner[name] for name in names if name in inner} if isinstance(inner, dict) else {}
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < _LARGEST:
            raise UsageError(f"{named}: {name}: expected a number, got {value!r}")
    if not values:
        raise UsageError(f"{named}: expected values of {names[0]} or others of the run's parameters, got none")
    return {name: float(value) for name, value in values.items()}


def differences(history: History, reference: Mapping[str, float] | None) -> Differences | None:
    """Return the best beside a reference, or beside the start values if there is none; None if neither is there."""
    if history.best is None:
        return None
    if reference is not None:
        names = [*(each.name for each in history.parameters), *history.derived]
        others = [reference.get(name, math.nan) for name in names]
    elif history.start is not None and history.start != history.best:
        others = [*history.points[history.start], *history.derived_points[history.start]]
    else:
        return None
    best = [*history.points[history.best], *history.derived_points[history.best]]
    title = "start" if reference is None else "reference"
    return Differences(title, [_row(float(own), float(other)) for own, other in zip(best, others, strict=True)])


def _row(own: float, other: float) -> tuple[str, str]:
    if not math.isfinite(other):
        return "–", "–"
    known = other != 0 and math.isfinite(own)
    return f"{other:.4g}", f"{100 * (own - other) / abs(other):+.3g} %".replace("-", "−") if known else "–"
