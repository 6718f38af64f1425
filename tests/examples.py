"""How many examples a test of a property looks at if the number of the profile is too small for what may be wrong."""

from __future__ import annotations

from hypothesis import settings


def at_least(number: int) -> settings:
    """Return settings of so many examples, or of those of the profile if these are more."""
    return settings(max_examples=max(number, settings.default.max_examples), deadline=None)
