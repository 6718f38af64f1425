"""What a simulation gets of what is searched."""

from __future__ import annotations

import math
from typing import Any

import pytest

from orchestrator.parameters.expressions import NoNumber
from orchestrator.parameters.given import Given, WrongParameters, corners

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


def test_corners_are_all_of_few_and_the_outermost_of_many() -> None:
    few = {tuple(each.values()) for each in corners({"a": (0, 1), "b": (2, 3)}, {"a": 0.5, "b": 2.5, "c": 9})}
    edges = {(0, 2.5, 9), (1, 2.5, 9), (0.5, 2, 9), (0.5, 3, 9)}
    assert few == {(a, b, 9) for a in (0, 1) for b in (2, 3)} | edges
    names = [str(n) for n in range(20)]
    many = list(corners(dict.fromkeys(names, (0, 1)), dict.fromkeys(names, 0.5)))
    assert len(many) == 42
    assert {tuple(each.values()) for each in many[:2]} == {(0,) * 20, (1,) * 20}
