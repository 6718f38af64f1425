from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.optimisers import Optimiser, Problem, Told, create_optimiser
from orchestrator.optimisers.base import TOLERANCE
from orchestrator.optimisers.cma import CMAOptions
from orchestrator.records import FloatArray, Origin, Outcome

ROOT = Path(__file__).resolve().parents[3]
START = np.array([0.1, 0.2, 0.8, 0.5])


def fresh(seed: int = 4, steps: FloatArray | None = None) -> Optimiser:
    steps = np.zeros(4) if steps is None else steps
    return create_optimiser(CMAOptions(model="none"), Problem(START, steps, sigma=0.3, size=8, seed=seed))


def told(points: FloatArray) -> Told:
    scores = np.minimum(20, 40 * (points - 0.6) ** 2)
    return Told(points, scores, scores, [Outcome.OK] * len(points))


def test_finds_the_optimum_of_a_bowl() -> None:
    optimiser = fresh()
    for _ in range(60):
        optimiser.tell(told(optimiser.ask().points))
    assert optimiser.state()["mean"] == pytest.approx([0.6] * 4, abs=0.03)


@pytest.mark.run
def test_the_cap_does_not_blind_the_search() -> None:
    """Values thousands of norms off, from the centre: every score is at the cap, and the search saw a plain."""
    spec = importlib.util.spec_from_file_location("benchmark_of_the_cap", ROOT / "benchmarks" / "cap.py")
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    off = {
        name: np.median([benchmark.norms_off(10_000, seed, scored, 160) for seed in range(5)])
        for name, scored in benchmark.TOLD.items()
    }
    assert off["capped"] > 200
    assert off["ranked"] < 100
    assert off["uncapped"] < 100


def test_the_points_are_those_of_the_first_version() -> None:
    """Runs that it made are continued."""
    optimiser, asked = fresh(), []
    for _ in range(10):
        asked.append(optimiser.ask().points)
        optimiser.tell(told(asked[-1]))
    expected = [
        (0, 1, [0.11516851214288187, 0.349987274800566, 0.50121985125759, 0.7080873556169195]),
        (0, -1, [0.7670080650733505, 0.31829004303061403, 0.7922799925870295, 0.1661438344724005]),
        (9, 1, [0.9998179456009437, 0.9962178096052874, 0.9405815923335584, 0.8634976017255043]),
        (9, -1, [0.5017835362178498, 0.5660869131347661, 0.5627272733712828, 0.6470141666839316]),
    ]
    for generation, row, point in expected:
        assert asked[generation][row] == pytest.approx(point, abs=TOLERANCE)


def test_the_start_is_asked_for_and_said_to_be_it() -> None:
    optimiser = fresh()
    asked = optimiser.ask()
    assert asked.points[0] == pytest.approx(START, abs=1e-12)
    assert asked.origins == (Origin.START, *[Origin.SAMPLE] * 7)
    optimiser.tell(told(asked.points))
    assert set(optimiser.ask().origins) == {Origin.SAMPLE}


@pytest.mark.parametrize(
    ("given", "frozen", "expected"),
    [
        ({}, {}, "none"),
        ({}, {"model": "targets"}, "targets"),
        ({}, {"model": "none"}, "none"),
        ({"model": "targets"}, {}, "targets"),
        ({"model": "none"}, {"model": "targets"}, "none"),
    ],
)
def test_a_run_from_before_there_was_a_model_goes_on_without_unless_it_is_asked_for(
    given: dict[str, str], frozen: dict[str, str], expected: str
) -> None:
    assert CMAOptions().model == "targets"
    options = CMAOptions.model_validate({"method": "cma", **given})
    was = options.as_it_was(CMAOptions.model_validate({"method": "cma", **frozen}))
    assert was == CMAOptions(model=expected)


