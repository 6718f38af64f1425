"""Scores of the four kinds: MOZAIK's definitions, edges included."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from targets import ReturnedValue, ReturnedValueAtLeast, ReturnedValueAtMost, ReturnedValueRange, create_targets

FINITE = st.floats(-1e9, 1e9)
POSITIVE = st.floats(1e-6, 1e6)


def make(cls: type, target_value: object, norm: float = 2.0, **options: object) -> object:
    return cls(key="x", target_value=target_value, norm=norm, **options)


@pytest.mark.parametrize(
    ("cls", "target_value", "value", "score"),
    [
        (ReturnedValue, 3.0, 3.0, 0.0),
        (ReturnedValue, 3.0, 4.0, 0.5),
        (ReturnedValue, 3.0, 1.0, 1.0),
        (ReturnedValueRange, [1.0, 5.0], 0.0, 0.5),
        (ReturnedValueRange, [1.0, 5.0], 1.0, 0.0),
        (ReturnedValueRange, [1.0, 5.0], 3.0, 0.0),
        (ReturnedValueRange, [1.0, 5.0], 5.0, 0.0),
        (ReturnedValueRange, [1.0, 5.0], 8.0, 1.5),
        (ReturnedValueAtLeast, 3.0, 2.0, 0.5),
        (ReturnedValueAtLeast, 3.0, 3.0, 0.0),
        (ReturnedValueAtLeast, 3.0, 99.0, 0.0),
        (ReturnedValueAtMost, 3.0, 4.0, 0.5),
        (ReturnedValueAtMost, 3.0, 3.0, 0.0),
        (ReturnedValueAtMost, 3.0, -99.0, 0.0),
    ],
)
def test_score(cls: type, target_value: object, value: float, score: float) -> None:
    assert make(cls, target_value).score(value) == score


@pytest.mark.parametrize(
    ("cls", "target_value"),
    [(ReturnedValue, 0), (ReturnedValueRange, [0, 1]), (ReturnedValueAtLeast, 0), (ReturnedValueAtMost, 0)],
)
@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_a_missing_or_infinite_value_scores_the_maximum_even_on_the_good_side(
    cls: type, target_value: object, value: float | None
) -> None:
    assert make(cls, target_value, max_score=7.0).score(value) == 7.0


def test_the_score_is_capped() -> None:
    target = make(ReturnedValue, 0.0, norm=1e-3)
    assert target.max_score == 20.0
    assert target.score(1e9) == 20.0


@given(low=FINITE, width=POSITIVE, value=FINITE, norm=POSITIVE)
def test_a_range_is_the_worse_of_its_two_bounds(low: float, width: float, value: float, norm: float) -> None:
    both = make(ReturnedValueRange, [low, low + width], norm).score(value)
    least = make(ReturnedValueAtLeast, low, norm).score(value)
    most = make(ReturnedValueAtMost, low + width, norm).score(value)
    assert both == max(least, most)
    assert 0 <= both <= 20


@given(target=FINITE, value=FINITE, norm=POSITIVE)
def test_a_point_is_a_range_of_no_width(target: float, value: float, norm: float) -> None:
    point = make(ReturnedValue, target, norm).score(value)
    assert point == make(ReturnedValueRange, [target, target], norm).score(value)
    assert (point == 0) == (target == value)


@pytest.mark.parametrize(
    "bad",
    [
        {"norm": 0},
        {"norm": -1},
        {"norm": math.nan},
        {"norm": math.inf},
        {"max_score": 0},
        {"max_score": math.inf},
        {"target_value": math.nan},
        {"target_value": [1, 2]},
        {"unknown": 1},
    ],
)
def test_bad_options_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ReturnedValue(**{"key": "x", "target_value": 1, "norm": 1} | bad)


def test_a_target_cannot_be_changed() -> None:
    target = make(ReturnedValue, 1.0)
    with pytest.raises(ValidationError):
        target.norm = 3.0


def test_labels() -> None:
    spec = {"class": "SpontActivityTarget", "sheet_name": "L4", "target_value": [1, 2], "norm": 1}
    named = spec | {"name": "rate"}
    plain = {"class": "ReturnedValue", "key": "x", "target_value": 1, "norm": 1}
    targets = create_targets([spec, named, spec, named, plain, spec, spec | {"name": "rate #2"}])
    assert [target.label for target in targets] == [
        "SpontActivityTarget(L4)",
        "rate",
        "SpontActivityTarget(L4) #2",
        "rate #2",
        "ReturnedValue(x)",
        "SpontActivityTarget(L4) #3",
        "rate #2 #2",
    ]
