"""How often the best of a run are evaluated again: what ``reevaluate`` may say, and what it costs."""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import BeforeValidator

AUTO, NONE = "auto", "none"
# of the evaluations so far, what auto may cost at the end of the search, and once before
SHARE_AT_THE_END, SHARE_BEFORE = 0.1, 0.05
# the mean of fewer evaluations has no spread; more than these are seldom worth it
_LEAST_SEEDS, _MOST_SEEDS, _MOST_CANDIDATES = 2, 4, 5
_MOST = 10_000


def _read(value: object) -> object:
    if value in (AUTO, NONE):
        return value
    found = re.fullmatch(r"\s*(\d{1,5})\s*x\s*(\d{1,5})\s*", value) if isinstance(value, str) else None
    top, seeds = (int(found[1]), int(found[2])) if found else (0, 0)
    if not (1 <= top * seeds <= _MOST):
        raise ValueError(
            "expected auto, none, or how many of the best are evaluated again x under how many other seeds each, such "
            f"as 5 x 4, {_MOST} evaluations at most; got {value!r}"
        )
    return f"{top} x {seeds}"


Reevaluate = Annotated[str, BeforeValidator(_read)]


def candidates_and_seeds(reevaluate: str, evaluations: int, share: float) -> tuple[int, int]:
    """Return how many of the best are evaluated again, and under how many other seeds each; zeros for none.

    Parameters
    ----------
    reevaluate : str
        ``auto``, ``none`` or ``n x m``.
    evaluations : int
        How many the run has.
    share : float
        Which part of them ``auto`` may cost.
    """
    if reevaluate == NONE:
        return 0, 0
    if reevaluate != AUTO:
        top, seeds = map(int, reevaluate.split(" x "))
        return top, seeds
    budget = math.floor(share * evaluations)
    if budget < _LEAST_SEEDS:
        return 0, 0
    seeds = min(max(math.isqrt(budget), _LEAST_SEEDS), _MOST_SEEDS)
    return min(budget // seeds, _MOST_CANDIDATES), seeds
