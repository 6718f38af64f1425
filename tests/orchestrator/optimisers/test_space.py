from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.optimisers.space import Parameter, SearchSpace


@st.composite
def parameters(draw: st.DrawFn) -> Parameter:
    log, integer = draw(st.booleans()), draw(st.booleans())
    if integer:
        low = draw(st.integers(1 if log else -1000, 1000))
        return Parameter("p", low, low + draw(st.integers(1, 10_000)), log, integer)
    low = draw(st.floats(1e-9, 1e3) if log else st.floats(-1e6, 1e6))
    return Parameter("p", low, low + abs(low) * draw(st.floats(1e-3, 1e4)) + 1e-6, log, integer)


@given(parameters(), st.floats(0, 1))
def test_decoded_values_are_inside_the_bounds(parameter: Parameter, coordinate: float) -> None:
    value = parameter.decode(coordinate)
    assert parameter.low <= value <= parameter.high
    assert isinstance(value, int if parameter.integer else float)


@given(parameters(), st.floats(0, 1))
def test_encode_is_the_inverse_of_decode(parameter: Parameter, coordinate: float) -> None:
    value = parameter.decode(coordinate)
    again = parameter.decode(parameter.encode(value))
    if parameter.integer:
        assert again == value
    else:
        assert again == pytest.approx(value, rel=1e-9, abs=1e-9 * (parameter.high - parameter.low))


def test_ends_and_middle() -> None:
    linear, log = Parameter("a", -2, 4), Parameter("b", 1e-4, 1e-2, log=True)
    assert [linear.decode(x) for x in (0, 0.5, 1)] == [-2, 1, 4]
    assert [log.decode(x) for x in (0, 0.5, 1)] == pytest.approx([1e-4, 1e-3, 1e-2])


def test_every_integer_has_an_equal_share() -> None:
    parameter = Parameter("n", 1, 4, integer=True)
    n = 4000
    drawn = [parameter.decode((k + 0.5) / n) for k in range(n)]
    assert {value: drawn.count(value) for value in set(drawn)} == dict.fromkeys((1, 2, 3, 4), n // 4)
    assert parameter.step == 0.25


def test_space_keeps_names_and_order() -> None:
    space = SearchSpace([Parameter("b.x", 0, 1), Parameter("a", 1, 100, log=True), Parameter("n", 0, 3, integer=True)])
    values = space.decode([0.25, 0.5, 0.9])
    assert list(values) == ["b.x", "a", "n"]
    assert values == {"b.x": 0.25, "a": pytest.approx(10), "n": 3}
    assert space.encode(values)[:2] == pytest.approx([0.25, 0.5])
    assert list(space.steps) == [0, 0, 0.25]
    assert all(math.isfinite(x) for x in space.encode(values))
