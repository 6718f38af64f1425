"""A small project whose offspring are SLURM jobs, and what the tests of faults do to it."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from orchestrator_project import MODEL, Project, same, wait_for
from slurm_configuration import ClusterSettings
from slurm_processes import Process, end, processes, wait_until
from virtual_cluster import VirtualCluster

ROOT = Path(__file__).resolve().parents[1]
CONFIG = "param_optim/config_optimisation.yaml"
SLURM: dict[str, Any] = {"executor": "slurm", "jobs": {"poll_interval": 1, "result_grace": 2}}
# states of squeue in which a job has not ended
ALIVE = ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "STOPPED", "REQUEUED", "REQUEUE_HOLD")


def environment_of(cluster: VirtualCluster, *wrappers: Path) -> dict[str, str]:
    """Variables for a controller on this cluster, whose SLURM commands are first looked for in `wrappers`."""
    path = [*map(str, wrappers), str(Path(sys.executable).parent), cluster.environment()["PATH"]]
    return {"SLURM_CONF": str(cluster.conf), "PATH": os.pathsep.join(path)}


@contextmanager
def own_cluster(**settings: Any) -> Iterator[VirtualCluster]:
    """Run a cluster for one test, to be broken, or of other settings."""
    with VirtualCluster(tempfile.mkdtemp(prefix="slurm-"), ClusterSettings(**settings)) as own:
        yield own


def project_at(directory: Path, model: str = MODEL, **changes: Any) -> Project:
    return Project.create(directory, {**SLURM, **changes}, model, CONFIG)


def in_offspring(code: str, *, generation: int, index: int | None = None) -> str:
    """Return a model that does something more, before it sleeps, in the first attempt of one or all offspring."""
    own = f"generations/{generation}/{'*' if index is None else index}/1/simulation"
    where = f"directory.match({own!r})"
    return MODEL.replace("    time.sleep(", f"    if {where}:\n        {code}\n    time.sleep(")


# what offspring do that are to be hit by a fault: they go on once the test lets them
HELD = "while not (here / 'go').exists(): time.sleep(0.05)"


def let_go(project: Project) -> None:
    (project.directory / "go").touch()


def jobs_of(cluster: VirtualCluster, project: Project, *states: str) -> list[list[str]]:
    """Id, state, name, reason and index in its array of a run's jobs, read from SLURM."""
    names = ["".join(letter if letter.isalnum() else "-" for letter in run.name) for run in project.runs]
    answer = cluster.run("squeue", "-h", "-r", "-t", "all", "-o", "%i|%T|%j|%r|%K")
    rows = [line.split("|") for line in answer.splitlines()]
    return [row for row in rows if row[2].startswith(tuple(names)) and (not states or row[1] in states)]


def jobs_in(cluster: VirtualCluster, project: Project, generation: int, *states: str) -> list[str]:
    """Ids of the jobs of one generation, in the order of their offspring where all were submitted at once."""
    rows = [row for row in jobs_of(cluster, project, *states) if f"-g{generation}-" in row[2]]
    return [row[0] for row in sorted(rows, key=lambda row: int(row[4]) if row[4].isdigit() else 0)]


def log_of(project: Project) -> str:
    """Return what the controller of the only run has logged so far."""
    logs = [run / "controller.log" for run in project.runs]
    return logs[-1].read_text(encoding="utf-8") if logs and logs[-1].exists() else ""


def results_of(project: Project, generation: int) -> list[Path]:
    """Result files of one generation that is in flight."""
    return sorted(project.directory.glob(f"*_Optimization/generations/{generation}/results/*.json"))