def test_replay_is_exact_whatever_others_draw() -> None:
    first, history = fresh(), []
    for _ in range(15):
        history.append(told(first.ask().points))
        first.tell(history[-1])
        np.random.random(7)
    second = fresh()
    for entry in history:
        assert np.array_equal(second.ask().points, entry.points)
        second.tell(entry)
    assert np.array_equal(first.ask().points, second.ask().points)
    for name, value in first.state().items():
        assert np.array_equal(value, second.state()[name])


def test_does_not_touch_the_global_generator() -> None:
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    optimiser = fresh()
    optimiser.tell(told(optimiser.ask().points))
    assert np.random.random() == expected


def test_seeds_differ() -> None:
    assert not np.array_equal(fresh(1).ask().points, fresh(2).ask().points)


def test_points_stay_in_the_cube() -> None:
    optimiser = fresh()
    for _ in range(20):
        points = optimiser.ask().points
        assert ((points >= 0) & (points <= 1)).all()
        scores = points.sum(axis=1, keepdims=True)  # drives the mean into a corner
        optimiser.tell(Told(points, scores, scores, [Outcome.OK] * 8))


def test_a_generation_in_which_everything_explodes_ends_nothing() -> None:
    optimiser = fresh()
    for _ in range(30):
        points = optimiser.ask().points
        scores = np.full((8, 2), 20.0)
        optimiser.tell(Told(points, np.full((8, 2), np.nan), scores, [Outcome.EXPLODED] * 8))
        assert optimiser.stop() is None


def test_integer_dimensions_keep_sampling_their_neighbours() -> None:
    optimiser = fresh(steps=np.array([0, 0, 0, 0.1]))
    for _ in range(60):
        optimiser.tell(told(optimiser.ask().points))
    covariance = optimiser.state()["covariance"]
    assert np.sqrt(covariance[3, 3]) >= 0.019  # type: ignore[index]


@pytest.mark.parametrize("wrong", ["others", "nan", "too few", "unasked"])
def test_tell_takes_what_was_asked_finite_and_once(wrong: str) -> None:
    optimiser = fresh()
    entry = told(optimiser.ask().points)
    if wrong == "others":
        entry = Told(entry.points + 1e-5, entry.values, entry.scores, entry.outcomes)
    elif wrong == "nan":
        entry = Told(entry.points, entry.values, entry.scores * [1, 1, 1, np.nan], entry.outcomes)
    elif wrong == "too few":
        entry = Told(entry.points, entry.values, entry.scores[:-1], entry.outcomes)
    else:
        optimiser.tell(entry)
    with pytest.raises(ValueError, match="tell"):
        optimiser.tell(entry)


def lost(entry: Told, rows: range) -> Told:
    scores = entry.scores.copy()
    scores[rows] = np.nan
    return Told(entry.points, scores, scores, entry.outcomes)


def test_what_was_not_evaluated_leaves_no_trace() -> None:
    """Whatever its point was: pycma is told of the others only."""
    states = []
    for score in (0.0, 20.0):
        optimiser = fresh()
        entry = told(optimiser.ask().points)
        entry.scores[3] = score
        optimiser.tell(lost(entry, range(3, 4)))
        states.append(optimiser.state())
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])
    assert not np.array_equal(states[0]["mean"], fresh().state()["mean"])


def test_too_few_to_learn_from_are_told_together_with_the_next_ones() -> None:
    """The mean is that of the best half of 8: two points of a generation of which six were lost move nothing."""
    optimiser = fresh()
    optimiser.tell(lost(told(optimiser.ask().points), range(2, 8)))
    before = fresh().state()
    assert all(np.array_equal(before[name], value) for name, value in optimiser.state().items())
    asked = optimiser.ask()
    assert set(asked.origins) == {Origin.SAMPLE}
    optimiser.tell(lost(told(asked.points), range(2, 8)))  # four altogether
    assert not np.array_equal(before["mean"], optimiser.state()["mean"])


