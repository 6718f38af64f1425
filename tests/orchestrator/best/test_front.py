"""The Pareto front of a run, and what is made of its members."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import yaml
from best_runs import copied, said, written_run
from orchestrator_project import Project

from orchestrator.checkpoint import Checkpoint
from orchestrator.paths import ReevaluationPaths, RunPaths
from orchestrator.records import Outcome
from orchestrator.reevaluation.choosing import choose
from orchestrator.reevaluation.front import Front, front_options
from orchestrator.reevaluation.store import ReevaluationRequest

pytestmark = pytest.mark.commands

RATE, CV = "ReturnedValue(rate)", "ReturnedValue(cv)"
TARGETS = [
    {"class": "ReturnedValue", "key": "rate", "target_value": 3, "norm": 1},
    {"class": "ReturnedValue", "key": "cv", "target_value": 1, "norm": 0.25, "max_score": 5},
]
# scores of rate and cv
HISTORY = [
    ({"x": 0.9, "y": 0.0}, [7.0, 1.0]),  # 4, 0: on the front
    ({"x": 0.1, "y": 0.1}, [2.0, 1.25]),  # 1, 1: on the front
    ({"x": 0.2, "y": 0.1}, Outcome.EXPLODED),
    ({"x": 0.1, "y": 0.2}, [2.0, 1.5]),  # 1, 2: as good as the second in one, worse in the other
    ({"x": 0.3, "y": 0.3}, [3.0, 2.0]),  # 0, 4: on the front
    ({"x": 0.9, "y": 0.0}, [7.0, 1.0]),  # the first again
    ({"x": 0.4, "y": 0.4}, [5.0, float("nan")]),  # 2, 5
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    changes = {"targets": TARGETS, "optimiser_centroid": {"x": 0.9, "y": 0}}
    return written_run(Project.create(tmp_path_factory.mktemp("written"), changes).config, HISTORY)


@pytest.fixture
def run(written: RunPaths, tmp_path: Path) -> RunPaths:
    return copied(written, tmp_path / "project")


def test_members_are_ok_different_dominated_by_nothing_and_ordered_by_total_score(run: RunPaths) -> None:
    choice = choose(Checkpoint(run.checkpoint), 9, front=(RATE, CV))
    assert [(each.rank, each.generation, each.offspring) for each in choice.best] == [(1, 0, 1), (2, 0, 0), (3, 1, 0)]
    assert [each.total_score for each in choice.best] == [2, 4, 4]
    assert "3 different ones are on the Pareto front" in choice.note


def test_of_some_targets_the_front_is_another_one(run: RunPaths) -> None:
    front = Front.of(Checkpoint(run.checkpoint), [RATE])
    assert [(each.generation, each.offspring) for each in front.members] == [(1, 0)]
    assert front.options == ("--front", "--target", RATE)
    assert Front.of(Checkpoint(run.checkpoint), [CV, RATE]).targets == (RATE, CV)
    assert front_options((), (RATE, CV)) == ()


def test_the_knee_has_the_least_sum_of_shares_of_the_fronts_extent(run: RunPaths) -> None:
    front = Front.of(Checkpoint(run.checkpoint))
    # shares 1/4 + 1/4; 1 + 0; 0 + 1
    assert front.knee is front.members[0]
    assert Front.of(Checkpoint(run.checkpoint), [CV]).knee is not None


def test_the_knee_need_not_have_the_best_total_score(tmp_path: Path) -> None:
    """A target with large scores rules their sum, not the shares."""
    project = Project.create(tmp_path, {"targets": TARGETS})
    rows = [[3.0, 1.25 + 0.25 * 3], [7.0, 1.25], [15.0, 1.0]]  # 0, 4; 4, 1; 12, 0
    paths = written_run(project.config, [({"x": n, "y": 0}, values) for n, values in enumerate(rows)])
    front = Front.of(Checkpoint(paths.checkpoint))
    assert [each.total_score for each in front.members] == [4, 5, 12]
    assert front.knee is front.members[1]  # 1/3 + 1/4


def test_the_table_has_a_row_for_each_member_and_says_how_to_take_the_knee(run: RunPaths) -> None:
    lines = said("front", run.directory).splitlines()
    assert lines[0].split() == ["rank", "evaluation", "total", "score", RATE, CV]
    assert lines[1].split() == ["1", "generation", "0", "offspring", "1", "2", "1", "1", "knee"]
    assert lines[3].split() == ["3", "generation", "1", "offspring", "0", "4", "0", "4"]
    assert lines[-2] == (
        "7 evaluations, 6 of them OK; only these can be best (1 EXPLODED). 3 different ones are on the Pareto front: "
        "none is better in a target without being worse in another."
    )
    assert f"orchestrator best {run.directory} --front --rank 1" in lines[-1]


def test_the_csv_is_read_back_with_every_digit(run: RunPaths) -> None:
    rows = list(csv.DictReader(io.StringIO(said("front", run.directory, "--csv"))))
    assert [row["knee"] for row in rows] == ["1", "0", "0"]
    frame = Checkpoint(run.checkpoint).evaluations().set_index(["generation", "offspring"])
    for row in rows:
        seen = frame.loc[(int(row.pop("generation")), int(row.pop("offspring")))]
        del row["rank"], row["knee"]
        assert set(row) == {"total_score"} | {name for name in frame if ":" in name}
        assert all(float(text) == seen[name] for name, text in row.items())


def test_best_takes_members_of_the_front_by_rank(run: RunPaths) -> None:
    assert yaml.safe_load(said("best", run.directory, "--front", "--rank", 3, "--yaml")) == {"x": 0.3, "y": 0.3}
    found = json.loads(said("best", run.directory, "--front", "--top", 2, "--json"))
    assert [each["parameters"] for each in found] == [{"x": 0.1, "y": 0.1}, {"x": 0.9, "y": 0.0}]
    words = said("best", run.directory, "--front", "--target", RATE, "--overrides")
    assert words.split() == ["x", "0.3", "y", "0.3"]
    assert "Total score 4 (generation 1 offspring 0" in said("best", run.directory, "--front", "--rank", 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("best", "--front", "--rank", 4), "--rank 4: expected 1 to 3"),
        (("best", "--target", RATE), "--target goes only with --front"),
        (("best", "--front", "--rank", 1, "--reevaluate", 1), "--rank does not go with --reevaluate"),
        (("best", "--front", "--rank", 1, "--top", 2), "--top does not go with --rank"),
        (("front", "--target", "ReturnedValue(rat)"), "did you mean 'ReturnedValue(rate)'?; there are"),
    ],
)
def test_what_cannot_be_chosen_is_refused(run: RunPaths, options: tuple[object, ...], message: str) -> None:
    command, *rest = options
    assert message in said(command, run.directory, *rest)


def test_a_run_in_which_nothing_is_ok_has_no_front(tmp_path: Path) -> None:
    paths = written_run(Project.create(tmp_path).config, [({"x": 0, "y": 0}, Outcome.EXPLODED)] * 2)
    for options in ((), ("--csv",)):
        assert "nothing is best yet. 2 evaluations, 0 of them OK" in said("front", paths.directory, *options)
    assert Front.of(Checkpoint(paths.checkpoint)).knee is None


def test_what_is_asked_of_the_front_is_kept_and_older_requests_are_of_the_best(run: RunPaths) -> None:
    paths = ReevaluationPaths.of(run)
    paths.directory.mkdir()
    front = Front.of(Checkpoint(run.checkpoint))
    ReevaluationRequest(1, 2, {"seed": 7}, front.members[:1], 7, front.targets).write(paths)
    request = ReevaluationRequest.read(paths)
    assert request is not None
    assert request.front == (RATE, CV)
    data = json.loads(paths.request.read_text())
    del data["front"]
    paths.request.write_text(json.dumps(data))
    request = ReevaluationRequest.read(paths)
    assert request is not None
    assert request.front == ()
