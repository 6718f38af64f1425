"""Parameter sets that are evaluated again: which they are, what is refused, and what is known of them in both runs."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from best_runs import copied, said, written_run
from orchestrator_project import Project

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.file import load_config
from orchestrator.errors import RunFailed, UsageError
from orchestrator.paths import RunPaths
from orchestrator.records import Outcome
from orchestrator.report import figures
from orchestrator.report.history import History
from orchestrator.report.scene import Points
from orchestrator.scores.given_sets import frozen_sets, given_sets
from orchestrator.scores.validation import Validation

pytestmark = pytest.mark.commands

RATE, CV, SPIKES = "ReturnedValue(rate)", "ReturnedValue(cv)", "ReturnedValue(spikes)"
# rate and cv, of which 3 and 1 are wanted with norms of 1 and 0.25
HISTORY = [
    ({"x": 0.9, "y": 0.0}, [7.0, 1.0]),  # 4 + 0: on the front
    ({"x": 0.1, "y": 0.125}, [2.0, 1.25]),  # 1 + 1: on the front
    ({"x": 0.2, "y": 0.125}, Outcome.EXPLODED),
    ({"x": 0.1, "y": 0.25}, [2.0, 1.5]),  # 1 + 2
    ({"x": 0.3, "y": 0.375}, [3.0, 2.0]),  # 0 + 4: on the front
    ({"x": 0.9, "y": 0.0}, [7.0, 1.0]),  # the first again
]
FIT = [
    {"class": "ReturnedValue", "key": "rate", "target_value": 3, "norm": 1},
    {"class": "ReturnedValue", "key": "cv", "target_value": 1, "norm": 0.25},
]
TARGETS = [
    {"class": "ReturnedValue", "key": "rate", "target_value": 5, "norm": 1},
    {"class": "ReturnedValue", "key": "spikes", "target_value": 8, "norm": 2},
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    changes = {"optimiser_centroid": {"x": 0.9, "y": 0}, "targets": FIT}
    return written_run(Project.create(tmp_path_factory.mktemp("written"), changes).config, HISTORY)


@pytest.fixture
def run(written: RunPaths, tmp_path: Path) -> RunPaths:
    return copied(written, tmp_path / "project")


def second(directory: Path, file: object, changes: dict[str, Any] | None = None, **options: Any) -> Path:
    """Write the second configuration, which evaluates parameter sets of a file under other targets."""
    section = {"method": "table", "file": str(file), **options}
    content = {"targets": TARGETS, "optimiser": section, "optimiser_centroid": {"x": 0.1, "y": 0.1}, **(changes or {})}
    return Project.create(directory, content).config


def names_in(config: Path) -> list[str]:
    sets = given_sets(load_config(config))
    assert sets is not None
    return [each.name for each in sets.sets]


@pytest.fixture(scope="module")
def validated(written: RunPaths, tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    """A run of the four different sets, of which the second explodes and the last is not evaluated yet."""
    config = second(tmp_path_factory.mktemp("validated"), written.directory)
    sets = given_sets(load_config(config))
    assert sets is not None
    found: list[Any] = [[4.0, 12.0], Outcome.EXPLODED, [5.0, 8.0]]
    rows = [(each.parameters, row) for each, row in zip(sets.sets, found, strict=False)]
    return written_run(config, rows)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [(0, 1), (0, 3), (0, 0), (1, 0)]),
        ({"best": 2}, [(0, 1), (0, 3)]),
        ({"front": True}, [(0, 1), (0, 0), (1, 0)]),
        ({"front": [RATE]}, [(1, 0)]),
        ({"front": True, "best": 1}, [(0, 1)]),
    ],
    ids=str,
)
def test_of_a_run_they_are_the_best_or_the_front(
    run: RunPaths, tmp_path: Path, options: dict[str, Any], expected: list[tuple[int, int]]
) -> None:
    names = [f"generation {generation} offspring {offspring}" for generation, offspring in expected]
    assert names_in(second(tmp_path / "second", run.directory, **options)) == names


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, ["row 2", "row 1", "row 3"]), ({"best": 2}, ["row 2", "row 1"])],
)
def test_of_a_table_they_are_all_the_best_first(tmp_path: Path, options: dict[str, Any], expected: list[str]) -> None:
    table = tmp_path / "sets.csv"
    table.write_text("x,y,total_score\n0.1,1,5\n0.2,-1,3\n0.3,0,\n")
    assert names_in(second(tmp_path / "second", table, **options)) == expected


def test_what_is_known_of_them_is_read_from_all_sorts_of_files_alike(run: RunPaths, tmp_path: Path) -> None:
    (tmp_path / "front.csv").write_text(said("front", run.directory, "--csv"))
    (tmp_path / "best.json").write_text(said("best", run.directory, "--front", "--top", 3, "--json"))
    config = load_config(second(tmp_path / "second", run.directory, front=True))
    expected = given_sets(config)
    assert expected is not None
    assert expected.sets[1].scores == {RATE: 4, CV: 0}
    for name in ("front.csv", "best.json"):
        found = given_sets(load_config(second(tmp_path / name.replace(".", "-"), tmp_path / name)))
        assert found is not None
        for one, other in zip(found.sets, expected.sets, strict=True):
            for key in ("point", "parameters", "total_score", "values", "scores"):
                assert getattr(one, key) == getattr(other, key)


def test_within_the_same_bounds_they_are_the_same_numbers_bit_for_bit(tmp_path: Path) -> None:
    parameters = {
        "x": [0.3, 0.7],
        "y": {"bounds": [1e-3, 50], "scale": "log"},
        "n": {"bounds": [1, 9], "integer": True},
    }
    changes = {"parameters": parameters, "optimiser_centroid": {"x": 0.5, "y": 1, "n": 3}}
    space = load_config(Project.create(tmp_path / "first", changes).config).space()
    sets = [space.decode(point) for point in np.random.default_rng(1).random((100, 3))]
    (tmp_path / "sets.json").write_text(json.dumps(sets))
    found = given_sets(load_config(second(tmp_path / "second", tmp_path / "sets.json", changes)))
    assert found is not None
    assert [each.parameters for each in found.sets] == sets


def test_both_scores_of_every_set_are_there_and_which_is_the_best_now(validated: RunPaths) -> None:
    validation = Validation.required(validated)
    rows = [
        (each.rank, each.outcome, each.found.total_score, each.to_json()["total_score_validation"], each.rank_here)
        for each in validation.rows
    ]
    assert rows == [
        (1, "OK", 2, 3, 2),
        (2, "EXPLODED", 3, 40, None),
        (3, "OK", 4, 0, 1),
        (4, "", 4, None, None),
    ]
    first = validation.rows[0]
    assert (first.found.values, first.found.scores) == ({RATE: 2, CV: 1.25}, {RATE: 1, CV: 1})
    assert (first.values, first.scores) == ({RATE: 4, SPIKES: 12}, {RATE: 1, SPIKES: 2})
    assert math.isnan(validation.correlation)  # of two


def test_sets_that_are_evaluated_as_one_have_one_result(tmp_path: Path) -> None:
    (tmp_path / "sets.csv").write_text("x,y\n0.3,0\n0.30000000000000004,0\n0.7,0\n")
    config = second(tmp_path / "second", tmp_path / "sets.csv")
    sets = given_sets(load_config(config))
    assert sets is not None
    run = written_run(config, [(sets.sets[0].parameters, [4.0, 12.0]), (sets.sets[2].parameters, [5.0, 8.0])])
    found = Validation.required(run)
    assert [each.total_score for each in found.rows] == [3.0, 3.0, 0.0]


def test_a_fraction_is_no_whole_number(tmp_path: Path) -> None:
    (tmp_path / "sets.csv").write_text("x,n\n0.3,2.5\n")
    changes = {
        "parameters": {"x": [0, 1], "n": {"bounds": [1, 9], "integer": True}},
        "optimiser_centroid": {"x": 0.5, "n": 3},
    }
    config = load_config(second(tmp_path / "second", tmp_path / "sets.csv", changes))
    with pytest.raises(UsageError, match=r"expected a whole number for 'n', got 2.5"):
        given_sets(config)


def test_the_table_the_csv_and_json_say_so(validated: RunPaths) -> None:
    text = said("validate", validated.directory, "--show")
    lines = [line.split() for line in text.splitlines()]
    assert lines[3] == ["1", "generation", "0", "offspring", "1", "2", "3", "2", "OK"]
    assert lines[6] == ["4", "generation", "1", "offspring", "0", "4", "-", "-", "-"]
    assert ["SPIKES" if each == SPIKES else each for each in lines[12]] == ["SPIKES", "-", "-", "12", "2"]
    assert "Best in validation: rank 3, generation 0 offspring 0, total score 0 (4 in the fit)." in text
    assert "Not measured: rank 2 EXPLODED." in text
    assert "1 of 4 are not evaluated yet." in text
    rows = list(csv.DictReader(io.StringIO(said("validate", validated.directory, "--show", "--csv"))))
    assert [row["rank_validation"] for row in rows] == ["2", "", "1", ""]
    assert [row["total_score_validation"] for row in rows] == ["3.0", "40.0", "0.0", ""]
    cells = [rows[0][name] for name in ("parameter:y", f"fit:value:{CV}", f"validation:value:{SPIKES}")]
    assert cells == ["0.125", "1.25", "12.0"]
    found = json.loads(said("validate", validated.directory, "--show", "--json"))
    assert [each["total_score_validation"] for each in found] == [3, 40, 0, None]
    assert found[0]["targets"][0] == {
        "name": RATE,
        "fit": {"value": 2, "score": 1},
        "validation": {"value": 4, "score": 1},
    }
    assert found[3]["targets"][2] == {
        "name": SPIKES,
        "fit": {"value": None, "score": None},
        "validation": {"value": None, "score": None},
    }


def test_the_report_draws_one_score_over_the_other(validated: RunPaths, run: RunPaths) -> None:
    history = History.of(Checkpoint(validated.checkpoint))
    (panel,) = figures.fit_and_validation(history).panels
    dots = next(mark for mark in panel.marks if isinstance(mark, Points) and mark.label == "parameter sets")
    assert (dots.x.tolist(), dots.y.tolist()) == ([4, 2], [0, 3])  # type: ignore[union-attr]
    assert history.total[history.shown[dots.evaluations]].tolist() == [0, 3]
    assert figures.fit_and_validation(Checkpoint(run.checkpoint)).empty
    assert panel.marks[-1].label == "best in validation"  # type: ignore[union-attr]
    # the best of all is not drawn if it had no score where it was found
    assert history.validation is not None
    best = history.validation.measured[0]
    unknown = replace(best, found=replace(best.found, total_score=math.nan))
    rows = [unknown if each is best else each for each in history.validation.rows]
    (panel,) = figures.fit_and_validation(replace(history, validation=replace(history.validation, rows=rows))).panels
    diamond = panel.marks[-1]
    assert isinstance(diamond, Points)
    assert (diamond.label, np.asarray(diamond.y).tolist()) == ("best in validation of these", [3])


def test_how_well_the_fit_predicts_the_validation_is_a_rank_correlation(tmp_path: Path) -> None:
    here = [2, 1, 4, 3, 6, 5, 8, 7]
    table = "x,y,total_score\n" + "".join(f"{n / 16},0,{n}\n" for n in range(8))
    (tmp_path / "sets.csv").write_text(table)
    config = second(tmp_path / "second", tmp_path / "sets.csv")
    paths = written_run(config, [({"x": n / 16, "y": 0}, [5.0 + each, 8.0]) for n, each in enumerate(here)])
    # eight ranks that differ by 1: 1 - 6 * 8 / (8 * 63)
    assert Validation.required(paths).correlation == pytest.approx(1 - 48 / 504)
    assert "Rank correlation (Spearman) of the two total scores: 0.90." in said("validate", paths.directory, "--show")


def test_a_run_goes_on_with_the_sets_that_it_began_with_and_with_no_others(validated: RunPaths, tmp_path: Path) -> None:
    paths = copied(validated, tmp_path / "project")
    assert frozen_sets(paths) == frozen_sets(validated)
    text = paths.sets.read_text()
    for wrong in (text.replace("0.125", "0.25"), "{}", None):
        paths.sets.unlink()
        if wrong is not None:
            paths.sets.write_text(wrong)
        with pytest.raises(RunFailed, match=r"sets\.json: expected the parameter sets that the run began with"):
            frozen_sets(paths)
    assert "cannot be read" in History.of(Checkpoint(paths.checkpoint)).notes[-1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"parameters": {"x": [0, 1]}},
            "generation 0 offspring 1: 'y' is 0.125, and not among parameters here: add it; a number is a constant",
        ),
        (
            {"parameters": {"x": [0, 1], "y": [0.15, 1]}},
            "generation 0 offspring 1: 'y' is 0.125, outside its bounds [0.15, 1]: widen them, or write it as a number",
        ),
        (
            {"parameters": {"x": [0, 1], "y": [0, 1], "tau": [1, 2]}},
            "generation 0 offspring 1: has no value of 'tau': add it, or write it as a number, which is a constant",
        ),
    ],
    ids=["missing here", "outside", "missing there"],
)
def test_a_parameter_that_does_not_fit_is_named(
    run: RunPaths, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    config = Project.create(tmp_path / "second", {"optimiser_centroid": {}, **changes}).config
    refused = said("validate", run.directory, config)
    assert refused.startswith(f"refused: {config}: optimiser.file: {run.directory}: {message}")
    assert not list(config.parent.glob("*_Optimization"))


@pytest.mark.parametrize(("celsius", "words"), [(34.5, "34.5"), (None, "None")])
def test_what_simulations_got_there_has_to_be_given_here_too(tmp_path: Path, celsius: object, words: str) -> None:
    numbers = {"x": 0.1, "y": 0.1}
    (tmp_path / "sets.json").write_text(json.dumps({"parameters": numbers, "given": {**numbers, "celsius": celsius}}))
    config = Project.create(tmp_path / "second").config
    message = f"entry 1: 'celsius' is {words}, and not among parameters here: add it; a number is a constant"
    assert message in said("validate", tmp_path / "sets.json", config)


def test_what_a_configuration_gives_as_a_constant_need_not_be_varied(run: RunPaths, tmp_path: Path) -> None:
    changes = {"parameters": {"x": [0, 1], "y": 0.4}, "optimiser_centroid": {"x": 0}}
    sets = given_sets(load_config(second(tmp_path / "second", run.directory, changes, best=1)))
    assert sets is not None
    assert sets.first == {"x": 0.1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("RUN", "--target", RATE), "--target goes only with --front"),
        (("RUN", "--front", "--target", "ReturnedValue(rat)"), "did you mean 'ReturnedValue(rate)'?"),
        (("RUN", "--csv", "--json"), "--csv and --json do not go together"),
        (("RUN", "--show", "--best", 3), "--show prints what was evaluated"),
        (("RUN", "--show"), "is not a run of given parameter sets, which orchestrator validate makes"),
        (("RUN", "--set", "max_ngen=3"), "--set max_ngen: is of a search"),
        (("RUN", "--set", "optimiser.best=3"), "--set optimiser.best: is of a search"),
        (("RUN", "--set", "data.recording=a.csv"), "--set data.recording: a run has its data with it"),
        (("TABLE",), "is no run, which has a configuration of its own: name one"),
        (("TABLE", "--front"), "a Pareto front is that of a run"),
        (("nowhere.csv", "--best", 2), "nowhere.csv: No such file or directory"),
    ],
    ids=lambda each: " ".join(map(str, each)) if isinstance(each, tuple) else "",
)
def test_what_cannot_be_done_is_refused(
    run: RunPaths, tmp_path: Path, arguments: tuple[object, ...], message: str
) -> None:
    (tmp_path / "sets.csv").write_text("x,y\n0.1,1\n")
    named = {"RUN": run.directory, "TABLE": tmp_path / "sets.csv"}
    assert message in said("validate", *(named.get(str(each), each) for each in arguments))
    assert len(list(run.directory.parent.glob("*_Optimization"))) == 1


def test_sets_are_evaluated_as_they_are_between_bounds_that_others_decide(run: RunPaths, tmp_path: Path) -> None:
    changes = {"parameters": {"x": [0, 1], "y": ["x / 2", "x + 1"]}, "optimiser_centroid": {}}
    sets = given_sets(load_config(second(tmp_path / "second", run.directory, changes, best=1)))
    assert sets is not None
    assert sets.first == {"x": 0.1, "y": 0.125}
    np.testing.assert_allclose(sets.points, [[0.1, (0.125 - 0.05) / 1.05]])
