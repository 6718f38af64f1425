"""Scores of the four kinds: MOZAIK's definitions, edges included."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from targets import (
    Needs,
    Presented,
    Recorded,
    ReturnedValue,
    ReturnedValueAtLeast,
    ReturnedValueAtMost,
    ReturnedValueRange,
    Target,
    create_targets,
    ranked_score_of,
)
from targets.base import interval_in_words
from targets.needs import SPIKES

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


@pytest.mark.parametrize(
    ("cls", "target_value", "interval", "words"),
    [
        (ReturnedValue, 0.01, (0.01, 0.01), "0.01"),
        (ReturnedValueRange, [1, 5], (1, 5), "1 to 5"),
        (ReturnedValueRange, [2, 2], (2, 2), "2"),
        (ReturnedValueAtLeast, 0.8, (0.8, math.inf), "at least 0.8"),
        (ReturnedValueAtMost, 5, (-math.inf, 5), "at most 5"),
    ],
)
def test_what_is_wanted(cls: type, target_value: object, interval: tuple[float, float], words: str) -> None:
    target = make(cls, target_value)
    assert target.wanted_interval == interval
    assert target.wanted_in_words == words
    assert make(cls, cls.any_target_value).wanted_kind == cls.wanted_kind in {"point", "range", "at least", "at most"}


def test_an_interval_without_edges() -> None:
    assert interval_in_words(-math.inf, math.inf) == "anything"


class Either(Target):
    """A kind of the user's own with target values of its own."""

    target_value: list[float] | float

    def outputs(self, recordings: object) -> float:
        raise NotImplementedError

    def distance(self, value: float) -> float:
        raise NotImplementedError


def test_what_a_kind_of_ones_own_wants_is_its_target_value() -> None:
    assert Either(target_value=0.1234567, norm=1).wanted_in_words == "0.123457"
    assert Either(target_value=[1, 3], norm=1).wanted_in_words == "[1.0, 3.0]"
    assert Either(target_value=1, norm=1).wanted_interval is None
    assert not Either(target_value=1, norm=1).needs.recorded


def test_a_target_of_two_values_needs_each_thing_once() -> None:
    grating = Presented("Grating", {"contrast": 100.0})
    one, other = Needs((SPIKES,), (grating,)), Needs((Recorded(("v",)), SPIKES), (Presented("Grating"), grating))
    assert one + other == Needs((SPIKES, Recorded(("v",))), (grating, Presented("Grating")))
    assert one + one == one


@pytest.mark.parametrize(
    ("value", "ranked"),
    [
        (3.0, 1.5),
        (40.0, 20.0),  # at the cap
        (-40.0, 20.0),
        (80.0, 20 + 1 / 101),  # twice the distance of the cap: 20 * (1 + 0.05 * 1 / 101)
        (4040.0, 20.5),  # a hundred caps above it
        (1e300, 21.0),
        (None, 21.0),
        (math.nan, 21.0),
        (math.inf, 21.0),
        (-math.inf, 21.0),
    ],
)
def test_what_is_ranked_goes_on_growing_above_the_cap_by_at_most_a_twentieth_of_it(
    value: float | None, ranked: float
) -> None:
    target = make(ReturnedValue, 0.0)
    assert target.ranked_score(value) == pytest.approx(ranked, rel=1e-15)
    assert ranked_score_of(target, value) == target.ranked_score(value)
    assert target.score(value) == min(ranked, 20.0)


@pytest.mark.parametrize(
    ("cls", "target_value", "bad"),
    [
        (ReturnedValue, 5.0, [-1e3, -1e4, -1e5, -1e12, -1e15]),
        (ReturnedValue, 5.0, [1e3, 1e4, 1e5, 1e12, 1e15]),
        (ReturnedValueRange, [1.0, 5.0], [-1e3, 1e4, -1e5, 1e12, -1e15]),
        (ReturnedValueAtLeast, 5.0, [-1e3, -1e4, -1e5, -1e12, -1e15]),
        (ReturnedValueAtMost, 5.0, [1e3, 1e4, 1e5, 1e12, 1e15]),
    ],
)
def test_worse_values_are_ranked_behind_bad_ones_whatever_the_kind(
    cls: type, target_value: object, bad: list[float]
) -> None:
    target = make(cls, target_value, norm=0.5)
    ranked = [target.ranked_score(value) for value in [*bad, None]]
    assert all(one < other for one, other in pairwise(ranked))
    assert {target.score(value) for value in bad} == {20.0}


@given(target=FINITE, value=FINITE, further=st.floats(1.001, 1e6), norm=POSITIVE, cap=POSITIVE)
def test_the_score_is_what_is_ranked_up_to_the_cap(
    target: float, value: float, further: float, norm: float, cap: float
) -> None:
    point = make(ReturnedValue, target, norm, max_score=cap)
    score, ranked = point.score(value), point.ranked_score(value)
    assert score == min(ranked, cap)
    assert ranked < 1.05 * cap or ranked == point.ranked_score(None)
    beyond = point.ranked_score(target + (value - target) * further)
    assert beyond >= ranked


class Squared(ReturnedValue):
    """A target with a score of its own."""

    def score(self, value: float | None) -> float:
        return self.max_score if value is None else min(self.distance(value) ** 2, self.max_score)


def test_a_score_of_ones_own_counts_below_the_cap_and_the_distance_above_it() -> None:
    target = Squared(key="x", target_value=0, norm=1)
    assert [ranked_score_of(target, value) for value in (1.0, 4.0, 5.0, 20.0)] == [1.0, 16.0, 20.0, 20.0]
    assert ranked_score_of(target, 2020.0) == 20.5
    assert ranked_score_of(target, None) == 21.0
