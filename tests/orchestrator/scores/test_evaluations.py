"""Scores of evaluations that have landed, and what is doubtful about a generation's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from orchestrator.jobs.entries import Landed
from orchestrator.records import Offspring, Outcome, Result
from orchestrator.schedules import told_of
from orchestrator.scores.evaluations import doubts_about, scored
from targets import create_targets

TARGETS = create_targets(
    [
        {"class": "ReturnedValue", "key": "x", "target_value": 4, "norm": 1},
        {"class": "ReturnedValueAtMost", "key": "y", "target_value": 1, "norm": 0.5, "max_score": 10},
    ]
)


def landed(index: int, x: float | None, y: float | None, outcome: Outcome = Outcome.OK) -> Landed:
    values = {"ReturnedValue(x)": x, "ReturnedValueAtMost(y)": y} if outcome is Outcome.OK else {}
    offspring = Offspring(0, index, (0.5,), {"a": 0.5})
    return Landed(offspring, Result(outcome, values=values, reasons={"ReturnedValue(x)": "silent"}), 1, 0.0)


def test_people_see_capped_scores_and_the_optimiser_is_told_more() -> None:
    block = [
        scored(TARGETS, each)
        for each in (
            landed(0, 5.0, 3.0),
            landed(1, 2024.0, 506.0),  # a hundred caps above either cap
            landed(2, None, 0.0),
            landed(3, None, None, Outcome.EXPLODED),
        )
    ]
    assert [each.scores for each in block] == [(1, 4), (20, 10), (20, 0), (20, 10)]
    assert [each.total_score for each in block] == [5, 30, 20, 30]
    expected = np.array([[1, 4], [20.5, 10.25], [21, 0], [21, 10.5]])
    assert told_of(block).scores == pytest.approx(expected, rel=1e-15)
    assert [math.isnan(value) for value in block[2].values] == [True, False]


def test_a_generation_at_the_cap_is_told_with_the_target_and_what_to_do() -> None:
    block = [scored(TARGETS, each) for each in (landed(0, 1004.0, 3.0), landed(1, 1010.0, 30.0))]
    (doubt,) = doubts_about(TARGETS, block)
    assert doubt == (
        "target ReturnedValue(x): in this generation all values (1004 to 1010) score max_score (20), because 4 is "
        "wanted with a norm of 1. Above the cap scores hardly grow: raise norm to the distance that should score 1, or "
        "raise max_score"
    )


def test_what_exploded_or_has_no_value_is_no_sign_of_a_wrong_norm() -> None:
    exploded = scored(TARGETS, landed(0, None, None, Outcome.EXPLODED))
    assert doubts_about(TARGETS, [exploded]) == []
    fair, silent, far = (scored(TARGETS, landed(1, x, 0.0)) for x in (5.0, None, 99.0))
    assert doubts_about(TARGETS, [exploded, fair, far]) == []
    assert doubts_about(TARGETS, [exploded, silent]) == [
        "target ReturnedValue(x) has no value in any offspring of this generation: silent"
    ]
    (doubt,) = doubts_about(TARGETS, [exploded, silent, far])
    assert "in this generation the value 99 scores max_score (20)" in doubt
