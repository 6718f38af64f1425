"""The best by the mean over other seeds, and the noise of targets beside their norms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from best_runs import written_run
from orchestrator_project import Project
from typer.testing import CliRunner

from orchestrator.checkpoint import Checkpoint
from orchestrator.cli.app import app
from orchestrator.config.file import load_config
from orchestrator.display.terminal import one_line, render
from orchestrator.paths import ReevaluationPaths, RunPaths
from orchestrator.records import Evaluation, Offspring, Outcome, Result
from orchestrator.reevaluation.choosing import Candidate, choose
from orchestrator.reevaluation.noise import Luck
from orchestrator.reevaluation.store import ReevaluationRequest
from orchestrator.report import write_report
from orchestrator.status import Watcher

pytestmark = pytest.mark.commands

RATE, CV = "ReturnedValue(rate)", "ReturnedValue(cv)"
TARGETS = [
    {"class": "ReturnedValue", "key": "rate", "target_value": 3, "norm": 1},
    {"class": "ReturnedValue", "key": "cv", "target_value": 1, "norm": 0.25, "max_score": 5},
]
# total scores as they were seen: 8, 0.5, 1, 3
HISTORY = [
    ({"x": 0.9}, [9.0, 0.5]),
    ({"x": 0.1}, [3.5, 1.0]),
    ({"x": 0.2}, [4.0, 1.0]),
    ({"x": 0.3}, [3.0, 0.25]),
]
# the first was lucky: its mean is 2, that of the second 1.5
AGAIN = {0.1: [[5.0, 1.0], [4.0, 1.0], [6.0, 1.0]], 0.2: [[4.0, 1.0], [4.5, 1.25], [3.5, 1.0]]}


@pytest.fixture
def run(tmp_path: Path) -> RunPaths:
    simulation = {"type": "function", "function": "model:simulate", "seeds": {"seed": 7}}
    changes = {"parameters": {"x": [0, 1]}, "targets": TARGETS, "optimiser_centroid": {"x": 0.9}}
    return written_run(Project.create(tmp_path, {**changes, "simulation": simulation}).config, HISTORY)


def evaluate_again(run: RunPaths, again: dict[float, Sequence[Sequence[float]]], outcome: Outcome = Outcome.OK) -> None:
    """Write what re-evaluations leave."""
    paths, checkpoint = ReevaluationPaths.of(run), Checkpoint(run.checkpoint)
    paths.directory.mkdir()
    held = Checkpoint.create(
        paths.checkpoint,
        config=checkpoint.config_text,
        parameters=["x", "seed"],
        targets=checkpoint.target_labels,
        versions={},
    )
    best = choose(checkpoint, len(again)).best
    request = ReevaluationRequest(len(again), 3, {"seed": 7}, best, 4)
    request.write(paths)
    paths.config.write_text(checkpoint.config_text)
    targets = load_config(run.config).create_targets()
    rows = []
    for n, task in enumerate(request.all_tasks):
        values = again[float(task["x"])][n // len(again)]
        scores = tuple(target.score(value) for target, value in zip(targets, values, strict=True))
        offspring = Offspring(0, n, (0.5, float("nan")), task)
        rows.append(Evaluation(offspring, Result(outcome), tuple(values), scores, 1, 0.0))
    held.append(rows, {})


def said(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_winner_is_by_the_mean_of_other_seeds(run: RunPaths) -> None:
    evaluate_again(run, AGAIN)
    choice = Luck.of(Checkpoint(run.checkpoint), 4).choice
    assert choice.by_mean
    assert [(each.rank, each.parameters["x"]) for each in choice.best] == [(1, 0.2), (2, 0.1), (3, 0.3), (4, 0.9)]
    first = choice.best[0].again
    assert first is not None
    assert (first.total.n, first.total.mean) == (3, pytest.approx((1 + 2.5 + 0.5) / 3))
    assert first.values[RATE].sd == pytest.approx(0.5)
    assert choice.best[2].again is None
    # programs are given the same
    assert said("best", run.directory, "--yaml") == "x: 0.2\n"
    found = json.loads(said("best", run.directory, "--json"))[0]
    assert (found["total_score"], found["again"]["total_score"]["n"]) == (1.0, 3)
    assert found["targets"][1]["noise"]["norm"] == 0.25
    shown = said("best", run.directory)
    assert (
        "Total score 1.333 +- 1 (mean +- sd of 3 other seeds) (generation 0 offspring 2: a sample of the search); "
        "the optimiser saw 1" in shown
    )
    assert "come first, by the mean over other seeds" in shown


def test_what_was_found_since_and_not_evaluated_again_is_shown_as_it_was_seen(run: RunPaths) -> None:
    evaluate_again(run, AGAIN)
    result = Evaluation(Offspring(1, 0, (0.5,), {"x": 0.15}), Result(Outcome.OK), (3.1, 1.0), (0.1, 0.0), 1, 0.0, 1)
    Checkpoint(run.checkpoint).append([result], {})
    choice = Luck.of(Checkpoint(run.checkpoint), 3).choice
    assert not choice.by_mean
    assert [each.parameters["x"] for each in choice.best] == [0.15, 0.1, 0.2]
    assert choice.best[1].again is not None


def test_one_other_seed_has_no_spread_and_decides_nothing(run: RunPaths) -> None:
    evaluate_again(run, {0.1: [[5.0, 1.0]] * 3})
    paths = ReevaluationPaths.of(run)
    again = Luck.of(Checkpoint(run.checkpoint), 1).choice
    assert again.by_mean
    # all but one were lost by the cluster, and say nothing
    for file in paths.directory.iterdir():
        file.unlink()
    paths.directory.rmdir()
    evaluate_again(run, {0.1: [[5.0, 1.0]] * 3}, Outcome.NODE_FAIL)
    assert not Luck.of(Checkpoint(run.checkpoint), 1).choice.by_mean


def test_noise_is_pooled_within_parameter_sets_and_a_norm_below_it_is_a_warning(run: RunPaths) -> None:
    evaluate_again(run, AGAIN)
    luck = Luck.of(Checkpoint(run.checkpoint), 1)
    # variances 1 and .25 of two degrees of freedom each
    assert luck.noises[RATE].sd == pytest.approx(np.sqrt((2 * 1 + 2 * 0.25) / 4))
    assert (luck.noises[RATE].norm, luck.noises[CV].norm) == (1.0, 0.25)
    assert luck.warnings == []
    loud = {x: [[rate * 4, cv] for rate, cv in rows] for x, rows in AGAIN.items()}
    for file in ReevaluationPaths.of(run).directory.iterdir():
        file.unlink()
    ReevaluationPaths.of(run).directory.rmdir()
    evaluate_again(run, loud)
    (warning,) = Luck.of(Checkpoint(run.checkpoint), 1).warnings
    assert warning.startswith(f"norm below noise: target {RATE} has a norm of 1, and values of the same parameters")
    assert f"! {warning}" in said("best", run.directory)
    assert Watcher(run).look().warnings == (warning,)


def test_noise_that_the_model_has_learnt_is_taken_where_nothing_was_evaluated_again(run: RunPaths) -> None:
    assert Luck.of(Checkpoint(run.checkpoint), 1).noises == {}
    result = Evaluation(Offspring(1, 0, (0.5,), {"x": 0.15}), Result(Outcome.OK), (3.1, 1.0), (0.1, 0.0), 1, 0.0, 1)
    Checkpoint(run.checkpoint).append([result], {"model_noise": np.array([0.5, 2.0])})
    noises = Luck.of(Checkpoint(run.checkpoint), 1).noises
    assert [(noise.sd, noise.norms) for noise in noises.values()] == [(0.5, 0.5), (0.5, 2.0)]
    assert "norm below noise: target ReturnedValue(cv)" in said("best", run.directory)
    columns = next(line.split() for line in said("best", run.directory).splitlines() if line.startswith("target "))
    assert columns[-2:] == ["noise", "norm"]


def test_standard_errors_over_trials_are_beside_the_values_and_the_noise_of_the_best(run: RunPaths) -> None:
    points = {0.15: ((3.1, 1.0), (0.3, 0.05)), 0.16: ((3.2, 1.0), (0.4, 0.0)), 0.17: ((9.0, 1.0), ())}
    block = [
        Evaluation(
            Offspring(1, n, (x,), {"x": x}), Result(Outcome.OK), values, (values[0] - 3, 0.0), 1, 0.0, 1, errors=errors
        )
        for n, (x, (values, errors)) in enumerate(points.items())
    ]
    Checkpoint(run.checkpoint).append(block, {"model_noise": np.array([0.5, 2.0])})
    luck = Luck.of(Checkpoint(run.checkpoint), 1)
    # rather than what the model has learnt
    noise = luck.noises[RATE]
    assert noise.sd == pytest.approx(np.sqrt((0.3**2 + 0.4**2) / 2))
    assert (noise.source, noise.measured) == ("standard error over the trials of the best", True)
    assert luck.choice.best[0].errors == {RATE: 0.3, CV: 0.05}
    lines = said("best", run.directory).splitlines()
    columns = next(line.split() for line in lines if line.startswith("target "))
    assert columns == ["target", "value", "at", "start", "score", "value", "+-", "se", "score", "noise", "norm"]
    assert next(line.split()[3:6] for line in lines if line.startswith(RATE)) == ["3.1", "0.3", "0.1"]
    (best,) = json.loads(said("best", run.directory, "--json"))
    assert [target["standard_error"] for target in best["targets"]] == [0.3, 0.05]
    assert Candidate.from_json(luck.choice.best[0].to_json()).errors == luck.choice.best[0].errors
    page = write_report([run], run.report).read_text()
    assert "3.1 ± 0.3 ✓" in page
    assert "3.2 ± 0.4 ✓" in page
    # other seeds count more
    evaluate_again(run, dict(zip((0.15, 0.16), AGAIN.values(), strict=True)))
    assert "between seeds" in Luck.of(Checkpoint(run.checkpoint), 1).noises[RATE].source


def test_status_and_report_name_the_winner_by_the_mean(run: RunPaths) -> None:
    evaluate_again(run, AGAIN)
    status = Watcher(run).look()
    assert status.problems == ()
    assert status.reevaluation is not None
    winner = status.reevaluation.winner
    assert winner is not None
    assert (winner.generation, winner.offspring, winner.n, winner.seen) == (0, 2, 3, 1.0)
    assert (status.reevaluation.done, status.reevaluation.simulations) == (6, 6)
    words = "best by the mean 1.333 +- 1 (mean +- sd of 3 other seeds; generation 0, offspring 2, seen as 1)"
    assert words in one_line(status)
    assert render(status)
    page = write_report([run], run.report).read_text()
    assert "1.333 ± 1" in page
    assert "the best by the mean of 3 other seeds" in page
    assert '<th class="n">noise</th>' in page


def test_a_damaged_reevaluation_is_named_and_the_rest_is_shown(run: RunPaths) -> None:
    evaluate_again(run, AGAIN)
    file = ReevaluationPaths.of(run).checkpoint
    file.write_bytes(b"nothing")
    (problem,) = Watcher(run).look().problems
    assert problem.startswith(f"{file}: is not a readable checkpoint")
    assert "is not a readable checkpoint" in write_report([run], run.report).read_text()
