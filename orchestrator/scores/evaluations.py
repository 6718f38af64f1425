"""The scores of an evaluation that has landed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from orchestrator.errors import RunFailed
from orchestrator.jobs.entries import Landed
from orchestrator.records import Evaluation
from targets import ScoreError, Target, score_of


def scored(targets: Sequence[Target], landed: Landed) -> Evaluation:
    """Return an evaluation with the value and the score of every target, NaN if its result says nothing.

    Raises
    ------
    orchestrator.errors.RunFailed
        If a target's own score is no number, or negative: no optimiser can be told that.
    """
    values = [landed.result.values.get(target.label) for target in targets]
    pairs = zip(targets, values, strict=True)
    scores = tuple(_score(target, value) if landed.speaks else math.nan for target, value in pairs)
    numbers = tuple(math.nan if value is None else float(value) for value in values)
    return Evaluation(landed.offspring, landed.result, numbers, scores, landed.attempts, landed.submitted)


def _score(target: Target, value: float | None) -> float:
    try:
        return score_of(target, value)
    except ScoreError as error:
        raise RunFailed(f"{error}. Fix the target and continue: no simulation is lost") from error
