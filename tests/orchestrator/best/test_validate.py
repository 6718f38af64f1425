"""Whole validations on this machine: what a run has found under another configuration, in a run of its own."""

from __future__ import annotations

import csv
import io
import shutil
import signal
from pathlib import Path

import pytest
from best_runs import said, written_run
from orchestrator_project import MODEL, Project, wait_for

from orchestrator.checkpoint import Checkpoint
from orchestrator.paths import RunPaths
from orchestrator.scores.validation import Validation

pytestmark = pytest.mark.run

RATE, CV, SPIKES = (f"ReturnedValue({key})" for key in ("rate", "cv", "spikes"))
HELD_OUT = """

def held_out(parameters, directory):
    return {**simulate(parameters, directory), "spikes": round(10 * parameters["y"])}
"""
# of x and y; their values are what the function gives. In their order: scores of 2 + 0, 0.5 + 3.75, 1.75 + 0,
# 4.5 + 3.75, 1.125 + 2.8125, 0.75 + 2.1875
SETS = [(0.5, 1.0), (0.25, 0.5), (0.125, -1.0), (0.75, -0.5), (0.1875, 1.25), (0.375, 0.75)]
BEST_FIRST = [SETS[n] for n in (2, 0, 5, 4, 1, 3)]
SECOND = {
    "parameters": {"x": [0, 2], "y": [-2, 4], "tau": 5},
    "targets": [
        {"class": "ReturnedValue", "key": "rate", "target_value": 6, "norm": 1},
        {"class": "ReturnedValue", "key": "spikes", "target_value": 8, "norm": 2},
    ],
    "simulation": {"type": "function", "function": "model:held_out"},
    # of a search: none of it concerns the sets that are given
    "optimiser": {"method": "nsga2"},
    "offspring_size": 9,
    "max_evaluations": 1,
    "stop_at": 1000,
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a run of six evaluations, and a second configuration."""
    project = Project.create(tmp_path / "project", {"optimiser_centroid": {"x": 0.5, "y": 1}}, MODEL + HELD_OUT)
    written_run(project.config, [({"x": x, "y": y}, [10 * x, y**2]) for x, y in SETS])
    project.config.unlink()
    Project(project.directory, "second.yaml").configure(SECOND)
    return project


def validation(project: Project) -> Validation:
    """Return what the last run says."""
    return Validation.required(RunPaths(project.runs[-1]))


def test_under_its_own_configuration_a_function_gives_the_same_numbers(project: Project) -> None:
    before = {file: file.read_bytes() for file in project.runs[0].iterdir() if file.is_file()}
    process = project.start("validate", project.runs[0].name, "--best", "4", "--csv")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(float(row["parameter:x"]), float(row["parameter:y"])) for row in rows] == BEST_FIRST[:4]
    for row in rows:
        for name in ("total_score_{}", f"{{}}:value:{RATE}", f"{{}}:score:{CV}"):
            assert row[name.format("fit")] == row[name.format("validation")]
        assert row["rank"] == row["rank_validation"]
    assert project.simulated == 4
    assert len(project.runs) == 2
    assert f"Run directory: {project.runs[-1]}" in err
    assert {file: file.read_bytes() for file in before} == before
    # it is a run as any other
    assert "Total score 1.75 (generation 0 offspring 0" in said("best", project.runs[-1])
    assert "generation  1 of 1 complete" in said("status", project.runs[-1])
    assert Path(said("report", project.runs[-1]).strip()).read_text().count("Validation over fit")


def test_under_another_configuration_its_targets_count_and_all_sets_are_evaluated(project: Project) -> None:
    text = project.command("validate", project.runs[0].name, "second.yaml", "--set", "offspring_size=4")
    assert "Best in validation: rank 2, generation 0 offspring 0, total score 2 (2 in the fit)." in text
    found = validation(project)
    assert [tuple(each.found.parameters.values()) for each in found.rows] == BEST_FIRST
    for each in found.rows:
        x, y = each.found.parameters["x"], each.found.parameters["y"]
        assert each.found.values == {RATE: 10 * x, CV: y**2}
        assert each.values == {RATE: 10 * x, SPIKES: round(10 * y)}
        assert each.total_score == abs(6 - 10 * x) + abs(8 - round(10 * y)) / 2
    frame = project.frame()
    assert list(frame["generation"]) == [0] * 4 + [1] * 2
    assert list(frame["origin"]) == ["start"] + ["injected"] * 5
    assert '"tau": 5' in (project.directory / "simulated").read_text()


def test_of_a_front_only_its_members_are_evaluated(project: Project) -> None:
    project.command("validate", project.runs[0].name, "second.yaml", "--front", "--target", CV)
    # 1 and -1 squared are what is wanted of cv
    assert [each.found.name for each in validation(project).rows] == [
        "generation 0 offspring 2",
        "generation 0 offspring 0",
    ]
    assert project.simulated == 2


def test_a_table_is_evaluated_and_a_set_that_fails_has_its_row(project: Project) -> None:
    (project.directory / "sets.csv").write_text("x,y\n0.5,0.5\n0.25,2\n0.5,0.5\n")
    text = project.command("validate", "sets.csv", "second.yaml")
    assert "Not measured: rank 2 SIMULATION_ERROR." in text
    found = validation(project)
    assert [(each.outcome, each.rank_here) for each in found.rows] == [
        ("OK", 1),
        ("SIMULATION_ERROR", None),
        ("OK", 2),
    ]
    # the third is the first again; the one that fails is tried no second time
    assert project.simulated == 2


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_it_goes_on_without_what_it_came_from_and_evaluates_nothing_twice(
    project: Project, how: signal.Signals
) -> None:
    source = project.runs[0]
    controller = project.start("validate", source.name, "second.yaml", "--set", "offspring_size=4", TEST_SECONDS="1.5")
    # in the second generation
    wait_for(lambda: project.simulated >= 5)
    controller.send_signal(how)
    _, err = controller.communicate(timeout=60)
    assert controller.returncode == (3 if how is not signal.SIGKILL else -9)
    assert "Traceback" not in err
    run = project.runs[-1]
    assert "2 of 6 are not evaluated yet." in said("validate", run, "--show")
    shutil.rmtree(source)
    (project.directory / "second.yaml").unlink()
    project.command("run", "--continue", run.name)
    found = validation(project)
    assert [tuple(each.found.parameters.values()) for each in found.rows] == BEST_FIRST
    assert [each.rank_here for each in found.rows].count(None) == 0
    assert len(Checkpoint(run).evaluations()) == 6
    if how is signal.SIGKILL:
        assert project.simulated == 6  # jobs that lived on were taken over
    else:
        assert 6 <= project.simulated <= 8  # at most the two that Ctrl-C ended


def test_a_configuration_may_name_a_table_itself(project: Project) -> None:
    (project.directory / "sets.json").write_text('[{"x": 0.5, "y": 0.5}, {"x": 0.25, "y": 1}]')
    section = {"optimiser": {"method": "table", "file": "sets.json"}, "max_evaluations": None, "stop_at": None}
    Project(project.directory, "second.yaml").configure({**SECOND, **section, "optimiser_centroid": {}})
    assert "sound" in project.command("check", "second.yaml")
    text = project.command("run", "second.yaml")
    assert "all 2 points of the scan were evaluated" in text
    assert [each.total_score for each in validation(project).rows] == [2.5, 4.5]


def test_a_model_that_has_changed_since_is_told(project: Project) -> None:
    model = project.directory / "model.py"
    model.write_text(model.read_text() + "# changed\n")
    text = project.command("validate", project.runs[0].name, "--best", "1")
    assert "since 20261120-104608_Optimization began: model.py has changed" in text
