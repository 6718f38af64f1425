"""Generators of the gest-api standard as optimisers: what they are given, and what becomes of what they do wrong."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asked_and_told import rounds, told_of
from in_process import command
from orchestrator_project import CONFIG, Project, same
from plugins_of_tests import Nearby

from orchestrator.checking.problems import examine
from orchestrator.config.file import load_config
from orchestrator.errors import RunFailed, UsageError
from orchestrator.files import write_json
from orchestrator.optimisers import Asked, Problem, Told, create_optimiser
from orchestrator.optimisers.generator import GeneratorOfOthers, GeneratorOptions
from orchestrator.optimisers.guard import Guarded
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.records import FloatArray, Origin, Outcome

pytestmark = pytest.mark.methods

SPACE = SearchSpace([Parameter("x", -1, 1), Parameter("g", 1e-4, 1, log=True)])
START = SPACE.encode({"x": 0.5, "g": 0.01})


def problem(**changes: Any) -> Problem:
    given = {"start": START, "steps": SPACE.steps, "sigma": 0.2, "size": 4, "seed": 5, "targets": ["rate", "cv"]}
    return Problem(**{**given, "space": SPACE, **changes})


def create(generator: str = "plugins_of_tests:Nearby", given: Problem | None = None, **options: Any) -> Guarded:
    section = {"method": "generator", "generator": generator, **options}
    return create_optimiser(GeneratorOptions.model_validate(section), given or problem())


def inside(optimiser: Guarded) -> Any:
    """Return the foreign generator itself."""
    method = optimiser._optimiser
    assert isinstance(method, GeneratorOfOthers)
    return method._generator._generator


def bowl(points: FloatArray) -> FloatArray:
    return np.asarray(10 * (points - [0.3, 0.6]) ** 2)


def told(asked: Asked, **changes: Any) -> Told:
    return told_of(asked, bowl, **changes)


def run(optimiser: Guarded, generations: int) -> list[Told]:
    return rounds(optimiser, generations, bowl)


def test_the_standard_describes_the_problem() -> None:
    nearby = inside(create(options={"width": 0.2}))
    assert isinstance(nearby, Nearby)
    assert nearby.vocs.variable_names == ["x", "g"]
    assert nearby.vocs.bounds == [[0, 1], [0, 1]]
    assert [each.default_value for each in nearby.vocs.variables.values()] == [0.75, 0.5]
    assert {name: type(each).__name__ for name, each in nearby.vocs.objectives.items()} == {
        "total_score": "MinimizeObjective"
    }
    assert (nearby.seed, nearby.width) == (5, 0.2)
    assert inside(create(options={"seed": 8})).seed == 8
    assert inside(create(objectives="targets")).vocs.objective_names == ["rate", "cv"]


@pytest.mark.parametrize("objectives", ["total", "targets"])
def test_what_it_suggests_comes_back_with_its_id_and_the_start_without(objectives: str) -> None:
    optimiser = create(objectives=objectives)
    blocks = run(optimiser, 2)
    assert blocks[0].origins == (Origin.START, *[Origin.MODEL] * 3)
    assert blocks[1].origins == (Origin.MODEL,) * 4
    ingested = inside(optimiser).ingested
    # its own points first: some make a table of what they get at once
    assert [row.get("_id") for row in ingested] == [0, 1, 2, None, 3, 4, 5, 6]
    ingested = [ingested[3], *ingested[:3], *ingested[4:]]
    for row, point, scores in zip(ingested, *(np.vstack([getattr(b, k) for b in blocks]) for k in ("points", "scores")),
                                  strict=True):  # fmt: skip
        assert [row["x"], row["g"]] == point.tolist()
        found = [row["rate"], row["cv"]] if objectives == "targets" else [row["total_score"]]
        assert found == (scores.tolist() if objectives == "targets" else [pytest.approx(scores.sum())])


def test_what_failed_is_ingested_and_what_was_not_evaluated_is_not() -> None:
    optimiser = create()
    asked = optimiser.ask()
    scores = np.array([[1.0, 1.0], [21.0, 21.0], [np.nan, np.nan], [2.0, 2.0]])
    outcomes = [Outcome.OK, Outcome.SIMULATION_ERROR, Outcome.NODE_FAIL, Outcome.OK]
    optimiser.tell(told(asked, scores=scores, outcomes=outcomes))
    assert [row["total_score"] for row in inside(optimiser).ingested] == [42, 4, 2]
    assert [row.get("_id") for row in inside(optimiser).ingested] == [0, 2, None]
    optimiser.tell(told(optimiser.ask(), scores=np.full((4, 2), np.nan)))
    assert len(inside(optimiser).ingested) == 3


def test_a_suggestion_that_is_the_start_has_its_id() -> None:
    optimiser = create("orchestrator.optimisers.gest:OrchestratorGenerator", options={"size": 4})
    asked = optimiser.ask()
    assert np.array_equal(asked.points[0], asked.points[1])
    seen: list[Any] = []
    inside(optimiser).ingest = seen.append
    optimiser.tell(told(asked))
    assert [[row.get("_id") for row in rows] for rows in seen] == [[0, 1, 2], [None]]


def test_a_design_comes_first_if_it_needs_evaluations() -> None:
    blocks = run(create(initial=6), 3)
    assert [block.origins.count(Origin.MODEL) for block in blocks] == [0, 2, 4]  # type: ignore[attr-defined]
    assert blocks[0].origins[0] is Origin.START
    assert len(np.unique(np.vstack([block.points for block in blocks])[:6], axis=0)) == 6


def test_a_replay_that_suggests_the_same_knows_its_points_by_their_id() -> None:
    first = create(initial=2)
    blocks = run(first, 3)
    second = create(initial=2)
    for block in blocks:
        assert np.array_equal(second.ask(Asked(block.points, tuple(block.origins))).points, block.points)
        second.tell(block)
    assert inside(second).ingested == inside(first).ingested
    assert np.array_equal(second.ask().points, first.ask().points)


def test_a_replay_of_which_only_the_beginning_was_evaluated() -> None:
    first, second = create(), create()
    asked = first.ask()
    begin = Asked(asked.points[:1], asked.origins[:1])
    assert np.array_equal(second.ask(begin).points, begin.points)
    for optimiser in (first, second):
        optimiser.tell(told(begin))
    assert np.array_equal(second.ask().points, first.ask().points)


def test_a_replay_that_suggests_something_else_takes_the_record() -> None:
    blocks = run(create(), 3)
    other = create(options={"seed": 99})
    for block in blocks:
        assert np.array_equal(other.ask(Asked(block.points, tuple(block.origins))).points, block.points)
        other.tell(block)
    nearby = inside(other)
    assert all("_id" not in row for row in nearby.ingested)
    assert len(nearby.ingested) == 12
    assert len(nearby.ids) == 3  # it was not asked again after that
    assert len(other.ask().points) == 4


def test_a_recorded_proposal_that_was_altered_is_followed() -> None:
    blocks = run(create(), 2)
    points = blocks[1].points.copy()
    points[0] = 0.9
    other = create()
    for points_then, block in zip((blocks[0].points, points), blocks, strict=True):
        asked = other.ask(Asked(points_then, tuple(block.origins)))
        assert np.array_equal(asked.points, points_then)
        other.tell(told(asked))


def test_it_is_ended_with_the_run(caplog: pytest.LogCaptureFixture) -> None:
    optimiser = create()
    optimiser.close()
    assert inside(optimiser).finalized == 1
    failing = create(f"{__name__}:Wrong", options={"wrong": "finalize"})
    failing.close()
    assert (
        "Wrong: finalize failed: ZeroDivisionError: of no account; what was evaluated is in the checkpoint"
        in caplog.text
    )


def test_the_generator_of_the_standards_own_tests_is_used_as_it_is() -> None:
    theirs = importlib.import_module("gest_api.tests.test_generator")
    optimiser = create(f"{theirs.__name__}:RandomGenerator", problem(targets=["f"]), objectives="targets")
    blocks = []
    for _ in range(3):
        asked = optimiser.ask()
        scores = ((asked.points - 0.4) ** 2).sum(axis=1, keepdims=True)
        blocks.append(told(asked, scores=scores))
        optimiser.tell(blocks[-1])
    random_generator = inside(optimiser)
    assert len(random_generator.data) == 12
    assert random_generator.best_point["f"] == min(block.scores.min() for block in blocks)


def test_known_evaluations_are_ingested_first() -> None:
    known = told(Asked(np.array([[0.2, 0.3], [0.9, 0.9]]), (Origin.INJECTED,) * 2))
    ingested = inside(create(given=problem(known=known))).ingested
    assert [(row["x"], row["g"], "_id" in row) for row in ingested] == [(0.2, 0.3, False), (0.9, 0.9, False)]


class Wrong:
    """A generator that takes the VOCS by position, and does what it is told to do wrong."""

    def __init__(self, description: Any, wrong: str = ""):
        self.names, self.wrong = description.variable_names, wrong
        self._raise("init")

    def _raise(self, where: str) -> None:
        if self.wrong == where:
            raise ZeroDivisionError("of no account")

    def suggest(self, num_points: int | None) -> Any:
        self._raise("suggest")
        point = dict.fromkeys(self.names, 0.5)
        if self.wrong == "exit":
            raise SystemExit("goodbye")
        if self.wrong == "number" and num_points is not None:
            raise ValueError("only 2")
        if self.wrong == "never":
            raise ValueError("no data")
        return {
            "no list": point,
            "no dicts": [[0.5, 0.5]],
            "nothing": [],
            "missing": [{"x": 0.5}],
            "outside": [{**point, "g": 1.01}],
            "text": [{**point, "g": "half"}],
            "nan": [{**point, "g": np.nan}],
        }.get(self.wrong, [point, {**point, "g": np.array([1 + 1e-9])}])

    def ingest(self, results: Sequence[Mapping[str, Any]]) -> None:
        self._raise("ingest")
        assert len({tuple(result) for result in results}) == 1

    def finalize(self) -> None:
        self._raise("finalize")


class WithoutIngest:
    def suggest(self, num_points: int | None) -> list[dict[str, Any]]:
        return []


@pytest.mark.parametrize("wrong", ["", "number"])
def test_it_may_suggest_another_number_of_points(wrong: str) -> None:
    asked = create(f"{__name__}:Wrong", options={"wrong": wrong}).ask()
    assert asked.points.tolist() == [START.tolist(), [0.5, 0.5], [0.5, 1.0]]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("suggest", r"suggest\(3\) failed; .* set optimiser.initial to their number: ZeroDivisionError: of no account"),
        ("exit", r"suggest\(3\) failed; .*: SystemExit: goodbye"),
        ("never", r"suggest\(3\) failed; .*: ValueError: no data"),
        ("no list", r"suggest\(3\) must return a list of dicts, got \{'x': 0.5, 'g': 0.5\}"),
        ("no dicts", r"suggest\(3\) must return a list of dicts, got \[\[0.5, 0.5\]\]"),
        ("nothing", r"suggest\(3\) has nothing more to suggest"),
        ("missing", r"a suggestion has no value of g: \{'x': 0.5\}"),
        ("outside", "a suggestion must be a number from 0 to 1 for each variable, got g = 1.01"),
        ("text", "a suggestion must be a number from 0 to 1 for each variable, got g = 'half'"),
        ("nan", "a suggestion must be a number from 0 to 1 for each variable, got g = nan"),
        ("ingest", "ingest failed: ZeroDivisionError: of no account"),
    ],
)
def test_what_it_does_wrong_is_one_error_that_names_it(wrong: str, message: str) -> None:
    optimiser = create(f"{__name__}:Wrong", options={"wrong": wrong})
    expected = f"optimiser.generator: {__name__}:Wrong: {message}. Nothing that was evaluated is lost: fix it"
    with pytest.raises(RunFailed, match=expected):
        optimiser.tell(told(optimiser.ask()))


OWN = """
from pathlib import Path
from plugins_of_tests import Nearby

