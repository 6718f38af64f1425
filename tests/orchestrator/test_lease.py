"""One controller per run, whatever became of the one before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from orchestrator_project import wait_for

from orchestrator import lease as module
from orchestrator.errors import Stopped, UsageError
from orchestrator.lease import controller_jobs, holder_of, is_held, only_controller, run_of_restarted_job
from orchestrator.lock import Lock, tokens
from orchestrator.paths import RunPaths
from orchestrator.processes import this_process

# dead or asleep: that takes seconds to know
pytestmark = pytest.mark.run

HOLD = """
import sys, time
from pathlib import Path
from orchestrator.lease import only_controller
from orchestrator.paths import RunPaths
with only_controller(RunPaths(Path(sys.argv[1])), "77"):
    print("held", flush=True)
    time.sleep(100)
"""


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    return RunPaths(tmp_path)


@pytest.fixture
def holder(paths: RunPaths) -> Iterator[subprocess.Popen[str]]:
    """A controller in another process."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, paths.directory], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def set_age(paths: RunPaths, age: float) -> None:
    """Make the lock look as if it had not been renewed for so many s."""
    (token,) = tokens(paths.lock)
    when = time.time() - age
    os.utime(token.path, (when, when))


def on_another_machine(paths: RunPaths) -> None:
    """Make the record say that the holder is not from here."""
    paths.holder.write_text(json.dumps({**holder_of(paths), "boot": "another", "host": "far"}))


def test_the_lock_is_given_back(paths: RunPaths) -> None:
    for _ in range(2):
        assert not is_held(paths)
        with only_controller(paths, "5"):
            assert is_held(paths)
            assert holder_of(paths)["job"] == "5"
    assert sorted(path.name for path in paths.directory.iterdir()) == ["controller.json"]


def test_all_jobs_that_held_the_lock_are_remembered(paths: RunPaths) -> None:
    """One of them may be queued again, and start after somebody else has gone on."""
    for job in ("5", "", "7", "5"):
        with only_controller(paths, job):
            assert holder_of(paths)["job"] == job
    assert controller_jobs(paths) == ["5", "7"]
    record = holder_of(paths)
    paths.holder.write_text(json.dumps({"job": record["job"]}))  # as earlier versions wrote it
    assert controller_jobs(paths) == ["5"]
    paths.holder.write_text(json.dumps(record))
    restarted = {"SLURM_JOB_ID": "5", "SLURM_RESTART_COUNT": "1"}
    run = RunPaths(paths.directory / "20261120-100000_Optimization")
    run.directory.mkdir()
    paths.holder.rename(run.holder)
    run.checkpoint.touch()
    assert run_of_restarted_job(paths.directory, restarted) == run
    assert run_of_restarted_job(paths.directory, {**restarted, "SLURM_JOB_ID": "6"}) is None
    assert run_of_restarted_job(paths.directory, {**restarted, "SLURM_RESTART_COUNT": "0"}) is None


def test_a_second_one_is_told_at_once_who_holds_it(paths: RunPaths, holder: subprocess.Popen[str]) -> None:
    begin = time.monotonic()
    with pytest.raises(UsageError, match=rf"controller on \S+ \(process {holder.pid}, SLURM job 77, since"):
        only_controller(paths).__enter__()
    assert time.monotonic() - begin < 5
    assert holder.poll() is None


def test_one_that_was_killed_on_this_machine_is_known_to_be_dead(
    paths: RunPaths, holder: subprocess.Popen[str]
) -> None:
    holder.kill()  # and not waited for: a zombie is dead as well
    wait_for(lambda: not is_held(paths))
    with only_controller(paths) as lease:
        lease.confirm()
        assert holder_of(paths)["pid"] == os.getpid()
    assert not list(paths.directory.glob("controller.lock*"))


def test_one_that_lives_on_another_machine_is_recognised_by_its_next_sign_of_life(
    paths: RunPaths, holder: subprocess.Popen[str]
) -> None:
    on_another_machine(paths)
    said: list[str] = []
    with pytest.raises(UsageError, match="in use by the controller on far"):
        only_controller(paths, say=said.append).__enter__()
    assert said[0].startswith("Waiting for a sign of life of the controller on far")
    assert len(said) == 1


def test_one_that_is_silent_on_another_machine_is_waited_for_and_replaced(
    paths: RunPaths, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_another_machine(paths)
    holder.kill()
    # as if it had been silent for almost as long as it may be
    monkeypatch.setattr(module, "_WATCHED", 0.0)
    set_age(paths, module.LIFETIME - 1)
    said: list[str] = []
    assert is_held(paths)
    with only_controller(paths, say=said.append):
        assert holder_of(paths)["pid"] == os.getpid()
    assert len(said) == 1
    assert not tokens(paths.lock)


def test_the_record_of_an_earlier_holder_says_nothing_of_this_one(
    paths: RunPaths, holder: subprocess.Popen[str]
) -> None:
    """The record is written after the lock is taken."""
    paths.holder.write_text(json.dumps({**this_process(), "pid": 2**22 + 1, "job": ""}))
    assert is_held(paths)


def test_a_requeued_controller_waits_for_its_former_self(
    paths: RunPaths, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    threading.Timer(2.0, holder.kill).start()
    with only_controller(paths, "77"):
        assert holder_of(paths)["pid"] == os.getpid()
    assert holder.poll() is not None


def test_one_that_slept_too_long_learns_that_it_was_replaced(paths: RunPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RENEWAL", 0.1)
    lost = threading.Event()
    with only_controller(paths) as lease:
        lease.call_on_loss(lost.set)
        lease.confirm()
        (token,) = tokens(paths.lock)
        Lock(paths.lock).take_over([token])
        assert lost.wait(10)
        with pytest.raises(Stopped, match="another controller has taken this run over"):
            lease.confirm()
