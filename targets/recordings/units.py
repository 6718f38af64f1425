"""Conversion between units of recordings and of measured data."""

from __future__ import annotations

import re
from functools import lru_cache

# units, or 1, to powers of one digit: no text that takes long to compute, or is no product of units
_POWER = r"(?:(?:\*\*|\^)-?\d)"
_FACTOR = rf"\(*(?:1|[A-Za-z_%]+)(?:{_POWER}|\d)?(?:\)+{_POWER}?)?"
_UNIT = re.compile(rf"{_FACTOR}(?: *[*/.·] *{_FACTOR})*")
_LONGEST = 100
# what is written in other ways than the library's: both characters for mu, and NEURON's cm2
_ALIASES = (("[µμ]", "u"), (r"([A-Za-z])(\d)", r"\1**\2"), (r"\b([pnum]?A)m\b", r"\1*m"))


@lru_cache(maxsize=256)
def factor(given: str, wanted: str) -> float:
    """Return by what numbers in one unit are to be multiplied to be in another; 1 if either is not said.

    Raises
    ------
    ValueError
        If the two do not fit each other, or one of them is unknown; the message says which.
    """
    if given == wanted or not given or not wanted:
        return 1.0
    try:
        import quantities  # noqa: PLC0415  (a quarter of a second, and units are the same as a rule)

        return float(quantities.Quantity(1.0, _spelt(given)).rescale(_spelt(wanted)).magnitude)
    except ImportError:
        needed = "needs quantities: pip install quantities"
        raise ValueError(f"to convert {given} to {wanted} {needed}") from None
    except (LookupError, SyntaxError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise ValueError(f"expected units that are known, got {given!r:.60} and {wanted!r:.60}") from None
    except ValueError:
        raise ValueError(f"expected a unit that converts to {wanted}, got {given}") from None


def _spelt(unit: str) -> str:
    """Return a unit as the library spells it, which computes what a text says; raises `LookupError` if it is none."""
    text = unit.strip()
    if len(text) > _LONGEST or not _UNIT.fullmatch(re.sub(*_ALIASES[0], text)):
        raise LookupError(unit)
    for written, known in _ALIASES:
        text = re.sub(written, known, text)
    return text
