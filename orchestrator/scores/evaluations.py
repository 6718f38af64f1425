"""The scores of an evaluation that has landed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from orchestrator.errors import RunFailed
from orchestrator.jobs.entries import Landed
from orchestrator.records import Evaluation
from targets import Target


def scored(targets: Sequence[Target], landed: Landed) -> Evaluation:
    """Return an evaluation with the value and the score of every target.

    Raises
    ------
    orchestrator.errors.RunFailed
        If a target's own score is no number: no optimiser can be told that.
    """
    values = [landed.result.values.get(target.label) for target in targets]
    scores = tuple(_score(target, value) for target, value in zip(targets, values, strict=True))
    numbers = tuple(math.nan if value is None else float(value) for value in values)
    return Evaluation(landed.offspring, landed.result, numbers, scores, landed.attempts, landed.submitted)


def _score(target: Target, value: float | None) -> float:
    try:
        score = float(target.score(value))
        said = f"its score of the value {value} is {score}"
    except Exception as error:  # noqa: BLE001  (a user's target may raise anything)
        score, said = math.nan, f"its score of the value {value} fails: {type(error).__name__}: {error}"
    if not 0 <= score < math.inf:
        hint = "expected a finite number, not negative. Fix the target and continue: no simulation is lost"
        raise RunFailed(f"target {target.label}: {said}; {hint}")
    return score
