"""The forms of the configuration's parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from orchestrator_project import CONFIG

from orchestrator.checking.problems import identity_differences
from orchestrator.config.file import dump_config, load_config
from orchestrator.config.model import Config
from orchestrator.errors import ConfigError
from orchestrator.optimisers import create_optimiser
from orchestrator.optimisers.priors import Choice, Prior

FORMS: dict[str, Any] = {
    "x": [5, 1],
    "w": {"bounds": [1e-2, 1e-4], "scale": "log", "start": "middle"},
    "n": {"bounds": [9, 1], "integer": True, "start": 4},
    "ena": {"names": ["soma.ena", "axon.ena"], "bounds": [40, 60]},
    "three": 3,
    "small": "1e-3",
    "twice": {"expression": "2 * x + three"},
}


def read(folder: Path, parameters: dict[str, Any], overrides: list[str] | None = None, **changes: Any) -> Config:
    folder.mkdir(exist_ok=True)
    path = folder / "config.yaml"
    content = {**CONFIG, "parameters": parameters, "optimiser_centroid": {}, **changes}
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return load_config(path, overrides or [])


def refused(folder: Path, parameters: dict[str, Any], **changes: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(folder, parameters, **changes)
    return [f"{problem.key}:{problem.line}: {problem.message}" for problem in caught.value.problems]


def prior(said: object) -> dict[str, Any]:
    return {"x": {"bounds": [1, 2], "prior": said}}


def choice(values: list[Any], weights: list[float] | None = None, **others: Any) -> dict[str, Any]:
    return {"x": {"prior": {"choice": values} if weights is None else {"choice": values, "weights": weights}, **others}}


def test_only_what_has_bounds_is_searched(tmp_path: Path) -> None:
    config = read(tmp_path, FORMS, offspring_size=0)
    assert config.space().names == tuple(config.searched) == ("x", "w", "n", "ena")
    assert config.offspring_size == 8  # of four
    assert config.given().names == ("x", "w", "n", "soma.ena", "axon.ena", "three", "small", "twice")
    assert (config.parameters["three"], config.parameters["small"]) == (3, 0.001)


def test_bounds_are_taken_in_either_order(tmp_path: Path) -> None:
    searched = read(tmp_path, FORMS).searched
    assert searched["x"].bounds == (1, 5)
    assert searched["w"].bounds == (1e-4, 1e-2)
    assert searched["n"].bounds == (1, 9)


def test_start_values_may_stand_at_their_parameter(tmp_path: Path) -> None:
    assert read(tmp_path, FORMS).optimiser_centroid == {"w": pytest.approx(1e-3), "n": 4}
    assert read(tmp_path, FORMS, optimiser_centroid={"x": "middle", "n": 4}).optimiser_centroid == {
        "w": pytest.approx(1e-3),
        "x": 3,
        "n": 4,
    }
    everything = read(tmp_path, FORMS, optimiser_centroid="middle").optimiser_centroid
    assert everything == {"x": 3, "w": pytest.approx(1e-3), "n": 4, "ena": 50}


def test_a_frozen_configuration_says_the_same_of_all_forms(tmp_path: Path) -> None:
    config = read(tmp_path, FORMS, optimiser_centroid="middle")
    frozen = tmp_path / "frozen.yaml"
    frozen.write_text(dump_config(config, tmp_path))
    again = load_config(frozen)
    assert identity_differences(again, config) == []
    assert again.model_dump() == config.model_dump()
    assert list(again.given().values(again.start).items()) == list(config.given().values(config.start).items())
    assert isinstance(again.parameters["three"], int)


def test_what_is_searched_under_its_own_name_is_frozen_as_before_there_were_names(tmp_path: Path) -> None:
    """A comparison of runs would show a difference of every parameter between versions."""
    frozen = yaml.safe_load(dump_config(read(tmp_path, FORMS), tmp_path))["parameters"]
    assert frozen["x"] == {"bounds": [1, 5], "scale": "linear", "integer": False}
    assert frozen["ena"]["names"] == ["soma.ena", "axon.ena"]
    assert frozen["twice"] == {"expression": "2 * x + three"}


@pytest.mark.parametrize(
    ("name", "value", "difference"),
    [
        ("three", 4, "parameters.three: 3 in the run, 4 now"),
        ("twice", {"expression": "3 * x"}, "parameters.twice.expression: 2 * x + three in the run, 3 * x now"),
        ("ena", {"names": ["soma.ena"], "bounds": [40, 60]}, "parameters.ena.names[1]: axon.ena in the run"),
    ],
)
def test_constants_expressions_and_names_are_part_of_a_runs_identity(
    tmp_path: Path, name: str, value: object, difference: str
) -> None:
    ours, frozen = read(tmp_path / "now", {**FORMS, name: value}), read(tmp_path / "before", FORMS)
    assert difference in "\n".join(identity_differences(ours, frozen))


def test_all_forms_can_be_set_on_the_command_line(tmp_path: Path) -> None:
    overrides = ["parameters.soma.gna=3", "parameters.x={expression: 2 * ena}", "optimiser_centroid.ena=55"]
    config = read(tmp_path, FORMS, overrides)
    assert config.given().values({"w": 1e-3, "n": 2, "ena": 50})["x"] == 100
    assert config.given().constants["soma.gna"] == 3
    assert config.optimiser_centroid["ena"] == 55


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"x": [1, 2], "y": True}, "parameters.y:5: expected [low, high], {bounds, scale, integer, names, prior, star"),
        ({"x": [1, 2], "y": None}, "got None"),
        ({"x": [1, 2], "y": float("inf")}, "a finite number"),
        ({"x": [1, 2], "y": "2 * x"}, "; an expression is written {expression: '2 * x'}"),
        ({"x": [1, 2], "y": {"expression": 3}}, "parameters.y.expression:6: "),
        ({"x": [1, 2], "y": {"expression": "x", "bounds": [1, 2]}}, "parameters.y.bounds:7: unknown key"),
        ({"x": [1, 2], "y": {"expression": "z"}}, "parameters.y:5: 'z' in its expression is not among parameters"),
        ({"x": [1, 2], "y": {"expression": "y"}}, "parameters.y:5: its expression leads back to itself (y -> y)"),
        ({"x": [1, 1]}, "parameters.x:2: expected two different finite bounds, got [1, 1]; a constant is"),
        ({"x": [1, float("nan")]}, "parameters.x:2: expected two different finite bounds, got [1, nan]"),
        ({"x": {"bounds": [1, 2], "start": 3}}, "parameters.x.start:6: the start value must be inside the bounds [1,"),
        ({"x": {"bounds": [1, 2], "start": "soon"}}, "parameters.x.start:6: input should be a valid number"),
        ({"x": {"bounds": [1, 2], "names": "y"}}, "parameters.x.names:6: input should be a valid list, got 'y'"),
        (prior({"normal": [1, 0]}), "parameters.x.prior:6: expected a standard deviation above 0, got 0"),
        (prior({"normal": [1, "a"]}), "parameters.x.prior:6: expected two finite numbers, got [1, 'a']"),
        (prior({"lognormal": [0, 1]}), "parameters.x.prior:6: expected a median above 0, got 0"),
        (
            prior({"gamma": [1, 1]}),
            "parameters.x.prior:6: expected {normal: [mean, sd]}, in the parameter's unit, {logn",
        ),
        (
            prior([1, 1]),
            "{choice: [value, value, ...]}, with weights: [weight, weight, ...] beside it or without, got [",
        ),
        (prior({"choice": [1, 2], "scale": "log"}), "parameters.x.prior:6: expected {normal: [mean, sd]}, in the"),
        (choice([2]), "parameters.x.prior:3: expected choice: two or more finite numbers, all different, got [2]"),
        (
            choice([2, 2.0]),
            "parameters.x.prior:3: expected choice: two or more finite numbers, all different, got [2, ",
        ),
        (
            choice([1, "two"]),
            "parameters.x.prior:3: expected choice: two or more finite numbers, all different, got [1",
        ),
        (choice([1, 2], [1]), "parameters.x.prior:3: expected weights: 2 numbers above 0, one for each value, got [1]"),
        (choice([1, 2], [1, 0]), "parameters.x.prior:3: expected weights: 2 numbers above 0, one for each value, got"),
        (
            choice([1, 3], bounds=[0, 2]),
            "parameters.x.bounds:7: expected bounds that hold the choice, 1, 3, or none, got",
        ),
        (choice([1, 3], scale="log"), "parameters.x.scale:7: expected no scale beside a choice, whose steps are from"),
        (choice([1, 2.5], integer=True), "parameters.x.integer:7: expected whole numbers in the choice, got 1, 2.5"),
        (choice([1, 3], start=2), "parameters.x.start:7: the start value must be one of the choice, 1, 3, got 2"),
        (
            prior({"normal": [9, 0.1]}),
            "parameters.x.prior:6: expected a prior with some of its weight within the bounds",
        ),
        ({"x": {"scale": "log"}}, "parameters.x.bounds:2: is missing"),
        ({"x": 3, "y": {"expression": "x"}}, "parameters:1: expected at least one parameter with bounds, got none"),
    ],
)
def test_wrong_parameters_are_told_with_key_and_line(tmp_path: Path, parameters: dict[str, Any], problem: str) -> None:
    (said,) = refused(tmp_path, parameters)
    assert problem in said


@pytest.mark.parametrize(
    ("start", "problem"),
    [
        ({"three": 3}, "optimiser_centroid.three:"),
        ({"three": 3}, "'three' is a constant, 3; expected one of what is searched: x, w, n, ena, k"),
        ({"twice": 3}, "'twice' is the expression '2 * x + three'; expected one of what is searched"),
        ({"soma.ena": 50}, "'soma.ena' is one of the names of 'ena'; expected one of what is searched"),
        ({"xx": 1}, "'xx' is not among parameters; did you mean 'x'?"),
        ({"k": 6}, "the start value of 'k' must be one of its choice, 4, 8, 16, got 6"),
        ({"n": 5}, "is given here and as start under parameters: take it away in one of the two places"),
    ],
)
def test_start_values_of_what_is_not_searched_are_refused(
    tmp_path: Path, start: dict[str, float], problem: str
) -> None:
    forms = {**FORMS, "k": {"prior": {"choice": [4, 8, 16]}}}
    (said,) = refused(tmp_path, forms, optimiser_centroid=start)
    assert problem in said


def test_a_run_of_before_there_was_a_key_is_the_same_run_whenever_it_is_continued(tmp_path: Path) -> None:
    """With the user's own file, too, after the first time, when the run says the key and the file does not."""
    before = read(tmp_path, FORMS, optimiser={"method": "tpe"})
    as_it_was = before.model_copy(update={"optimiser": before.optimiser.as_it_was(before.optimiser)})
    (tmp_path / "frozen.yaml").write_text(dump_config(as_it_was, tmp_path))
    frozen = load_config(tmp_path / "frozen.yaml")
    for run in (before, frozen):
        assert identity_differences(before, run) == []
        other = read(tmp_path, FORMS, optimiser={"method": "tpe", "priors": True})
        assert identity_differences(other, run) == ["optimiser.priors: False in the run, True now"]


