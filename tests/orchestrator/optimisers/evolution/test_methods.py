"""The optimisers nsga2, nsga3 and ga."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from orchestrator.optimisers import Asked, Optimiser, Problem, Told, create_optimiser
from orchestrator.optimisers.evolution.domination import non_dominated
from orchestrator.optimisers.evolution.population import Population
from orchestrator.optimisers.registry import optimisers
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.records import FloatArray, Origin, Outcome

pytestmark = pytest.mark.methods

METHODS = ("nsga2", "nsga3", "ga")
# the best compromises are the points between these two
ENDS = np.array([0.2, 0.2, 0.2]), np.array([0.7, 0.2, 0.2])


def created(method: str, options: dict[str, Any] | None = None, **changes: Any) -> Optimiser:
    given = {"start": np.full(3, 0.9), "steps": np.zeros(3), "sigma": 0.1, "size": 16, "seed": 3, "targets": ["a", "b"]}
    kind = optimisers().find(method)
    return create_optimiser(kind.options(method=method, **(options or {})), Problem(**{**given, **changes}))


def distances(points: FloatArray) -> FloatArray:
    """Return squared distances from both ends."""
    return np.column_stack([((points - end) ** 2).sum(axis=1) for end in ENDS])


def told(asked: Asked, scores: FloatArray | None = None, outcomes: list[Outcome] | None = None) -> Told:
    scores = distances(asked.points) if scores is None else scores
    return Told(asked.points, scores, scores, outcomes or [Outcome.OK] * len(scores), asked.origins)


def population(optimiser: Optimiser) -> Population:
    return optimiser._optimiser._population  # type: ignore[attr-defined,no-any-return]


def run(optimiser: Optimiser, generations: int, of: Callable[[FloatArray], FloatArray] = distances) -> FloatArray:
    """Return all points, shape (generations, size, n_parameters)."""
    found = []
    for _ in range(generations):
        asked = optimiser.ask()
        found.append(asked.points)
        optimiser.tell(told(asked, of(asked.points)))
    return np.array(found)


@pytest.mark.parametrize("method", ["nsga2", "nsga3"])
def test_the_whole_front_is_found_not_one_point_of_it(method: str) -> None:
    points = run(created(method), 40).reshape(-1, 3)
    front = points[non_dominated(distances(points))]
    assert np.abs(front[:, 1:] - 0.2).max() < 0.1
    assert front[:, 0].min() < 0.25
    assert front[:, 0].max() > 0.65


def test_the_genetic_algorithm_finds_the_least_sum() -> None:
    points = run(created("ga"), 40).reshape(-1, 3)
    best = points[distances(points).sum(axis=1).argmin()]
    assert best == pytest.approx([0.45, 0.2, 0.2], abs=0.03)


@pytest.mark.parametrize("method", METHODS)
def test_the_first_population_is_all_over_the_ranges_or_around_the_start(method: str) -> None:
    first = created(method).ask()
    assert first.origins == (Origin.START, *[Origin.SAMPLE] * 15)
    assert np.ptp(first.points, axis=0).min() > 0.85
    near = created(method, {"initial": "start"}).ask().points
    assert np.abs(near - 0.9).max() <= 0.1 * np.sqrt(3)


@pytest.mark.parametrize("method", METHODS)
def test_a_population_larger_than_a_generation_is_designed_over_several(method: str) -> None:
    first = run(created(method, {"population": 40}), 3).reshape(-1, 3)[1:40]
    assert all(len(np.unique((column * 39).astype(int))) == 39 for column in first.T)


@pytest.mark.parametrize("method", METHODS)
def test_what_failed_survives_only_as_long_as_nothing_else_does(method: str) -> None:
    """Whatever its scores are: here they are the better ones."""
    optimiser = created(method)
    asked = optimiser.ask()
    works = np.arange(16) < 6
    outcomes = [Outcome.OK if each else Outcome.EXPLODED for each in works]
    optimiser.tell(told(asked, np.where(works[:, None], 5.0, 1.0) + distances(asked.points), outcomes))
    assert population(optimiser).works.sum() == 6
    assert len(population(optimiser)) == 16
    again = optimiser.ask()
    optimiser.tell(told(again, 9.0 + distances(again.points)))
    assert population(optimiser).works.all()
    assert np.isin(population(optimiser).points[:, 0], asked.points[works, 0]).sum() >= 2


@pytest.mark.parametrize("method", METHODS)
def test_if_nothing_was_evaluated_the_search_goes_on_anywhere(method: str) -> None:
    optimiser = created(method)
    asked = optimiser.ask()
    optimiser.tell(told(asked, np.full((16, 2), np.nan), [Outcome.NODE_FAIL] * 16))
    points = optimiser.ask().points
    assert np.ptp(points, axis=0).min() > 0.5
    assert not np.isin(points, asked.points).any()


@pytest.mark.parametrize("method", METHODS)
def test_whole_numbers_are_asked_for_twice_only_if_there_are_no_others(method: str) -> None:
    space = SearchSpace([Parameter(name, 0, 7, integer=True) for name in "xy"])
    optimiser = created(method, start=space.encode({"x": 3, "y": 3}), steps=space.steps, space=space)

    def scores(points: FloatArray) -> FloatArray:
        return np.array([[each["x"], 7 - each["x"] + each["y"]] for each in map(space.decode, points)], dtype=float)

    points = run(optimiser, 5, scores).reshape(-1, 2)
    simulated = [tuple(space.decode(point).values()) for point in points]
    assert len(set(simulated[:32])) == 32
    assert len(set(simulated)) > 60  # of 64 that there are


@pytest.mark.parametrize("method", METHODS)
def test_whole_numbers_that_the_cluster_lost_are_asked_for_again(method: str) -> None:
    space = SearchSpace([Parameter("x", 1, 4, integer=True)])
    optimiser = created(method, start=space.encode({"x": 2}), steps=space.steps, space=space, size=4)
    asked = optimiser.ask()
    lost = np.where(np.arange(4)[:, None] == 2, np.nan, [[1.0, 2.0]])
    optimiser.tell(told(asked, lost, [Outcome.OK, Outcome.OK, Outcome.NODE_FAIL, Outcome.OK]))
    assert space.decode(optimiser.ask().points[0]) == space.decode(asked.points[2])


@pytest.mark.parametrize("method", METHODS)
def test_a_single_parameter_and_a_single_target_are_enough(method: str) -> None:
    optimiser = created(method, start=np.array([0.9]), steps=np.zeros(1), size=4, targets=["a"])
    points = run(optimiser, 25, lambda points: np.abs(points - 0.3))
    assert np.abs(points - 0.3).min() < 0.02


def test_more_targets_than_offspring_have_a_population_of_their_number() -> None:
    optimiser = created("nsga3", size=4, targets=[f"t{n}" for n in range(10)])
    solutions = np.random.default_rng(1).random((10, 3))
    points = run(optimiser, 8, lambda points: np.abs(points[:, None] - solutions).sum(axis=2)).reshape(-1, 3)
    assert len(np.unique((points[1:10, 0] * 9).astype(int))) == 9  # a design of ten


def test_elites_stay_and_others_do_not() -> None:
    """The best of all is in the first generation; whatever comes later is drawn anew, and worse."""

    def nearest_at_the_end(elites: float) -> float:
        optimiser = created("ga", {"elites": elites, "mutation_rate": 1.0}, targets=["a"])
        first = optimiser.ask().points
        best = first[5]
        optimiser.tell(told(Asked.samples(first), np.linalg.norm(first - best, axis=1)[:, None]))
        everything = []
        for _ in range(3):
            asked = optimiser.ask()
            everything.append(asked.points)
            optimiser.tell(told(asked, 10 + np.linalg.norm(asked.points - best, axis=1)[:, None]))
        return float(np.linalg.norm(population(optimiser).points - best, axis=1).min())

    assert nearest_at_the_end(0.125) == 0
    assert nearest_at_the_end(0.0) > 0


def hypervolumes(method: str, name: str, size: int, generations: int, **kwargs: int) -> tuple[FloatArray, FloatArray]:
    """Return what is dominated at the end in ours and in pymoo's runs, a number for each of several seeds."""
    from pymoo.algorithms.moo import nsga2, nsga3  # noqa: PLC0415
    from pymoo.indicators.hv import HV  # noqa: PLC0415
    from pymoo.optimize import minimize  # noqa: PLC0415
    from pymoo.problems import get_problem  # noqa: PLC0415
    from pymoo.util.ref_dirs import get_reference_directions  # noqa: PLC0415

    problem = get_problem(name, **kwargs)
    dominated = HV(ref_point=np.full(problem.n_obj, 1.1))
    ours, theirs = [], []
    for seed in range(5):
        start = np.random.default_rng(seed).random(problem.n_var)
        targets = [f"t{n}" for n in range(problem.n_obj)]
        steps = np.zeros(problem.n_var)
        optimiser = created(method, start=start, steps=steps, size=size, seed=seed, targets=targets)
        run(optimiser, generations, problem.evaluate)
        ours.append(dominated(population(optimiser).scores))
        if method == "nsga2":
            algorithm = nsga2.NSGA2(pop_size=size)
        else:
            directions = get_reference_directions("das-dennis", 3, n_partitions=8)
            algorithm = nsga3.NSGA3(ref_dirs=directions, pop_size=size)
        theirs.append(dominated(minimize(problem, algorithm, ("n_gen", generations), seed=seed).F))
    return np.array(ours), np.array(theirs)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("method", "name", "size", "generations", "kwargs"),
    [
        ("nsga2", "zdt1", 40, 60, {"n_var": 10}),
        ("nsga2", "zdt2", 40, 100, {"n_var": 10}),
        ("nsga2", "zdt3", 40, 60, {"n_var": 10}),
        ("nsga2", "dtlz2", 45, 40, {"n_var": 7, "n_obj": 3}),
        ("nsga3", "dtlz2", 45, 40, {"n_var": 7, "n_obj": 3}),
    ],
)
def test_as_much_is_dominated_as_by_pymoo(
    method: str, name: str, size: int, generations: int, kwargs: dict[str, int]
) -> None:
    ours, theirs = hypervolumes(method, name, size, generations, **kwargs)
    noise = np.hypot(ours.std(ddof=1), theirs.std(ddof=1)) / np.sqrt(len(ours))
    assert ours.mean() > theirs.mean() - 3 * noise - 0.01
