"""Whole runs on this machine, of a function instead of a network."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from orchestrator_project import CONFIG, MODEL, Project, same, wait_for

from orchestrator.checkpoint import Checkpoint

pytestmark = pytest.mark.run


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.create(tmp_path_factory.mktemp("undisturbed") / "a model's directory")
    project.command("run", "config.yaml")
    return project


def processes_of(project: Project) -> list[psutil.Process]:
    """Return the processes that work for a project."""
    commands = [(process, process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    return [process for process, command in commands if any(str(project.directory) in part for part in command)]


def test_a_run_from_start_to_end(undisturbed: Project) -> None:
    frame = undisturbed.frame()
    assert len(frame) == undisturbed.simulated == 8
    assert list(frame["generation"]) == [0] * 4 + [1] * 4
    assert set(frame["outcome"]) <= {"OK", "SIMULATION_ERROR"}
    assert frame["parameter:x"][0] == pytest.approx(0.9)
    good = frame[frame["outcome"] == "OK"]
    assert len(good) >= 4
    for _, row in good.iterrows():
        assert row["value:ReturnedValue(rate)"] == 10 * row["parameter:x"]
        assert row["score:ReturnedValue(rate)"] == min(20, abs(3 - row["value:ReturnedValue(rate)"]))
        assert row["submitted"] <= row["started"] <= row["finished"]
    assert (frame["attempts"] == 1).all()
    left = {path.name for path in undisturbed.runs[0].iterdir()}
    assert left == {
        "checkpoint.h5",
        "config.yaml",
        "controller.log",
        "controller.json",
        "model.json",
        "generations",
    }
    assert not any((undisturbed.runs[0] / "generations").iterdir())


def test_the_same_configuration_gives_the_same_run(undisturbed: Project, tmp_path: Path) -> None:
    again = Project.create(tmp_path)
    again.command("run", "config.yaml")
    assert same(again.frame(), undisturbed.frame())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_continues_as_if_nothing_had_been(
    undisturbed: Project, tmp_path: Path, how: signal.Signals
) -> None:
    project = Project.create(tmp_path)
    controller = project.start("run", "config.yaml", TEST_SECONDS="1.5")
    # in the second generation, when some of it is simulated
    wait_for(lambda: project.simulated >= 6)
    controller.send_signal(how)
    _, err = controller.communicate(timeout=60)
    assert controller.returncode == (3 if how is not signal.SIGKILL else -9)
    assert "Traceback" not in err
    before = len(project.frame())
    assert before == 4
    out = project.command("run", "--continue", str(project.runs[0]))
    assert "continuing after 1 generations" in out
    assert same(project.frame(), undisturbed.frame())
    assert len(project.runs) == 1
    if how is signal.SIGKILL:
        assert project.simulated == 8  # jobs that lived on were taken over
    else:
        assert 8 <= project.simulated <= 10  # at most the two that Ctrl-C ended


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_no_hindrance(closed: str, tmp_path: Path) -> None:
    """What is opened next gets their numbers, and what is printed would be written into the checkpoint."""
    project = Project.create(tmp_path, {"max_ngen": 1})
    program = Path(sys.executable).parent / "orchestrator"
    done = subprocess.run(["bash", "-c", f"exec {program} run config.yaml {closed}"], cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert len(project.frame()) == project.simulated == 4


def test_continuing_by_the_configuration(undisturbed: Project, tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    project.command("run", "config.yaml", "--set", "max_ngen=1")
    checkpoint = project.runs[0] / "checkpoint.h5"
    project.configure({"continue_cp": True, "cp_filename": str(checkpoint.relative_to(tmp_path)), "timeout": "2h"})
    project.command("run", "config.yaml")
    assert len(project.runs) == 1
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
    assert "timeout: 7200" in Checkpoint(checkpoint).config_text


FAR = [
    {"class": "ReturnedValue", "key": "rate", "target_value": 3, "norm": 1e-3},
    {"class": "ReturnedValue", "key": "cv", "target_value": 1, "norm": 0.2},
]


def test_scores_at_the_cap_are_told_apart_warned_about_and_told_again_in_a_continued_run(tmp_path: Path) -> None:
    whole = Project.create(tmp_path / "whole", {"targets": FAR, "max_ngen": 3})
    said = whole.command("run", "config.yaml")
    assert "target ReturnedValue(rate): in this generation all values (" in said
    assert " score max_score (20), because 3 is wanted with a norm of 0.001. Above the cap scores hardly grow" in said
    assert "target ReturnedValue(cv):" not in said
    frame = whole.frame()
    assert (frame["score:ReturnedValue(rate)"] == 20).all()
    told = np.concatenate([block.scores[:, 0] for block in Checkpoint(whole.runs[0]).told()])
    good = (frame["outcome"] == "OK").to_numpy()
    norms = np.abs(3 - frame["value:ReturnedValue(rate)"]) / 1e-3
    assert told[good] == pytest.approx(20 * (1.05 - 5 / (norms[good] / 20 + 99)), rel=1e-12)
    assert (told[~good] == 21).all()
    parts = Project.create(tmp_path / "parts", {"targets": FAR, "max_ngen": 2})
    parts.command("run", "config.yaml")
    said = parts.command("run", "--continue", str(parts.runs[0]), "--set", "max_ngen=3")
    assert f"continuing after 2 generations, best total score {frame['total_score'][:8].min():.4g}" in said
    assert same(parts.frame(), frame)


def test_continuing_something_else_is_refused_with_the_difference(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    project.command("run", "config.yaml", "--set", "max_ngen=1")
    run = str(project.runs[0])
    said = project.command(
        "run", "--continue", run, "--set", "parameters.x=[0, 2]", "--set", "targets.0.norm=9", code=2
    )
    assert "parameters.x.bounds[1]: 1.0 in the run, 2.0 now" in said
    assert "targets[0].norm: 1 in the run, 9 now" in said
    assert len(project.frame()) == 4


def test_a_finished_run_continues_to_more_generations(tmp_path: Path, undisturbed: Project) -> None:
    project = Project.create(tmp_path)
    project.command("run", "config.yaml", "--set", "max_ngen=1")
    project.command("run", "--continue", str(project.runs[0] / "checkpoint.h5"), "--set", "max_ngen=2")
    assert same(project.frame(), undisturbed.frame())


def test_a_failing_simulation_is_scored_and_its_log_kept(undisturbed: Project, tmp_path: Path) -> None:
    project = Project.create(tmp_path, {"optimiser_centroid": {"x": 0.9, "y": 1.4}})
    project.command("run", "config.yaml")
    frame = project.frame()
    failed = frame["outcome"] == "SIMULATION_ERROR"
    assert failed.any()
    assert not failed.all()
    assert (frame["total_score"][failed] == 40).all()
    assert frame["value:ReturnedValue(cv)"][failed].isna().all()
    details = Checkpoint(project.runs[0]).details()
    assert details["message"][failed].str.contains("is too much").all()
    assert details["log_tail"][failed].str.contains("RuntimeError").all()


def test_a_run_in_which_everything_fails_ends_with_one_message_and_leaves_nothing(tmp_path: Path) -> None:
    project = Project.create(
        tmp_path, {"parameters": {"x": [0, 1], "y": [1.6, 2]}, "optimiser_centroid": {"x": 0.5, "y": 1.8}}
    )
    said = project.command("run", "config.yaml", code=1)
    assert "every simulation of the generation failed: RuntimeError: y =" in said
    assert project.runs == []


def test_jobs_beyond_the_timeout_are_ended_and_scored(tmp_path: Path) -> None:
    model = MODEL.replace("    x, y =", "    if parameters['x'] > 0.89: time.sleep(1000)\n    x, y =")
    project = Project.create(tmp_path, {"timeout": 20, "max_ngen": 1}, model)
    begin = time.monotonic()
    project.command("run", "config.yaml")
    assert time.monotonic() - begin < 60
    frame = project.frame()
    late = frame["outcome"] == "TIMEOUT"
    assert 1 <= late.sum() <= 3
    assert (frame["parameter:x"][late] > 0.89).all()
    assert (frame["total_score"][late] == 40).all()
    wait_for(lambda: not processes_of(project), 10)


def test_a_model_that_leaves_its_process_is_a_failed_simulation(tmp_path: Path) -> None:
    """A job that dies without a result after its start is not a run that hangs."""
    model = MODEL.replace("    x, y =", "    if parameters['x'] > 0.89: os._exit(3)\n    x, y =")
    project = Project.create(tmp_path, {"max_ngen": 1}, model)
    project.command("run", "config.yaml")
    frame = project.frame()
    assert (frame["outcome"][0], frame["total_score"][0], frame["attempts"][0]) == ("SIMULATION_ERROR", 40, 1)
    assert (frame["outcome"] == "OK").any()
    assert "ended with exit code 3 without a result" in Checkpoint(project.runs[0]).details()["message"][0]


def test_a_job_whose_process_is_killed_once_is_simulated_again(undisturbed: Project, tmp_path: Path) -> None:
    """By the kernel for another's memory, say: it was scored as if its parameters had done it."""
    kill = "    if '/0/0/1/' in str(directory): os.kill(os.getpid(), 9)\n    x, y ="
    project = Project.create(tmp_path, {}, MODEL.replace("    x, y =", kill))
    said = project.command("run", "config.yaml")
    assert "attempt lost, CANCELLED: the job's process ended with exit code 137 without a result" in said
    frame, expected = project.frame(), undisturbed.frame()
    assert list(frame["attempts"]) == [2, 1, 1, 1, 1, 1, 1, 1]
    assert same(frame.drop(columns="attempts"), expected.drop(columns="attempts"))