def test_a_prior_is_part_of_the_space_and_of_what_a_run_is(tmp_path: Path) -> None:
    uniform, normal = (read(tmp_path, prior(each)) for each in (None, {"normal": [1.5, 1]}))
    assert [each.space().parameters[0].prior for each in (uniform, normal)] == [None, Prior("normal", 1.5, 1.0)]
    mean, deviation = identity_differences(uniform, normal)
    assert mean == "parameters.x.prior.normal[0]: 1.5 in the run, not there now"
    assert deviation == "parameters.x.prior.normal[1]: 1.0 in the run, not there now"
    frozen = tmp_path / "frozen.yaml"
    frozen.write_text(dump_config(normal, tmp_path))
    assert identity_differences(load_config(frozen), normal) == []
    assert "prior" not in dump_config(uniform, tmp_path)


def test_a_choice_says_its_bounds_and_whether_it_is_of_whole_numbers(tmp_path: Path) -> None:
    written = {
        "n": {"prior": {"choice": [32, 8, "16"]}},
        "g": {"prior": {"choice": [2.5, 1], "weights": [3, 1]}, "start": 2.5},
        "k": {"prior": {"choice": [1, 2]}, "integer": False, "bounds": [5, 0]},
    }
    config = read(tmp_path, written, optimiser_centroid={"n": 8, "k": "middle"})
    n, g, k = config.space().parameters
    assert (n.low, n.high, n.integer, n.prior) == (8, 32, False, Choice((8, 16, 32)))  # a text is a real number
    assert (g.low, g.high, g.prior) == (1, 2.5, Choice((1, 2.5), (1, 3)))
    assert (k.low, k.high, k.integer, config.searched["k"].bounds) == (1, 2, False, (0, 5))
    assert config.start == {"n": 8, "g": 2.5, "k": 2}
    frozen = tmp_path / "frozen.yaml"
    frozen.write_text(dump_config(config, tmp_path))
    assert identity_differences(load_config(frozen), config) == []
    assert load_config(frozen).space().parameters == config.space().parameters


