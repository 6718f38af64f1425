"""Cancelling ends what is verifiably of the run, whatever the files of its directory name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from in_process import command
from orchestrator_project import Project, wait_for
from run_on_disk import GenerationOnDisk, RunOnDisk

from orchestrator.checking.problems import load_checked_config
from orchestrator.errors import UsageError
from orchestrator.lease import is_held, only_controller
from orchestrator.paths import RunPaths
from orchestrator.processes import this_process, was_started_with, writes_to
from orchestrator.run.cancel import cancel_run
from orchestrator.run.signals import stopped_by
from orchestrator.run.start import create_run


def run_in(directory: Path, **changes: object) -> RunPaths:
    """Return a new run of a model in a directory."""
    project = Project.create(directory, changes)
    paths = RunPaths(directory / "20261126-100000_Optimization")
    paths.directory.mkdir()
    create_run(load_checked_config(project.config), paths)
    return paths


def on_disk(paths: RunPaths) -> RunOnDisk:
    """Return what writes the records of a controller into a run's directory."""
    files = RunOnDisk.__new__(RunOnDisk)
    files.paths = paths
    return files


@pytest.fixture
def unrelated() -> Iterator[psutil.Process]:
    """A process of this user that has nothing to do with the run."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = psutil.Process(child.pid)
    wait_for(lambda: bool(process.cmdline()))  # for a moment a new program has none
    yield process
    child.kill()
    child.communicate()


def record_of(process: psutil.Process) -> dict[str, object]:
    return {**this_process(), "pid": process.pid, "created": process.create_time()}


class Slurm:
    """Commands of SLURM that know some jobs and keep what they were asked."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch):
        self._log = directory / "asked"
        self._jobs = directory / "jobs"
        self._jobs.write_text("")
        for name in ("squeue", "scancel", "sbatch", "srun", "scontrol"):
            script = directory / name
            there = f"*--clusters=gpu*%i*) cat {self._jobs}.gpu;;"
            answer = f'case "$*" in {there} *%i*) cat {self._jobs};; esac' if name == "squeue" else ""
            script.write_text(f'#!/bin/sh\necho "{name} $*" >> {self._log}\n{answer}\n')
            script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")

    def has(self, job_id: str, name: str, directory: Path, cluster: str = "") -> None:
        with self._jobs.with_suffix(cluster and f".{cluster}").open("a") as file:
            file.write(f"{job_id}|{name}|{directory}|{directory}/script.sh\n")

    @property
    def cancelled(self) -> list[str]:
        asked = self._log.read_text().splitlines() if self._log.exists() else []
        return [line for line in asked if line.startswith("scancel")]


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    directory = tmp_path / "bin"
    directory.mkdir()
    return Slurm(directory, monkeypatch)


def test_an_unrelated_process_that_a_run_directory_names_as_its_controller_lives_on(
    tmp_path: Path, unrelated: psutil.Process
) -> None:
    run = run_in(tmp_path / "model")
    on_disk(run).holder(**record_of(unrelated))
    on_disk(run).lock(pid=unrelated.pid)
    done = command("cancel", str(run.directory), cwd=tmp_path)
    assert done.returncode == 2
    assert f"{run.holder}: expected the controller of this run, got process {unrelated.pid}" in done.stderr
    (lock,) = run.directory.glob(f"{run.lock.name}|*")
    assert f"remove '{lock.name}' and controller.json if there is none" in " ".join(done.stderr.split())
    assert unrelated.is_running()


# holds a run until Ctrl-C, and goes on
GUEST = """
import glob, os, signal, sys
log = open(sys.argv[1], "a")
signal.signal(signal.SIGINT, lambda *_: [os.unlink(lock) for lock in glob.glob(sys.argv[2] + "|*")])
print("ready", flush=True)
print("went on" + input(), flush=True)
"""


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[tuple[RunPaths, subprocess.Popen[str]]]:
    """A run, and a program of the user's that carries it out as `optimise` does."""
    run = run_in(tmp_path / "model")
    code = [sys.executable, "-c", GUEST, str(run.log), str(run.lock)]
    child = subprocess.Popen(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    on_disk(run).lock(pid=child.pid)
    yield run, child
    child.kill()
    child.communicate()


def test_a_program_or_a_kernel_in_which_a_run_is_cancelled_goes_on(
    guest: tuple[RunPaths, subprocess.Popen[str]],
) -> None:
    run, child = guest
    on_disk(run).holder(**record_of(psutil.Process(child.pid)), stopped_by="SIGINT")
    assert cancel_run(run, print) == 0
    assert child.communicate("\n") == ("went on\n", None)


def test_nobody_interrupts_a_program_of_which_a_thread_carries_a_run_out(
    guest: tuple[RunPaths, subprocess.Popen[str]],
) -> None:
    run, child = guest
    on_disk(run).holder(**record_of(psutil.Process(child.pid)), stopped_by="")
    with pytest.raises(UsageError, match=f"process {child.pid}, a program of yours, .* in a thread, so end that"):
        cancel_run(run, print)
    assert is_held(run)
    assert child.communicate("\n") == ("went on\n", None)


@pytest.mark.parametrize(("stops", "words"), [("SIGINT", "press Ctrl-C"), ("", "end that program")])
def test_a_program_that_cancels_its_own_run_does_not_end_itself(tmp_path: Path, stops: str, words: str) -> None:
    run = run_in(tmp_path / "model")
    with run.log.open("a"), only_controller(run, stopped_by=stops):
        with pytest.raises(UsageError, match=f"this process itself carries it out: .*{words}"):
            cancel_run(run, print)
        assert is_held(run)


def test_a_job_of_slurm_in_which_a_script_carries_a_run_out_is_not_ended(tmp_path: Path, slurm: Slurm) -> None:
    run = run_in(tmp_path / "model", executor="slurm")
    slurm.has("17", "thesis", tmp_path / "model")
    on_disk(run).holder(job="17", host="n3", boot="another", stopped_by="SIGINT")
    on_disk(run).lock()
    with pytest.raises(UsageError, match=r"in SLURM job 17 on n3 .* cancel the run from there, or .* scancel 17"):
        cancel_run(run, print)
    assert slurm.cancelled == []


def test_who_asks_a_guest_to_stop_knows_what_it_hears() -> None:
    assert (stopped_by(as_guest=False), stopped_by(as_guest=True)) == ("SIGTERM", "SIGINT")
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(stopped_by(as_guest=True)))
    thread.start()
    thread.join()
    assert found == [""]


