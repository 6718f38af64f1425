"""The best evaluated again by the run itself: at its end, and once when the search has closed in."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from orchestrator_project import CIRCUMSTANCES, MODEL, Project, same, wait_for

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.file import load_config
from orchestrator.paths import ReevaluationPaths, RunPaths
from orchestrator.records import Evaluation, Offspring, Outcome, Result
from orchestrator.reevaluation.noise import Luck
from orchestrator.run.best_again import BestAgain, has_just_closed_in
from orchestrator.run.start import create_run
from orchestrator.simulations.seeds import other_seeds, seeds_of

NOISY = MODEL.replace(
    "    x, y =", "    import random\n    draw = random.Random(repr(sorted(parameters.items())))\n    x, y ="
).replace('{"rate": 10 * x, "cv": y**2}', '{"rate": 10 * x + draw.gauss(0, 0.5), "cv": y**2 + draw.gauss(0, 0.05)}')


def changes(seed: object = 7, **more: Any) -> dict[str, Any]:
    simulation = {"type": "function", "function": "model:simulate", "seeds": {"seed": seed}}
    return {"simulation": simulation, "reevaluate": "2 x 3", **more}


@pytest.mark.parametrize(
    ("sigmas", "expected"),
    [
        ([], False),
        ([0.2, 0.1], False),
        ([0.2, 0.04], True),
        ([0.2, 0.05], False),
        ([0.04, 0.03], False),  # it began there
        ([0.2, 0.04, 0.03], False),  # that was before
        ([0.2, 0.04, 0.1, 0.04], False),  # a search that began anew comes down twice
        ([0.04, 0.06, 0.04], True),
        ([float("nan"), 0.04], False),
    ],
)
def test_a_search_closes_in_once(sigmas: list[float], expected: bool) -> None:
    assert has_just_closed_in(sigmas) is expected


@pytest.mark.parametrize(("how", "evaluated"), [("2 x 3", [0.2, 0.04]), ("none", []), ("auto", [])])
def test_between_generations_it_depends_on_what_the_checkpoint_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, evaluated: list[float]
) -> None:
    """Of the few evaluations here auto may not spend a twentieth."""
    config = load_config(Project.create(tmp_path, changes(reevaluate=how), NOISY).config)
    paths = RunPaths(tmp_path / "run")
    paths.directory.mkdir()
    create_run(config, paths)
    done: list[list[float]] = []

    def again() -> BestAgain:
        cluster: Any = None  # nothing is submitted
        made = BestAgain(
            config, paths, cluster, job_id="", stop=threading.Event(), confirm=lambda: None, say=lambda _: None
        )
        monkeypatch.setattr(made, "_carry_out", lambda _: done.append(sigmas))
        return made

    sigmas: list[float] = []
    one = again()
    for number, sigma in enumerate((0.2, 0.04, 0.03)):
        append(paths, number, sigma)
        sigmas = [*sigmas, sigma]
        one.between_generations()
        if number == 1:
            # a controller that continues the run decides the same
            again().between_generations()
    assert done == ([evaluated] * 2 if evaluated else [])


def append(paths: RunPaths, number: int, sigma: float) -> None:
    offspring = Offspring(number, 0, (0.5, 0.5), {"x": 0.1 * number, "y": 1.0})
    values, scores = (3.0 + number, 1.0), (float(number), 0.0)
    row = Evaluation(offspring, Result(Outcome.OK), values, scores, 1, 0.0, number)
    Checkpoint(paths.checkpoint).append([row], {"sigma": sigma})


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.create(tmp_path_factory.mktemp("undisturbed") / "model", changes(), NOISY)
    project.command("run", "config.yaml")
    return project


def found(project: Project) -> dict[str, Any]:
    run = Checkpoint(project.runs[0])
    luck = Luck.of(run, 1)
    return luck.choice.best[0].to_json() | {"noise": {name: each.sd for name, each in luck.noises.items()}}


def rows(project: Project) -> Any:
    frame = Checkpoint(ReevaluationPaths.of(RunPaths(project.runs[0])).checkpoint).evaluations()
    return frame.drop(columns=[*CIRCUMSTANCES, "attempts"])


@pytest.mark.run
def test_a_run_ends_with_its_best_under_other_seeds(undisturbed: Project) -> None:
    assert len(undisturbed.frame()) == 8
    assert undisturbed.simulated == 8 + 6
    assert set(rows(undisturbed)["parameter:seed"]) == {float(other_seeds({"seed": 7}, n)["seed"]) for n in (1, 2, 3)}
    best = found(undisturbed)
    assert best["again"]["total_score"]["n"] == 3
    run = str(undisturbed.runs[0])
    assert json.loads(undisturbed.command("best", run, "--json"))[0]["parameters"] == best["parameters"]
    assert "rank by mean" in undisturbed.command("best", run, "--reevaluated")
    log = RunPaths(undisturbed.runs[0]).log.read_text()
    assert "the search has ended (max_ngen of 2 generations reached): the best 2 of 8 evaluations again" in log
    assert "best by the mean: generation" in log
    # there is nothing left to do
    out = undisturbed.command("run", "--continue", run)
    assert "(mean +- sd of 3 other seeds)" in out
    assert undisturbed.simulated == 8 + 6


@pytest.mark.run
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_killed_while_the_best_are_evaluated_again_it_goes_on_where_it_was(
    undisturbed: Project, tmp_path: Path, how: signal.Signals
) -> None:
    project = Project.create(tmp_path / "model", changes(), NOISY)
    process = project.start("run", "config.yaml", TEST_SECONDS="1")
    wait_for(lambda: project.simulated >= 8 + 3, 180)
    status = json.loads(project.command("status", str(project.runs[0]), "--json"))
    assert status["reevaluation"]["running"] is True
    assert status["reevaluation"]["simulations"] == 6
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    if how is signal.SIGTERM:
        assert process.returncode == 3
        assert "stopped while the best were evaluated again" in err
        assert f"orchestrator run --continue {project.runs[0]}" in err
    project.command("run", "--continue", str(project.runs[0]))
    assert rows(project).equals(rows(undisturbed))
    assert found(project) == found(undisturbed)
    assert len(project.frame()) == 8
    # at most the two that the signal ended
    assert project.simulated == 14 if how is signal.SIGKILL else 14 <= project.simulated <= 16
    assert not any(ReevaluationPaths.of(RunPaths(project.runs[0])).generations.iterdir())


@pytest.mark.run
def test_a_search_that_closes_in_goes_on_as_it_would_have(tmp_path: Path) -> None:
    narrow = changes(max_ngen=3, optimiser_sigma=0.051)
    plain, again = (
        Project.create(tmp_path / name, {**narrow, "reevaluate": how}, NOISY)
        for name, how in (("plain", "none"), ("again", "1 x 2"))
    )
    for project in (plain, again):
        project.command("run", "config.yaml")
    assert same(again.frame(), plain.frame())
    sigmas = Checkpoint(again.runs[0]).distribution()["sigma"].tolist()
    assert has_just_closed_in(sigmas[:2])
    log = RunPaths(again.runs[0]).log.read_text()
    assert "sigma has come down to 0.0375: the best 1 of 8 evaluations again" in log
    assert log.count("sigma has come down to") == 1


@pytest.mark.run
def test_every_evaluation_has_seeds_of_its_own(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "model", changes("per_offspring", max_ngen=1, reevaluate="none"), NOISY)
    project.command("run", "config.yaml")
    noted = Checkpoint(project.runs[0]).details()["seeds"].tolist()
    assert noted == [seeds_of({"seed": "per_offspring"}, 1, 0, n) for n in range(4)]
    simulated = [json.loads(line) for line in (project.directory / "simulated").read_text().splitlines()]
    assert {each["seed"] for each in simulated} == {each["seed"] for each in noted}
    best = json.loads(project.command("best", str(project.runs[0]), "--json"))[0]
    assert best["seeds"] == noted[best["offspring"]]


@pytest.mark.run
def test_a_run_of_an_earlier_version_is_continued_without(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "model", changes(reevaluate="none", optimiser={"model": "none"}), NOISY)
    project.command("run", "config.yaml")
    paths = RunPaths(project.runs[0])
    frozen = yaml.safe_load(paths.config.read_text())
    # earlier versions knew no such keys
    del frozen["reevaluate"]
    frozen["optimiser"] = {"method": "cma"}
    text = yaml.safe_dump(frozen, sort_keys=False)
    paths.config.write_text(text)
    Checkpoint(paths.checkpoint).set_config(text)
    project.command("run", "--continue", str(paths.directory), "--set", "max_ngen=6")
    assert len(project.frame()) == 24
    assert not ReevaluationPaths.of(paths).directory.exists()
    now = yaml.safe_load(paths.config.read_text())
    assert (now["reevaluate"], now["optimiser"]["model"]) == ("none", "none")
    assert not any(told.proposed for told in Checkpoint(paths.checkpoint).told())
    project.command("run", "--continue", str(paths.directory), "--set", "reevaluate=auto")
    assert project.simulated == 24 + 2


@pytest.mark.run
def test_nothing_is_evaluated_again_without_seeds_and_the_log_says_so_once(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "model", {"max_ngen": 6})
    project.command("run", "config.yaml")
    log = RunPaths(project.runs[0]).log.read_text()
    assert log.count("nothing is evaluated again at the end: simulation.seeds names no seeds") == 1
    assert project.simulated == 24


@pytest.mark.run
def test_cancel_ends_what_evaluates_the_best_again(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "model", changes(max_ngen=1), NOISY)
    project.command("run", "config.yaml", "--set", "reevaluate=none")
    run = str(project.runs[0])
    process = project.start("run", "--continue", run, "--set", "reevaluate=1 x 2", TEST_SECONDS="200")
    wait_for(lambda: project.simulated > 4, 180)
    assert "orchestrator run --continue" in project.command("cancel", run)
    process.communicate(timeout=60)
    assert process.returncode == 3
    project.command("run", "--continue", run)
    assert found(project)["again"]["total_score"]["n"] == 2
