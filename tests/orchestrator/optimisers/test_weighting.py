"""How scores become what is ranked: weights of the targets, and who uses them."""

from __future__ import annotations

import numpy as np
import pytest
from orchestrator_project import Project

from orchestrator.config.file import load_config
from orchestrator.errors import UsageError
from orchestrator.optimisers import Optimiser, Problem, Told, create_optimiser
from orchestrator.optimisers.registry import optimisers
from orchestrator.optimisers.weighting import Weighting, WeightingName, by_correlation, by_largest, by_variance
from orchestrator.records import FloatArray, Outcome

pytestmark = pytest.mark.methods

WEIGHTED = ("ga", "cma")
# uncorrelated, each with the variance 1/4
APART = np.array([[0.0, 1.0], [0.0, 0.0], [1.0, 1.0], [1.0, 0.0]])


def told(scores: FloatArray, outcomes: list[Outcome] | None = None) -> Told:
    return Told(np.zeros((len(scores), 2)), scores, scores, outcomes or [Outcome.OK] * len(scores))


def created(method: str, weighting: WeightingName = "correlation", size: int = 8, **more: float) -> Optimiser:
    given = {"reweigh_after": 4.0, **({"model": "none"} if method == "cma" else {}), **more}
    options = optimisers().find(method).options(method=method, weighting=weighting, **given)
    problem = Problem(np.full(2, 0.5), np.zeros(2), sigma=0.3, size=size, seed=1, targets=["a", "b"])
    return create_optimiser(options, problem)


def test_weights_are_inverse_variances_at_first_and_none_of_what_does_not_vary() -> None:
    scores = np.column_stack([APART[:, 0], 10 * APART[:, 1], np.full(4, 7.0)])
    # variances 1/4, 25 and 0
    assert by_variance(scores) == pytest.approx([1, 0.01, 0])
    assert by_variance(np.ones((3, 2))).tolist() == [1, 1]


def test_of_the_largest_each_target_has_the_same_share() -> None:
    scores = np.array([[2.0, 0.0, 1.0], [4.0, 0.0, 20.0]])
    assert by_largest(scores, np.array([1.0, 0.3, 1.0])) == pytest.approx([1, 0.3, 0.2])


def test_krayzmans_weights_of_a_case_by_hand() -> None:
    """Of two uncorrelated targets of equal variance the correlations with a + w b are as 1 to w."""
    # 0.04 is below 0.05; then 0.04 * (1 + 2/2) and 1 * (1 - 1/2), as shares of the larger: 0.16
    assert by_correlation(APART, np.array([1.0, 0.04])) == pytest.approx([1, 0.16])
    assert by_correlation(APART, np.array([1.0, 0.06])) == pytest.approx([1, 0.06])
    # b has half of the least weight, 0.5, if it had none
    assert by_correlation(APART, np.array([1.0, 0.0])) == pytest.approx([1, 0.5])


def test_krayzmans_weights_of_three_targets_by_hand() -> None:
    """As above, with 1 + 2/3 and 1 - 1/3; the third is the first one's copy, so that a and c have w = 1 together."""
    scores = np.column_stack([APART, APART[:, 0]])
    # sum 2 a + 0.04 b: share 0.02; the first of the equals a and c is lessened: 0.04 * 5/3, 2/3, 1
    # sum 5/3 a + 1/15 b: share 0.04; again a: 1/9, 4/9, 1: sum 13/9 a + 1/9 b: share 1/13
    assert by_correlation(scores, np.array([1.0, 0.04, 1.0])) == pytest.approx([4 / 9, 1 / 9, 1])


def test_targets_between_which_no_weights_agree_have_inverse_variances() -> None:
    opposed = np.array([[0.0, 6.0], [1.0, 4.0], [2.0, 2.0], [3.0, 0.0]])
    assert by_correlation(opposed, np.array([1.0, 1.0])) == pytest.approx([1, 0.25])
    # these cancel each other: their sum does not vary
    assert by_correlation(opposed, np.array([1.0, 0.5])) == pytest.approx([1, 0.25])


def test_a_target_that_is_opposed_to_the_sum_gets_weight_until_it_is_not() -> None:
    rng = np.random.default_rng(1)
    first = rng.random(200)
    scores = np.column_stack([first, 0.5 * (1 - first) + rng.random(200), 0.8 * first + rng.random(200)])
    before = np.array([1.0, 0.01, 1.0])
    assert np.corrcoef(scores[:, 1], scores @ before)[0, 1] < 0
    weights = by_correlation(scores, before)
    found = [np.corrcoef(column, scores @ weights)[0, 1] for column in scores.T]
    assert min(found) >= 0.05 * max(found) - 1e-9
    assert weights.max() == 1


