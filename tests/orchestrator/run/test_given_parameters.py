"""A whole run with parameters of every form: what simulations get, what is kept of it, and what fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from orchestrator_project import Project, same, wait_for

from orchestrator.checkpoint import Checkpoint

pytestmark = pytest.mark.run

FORMS: dict[str, Any] = {
    "parameters": {
        "x": {"bounds": [1, 0], "start": "middle"},
        "y": {"expression": "share * x + three - 3"},
        "pair": {"names": ["soma.ena", "axon.ena"], "bounds": [40, 60], "start": 51},
        "share": {"names": [], "bounds": [-1, 1]},
        "moving": ["x", "soma.ena / 10"],
        "three": 3,
        "root": {"expression": "sqrt(soma.ena - 50)"},
    },
    "optimiser_centroid": {},
    "offspring_size": 5,
    "max_ngen": 3,
    "simulation": {"type": "function", "function": "model:simulate", "seeds": {"seed": 7}},
    "report": True,
}
GIVEN = ["x", "y", "soma.ena", "axon.ena", "moving", "three", "root"]


def received(project: Project) -> list[dict[str, float]]:
    """Return what the simulations were called with."""
    return [json.loads(line) for line in (project.directory / "simulated").read_text().splitlines()]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.create(tmp_path_factory.mktemp("undisturbed") / "model", FORMS)
    project.command("run", "config.yaml")
    return project


def test_simulations_get_what_the_checkpoint_says_bit_for_bit(undisturbed: Project) -> None:
    frame, calls = undisturbed.frame(), received(undisturbed)
    assert Checkpoint(undisturbed.runs[0]).parameter_names == ["x", "pair", "share", "moving"]
    searched = [call for call in calls if call["seed"] == 7]
    assert all(set(call) == {*GIVEN, "seed"} for call in calls)
    assert all(call["x"] <= call["moving"] <= call["soma.ena"] / 10 for call in calls)
    simulated = frame[frame["parameter:root"].notna()]
    kept = simulated[[f"parameter:{name}" for name in GIVEN]].to_numpy().tolist()
    assert sorted(kept) == sorted([call[name] for name in GIVEN] for call in searched)


def test_what_has_no_value_is_told_as_a_failure_of_the_parameters(undisturbed: Project) -> None:
    frame, details = undisturbed.frame(), Checkpoint(undisturbed.runs[0]).details()
    without = frame["parameter:root"].isna()
    assert without.any()
    assert (without == (frame["parameter:pair"] < 50)).all()
    assert set(frame["outcome"][without]) == {"SIMULATION_ERROR"}
    assert (frame["attempts"][without] == 1).all()
    assert details["message"][without].str.startswith("parameter root: 'sqrt(soma.ena - 50)' has no value with ").all()


def test_a_killed_run_goes_on_to_the_same(undisturbed: Project, tmp_path: Path) -> None:
    project = Project.create(tmp_path / "model", FORMS)
    process = project.start("run", "config.yaml", TEST_SECONDS="0.2")
    wait_for(lambda: project.simulated >= 4)
    process.kill()
    process.communicate()
    (run,) = project.runs
    project.command("run", "--continue", str(run))
    assert same(project.frame(), undisturbed.frame())


def test_a_run_of_another_constant_is_another_run(undisturbed: Project) -> None:
    (run,) = undisturbed.runs
    said = undisturbed.command("run", "--continue", str(run), "--set", "parameters.three=4", code=2)
    assert "parameters.three: 3 in the run, 4 now" in said


def test_the_best_was_evaluated_again_with_all_that_it_had(undisturbed: Project) -> None:
    (best,) = json.loads(undisturbed.command("best", str(undisturbed.runs[0]), "--json"))
    assert list(best["given"]) == GIVEN
    undisturbed.command("best", str(undisturbed.runs[0]), "--reevaluate", "1", "--seeds", "2")
    again = [call for call in received(undisturbed) if {**call, "seed": 7} == {**best["given"], "seed": 7}]
    assert len({call["seed"] for call in again}) >= 3
    page = (undisturbed.runs[0] / "report.html").read_text()
    assert all(f'<td title="{name}">' in page for name in [*GIVEN, "pair", "share"])