def test_a_log_that_is_a_link_to_what_another_process_writes_makes_no_controller_of_it(
    tmp_path: Path, unrelated: psutil.Process
) -> None:
    log, link = tmp_path / "log", tmp_path / "controller.log"
    with log.open("a"):
        link.symlink_to(log)
        assert writes_to(psutil.Process(), log)
        assert not writes_to(psutil.Process(), link)
    with log.open():
        assert not writes_to(psutil.Process(), log)
    assert was_started_with(unrelated, Path("input()"))
    assert not was_started_with(unrelated, log)


def test_an_unrelated_pending_job_that_a_run_directory_names_stays_in_the_queue(tmp_path: Path, slurm: Slurm) -> None:
    run = run_in(tmp_path / "model", executor="slurm")
    slurm.has("17", "thesis", tmp_path / "elsewhere")
    slurm.has("18", "optimisation", tmp_path / "model")
    on_disk(run).holder(job="17", jobs=["17", "18", "19", "--partition=main"], pid=1)
    done = command("cancel", str(run.directory), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert slurm.cancelled == [f"scancel --user={os.getuid()} --state=PENDING 18"]
    assert f"job 17 (thesis in {tmp_path / 'elsewhere'}) is named by {run.directory}" in done.stdout
    assert "left alone" in done.stdout


@pytest.mark.parametrize("cluster", ["", "gpu"])
def test_jobs_of_another_run_that_a_journal_names_go_on(tmp_path: Path, slurm: Slurm, cluster: str) -> None:
    """A copied directory has the journal of the original, whose jobs work in the original."""
    extra = {"slurm": {"extra": {"clusters": cluster}}} if cluster else {}
    original = run_in(tmp_path / "model", executor="slurm", **extra)
    generation = GenerationOnDisk(original.generation(0))
    executor = f"slurm on cluster {cluster}" if cluster else "slurm"
    generation.submit((0, 1), (1, 1), token=f"{original.job_name}-g0-12345678", executor=executor)
    generation.submit((2, 1), token="another-run-g0-12345678", executor=executor)
    slurm.has("7_0", f"{original.job_name}-g0-12345678", original.generation(0).submitit, cluster)
    copy = RunPaths(tmp_path / "copy" / original.directory.name)
    shutil.copytree(original.directory, copy.directory)
    done = command("cancel", str(copy.directory), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "job 7_0 (another-run-g0-12345678) is named by" in done.stdout
    assert not [asked for asked in slurm.cancelled if "7_[0" in asked or "another" in asked]
    done = command("cancel", str(original.directory), cwd=tmp_path)
    assert any(f"--name={original.job_name}-g0-12345678 7_[0,1]" in asked for asked in slurm.cancelled)


def test_an_unrelated_process_that_an_attempt_names_as_its_own_lives_on(
    tmp_path: Path, unrelated: psutil.Process
) -> None:
    run = run_in(tmp_path / "model")
    generation = GenerationOnDisk(run.generation(0))
    token = f"{run.job_name}-g0-12345678"
    generation.write("submitting", token=token, tasks=[[0, 1]], executor="local")
    generation.write("submitted", token=token, ids=[f"{token}-0"])
    attempt = run.generation(0).attempt(0, 1).directory
    attempt.mkdir(parents=True)
    (attempt / "claimed").write_text(json.dumps(record_of(unrelated)))
    command("cancel", str(run.directory), cwd=tmp_path)
    assert unrelated.is_running()


def test_a_configuration_that_cannot_be_read_does_not_keep_a_run_from_being_cancelled(tmp_path: Path) -> None:
    run = run_in(tmp_path / "model")
    run.config.write_text("- no: configuration\n")
    done = command("cancel", str(run.directory), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "The configuration in checkpoint.h5 is taken instead" in done.stdout
    assert "Ended 0 jobs" in done.stdout
