"""Targets by name, from modules and from files; every problem of every specification at once."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import targets
from targets import (
    Datastore,
    Measurement,
    NoValue,
    PointTarget,
    TargetError,
    create_targets,
    known_targets,
    measure,
    target,
)

NINE = {
    "SpontActivityTarget",
    "IrregularityTarget",
    "SynchronyTarget",
    "OrientationTuningPreferenceTarget",
    "OrientationTuningOrthoHighTarget",
    "OrientationTuningOrthoLowTarget",
    "SizeTuning",
    "ConductanceRatio",
    "ModulationRatio",
}
RETURNED = {"class": "ReturnedValue", "key": "x", "target_value": 1, "norm": 1}


def problems_of(*specs: Any, directory: Path | None = None) -> dict[tuple[str | int, ...], str]:
    with pytest.raises(TargetError) as caught:
        create_targets(list(specs), directory=directory)
    return {problem.loc: problem.message for problem in caught.value.problems}


def test_the_nine_targets_are_known_with_their_units() -> None:
    assert set(known_targets()) >= NINE
    assert known_targets()["SpontActivityTarget"].unit == "Hz"
    assert all(cls.unit == "" for name, cls in known_targets().items() if name in NINE - {"SpontActivityTarget"})


def test_every_option_says_what_it_is() -> None:
    for name, cls in known_targets().items():
        for option, field in cls.model_fields.items():
            assert field.description, f"{name}.{option}"


def test_all_problems_of_all_specifications_are_reported() -> None:
    problems = problems_of(
        {"class": "SpontActivtyTarget", "sheet_name": "L4", "target_value": [1, 2], "norm": 1},
        {"class": "SpontActivityTarget", "target_value": [2, 1], "norm": 0, "duratoin": 3},
        RETURNED,
        {"target_value": 1},
        {"class": 3},
        "SizeTuning",
    )
    assert "did you mean 'SpontActivityTarget'?" in problems[0, "class"]
    assert "SizeTuning" in problems[0, "class"]
    assert "low must not exceed high" in problems[1, "target_value"]
    assert "greater than 0, got 0" in problems[1, "norm"]
    assert "did you mean 'duration'?" in problems[1, "duratoin"]
    assert "sheet of the model" in problems[1, "sheet_name"]
    assert "missing" in problems[3, "class"]
    assert "got 3" in problems[4, "class"]
    assert "expected a mapping" in problems[(5,)]
    assert len(problems) == 8


def test_a_name_is_registered_once() -> None:
    with pytest.raises(TargetError, match=r"'SizeTuning'.*is taken by targets\.size:SizeTuning"):

        @target("SizeTuning", unit="")
        class Mine(PointTarget):
            def outputs(self, recordings: Any) -> float:
                return float(recordings)

    assert known_targets()["SizeTuning"] is targets.SizeTuning


def test_a_reloaded_module_may_register_again(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from targets import PointTarget, target\n"
        "@target('OfTheReloadTest', unit='mV')\n"
        "class OfTheReloadTest(PointTarget):\n"
        "    def outputs(self, recordings): return 2.0\n"
    )
    spec = {"class": "mine.py:OfTheReloadTest", "target_value": 1, "norm": 1}
    for _ in range(2):
        (made,) = create_targets([spec], directory=tmp_path)
        assert made.unit == "mV"
        assert made.score(made.measured(None)) == 1.0


def test_the_documented_example_works(tmp_path: Path, store: Datastore) -> None:
    documentation = targets.__doc__ or ""
    example = re.search(r"::\n\n((?:    .*\n|\n)+?)\nand name it", documentation)
    assert example is not None
    code = re.sub(r"^    ", "", example[1], flags=re.MULTILINE)
    assert 10 <= len(code.strip().splitlines()) <= 16
    (tmp_path / "my_targets.py").write_text(code)
    spec = {"class": "my_targets.py:SilentShare", "sheet_name": "Exc", "target_value": 10, "norm": 5}
    (silent,) = create_targets([spec | {"threshold": 0.05}], directory=tmp_path)
    assert (silent.unit, silent.label) == ("%", "SilentShare(Exc)")
    (found,) = measure([silent], store)
    assert found == Measurement(pytest.approx(100 / 40), None)
    assert silent.score(found.value) == 0.0
    assert "did you mean 'threshold'?" in problems_of(spec | {"treshold": 1}, directory=tmp_path)[0, "treshold"]


@pytest.fixture
def modules_as_before() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_target_of_an_installed_package_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modules_as_before: None
) -> None:
    information = tmp_path / "my_lab-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: my_lab\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[orchestrator.targets]\nAnswer = my_lab:Answer\n")
    (tmp_path / "my_lab.py").write_text(
        "from targets import PointTarget\nclass Answer(PointTarget):\n    def outputs(self, recordings): return 42.0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    (answer,) = create_targets([{"class": "Answer", "target_value": 42, "norm": 1}])
    assert measure([answer], None) == [Measurement(42.0, None)]
    assert "Answer" in known_targets()


def test_module_and_class(tmp_path: Path, modules_as_before: None) -> None:
    (tmp_path / "a_module_of_targets.py").write_text(
        "from targets import PointTarget\nclass Answer(PointTarget):\n    def outputs(self, recordings): return 42.0\n"
    )
    path = list(sys.path)
    spec = {"class": "a_module_of_targets:Answer", "target_value": 42, "norm": 1}
    (answer,) = create_targets([spec], directory=tmp_path)
    assert measure([answer], None) == [Measurement(42.0, None)]
    assert sys.path == path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module_here:Mine", "importing 'no_such_module_here'"),
        ("missing.py:Mine", "no such file"),
        ("broken.py:Mine", "ZeroDivisionError"),
        ("good.py:Mine", "there is no such name"),
        ("good.py:number", "it is 3"),
        ("good.py:Kindless", "distance"),
        ("good.py:Valueless", "outputs"),
        ("good.py:Earlier", "value(recordings) is called outputs(recordings)"),
    ],
)
def test_a_class_that_cannot_be_used(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "good.py").write_text(
        "from targets import PointTarget, Target\nfrom targets.spontaneous import SpontaneousRate\n"
        "number = 3\n"
        "class Kindless(Target):\n"
        "    def outputs(self, recordings): return 1.0\n"
        "class Valueless(PointTarget): pass\n"
        "class Earlier(SpontaneousRate, PointTarget):\n"
        "    def value(self, recordings): return super().value(recordings) / 2\n"
    )
    problems = problems_of({"class": name, "target_value": 1, "norm": 1}, directory=tmp_path)
    assert message in problems[0, "class"]


def test_a_target_that_was_written_before_there_were_outputs_is_what_it_was(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from targets import PointTarget\n"
        "class Mine(PointTarget):\n    def value(self, recordings): return 2 * recordings['x']\n"
    )
    (mine,) = create_targets([{"class": "mine.py:Mine", "target_value": 1, "norm": 1}], directory=tmp_path)
    assert measure([mine], {"x": 3.0}) == [Measurement(6.0, None)]


class Failing(PointTarget):
    how: str = "raise"

    def outputs(self, recordings: Any) -> Any:
        if self.how == "raise":
            raise KeyError("gone")
        if self.how == "recursion":
            return self.outputs(recordings)
        found = {"nan": float("nan"), "inf": float("inf"), "text": "x", "none": None, "array": np.array([3.0])}
        return found[self.how]


def test_one_bad_target_does_not_cost_the_others() -> None:
    hows = ["raise", "recursion", "nan", "inf", "text", "none"]
    bad = [Failing(target_value=1, norm=1, how=how) for how in hows]
    good = create_targets([RETURNED])
    measured = measure([*bad, *good], {"x": 5})
    assert measured[-1] == Measurement(5.0, None)
    assert all(each.value is None and each.reason for each in measured[:-1])
    assert measured[0].reason == "KeyError: 'gone'"
    assert "RecursionError" in str(measured[1].reason)
    assert measured[2].reason == "the value is nan"


@pytest.mark.parametrize(
    ("recordings", "reason"),
    [
        ({"xx": 1}, "did you mean 'xx'?"),
        ({}, "it returned: nothing"),
        ({"x": "much"}, "'x': expected a number, got 'much' (str)"),
        ({"x": None}, "no value for 'x'"),
        (3.0, "needs a mapping of numbers, got float"),
        ({"x": float("nan")}, "the value is nan"),
    ],
)
def test_a_returned_value_that_is_none(recordings: object, reason: str) -> None:
    (measured,) = measure(create_targets([RETURNED]), recordings)
    assert measured.value is None
    assert reason in str(measured.reason)


@pytest.mark.parametrize("number", [np.array([3.0]), np.array(3), np.float32(3), np.array([[3]])])
def test_an_array_of_one_number_is_a_number(number: object) -> None:
    assert measure(create_targets([RETURNED]), {"x": number}) == [Measurement(3.0, None)]


def test_a_target_of_ones_own_may_return_an_array_of_one_number_or_none() -> None:
    array, none, text = (Failing(target_value=1, norm=1, how=how) for how in ("array", "none", "text"))
    assert measure([array, none, text], {}) == [
        Measurement(3.0, None),
        Measurement(None, "no value"),
        Measurement(None, "TypeError: expected a number, got 'x' (str)"),
    ]


def test_a_datastore_target_wants_a_datastore() -> None:
    spec = {"class": "SpontActivityTarget", "sheet_name": "L4", "target_value": [1, 2], "norm": 1}
    with pytest.raises(NoValue, match="needs a mozaik datastore, got dict"):
        create_targets([spec])[0].measured({"x": 1})
