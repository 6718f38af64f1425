from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.optimisers.priors import Choice, Prior
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


PRIORS = [
    None,
    Prior("normal", 3.0, 2.0),
    Prior("lognormal", 2.0, 0.7),
    Prior("lognormal", 40.0, 0.5),
    Choice((1, 5, 20)),
    Choice((1, 2, 20), (3, 2, 5)),
]


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("integer", [False, True])
def test_the_quantiles_of_a_prior_are_those_of_its_density(
    prior: Prior | Choice | None, log: bool, integer: bool
) -> None:
    parameter = Parameter("p", 1, 20, log, integer, prior)
    coordinates = np.linspace(0, 1, 20_001)
    density = np.exp(parameter.log_prior(coordinates))
    below = np.cumsum(density) / density.sum()
    for share in (0.1, 0.5, 0.9):
        assert np.interp(parameter.prior_quantile(share), coordinates, below) == pytest.approx(share, abs=5e-4)
        assert parameter.prior_share(parameter.prior_quantile(share)) == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_ends_of_a_prior_are_in_the_cube(prior: Prior | Choice | None, share: float) -> None:
    assert Parameter("p", 1, 20, prior=prior).prior_quantile(share) == pytest.approx(share, abs=0.05)
    # all that there is may be within the bounds
    assert 0 <= Parameter("p", -1e6, 1e6, prior=prior).prior_quantile(share) <= 1


def test_points_that_follow_priors_are_the_same_bit_for_bit_where_there_are_none() -> None:
    own = [Parameter("a", 0, 1), Parameter("b", 0, 1, prior=Prior("normal", 0.5, 0.1)), Parameter("c", 1, 4, log=True)]
    shares = np.random.default_rng(1).random((200, 3))
    points = SearchSpace([*own, Parameter("d", 2, 5, prior=Choice((2, 5)))]).prior_quantiles(
        np.c_[shares, shares[:, 0]]
    )
    assert np.array_equal(points[:, [0, 2, 3]], shares[:, [0, 2, 0]])
    expected = [NormalDist(0.5, 0.1).inv_cdf(share) for share in shares[:, 1]]
    np.testing.assert_allclose(points[:, 1], expected, atol=1e-5)


CHOICE = Parameter("n", 8, 200, prior=Choice((8, 16, 200), (1, 1, 2)))


@given(st.floats(0, 1))
def test_a_choice_has_only_its_values_and_each_an_equal_share(coordinate: float) -> None:
    value = CHOICE.decode(coordinate)
    assert value == CHOICE.choice.values[min(int(3 * coordinate), 2)]  # type: ignore[union-attr]
    assert CHOICE.decode(CHOICE.encode(value)) == CHOICE.decode(CHOICE.encode_exactly(value)) == value
    assert CHOICE.snapped(coordinate) == CHOICE.encode(value)


def test_a_choice_is_weighted_in_what_is_believed_and_not_in_the_search() -> None:
    assert CHOICE.step == pytest.approx(1 / 3)
    assert [CHOICE.encode(value) for value in (8, 12, 16, 200)] == pytest.approx([1 / 6, 1 / 3, 1 / 2, 5 / 6])
    np.testing.assert_allclose(np.exp(CHOICE.log_prior(np.array([0.1, 0.5, 0.9, 1.0]))), [1, 1, 2, 2])
    shares = (np.arange(400) + 0.5) / 400
    drawn = [CHOICE.decode(CHOICE.prior_quantile(share)) for share in shares]
    assert [drawn.count(value) for value in (8, 16, 200)] == [100, 100, 200]


def test_a_choice_goes_on_half_a_step_beyond_its_values_where_it_is_drawn() -> None:
    ends = [CHOICE.unrounded(coordinate) for coordinate in (0, 1 / 6, 1 / 3, 2 / 3, 1)]
    assert ends == pytest.approx([4, 8, 12, 108, 292])


def test_what_a_parameter_allows() -> None:
    assert [CHOICE.allows(value) for value in (8, 16.0, 12, 201)] == [True, True, False, False]
    assert [Parameter("p", 0, 1).allows(value) for value in (0, 1, 1.1, math.nan)] == [True, True, False, False]


def test_a_lognormal_prior_has_no_weight_at_or_below_0() -> None:
    parameter = Parameter("p", -1, 1, prior=Prior("lognormal", 0.5, 1.0))
    assert (np.isneginf(parameter.log_prior(np.array([0.0, 0.5])))).all()
    assert parameter.decode(parameter.prior_quantile(1e-9)) == pytest.approx(0, abs=0.01)


def test_the_prior_of_a_space_is_the_product_of_those_of_its_parameters() -> None:
    own = [Parameter("a", 0, 4, prior=Prior("normal", 1.0, 1.0)), Parameter("b", 1, 9, log=True)]
    points = np.array([[0.25, 0.1], [0.5, 0.9]])
    np.testing.assert_allclose(SearchSpace(own).log_prior(points), [0.0, -0.5])
