"""Arithmetic with named numbers, and nothing else."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.parameters.expressions import Expression, NoNumber, NotAnExpression, Number, needs_quotes

NUMBERS: dict[str, Number] = {"a": 3, "b": 0.5, "soma.gna": 2.0, "soma": 7, "g-Na": 4, "x.lambda": 5, "zero": 0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 * soma.gna", 4.0),
        ("soma", 7),
        ("-a + +b", -2.5),
        ("(a + 1) * (a - 1)", 8),
        ("a / 2 ** 2", 0.75),
        ("2 * 'g-Na' + \"x.lambda\"", 13),
        ("min(a, b, 1) + max(a, b)", 3.5),
        ("exp(log(a)) + sqrt(soma.gna * 2)", 5.0),
        ("log10(100) - abs(-3)", -1.0),
        ("2 * pi", 2 * math.pi),
        ("round(2.5) + floor(2.9) + ceil(2.1)", 8),
        ("1e-3 * a\n", 0.003),
    ],
)
def test_values(text: str, value: float) -> None:
    assert Expression(text).value(NUMBERS) == pytest.approx(value, rel=1e-15)


def test_whole_numbers_stay_whole() -> None:
    """A model that counts neurons gets a whole number."""
    for text in ("4 * a + 1", "round(a / 2)", "max(a, 2)", "-a"):
        assert isinstance(Expression(text).value(NUMBERS), int)
    assert isinstance(Expression("a / 3").value(NUMBERS), float)


def test_names_are_found_once_and_in_their_order() -> None:
    assert Expression("b * soma.gna + b - 'g-Na' + pi + exp(a)").names == ("b", "soma.gna", "g-Na", "a")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a / zero", "'a / zero' has no value with a = 3, zero = 0: division by zero"),
        ("log(zero)", "not defined"),
        ("sqrt(-a)", "not defined"),
        ("(-a) ** b", "not defined"),
        ("zero ** -1", "not defined"),
        ("exp(1000)", "'exp(1000)' has no value: it is too large"),
        ("9 ** 9 ** 9 ** 9", "too large"),
        ("1e300 * 1e300", "too large"),
        ("1 / (1e300 * 1e300)", "too large"),
    ],
)
def test_what_has_no_value_says_why(text: str, reason: str) -> None:
    with pytest.raises(NoNumber) as caught:
        Expression(text).value(NUMBERS)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os')", "there is no function '__import__'"),
        ("sqr(2)", "there is no function 'sqr'; did you mean 'sqrt'?"),
        ("a.b()", "got 'a.b()'"),
        ("min(1)", "min takes two numbers or more, got 1"),
        ("exp(1, 2)", "exp takes one number, got 2"),
        ("exp(x=1)", "got 'exp(x=1)'"),
        ("exp(*a)", "got '*a'"),
        ("a if b else 1", "got 'a if b else 1'"),
        ("[a]", "got '[a]'"),
        ("a[0]", "got 'a[0]'"),
        ("a < b", "got 'a < b'"),
        ("a % 2", "got 'a % 2'"),
        ("(a := 3)", "got '(a := 3)'"),
        ("lambda: 3", "got 'lambda: 3'"),
        ("True", "got 'True'"),
        ("1j", "got '1j'"),
        ("None", "got 'None'"),
        ("f'{a}'", "got "),
        ("x.lambda", "names such as 'g-Na' or 'soma.lambda' are written in quotes"),
        ("", "got ''"),
        ("''", "got "),
        ("a\0", "expected an expression"),
        ("import os", "got 'import os' (invalid syntax)"),
        ("1e999", "too large"),
        ("1" + "0" * 400, "too large"),
        ("-" * 200 + "a", "at most 100 operations in one another"),
        ("(" * 400 + "a" + ")" * 400, "expected"),
        ("a + " * 300 + "a", "at most 1000 characters"),
    ],
)
def test_what_is_no_expression_says_what_is_expected(text: str, message: str) -> None:
    with pytest.raises(NotAnExpression) as caught:
        Expression(text)
    assert message in str(caught.value)


def test_a_name_may_be_long() -> None:
    name = "a." * 450 + "a"
    assert Expression(name).names == (name,)


@given(st.text(max_size=40) | st.text("ab.()+-*/'1e, [", max_size=30))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        expression = Expression(text)
        value = expression.value(dict.fromkeys(expression.names, 1.5))
    except (NotAnExpression, NoNumber):
        return
    assert math.isfinite(value)


OPERATORS: dict[str, Callable[[float, float], float]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
LEAVES = st.sampled_from([(name, float(number)) for name, number in NUMBERS.items() if not needs_quotes(name)])
TREES = st.recursive(
    LEAVES | st.integers(0, 99).map(lambda n: (str(n), float(n))),
    lambda inner: st.tuples(inner, st.sampled_from(list(OPERATORS)), inner).map(
        lambda parts: (f"({parts[0][0]} {parts[1]} {parts[2][0]})", OPERATORS[parts[1]](parts[0][1], parts[2][1]))
    ),
    max_leaves=12,
)


@given(TREES)
def test_the_value_is_that_of_the_arithmetic(tree: tuple[str, float]) -> None:
    text, value = tree
    assert float(Expression(text).value(NUMBERS)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("soma.gna", False), ("x_1", False), ("größe", False), ("g-Na", True), ("1x", True), ("x.lambda", True)],
)
def test_names_that_need_quotes(name: str, expected: bool) -> None:
    assert needs_quotes(name) is expected
