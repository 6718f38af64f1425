"""The scores of an evaluation that has landed, and what is doubtful about those of a generation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from orchestrator.errors import RunFailed
from orchestrator.jobs.entries import Landed
from orchestrator.records import Evaluation, Outcome
from targets import ScoreError, Target, ranked_score_of, score_of


def scored(targets: Sequence[Target], landed: Landed) -> Evaluation:
    """Return an evaluation with the value of every target, its score, and the score that the optimiser ranks.

    Both scores are NaN if the result says nothing of the parameters.

    Raises
    ------
    orchestrator.errors.RunFailed
        If a target's own score is no number, or negative: no optimiser can be told that.
    """
    values = [landed.result.values.get(target.label) for target in targets]
    numbers = tuple(math.nan if value is None else float(value) for value in values)
    pairs = list(zip(targets, values, strict=True))
    scores, ranked = (
        tuple(_score(scoring, *pair) if landed.speaks else math.nan for pair in pairs)
        for scoring in (score_of, ranked_score_of)
    )
    found = landed.result.outputs
    return Evaluation(
        landed.offspring,
        landed.result,
        numbers,
        scores,
        landed.attempts,
        landed.submitted,
        ranked_scores=ranked,
        outputs={n: found[target.label] for n, target in enumerate(targets) if target.label in found},
        deviations=_over_trials(targets, landed.result.deviations),
        errors=_over_trials(targets, landed.result.errors),
    )


def doubts_about(targets: Sequence[Target], block: Sequence[Evaluation]) -> list[str]:
    """Return what is doubtful about targets that tell an optimiser little or nothing in a generation, for people.

    Either a target has no value at all: some are for silent networks, others are mistakes. Or all of its scores are at
    the cap, as they are with a norm that is too small.
    """
    good = [evaluation for evaluation in block if evaluation.result.outcome is Outcome.OK]
    found = []
    for n, target in enumerate(targets):
        measured = [evaluation for evaluation in good if not math.isnan(evaluation.values[n])]
        if good and not measured:
            reason = good[0].result.reasons.get(target.label, "")
            found.append(f"target {target.label} has no value in any offspring of this generation: {reason}")
        elif good and all(evaluation.scores[n] >= target.max_score for evaluation in good):
            values = [evaluation.values[n] for evaluation in measured]
            found.append(f"target {target.label}: in this generation {at_the_cap(target, values)}")
    return found


def at_the_cap(target: Target, values: Sequence[float]) -> str:
    """Return what it means that values score ``max_score``, and what to do, for people."""
    unit = f" {target.unit}" if target.unit else ""
    low, high = min(values), max(values)
    scores = f"the value {low:g}{unit} scores" if low == high else f"all values ({low:g} to {high:g}{unit}) score"
    return (
        f"{scores} max_score ({target.max_score:g}), because {target.wanted_in_words}{unit} is wanted with "
        f"a norm of {target.norm:g}{unit}. Above the cap scores hardly grow: raise norm to the distance that should "
        "score 1, or raise max_score"
    )


def _over_trials(targets: Sequence[Target], found: Mapping[str, float]) -> tuple[float, ...]:
    """Return what was found of the targets by label, in their order, NaN of those without; nothing if nothing was."""
    return tuple(float(found.get(target.label, math.nan)) for target in targets) if found else ()


def _score(scoring: Callable[[Target, float | None], float], target: Target, value: float | None) -> float:
    try:
        return scoring(target, value)
    except ScoreError as error:
        raise RunFailed(f"{error}. Fix the target and continue: no simulation is lost") from error
