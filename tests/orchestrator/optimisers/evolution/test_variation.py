"""Crossover and mutation."""

from __future__ import annotations

import numpy as np
import pytest

from orchestrator.optimisers.evolution.variation import (
    adaptive_rates,
    blend,
    n_point,
    polynomial,
    simulated_binary,
    uniform,
)

ONE, OTHER = np.full((500, 6), 0.3), np.full((500, 6), 0.6)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_children_of_a_crossover_lie_in_the_cube_and_those_of_equal_parents_are_like_them() -> None:
    one, other = rng(2).random((200, 4)), rng(3).random((200, 4))
    one[:50], other[50:100] = 0.0, 1.0
    other[150:] = one[150:]
    for children in simulated_binary(one, other, rng(), index=1.0, rate=1.0):
        assert ((children >= 0) & (children <= 1)).all()
        assert np.array_equal(children[150:], one[150:])


def test_children_are_on_both_sides_of_the_middle_and_some_beyond_their_parents() -> None:
    first, second = simulated_binary(ONE, OTHER, rng(), index=5.0, rate=1.0)
    assert np.minimum(first, second).mean() == pytest.approx(0.3, abs=0.01)
    assert np.maximum(first, second).mean() == pytest.approx(0.6, abs=0.01)
    assert first.min() < 0.29
    assert first.max() > 0.61


def test_pairs_that_are_not_crossed_are_their_own_children() -> None:
    first, second = simulated_binary(ONE, OTHER, rng(), index=5.0, rate=0.0)
    assert np.array_equal(first, ONE)
    assert np.array_equal(second, OTHER)


def test_as_many_coordinates_mutate_as_the_rate_says_and_none_leaves_the_cube() -> None:
    points = rng(4).random((500, 6))
    points[:100], points[100:200] = 0.0, 1.0
    mutated = polynomial(points, rng(), index=20.0, rate=0.25)
    assert ((mutated >= 0) & (mutated <= 1)).all()
    assert (mutated[200:] != points[200:]).mean() == pytest.approx(0.25, abs=0.03)
    assert np.abs(mutated - points).mean() < 0.02
    assert np.array_equal(polynomial(points, rng(), index=20.0, rate=0.0), points)


def test_n_point_crossover_swaps_stretches() -> None:
    first, second = n_point(np.zeros((300, 6)), np.ones((300, 6)), rng())
    assert np.array_equal(first + second, np.ones((300, 6)))
    cuts = np.abs(np.diff(first, axis=1)).sum(axis=1)
    assert sorted(set(cuts)) == [1, 2, 3]
    assert (first[:, 0] == 0).all()


def test_a_single_coordinate_is_not_cut() -> None:
    first, second = n_point(np.zeros((3, 1)), np.ones((3, 1)), rng())
    assert first.tolist() == [[0.0]] * 3
    assert second.tolist() == [[1.0]] * 3


def test_a_blend_is_between_the_parents_each_coordinate_for_itself() -> None:
    first, second = blend(ONE, OTHER, rng())
    assert ((first >= 0.3) & (first <= 0.6)).all()
    assert first.mean() == pytest.approx(0.45, abs=0.01)
    assert not np.isclose(first, second).any(axis=0).all()
    assert (np.ptp(first, axis=1) > 0.01).all()


def test_coordinates_that_mutate_uniformly_are_anywhere() -> None:
    mutated = uniform(ONE, rng(), np.r_[np.zeros(250), np.ones(250)])
    assert np.array_equal(mutated[:250], ONE[:250])
    assert np.histogram(mutated[250:], bins=4, range=(0, 1))[0] == pytest.approx(375, rel=0.15)


def test_what_is_near_a_later_child_or_the_population_mutates_more() -> None:
    children = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 0.3]])
    population = np.array([[1.0, 1.0]])
    # distances: 0.3 / sqrt(2) to the third child; 0 to the population; sqrt((1 + 0.49) / 2)
    expected = 0.1 + 0.9 * np.exp(-np.array([0.3 / np.sqrt(2), 0.0, np.sqrt(1.49 / 2)]) / 0.06)
    assert adaptive_rates(children, population, least=0.1, reach=0.06) == pytest.approx(expected)


@pytest.mark.reference
def test_offspring_are_distributed_as_those_of_pymoo() -> None:
    from pymoo.operators.crossover.sbx import cross_sbx  # noqa: PLC0415
    from pymoo.operators.mutation.pm import mut_pm  # noqa: PLC0415

    n = 20_000
    one, other = np.full((n, 1), 0.05), np.full((n, 1), 0.4)
    shares = np.linspace(0.05, 0.95, 19)
    low, high = np.zeros(1), np.ones(1)
    every = np.ones((n, 1))
    theirs = cross_sbx(
        np.array([one, other]), low, high, 3.0 * every, 0.5 * every, 0.5 * every, random_state=rng(5)
    )  # fmt: skip
    ours = simulated_binary(one, other, rng(), index=3.0, rate=1.0)
    for mine, expected in zip(ours, theirs, strict=True):
        assert np.quantile(mine, shares) == pytest.approx(np.quantile(expected, shares), abs=0.012)
    theirs = mut_pm(one, low, high, np.full(n, 5.0), np.ones(n), at_least_once=False, random_state=rng(5))
    mine = polynomial(one, rng(), index=5.0, rate=1.0)
    assert np.quantile(mine, shares) == pytest.approx(np.quantile(theirs, shares), abs=0.012)
