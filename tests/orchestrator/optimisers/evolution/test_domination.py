"""Which rows nothing dominates, and how crowded a front is."""

from __future__ import annotations

import numpy as np
import pytest

from orchestrator.optimisers.evolution.domination import crowding_distances, fronts, non_dominated

# the first three are compromises, of which the last two are equal; each of the others is worse than one before it
ROWS = np.array([[0.0, 3.0], [2.0, 1.0], [2.0, 1.0], [2.0, 3.0], [1.0, 4.0], [3.0, 3.0]])


def several(seed: int) -> np.ndarray:
    """Return scores, of some seeds with many that are equal."""
    rng = np.random.default_rng(seed)
    scores = rng.random((int(rng.integers(1, 60)), int(rng.integers(1, 6))))
    return np.round(scores, 1) if seed % 2 else scores


def test_what_is_nowhere_better_than_another_and_somewhere_worse_is_dominated() -> None:
    assert non_dominated(ROWS).tolist() == [True, True, True, False, False, False]
    assert non_dominated(np.empty((0, 2))).tolist() == []


def test_fronts_are_peeled_off_one_after_the_other() -> None:
    assert [front.tolist() for front in fronts(ROWS)] == [[0, 1, 2], [3, 4], [5]]


@pytest.mark.parametrize("seed", range(20))
def test_fronts_are_those_of_the_definition(seed: int) -> None:
    scores = several(seed)
    found = fronts(scores)
    assert sorted(np.concatenate(found)) == list(range(len(scores)))

    def dominated(row: int, by: np.ndarray) -> bool:
        return any((scores[n] <= scores[row]).all() and (scores[n] < scores[row]).any() for n in by)

    for n, front in enumerate(found):
        assert not any(dominated(row, front) for row in front)
        assert n == 0 or all(dominated(row, found[n - 1]) for row in front)


@pytest.mark.parametrize("objectives", [1, 2, 3, 4, 7])
def test_the_front_of_more_rows_than_are_compared_first_is_that_of_the_definition(objectives: int) -> None:
    scores = np.random.default_rng(objectives).integers(0, 12, (500, objectives)).astype(float)
    no_worse = (scores[:, None] <= scores).all(axis=2)
    better = (scores[:, None] < scores).any(axis=2)
    assert non_dominated(scores).tolist() == (~(no_worse & better).any(axis=0)).tolist()


def test_the_crowding_distance_is_the_mean_side_of_the_box_between_neighbours() -> None:
    front = np.array([[0.0, 4.0], [1.0, 2.0], [3.0, 1.0], [4.0, 0.0]])
    # (3 - 0) / 4 and (4 - 1) / 4; (4 - 1) / 4 and (2 - 0) / 4
    assert crowding_distances(front).tolist() == [np.inf, 0.75, 0.625, np.inf]
    assert crowding_distances(front[:2]).tolist() == [np.inf, np.inf]


def test_an_objective_in_which_all_are_equal_does_not_crowd() -> None:
    front = np.array([[0.0, 5.0], [1.0, 5.0], [4.0, 5.0]])
    assert crowding_distances(front).tolist() == [np.inf, 0.5, np.inf]
    assert crowding_distances(np.ones((3, 2))).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.reference
@pytest.mark.parametrize("seed", range(20))
def test_fronts_and_crowding_are_exactly_those_of_pymoo(seed: int) -> None:
    from pymoo.operators.survival.rank_and_crowding.metrics import get_crowding_function  # noqa: PLC0415
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting  # noqa: PLC0415

    scores = several(seed)
    expected = NonDominatedSorting().do(scores)
    assert [front.tolist() for front in fronts(scores)] == [sorted(front) for front in expected]
    for front in fronts(scores):
        assert np.array_equal(crowding_distances(scores[front]), get_crowding_function("cd").do(scores[front]))
