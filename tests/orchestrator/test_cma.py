from __future__ import annotations

import numpy as np
import pytest

from orchestrator.optimisers import create_optimiser
from orchestrator.optimisers.base import Optimiser, Told
from orchestrator.records import FloatArray, Outcome

START = np.array([0.1, 0.2, 0.8, 0.5])


def fresh(seed: int = 4, steps: FloatArray | None = None) -> Optimiser:
    steps = np.zeros(4) if steps is None else steps
    return create_optimiser("cma", start=START, steps=steps, sigma=0.3, size=8, seed=seed)


def told(points: FloatArray) -> Told:
    scores = np.minimum(20, 40 * (points - 0.6) ** 2)
    return Told(points, scores, scores, [Outcome.OK] * len(points))


def test_finds_the_optimum_of_a_bowl() -> None:
    optimiser = fresh()
    for _ in range(60):
        optimiser.tell(told(optimiser.ask()))
    assert optimiser.state()["mean"] == pytest.approx([0.6] * 4, abs=0.03)


def test_first_offspring_is_the_start() -> None:
    assert fresh().ask()[0] == pytest.approx(START, abs=1e-12)


def test_replay_is_exact_whatever_others_draw() -> None:
    first, history = fresh(), []
    for _ in range(15):
        history.append(told(first.ask()))
        first.tell(history[-1])
        np.random.random(7)
    second = fresh()
    for entry in history:
        assert np.array_equal(second.ask(), entry.points)
        second.tell(entry)
    assert np.array_equal(first.ask(), second.ask())
    for name, value in first.state().items():
        assert np.array_equal(value, second.state()[name])


def test_does_not_touch_the_global_generator() -> None:
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    optimiser = fresh()
    optimiser.tell(told(optimiser.ask()))
    assert np.random.random() == expected


def test_seeds_differ() -> None:
    assert not np.array_equal(fresh(1).ask(), fresh(2).ask())


def test_points_stay_in_the_cube_and_asking_again_gives_the_same() -> None:
    optimiser = fresh()
    for _ in range(20):
        points = optimiser.ask()
        assert ((points >= 0) & (points <= 1)).all()
        assert np.array_equal(points, optimiser.ask())
        scores = points.sum(axis=1, keepdims=True)  # drives the mean into a corner
        optimiser.tell(Told(points, scores, scores, [Outcome.OK] * 8))


def test_a_generation_in_which_everything_explodes_ends_nothing() -> None:
    optimiser = fresh()
    for _ in range(30):
        points = optimiser.ask()
        scores = np.full((8, 2), 20.0)
        optimiser.tell(Told(points, np.full((8, 2), np.nan), scores, [Outcome.EXPLODED] * 8))
        assert optimiser.stop() is None


def test_integer_dimensions_keep_sampling_their_neighbours() -> None:
    optimiser = fresh(steps=np.array([0, 0, 0, 0.1]))
    for _ in range(60):
        optimiser.tell(told(optimiser.ask()))
    covariance = optimiser.state()["covariance"]
    assert np.sqrt(covariance[3, 3]) >= 0.019  # type: ignore[index]


@pytest.mark.parametrize("wrong", ["others", "nan", "too few", "unasked"])
def test_tell_takes_what_was_asked_finite_and_once(wrong: str) -> None:
    optimiser = fresh()
    entry = told(optimiser.ask())
    if wrong == "others":
        entry = Told(entry.points + 1e-5, entry.values, entry.scores, entry.outcomes)
    elif wrong == "nan":
        entry = Told(entry.points, entry.values, entry.scores * np.nan, entry.outcomes)
    elif wrong == "too few":
        entry = Told(entry.points, entry.values, entry.scores[:-1], entry.outcomes)
    else:
        optimiser.tell(entry)
    with pytest.raises(ValueError, match="tell"):
        optimiser.tell(entry)
