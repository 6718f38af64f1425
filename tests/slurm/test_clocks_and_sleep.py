"""Controllers that are suspended while another one goes on with their run, and clocks that are wrong: no score is.

Another PID namespace stands for another host: its processes are not to be seen, as those of a host are not.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from orchestrator_project import Project, same, wait_for
from slurm_project import (
    CONFIG,
    HELD,
    calls_of,
    disguised,
    finished,
    in_offspring,
    jobs_of,
    let_go,
    log_of,
    project_at,
    results_of,
)
from virtual_cluster import VirtualCluster

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("on_cluster", "leaving_nothing")]

HOUR = 3600.0
ELSEWHERE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
# a lease that is silent for some seconds is over, rather than for more than a minute
_SOON = """
from orchestrator import lease
lease.LIFETIME, lease._SURE, lease._WATCHED, lease._RENEWAL = 6.0, 5.0, 3.0, 0.3
"""
# the clock on the wall is wrong as long as a file exists
_CLOCK = """
import os, time
from orchestrator import clocks
right = time.time
time.time = lambda: right() + ({ahead} if os.path.exists({wrong!r}) else 0)
if {boot!r}:
    clocks.boot = lambda: {boot!r}
"""


def controller(project: Project, *arguments: str, code: str = "", elsewhere: bool = False) -> subprocess.Popen[str]:
    """Start ``orchestrator ARGUMENTS`` after some code, here or on another host."""
    script = f"{code}{_SOON}\nfrom orchestrator.cli import main\nmain()\n"
    return subprocess.Popen(
        [*(ELSEWHERE if elsewhere else ()), sys.executable, "-c", script, *arguments],
        cwd=project.directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def successor(project: Project, *options: str, code: str = "") -> subprocess.Popen[str]:
    return controller(project, "run", "--continue", str(project.runs[0]), *options, code=code, elsewhere=True)


def wrong_clock(ahead: float, file: Path, boot: str = "") -> str:
    return _CLOCK.format(ahead=ahead, wrong=str(file), boot=boot)


def left_to_its_successor(first: subprocess.Popen[str]) -> None:
    """Wake a controller, which is to find that it was succeeded."""
    first.send_signal(signal.SIGCONT)
    out, err = first.communicate(timeout=60)
    assert first.returncode == 3, out + err
    assert "another controller has taken this run over" in err
    assert "Traceback" not in out + err


def written(project: Project, generation: int) -> dict[str, bytes]:
    """What controllers have written of a generation, except notes on the queue."""
    folder = project.runs[0] / "generations" / str(generation)
    files = [*folder.glob("*.jsonl"), *folder.glob("results/*"), *folder.glob("*/*/offspring.json")]
    return {str(path): path.read_bytes() for path in [*files, project.runs[0] / "checkpoint.h5"]}


def test_a_controller_that_slept_past_its_deadline_leaves_the_run_to_its_successor(
    tmp_path: Path, undisturbed: Project
) -> None:
    """It used to wake and to write verdicts into the run that its successor was carrying out."""
    project, seconds = project_at(tmp_path, in_offspring(HELD, generation=1), timeout=25), 25.0
    first = controller(project, "run", CONFIG)
    wait_for(lambda: project.simulated == 8)
    began = time.monotonic()
    first.send_signal(signal.SIGSTOP)
    second = successor(project, "--set", "timeout=10m")
    wait_for(lambda: "took over 4 jobs" in log_of(project))
    wait_for(lambda: time.monotonic() - began > seconds + 1)
    before = written(project, 1)
    left_to_its_successor(first)
    assert written(project, 1) == before
    assert not results_of(project, 1)
    let_go(project)
    finished(second)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


def test_a_controller_that_slept_inside_a_submission_leaves_the_run_to_its_successor(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its jobs are accepted in the end, but get no work; its successor's do."""
    held = 'if [ "$N" -eq 2 ]; then touch "$0.held"; while [ ! -e "$0.go" ]; do sleep 0.1; done; fi'
    bin_ = disguised(tmp_path / "bin", "sbatch", held)
    monkeypatch.setenv("PATH", f"{bin_}{os.pathsep}{os.environ['PATH']}")
    seconds = in_offspring(HELD, generation=1).replace("/1/simulation", "/2/simulation")  # the successor's attempts
    project = project_at(tmp_path / "model", seconds)
    first = controller(project, "run", CONFIG)
    wait_for((bin_ / "sbatch.held").exists)
    first.send_signal(signal.SIGSTOP)
    second = successor(project)
    wait_for(lambda: project.simulated == 8)
    own = {row[0] for row in jobs_of(cluster, project) if "-g1-" in row[2]}
    (bin_ / "sbatch.go").touch()
    wait_for(lambda: len({row[0] for row in jobs_of(cluster, project) if "-g1-" in row[2]}) == len(own) + 4)
    before = written(project, 1)
    left_to_its_successor(first)
    assert written(project, 1) == before
    let_go(project)
    finished(second)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_a_jump_of_the_controllers_clock_ends_nothing_and_delays_nothing(
    tmp_path: Path, undisturbed: Project, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    bin_ = disguised(tmp_path / "bin", "squeue", "")
    monkeypatch.setenv("PATH", f"{bin_}{os.pathsep}{os.environ['PATH']}")
    project, wrong = project_at(tmp_path / "model", in_offspring(HELD, generation=1)), tmp_path / "wrong"
    process = controller(project, "run", CONFIG, code=wrong_clock(ahead, wrong))
    wait_for(lambda: project.simulated == 8)
    wrong.touch()
    looks = calls_of(bin_, "squeue")
    wait_for(lambda: calls_of(bin_, "squeue") >= looks + 2, 30)  # it goes on asking
    let_go(project)
    finished(process)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_a_run_is_continued_on_a_host_whose_clock_is_wrong(tmp_path: Path, undisturbed: Project, ahead: float) -> None:
    """Where a living controller is not displaced, a dead one is, and its jobs are not late."""
    project, wrong = project_at(tmp_path, in_offspring(HELD, generation=1)), tmp_path / "wrong"
    wrong.touch()
    there = wrong_clock(ahead, wrong, boot="another")
    first = controller(project, "run", CONFIG)
    wait_for(lambda: project.simulated == 8)
    refused = successor(project, code=there)
    out, err = refused.communicate(timeout=60)
    assert refused.returncode == 2, out + err
    assert f"is in use by the controller on {os.uname().nodename} (process {first.pid}" in err
    first.kill()
    first.communicate()
    second = successor(project, code=there)
    wait_for(lambda: "took over 4 jobs" in log_of(project))
    let_go(project)
    finished(second)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
