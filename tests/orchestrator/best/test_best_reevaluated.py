"""The best, evaluated again under other seeds on this machine."""

from __future__ import annotations

import json
import shutil
import signal
import statistics
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from orchestrator_project import MODEL, Project, wait_for

from orchestrator.best.reevaluating import last_report
from orchestrator.checkpoint import Checkpoint
from orchestrator.paths import ReevaluationPaths, RunPaths
from orchestrator.run.cancel import cancel_run
from orchestrator.simulations.seeds import other_seeds

pytestmark = pytest.mark.run

# rate and cv depend on the seed; TEST_FAIL names a part of the seeds for which something else happens
NOISY = MODEL.replace(
    "    x, y =",
    """    import random
    draw = random.Random(repr(sorted(parameters.items())))
    kinds = os.environ.get("TEST_FAIL", "")
    if kinds == "some" and parameters["seed"] % 2 and parameters["seed"] != 7:
        raise RuntimeError("this seed is bad")
    if kinds == "slow" and parameters["seed"] != 7 and parameters["seed"] % 2:
        time.sleep(1000)
    x, y =""",
).replace('{"rate": 10 * x, "cv": y**2}', '{"rate": 10 * x + draw.gauss(0, 0.5), "cv": y**2 + draw.gauss(0, 0.05)}')
SEEDED: dict[str, Any] = {"simulation": {"type": "function", "function": "model:simulate", "seeds": {"seed": 7}}}
RATE, CV = "ReturnedValue(rate)", "ReturnedValue(cv)"
# of the first six other seeds of 7, these are odd
ODD = [number for number in range(1, 7) if other_seeds({"seed": 7}, number)["seed"] % 2]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.create(tmp_path_factory.mktemp("finished") / "model", SEEDED, NOISY)
    project.command("run", "config.yaml")
    return project


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A finished run of its own."""
    shutil.copytree(finished.directory, tmp_path / "model")
    return Project(tmp_path / "model")


@pytest.fixture(scope="module")
def undisturbed(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two of the best under three other seeds, without any disturbance."""
    directory = tmp_path_factory.mktemp("undisturbed") / "model"
    shutil.copytree(finished.directory, directory)
    project = Project(directory)
    reevaluate(project)
    return project


def reevaluate(project: Project, *options: str, top: int = 2, seeds: int = 3, **more: Any) -> str:
    words = ("best", str(project.runs[0]), "--reevaluate", str(top), "--seeds", str(seeds), *options)
    return project.command(*words, **more)


def stored(project: Project) -> pd.DataFrame:
    """What is in the re-evaluations' own checkpoint."""
    return Checkpoint(project.runs[0] / "reevaluation" / "reevaluation.h5").evaluations()


def said(project: Project) -> dict[str, Any]:
    """The last report."""
    return last_report(RunPaths(project.runs[0])).to_json()


