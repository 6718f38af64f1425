"""Bounds that other parameters decide: to and from the unit cube, how far they go, what is wrong with them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.optimisers.base import Problem
from orchestrator.optimisers.priors import Prior
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.optimisers.widest import corners, widened
from orchestrator.parameters.bounds import Bounds
from orchestrator.parameters.given import Given
from orchestrator.report.domains import places_between

# the last is decided by all before, in the order of the file the first one by one behind it
MOVING: dict[str, Any] = {
    "b": ["a", "2 * a + 1"],
    "a": [0, 1],
    "w": ["a + 0.01", "10 * a + 1"],
    "n": ["k", "k * 4.4 + 1"],
    "k": [1, 3],
    "z": ["min(b, n)", "max(b, n) + w + three"],
    "three": 3,
}
KINDS = {"w": {"log": True}, "n": {"integer": True}, "k": {"integer": True}}
POINTS = st.lists(st.floats(0, 1), min_size=6, max_size=6)


def parameters_of(parameters: dict[str, Any], kinds: dict[str, dict[str, bool]] | None = None) -> list[Parameter]:
    found = Given.of(parameters)
    moving = Bounds.of(found)
    return [
        Parameter(
            name,
            *((-math.inf, math.inf) if name in moving else parameters[name]),
            moving=moving.get(name),
            **(kinds or {}).get(name, {}),
        )
        for name in found.searched
    ]


def space_of(parameters: dict[str, Any], kinds: dict[str, dict[str, bool]] | None = None) -> SearchSpace:
    found, wrong = widened(parameters_of(parameters, kinds))
    assert not wrong
    return SearchSpace(found)


SPACE = space_of(MOVING, KINDS)


@given(POINTS)
def test_values_are_between_what_the_expressions_say(point: list[float]) -> None:
    values = SPACE.decode(point)
    assert list(values) == list(SPACE.names) == ["b", "a", "w", "n", "k", "z"]
    a, b, w, n, k = (values[name] for name in "abwnk")
    assert a <= b <= 2 * a + 1
    assert a + 0.01 <= w <= 10 * a + 1
    assert k <= n <= math.floor(k * 4.4 + 1.5)
    assert isinstance(n, int)
    assert min(b, n) <= values["z"] <= max(b, n) + w + 3
    assert not SPACE.outside(values)
    assert all(each.low <= values[each.name] <= each.high for each in SPACE.parameters)


@given(POINTS)
def test_the_place_between_the_bounds_is_the_coordinate(point: list[float]) -> None:
    values = SPACE.decode(point)
    low, high = math.log(values["a"] + 0.01), math.log(10 * values["a"] + 1)
    assert values["b"] == pytest.approx(values["a"] + point[0] * (values["a"] + 1))
    assert math.log(values["w"]) == pytest.approx(low + point[2] * (high - low), abs=1e-9)


@given(POINTS)
def test_encode_is_the_inverse_of_decode(point: list[float]) -> None:
    values = SPACE.decode(point)
    assert SPACE.decode(SPACE.encode(values)) == pytest.approx(values)
    exactly = SPACE.encode_exactly(values)
    assert SPACE.decode(exactly) == values
    assert SPACE.decode(exactly.tolist()) == values


def test_either_order_of_bounds_is_taken() -> None:
    space = space_of({"a": [1, 2], "b": ["3 - a", "-a"]})
    assert space.decode([1.0, 0.0]) == {"a": 2, "b": -2}
    assert (space.parameters[1].low, space.parameters[1].high) == (-2, 2)


def test_where_others_leave_no_room_the_value_is_the_bound() -> None:
    space = space_of({"a": [0, 1], "b": [0, "a"]})
    assert space.decode([0.0, 0.7]) == {"a": 0, "b": 0}
    assert list(space.encode({"a": 0.0, "b": 0.0})) == [0, 0.5]


def test_where_bounds_have_no_value_they_are_the_widest() -> None:
    """So narrow a place is not found before the search; an evaluation there must have a value all the same."""
    space = space_of({"a": [0, 1], "b": [0, "1 / abs(a - 0.1234567)"]})
    widest = space.parameters[1].high
    assert space.decode([0.1234567, 1.0])["b"] == widest
    assert math.isfinite(widest)


@pytest.mark.parametrize("missing", [math.nan, math.inf])
def test_a_name_alone_without_a_value_leaves_the_widest_bounds(missing: float) -> None:
    space = space_of({"n": [10, 80], "m": [1, "n"]}, {"n": {"integer": True}, "m": {"integer": True}})
    assert [(each.low, each.high) for each in space.beside({"n": missing})] == [(10, 80), (1, 80)]
    assert "m" not in [each.name for each in space.outside({"n": missing, "m": 70})]
    assert places_between(space, [math.nan, 80])[1] > 0.99


def test_start_values_are_completed_beside_what_is_there() -> None:
    space = space_of({"a": [0, 1], "b": ["a", "a + 1"]})
    assert space.completed({"a": 0.8}) == {"a": 0.8, "b": pytest.approx(1.3)}
    assert space.completed({"b": 0.2}) == {"a": 0.5, "b": 0.2}
    assert space.middle == {"a": 0.5, "b": 1.0}


def test_what_is_outside_is_found_beside_the_others_and_told_with_them() -> None:
    space = space_of({"a": [0, 1], "b": ["a", "a + 1"]})
    assert [each.name for each in space.outside({"a": 0.75, "b": 0.5})] == ["b"]
    assert not space.outside({"a": 0.25, "b": 0.5})
    assert space.bounds_in_words("b", {"a": 0.75}) == "[0.75, 1.75] with a = 0.75"
    assert space.bounds_in_words("a", {"a": 0.75}) == "[0, 1]"


def test_corners_are_all_of_few_and_the_outermost_of_many() -> None:
    space = SearchSpace([Parameter("a", 0, 1), Parameter("b", 2, 3), Parameter("c", 0, 10)])
    few = {tuple(each.values()) for each in corners(space, ["a", "b"], {"a": 0.5, "b": 2.5, "c": 9})}
    edges = {(0, 2.5, 9), (1, 2.5, 9), (0.5, 2, 9), (0.5, 3, 9)}
    assert few == {(a, b, 9) for a in (0, 1) for b in (2, 3)} | edges
    names = [str(n) for n in range(20)]
    space = SearchSpace([Parameter(name, 0, 1) for name in names])
    many = list(corners(space, names, space.middle))
    assert len(many) == 42
    assert {tuple(each.values()) for each in many[:2]} == {(0,) * 20, (1,) * 20}


def test_corners_keep_the_place_between_bounds() -> None:
    space = space_of({"a": [0, 1], "b": ["a", "a + 1"], "c": [0, 1]})
    start = {"a": 0.5, "b": 0.75, "c": 0.2}
    assert list(corners(space, ["a"], start))[:2] == [{"a": 0, "b": 0.25, "c": 0.2}, {"a": 1, "b": 1.25, "c": 0.2}]
    assert {"a": 1, "b": 2, "c": 0.2} in corners(space, ["a", "b"], start)


def test_steps_of_whole_numbers_are_those_in_the_widest_bounds() -> None:
    """Those that meet beside the middle would never let a search narrow."""
    space = space_of({"k": [2, 4], "n": [1, "k"]}, {"k": {"integer": True}, "n": {"integer": True}})
    np.testing.assert_allclose(space.steps, [1 / 3, 1 / 4])
    assert {space.decode([0.0, u])["n"] for u in np.linspace(0, 1, 9)} == {1, 2}


@pytest.mark.parametrize(
    ("bounds", "kind", "said"),
    [
        (
            ["a", 0.5],
            {},
            r"the same is the smaller one everywhere, got \[0, 0.5\] with a = 0 and \[1, 0.5\] with a = 1: ",
        ),
        (["a", "a"], {}, r"expected two different bounds, got \[a, a\], which are always the same"),
        (["a", 2], {"log": True}, r"scale: log needs bounds above 0, got \[0, 2\] with a = 0"),
        ([0.6, "1 / a"], {"integer": True, "log": True}, "with a = 0: division by zero"),
        ([0.4, "a + 3"], {"integer": True, "log": True}, r"scale: log needs bounds above 0, got \[0, "),
        ([-1, "log(a)"], {}, "its bounds need a value wherever the others are: 'log.a.' has no value with a = 0"),
    ],
)
def test_wrong_bounds_are_told_with_the_values_that_make_them_wrong(
    bounds: list[Any], kind: dict[str, bool], said: str
) -> None:
    _, wrong = widened(parameters_of({"a": [0, 1], "b": bounds, "c": ["b", "b + 1"]}, {"b": kind}))
    assert list(wrong) == ["b"]  # and not what follows from it
    with pytest.raises(ValueError, match=said):
        raise ValueError(wrong["b"])


def test_values_of_the_prior_are_uniform_between_the_bounds_beside_those_that_decide() -> None:
    own = parameters_of({"a": [0, 10], "b": [0, "a"]})
    own[0] = Parameter("a", 0, 10, prior=Prior("normal", 5.0, 1.0))
    a, b = SearchSpace(widened(own)[0]).prior_values(2000).T
    assert (a.mean(), a.std()) == pytest.approx((5, 1), abs=0.1)
    assert np.quantile(b / a, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.03)
    assert abs(np.corrcoef(a, b / a)[0, 1]) < 0.06


def test_a_problem_snaps_points_to_where_they_are_simulated() -> None:
    space = space_of({"n": [1, 4], "b": [0, "n"]}, {"n": {"integer": True}})
    problem = Problem(space.encode(space.middle), space.steps, 0.2, 4, 1, space=space)
    np.testing.assert_allclose(problem.snapped(np.array([[0.3, 0.7], [0.99, 0.2]])), [[0.375, 0.7], [0.875, 0.2]])
