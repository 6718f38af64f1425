from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.optimisers.priors import Prior
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
def test_what_was_decoded_is_decoded_to_the_last_digit_again(parameter: Parameter, coordinate: float) -> None:
    value = parameter.decode(coordinate)
    assert parameter.decode(parameter.encode_exactly(value)) == value


@pytest.mark.parametrize("value", [0.1, -2.0, 2.0, 1e-300])
def test_of_what_no_coordinate_is_decoded_to_it_is_the_nearest(value: float) -> None:
    parameter = Parameter("p", -2, 2)
    assert parameter.encode_exactly(value) == parameter.encode(value)
    assert parameter.decode(parameter.encode_exactly(value)) == pytest.approx(value, abs=1e-15)


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


PRIORS = [None, Prior("normal", 3.0, 2.0), Prior("lognormal", 2.0, 0.7), Prior("lognormal", 40.0, 0.5)]


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("integer", [False, True])
def test_the_quantiles_of_a_prior_are_those_of_its_density(prior: Prior | None, log: bool, integer: bool) -> None:
    parameter = Parameter("p", 1, 20, log, integer, prior)
    coordinates = np.linspace(0, 1, 20_001)
    density = np.exp(parameter.log_prior(coordinates))
    below = np.cumsum(density) / density.sum()
    for share in (0.1, 0.5, 0.9):
        assert np.interp(parameter.prior_quantile(share), coordinates, below) == pytest.approx(share, abs=5e-4)


def test_a_lognormal_prior_has_no_weight_at_or_below_0() -> None:
    parameter = Parameter("p", -1, 1, prior=Prior("lognormal", 0.5, 1.0))
    assert (np.isneginf(parameter.log_prior(np.array([0.0, 0.5])))).all()
    assert parameter.decode(parameter.prior_quantile(1e-9)) == pytest.approx(0, abs=0.01)


def test_the_prior_of_a_space_is_the_product_of_those_of_its_parameters() -> None:
    own = [Parameter("a", 0, 4, prior=Prior("normal", 1.0, 1.0)), Parameter("b", 1, 9, log=True)]
    points = np.array([[0.25, 0.1], [0.5, 0.9]])
    np.testing.assert_allclose(SearchSpace(own).log_prior(points), [0.0, -0.5])
