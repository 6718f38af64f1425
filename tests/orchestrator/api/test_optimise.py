"""Whole optimisations from scripts, in processes that are killed, and of functions of modules."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import in_process
import pexpect
import pytest
from orchestrator_project import MODEL, Project, same, wait_for

import orchestrator
from orchestrator import Run

pytestmark = pytest.mark.run

# as users write: nothing guards it from being imported
SCRIPT = """
import os
import signal
from pathlib import Path

import orchestrator

HERE, GAIN = Path(__file__).parent, 10


def simulate(parameters, directory):
    with open(HERE / "simulated", "a") as log:
        log.write("once\\n")
    if (HERE / "simulated").read_text().count("once") == 7 and "SIGNAL" in os.environ:
        os.kill(int(os.environ["CONTROLLER"]), int(os.environ["SIGNAL"]))
    return {"rate": GAIN * parameters["x"], "cv": parameters["y"] ** 2}


os.environ["CONTROLLER"] = str(os.getpid())
run = orchestrator.optimise(simulate, {"x": (0, 1), "y": (-2, 2)}, {"rate": 3, "cv": 1}, executor="local",
                            local={"stay": True, "workers": 1}, offspring_size=5, max_ngen=3, report=False)
print(run.best.total_score)
"""


def execute(directory: Path, code: int, **environment: str) -> subprocess.CompletedProcess[str]:
    """Execute the script from another directory."""
    (directory / "fit.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, directory / "fit.py"],
        cwd=directory.parent,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, subprocess.CompletedProcess[str]]:
    directory = tmp_path_factory.mktemp("script")
    done = execute(directory, 0)
    (run,) = directory.glob("*_Optimization")
    return Run(run), done


def test_a_script(undisturbed: tuple[Run, subprocess.CompletedProcess[str]]) -> None:
    run, done = undisturbed
    assert done.stdout == f"{run.best.total_score}\n"
    assert "generation 2 done" in done.stderr
    assert f"Done: max_ngen of 3 generations reached. Run directory: {run.directory}" in done.stderr
    frame = run.evaluations()
    assert (frame["value:ReturnedValue(rate)"] == 10 * frame["parameter:x"]).all()
    assert run.directory.parent.joinpath("simulated").read_text().count("once") == len(frame) == 15
    assert in_process.command("status", str(run.directory), cwd=run.directory).returncode == 0
    assert "rate" in in_process.command("best", str(run.directory), cwd=run.directory).stdout


def test_a_script_that_is_killed_is_continued_as_if_nothing_had_been(
    undisturbed: tuple[Run, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    execute(tmp_path, -9, SIGNAL=str(int(signal.SIGKILL)))
    (tmp_path / "fit.py").write_text("")  # what is continued is what the run began with
    (directory,) = tmp_path.glob("*_Optimization")
    run = Run(directory)
    assert len(run.evaluations()) == 5
    assert run.continue_(progress=False) is run
    assert same(run.evaluations(), undisturbed[0].evaluations())


def test_a_script_on_a_terminal_shows_how_it_goes_and_is_stopped_with_ctrl_c(
    undisturbed: tuple[Run, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "fit.py").write_text(SCRIPT)
    environment = {**os.environ, "SIGNAL": str(int(signal.SIGINT)), "TERM": "xterm-256color"}
    terminal = pexpect.spawn(
        sys.executable, [str(tmp_path / "fit.py")], env=environment, dimensions=(24, 400), timeout=120, encoding="utf-8"
    )
    shown = terminal.read()
    terminal.close()
    assert terminal.exitstatus == 1
    assert "of 3 complete" in shown
    assert "orchestrator.errors.Stopped: stopped in generation " in shown
    (directory,) = tmp_path.glob("*_Optimization")
    assert shown.endswith(f"or, in Python\r\n  orchestrator.Run({str(directory)!r}).continue_()\r\n")
    assert len(Run(directory).evaluations()) < 15
    assert same(Run(directory).continue_(progress=False).evaluations(), undisturbed[0].evaluations())


def test_a_script_whose_run_is_cancelled_from_elsewhere_goes_on(tmp_path: Path) -> None:
    text = SCRIPT.replace("run = orch", "import contextlib\nwith contextlib.suppress(orchestrator.Stopped):\n    orch")
    text = text.replace("max_ngen=3", "max_ngen=100_000").replace("run.best.total_score", "'went on'")
    (tmp_path / "fit.py").write_text(text)
    script = subprocess.Popen(
        [sys.executable, tmp_path / "fit.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    simulated = tmp_path / "simulated"
    wait_for(lambda: simulated.exists() and simulated.read_text().count("once") > 5)
    (directory,) = tmp_path.glob("*_Optimization")
    Run(directory).cancel()
    out, err = script.communicate(timeout=60)
    assert (script.returncode, out) == (0, "went on\n"), err
    assert Run(directory).status().controller.state == "cancelled"


def test_a_function_of_a_module_and_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.create(tmp_path, model=MODEL, config_name="config.yaml")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "model", raising=False)
    import model  # noqa: PLC0415  (of the project)

    try:
        run = orchestrator.optimise(
            model.simulate,
            {"x": (0, 1), "y": {"bounds": (-2, 2), "start": -1.5}},
            {"rate": {"target_value": 3, "norm": 1}, "cv": {"target_value": 1, "norm": 0.2}},
            executor="local",
            local={"stay": True, "workers": 2},
            optimiser_centroid={"x": 0.9},
            offspring_size=4,
            max_ngen=1,
            report=False,
            progress=False,
        )
    finally:
        del sys.modules["model"]
    assert not (tmp_path / "optimised_functions").exists()
    of_file = orchestrator.optimise(project.config, local={"stay": True}, max_ngen=1, progress=False)
    assert same(run.evaluations(), of_file.evaluations())
