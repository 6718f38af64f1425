"""Scans: Sobol points and grids."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import qmc

from orchestrator.checking.problems import load_checked_config
from orchestrator.config.file import load_config
from orchestrator.config.parameters import read_parameter, space_of
from orchestrator.errors import UsageError
from orchestrator.optimisers import Optimiser, Problem, Told, create_optimiser
from orchestrator.optimisers.grid import GridOptions
from orchestrator.optimisers.priors import Prior
from orchestrator.optimisers.sobol import SobolOptions
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.optimisers.table import TableOptions
from orchestrator.records import FloatArray, Origin, Outcome

SPACE = SearchSpace([Parameter("n", 1, 3, integer=True), Parameter("x", 0, 10), Parameter("tau", 1, 100, log=True)])


def problem(size: int = 4, space: SearchSpace = SPACE, **start: float) -> Problem:
    begin = space.encode(start or {"n": 2, "x": 3.0, "tau": 10.0})
    return Problem(begin, space.steps, sigma=0.2, size=size, seed=1, space=space)


def scan(optimiser: Optimiser, most: int = 100, lost: int = -1) -> FloatArray:
    """Return what is asked for until it ends; of the first block, one row may be lost."""
    found = []
    for number in range(most):
        if number and optimiser.stop():
            break
        asked = optimiser.ask()
        scores = np.ones((len(asked.points), 1))
        if number == 0 and lost >= 0:
            scores[lost] = np.nan
        found.append(asked.points)
        optimiser.tell(Told(asked.points, scores, scores, [Outcome.OK] * len(scores), asked.origins))
    return np.vstack(found)


def values(points: FloatArray) -> list[tuple[float, ...]]:
    return [tuple(round(float(each), 9) for each in SPACE.decode(point).values()) for point in points]


def test_a_grid_is_all_combinations_from_bound_to_bound_with_the_start_first_and_nothing_twice() -> None:
    optimiser = create_optimiser(GridOptions(points=3), problem())
    found = values(scan(optimiser))
    assert found[0] == (2, 3.0, 10.0)
    assert set(found[1:]) == {(n, x, tau) for n in (1, 2, 3) for x in (0.0, 5.0, 10.0) for tau in (1.0, 10.0, 100.0)}
    assert len(found) == 28
    assert optimiser.stop() == "all 28 points of the scan were evaluated"
    assert optimiser.state() == {"scanned": 28.0}


def test_a_start_on_the_grid_and_whole_numbers_that_are_the_same_are_evaluated_once() -> None:
    found = values(scan(create_optimiser(GridOptions(points={"n": 9, "x": 11}), problem())))
    assert found[0] == (2, 3.0, 10.0)
    assert sorted(found) == [(n, x, 10.0) for n in (1, 2, 3) for x in range(11)]


def test_a_point_of_a_grid_that_was_lost_is_evaluated_in_the_end() -> None:
    found = values(scan(create_optimiser(GridOptions(points={"n": 3, "x": 2}), problem()), lost=1))
    assert len(found) == 8
    assert len(set(found)) == 7


def test_a_grid_has_all_places_between_bounds_that_others_decide() -> None:
    """Also where these meet beside the start; what is the same beside some values is evaluated once."""
    parameters = {"a": [0, 1], "b": [0, "a"], "n": {"bounds": [1, "3 * a + 1"], "integer": True}}
    space = space_of({name: read_parameter(spec) for name, spec in parameters.items()})
    optimiser = create_optimiser(GridOptions(points=5), problem(16, space, a=0.0, b=0.0, n=1))
    rows = [tuple(space.decode(point).values()) for point in scan(optimiser)]
    expected = {(0.0, 0.0, 1)}
    for a in (0.25, 0.5, 0.75, 1.0):
        highest = math.floor(3 * a + 1.5)
        numbers = {min(math.floor(0.5 + u * highest + 0.5), highest) for u in np.linspace(0, 1, 5)}
        expected |= {(a, a * share, n) for share in np.linspace(0, 1, 5).tolist() for n in numbers}
    assert len(rows) == len(expected)
    np.testing.assert_allclose(sorted(rows), sorted(expected), atol=1e-12)


def test_sobol_points_are_those_of_scipy_after_the_start_and_none_is_there_twice() -> None:
    space = SearchSpace([Parameter("x", 0, 10), Parameter("y", -1, 1)])
    given = problem(8, space, x=5.0, y=0.0)
    found = scan(create_optimiser(SobolOptions(), given), 4)
    assert found[0].tolist() == [0.5, 0.5]
    expected = qmc.Sobol(2, seed=np.random.default_rng(1)).random(32)
    assert np.array_equal(found[1:], expected[:31])
    assert len({row.tobytes() for row in found}) == 32
    assert qmc.discrepancy(found[1:]) < qmc.discrepancy(np.random.default_rng(1).random((31, 2)))


def test_sobol_points_of_whole_numbers_end_with_the_combinations() -> None:
    space = SearchSpace([Parameter("n", 1, 3, integer=True), Parameter("m", 1, 5, integer=True)])
    given = problem(4, space, n=2, m=3)
    optimiser = create_optimiser(SobolOptions(), given)
    found = scan(optimiser)
    assert sorted(tuple(space.decode(point).values()) for point in found) == [
        (n, m) for n in (1, 2, 3) for m in range(1, 6)
    ]
    assert optimiser.stop() == "all 15 points of the scan were evaluated"


def test_sobol_points_that_follow_priors_may_end_before_all_are_evaluated() -> None:
    optimiser = create_optimiser(
        SobolOptions(),
        problem(8, SearchSpace([Parameter("n", 0, 100, integer=True, prior=Prior("normal", 50, 3))]), n=50),
    )
    assert len(scan(optimiser)) < 101
    assert optimiser.stop() == "no other points are among the next 1,024 that follow the priors"


def test_sobol_points_that_were_not_handed_out_are_asked_for_again() -> None:
    """As the schedule rolling does: a scan leaves nothing out."""
    optimiser = create_optimiser(SobolOptions(), problem(size=4))
    asked = optimiser.ask(pending=np.empty((0, 3)))
    again = optimiser.ask(pending=asked.points[:1])
    assert np.array_equal(again.points[:3], asked.points[1:])
    assert again.origins == (Origin.SAMPLE,) * 4


def test_given_sets_are_evaluated_once_in_their_order_with_the_start_first() -> None:
    sets = np.array([[0.5, 0.25, 0.5], [0.1, 0.5, 0.75], [0.5, 0.25, 0.5], [0.9, 0.0, 1.0], [0.2, 0.5, 0.75]])
    given = replace(problem(size=3), start=sets[0], sets=sets)
    optimiser = create_optimiser(TableOptions(file=Path("sets.csv")), given)
    # the third is the first again; the last has the same whole number as the second
    assert np.array_equal(scan(optimiser), sets[[0, 1, 3]])
    assert optimiser.stop() == "all 3 points of the scan were evaluated"
    assert create_optimiser(TableOptions(file=Path("sets.csv")), given).ask().origins == (
        *(Origin.START, Origin.INJECTED, Origin.INJECTED),
    )


def test_the_start_that_is_a_given_set_is_evaluated_to_its_last_digit() -> None:
    sets = np.array([[0.1, 0.5, 0.75], [0.5, 0.25, 0.5]])
    start = np.nextafter(sets[1], 1)
    optimiser = create_optimiser(TableOptions(file=Path("sets.csv")), replace(problem(size=3), start=start, sets=sets))
    assert np.array_equal(scan(optimiser), sets[::-1])


def test_given_sets_are_nothing_without_a_run_that_has_read_them() -> None:
    with pytest.raises(ValueError, match="table needs the parameter sets"):
        create_optimiser(TableOptions(file=Path("sets.csv")), problem())


CONFIG = """\
parameters: {{x: [0, 1], y: [0, 1], z: [0, 1]}}
targets: [{{class: ReturnedValue, key: a, target_value: 1, norm: 1}}]
simulation: {{type: function, function: "model:simulate"}}
executor: local
optimiser: {{method: grid, points: {points}}}
"""


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ("{x: 3, w: 2}", "optimiser.points: w: not among the parameters that are searched, x, y, z"),
        ("50", "optimiser.points: the grid of 3 parameters has 1.25e+05 points, more than 100,000: take fewer"),
        ("0", "optimiser.points"),
    ],
)
def test_a_grid_that_is_of_no_use_is_refused(tmp_path: Path, points: str, message: str) -> None:
    (tmp_path / "model.py").write_text("def simulate(parameters, directory): return {'a': 1}\n")
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG.format(points=points))
    with pytest.raises(UsageError) as caught:
        load_checked_config(file)
    assert message in str(caught.value)


def test_a_grid_of_some_parameters_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG.format(points="{x: 101, z: 51}"))
    assert load_config(file).optimiser.model_dump()["points"] == {"x": 101, "z": 51}