def test_a_choice_of_whole_numbers_gives_simulations_whole_numbers(tmp_path: Path) -> None:
    config = read(tmp_path, choice([4, 16, 8]), optimiser_centroid="middle")
    values = [config.space().decode([coordinate])["x"] for coordinate in (0, 0.5, 1)]
    assert values == [4, 8, 16]
    assert {type(value) for value in values} == {int}


def test_a_prior_changes_nothing_of_a_search_that_does_not_use_it(tmp_path: Path) -> None:
    asked = [
        create_optimiser(config.optimiser, config.problem()).ask().points
        for config in (
            read(tmp_path, prior(each), optimiser_centroid="middle") for each in (None, {"lognormal": ["1.5", 1e-2]})
        )
    ]
    np.testing.assert_array_equal(*asked)


MOVING: dict[str, Any] = {
    "a": [0, 1],
    "b": ["a", "2 * a + three"],
    "w": {"bounds": ["1e-3", "a + 1"], "scale": "log", "start": "middle"},
    "n": {"names": ["m"], "bounds": ["round(4 * b)", 40], "integer": True},
    "three": 3,
}


def test_bounds_may_be_expressions_of_others(tmp_path: Path) -> None:
    config = read(tmp_path, MOVING, optimiser_centroid={"a": 0.25})
    assert config.searched["b"].bounds == ("a", "2 * a + three")
    assert config.searched["w"].bounds == (1e-3, "a + 1")
    assert config.optimiser_centroid == {"a": 0.25, "w": pytest.approx(1.25e-3**0.5)}
    values = config.space().decode([0.5, 1.0, 0.0, 0.0])
    assert values == {"a": 0.5, "b": 4, "w": pytest.approx(1e-3), "n": 16}
    assert config.given().values(values)["m"] == 16
    everything = read(tmp_path, MOVING, optimiser_centroid="middle").optimiser_centroid
    assert everything == config.space().middle
    assert everything == {"a": 0.5, "b": 2.25, "w": pytest.approx(1.5e-3**0.5), "n": pytest.approx(25, abs=1)}


