"""Runs whose schedule never waits for stragglers, whatever dies in between."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from orchestrator_project import MODEL, Project, wait_for

pytestmark = pytest.mark.run

ROLLING: dict[str, Any] = {
    "optimiser": {"model": "targets"},
    "schedule": {"kind": "rolling", "in_flight": 3},
    "offspring_size": 4,
    "parameters": {"x": [0, 1], "y": [-1, 1]},
    "optimiser_centroid": {"x": 0.5, "y": 0.5},
    "max_ngen": 3,
    "local": {"workers": 3, "stay": False},
}
SECOND = "    if '/generations/0/1/' in str(directory):\n        {}\n    x, y = "
# the second evaluation of all is a straggler: others of later generations overtake it
UNTIL_EIGHT_HAVE_BEGUN = 'while len((here / "simulated").read_text().splitlines()) < 8:\n            time.sleep(0.05)'
STRAGGLER = MODEL.replace("    x, y = ", SECOND.format(UNTIL_EIGHT_HAVE_BEGUN))


def project_at(directory: Path, model: str = STRAGGLER, **changes: Any) -> Project:
    return Project.create(directory, {**ROLLING, **changes}, model)


def simulated(project: Project) -> list[str]:
    return (project.directory / "simulated").read_text().splitlines()


def test_nobody_waits_for_a_straggler_and_blocks_are_told_whatever_their_generation(tmp_path: Path) -> None:
    project = project_at(tmp_path)
    project.command("run", "config.yaml")
    frame = project.frame()
    assert len(frame) == 12
    assert len(simulated(project)) == 12
    assert sorted(frame["told_in"]) == [0] * 4 + [1] * 4 + [2] * 4
    assert len(set(zip(frame["generation"], frame["offspring"], strict=True))) == 12
    straggler = frame[(frame["generation"] == 0) & (frame["offspring"] == 1)].iloc[0]
    assert straggler["told_in"] > 0
    # each has a deadline, and a job, of its own
    assert frame["job_id"].nunique() == 12
    assert set(frame["origin"]) == {"start", "sample", "model"}


def test_a_killed_controller_is_continued_without_a_loss_or_a_repetition(tmp_path: Path) -> None:
    slow = STRAGGLER.replace('time.sleep(float(os.environ.get("TEST_SECONDS", "0")))', "time.sleep(0.4)")
    project = project_at(tmp_path, slow)
    controller = project.start("run", "config.yaml")
    wait_for(lambda: (project.directory / "simulated").exists() and len(simulated(project)) >= 7)
    controller.kill()
    # not communicate(): the straggler keeps the output open, and ends only once others begin
    controller.wait()
    project.command("run", "--continue", str(project.runs[0]))
    frame = project.frame()
    assert len(set(zip(frame["generation"], frame["offspring"], strict=True))) == len(frame) == 12
    assert len(simulated(project)) == 12
    # once more: the whole record is asked for again, compared, and told
    project.command("run", "--continue", str(project.runs[0]), "--set", "max_ngen=4")
    assert np.array_equal(project.frame()["told_in"].to_numpy()[:12], frame["told_in"].to_numpy())
    assert len(project.frame()) == 16
    # and by the other schedule, which waits for all
    waiting = ("--set", "max_ngen=5", "--set", "schedule={kind: generations}")
    project.command("run", "--continue", str(project.runs[0]), *waiting)
    assert project.frame()["told_in"].tolist()[16:] == [4] * 4


def test_each_evaluation_has_its_own_deadline(tmp_path: Path) -> None:
    stuck = MODEL.replace("    x, y = ", SECOND.format("time.sleep(600)"))
    project = project_at(tmp_path, stuck, timeout=15)
    project.command("run", "config.yaml")
    frame = project.frame().set_index(["generation", "offspring"])
    late = frame[frame["outcome"] == "TIMEOUT"]
    assert list(late.index) == [(0, 1)]
    assert json.loads(json.dumps(frame["outcome"].value_counts().to_dict())) == {"OK": 11, "TIMEOUT": 1}