with (Path(__file__).parent / "imported").open("a") as log:
    log.write("x")


class Own(Nearby):
    def ingest(self, results):
        if (Path(__file__).parent / "breaks").exists():
            raise RuntimeError("it broke")
        super().ingest(results)


class Refuses(Nearby):
    def __init__(self, vocs):
        raise ValueError("needs a constraint")
"""


def configured(tmp_path: Path, **section: Any) -> Path:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "model.py").write_text("def simulate(parameters, directory): ...")
    options = {"method": "generator", "generator": "own.py:Own", **section}
    write_json(tmp_path / "config.json", {**CONFIG, "optimiser": options})
    return tmp_path / "config.json"


@pytest.mark.parametrize(
    ("section", "key", "message"),
    [
        ({"generator": "own.py:Own"}, "", ""),
        ({"generator": "own:Own"}, "", ""),
        ({"generator": f"{__name__}:Wrong", "options": {"wrong": "finalize"}}, "", ""),
        ({"generator": "own.py:Refuses"}, "generator", "cannot be made with {}: ValueError: needs a constraint"),
        ({"options": {"widht": 1}}, "generator", "cannot be made with {'widht': 1}: TypeError"),
        ({"generator": "own.py:Ow"}, "generator", "'Ow' in 'own.py' must be a class with suggest and ingest"),
        ({"generator": "nowhere.py:Own"}, "generator", "no such file: "),
        ({"generator": "no_such_module:Own"}, "generator", "importing 'no_such_module' for "),
        ({"generator": f"{__name__}:WithoutIngest"}, "generator", "must be a class with suggest and ingest"),
        ({"generator": "Own"}, "generator", "expected module:Class or file.py:Class, got 'Own'"),
        ({"generator": 3}, "generator", "input should be a valid string, got 3"),
        ({"objectives": "sum"}, "objectives", "input should be 'total' or 'targets', got 'sum'"),
        ({"initial": 0}, "initial", "input should be greater than or equal to 1, got 0"),
    ],
)  # fmt: skip
def test_check_finds_what_is_wrong_with_it(tmp_path: Path, section: dict[str, Any], key: str, message: str) -> None:
    problems = examine(configured(tmp_path, **section)).problems
    assert [problem.key for problem in problems] == ([f"optimiser.{key}"] if key else [])
    assert all(message in problem.message and problem.line for problem in problems)


def test_a_target_may_not_be_called_like_a_parameter() -> None:
    with pytest.raises(RunFailed, match="x is the name of a parameter and of an objective: give the target another"):
        create(given=problem(targets=["x", "y"]), objectives="targets")


def test_looking_imports_no_class(tmp_path: Path) -> None:
    load_config(configured(tmp_path), looking=True)
    assert not (tmp_path / "imported").exists()


def test_without_the_standard_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.optimisers.options.find_spec", lambda _: None)
    message = "the optimiser generator needs gest-api: pip install 'mozaik-orchestrator[gest]'"
    with pytest.raises(UsageError) as caught:
        create()
    assert str(caught.value) == message
    (found,) = examine(configured(tmp_path)).problems
    assert (found.key, found.message) == ("optimiser.method", message)
    assert not (tmp_path / "imported").exists()


def test_a_run_whose_generator_breaks_goes_on_once_it_is_mended(tmp_path: Path) -> None:
    """As a run in which it did not break, and without simulating anything twice; looking imports nothing."""
    changes = {"optimiser": {"method": "generator", "generator": "own.py:Own"}, "max_ngen": 3}
    whole, broken = (Project.create(tmp_path / name, changes) for name in ("whole", "broken"))
    for project in (whole, broken):
        (project.directory / "own.py").write_text(OWN)
        shutil.copy(Path(__file__).parents[3] / "plugins_of_tests.py", project.directory)
    whole.command("run", "config.yaml")
    (broken.directory / "breaks").touch()
    done = command("run", "config.yaml", cwd=broken.directory)
    assert done.returncode == 1
    assert "optimiser.generator: own.py:Own: ingest failed: RuntimeError: it broke" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
    assert len(broken.frame()) == broken.simulated == 4
    (broken.directory / "breaks").unlink()
    (broken.directory / "imported").unlink()
    run = str(broken.runs[0])
    for looking in (
        ["status", run],
        ["best", run],
        ["score", "--rescore", run, "--config", "config.yaml"],
        ["report", run],
    ):
        assert command(*looking, cwd=broken.directory).returncode == 0, looking
    assert not (broken.directory / "imported").exists()
    broken.command("run", "--continue", run)
    assert broken.simulated == 12
    assert same(broken.frame(), whole.frame())
