"""Conversion between units of recordings and of measured data."""

from __future__ import annotations

from functools import lru_cache


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

        return float(quantities.Quantity(1.0, given).rescale(wanted).magnitude)
    except ImportError:
        needed = "needs quantities: pip install 'mozaik-orchestrator[neo]'"
        raise ValueError(f"to convert {given} to {wanted} {needed}") from None
    except (LookupError, SyntaxError, TypeError, AttributeError):
        raise ValueError(f"expected units that are known, got {given!r} and {wanted!r}") from None
    except ValueError:
        raise ValueError(f"expected a unit that converts to {wanted}, got {given}") from None