def processes_of(project: Project) -> list[psutil.Process]:
    commands = [(process, process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    return [process for process, command in commands if any(str(project.directory) in part for part in command)]


def test_mean_and_spread_are_those_of_other_seeds(undisturbed: Project) -> None:
    report, frame = said(undisturbed), stored(undisturbed)
    assert len(frame) == 6
    assert undisturbed.simulated == 8 + 6
    assert report["seeds"] == [other_seeds({"seed": 7}, number) for number in (1, 2, 3)]
    assert set(frame["parameter:seed"]) == {float(each["seed"]) for each in report["seeds"]}
    assert report["open"] == 0
    run = undisturbed.frame().sort_values("total_score", kind="stable")
    run = run[run["outcome"] == "OK"]
    for n, candidate in enumerate(report["candidates"]):
        seen = run.iloc[n]
        assert (candidate["generation"], candidate["offspring"]) == (seen["generation"], seen["offspring"])
        own = frame[frame["parameter:x"] == seen["parameter:x"]]
        total, (rate, cv) = candidate["total_score"], candidate["targets"]
        for told, column in ((total, "total_score"), (rate["value"], f"value:{RATE}"), (cv["score"], f"score:{CV}")):
            numbers = own[column].tolist()
            assert len(numbers) == len(set(numbers)) == told["n"] == 3
            assert told["seen"] == seen[column]
            assert told["mean"] == pytest.approx(statistics.fmean(numbers), rel=1e-12)
            assert told["sd"] == pytest.approx(statistics.stdev(numbers), rel=1e-12)
            assert (told["min"], told["max"]) == (min(numbers), max(numbers))
        assert candidate["lucky"] == (total["seen"] < total["min"])
        assert candidate["outcomes"] == {"OK": 3}
    means = [candidate["total_score"]["mean"] for candidate in report["candidates"]]
    assert [candidate["rank_by_mean"] for candidate in report["candidates"]] == [
        1 + (means[0] > means[1]),
        1 + (means[1] >= means[0]),
    ]


def test_the_run_itself_is_not_touched_and_nothing_large_is_left(finished: Project, undisturbed: Project) -> None:
    before, after = (run.runs[0] for run in (finished, undisturbed))
    for name in ("checkpoint.h5", "config.yaml", "controller.log", "controller.json"):
        assert (before / name).read_bytes() == (after / name).read_bytes()
    own = after / "reevaluation"
    assert {path.name for path in own.iterdir()} == {
        "config.yaml", "controller.json", "controller.log", "generations", "reevaluation.h5", "request.json",
    }  # fmt: skip
    assert not any((own / "generations").iterdir())


def test_the_same_question_again_simulates_nothing(undisturbed: Project, project: Project) -> None:
    first = reevaluate(project)
    assert project.simulated == 14
    again = reevaluate(project)
    assert project.simulated == 14
    assert again == first[first.index("\nThe 2 best of 8") :]
    assert said(project) == said(undisturbed)


def test_more_seeds_and_more_candidates_simulate_only_what_is_new(undisturbed: Project, project: Project) -> None:
    reevaluate(project, top=1, seeds=2)
    assert project.simulated == 8 + 2
    reevaluate(project, top=1, seeds=3)
    assert project.simulated == 8 + 3
    reevaluate(project)
    assert project.simulated == 8 + 6
    assert said(project) == said(undisturbed)
    fewer = reevaluate(project, top=1, seeds=2)
    assert "The best of 8 evaluations again, under 2 other seeds each (seed)" in fewer
    assert project.simulated == 8 + 6


def test_of_the_front_of_some_targets_only_its_members_are_evaluated_again(project: Project) -> None:
    out = reevaluate(project, "--front", "--target", CV, top=1, seeds=1)
    assert "The best of the Pareto front of 8 evaluations again" in out
    frame = project.frame()
    lowest = frame[frame["outcome"] == "OK"].sort_values([f"score:{CV}", "total_score"]).iloc[0]
    assert stored(project)["parameter:y"].tolist() == [lowest["parameter:y"]]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_stopped_one_goes_on_and_repeats_nothing(undisturbed: Project, project: Project, how: signal.Signals) -> None:
    command = ("best", str(project.runs[0]), "--reevaluate", "2", "--seeds", "3")
    process = project.start(*command, TEST_SECONDS="2")
    # the second pair is being simulated
    wait_for(lambda: project.simulated >= 8 + 3)
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    if how is not signal.SIGKILL:
        assert process.returncode == 3
        assert f"go on with\n  orchestrator best {project.runs[0]} --reevaluate 2 --seeds 3" in err
        wait_for(lambda: not processes_of(project), 10)
    unfinished = said(project)
    assert unfinished["open"] == 6
    out = reevaluate(project)
    assert "Going on with the re-evaluation of the best of 8 evaluations: 6 of 6 simulations are missing" in out
    assert said(project) == said(undisturbed)
    # at most the two that the signal ended
    assert project.simulated == 14 if how is signal.SIGKILL else 14 <= project.simulated <= 16
    assert len(stored(project)) == 6
    assert not any((project.runs[0] / "reevaluation/generations").iterdir())


def test_another_question_while_one_is_unfinished_is_refused(undisturbed: Project, project: Project) -> None:
    process = project.start("best", str(project.runs[0]), "--reevaluate", "3", "--seeds", "4", TEST_SECONDS="2")
    wait_for(lambda: project.simulated >= 8 + 2)
    answer = reevaluate(project, code=2)
    assert "reevaluation is in use by the controller on" in answer
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    answer = reevaluate(project, code=2)
    assert "a re-evaluation is unfinished (--reevaluate 3 --seeds 4). Go on with that one, or add --force" in answer
    reevaluate(project, "--force")
    assert said(project) == said(undisturbed)


def test_while_the_run_goes_on(project: Project) -> None:
    """The run's controller lives, and holds its own lock."""
    run = str(project.runs[0])
    controller = project.start("run", "--continue", run, "--set", "max_ngen=3", TEST_SECONDS="200")
    try:
        wait_for(lambda: project.simulated == 8 + 2)
        reevaluate(project, "--set", "local.workers=1")
        assert controller.poll() is None
        assert said(project)["open"] == 0
    finally:
        controller.send_signal(signal.SIGINT)
        controller.communicate(timeout=60)
    assert controller.returncode == 3
    project.command("run", "--continue", run)
    assert len(project.frame()) == 12
    assert said(project)["open"] == 0


def test_the_jobs_of_one_that_was_killed_can_be_ended(undisturbed: Project, project: Project) -> None:
    process = project.start("best", str(project.runs[0]), "--reevaluate", "2", "--seeds", "3", TEST_SECONDS="200")
    wait_for(lambda: project.simulated == 8 + 2)
    process.kill()
    process.wait(30)
    paths = ReevaluationPaths.of(RunPaths(project.runs[0]))
    assert cancel_run(paths, print) == 6
    wait_for(lambda: not processes_of(project), 10)
    reevaluate(project)
    assert said(project) == said(undisturbed)


def test_failures_under_other_seeds_count_as_they_would_have(project: Project) -> None:
    assert 1 in ODD or 2 in ODD or 3 in ODD
    bad = len([number for number in ODD if number <= 3])
    assert bad < 3
    out = reevaluate(project, TEST_FAIL="some")
    assert "SIMULATION_ERROR: RuntimeError: this seed is bad" in out
    assert "Explosions and failed simulations count with max_score in total scores" in out
    for candidate in said(project)["candidates"]:
        assert candidate["outcomes"] == {"OK": 3 - bad, "SIMULATION_ERROR": bad}
        assert candidate["open"] == 0
        assert (candidate["total_score"]["n"], candidate["total_score"]["max"]) == (3, 40.0)
        assert candidate["targets"][0]["value"]["n"] == 3 - bad


def test_what_does_not_finish_in_time_counts_for_nothing_and_is_simulated_again(
    undisturbed: Project, project: Project
) -> None:
    late = 2 * len([number for number in ODD if number <= 3])
    assert 0 < late < 6
    answer = reevaluate(project, "--set", "timeout=20", "--set", "local.workers=6", code=1, TEST_FAIL="slow")
    assert f"{late} of 6 simulations did not finish" in answer
    assert "count for nothing; the same command simulates them" in answer
    assert said(project)["open"] == late
    reevaluate(project)
    after = said(project)
    assert {key: after[key] for key in ("open", "seeds")} == {key: said(undisturbed)[key] for key in ("open", "seeds")}
    for one, other in zip(after["candidates"], said(undisturbed)["candidates"], strict=True):
        assert one["total_score"] == other["total_score"]
    assert project.simulated == 8 + 6 + late
    wait_for(lambda: not processes_of(project), 10)


def test_seeds_that_the_configuration_does_not_name_may_be_named_later(tmp_path: Path) -> None:
    model = NOISY.replace('parameters["seed"]', 'parameters.get("seed", 7)')
    project = Project.create(tmp_path, {"max_ngen": 1}, model)
    project.command("run", "config.yaml")
    assert "simulation.seeds is empty" in reevaluate(project, code=2)
    assert "simulation.seeds={seed: 1}" in reevaluate(project, code=2)
    out = reevaluate(project, "--set", "simulation.seeds={seed: 7}", top=1, seeds=2)
    assert "The best of 4 evaluations again, under 2 other seeds each (seed)" in out
    assert said(project)["seeds"] == [other_seeds({"seed": 7}, number) for number in (1, 2)]
    other = reevaluate(project, "--set", "simulation.seeds={another: 7}", top=1, seeds=2, code=2)
    assert "holds evaluations of x, y, seed; this would be of x, y, another. Name the same seeds" in other


def test_json_is_all_of_standard_output(project: Project) -> None:
    process = project.start("best", str(project.runs[0]), "--reevaluate", "1", "--seeds", "1", "--json")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert json.loads(out)["candidates"][0]["total_score"]["sd"] is None
    assert "submitted 1 offspring" in err
    again = project.command("best", str(project.runs[0]), "--reevaluated", "--json")
    assert json.loads(again) == json.loads(out) == said(project)


def test_simulations_are_kept_where_that_is_asked_for(project: Project) -> None:
    reevaluate(project, "--set", "keep.directories=all", top=1, seeds=2)
    assert len(list((project.runs[0] / "reevaluation/kept").glob("*/*/*/simulation"))) == 2


def test_where_nothing_can_start_nothing_is_left(project: Project) -> None:
    (project.directory / "model.py").write_text("raise ImportError('gone')")
    answer = reevaluate(project, code=2)
    assert "simulation.function: cannot import" in answer
    assert not (project.runs[0] / "reevaluation").exists()
