"""Parzen estimators by optuna: what it is told, what it asks for, and what a replay takes from the record."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import optuna
import pytest
from asked_and_told import rounds, told_of
from orchestrator_project import CONFIG

from orchestrator.checking.problems import examine
from orchestrator.errors import UsageError
from orchestrator.files import write_json
from orchestrator.optimisers import Asked, Problem, Told, create_optimiser
from orchestrator.optimisers.guard import Guarded
from orchestrator.optimisers.priors import Choice, Prior
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.optimisers.tpe import TPE, TPEOptions
from orchestrator.parameters.bounds import Bounds
from orchestrator.parameters.given import Given
from orchestrator.records import FloatArray, Origin, Outcome

pytestmark = pytest.mark.methods

SPACE = SearchSpace(
    [Parameter("x", -1, 1), Parameter("n", 1, 8, log=True, integer=True), Parameter("m", 0, 3, integer=True)]
)
SOLUTION = SPACE.encode({"x": 0.4, "n": 2, "m": 1})


def problem(**changes: Any) -> Problem:
    start = SPACE.encode({"x": -0.8, "n": 7, "m": 3})
    given = {"start": start, "steps": SPACE.steps, "sigma": 0.2, "size": 6, "seed": 3, "targets": ["t"], "space": SPACE}
    return Problem(**{**given, **changes})


def create(given: Problem, **options: Any) -> Guarded:
    return create_optimiser(TPEOptions.model_validate({"method": "tpe", **options}), given)


def loss(points: FloatArray) -> FloatArray:
    return np.asarray(((points - SOLUTION[: points.shape[1]]) ** 2).sum(axis=1, keepdims=True))


def told(asked: Asked, **changes: Any) -> Told:
    return told_of(asked, loss, **changes)


def run(optimiser: Guarded, generations: int) -> list[Told]:
    return rounds(optimiser, generations, loss)


def test_it_draws_from_the_whole_space_first_and_then_proposes() -> None:
    blocks = run(create(problem()), 4)
    assert blocks[0].origins == (Origin.START, *[Origin.SAMPLE] * 5)
    assert blocks[1].origins == (Origin.SAMPLE,) * 6
    assert blocks[2].origins == blocks[3].origins == (Origin.MODEL,) * 6
    drawn = np.vstack([block.points for block in blocks[:2]])[1:, 0]
    assert drawn.min() < 0.3
    assert drawn.max() > 0.7


@pytest.mark.parametrize(("initial", "proposed"), [(1, [0, 6, 6]), (7, [0, 0, 6]), ("auto", [0, 0, 6])])
def test_how_much_is_known_before_the_first_proposal(initial: int | str, proposed: list[int]) -> None:
    blocks = run(create(problem(), initial=initial), 3)
    assert [len(block.proposed) for block in blocks] == proposed


def test_it_finds_the_solution_sooner_than_chance() -> None:
    best = min(block.totals.min() for block in run(create(problem()), 20))
    drawn = np.random.default_rng(1).random((100, 120, 3)).reshape(-1, 3)
    chance = np.median(loss(problem().snapped(drawn)).reshape(100, 120).min(axis=1))
    assert best < chance / 20


def test_whole_numbers_are_asked_for_at_the_middle_of_their_share() -> None:
    proposals = np.vstack([block.points[block.proposed] for block in run(create(problem()), 3)])
    assert len(proposals) == 6
    np.testing.assert_allclose(SPACE.encode(SPACE.decode(proposals[0])), proposals[0], atol=1e-12)
    snapped = problem().snapped(proposals)
    np.testing.assert_allclose(snapped[:, 1:], proposals[:, 1:], atol=1e-12)


BELIEVED = SearchSpace(
    [
        Parameter("x", -1, 1, prior=Prior("normal", -0.5, 0.02)),
        Parameter("n", 1, 8, integer=True, prior=Prior("lognormal", 3.0, 0.5)),
        Parameter("k", 1, 9, prior=Choice((1, 4, 9))),
        Parameter("m", 1, 9, prior=Choice((1, 4, 9), (1, 1, 8))),
    ]
)


def test_it_sees_what_is_believed_as_uniform_and_asks_for_values_that_there_are() -> None:
    x, n, k, m = create(problem(space=BELIEVED, start=np.full(4, 0.5), steps=BELIEVED.steps))._optimiser._dimensions
    assert [each.distribution for each in (x, n, m)] == [optuna.distributions.FloatDistribution(0, 1)] * 3
    assert k.distribution == optuna.distributions.IntDistribution(0, 2)
    assert (x.value(0.25), x.coordinate(0.5)) == pytest.approx((0.5, 0.25))
    assert [k.value(coordinate) for coordinate in (0.1, 0.5, 1)] == [0, 1, 2]
    assert [k.coordinate(number) for number in range(3)] == pytest.approx([1 / 6, 1 / 2, 5 / 6])
    assert [m.coordinate(share) for share in (0.05, 0.15, 0.25, 0.99)] == pytest.approx([1 / 6, 1 / 2, 5 / 6, 5 / 6])
    assert [m.value(coordinate) for coordinate in (0.1, 0.5, 0.7)] == pytest.approx([0.05, 0.15, 0.6])
    assert n.coordinate(n.value(0.3)) == pytest.approx(BELIEVED.parameters[1].snapped(0.3))


@pytest.mark.parametrize("priors", [True, False])
def test_its_proposals_follow_priors_where_evaluations_say_nothing(priors: bool) -> None:
    optimiser = create(problem(space=BELIEVED, start=np.full(4, 0.5), steps=BELIEVED.steps, size=12), priors=priors)
    for _ in range(3):
        asked = optimiser.ask()
        scores = np.ones((12, 1))
        optimiser.tell(Told(asked.points, scores, scores, [Outcome.OK] * 12, asked.origins))
    assert asked.origins == (Origin.MODEL,) * 12
    assert bool(np.abs(asked.points[:, 0] - 0.25).max() < 0.05) is priors


def test_points_of_a_generation_and_pending_ones_are_kept_apart() -> None:
    first = create(problem())
    run(first, 2)
    asked = first.ask()
    assert len(np.unique(asked.points, axis=0)) == 6
    second = create(problem())
    run(second, 2)
    assert not np.array_equal(second.ask(pending=asked.points).points, asked.points)


def test_a_replay_takes_proposals_from_the_record_and_goes_on_as_before() -> None:
    first = create(problem())
    blocks = run(first, 3)
    altered = blocks[2].points.copy()
    altered[0, 0] = 0.123
    blocks[2] = told(Asked(altered, tuple(blocks[2].origins)))
    one, other = create(problem()), create(problem())
    for optimiser in (one, other):
        for block in blocks:
            again = optimiser.ask(Asked(block.points, tuple(block.origins)))
            assert np.array_equal(again.points, block.points)
            optimiser.tell(block)
    assert np.array_equal(one.ask().points, other.ask().points)


def test_a_sample_in_the_record_that_is_another_is_noticed() -> None:
    asked = create(problem()).ask()
    again = create(problem(seed=4)).ask(asked)
    assert np.array_equal(again.points[0], asked.points[0])
    assert not np.allclose(again.points[1:], asked.points[1:])


def test_what_failed_is_bad_and_what_was_not_evaluated_is_unknown() -> None:
    optimiser = create(problem(), initial=1)
    asked = optimiser.ask()
    scores = loss(asked.points)
    scores[1], scores[2] = 21.0, np.nan
    outcomes = [Outcome.OK, Outcome.EXPLODED, Outcome.NODE_FAIL, *[Outcome.OK] * 3]
    optimiser.tell(told(asked, scores=scores, outcomes=outcomes))
    method = optimiser._optimiser
    assert isinstance(method, TPE)
    assert [trial.value for trial in method._trials] == [*scores[:2, 0], *scores[3:, 0]]


def test_what_is_known_of_other_runs_is_learnt_at_once() -> None:
    points = np.random.default_rng(2).random((40, 3))
    known = told(Asked(points, (Origin.INJECTED,) * 40))
    asked = create(problem(known=known)).ask()
    assert asked.origins == (Origin.START, *[Origin.MODEL] * 5)
    assert loss(asked.points[1:]).mean() < loss(points).mean() / 2


def test_optuna_says_nothing_and_keeps_its_own_settings(capfd: pytest.CaptureFixture[str]) -> None:
    optuna.logging.set_verbosity(optuna.logging.INFO)
    optuna.logging.enable_propagation()
    run(create(problem()), 3)
    assert optuna.logging.get_verbosity() == optuna.logging.INFO
    optuna.logging.disable_propagation()
    assert capfd.readouterr() == ("", "")


def test_without_optuna_the_extra_is_named(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.optimisers.options.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"optimiser tpe needs optuna: pip install 'mozaik-orchestrator\[optuna\]'"):
        create(problem())
    (tmp_path / "model.py").write_text("def simulate(parameters, directory): ...")
    write_json(tmp_path / "config.json", {**CONFIG, "optimiser": {"method": "tpe"}})
    (found,) = examine(tmp_path / "config.json").problems
    assert (found.key, found.message.partition(":")[0]) == ("optimiser.method", "the optimiser tpe needs optuna")
    assert importlib.util.find_spec("optuna")


def test_whole_numbers_whose_bounds_others_decide_are_proposed_by_their_place() -> None:
    """The range that optuna knows of a parameter is the same in all trials."""
    given = Given.of({"n": [1, 8], "m": ["n", "2 * n + 1"]})
    own = [
        Parameter("n", 1, 8, integer=True), Parameter("m", 1, 17, integer=True, moving=Bounds.of(given)["m"]),
    ]  # fmt: skip
    space = SearchSpace(own)
    start = space.encode({"n": 4, "m": 9})
    blocks = run(create(problem(space=space, start=start, steps=space.steps), initial=1), 4)
    assert Origin.MODEL in blocks[3].origins
    for values in (space.decode(point) for block in blocks for point in block.points):
        assert values["n"] <= values["m"] <= 2 * values["n"] + 1
