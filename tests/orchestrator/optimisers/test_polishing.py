"""The last part of a budget by another method."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from orchestrator.optimisers import Optimiser, Problem, Told, create_optimiser
from orchestrator.optimisers.cma import CMAOptions
from orchestrator.optimisers.grid import GridOptions
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.records import FloatArray, Origin, Outcome

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

import residuals

pytestmark = pytest.mark.methods

SIZE = 6


def problem(budget: int = 10 * SIZE, **changes: object) -> Problem:
    given = {"start": np.array([0.2, 0.3]), "steps": np.zeros(2), "sigma": 0.2, "size": SIZE, "seed": 1}
    return Problem(**{**given, "budget": budget, **changes})  # type: ignore[arg-type]


def answer(optimiser: Optimiser, recorded: Told | None = None) -> Told:
    """Ask, and return what is told then, with the state before that."""
    asked = optimiser.ask()
    scores = ((asked.points - [0.6, 0.5]) ** 2).sum(axis=1)[:, None]
    entry = Told(asked.points, scores, scores, [Outcome.OK] * len(scores), asked.origins)
    return replace(entry, state=dict(optimiser.state()) if recorded is None else recorded.state)


def run(optimiser: Optimiser, rounds: int) -> list[Told]:
    history = []
    for _ in range(rounds):
        history.append(answer(optimiser))
        optimiser.tell(replace(history[-1], state={}))
    return history


def flags(history: Sequence[Told]) -> list[float]:
    return [float(entry.state["polish"]) for entry in history]


def spread(entry: Told) -> float:
    return float(entry.points.std(axis=0).max())


@pytest.mark.parametrize("polish", ["nelder_mead", "gauss_newton"])
def test_the_last_part_of_the_budget_is_the_other_methods_and_begins_around_the_best(polish: str) -> None:
    plain = run(create_optimiser(CMAOptions(model="none"), problem()), 10)
    polished = run(create_optimiser(CMAOptions(model="none", polish=polish, polish_after=0.5), problem()), 10)
    assert flags(polished) == [0] * 4 + [1] * 6
    assert all(np.array_equal(a.points, b.points) for a, b in zip(plain[:5], polished[:5], strict=True))
    assert not np.array_equal(plain[5].points, polished[5].points)
    best = min((entry for entry in polished[:5]), key=lambda entry: entry.scores.min())
    centre = best.points[np.argmin(best.scores[:, 0])]
    assert np.abs(polished[5].points - centre).max() < 0.3
    assert polished[9].scores.min() < 0.05 * plain[4].scores.min()
    # without a first design, which would be there to learn what is known already
    own = Origin.MODEL if polish == "gauss_newton" else Origin.SAMPLE
    assert {origin for entry in polished[5:] for origin in entry.origins} == {own}


def test_the_state_is_that_of_whichever_asks_under_the_names_of_both() -> None:
    options = CMAOptions(model="none", polish="nelder_mead", polish_after=0.5)
    history = run(create_optimiser(options, problem()), 10)
    plain = run(create_optimiser(CMAOptions(model="none"), problem()), 5)
    assert all(np.array_equal(a.state["mean"], b.state["mean"]) for a, b in zip(history[:5], plain, strict=True))
    assert all(entry.state.keys() == {"mean", "sigma", "covariance", "polish"} for entry in history)
    assert float(history[9].state["sigma"]) < 0.2 * float(history[4].state["sigma"])


def test_a_method_that_has_come_to_its_end_is_followed_at_once() -> None:
    options = GridOptions(points=3, polish="nelder_mead", polish_after=1.0)
    optimiser = create_optimiser(options, problem(budget=0))
    history = run(optimiser, 2)
    assert len(np.vstack([entry.points for entry in history])) == 10
    assert optimiser.stop() is None
    after = run(optimiser, 6)
    assert min(entry.scores.min() for entry in after) < 0.1 * min(entry.scores.min() for entry in history)


def test_without_a_budget_that_is_known_only_the_methods_end_counts() -> None:
    options = CMAOptions(model="none", polish="nelder_mead", polish_after=0.1)
    assert flags(run(create_optimiser(options, problem(budget=0)), 6)) == [0] * 6


@pytest.mark.parametrize("budget", [5 * SIZE, 40 * SIZE])
def test_a_run_that_is_continued_with_another_budget_hands_over_where_its_record_says(budget: int) -> None:
    """The state that the checkpoint keeps with each block says it."""
    options = CMAOptions(model="none", polish="nelder_mead", polish_after=0.5)
    history = run(create_optimiser(options, problem()), 10)
    again = create_optimiser(options, problem(budget=budget))
    for entry in history:
        assert np.array_equal(again.ask().points, entry.points)
        again.tell(entry)
    assert flags(run(again, 2)) == [1, 1]


def test_a_run_that_is_continued_with_more_before_it_was_handed_over_is_so_later() -> None:
    options = CMAOptions(model="none", polish="nelder_mead", polish_after=0.5)
    history = run(create_optimiser(options, problem()), 4)
    again = create_optimiser(options, problem(budget=20 * SIZE))
    for entry in history:
        assert np.array_equal(again.ask().points, entry.points)
        again.tell(entry)
    assert flags(run(again, 8)) == [0] * 5 + [1] * 3


def test_what_the_first_method_asked_for_may_be_told_to_the_second() -> None:
    options = CMAOptions(model="none", polish="nelder_mead", polish_after=0.3)
    optimiser = create_optimiser(options, problem())
    late = answer(optimiser)
    run(optimiser, 4)
    optimiser.tell(late)
    assert flags(run(optimiser, 1)) == [1]


def test_nothing_is_handed_over_while_nothing_is_known() -> None:
    optimiser = create_optimiser(CMAOptions(model="none", polish="nelder_mead", polish_after=0.3), problem())
    for _ in range(6):
        entry = answer(optimiser)
        nothing = np.full(entry.scores.shape, np.nan)
        optimiser.tell(replace(entry, scores=nothing, values=nothing, outcomes=[Outcome.CANCELLED] * SIZE, state={}))
    assert optimiser.stop() is None
    run(optimiser, 2)
    assert spread(answer(optimiser)) < 0.3


def test_there_is_none_by_default() -> None:
    assert OptimiserOptions(method="cma").polish == "none"
    assert "polish" not in create_optimiser(CMAOptions(model="none"), problem()).state()


def curve(method: str, seed: int) -> FloatArray:
    return residuals.search(seed, name="CELL", method=method, evaluations=400, size=6)[0]


@pytest.mark.parametrize("method", ["none+nelder_mead", "none+gauss_newton"])
def test_a_linear_cell_is_fitted_to_a_loss_of_1e_4_in_400_evaluations_from_any_start(method: str) -> None:
    """CMA-ES alone misses it with four of ten seeds."""
    assert max(curve(method, seed)[-1] for seed in range(100, 110)) < 1e-4