def test_what_is_killed_until_the_deadline_is_not_evaluated_and_the_run_goes_on(tmp_path: Path) -> None:
    kill = "    if '/generations/0/1/' in str(directory): os.kill(os.getpid(), 9)\n    x, y ="
    project = Project.create(tmp_path, {"timeout": 20}, MODEL.replace("    x, y =", kill))
    said = project.command("run", "config.yaml")
    assert "; not evaluated" in said
    frame = project.frame()
    assert len(frame) == 8
    lost = frame["total_score"].isna()
    assert list(lost) == [False, True] + [False] * 6
    # the last attempt may be about to begin when the time is up
    assert frame["outcome"][1] in ("CANCELLED", "TIMEOUT")
    assert frame["score:ReturnedValue(rate)"].isna()[1]
    assert frame["attempts"][1] > 1
    run = str(project.runs[0])
    project.command("run", "--continue", run, "--set", "max_ngen=3")  # its replay is told the same
    assert len(project.frame()) == 12
    assert "best" in project.command("status", run)
    project.command("report", run)
    assert "not evaluated" in (project.runs[0] / "report.html").read_text()
    assert "Total score" in project.command("best", run)
    assert "nan" not in project.command("score", "--rescore", run, "--config", "config.yaml").lower()


def test_a_folder_of_results_that_is_gone_while_a_job_ends_costs_no_simulation(
    undisturbed: Project, tmp_path: Path
) -> None:
    away = """    if '/0/0/1/' in str(directory):
        import threading
        results = directory.parents[2] / "results"
        elsewhere = results.rename(results.with_name("elsewhere"))
        threading.Timer(3, lambda: elsewhere.rename(results)).start()
    x, y ="""
    project = Project.create(tmp_path, {}, MODEL.replace("    x, y =", away))
    project.command("run", "config.yaml")
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


