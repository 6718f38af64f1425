"""Nelder and Mead's method in batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from orchestrator.optimisers import Optimiser, Problem, Told, create_optimiser
from orchestrator.optimisers.nelder_mead import NelderMeadOptions
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.records import FloatArray, Origin, Outcome

pytestmark = pytest.mark.methods

Total = Callable[[FloatArray], FloatArray]


def problem(n: int = 2, size: int = 6, **changes: object) -> Problem:
    given = {"start": np.full(n, 0.2), "steps": np.zeros(n), "sigma": 0.2, "size": size, "seed": 1}
    return Problem(**{**given, **changes})  # type: ignore[arg-type]


def told(points: FloatArray, totals: FloatArray, origins: tuple[Origin, ...] = ()) -> Told:
    scores = totals[:, None]
    return Told(points, scores, scores, [Outcome.OK] * len(points), origins)


def parabola(points: FloatArray) -> FloatArray:
    distance = points - np.linspace(0.5, 0.7, points.shape[1])
    return np.asarray((distance**2).sum(axis=1) + 1.5 * distance[:, 0] * distance[:, -1])


def search(optimiser: Optimiser, total: Total, rounds: int) -> tuple[float, int]:
    """Return the least total and how many rounds it took."""
    best = np.inf
    for number in range(rounds):
        if number and optimiser.stop():
            return best, number
        asked = optimiser.ask()
        totals = total(asked.points)
        best = min(best, float(totals.min()))
        optimiser.tell(told(asked.points, totals, asked.origins))
    return best, rounds


@pytest.mark.parametrize(("n", "size", "rounds"), [(1, 4, 20), (2, 1, 120), (2, 6, 40), (4, 8, 60), (3, 20, 25)])
def test_a_parabola_is_solved_with_any_number_of_offspring(n: int, size: int, rounds: int) -> None:
    least = parabola(np.linspace(0.5, 0.7, n)[None])[0]
    best, _ = search(create_optimiser(NelderMeadOptions(), problem(n, size)), parabola, rounds)
    assert best - least < 1e-5


def test_it_ends_when_a_second_simplex_finds_nothing_better() -> None:
    optimiser = create_optimiser(NelderMeadOptions(), problem())
    best, rounds = search(optimiser, lambda points: 1 + parabola(points), 200)
    assert best - 1 < 1e-12
    assert rounds < 120
    assert optimiser.stop() == "a new simplex around the best point has found nothing better"
    assert len(optimiser.ask().points) == 6


def test_where_all_is_equal_it_never_ends() -> None:
    optimiser = create_optimiser(NelderMeadOptions(), problem())
    _, rounds = search(optimiser, lambda points: np.full(len(points), 40.0), 150)
    assert rounds == 150


def test_it_leaves_a_face_of_the_cube_on_which_a_simplex_has_come_to_lie() -> None:
    """Points outside are put on the face; a simplex that is flat sees no way back, the next one does."""

    def total(points: FloatArray) -> FloatArray:
        return np.asarray(np.abs(points[:, 0] - 0.3) + 5 * np.abs(points[:, 1] - points[:, 0]))

    start = np.array([0.0, 0.9])
    best, _ = search(create_optimiser(NelderMeadOptions(), problem(start=start)), total, 200)
    assert best < 1e-4


def test_no_point_is_evaluated_twice_not_even_as_the_same_whole_numbers() -> None:
    space = SearchSpace([Parameter("n", 1, 9, integer=True), Parameter("x", 0, 1)])
    given = problem(space=space, steps=space.steps)
    optimiser, seen = create_optimiser(NelderMeadOptions(), given), []
    for _ in range(6):
        asked = optimiser.ask()
        simulated = given.snapped(asked.points)
        seen += [row.round(12).tobytes() for row in simulated]
        optimiser.tell(told(asked.points, parabola(simulated), asked.origins))
    assert len(set(seen)) == len(seen)


def test_what_is_being_evaluated_is_not_asked_for_and_what_was_not_handed_out_is_again() -> None:
    """As with the schedule rolling, which hands out one at a time and forgets the rest when it tells."""
    first, second = (create_optimiser(NelderMeadOptions(), problem()) for _ in range(2))
    asked = first.ask(pending=np.empty((0, 2)))
    again = first.ask(pending=asked.points[:2])
    assert not {row.tobytes() for row in asked.points[:2]} & {row.tobytes() for row in again.points}
    assert {row.tobytes() for row in asked.points[2:5]} < {row.tobytes() for row in again.points}
    # nobody says what is pending: all of it is
    one, other = second.ask(), second.ask()
    assert not {row.tobytes() for row in one.points} & {row.tobytes() for row in other.points}


def test_tells_between_two_asks_lead_to_the_same_points_whether_or_not_stop_is_asked() -> None:
    """A replay does not ask it; what a step depends on is decided when it is told."""
    asked_for = []
    for looks in (True, False):
        optimiser = create_optimiser(NelderMeadOptions(), problem(size=5))
        for _ in range(4):
            asked = optimiser.ask(pending=np.empty((0, 2)))
            for part in (slice(0, 3), slice(3, 5)):
                points = asked.points[part]
                optimiser.tell(told(points, parabola(points), asked.origins[part]))
                if looks:
                    optimiser.stop()
        asked_for.append(optimiser.ask().points)
    assert np.array_equal(*asked_for)


def test_lost_points_are_asked_for_again() -> None:
    optimiser = create_optimiser(NelderMeadOptions(), problem())
    asked = optimiser.ask()
    lost = Told(asked.points, *[np.full((6, 1), np.nan)] * 2, [Outcome.CANCELLED] * 6, asked.origins)
    optimiser.tell(lost)
    again = optimiser.ask()
    assert {row.tobytes() for row in asked.points[:5]} <= {row.tobytes() for row in again.points}


def test_the_state_is_that_of_the_simplex() -> None:
    optimiser = create_optimiser(NelderMeadOptions(), problem())
    search(optimiser, parabola, 15)
    state = optimiser.state()
    assert np.abs(np.asarray(state["mean"]) - [0.5, 0.7]).max() < 0.05
    assert float(state["sigma"]) == pytest.approx(np.sqrt(np.trace(np.asarray(state["covariance"])) / 2))
    assert float(state["sigma"]) < 0.05
