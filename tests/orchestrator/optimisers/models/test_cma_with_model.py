"""CMA-ES with the model of the values: what it asks for, what it repeats, and when it trusts the model less."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from orchestrator.optimisers import Asked, Optimiser, Problem, Told, create_optimiser
from orchestrator.optimisers.base import Scale
from orchestrator.optimisers.cma import CMAOptions
from orchestrator.optimisers.models.trust import Trust
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.records import FloatArray, Origin, Outcome

pytestmark = pytest.mark.methods

SIZE, WIDTH = 8, 6
BEST = np.linspace(0.3, 0.7, WIDTH)
SPACE = SearchSpace([Parameter(f"p{n}", 1, 2 if n == 0 else 9, integer=n < 2) for n in range(WIDTH)])
# the first point of the third generation, as the versions without a model asked for it
ASKED_BEFORE = [
    0.38966140096592233,
    0.5661384862344344,
    0.4345324478078962,
    0.5300421090553968,
    0.6725955983170229,
    0.7259396143587193,
]
Values = Callable[[FloatArray], FloatArray]


def linear(points: FloatArray) -> FloatArray:
    return (points - BEST) / 0.05


def created(
    model: str = "targets",
    seed: int = 4,
    space: SearchSpace | None = None,
    size: int = SIZE,
    units: FloatArray | None = None,
) -> Optimiser:
    problem = Problem(
        start=np.full(WIDTH, 0.5),
        steps=space.steps if space else np.zeros(WIDTH),
        sigma=0.2,
        size=size,
        seed=seed,
        targets=[f"t{n}" for n in range(WIDTH)],
        scales=[Scale(0, 0, float(unit), 20) for unit in (np.ones(WIDTH) if units is None else units)],
        space=space,
    )
    return create_optimiser(CMAOptions(model=model), problem)


def told(asked: Asked, values: Values = linear, number: int = 0) -> Told:
    """In a corner everything explodes."""
    found = values(asked.points)
    explodes = asked.points.sum(axis=1) > 4
    found[explodes] = math.nan
    scores = np.where(np.isnan(found), 20.0, np.minimum(np.abs(found), 20.0))
    outcomes = [Outcome.EXPLODED if each else Outcome.OK for each in explodes]
    ids = [(number, n) for n in range(len(found))]
    return Told(asked.points, found, scores, outcomes, asked.origins, ids)


def run(optimiser: Optimiser, generations: int, values: Values = linear) -> list[Told]:
    blocks = []
    for number in range(generations):
        block = told(optimiser.ask(), values, number)
        blocks.append(replace(block, state=optimiser.state()))
        optimiser.tell(blocks[-1])
    return blocks


def asked_for(block: Told) -> Asked:
    return Asked(block.points.copy(), tuple(block.origins))


def best(blocks: list[Told]) -> float:
    return float(min(block.scores.sum(axis=1).min() for block in blocks))


@pytest.fixture(scope="module")
def searched() -> tuple[Optimiser, list[Told]]:
    """An optimiser that has found the best, and its blocks; what asks for more of it changes it."""
    optimiser = created()
    return optimiser, run(optimiser, 8)


def test_values_are_fitted_in_a_fraction_of_the_evaluations(searched: tuple[Optimiser, list[Told]]) -> None:
    assert best(searched[1]) < 0.3
    assert best(run(created("none"), 8)) > 6


def test_half_of_a_generation_is_the_models_once_enough_is_known(searched: tuple[Optimiser, list[Told]]) -> None:
    _, blocks = searched
    assert Origin.MODEL not in blocks[0].origins
    assert list(blocks[1].origins).count(Origin.MODEL) == SIZE // 2


def test_without_the_model_every_byte_is_that_of_cma_alone() -> None:
    optimiser = created("none")
    blocks = run(optimiser, 3)
    assert set(blocks[2].origins) == {Origin.SAMPLE}
    assert not [name for name in optimiser.state() if name.startswith("model")]
    np.testing.assert_allclose(blocks[2].points[0], ASKED_BEFORE, rtol=0, atol=1e-12)


def test_the_same_was_told_so_the_same_is_asked() -> None:
    one, other = created(), created()
    for number in range(4):
        asked = one.ask()
        assert np.array_equal(asked.points, other.ask().points)
        for each in (one, other):
            each.tell(told(asked, number=number))


def test_another_process_asks_for_the_same_bytes() -> None:
    program = "from test_cma_with_model import created, run; print(run(created(), 3)[2].points.tobytes().hex())"
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == run(created(), 3)[2].points.tobytes().hex()


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_units_of_targets_do_not_matter_to_the_proposals(factor: float) -> None:
    """Values, what is wanted and norms of half of the targets in another unit."""
    units = np.where(np.arange(WIDTH) % 2, factor, 1.0)
    one, other = created(), created(units=units)
    for number in range(3):
        asked, again = one.ask(), other.ask()
        np.testing.assert_allclose(again.points, asked.points, rtol=0, atol=1e-9)
        block = told(asked, number=number)
        one.tell(block)
        other.tell(replace(block, points=again.points, values=block.values * units))
    assert Origin.MODEL in asked.origins


@pytest.mark.parametrize(("width", "size"), [(1, 3), (100, 6)])
def test_one_parameter_and_a_hundred_are_searched(width: int, size: int) -> None:
    targets = [f"t{n}" for n in range(2)]
    scales = [Scale(-math.inf, 0.2, 0.1, 20), Scale(0.4, math.inf, 0.1, 20)]
    levels = np.where(np.arange(width) == width - 1, 0.5, 0.0)
    problem = Problem(np.full(width, 0.5), levels, 0.2, size, 1, targets, scales)
    optimiser = create_optimiser(CMAOptions(), problem)
    for number in range(3):
        asked = optimiser.ask()
        values = np.stack([asked.points[:, 0], asked.points.mean(axis=1)], axis=1)
        scores = 10 * np.maximum(values - [0.2, math.inf], [0.4] - values[:, 1:]).clip(0, 2)
        ids = [(number, n) for n in range(size)]
        optimiser.tell(Told(asked.points, values, scores, [Outcome.OK] * size, asked.origins, ids))
    assert Origin.MODEL in optimiser.ask().origins


def test_a_replay_takes_proposals_as_they_are_recorded_and_draws_samples_again(
    searched: tuple[Optimiser, list[Told]],
) -> None:
    _, blocks = searched
    recorded = asked_for(blocks[2])
    proposal = list(recorded.origins).index(Origin.MODEL)
    recorded.points[proposal] += 1e-4  # as another kind of processor might have proposed
    second = created()
    for block in blocks[:2]:
        second.ask(asked_for(block))
        second.tell(block)
    again = second.ask(recorded)
    assert np.array_equal(again.points[proposal], recorded.points[proposal])
    samples = [n for n, origin in enumerate(recorded.origins) if origin is Origin.SAMPLE]
    assert np.array_equal(again.points[samples], recorded.points[samples])


def replayed(optimiser: Optimiser, blocks: list[Told]) -> Optimiser:
    for block in blocks:
        assert np.array_equal(optimiser.ask(asked_for(block)).points, block.points)
        optimiser.tell(block)
    return optimiser


def test_a_replayed_run_goes_on_as_the_first_one_did(monkeypatch: pytest.MonkeyPatch) -> None:
    first = created()
    blocks = run(first, 4)
    with monkeypatch.context() as patch:
        patch.setattr("orchestrator.optimisers.models.proposer.ValueModel", None)  # a replay needs no model
        second = replayed(created(), blocks)
    one, other = first.ask(), second.ask()
    assert np.array_equal(one.points, other.points)
    assert one.origins == other.origins
    # with what is in flight recorded, the model is fitted for what the checkpoint keeps of it
    third = replayed(created(), blocks)
    third.ask(one)
    noise = np.asarray(first.state()["model_noise"])
    assert np.isfinite(noise).all()
    for each in (second, third):
        np.testing.assert_array_equal(each.state()["model_noise"], noise)


def test_the_noise_that_a_replay_is_told_decides_when_a_search_has_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.optimisers.models.trust._PATIENCE", 3)
    first = created()
    blocks = run(first, 5)
    assert first.state()["model_stalls"] == 0
    loud = [replace(block, state={"model_noise": np.full(WIDTH, 1e6)}) for block in blocks]
    second = created()
    for block in loud:
        second.ask(asked_for(block))
        second.tell(block)
    assert second.state()["model_stalls"] == 1


@pytest.mark.parametrize(("before", "after"), [("targets", "none"), ("none", "targets")])
def test_a_run_is_continued_with_the_model_or_without(before: str, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.optimisers.models.trust._PATIENCE", 2)
    first = created(before)
    blocks = run(first, 9, lambda points: np.full((len(points), WIDTH), 3.0))  # it has begun anew, with the model
    second = replayed(created(after), blocks)
    assert (Origin.MODEL in second.ask().origins) == (after == "targets")


def test_the_order_of_what_is_told_does_not_matter_to_the_proposals() -> None:
    first, second = created(), created()
    for optimiser in (first, second):
        optimiser.tell(told(optimiser.ask()))
    block = told(first.ask(), number=1)
    second.ask()
    proposed = []
    for optimiser, order in ((first, slice(None)), (second, slice(None, None, -1))):
        rows = range(SIZE)[order]
        proposer = optimiser._optimiser._proposer  # type: ignore[attr-defined]
        proposer.learn(
            Told(
                block.points[order],
                block.values[order],
                block.scores[order],
                [block.outcomes[n] for n in rows],
                [block.origins[n] for n in rows],
                [block.ids[n] for n in rows],
            )
        )
        proposer.look(np.full(WIDTH, 0.5), 0.04 * np.eye(WIDTH), 9, None)
        proposed.append(proposer.proposals(4))
    assert len(proposed[0]) == 4
    assert np.array_equal(*proposed)


def test_what_is_being_evaluated_is_not_proposed_again(searched: tuple[Optimiser, list[Told]]) -> None:
    """A model that is sure proposes the same again, unless it is told that this is in flight."""
    optimiser, _ = searched
    in_flight = optimiser.ask().points
    again = optimiser.ask(pending=in_flight)
    proposals = again.points[[origin is Origin.MODEL for origin in again.origins]]
    assert len(proposals)
    assert np.linalg.norm(proposals[:, None] - in_flight, axis=2).min() > 0.005


def test_whole_numbers_are_learnt_as_they_are_simulated() -> None:
    def values(points: FloatArray) -> FloatArray:
        snapped = np.array([SPACE.encode(SPACE.decode(point)) for point in points])
        return linear(snapped)

    blocks = run(created(space=SPACE), 8, values)
    assert best(blocks) < best(run(created("none", space=SPACE), 8, values))


def test_a_model_that_is_no_good_is_left() -> None:
    """Values that are noise, scores that are not: after a few generations the model proposes one point."""
    rng = np.random.default_rng(0)
    optimiser = created()
    numbers = []
    for number in range(5):
        block = told(optimiser.ask(), number=number)
        shuffled = Told(block.points, 30 * rng.normal(size=block.values.shape), block.scores, [Outcome.OK] * SIZE)
        optimiser.tell(
            Told(shuffled.points, shuffled.values, block.scores, shuffled.outcomes, block.origins, block.ids)
        )
        numbers.append(float(np.asarray(optimiser.state()["model_proposals"])))
    assert numbers[0] == SIZE / 2
    assert min(numbers) == 1


def test_of_a_thousand_offspring_as_many_are_proposed_as_take_seconds() -> None:
    assert Trust(1000).proposals == 64


def test_a_search_without_progress_begins_anew_at_the_best_and_then_without_the_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orchestrator.optimisers.models.trust._PATIENCE", 3)
    optimiser = created()
    stalls, widths = [], []
    for _ in range(11):
        optimiser.tell(told(optimiser.ask(), lambda points: np.full((len(points), WIDTH), 3.0)))
        state = optimiser.state()
        stalls.append(int(np.asarray(state["model_stalls"])))
        widths.append(float(np.asarray(state["sigma"])))
    # the first block has no proposals, the second is the measure
    assert stalls == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2]
    assert widths[4] == 0.1
    assert state["model_proposals"] == 0
    assert Origin.MODEL not in optimiser.ask().origins


@pytest.mark.parametrize("size", [3, 5, 16])
def test_a_quarter_of_every_generation_is_drawn(size: int) -> None:
    for block in run(created(size=size), 6):
        assert list(block.origins).count(Origin.MODEL) <= size - max(1, math.ceil(size / 4))


def test_a_model_that_cannot_be_fitted_proposes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise np.linalg.LinAlgError("Eigenvalues did not converge")

    optimiser = created()
    run(optimiser, 1)
    monkeypatch.setattr("orchestrator.optimisers.models.proposer.ValueModel", fail)
    assert set(optimiser.ask().origins) == {Origin.SAMPLE}
    assert "cannot be fitted: Eigenvalues did not converge" in caplog.text


def test_what_was_not_evaluated_is_neither_learnt_nor_held_against_the_model() -> None:
    optimiser = created()
    run(optimiser, 1)
    block = told(optimiser.ask(), number=1)
    lost = list(block.origins).index(Origin.MODEL)
    block.values[lost], block.scores[lost] = math.nan, math.nan
    outcomes = [Outcome.NODE_FAIL if n == lost else each for n, each in enumerate(block.outcomes)]
    optimiser.tell(Told(block.points, block.values, block.scores, outcomes, block.origins, block.ids))
    assert 0 <= float(np.asarray(optimiser.state()["model_win"])) <= 1
    assert Origin.MODEL in optimiser.ask().origins
    nothing = told(optimiser.ask(), number=2)
    unknown = np.full(nothing.scores.shape, math.nan)
    lost_all = [Outcome.CANCELLED] * SIZE
    optimiser.tell(Told(nothing.points, unknown, unknown, lost_all, nothing.origins, nothing.ids))
    assert Origin.MODEL in optimiser.ask().origins
