"""Starting from another run, a table or parameter sets: which is the best, what is refused, and what is learnt."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from in_process import command
from orchestrator_project import MODEL, Project
from run_on_disk import CONFIG

from orchestrator.checking.problems import examine, load_checked_config
from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import UsageError
from orchestrator.optimisers import create_optimiser
from orchestrator.paths import RunPaths
from orchestrator.records import Evaluation, Offspring, Origin, Outcome, Result
from orchestrator.run.start import create_run
from orchestrator.scores.other_runs import evaluations_of_others, frozen
from orchestrator.scores.parameter_sets import table_of

# x, y and total score of another run; the best of all has failed
ROWS = [(0.1, -1.0, 8.0), (0.3, 0.25, 2.0), (0.9, 1.5, 6.0), (0.5, 0.5, 0.0)]


def other(directory: Path) -> None:
    """Write a run in which the value of a target is ten times a parameter."""
    directory.mkdir()
    labels = [f"ReturnedValue({key})" for key in ("rate", "cv")]
    checkpoint = Checkpoint.create(
        directory / "checkpoint.h5", config="", parameters=["x", "y"], targets=labels, versions={}
    )
    rows = []
    for n, (x, y, total) in enumerate(ROWS):
        offspring = Offspring(0, n, (x, y / 4 + 0.5), {"x": x, "y": y}, Origin.SAMPLE)
        failed = total == 0
        values = (np.nan, np.nan) if failed else (10 * x, 3 + y)
        outcome = Outcome.EXPLODED if failed else Outcome.OK
        rows.append(Evaluation(offspring, Result(outcome), values, (total / 2, total / 2), 1, 0.0))
    checkpoint.append(rows, {})


def configured(directory: Path, start_from: str, **changes: Any) -> Path:
    (directory / "model.py").write_text(MODEL)
    content = {
        **CONFIG,
        "model_dir": ".",
        "executor": "local",
        "optimiser": {"method": "cma", "start_from": start_from},
        "simulation": {"type": "function", "function": "model:simulate"},
        **changes,
    }
    (directory / "config.yaml").write_text(yaml.safe_dump(content))
    return directory / "config.yaml"


def start_of(config: Path) -> dict[str, float]:
    examined = examine(config)
    assert examined.problems == []
    assert examined.config is not None
    return dict(examined.config.optimiser_centroid)


@pytest.mark.parametrize("name", ["other", "other/checkpoint.h5"])
def test_the_best_evaluation_of_another_run_is_the_start(tmp_path: Path, name: str) -> None:
    other(tmp_path / "other")
    assert start_of(configured(tmp_path, name)) == {"x": 0.3, "y": 0.25}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x,y\n0.1,1\n0.2,-1\n", {"x": 0.1, "y": 1}),
        ("x,y,total_score\n0.1,1,5\n0.2,-1,3\n0.3,0,\n", {"x": 0.2, "y": -1}),
        ("generation,parameter:y,parameter:x,total_score\n0, 1, 0.5, 5\n0, 0.5, 0.25, 4\n", {"x": 0.25, "y": 0.5}),
    ],
    ids=["first", "best", "as a checkpoint's"],
)
def test_of_a_table_it_is_the_best_row(tmp_path: Path, text: str, expected: dict[str, float]) -> None:
    (tmp_path / "sets.csv").write_text(text)
    assert start_of(configured(tmp_path, "sets.csv")) == expected


@pytest.mark.parametrize(
    "content",
    [
        {"x": 0.3, "y": 1, "unused": "text"},
        [{"x": 0.3, "y": 1}, {"x": 0.5, "y": 0}],
        [{"parameters": {"x": 0, "y": 0}, "total_score": 3}, {"parameters": {"x": 0.3, "y": 1}, "total_score": 2.5}],
    ],
)
def test_of_a_json_file_it_is_the_best_entry(tmp_path: Path, content: Any) -> None:
    (tmp_path / "sets.json").write_text(json.dumps(content))
    assert start_of(configured(tmp_path, "sets.json")) == {"x": 0.3, "y": 1}


def test_start_values_that_the_configuration_has_come_first(tmp_path: Path) -> None:
    (tmp_path / "sets.csv").write_text("x\n0.1\n")
    assert start_of(configured(tmp_path, "sets.csv", optimiser_centroid={"y": 1.5})) == {"x": 0.1, "y": 1.5}


def test_what_is_none_of_a_choice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sets.csv").write_text("x,y\n0.1,3\n")
    parameters = {"x": [0, 1], "y": {"prior": {"choice": [1, 4]}}}
    (found,) = examine(configured(tmp_path, "sets.csv", parameters=parameters)).problems
    assert "sets.csv: row 1: expected one of 1, 4 for 'y', got 3: add it, or give a start value" in found.message
    (tmp_path / "sets.csv").write_text("x,y\n0.1,4.0\n")
    assert start_of(configured(tmp_path, "sets.csv", parameters=parameters)) == {"x": 0.1, "y": 4}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "x\n0.1\n", "a.csv: row 1: has no value of 'y': add it, or give a start value of it"),
        ("a.csv", "x,yy\n0.1,1\n", "a.csv: row 1: has no value of 'y'; did you mean 'yy'?: add it"),
        ("a.csv", "x,y\n0.1,2.5\n", "a.csv: row 1: 'y' is 2.5, outside its bounds [-2, 2]: widen them"),
        ("a.csv", "x,y\n0.1,high\n", "a.csv: row 1: expected a number for 'y', got 'high'"),
        ("a.csv", "x,y\n0.1,\n", "a.csv: row 1: expected a number for 'y', got nan"),
        ("a.csv", "x,y\n", "a.csv: expected a run's directory, its checkpoint.h5, a table .csv with a column per"),
        ("a.csv", "", "a.csv: expected a table with names of columns in its first line"),
        ("a.csv", "x,y\n1,2\n1,2,3\n", "a.csv: expected a table with names of columns in its first line"),
        ("a.json", "[]", "a.json: expected a run's directory"),
        ("a.json", "{x: 3}", "a.json: expected JSON"),
        ("a.json", "[[0.1, 0.2]]", "a.json: entry 1: expected names and numbers of parameters, such as best --json"),
        ("a.json", '{"x": 0.1, "y": true}', "a.json: entry 1: expected a number for 'y', got True"),
        ("a.json", '{"x": 0.1, "y": NaN}', "a.json: entry 1: expected a number for 'y', got nan"),
        ("a.txt", "x y\n", "a.txt: expected a run's directory, its checkpoint.h5, a table .csv"),
        ("a.h5", "x y\n", "a.h5"),
        ("nowhere.csv", None, "nowhere.csv: No such file or directory"),
        ("nowhere", None, "nowhere: expected a run's directory"),
    ],
)
def test_what_is_wrong_is_said_with_the_place(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    (found,) = examine(configured(tmp_path, name)).problems
    assert (found.key, bool(found.line)) == ("optimiser.start_from", True)
    assert message in found.message


def test_cells_beyond_the_names_of_a_table_shift_no_column(tmp_path: Path) -> None:
    (tmp_path / "sets.csv").write_text("x,y,total_score\n0.1,0.2,9,\n0.3,0.4,5,\n")
    with pytest.raises(UsageError, match=r"sets.csv: expected as many cells in each row as its first line has names"):
        table_of(tmp_path / "sets.csv")


def test_one_that_does_nothing_is_refused(tmp_path: Path) -> None:
    other(tmp_path / "other")
    (found,) = examine(configured(tmp_path, "other", optimiser_centroid="middle")).problems
    assert found.key == "optimiser.start_from"
    assert found.message.startswith("does nothing, because every parameter has a start value")


def test_methods_that_learn_know_its_evaluations(tmp_path: Path) -> None:
    other(tmp_path / "other")
    table = Checkpoint(tmp_path / "other").evaluations()
    table.to_csv(tmp_path / "table.csv", index=False)
    of_run, of_table = (
        evaluations_of_others(load_checked_config(configured(tmp_path, name))) for name in ("other", "table.csv")
    )
    assert of_run is not None
    assert of_table is not None
    assert of_run.outcomes == of_table.outcomes == [*[Outcome.OK] * 3, Outcome.EXPLODED]
    np.testing.assert_allclose(of_run.scores[1], [0, 0.25])
    for name in ("points", "values", "scores"):
        np.testing.assert_allclose(getattr(of_table, name), getattr(of_run, name))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "x,y\n0.1,1\n"),
        ("a.csv", "parameter:x,parameter:y,value:ReturnedValue(rate)\n0.1,1,3\n"),
        ("a.csv", "parameter:x,parameter:y,value:ReturnedValue(rate),value:ReturnedValue(cv),outcome\n0,1,3,2,FINE\n"),
        ("a.json", '{"x": 0.1, "y": 1}'),
    ],
)
def test_without_values_only_the_start_is_taken(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert evaluations_of_others(load_checked_config(configured(tmp_path, name))) is None


def test_a_run_of_other_targets_gives_its_best_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    other(tmp_path / "other")
    targets = [{"class": "ReturnedValue", "key": "new", "target_value": 3, "norm": 2}]
    config = load_checked_config(configured(tmp_path, "other", targets=targets))
    assert config.optimiser_centroid == {"x": 0.3, "y": 0.25}
    assert evaluations_of_others(config) is None
    assert "only the best of it is used, nothing is learnt" in caplog.text


def test_a_run_goes_on_without_what_it_started_from(tmp_path: Path) -> None:
    other(tmp_path / "other")
    paths = RunPaths(tmp_path / "20261126-100000_Optimization")
    paths.directory.mkdir()
    create_run(load_checked_config(configured(tmp_path, "other")), paths)
    shutil.rmtree(tmp_path / "other")
    config = load_checked_config(paths.config)
    assert config.optimiser_centroid == {"x": 0.3, "y": 0.25}
    known = frozen(paths)
    assert known is not None
    assert len(known.points) == 4
    asked = create_optimiser(config.optimiser, config.problem(known)).ask()
    np.testing.assert_allclose(asked.points[0], [0.3, 0.5625])


def test_a_run_that_goes_on_has_its_start_although_the_other_has_got_further(tmp_path: Path) -> None:
    """It was another start, with which the run was refused, after SLURM had restarted its job as well."""
    (tmp_path / "sets.csv").write_text("x,y\n0.1,1\n")
    config = configured(tmp_path, "sets.csv")
    paths = RunPaths(tmp_path / "20261126-100000_Optimization")
    paths.directory.mkdir()
    create_run(load_checked_config(config), paths)
    (tmp_path / "sets.csv").write_text("x,y\n0.2,-1\n")
    assert start_of(config) == {"x": 0.2, "y": -1}
    overrides = ["continue_cp=true", f"cp_filename={paths.checkpoint}"]
    assert load_checked_config(config, overrides).optimiser_centroid == {"x": 0.1, "y": 1}


@pytest.mark.run
def test_a_run_from_a_table_begins_there(tmp_path: Path) -> None:
    project = Project.create(
        tmp_path, {"optimiser_centroid": {}, "optimiser": {"start_from": "sets.csv"}, "max_ngen": 1}
    )
    (tmp_path / "sets.csv").write_text("x,y,total_score\n0.5,1,3\n0.25,-0.5,1\n")
    assert command("check", "config.yaml", cwd=tmp_path).returncode == 0
    project.command("run", "config.yaml")
    first = project.frame().iloc[0]
    assert (first["origin"], first["parameter:x"], first["parameter:y"]) == ("start", 0.25, -0.5)


def test_bounds_that_others_decide_are_those_of_the_parameter_set(tmp_path: Path) -> None:
    (tmp_path / "sets.csv").write_text("x,y\n0.75,0.5\n")
    assert start_of(configured(tmp_path, "sets.csv", parameters={"x": [0, 1], "y": [0, "x"]})) == {"x": 0.75, "y": 0.5}
    (problem,) = examine(configured(tmp_path, "sets.csv", parameters={"x": [0, 1], "y": ["x", 1.5]})).problems
    assert "sets.csv: row 1: 'y' is 0.5, outside its bounds [0.75, 1.5] with x = 0.75: widen them" in problem.message
    changes = {"parameters": {"x": [0, 1], "y": ["x", 1.5]}, "optimiser_centroid": {"x": 0.25}}
    assert start_of(configured(tmp_path, "sets.csv", **changes)) == {"x": 0.25, "y": 0.5}
