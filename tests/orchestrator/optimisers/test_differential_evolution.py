"""Differential evolution."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from orchestrator.optimisers import Problem, Told, create_optimiser
from orchestrator.optimisers.differential_evolution import DifferentialEvolution, DifferentialEvolutionOptions
from orchestrator.records import FloatArray, Origin, Outcome

pytestmark = pytest.mark.methods

Options = DifferentialEvolutionOptions


def problem(n: int = 3, size: int = 8) -> Problem:
    return Problem(np.full(n, 0.2), np.zeros(n), sigma=0.2, size=size, seed=3)


def total(points: FloatArray) -> FloatArray:
    distance = points - 0.6
    return np.asarray((distance**2 + 0.01 * (1 - np.cos(30 * distance))).sum(axis=1))  # with local minima


def told(points: FloatArray, totals: FloatArray, origins: tuple[Origin, ...]) -> Told:
    return Told(points, totals[:, None], totals[:, None], [Outcome.OK] * len(points), origins)


@pytest.mark.parametrize("options", [Options(), Options(strategy="rand"), Options(population=20, crossover=0.5)])
def test_the_least_of_many_minima_is_found(options: Options) -> None:
    optimiser = create_optimiser(options, problem())
    best = np.inf
    for _ in range(100):
        asked = optimiser.ask()
        best = min(best, total(asked.points).min())
        optimiser.tell(told(asked.points, total(asked.points), asked.origins))
    assert best < 1e-3


def test_the_first_population_is_the_start_and_points_around_it() -> None:
    optimiser = create_optimiser(Options(population=12), problem())
    first, second = (optimiser.ask() for _ in range(2))
    assert first.points[0].tolist() == [0.2] * 3
    members = np.vstack([first.points, second.points[:4]])
    assert members.max() <= 0.2 + np.sqrt(3) * 0.2
    assert len(np.unique(members, axis=0)) == 12


def test_an_offspring_replaces_its_own_member_only_and_only_if_it_is_not_worse() -> None:
    optimiser = DifferentialEvolution(Options(population=8), problem())
    first = optimiser.ask()
    optimiser.tell(told(first.points, np.arange(8.0), first.origins))
    second = optimiser.ask()
    totals = np.array([0.0, 0.5, 3.0, 3.1, 3.9, np.nan, 7.0, 6.0])
    before = np.asarray(optimiser.state()["mean"]).copy()
    # in another order, as a schedule may tell
    order = np.arange(8)[::-1]
    optimiser.tell(told(second.points[order], totals[order], second.origins))
    kept = [0, 1, 4, 7]  # the others are worse, or were not evaluated
    members = first.points.copy()
    members[kept] = second.points[kept]
    assert np.allclose(optimiser.state()["mean"], members.mean(axis=0))
    assert not np.allclose(before, members.mean(axis=0))


def test_offspring_beyond_a_face_end_halfway_to_it() -> None:
    optimiser = create_optimiser(Options(weight=(2.0, 2.0), crossover=1.0), problem(size=40))
    first = optimiser.ask()
    optimiser.tell(told(first.points, total(first.points), first.origins))
    points = optimiser.ask().points
    outside = first.points / 2
    assert np.isclose(points, outside).any()
    assert ((points > 0) & (points < 1)).all()


def test_it_ends_when_the_population_is_a_point() -> None:
    optimiser = create_optimiser(Options(population=6), problem(n=1, size=6))
    for _ in range(200):
        if optimiser.stop():
            break
        asked = optimiser.ask()
        optimiser.tell(told(asked.points, np.abs(asked.points[:, 0] - 0.3), asked.origins))
    assert optimiser.stop() == "the population is no wider than 1e-09"


@pytest.mark.parametrize("weight", [(0.9, 0.5), (0.0, 1.0), (1.0, 2.5)])
def test_weights_are_in_order(weight: tuple[float, float]) -> None:
    with pytest.raises(ValidationError, match="0 < low <= high <= 2"):
        Options(weight=weight)
