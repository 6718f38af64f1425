"""Steps of a simplex, and which points they will need."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from orchestrator.optimisers.simplex.speculation import needed
from orchestrator.optimisers.simplex.steps import Missing, Simplex
from orchestrator.records import FloatArray

# the worst point is (0.5, 0.5); the mean of the others is (0.25, 0.25)
TRIANGLE = Simplex.of(np.array([[0.5, 0.5], [0.2, 0.3], [0.3, 0.2]]), np.array([3.0, 1.0, 2.0]))


def values(**given: float) -> Callable[[FloatArray], float | None]:
    """Return values of points that are named by their first coordinate, in thousandths."""
    return lambda point: given.get(f"at_{round(1000 * float(point[0]))}")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"at_100": 1.5}, (0.1, 1.5)),  # reflected: neither the best nor the worst
        ({"at_100": 0.5, "at_0": 0.2}, (0.0, 0.2)),  # expanded
        ({"at_100": 0.5, "at_0": 0.7}, (0.1, 0.5)),  # the expanded one is no better
        ({"at_100": 2.5, "at_175": 2.4}, (0.175, 2.4)),  # contracted outside
        ({"at_100": 4.0, "at_325": 2.9}, (0.325, 2.9)),  # contracted inside
    ],
)
def test_a_step_of_two_parameters_is_that_of_nelder_and_mead(
    given: dict[str, float], wanted: tuple[float, float]
) -> None:
    triangle = Simplex.of(np.array([[0.4, 0.4], [0.2, 0.3], [0.3, 0.2]]), np.array([3.0, 1.0, 2.0]))
    step = triangle.after_a_step(values(**given))
    assert isinstance(step, Simplex)
    found = [(round(float(point[0]), 9), float(value)) for point, value in zip(step.points, step.values, strict=True)]
    assert sorted(found) == sorted([(0.2, 1.0), (0.3, 2.0), wanted])
    assert list(step.values) == sorted(step.values)


def test_a_simplex_shrinks_to_its_best_point_if_nothing_else_is_better() -> None:
    triangle = Simplex.of(np.array([[0.4, 0.4], [0.2, 0.3], [0.3, 0.2]]), np.array([3.0, 1.0, 2.0]))
    worse = {"at_100": 4.0, "at_325": 5.0}
    missing = triangle.after_a_step(values(**worse))
    assert isinstance(missing, list)
    assert [each.point.round(9).tolist() for each in missing] == [[0.25, 0.25], [0.3, 0.35]]
    step = triangle.after_a_step(values(**worse, at_250=0.5, at_300=6.0))
    assert isinstance(step, Simplex)
    assert step.values.tolist() == [0.5, 1.0, 6.0]
    assert step.points[1].tolist() == [0.2, 0.3]


def test_points_outside_the_cube_are_put_on_its_faces() -> None:
    edge = Simplex.of(np.array([[0.4, 0.4], [0.0, 0.1], [0.1, 0.0]]), np.array([3.0, 1.0, 2.0]))
    missing = edge.after_a_step(values())
    assert isinstance(missing, list)
    assert missing[0].point.tolist() == [0.0, 0.0]


def test_several_of_the_worst_points_are_moved_at_once_and_each_only_to_a_better_one() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform(0.4, 0.6, (6, 5))
    simplex = Simplex.of(points, np.arange(6.0))
    missing = simplex.after_a_step(values(), moved=3)
    assert isinstance(missing, list)
    mean = points[:3].mean(axis=0)
    assert np.allclose([each.point for each in missing], 2 * mean - points[3:])
    found = {missing[0].point.tobytes(): 1.5, missing[1].point.tobytes(): 2.5}
    step = simplex.after_a_step(lambda point: found.get(point.tobytes(), 99.0), moved=3)
    assert isinstance(step, Simplex)
    assert step.values.tolist() == [0.0, 1.0, 1.5, 2.0, 2.5, 5.0]


def key(point: FloatArray) -> bytes:
    return point.round(12).tobytes()


@pytest.mark.parametrize(("number", "most"), [(1, 46), (3, 25), (6, 19), (12, 15)])
def test_what_the_next_steps_need_is_evaluated_before_they_do(number: int, most: int) -> None:
    """Of a parabola: the more points at once, the fewer rounds."""
    known: dict[bytes, float] = {}

    def total(point: FloatArray) -> float:
        return float((point - [0.7, 0.6]) ** 2 @ [1.0, 3.0])

    def value(point: FloatArray) -> float | None:
        return known.get(key(point))

    points = np.array([[0.1, 0.1], [0.3, 0.1], [0.1, 0.3]])
    simplex, rounds = Simplex.of(points, np.array([total(point) for point in points])), 0
    while simplex.extent > 1e-3:
        step = simplex.after_a_step(value)
        if isinstance(step, Simplex):
            simplex = step
            continue
        wanted = needed(simplex, value, key, number, moved=1, known=())
        assert 1 <= len(wanted) <= number
        assert len({key(point) for point in wanted}) == len(wanted)
        assert key(wanted[0]) == key(step[0].point)  # without it there is no step
        assert not {key(point) for point in wanted} & known.keys()
        known.update({key(point): total(point) for point in wanted})
        rounds += 1
    assert np.abs(simplex.points[0] - [0.7, 0.6]).max() < 2e-3
    assert rounds <= most, rounds


def test_what_is_being_evaluated_is_not_needed_again() -> None:
    first = needed(TRIANGLE, values(), lambda point: point.tobytes(), 2, moved=1, known=())
    known = {point.tobytes() for point in first}
    second = needed(TRIANGLE, values(), lambda point: point.tobytes(), 2, moved=1, known=known)
    assert not known & {point.tobytes() for point in second}


def test_a_missing_point_names_what_may_come_of_it() -> None:
    missing = TRIANGLE.after_a_step(values())
    assert isinstance(missing, list)
    assert all(isinstance(each, Missing) for each in missing)
    assert sum(chance for _, chance in missing[0].outcomes) == pytest.approx(1.0)
    assert all(np.isfinite(value) for value, _ in missing[0].outcomes)