def test_a_second_controller_is_told_who_holds_the_run(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    controller = project.start("run", "config.yaml", TEST_SECONDS="1")
    try:
        wait_for(lambda: project.simulated)
        said = project.command("run", "--continue", str(project.runs[0]), code=2)
        assert f"process {controller.pid}" in said
        assert "is in use by the controller on" in said
    finally:
        controller.send_signal(signal.SIGINT)
        controller.communicate(timeout=60)
    assert controller.returncode == 3


def test_kept_simulation_directories(tmp_path: Path) -> None:
    project = Project.create(tmp_path, {"keep": {"directories": "all"}, "max_ngen": 1})
    project.command("run", "config.yaml")
    kept = sorted((project.runs[0] / "kept" / "0").glob("*/*/simulation"))
    assert len(kept) == 4


def test_best_prints_tables_json_and_yaml(undisturbed: Project) -> None:
    run = str(undisturbed.runs[0])
    assert "at the start" in undisturbed.command("best", run)
    assert '"total_score"' in undisturbed.command("best", run, "--json", "--top", "3")
    assert undisturbed.command("best", run, "--yaml").startswith("x: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "give either a configuration, or --continue"),
        (["run", "none.yaml"], "none.yaml: cannot be read"),
        (["run", "--continue", "."], "is not a run directory"),
        (["run", "config.yaml", "--set", "model_dir=nowhere"], "model_dir: there is no directory"),
        (["run", "config.yaml", "--set", "simulation.function=model:none"], "simulation.function: cannot import"),
        (["run", "config.yaml", "--set", "simulation.function=nomodel:f"], "simulation.function: cannot import"),
        (["run", "config.yaml", "--set", "optimiser_centroid={x: 2}"], "'x' must be inside its bounds [0, 1], got 2"),
        (
            ["run", "config.yaml", "--set", "continue_cp=true", "--set", "cp_filename=no/checkpoint.h5"],
            "there is no checkpoint",
        ),
        (["run", "config.yaml", "--set", "executor=slurm"], "needs sbatch, squeue, scancel, srun"),
        (["best", "nowhere"], "there is no such checkpoint"),
        (["check", "config.yaml", "--set", "targets.0.class=Nope"], "unknown target"),
        (["run", "--frobnicate"], "No such option"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_message_and_leaves_nothing(tmp_path: Path, arguments: list[str], message: str) -> None:
    project = Project.create(tmp_path)
    said = project.command(*arguments, code=2, PATH="/nowhere")
    assert message in said
    assert project.runs == []


def test_check_says_how_much_there_is_to_do(tmp_path: Path) -> None:
    assert "4 offspring x 2 generations = 8 simulations" in Project.create(tmp_path).command("check", "config.yaml")
    assert CONFIG["offspring_size"] == 4


SLOW_TARGET = '''
import os
import time
from pathlib import Path

from targets import PointTarget


class Slow(PointTarget):
    """Measures slowly, and dies once where it is told to."""

    def outputs(self, recordings):
        marker = Path(__file__).parent / "measuring"
        first = not marker.exists()
        marker.touch()
        if first and os.environ.get("TEST_DIE"):
            os.kill(os.getpid(), 9)
        time.sleep(float(os.environ.get("TEST_MEASURING", "0")))
        return recordings["rate"]
'''
SLOW = {"class": "slow.py:Slow", "target_value": 3, "norm": 1}


def test_measuring_beside_the_controller_gives_the_same(undisturbed: Project, tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    project.command("run", "config.yaml", "--set", "measure_on=controller", "--set", "measure_workers=2")
    assert same(project.frame(), undisturbed.frame())
    assert not any((project.runs[0] / "generations").iterdir())


def test_a_controller_killed_while_it_measures_simulates_nothing_again(tmp_path: Path) -> None:
    project = Project.create(tmp_path, {"targets": [SLOW], "measure_on": "controller", "max_ngen": 1})
    (tmp_path / "slow.py").write_text(SLOW_TARGET)
    controller = project.start("run", "config.yaml", TEST_MEASURING="100")
    wait_for(lambda: project.simulated == 4 and (tmp_path / "measuring").exists())
    controller.kill()
    controller.communicate(timeout=30)
    wait_for(lambda: not processes_of(project), 10)
    project.command("run", "--continue", str(project.runs[0]))
    assert project.simulated == 4
    frame = project.frame()
    assert (frame["attempts"] == 1).all()
    good = frame["outcome"] == "OK"
    assert good.sum() >= 3
    assert (frame["value:Slow"][good] == 10 * frame["parameter:x"][good]).all()


def test_a_measuring_process_that_is_killed_is_tried_again(tmp_path: Path) -> None:
    project = Project.create(tmp_path, {"targets": [SLOW], "measure_on": "controller", "max_ngen": 1})
    (tmp_path / "slow.py").write_text(SLOW_TARGET)
    said = project.command("run", "config.yaml", TEST_DIE="1")
    assert "ended with exit code -9, trying again" in said
    assert project.simulated == 4
    assert (project.frame()["outcome"] == "OK").sum() >= 3


OWN_TARGET = '''
import atexit
import os
from pathlib import Path

from targets import ReturnedValue


class Own(ReturnedValue):
    """Fails in one way or another as long as a file is there."""

    def outputs(self, recordings):
        if os.environ.get("TEST_EXIT"):
            atexit.register(os._exit, 3)
        if (Path(__file__).parent / "stale").exists():
            raise OSError(116, "Stale file handle")
        return super().outputs(recordings)

    def score(self, value):
        score = Path(__file__).parent / "score"
        return float(score.read_text()) if score.exists() else super().score(value)
'''
OWN = {"class": "own.py:Own", "key": "rate", "target_value": 3, "norm": 1}


def test_a_measuring_process_that_crashes_at_its_exit_has_measured(tmp_path: Path) -> None:
    project = Project.create(tmp_path, {"targets": [OWN], "measure_on": "controller", "max_ngen": 1})
    (tmp_path / "own.py").write_text(OWN_TARGET)
    assert "ended with exit code 3, after it had delivered" in project.command("run", "config.yaml", TEST_EXIT="1")
    assert (project.frame()["outcome"] == "OK").sum() >= 3


def test_recordings_that_cannot_be_read_just_now_are_not_the_parameters_fault(tmp_path: Path) -> None:
    project = Project.create(tmp_path, {"targets": [OWN], "max_ngen": 1, "jobs": {"retries": 1}})
    (tmp_path / "own.py").write_text(OWN_TARGET)
    (tmp_path / "stale").touch()
    said = project.command("run", "config.yaml", code=1)
    assert "attempt lost, NODE_FAIL on " in said
    # on a busy machine one is tried again while another one is still in its last attempt
    assert re.search(r"no simulation has worked in [2-9] attempts: OSError: \[Errno 116\] Stale file handle", said)


@pytest.mark.parametrize("score", ["nan", "-0.5"])
def test_a_score_that_is_no_number_or_negative_stops_the_run_before_it_is_stored(score: str, tmp_path: Path) -> None:
    # the last is still being simulated when the first is scored
    model = MODEL.replace("    x, y =", "    if '/0/3/1/' in str(directory): time.sleep(4)\n    x, y =")
    project = Project.create(tmp_path, {"targets": [OWN], "max_ngen": 1}, model)
    (tmp_path / "own.py").write_text(OWN_TARGET)
    (tmp_path / "score").write_text(score)
    said = project.command("run", "config.yaml", code=1)
    expected = "expected a finite number, not negative. Fix the target and continue: no simulation is lost"
    assert re.search(rf"target Own\(rate\): its score of the value \d\S* is {score}; {expected}", said), said
    (tmp_path / "score").unlink()
    project.command("run", "--continue", str(project.runs[0]))
    assert len(project.frame()) == project.simulated == 4


def test_another_executor_is_refused_while_jobs_are_in_flight_and_they_can_still_be_cancelled(
    tmp_path: Path, fake_slurm: str
) -> None:
    project = Project.create(tmp_path)
    controller = project.start("run", "config.yaml", TEST_SECONDS="100")
    wait_for(lambda: project.simulated == 2)
    controller.kill()
    controller.wait(30)
    run = str(project.runs[0])
    said = project.command("run", "--continue", run, "--set", "executor=slurm", code=2, PATH=fake_slurm)
    assert "its jobs run with executor: local, not slurm" in said
    assert "Ended 4 jobs" in project.command("cancel", run)
    wait_for(lambda: not processes_of(project), 10)


@pytest.fixture
def fake_slurm(tmp_path: Path) -> str:
    """A search path with commands of SLURM that do nothing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sbatch", "squeue", "scancel", "srun", "scontrol"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_what_simulations_print_does_not_reach_the_terminal_as_it_is(tmp_path: Path) -> None:
    """A colour is harmless, a cleared screen is not."""
    wild = r"\x1b[2J\x1b]0;title\x07\x1b[31mred\x9b1m"
    model = MODEL.replace('f"y = {y} is too much"', f'"{wild}"')
    project = Project.create(tmp_path, {"max_ngen": 1, "optimiser_centroid": {"x": 0.9, "y": 1.6}}, model)
    controller = project.start("run", "config.yaml")
    out, err = controller.communicate(timeout=100)
    said = project.command("status", str(project.runs[0])) if project.runs else ""
    log = "".join(path.read_text() for path in tmp_path.glob("*/controller.log"))
    assert "RuntimeError: red1m" in out + err
    for text in (out, err, said, log):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text), repr(text)


@pytest.mark.parametrize("name", ["targets.py", "orchestrator/__init__.py"])
def test_a_model_with_a_module_of_ours_is_refused(tmp_path: Path, name: str) -> None:
    project = Project.create(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    assert f"{name} stands in the way of this program's own" in project.command("run", "config.yaml", code=2)


def test_a_run_of_a_model_that_was_moved_continues(undisturbed: Project, tmp_path: Path) -> None:
    target = {"class": "slow.py:Slow", "target_value": 3, "norm": 1}
    project = Project.create(tmp_path / "before", {"targets": [target]})
    (project.directory / "slow.py").write_text(SLOW_TARGET)
    project.command("run", "config.yaml", "--set", "max_ngen=1")
    moved = Project(project.directory.rename(tmp_path / "after"))
    moved.command("run", "--continue", str(moved.runs[0]), "--set", "max_ngen=2")
    assert len(moved.frame()) == 8


def test_offspring_that_ctrl_c_withdrew_are_simulated_once_when_continued(undisturbed: Project, tmp_path: Path) -> None:
    project = Project.create(tmp_path, {"local": {"workers": 1, "stay": False}})
    for simulated in (1, 3):
        arguments = ["--continue", str(project.runs[0])] if project.runs else ["config.yaml"]
        controller = project.start("run", *arguments, TEST_SECONDS="1")
        wait_for(lambda: project.simulated >= simulated)  # noqa: B023
        controller.send_signal(signal.SIGINT)
        controller.communicate(timeout=60)
        assert controller.returncode == 3
        wait_for(lambda: not processes_of(project), 10)
    project.command("run", "--continue", str(project.runs[0]))
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated <= 8 + 2


def test_cancel_ends_a_run_and_its_controller(undisturbed: Project, tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    controller = project.start("run", "config.yaml", TEST_SECONDS="100")
    wait_for(lambda: project.simulated)
    assert "To go on" in project.command("cancel", str(project.runs[0]))
    controller.communicate(timeout=30)
    assert controller.returncode == 3
    wait_for(lambda: not processes_of(project), 10)
    project.command("run", "--continue", str(project.runs[0]))
    assert same(project.frame(), undisturbed.frame())


def test_cancel_ends_the_jobs_of_a_dead_controller(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    controller = project.start("run", "config.yaml", TEST_SECONDS="100")
    wait_for(lambda: project.simulated == 2)
    controller.kill()
    controller.wait(30)
    assert "Ended 4 jobs" in project.command("cancel", str(project.runs[0]))
    wait_for(lambda: not processes_of(project), 10)
    assert project.simulated == 2


def test_a_full_disk_is_one_message(tmp_path: Path) -> None:
    """The limit on file sizes stands in for the disk's: writing fails in the same place."""
    project = Project.create(tmp_path)
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)); import signal; "
    code += "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); from orchestrator.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "config.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    wait_for(lambda: not processes_of(project), 10)
