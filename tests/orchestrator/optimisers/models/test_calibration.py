"""How far off the model was, and how well it knew explosions: by hand, by block, and in a replay."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_cma_with_model import SIZE, WIDTH, created, linear, run, told

from orchestrator.optimisers import Asked, Problem, Told
from orchestrator.optimisers.base import Scale
from orchestrator.optimisers.models.calibration import Calibration
from orchestrator.optimisers.models.metric import Metric
from orchestrator.optimisers.models.scores import Scales
from orchestrator.optimisers.models.values import Data, Prediction, ValueModel
from orchestrator.records import FloatArray, Origin, Outcome

SCALES = [Scale(1, 1, 0.5, 20), Scale(0, 0, 1, 20), Scale.of_scores(20)]
OK, EXPLODED, LOST = Outcome.OK, Outcome.EXPLODED, Outcome.NODE_FAIL
ROUND = Metric(np.eye(2), np.zeros(2))


class Knowing(ValueModel):
    """Expects y = 0 with standard deviation 0.3 and noise 0.4 of the first two targets, and explosions by u[0]."""

    def __init__(self) -> None:
        values = np.zeros((6, 3))
        values[:, 2] = math.nan
        super().__init__(Data(np.random.default_rng(0).random((6, 2)), values, np.zeros(6, dtype=bool)), Scales(SCALES))
        self.noise = np.array([0.4, 0.4, math.nan])

    def predict(self, points: FloatArray, *, deviations: bool = True) -> Prediction:
        shape = (len(points), 3)
        return Prediction(np.zeros(shape), np.full(shape, 0.3), np.zeros(shape), ROUND.cube(points)[:, 0])


def block(points: FloatArray, values: FloatArray, outcomes: list[Outcome], proposals: int = 0) -> Told:
    scores = np.where(np.isnan(values), 20.0, np.abs(values))
    scores[[outcome is LOST for outcome in outcomes]] = math.nan
    origins = [Origin.MODEL] * proposals + [Origin.SAMPLE] * (len(points) - proposals)
    return Told(points, values, scores, outcomes, origins)


@pytest.fixture
def calibration() -> Calibration:
    problem = Problem(np.full(2, 0.5), np.zeros(2), 0.2, 4, 1, ["a", "b", "c"], SCALES)
    return Calibration(problem, Scales(SCALES))


def test_errors_are_in_the_standard_deviations_that_were_expected(calibration: Calibration) -> None:
    points = np.array([[0.1, 0.1], [0.2, 0.1], [0.3, 0.1], [0.4, 0.1]])
    # y = asinh((v - wanted) / norm): 1, -2, 0.5 and 1.5 of the first target
    first = 1 + 0.5 * np.sinh([1.0, -2.0, 0.5, 1.5])
    values = np.column_stack([first, [0.0, math.nan, 0.0, np.sinh(1.0)], np.ones(4)])
    calibration.compare(block(points, values, [OK] * 4, proposals=2), (Knowing(), ROUND))
    state = calibration.state()
    of_samples = [math.sqrt((0.5**2 + 1.5**2) / 2) / 0.5, math.sqrt(1 / 2) / 0.5, math.nan]
    of_proposals = [math.sqrt((1**2 + 2**2) / 2) / 0.5, 0.0, math.nan]
    np.testing.assert_allclose(state["model_last_error"], [of_samples, of_proposals], atol=1e-12)
    assert state["model_last_values"].tolist() == [[2, 2, 0], [2, 1, 0]]


def test_explosions_are_compared_with_their_probabilities(calibration: Calibration) -> None:
    points = np.array([[0.9, 0.1], [0.2, 0.2], [0.6, 0.1], [0.1, 0.3]])
    values = np.ones((4, 3))
    values[[0, 3]] = math.nan
    # the cluster says nothing of the parameters
    told = block(points, values, [EXPLODED, OK, OK, LOST], proposals=1)
    calibration.compare(told, (Knowing(), ROUND))
    state = calibration.state()
    assert state["model_last_rows"].tolist() == [2, 1]
    np.testing.assert_allclose(state["model_last_predicted"], [0.4, 0.9])
    assert state["model_last_exploded"].tolist() == [0, 1]
    np.testing.assert_allclose(state["model_last_brier"], [(0.2**2 + 0.6**2) / 2, 0.1**2])
    assert state["model_last_values"].tolist() == [[2, 2, 0], [0, 0, 0]]


@pytest.mark.filterwarnings("error")
def test_a_block_without_a_model_or_without_evaluations_has_no_comparison(calibration: Calibration) -> None:
    points, model = np.full((2, 2), 0.5), (Knowing(), ROUND)
    before = calibration.state()
    for without, fitted in (
        (block(points, np.ones((2, 3)), [OK] * 2), None),
        (block(points, np.full((2, 3), math.nan), [LOST] * 2), model),
    ):
        calibration.compare(block(points, np.ones((2, 3)), [OK] * 2), model)
        assert calibration.state()["model_last_rows"].tolist() == [2, 0]
        calibration.compare(without, fitted)
        assert calibration.state() is before
    assert {name: array.shape for name, array in before.items()} == {
        "model_last_error": (2, 3),
        "model_last_values": (2, 3),
        **dict.fromkeys(("model_last_rows", "model_last_predicted", "model_last_exploded", "model_last_brier"), (2,)),
    }
    assert np.isnan(before["model_last_error"]).all()


def test_what_is_compared_is_the_block_before_the_one_that_the_state_is_kept_with() -> None:
    optimiser = created()
    kept, origins = [], []
    for number in range(4):
        asked = optimiser.ask()
        kept.append(np.asarray(optimiser.state()["model_last_rows"]).tolist())
        origins.append([asked.origins.count(origin) for origin in (Origin.SAMPLE, Origin.MODEL)])
        optimiser.tell(told(asked, number=number))
    # before the first block there is none, and the first one was asked for without a model
    assert kept[:2] == [[0, 0], [0, 0]]
    assert kept[2:] == origins[1:3] != [[0, 0], [0, 0]]


@pytest.mark.run
def test_standardised_errors_are_about_1() -> None:
    rng = np.random.default_rng(2)
    optimiser, squares, count = created(), np.zeros(2), np.zeros(2)
    for block in range(9):
        run(optimiser, 1, lambda points: linear(points) + 0.3 * rng.normal(size=points.shape))
        state = {name: np.asarray(value) for name, value in optimiser.state().items()}
        if block > 2:
            values = state["model_last_values"]
            squares += np.nansum(state["model_last_error"] ** 2 * values, axis=1)
            count += values.sum(axis=1)
    assert (count > 30).all()
    assert (np.sqrt(squares / count) > 0.5).all()
    assert (np.sqrt(squares / count) < 2).all()


@pytest.mark.run
def test_a_replay_compares_the_same() -> None:
    first, second = created(), created()
    for number in range(5):
        asked = first.ask()
        block = told(asked, number=number)
        first.tell(block)
        second.ask(Asked(asked.points, asked.origins))
        second.tell(block)
        states = [optimiser.state() for optimiser in (first, second)]
        for name in states[0]:
            np.testing.assert_array_equal(states[0][name], states[1][name])
    assert np.asarray(states[0]["model_last_rows"]).sum() == SIZE
    assert np.asarray(states[0]["model_last_error"]).shape == (2, WIDTH)
