"""Ctrl-C on a terminal: once, the jobs go on; twice, they are cancelled after a question."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest
from orchestrator_project import Project, wait_for
from slurm_project import ALIVE, CONFIG, jobs_of, nothing_runs, project_at
from virtual_cluster import VirtualCluster

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("on_cluster")]

Start = Callable[[Project], pexpect.spawn]


@pytest.fixture
def terminal(cluster: VirtualCluster) -> Iterator[Start]:
    """Start a run of long simulations on a terminal of its own."""
    children: list[pexpect.spawn] = []

    def start(project: Project) -> pexpect.spawn:
        code = "from orchestrator.cli import main; main()"
        child = pexpect.spawn(
            sys.executable,
            ["-c", code, "run", CONFIG],
            cwd=str(project.directory),
            env={**os.environ, "TEST_SECONDS": "100", "TERM": "xterm"},
            dimensions=(40, 200),
            encoding="utf-8",
            timeout=60,
        )
        children.append(child)
        wait_for(lambda: project.simulated == 4)
        return child

    yield start
    for child in children:
        child.close(force=True)


def end(child: pexpect.spawn) -> int:
    """Wait for the end; return the exit code."""
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus is not None
    return int(child.exitstatus)


@pytest.mark.parametrize("answer", ["y", "n"])
def test_the_second_ctrl_c_cancels_the_jobs_after_asking(
    cluster: VirtualCluster, tmp_path: Path, terminal: Start, answer: str
) -> None:
    project = project_at(tmp_path)
    child = terminal(project)
    child.sendintr()
    child.expect("The jobs in the queue go on; press Ctrl-C again to cancel them")
    assert len(jobs_of(cluster, project, *ALIVE)) == 4
    child.sendintr()
    child.expect("Cancel all jobs of this run")
    child.sendline(answer)
    child.expect("4 jobs were cancelled" if answer == "y" else "Its jobs go on")
    child.expect("orchestrator run --continue")
    assert end(child) == 3
    assert len(jobs_of(cluster, project, *ALIVE)) == (0 if answer == "y" else 4)
    if answer == "n":
        assert "Ended 4 jobs" in project.command("cancel", str(project.runs[0]))
    nothing_runs(cluster, project)


def test_one_ctrl_c_leaves_the_jobs_in_the_queue(cluster: VirtualCluster, tmp_path: Path, terminal: Start) -> None:
    project = project_at(tmp_path)
    child = terminal(project)
    child.sendintr()
    child.expect("Its jobs go on; continue with")
    assert end(child) == 3
    assert len(jobs_of(cluster, project, *ALIVE)) == 4
    project.command("cancel", str(project.runs[0]))
    nothing_runs(cluster, project)