def test_weights_change_when_there_are_enough_evaluations_that_worked() -> None:
    weighting = Weighting("correlation", 2, reweigh_after=4)
    assert weighting.weights.tolist() == [1, 1]
    weighting.learn(told(APART * [1, 10], [*[Outcome.OK] * 3, Outcome.EXPLODED]))
    at_first = by_variance(APART[:3] * [1, 10])
    assert weighting.weights == pytest.approx(at_first)
    weighting.learn(told(np.full((3, 2), np.nan), [Outcome.NODE_FAIL] * 3))
    weighting.learn(told(APART))
    assert weighting.weights == pytest.approx(at_first)  # 4 of 8
    weighting.learn(told(APART))
    assert weighting.weights == pytest.approx(by_correlation(np.vstack([APART, APART]), at_first))
    assert weighting.state() == {"weights": weighting.weights}


def test_the_sum_is_exact_and_keeps_nothing() -> None:
    weighting = Weighting("sum", 3, reweigh_after=0)
    scores = np.array([[1e16, 1.0, -1e16], [0.1, 0.2, 0.3]])
    weighting.learn(told(scores))
    assert weighting.totals(scores).tolist() == told(scores).totals.tolist()
    assert weighting.state() == {}


def test_elites_are_ranked_again_when_the_weights_change() -> None:
    """With the totals of when it was told, the best under old weights would be an elite for ever."""
    optimiser = created("ga", "max", size=4, elites=0.25, reweigh_after=2)
    first = optimiser.ask().points
    # weights 1/4 and 1: the second is the best
    optimiser.tell(told_at(first, np.array([[0.0, 0.9], [3.0, 0.0], [4.0, 1.0], [4.0, 1.0]])))
    second = optimiser.ask().points
    # weights 1/5 and 1/100: the first is the best
    optimiser.tell(told_at(second, np.array([[5.0, 100.0], [5.0, 90.0], [5.0, 80.0], [4.9, 95.0]])))
    kept = optimiser._optimiser._population.points  # type: ignore[attr-defined]
    assert kept[0].tolist() == first[0].tolist()
    assert not (kept == first[1]).all(axis=1).any()


def told_at(points: FloatArray, scores: FloatArray) -> Told:
    return Told(points, scores, scores, [Outcome.OK] * len(points), ())


def test_a_target_of_small_scores_is_not_lost_in_the_noise_of_another() -> None:
    def missed(weighting: WeightingName) -> float:
        """Return how far off the second parameter is, on average, at the end."""
        optimiser, rng, found = created("cma", weighting), np.random.default_rng(3), []
        for _ in range(25):
            asked = optimiser.ask()
            scores = np.abs(asked.points - [0.2, 0.9]) * [1.0, 0.01]
            scores[:, 0] = np.abs(scores[:, 0] + 0.05 * rng.standard_normal(len(scores)))
            found.append(np.abs(asked.points[:, 1] - 0.9).mean())
            optimiser.tell(Told(asked.points, scores, scores, [Outcome.OK] * len(scores), asked.origins))
        return float(np.mean(found[-8:]))

    assert max(missed("correlation"), missed("max")) < 0.1
    assert missed("sum") > 0.1


@pytest.mark.parametrize("method", WEIGHTED)
def test_weights_are_in_the_state_and_a_replay_has_the_same(method: str) -> None:
    optimisers_ = created(method, "max"), created(method, "max")
    assert created(method, "sum").state().keys() == optimisers_[0].state().keys() - {"weights"}
    for _ in range(4):
        asked = [optimiser.ask() for optimiser in optimisers_]
        assert np.array_equal(asked[0].points, asked[1].points)
        scores = np.abs(asked[0].points - 0.2) * [1.0, 9.0]
        for optimiser in optimisers_:
            optimiser.tell(Told(asked[0].points, scores, scores, [Outcome.OK] * len(scores), asked[0].origins))
    weights = [np.asarray(optimiser.state()["weights"]) for optimiser in optimisers_]
    assert np.array_equal(*weights)
    assert weights[0] != pytest.approx([1, 1])


def test_weights_beside_a_model_of_the_sum_are_refused(tmp_path: object) -> None:
    project = Project.create(tmp_path, {"optimiser": {"method": "cma", "weighting": "correlation"}})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"(?s)optimiser.*set model: none as well"):
        load_config(project.config)


@pytest.mark.parametrize("method", ["nsga2", "hybrid"])
def test_methods_that_rank_no_sum_take_no_weights(method: str, tmp_path: object) -> None:
    project = Project.create(tmp_path, {"optimiser": {"method": method, "weighting": "max"}})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"(?s)optimiser.*weighting"):
        load_config(project.config)