def test_the_texts_of_bounds_are_part_of_what_a_run_is(tmp_path: Path) -> None:
    start = {"a": 0.5, "b": 2.25, "n": 25}
    config = read(tmp_path, MOVING, optimiser_centroid=start)
    frozen = tmp_path / "frozen.yaml"
    frozen.write_text(dump_config(config, tmp_path))
    again = load_config(frozen)
    assert identity_differences(again, config) == []
    np.testing.assert_array_equal(again.problem().start, config.problem().start)
    (difference,) = identity_differences(
        read(tmp_path, {**MOVING, "b": ["a", "a + 4"]}, optimiser_centroid=start), config
    )
    assert difference == "parameters.b.bounds[1]: 2 * a + three in the run, a + 4 now"


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"a": [0, 1], "b": ["x", 1]}, "parameters.b:5: 'x' in its bounds is not among parameters"),
        ({"a": ["b", 2], "b": ["a", 1]}, "lead back to itself ("),
        (
            {"a": [0, 1], "b": ["a", 0.5]},
            "parameters.b:5: expected bounds of which the same is the smaller one ",
        ),
        ({"a": [0, 1], "b": ["a +", 1]}, "(invalid syntax"),
        (
            {"a": [0, 1], "b": {"bounds": ["a", 2], "scale": "log"}},
            "scale: log needs bounds above 0, got [0, 2] with a",
        ),
        ({"a": [0, 1], "b": ["a", float("inf")]}, "expected finite bounds, got inf"),
        (
            {"a": [0, 1], "b": {"bounds": ["a", 2], "prior": {"normal": [1, 1]}}},
            "parameters.b.prior:9: needs bounds that are numbers",
        ),
    ],
)
def test_bounds_that_cannot_be_searched_are_told_with_key_and_line(
    tmp_path: Path, parameters: dict[str, Any], problem: str
) -> None:
    (said,) = refused(tmp_path, parameters)
    assert problem in said
