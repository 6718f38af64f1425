"""What a run has found is validated as jobs of SLURM."""

from __future__ import annotations

from pathlib import Path

import pytest
from best_runs import written_run
from slurm_project import project_at

from orchestrator.paths import RunPaths
from orchestrator.scores.validation import Validation

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("on_cluster", "leaving_nothing")]

# of x and y; the values are what the function gives, a rate of 10 x and a CV of y squared
SETS = [(0.5, 1.0), (0.25, 0.5), (0.125, -1.0)]


def test_the_best_of_a_run_have_a_job_each_and_the_same_values(tmp_path: Path) -> None:
    project = project_at(tmp_path, optimiser_centroid={"x": 0.5, "y": 1.0})
    written_run(project.config, [({"x": x, "y": y}, [10 * x, y**2]) for x, y in SETS])
    said = project.command("validate", str(project.runs[0]), "--best", "2")
    assert "Best in validation: rank 1" in said
    assert project.simulated == 2
    found = Validation.required(RunPaths(project.runs[-1]))
    assert [each.rank_here for each in found.rows] == [1, 2]
    for each in found.rows:
        assert each.values == each.found.values
        assert each.total_score == each.found.total_score
    frame = project.frame()
    assert frame["job_id"].str.fullmatch(r"\d+_\d+").all()
    assert len(set(frame["job_id"])) == 2
