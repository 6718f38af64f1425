"""Constants, expressions and several names of one value, compared with a mozaik model and looked at at the bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from checked_project import OTHER, TAU, WEIGHT, visual_model
from orchestrator_project import Project

from orchestrator.checking.check import inspect
from orchestrator.checking.problems import examine, load_checked_config
from orchestrator.checking.summary import summary_rows
from orchestrator.simulations import model_of

CELL = "sheets.l4_cortex_exc.params.cell.params"


def said(folder: Path, changes: dict[str, Any]) -> list[tuple[str, str]]:
    return [(problem.key, problem.message) for problem in examine(visual_model(folder, changes)).problems]


def of_a_function(folder: Path, parameters: dict[str, Any], start: dict[str, float] | None = None) -> Path:
    return Project.create(folder, {"parameters": parameters, "optimiser_centroid": start or {}}).config


def test_names_of_constants_expressions_and_tied_parameters_are_names_of_the_model(tmp_path: Path) -> None:
    changes = {
        "parameters|sheets.nix.tau": 3,
        f"parameters|{TAU}x": {"expression": f"2 * {TAU}"},
        "parameters|weights": {"names": [f"{CELL}.tau_syn_E", f"{CELL}.tau_sin_E"], "bounds": [1, 2], "start": 1.5},
        f"parameters|{CELL}": 4,
        "parameters|sheets.l4_cortex_exc.params.cell.model": 5,
        "parameters|share": {"names": [], "bounds": [0, 1], "start": 0.5},
    }
    found = dict(said(tmp_path, changes))
    assert found.keys() == {key.replace("|", ".") for key in changes} - {"parameters.share"}
    assert "the model has no parameter 'sheets.nix.tau'" in found["parameters.sheets.nix.tau"]
    assert f"no parameter '{TAU}x'; did you mean '{TAU}'?" in found[f"parameters.{TAU}x"]
    assert "no parameter 'sheets.l4_cortex_exc.params.cell.params.tau_sin_E'" in found["parameters.weights"]
    assert "is a group of parameters" in found[f"parameters.{CELL}"]
    assert "in the model it is text" in found["parameters.sheets.l4_cortex_exc.params.cell.model"]


def test_a_choice_is_counted_as_what_it_is(tmp_path: Path) -> None:
    parameters = {"x": [1, 2], "n": {"bounds": [1, 9], "integer": True}, "k": {"prior": {"choice": [1, 4]}}}
    found = dict(summary_rows(inspect(of_a_function(tmp_path, parameters), [])))
    assert found["parameters"] == "3 (1 integer, 1 of a few values)"


def test_a_tied_parameter_starts_at_the_models_value_if_all_names_have_it(tmp_path: Path) -> None:
    refractory = [f"{CELL}.tau_refrac", "sheets.retina_lgn.params.cell.params.tau_refrac"]
    tied = {"names": refractory, "bounds": [1, 9]}
    config = load_checked_config(visual_model(tmp_path, {"parameters|tau": tied}))
    assert config.optimiser_centroid["tau"] == 2
    other = {**tied, "names": [f"{CELL}.tau_m", f"{CELL}.tau_syn_E"]}
    ((key, message),) = said(tmp_path / "other", {"parameters|tau": other})
    assert key == "optimiser_centroid.tau"
    assert "has no default that is one number: give it a start value between 1 and 9, or middle" in message


def test_an_expression_is_computed_from_the_models_own_start_values(tmp_path: Path) -> None:
    changes = {f"parameters|{OTHER}": {"expression": f"3 * {WEIGHT}"}}
    config = load_checked_config(visual_model(tmp_path, changes))
    assert config.optimiser_centroid == {WEIGHT: 0.02, TAU: 5}
    assert config.given().values(config.start) == {WEIGHT: 0.02, OTHER: pytest.approx(0.06), TAU: 5}


def test_a_real_number_in_the_place_of_a_whole_one_is_noted(tmp_path: Path) -> None:
    path = visual_model(tmp_path, {"parameters|mpi_seed": {"expression": "10 / 2"}, "simulation|seeds|mpi_seed": None})
    config = load_checked_config(path)
    ((_, message),) = [note for note in model_of(config).notes(config) if note[0] == ("parameters", "mpi_seed")]
    assert "is written as a whole number in the model, 1023, and given as a real one" in message
    assert "put round( ) around its expression" in message


def test_a_seed_is_not_a_constant_as_well(tmp_path: Path) -> None:
    ((key, message),) = said(tmp_path, {"parameters|pynn_seed": 3})
    assert key == "simulation.seeds.pynn_seed"
    assert "is among parameters and given here" in message


def test_what_has_no_value_at_the_start_is_refused(tmp_path: Path) -> None:
    path = of_a_function(tmp_path, {"x": [0, 1], "y": {"expression": "log(x)"}}, {"x": 0})
    (problem,) = examine(path).problems
    assert (problem.key, problem.line) == ("parameters.y", 5)
    assert "'log(x)' has no value with x = 0: it is not defined. This is at the start: give other" in problem.message


def test_where_at_the_bounds_an_expression_has_no_value_is_noted(tmp_path: Path) -> None:
    parameters = {
        "x": [0, 1],
        "y": [0, 1],
        "inverse": {"expression": "1 / (x + y - 2)"},
        "twice": {"expression": "2 * inverse"},
        "sound": {"expression": "x + y"},
    }
    found = inspect(of_a_function(tmp_path, parameters), [])
    assert found.sound
    (note,) = [note for note in found.notes if note.key.startswith("parameters")]
    assert note.key == "parameters.inverse"
    assert (
        "has no value with x = 1, y = 1: division by zero. An evaluation there fails (SIMULATION_ERROR)" in note.message
    )


def test_a_wrong_parameter_brings_no_problems_of_the_expressions_that_need_it(tmp_path: Path) -> None:
    parameters = {"x": [1, 1], "z": [0, 1], "y": {"expression": "2 * x"}, "w": {"expression": "2 * y"}}
    assert [problem.key for problem in examine(of_a_function(tmp_path, parameters)).problems] == ["parameters.x"]


MOVING: dict[str, Any] = {"b": ["a", "a + 1"], "a": [0, 4]}


@pytest.mark.parametrize("start", [{"a": 3, "b": 3.5}, {"a": 3}, {"b": 2}])
def test_a_start_is_compared_with_the_bounds_that_the_others_make(tmp_path: Path, start: dict[str, float]) -> None:
    """What is not given is in the middle, which of these bounds is that beside what is given."""
    config = load_checked_config(of_a_function(tmp_path, MOVING, start))
    assert config.start == pytest.approx({"a": 2, "b": config.start["a"] + 0.5, **start})


def test_a_start_outside_of_bounds_that_others_decide_is_refused_with_these(tmp_path: Path) -> None:
    (problem,) = examine(of_a_function(tmp_path, MOVING, {"a": 3, "b": 2})).problems
    assert problem.key == "optimiser_centroid.b"
    assert problem.message == "the start value of 'b' must be inside its bounds [3, 4] with a = 3, got 2"
    own = {**MOVING, "b": {"bounds": ["a", "a + 1"], "start": 2}}
    (problem,) = examine(of_a_function(tmp_path / "own", own, {"a": 3})).problems
    assert (problem.key, problem.line) == ("parameters.b.start", 6)


def test_expressions_are_looked_at_where_the_bounds_are_that_others_decide(tmp_path: Path) -> None:
    parameters = {**MOVING, "inverse": {"expression": "1 / (b - 5)"}, "sound": {"expression": "1 / (b + 0.1)"}}
    (note,) = [note for note in inspect(of_a_function(tmp_path, parameters), []).notes if "parameters" in note.key]
    assert (note.key, note.message[:61]) == (
        "parameters.inverse", "'1 / (b - 5)' has no value with b = 5: division by zero. An e",
    )  # fmt: skip
