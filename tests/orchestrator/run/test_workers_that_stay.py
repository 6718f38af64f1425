"""Functions in processes that stay up: a crash, a hang and a leak cost one evaluation, a kill costs none."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from orchestrator_project import Project, same, wait_for

from orchestrator.checkpoint import Checkpoint
from orchestrator.jobs.workers.log import WorkersLog
from orchestrator.paths import RunPaths

pytestmark = pytest.mark.run

# what is simulated leaves a line with the number of its process
MODEL = """
import json
import os
import signal
import time
from pathlib import Path

IMPORTED, LEAK = os.getpid(), []


def simulate(parameters, directory):
    here = Path(__file__).parent
    with open(here / "simulated", "a") as log:
        log.write(json.dumps(parameters | {"process": os.getpid()}) + "\\n")
    time.sleep(float(os.environ.get("TEST_SECONDS", "0")))
    x, y = parameters["x"], parameters["y"]
    how = os.environ.get("TEST_HOW", "")
    if y > 0.3 and how == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if y > 0.3 and how == "exit":
        os._exit(7)
    if y > 0.3 and how == "hang":
        time.sleep(600)
    if y > 0.3 and how == "leak":
        bytearray(1 << 40)
    if how == "grow":
        LEAK.append(bytearray(400_000_000))
    if y > 0.3 and how == "killed once" and not (here / "killed").exists():
        (here / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    (directory / "left.txt").write_text("something")
    return {"rate": 10 * x, "cv": y**2}
"""
STAYING = {"workers": 2, "stay": True}
TWO_GENERATIONS = {"max_ngen": 2, "optimiser": {"method": "cma", "model": "none"}, "local": STAYING}


def created(directory: Path, **changes: Any) -> Project:
    return Project.create(directory, {**TWO_GENERATIONS, **changes}, model=MODEL)


def processes(project: Project) -> list[int]:
    return [json.loads(line)["process"] for line in (project.directory / "simulated").read_text().splitlines()]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = created(tmp_path_factory.mktemp("workers") / "model")
    project.command("run", "config.yaml")
    return project


def test_a_few_processes_evaluate_everything_and_leave_nothing(undisturbed: Project) -> None:
    frame = undisturbed.frame()
    assert set(frame["outcome"]) == {"OK"}
    assert len(processes(undisturbed)) == len(frame) == 8
    assert len(set(processes(undisturbed))) <= 2
    run = undisturbed.runs[0]
    assert not (run / "workers").exists()
    assert not any((run / "generations").iterdir())
    assert (frame["attempts"] == 1).all()


def test_jobs_of_their_own_give_the_same(undisturbed: Project, tmp_path: Path) -> None:
    alone = created(tmp_path, local={"workers": 2, "stay": False})
    alone.command("run", "config.yaml")
    assert len(set(processes(alone))) == 8
    assert same(alone.frame(), undisturbed.frame())


@pytest.mark.parametrize(
    ("how", "outcome", "message", "changes"),
    [
        ("crash", "SIMULATION_ERROR", "its process ended by SIGSEGV", {}),
        ("exit", "SIMULATION_ERROR", "its process ended by exit code 7", {}),
        ("hang", "TIME_LIMIT", "it took longer than 1 s (jobs.time)", {"jobs": {"time": 1}}),
        ("leak", "OUT_OF_MEMORY", "MemoryError", {"jobs": {"mem": "2G"}}),
    ],
)
def test_what_ends_a_process_costs_its_own_evaluation(
    how: str, outcome: str, message: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    project = created(tmp_path, max_ngen=1, optimiser_seed=3, optimiser_centroid={"x": 0.5, "y": 0.2}, **changes)
    project.command("run", "config.yaml", TEST_HOW=how)
    frame, details = project.frame(), Checkpoint(project.runs[0]).details()
    failed = frame["parameter:y"] > 0.3
    assert 0 < failed.sum() < len(frame)
    assert set(frame["outcome"][failed]) == {outcome}
    assert set(frame["outcome"][~failed]) == {"OK"}
    assert set(details["message"][failed]) == {message}


def test_an_evaluation_whose_process_is_killed_from_outside_is_tried_again(tmp_path: Path) -> None:
    project = created(tmp_path, max_ngen=1, optimiser_centroid={"x": 0.5, "y": 0.5})
    project.command("run", "config.yaml", TEST_HOW="killed once")
    frame = project.frame()
    assert set(frame["outcome"]) == {"OK"}
    assert sorted(frame["attempts"]) == [1, 1, 1, 2]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_loses_no_result_and_repeats_none(
    undisturbed: Project, how: signal.Signals, tmp_path: Path
) -> None:
    project = created(tmp_path)
    controller = project.start("run", "config.yaml", TEST_SECONDS="3")
    landed = lambda: len(WorkersLog.read(RunPaths(project.runs[0]).generation(1).workers).results)  # noqa: E731
    wait_for(lambda: bool(project.runs) and landed())
    controller.send_signal(how)
    controller.communicate(timeout=60)
    done, before = landed(), len(processes(project))
    project.command("run", "--continue", project.runs[0])
    assert same(project.frame(), undisturbed.frame())
    assert len(processes(project)) == before + (4 - done)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_signals_to_the_processes_are_no_verdict(undisturbed: Project, how: signal.Signals, tmp_path: Path) -> None:
    """A terminal that closes, or a job that is cancelled around the controller, reaches all processes of a group."""
    project = created(tmp_path)
    controller = project.start("run", "config.yaml", TEST_SECONDS="1")
    wait_for(lambda: project.simulated == 2)
    for process in set(processes(project)):
        os.kill(process, how)
    controller.communicate(timeout=120)
    assert controller.returncode == 0
    assert same(project.frame().drop(columns="attempts"), undisturbed.frame().drop(columns="attempts"))
    assert project.frame()["attempts"].max() == (1 if how is signal.SIGHUP else 2)


def test_processes_that_die_while_they_have_nothing_to_do_are_replaced(undisturbed: Project, tmp_path: Path) -> None:
    """One of two evaluates the rest of a generation, and is killed by the other while it has nothing more to do."""
    idle = MODEL.replace(
        '    (directory / "left.txt")',
        """    try:
        (here / "first").touch(exist_ok=False)
    except FileExistsError:
        with open(here / "others", "a") as others:
            others.write(f"{os.getpid()}\\n")
    else:
        wait_for_the_other(here / "others")
    (directory / "left.txt")""",
    ).replace(
        "def simulate(",
        """def wait_for_the_other(others):
    while not others.exists() or len(others.read_text().split()) < 3:
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(int(others.read_text().split()[0]), signal.SIGKILL)
    (Path(__file__).parent / "killed").touch()


def simulate(""",
    )
    project = Project.create(tmp_path, TWO_GENERATIONS, model=idle)
    project.command("run", "config.yaml")
    assert (tmp_path / "killed").exists()
    assert same(project.frame().drop(columns="attempts"), undisturbed.frame().drop(columns="attempts"))


def test_what_says_nothing_of_the_parameters_is_tried_again(undisturbed: Project, tmp_path: Path) -> None:
    full = MODEL.replace(
        '    (directory / "left.txt")',
        """    if not (here / "full").exists():
        (here / "full").touch()
        raise OSError(28, "No space left on device")
    (directory / "left.txt")""",
    )
    project = Project.create(tmp_path, TWO_GENERATIONS, model=full)
    said = project.command("run", "config.yaml")
    assert "No space left on device; trying again" in said
    assert same(project.frame().drop(columns="attempts"), undisturbed.frame().drop(columns="attempts"))
    assert max(project.frame()["attempts"]) == 2


def test_a_preparation_and_what_is_kept_of_the_best_have_their_places(tmp_path: Path) -> None:
    traces = MODEL.replace("import json\n", "import json\nfrom orchestrator import Trace\n").replace(
        '"cv": y**2}', '"cv": y**2, "v": Trace([0, 1, 2], [x, y, 0])}'
    )
    section = {"type": "function", "function": "model:simulate", "before": {"run": "echo made > made"}}
    project = Project.create(tmp_path, {**TWO_GENERATIONS, "simulation": section}, model=traces)
    project.command("run", "config.yaml")
    assert set(project.frame()["outcome"]) == {"OK"}
    assert Checkpoint(project.runs[0]).recordings()


@pytest.mark.parametrize("stay", [True, False])
def test_what_has_begun_goes_on_as_it_has_begun(undisturbed: Project, stay: bool, tmp_path: Path) -> None:
    project = created(tmp_path, local={**STAYING, "stay": stay})
    controller = project.start("run", "config.yaml", TEST_SECONDS="1")
    wait_for(lambda: project.simulated >= 3)
    controller.send_signal(signal.SIGTERM)
    controller.communicate(timeout=60)
    project.command("run", "--continue", project.runs[0], "--set", f"local.stay={not stay}")
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated <= 10


def test_what_is_allocated_by_earlier_evaluations_is_not_the_last_ones_fault(tmp_path: Path) -> None:
    """The process that is full is replaced, and what it could not evaluate is tried in a new one."""
    project = created(tmp_path, offspring_size=8, jobs={"mem": "2G"}, local={"workers": 1, "stay": True})
    project.command("run", "config.yaml", TEST_HOW="grow")
    frame = project.frame()
    assert set(frame["outcome"]) == {"OK"}
    assert 1 < len(set(processes(project))) < len(frame)


def test_a_function_of_many_is_called_once_for_the_share_of_each_process(undisturbed: Project, tmp_path: Path) -> None:
    many = (
        MODEL.replace("def simulate(", "def simulated(")
        + """

def simulate(parameter_sets, directory):
    with open(Path(__file__).parent / "calls", "a") as log:
        log.write(f"{len(parameter_sets)}\\n")
    return [simulated(each, directory) for each in parameter_sets]
"""
    )
    section = {"type": "function", "function": "model:simulate", "function_of_many": True}
    project = Project.create(tmp_path, {**TWO_GENERATIONS, "simulation": section}, model=many)
    project.command("run", "config.yaml")
    assert same(project.frame(), undisturbed.frame())
    assert (tmp_path / "calls").read_text().split() == ["2"] * 4


def test_a_crash_in_a_call_for_many_costs_the_evaluation_that_crashes_alone(tmp_path: Path) -> None:
    many = (
        MODEL.replace("def simulate(", "def simulated(")
        + """

def simulate(parameter_sets, directory):
    return [simulated(each, directory) for each in parameter_sets]
"""
    )
    section = {"type": "function", "function": "model:simulate", "function_of_many": True}
    changes = {"max_ngen": 1, "optimiser_seed": 3, "optimiser_centroid": {"x": 0.5, "y": 0.2}, "simulation": section}
    project = Project.create(tmp_path, {**TWO_GENERATIONS, **changes}, model=many)
    project.command("run", "config.yaml", TEST_HOW="crash")
    frame = project.frame()
    failed = frame["parameter:y"] > 0.3
    assert 0 < failed.sum() < len(frame)
    assert set(frame["outcome"][failed]) == {"SIMULATION_ERROR"}
    assert set(frame["outcome"][~failed]) == {"OK"}


def test_what_is_to_be_kept_of_a_simulation_is_where_a_job_would_have_left_it(tmp_path: Path) -> None:
    project = created(tmp_path, max_ngen=1, keep={"directories": "all"})
    project.command("run", "config.yaml")
    kept = sorted(project.runs[0].glob("kept/0/*/1/simulation/left.txt"))
    assert len(kept) == 4
