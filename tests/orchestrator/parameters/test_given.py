"""What a simulation gets of what is searched."""

from __future__ import annotations

import math
from typing import Any

import pytest

from orchestrator.parameters.expressions import NoNumber
from orchestrator.parameters.given import Given, WrongParameters

PARAMETERS: dict[str, Any] = {
    "double": {"expression": "2 * sum"},
    "sum": {"expression": "x + soma.ena + n"},
    "x": [0, 1],
    "ena": {"names": ["soma.ena", "axon.ena"], "bounds": [40, 60]},
    "share": {"names": [], "bounds": [0, 1]},
    "n": 3,
    "part": {"expression": "share * x"},
}


def test_a_simulation_gets_all_names_in_the_order_of_the_file() -> None:
    given = Given.of(PARAMETERS)
    assert given.searched == ("x", "ena", "share")
    assert given.names == ("double", "sum", "x", "soma.ena", "axon.ena", "n", "part")
    assert given.derived == ("double", "sum", "soma.ena", "axon.ena", "n", "part")
    values = given.values({"x": 0.5, "ena": 50.0, "share": 0.25})
    assert list(values.items()) == [
        ("double", 107.0),
        ("sum", 53.5),
        ("x", 0.5),
        ("soma.ena", 50.0),
        ("axon.ena", 50.0),
        ("n", 3),
        ("part", 0.125),
    ]
    assert isinstance(values["n"], int)


def test_a_parameter_may_be_among_its_own_names_and_is_known_under_all() -> None:
    given = Given.of({"a": {"names": ["a", "b"], "bounds": [0, 1]}, "c": {"expression": "a + b"}})
    assert given.values({"a": 2.0}) == {"a": 2.0, "b": 2.0, "c": 4.0}
    assert given.derived == ("b", "c")


def test_seeds_are_passed_on() -> None:
    given = Given.of({"x": [0, 1], "y": {"expression": "2 * x"}})
    assert given.values({"x": 1.0, "seed": 7}) == {"x": 1.0, "y": 2.0, "seed": 7}


@pytest.mark.parametrize(
    ("parameters", "name", "message"),
    [
        ({"x": [0, 1], "y": {"expression": "2 * soma.x"}}, "y", "'soma.x' in its expression is not among parameters"),
        ({"gna": [0, 1], "y": {"expression": "gnaa"}}, "y", "did you mean 'gna'?"),
        ({"g-na": [0, 1], "y": {"expression": "2 * g-na"}}, "y", "write 'g-na' in quotes"),
        ({"x": {"expression": "x"}}, "x", "leads back to itself (x -> x)"),
        ({"a": {"expression": "b"}, "b": {"expression": "c"}, "c": {"expression": "a"}}, "", "leads back to itself ("),
        ({"x": [0, 1], "y": {"expression": "x +"}}, "y", "invalid syntax"),
        ({"x": [0, 1], "t": {"names": ["x"], "bounds": [0, 1]}}, "t", "'x' is a parameter of its own"),
        ({"x": 1, "t": {"names": ["x"], "bounds": [0, 1]}}, "t", "'x' is a parameter of its own"),
        (
            {"s": {"names": ["x"], "bounds": [0, 1]}, "t": {"names": ["x"], "bounds": [0, 1]}},
            "t",
            "a simulation gets 'x' already from 's'",
        ),
        ({"t": {"names": ["x", "x"], "bounds": [0, 1]}}, "t", "a simulation gets 'x' already from 't'"),
    ],
)
def test_parameters_that_do_not_fit_together(parameters: dict[str, Any], name: str, message: str) -> None:
    with pytest.raises(WrongParameters) as caught:
        Given.of(parameters)
    ((at, said),) = caught.value.problems
    assert at == name or not name
    assert message in said


def test_a_cycle_is_told_in_the_direction_in_which_it_is_read() -> None:
    with pytest.raises(WrongParameters) as caught:
        Given.of({"a": {"expression": "b"}, "b": {"expression": "c"}, "c": {"expression": "a"}})
    ((at, said),) = caught.value.problems
    path = {"a": "a -> b -> c -> a", "b": "b -> c -> a -> b", "c": "c -> a -> b -> c"}
    assert f"({path[at]})" in said


def test_an_expression_without_a_value_is_named_and_shown_as_nan() -> None:
    given = Given.of(
        {
            "x": [0, 1],
            "one": 1,
            "inverse": {"expression": "one / x"},
            "capped": {"expression": "max(1, inverse)"},
            "other": {"expression": "x + one"},
        }
    )
    with pytest.raises(NoNumber, match="'one / x' has no value with one = 1, x = 0: division by zero") as caught:
        given.values({"x": 0.0})
    assert caught.value.name == "inverse"
    shown = given.values_or_nan({"x": 0.0})
    assert math.isnan(shown.pop("inverse"))
    assert math.isnan(shown.pop("capped"))  # of the value that there is not
    assert shown == {"x": 0.0, "one": 1, "other": 1.0}


def test_what_an_expression_depends_on_is_found_through_others_and_other_names() -> None:
    given = Given.of(PARAMETERS)
    assert given.searched_in("double") == ("x", "ena")
    assert given.searched_in("part") == ("x", "share")
    assert given.searched_in("n") == ()


BOUNDS: dict[str, Any] = {
    "c": {"bounds": ["b", "2 * soma.b"]},
    "b": {"names": ["soma.b"], "bounds": ["half", 5]},
    "half": {"expression": "a / two"},
    "two": 2,
    "a": [1, 3],
}


def test_bounds_that_follow_from_others_come_after_what_is_in_them() -> None:
    given = Given.of(BOUNDS)
    assert list(given.bounds) == ["b", "c"]
    assert given.searched_in("half") == ("a",)
    assert given.searched_in("c") == ("c", "b", "a")
    low, high = given.bounds["c"]
    assert (given.value(low, {"b": 3}), given.value(high, {"b": 3})) == (3, 6)
    assert given.value(given.bounds["b"][0], {"a": 3}) == 1.5


def test_a_bound_without_a_value_says_of_what() -> None:
    given = Given.of({"x": [0, 1], "inverse": {"expression": "1 / x"}, "y": ["inverse", 9]})
    with pytest.raises(NoNumber, match="'1 / x' has no value with x = 0: division by zero"):
        given.value(given.bounds["y"][0], {"x": 0})


@pytest.mark.parametrize(
    ("parameters", "name", "message"),
    [
        ({"x": [0, 1], "y": ["z", 1]}, "y", "'z' in its bounds is not among parameters"),
        ({"x": [0, 1], "y": [0, "xx"]}, "y", "did you mean 'x'?"),
        ({"x": [0, 1], "y": ["x +", 1]}, "y", "invalid syntax"),
        ({"x": ["x", 1]}, "x", "its bounds lead back to itself (x -> x): give one of them a number"),
        ({"g-x": [0, 1], "y": ["g-x", 1]}, "y", "'g' in its bounds is not among parameters; write 'g-x' in quotes"),
    ],
)
def test_bounds_that_do_not_fit(parameters: dict[str, Any], name: str, message: str) -> None:
    with pytest.raises(WrongParameters) as caught:
        Given.of(parameters)
    ((at, said),) = caught.value.problems
    assert at == name
    assert message in said


def test_a_cycle_through_bounds_expressions_and_other_names_is_found() -> None:
    with pytest.raises(WrongParameters, match=r"lead(s)? back to itself"):
        Given.of(
            {
                "x": ["double", 9],
                "double": {"expression": "2 * soma.y"},
                "y": {**BOUNDS["b"], "names": ["soma.y"], "bounds": ["x", 9]},
            }
        )
