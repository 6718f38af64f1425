"""First designs: Sobol points on request, and points that follow the priors of the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import plugins_of_tests  # noqa: F401  (of which one is a generator)
import pytest
from pydantic import ValidationError

from orchestrator.optimisers import Optimiser, Problem, Told, create_optimiser
from orchestrator.optimisers.points.design import DesignOptions, DrawingOptions
from orchestrator.optimisers.priors import Choice, Prior
from orchestrator.optimisers.registry import optimisers
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.records import FloatArray, Outcome

pytestmark = pytest.mark.methods

KINDS = optimisers().known()
METHODS = [name for name, kind in KINDS.items() if issubclass(kind.options, DesignOptions)]
# those whose own first points are of the whole ranges
EVERYWHERE = ["ga", "nsga2", "nsga3", "sobol", "tpe"]
UNIFORM = SearchSpace([Parameter("x", -1, 1), Parameter("n", 1, 8, log=True, integer=True), Parameter("w", 1, 9)])
BELIEVED = SearchSpace(
    [
        Parameter("x", -1, 1, prior=Prior("normal", 0.5, 0.05)),
        Parameter("n", 1, 8, prior=Choice((1, 3, 8), (1, 2, 5))),
        Parameter("w", 1, 9),
    ]
)
SIZE = 16


def create(method: str, space: SearchSpace = UNIFORM, seed: int = 3, **options: Any) -> Optimiser:
    if method == "generator":
        options = {"generator": "plugins_of_tests:Nearby", "initial": SIZE, **options}
    start = np.full(len(space), 0.5)
    problem = Problem(start, space.steps, sigma=0.1, size=SIZE, seed=seed, targets=["a", "b"], space=space)
    return create_optimiser(KINDS[method].options.model_validate({"method": method, **options}), problem)


def run(optimiser: Optimiser, generations: int = 3) -> FloatArray:
    """Return all points, shape (generations, SIZE, n_parameters)."""
    found = []
    for _ in range(generations):
        asked = optimiser.ask()
        scores = (asked.points[:, :2] - 0.3) ** 2
        optimiser.tell(Told(asked.points, scores, scores, [Outcome.OK] * len(scores), asked.origins))
        found.append(asked.points)
    return np.array(found)


def shares(points: FloatArray, space: SearchSpace) -> FloatArray:
    columns = zip(space.parameters, points.T, strict=True)
    return np.array([[each.prior_share(float(x)) for x in column] for each, column in columns]).T


def test_these_methods_have_designs() -> None:
    assert {"composite", "differential_evolution", "gauss_newton", "generator", "hybrid", "nsga2", "tpe"} <= {*METHODS}


@pytest.mark.parametrize("space", [UNIFORM, BELIEVED], ids=["uniform", "believed"])
@pytest.mark.parametrize("method", METHODS)
def test_sobol_points_beside_the_start_are_even_in_what_is_believed(method: str, space: SearchSpace) -> None:
    points = create(method, space, design="sobol").ask().points
    assert points[0].tolist() == [0.5] * 3
    # of 16 scrambled Sobol points there is one in every 16th of each dimension
    strata = np.floor(16 * (shares(points[1:], space) + 1e-9))
    assert [len(np.unique(column)) for column in strata.T] == [15] * 3
    other = create(method, space, seed=4, design="sobol").ask().points
    assert not np.isclose(points[1:], other[1:]).all(axis=1).any()


@pytest.mark.parametrize("method", ["differential_evolution", "hybrid", "nsga2", "tpe"])
def test_a_search_from_sobol_points_is_repeated_bit_for_bit(method: str) -> None:
    first, again = (run(create(method, BELIEVED, design="sobol"), 2) for _ in range(2))
    assert np.array_equal(first, again)


@pytest.mark.parametrize("method", [*METHODS, "sobol"])
def test_without_priors_nothing_changes_by_following_them(method: str) -> None:
    followed, not_followed = (run(create(method, priors=priors), 2) for priors in (True, False))
    assert np.array_equal(followed, not_followed)


@pytest.mark.parametrize("method", EVERYWHERE)
def test_first_points_of_the_whole_ranges_follow_priors(method: str) -> None:
    drawn = create(method, BELIEVED).ask().points[1:]
    uniform = create(method, BELIEVED, priors=False).ask().points[1:]
    np.testing.assert_allclose(drawn, BELIEVED.prior_quantiles(uniform), atol=1e-12)
    assert np.abs(drawn[:, 0] - 0.75).max() < 0.15
    assert np.ptp(uniform[:, 0]) > 0.6


@pytest.mark.parametrize("method", sorted({*METHODS} - {*EVERYWHERE}))
def test_first_points_around_the_start_do_not(method: str) -> None:
    around, without = (create(method, BELIEVED, priors=priors).ask().points for priors in (True, False))
    assert np.array_equal(around, without)


def test_a_design_that_is_larger_than_a_generation_goes_on_in_the_next() -> None:
    points = run(create("tpe", design="sobol", initial=20), 2).reshape(-1, 3)
    assert np.array_equal(points, run(create("hybrid", design="sobol", initial=32), 2).reshape(-1, 3))
    assert len(np.unique(np.floor(32 * points[1:, 0]))) == 31


def test_a_population_is_not_around_the_start_and_everywhere() -> None:
    with pytest.raises(ValidationError, match="start is around the start, design: sobol all over the ranges"):
        create("nsga2", initial="start", design="sobol")


@pytest.mark.parametrize("method", ["composite", "gauss_newton", "hybrid"])
def test_what_is_drawn_beside_a_short_design_follows_priors_too(method: str) -> None:
    space = SearchSpace([Parameter("x", 0, 100, prior=Prior("normal", 20, 1)), Parameter("w", 1, 9)])
    optimiser = create(method, space, design="sobol", initial=4)
    for _ in range(2):  # nothing is told meanwhile
        points = optimiser.ask().points
        assert np.abs(100 * points[1:, 0] - 20).max() < 5
        assert np.ptp(points[1:, 1]) > 0.5


@pytest.mark.parametrize(("given", "frozen", "expected"), [({}, {}, False), ({"priors": True}, {}, True)])
def test_a_run_from_before_priors_were_followed_goes_on_without(
    given: dict[str, bool], frozen: dict[str, bool], expected: bool
) -> None:
    options = KINDS["tpe"].options
    was = options.model_validate({"method": "tpe", **given}).as_it_was(options.model_validate(frozen))
    assert isinstance(was, DrawingOptions)
    assert was.priors is expected


@pytest.mark.parametrize("design", ["own", "sobol"])
def test_further_designs_have_other_points_each(design: str) -> None:
    problem = Problem(np.full(3, 0.5), UNIFORM.steps, sigma=0.1, size=SIZE, seed=3, space=UNIFORM)
    options = DesignOptions.model_validate({"method": "hybrid", "design": design})
    designs = [options.first_points(problem, SIZE)[1:], *[options.further_points(problem, SIZE, n) for n in (1, 2)]]
    assert [len(each) for each in designs] == [SIZE - 1, SIZE, SIZE]
    points = np.vstack(designs)
    assert len(np.unique(points.round(9), axis=0)) == 3 * SIZE - 1
    assert np.ptp(points, axis=0).max() == pytest.approx(0.34 if design == "own" else 1.0, abs=0.05)
    assert np.array_equal(options.further_points(problem, SIZE, 2), designs[2])
