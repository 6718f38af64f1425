"""Asks an optimiser and tells it scores, in the place of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.optimisers import Asked, Told
from orchestrator.optimisers.guard import Guarded
from orchestrator.records import FloatArray, Outcome

# scores of points, shapes (n_points, n_parameters) and (n_points, n_targets)
Scores = Callable[[FloatArray], FloatArray]


def told_of(asked: Asked, scores_of: Scores, **changes: Any) -> Told:
    """Return the block of what was asked for, all of it evaluated; values are scores."""
    scores = scores_of(asked.points)
    rows = {"values": scores, "scores": scores, "outcomes": [Outcome.OK] * len(scores), "origins": asked.origins}
    return Told(**{"points": asked.points, **rows, **changes})


def rounds(optimiser: Guarded, number: int, scores_of: Scores) -> list[Told]:
    """Ask and tell so often; return what was told."""
    blocks = []
    for _ in range(number):
        blocks.append(told_of(optimiser.ask(), scores_of))
        optimiser.tell(blocks[-1])
    return blocks
