"""Evaluations of other runs, which a model of the values learns from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from run_on_disk import CONFIG

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.file import load_config
from orchestrator.config.model import Config
from orchestrator.errors import ConfigError, RunFailed, UsageError
from orchestrator.optimisers import create_optimiser
from orchestrator.paths import RunPaths
from orchestrator.records import Evaluation, Offspring, Origin, Outcome, Result
from orchestrator.scores.other_runs import evaluations_of_others, freeze, frozen

POINTS = [(0.1, -1.0), (0.5, 0.5), (0.9, 1.5), (0.3, 0.0), (0.7, 1.0), (0.2, -0.5), (0.6, 0.1), (0.8, -1.5), (0.4, 0.9)]


def other(directory: Path, errors: tuple[float, ...] = ()) -> None:
    """Write a run in which the value of a target is ten times a parameter; the last evaluations tell less."""
    directory.mkdir()
    labels = [f"ReturnedValue({key})" for key in ("rate", "cv")]
    path = directory / "checkpoint.h5"
    checkpoint = Checkpoint.create(path, config="", parameters=["x", "y"], targets=labels, versions={})
    outcomes = [Outcome.OK] * 7 + [Outcome.EXPLODED, Outcome.NODE_FAIL]
    checkpoint.append(
        [
            Evaluation(
                Offspring(0, n, (x, y / 4 + 0.5), {"x": x, "y": y}, Origin.SAMPLE),
                Result(outcome),
                (10 * x, 3 + y) if outcome is Outcome.OK else (np.nan, np.nan),
                (1.0, 1.0) if outcome is not Outcome.NODE_FAIL else (np.nan, np.nan),
                1,
                0.0,
                errors=errors if outcome is Outcome.OK else (),
            )
            for n, ((x, y), outcome) in enumerate(zip(POINTS, outcomes, strict=True))
        ],
        {},
    )


def config_at(directory: Path, **changes: Any) -> Config:
    path = directory / "config.yaml"
    section = {"method": "cma", "model": "targets", "learn_from": ["other"]}
    simulation = {"type": "function", "function": "model:simulate"}
    content = {
        **CONFIG,
        "optimiser_centroid": "middle",
        "model_dir": ".",
        "optimiser": section,
        "simulation": simulation,
        **changes,
    }
    path.write_text(yaml.safe_dump(content))
    return load_config(path)


def test_what_speaks_of_parameters_inside_the_ranges_is_learnt_with_the_scores_of_this_run(tmp_path: Path) -> None:
    other(tmp_path / "other")
    parameters = {"x": [0, 0.85], "y": [-2, 2]}
    targets = [{"class": "ReturnedValue", "key": key, "target_value": 3, "norm": 2} for key in ("cv", "rate")]
    told = evaluations_of_others(config_at(tmp_path, parameters=parameters, targets=targets))
    assert told is not None
    assert told.outcomes == [Outcome.OK] * 6 + [Outcome.EXPLODED]
    np.testing.assert_allclose(told.points[1], [0.5 / 0.85, 0.625])
    np.testing.assert_allclose(told.values[1], [3.5, 5.0])  # in the order of this run's targets
    np.testing.assert_allclose(told.scores[1], [0.25, 1.0])
    assert np.isnan(told.values[-1]).all()


def test_values_that_are_none_of_a_choice_are_not_learnt(tmp_path: Path) -> None:
    other(tmp_path / "other")
    told = evaluations_of_others(config_at(tmp_path, parameters={"x": [0, 1], "y": {"prior": {"choice": [-1, 0, 1]}}}))
    assert told is not None
    np.testing.assert_allclose(told.points, [[0.1, 1 / 6], [0.3, 1 / 2], [0.7, 5 / 6]])


def test_what_is_learnt_lies_between_the_bounds_that_its_other_parameters_decide(tmp_path: Path) -> None:
    other(tmp_path / "other")
    told = evaluations_of_others(config_at(tmp_path, parameters={"x": [0, 1], "y": ["x - 1", "x + 1"]}))
    assert told is not None
    inside = [(x, y) for x, y in POINTS[:8] if abs(y - x) <= 1]  # the last one tells nothing
    assert len(inside) == 6
    np.testing.assert_allclose(told.points, [(x, (y - x + 1) / 2) for x, y in inside])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": {"x": [0, 1]}}, "of the same parameters, but it has y as well"),
        ({"parameters": {"x": [0, 1], "y": [0, 1], "z": [0, 1]}}, "of the same parameters, but it lacks z"),
        (
            {"targets": [{"class": "ReturnedValue", "key": "new", "target_value": 3, "norm": 2}]},
            r"of the same targets, but it lacks ReturnedValue\(new\)",
        ),
        (
            {"parameters": {"x": [0, 1], "y": [0, 1], "n": 3}},
            "of the same parameters, but 'n' is not given in that one, and a constant, 3 here",
        ),
        ({"optimiser": {"model": "targets", "learn_from": ["nowhere"]}}, "there is no such checkpoint"),
    ],
)
def test_another_search_is_not_learnt_from(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    other(tmp_path / "other")
    with pytest.raises(UsageError, match=message):
        evaluations_of_others(config_at(tmp_path, **changes))


def test_only_a_model_learns(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"learn_from: only a model learns from other runs: set model: targets"):
        config_at(tmp_path, optimiser={"model": "none", "learn_from": ["other"]})


def test_what_is_known_is_kept_with_the_run_and_proposals_are_made_at_once(tmp_path: Path) -> None:
    other(tmp_path / "other")
    config, paths = config_at(tmp_path), RunPaths(tmp_path / "run")
    paths.directory.mkdir()
    freeze(evaluations_of_others(config), paths)
    shutil.rmtree(tmp_path / "other")
    known = frozen(paths)
    assert known is not None
    problem = config.problem(known)
    optimiser = create_optimiser(config.optimiser, problem)
    asked = optimiser.ask()
    assert asked.origins[0] is Origin.START
    assert Origin.MODEL in asked.origins
    # wanted are a rate of 3 and a cv of 3: x 0.3, y 0
    best = asked.points[asked.origins.index(Origin.MODEL)]
    np.testing.assert_allclose(best, [0.3, 0.5], atol=0.05)
    again = create_optimiser(config.optimiser, problem).ask(asked)
    assert np.array_equal(again.points, asked.points)
    assert again.origins == asked.origins


def test_standard_errors_of_others_are_learnt_and_kept_with_the_run(tmp_path: Path) -> None:
    other(tmp_path / "other", (0.4, 0.1))
    Checkpoint(tmp_path / "other").evaluations().to_csv(tmp_path / "other.csv", index=False)
    config, paths = config_at(tmp_path), RunPaths(tmp_path / "run")
    labels = [target.label for target in config.create_targets()]
    wanted = [{"ReturnedValue(rate)": 0.4, "ReturnedValue(cv)": 0.1}[label] for label in labels]
    of_table = {"method": "cma", "model": "targets", "start_from": "other.csv"}
    paths.directory.mkdir()
    for found in (config, config_at(tmp_path, optimiser=of_table)):
        freeze(evaluations_of_others(found), paths)
        known = frozen(paths)
        assert known is not None
        assert known.errors is not None
        np.testing.assert_array_equal(known.errors[:7], [wanted] * 7)
        assert np.isnan(known.errors[7:]).all()
    other(tmp_path / "plain")
    freeze(evaluations_of_others(config_at(tmp_path, optimiser={**of_table, "start_from": "plain"})), paths)
    known = frozen(paths)
    assert known is not None
    assert known.errors is None
    # earlier versions kept none
    with np.load(paths.learnt) as arrays:
        np.savez(paths.learnt, **{name: arrays[name] for name in arrays if name != "errors"})
    assert frozen(paths) is not None


def test_nothing_is_known_of_others_unless_the_file_is_there_and_readable(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    freeze(None, paths)
    assert frozen(paths) is None
    paths.learnt.write_bytes(b"PK nonsense")
    with pytest.raises(RunFailed, match=r"learnt\.npz: expected the evaluations of other runs"):
        frozen(paths)