def same_but_attempts(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two runs gave the same where some offspring had to be submitted again."""
    return same(one.drop(columns="attempts"), other.drop(columns="attempts"))


def finished(controller: subprocess.Popen[str]) -> str:
    """Wait for a controller's end, which is to be a good one; return what it printed."""
    out, err = controller.communicate(timeout=120)
    assert controller.returncode == 0, out + err
    assert "Traceback" not in out + err
    return out


# The controller killed between any two of its steps


@dataclass(frozen=True)
class Step:
    """A place in the program where a controller is killed, or kept waiting.

    Parameters
    ----------
    call : str
        The function, such as ``orchestrator.checkpoint:Checkpoint.append``.
    after : bool
        Whether that is after the function has done its work, or before.
    when : str
        Which call it is, a Python expression of the count of calls `n` from 1 and the arguments `args`.
    """

    call: str
    after: bool = False
    when: str = "n == 2"


_INTERRUPTED = """
import importlib, os, signal, sys, time
from pathlib import Path
call, after, when, gate = {call!r}, {after!r}, {when!r}, {gate!r}
module, _, name = call.partition(":")
owner = importlib.import_module(module)
*outer, name = name.split(".")
for each in outer:
    owner = getattr(owner, each)
original, calls = getattr(owner, name), []

def interrupt():
    if not gate:
        os.kill(os.getpid(), signal.SIGKILL)
    Path(gate).touch()
    while Path(gate).exists():
        time.sleep(0.02)

def wrapped(*args, **kwargs):
    calls.append(1)
    now = eval(when, globals(), dict(n=len(calls), args=args))
    if now and not after:
        interrupt()
    value = original(*args, **kwargs)
    if now and after:
        interrupt()
    return value

setattr(owner, name, wrapped)
from orchestrator.cli import main
main()
"""


def interrupted_at(
    project: Project, step: Step, *arguments: str, gate: Path | None = None, **environment: str
) -> subprocess.Popen[str]:
    """Start ``orchestrator ARGUMENTS``; at a step it kills itself, or creates the file `gate` and waits for its end."""
    script = _INTERRUPTED.format(call=step.call, after=step.after, when=step.when, gate=str(gate or ""))
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=project.directory,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def killed_at(project: Project, step: Step, *arguments: str, **environment: str) -> None:
    """Run ``orchestrator ARGUMENTS`` until it kills itself at a step."""
    process = interrupted_at(project, step, *arguments, **environment)
    out, err = process.communicate(timeout=180)
    assert process.returncode == -signal.SIGKILL, f"never came to {step}:\n{out}{err}"


# SLURM's commands in disguise


def disguised(folder: Path, name: str, script: str) -> Path:
    """Put a shell script before a command of SLURM, called ``"$REAL"`` in it; return the folder for PATH.

    The script finds the number of its call in ``$N``. ``<folder>/<name>.calls`` has a line for each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    head = f'#!/bin/sh\nREAL={shutil.which(name)}\necho call >> "$0.calls"\nN=$(wc -l < "$0.calls")\n'
    file.write_text(f'{head}{script}\nexec "$REAL" "$@"\n', encoding="utf-8")
    file.chmod(0o755)
    return folder


def calls_of(folder: Path, name: str) -> int:
    """How often a disguised command was called."""
    calls = folder / f"{name}.calls"
    return len(calls.read_text().splitlines()) if calls.exists() else 0


# What must not be left


def nothing_runs(cluster: VirtualCluster, project: Project, seconds: float = 60) -> None:
    """Make sure that no job or process of a project's runs is left, once SLURM has had time to end its jobs."""
    wait_until(lambda: not jobs_of(cluster, project, *ALIVE), seconds, interval=0.2)
    jobs = jobs_of(cluster, project, *ALIVE)
    wait_until(lambda: not processes_in(project.directory), seconds, interval=0.2)
    left = processes_in(project.directory)
    commands = [process.command() for process in left]
    # for the tests that come after this one
    if jobs:
        cluster.run("scancel", "--quiet", *(row[0] for row in jobs))
    end(left)
    assert (jobs, commands) == ([], []), f"left: jobs {jobs}, processes {commands}"


def nothing_left(cluster: VirtualCluster, project: Project, seconds: float = 60) -> None:
    """Make sure that no job, process or file of a project's runs is left."""
    nothing_runs(cluster, project, seconds)
    litter = [
        str(path.relative_to(project.directory))
        for run in project.runs
        for path in (*run.glob("generations/*"), *run.glob(".*"), *run.glob("*lock|*"))
    ]
    assert not litter, f"left: files {litter}"


def processes_in(directory: Path) -> list[Process]:
    """Processes that work in a directory, or name it in their command or environment."""
    found = []
    for process in processes():
        try:
            place = str(Path(f"/proc/{process.pid}/cwd").readlink())
        except OSError:
            place = ""
        words = (place, process.command(), *process.environment().values())
        if any(str(directory) in word for word in words):
            found.append(process)
    return found


def below(directory: Path) -> Iterator[Path]:
    """Files and folders in a directory, of which some may go away meanwhile."""
    for folder, folders, files in os.walk(directory):
        yield from (Path(folder, name) for name in (*folders, *files))


def public_files(directory: Path) -> Sequence[str]:
    """Files and folders in a directory that others than their owner may read, write or enter."""
    found = []
    for path in below(directory):
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if not stat.S_ISLNK(mode) and mode & 0o077:
            found.append(f"{path.relative_to(directory)}: {mode & 0o777:03o}")
    return found


__all__ = ["MODEL", "Project", "same", "wait_for"]