def test_finds_the_optimum_of_a_bowl_although_a_third_of_it_is_lost() -> None:
    optimiser, rng = fresh(), np.random.default_rng(3)
    for _ in range(90):
        entry = told(optimiser.ask().points)
        entry.scores[rng.random(8) < 1 / 3] = np.nan
        optimiser.tell(entry)
    assert optimiser.state()["mean"] == pytest.approx([0.6] * 4, abs=0.03)


@pytest.mark.parametrize("start", [[0.0, 0.2, 1.0, 0.5], [0.0] * 4, [1.0] * 4, [1e-3, 1 - 1e-9, 0.5, 0.5]])
def test_a_start_on_a_bound_is_asked_exactly(start: list[float]) -> None:
    optimiser = create_optimiser(CMAOptions(), Problem(np.array(start), np.zeros(4), sigma=0.3, size=8, seed=4))
    points = optimiser.ask().points
    assert points[0].tolist() == start
    optimiser.tell(told(points))
    following = optimiser.ask().points
    assert start not in following.tolist()
    assert ((following >= 0) & (following <= 1)).all()


def test_points_do_not_depend_on_the_signs_of_eigenvectors() -> None:
    """They are arbitrary, and differ between processors."""

    def others(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
        values, vectors = np.linalg.eigh(matrix)
        return values, vectors * np.array([-1, 1, -1, -1])

    optimiser, elsewhere = fresh(), fresh()
    strategies = [one._optimiser._strategy for one in (optimiser, elsewhere)]  # type: ignore[attr-defined]
    strategies[1].sm.eigenmethod = others
    for _ in range(30):
        entry = told(optimiser.ask().points)
        assert np.abs(elsewhere.ask().points - entry.points).max() <= TOLERANCE
        optimiser.tell(entry)
        elsewhere.tell(entry)
    bases = [strategy.sm.B for strategy in strategies]
    assert np.abs(bases[0] - bases[1]).max() > 0.1


# Replays on another processor what standard input says of a run; prints how far apart the points are.
REPLAY = """
import json, sys
import numpy as np
from orchestrator.optimisers import Problem, Told, create_optimiser
from orchestrator.optimisers.cma import CMAOptions
from orchestrator.records import Outcome
run = json.load(sys.stdin)
size, start = run["size"], np.array(run["start"])
optimiser = create_optimiser(CMAOptions(), Problem(start, np.zeros(len(start)), sigma=0.3, size=size, seed=4))
apart = []
for points, scores in zip(run["points"], run["scores"]):
    points, scores = np.array(points), np.array(scores)
    apart.append(float(np.abs(optimiser.ask().points - points).max()))
    optimiser.tell(Told(points, scores, scores, [Outcome.OK] * size))
print(max(apart))
"""


@pytest.fixture
def long_run() -> dict[str, Any]:
    """40 generations of 20 parameters, with a start that touches two bounds."""
    start, size = np.linspace(0, 1, 20), 13
    optimiser = create_optimiser(CMAOptions(), Problem(start, np.zeros(20), sigma=0.3, size=size, seed=4))
    entries = []
    for _ in range(40):
        entries.append(told(optimiser.ask().points))
        optimiser.tell(entries[-1])
    points, scores = ([getattr(entry, name).tolist() for entry in entries] for name in ("points", "scores"))
    return {"start": start.tolist(), "size": size, "points": points, "scores": scores}


@pytest.mark.run
def test_a_run_is_continued_on_another_kind_of_processor(long_run: dict[str, Any]) -> None:
    """OpenBLAS adds in another order there; the variable does nothing where numpy has another BLAS."""
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    environment["OPENBLAS_NUM_THREADS"] = "1"  # three at once
    replays = {
        processor: subprocess.Popen(
            [sys.executable, "-c", REPLAY],
            env={**environment, **({"OPENBLAS_CORETYPE": processor} if processor else {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for processor in ("Haswell", "Nehalem", "")
    }
    said = {processor: replay.communicate(json.dumps(long_run)) for processor, replay in replays.items()}
    for processor, (apart, errors) in said.items():
        assert apart, errors
        assert float(apart) <= TOLERANCE, processor
