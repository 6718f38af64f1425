"""The best of a run with constants, expressions and several names of one value: what is seen, copied and applied."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from best_runs import copied, model_run, written_run
from orchestrator_project import Project
from typer.testing import CliRunner

from orchestrator.analysis.runs import best_table, parameters_table
from orchestrator.checkpoint import Checkpoint
from orchestrator.cli import app
from orchestrator.config.yaml_text import read_mapping, write_yaml
from orchestrator.paths import RunPaths
from orchestrator.records import Outcome
from orchestrator.report import History
from orchestrator.report.listings import best_evaluations, centroid_yaml
from orchestrator.simulations.mozaik.parameters import flatten, read_parameter_tree

pytestmark = pytest.mark.commands

FORMS: dict[str, Any] = {
    "x": [0, 1],
    "n": {"bounds": [1, 9], "integer": True},
    "ena": {"names": ["soma.ena", "axon.ena"], "bounds": [60, 40], "start": "middle"},
    "share": {"names": [], "bounds": [0, 1]},
    "three": 3,
    "cells": {"expression": "n * three"},
    "inverse": {"expression": "share / x"},
}
DERIVED = ["soma.ena", "axon.ena", "three", "cells", "inverse"]
HISTORY = [
    ({"x": 0.5, "n": 5, "ena": 50.0, "share": 0.5}, [9.0, 0.5]),
    ({"x": 0.2, "n": 2, "ena": 41.0, "share": 0.1}, [3.0, 1.0]),
    ({"x": 0.0, "n": 3, "ena": 60.0, "share": 0.9}, Outcome.SIMULATION_ERROR),
    ({"x": 1.0, "n": 9, "ena": 55.0, "share": 1.0}, [2.0, 1.0]),
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    changes = {"parameters": FORMS, "optimiser_centroid": "middle"}
    return written_run(Project.create(tmp_path_factory.mktemp("written"), changes).config, HISTORY)


@pytest.fixture
def run(written: RunPaths, tmp_path: Path) -> RunPaths:
    return copied(written, tmp_path / "project")


def said(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_evaluations_have_a_column_of_every_name_that_a_simulation_gets(run: RunPaths) -> None:
    checkpoint = Checkpoint(run.checkpoint)
    assert checkpoint.parameter_names == ["x", "n", "ena", "share"]
    assert list(checkpoint.given.derived) == DERIVED
    frame = checkpoint.evaluations()
    columns = [name.removeprefix("parameter:") for name in frame.columns if name.startswith("parameter:")]
    assert columns == [*checkpoint.parameter_names, *DERIVED]
    assert list(frame["parameter:axon.ena"]) == [50, 41, 60, 55]
    assert list(frame["parameter:three"]) == [3] * 4
    assert list(frame["parameter:cells"]) == [15, 6, 9, 27]
    np.testing.assert_array_equal(frame["parameter:inverse"], [1.0, 0.5, np.nan, 1.0])
    assert {str(kind) for kind in frame.dtypes[[f"parameter:{name}" for name in columns]]} == {"float64"}


@pytest.mark.parametrize(
    "wrong",
    ["", "parameters: 3", "parameters: {x: {expression: x}}", "parameters: {x: [0, 1], zz: [0, 1]}", "- 1", "{"],
)
def test_what_is_stored_is_read_whatever_the_configuration_says(run: RunPaths, wrong: str) -> None:
    checkpoint = Checkpoint(run.checkpoint)
    checkpoint.set_config(wrong)
    again = Checkpoint(run.checkpoint)
    assert again.given.derived == ()
    assert list(again.evaluations()["parameter:x"]) == [0.5, 0.2, 0.0, 1.0]


def test_the_table_shows_all_and_yaml_what_can_start_another_run(run: RunPaths) -> None:
    lines = [line.split() for line in said("best", run.directory).splitlines()]
    assert ["x", "0.5", "0.2"] in lines
    assert ["axon.ena", "50", "41"] in lines
    assert ["cells", "15", "6"] in lines
    assert ["inverse", "1", "0.5"] in lines
    assert yaml.safe_load(said("best", run.directory, "--yaml")) == {"x": 0.2, "n": 2, "ena": 41.0, "share": 0.1}


def test_json_and_overrides_have_what_the_simulation_got(run: RunPaths) -> None:
    (found,) = json.loads(said("best", run.directory, "--json"))
    assert found["parameters"] == {"x": 0.2, "n": 2, "ena": 41.0, "share": 0.1}
    given = {"x": 0.2, "n": 2, "soma.ena": 41.0, "axon.ena": 41.0, "three": 3, "cells": 6, "inverse": 0.5}
    assert found["given"] == given
    overrides = said("best", run.directory, "--overrides").split()
    assert dict(zip(overrides[::2], map(float, overrides[1::2]), strict=True)) == given
    assert "cells 6 " in " ".join(overrides)  # a whole number of a whole one


def test_reports_and_tables_list_what_follows_from_the_searched_parameters(run: RunPaths) -> None:
    history = History.of(Checkpoint(run.checkpoint))
    assert [each.name for each in history.parameters] == ["x", "n", "ena", "share"]
    assert best_evaluations(history)[0].parameters == ("0.2", "2", "41", "0.1", "41", "41", "3", "6", "0.5")
    assert set(yaml.safe_load(centroid_yaml(history))["optimiser_centroid"]) == {"x", "n", "ena", "share"}
    table = parameters_table(history).set_index("parameter")
    assert list(table.index) == ["x", "n", "ena", "share", *DERIVED]
    assert table.loc["cells", ["value", "start value"]].tolist() == [6, 15]
    assert math.isnan(table.loc["cells", "lower bound"])
    assert best_table(history)["cells"].tolist() == [6, 27, 15]


def test_what_a_model_got_is_applied_to_its_files(tmp_path: Path) -> None:
    weight, other, background = (
        "sheets.exc.ExcExcConnection.weights",
        "sheets.inh.InhExcConnection.weights",
        "sheets.exc.params.artificial_stimulators.background.params.exc_weight",
    )
    run = model_run(tmp_path, "balanced_network", {weight: 0.00125})
    checkpoint = Checkpoint(run.checkpoint)
    config = read_mapping(checkpoint.config_text)
    spec = config["parameters"][weight]
    config["parameters"] = {
        weight: {**spec, "names": [weight, background]},
        other: {"expression": f"4 * {weight}"},
    }
    checkpoint.set_config(write_yaml(config, width=120))
    assert "with the 3 parameters of" in said("best", run.directory, "--apply", "param_best")
    model = run.directory.parent
    applied = dict(flatten(read_parameter_tree(Path("param_best/defaults"), model)))
    assert (applied[weight], applied[background], applied[other]) == (0.00125, 0.00125, 0.005)
    origin = yaml.safe_load((model / "param_best/best_parameters.yaml").read_text())
    assert origin["given"] == {weight: 0.00125, background: 0.00125, other: 0.005}
