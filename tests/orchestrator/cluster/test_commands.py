"""Commands end by themselves, at their time limit, or when the program is asked to stop; and say what went wrong."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from orchestrator.cluster.commands import (
    CommandFailed,
    NoAnswer,
    cancel_pending,
    finish,
    requeue_job,
    run_command,
)


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """Write a shell script and return its path."""

    def make(body: str) -> str:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return str(path)

    return make


def test_bytes_that_are_no_text_do_not_end_the_watch(program: Callable[[str], str]) -> None:
    assert run_command([program(r"printf '76|N/A|RUNNING|\377\374\n'")]) == "76|N/A|RUNNING|\ufffd\ufffd\n"
    with pytest.raises(CommandFailed, match="bad \ufffd"):
        run_command([program(r"printf 'bad \377' >&2; exit 1")])


def test_a_command_that_fails_says_why(program: Callable[[str], str], tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="slurm_load_jobs error: Invalid job id specified"):
        run_command([program("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")])
    with pytest.raises(CommandFailed, match="returned non-zero exit status 3"):
        run_command([program("exit 3")])
    with pytest.raises(CommandFailed, match="No such file"):
        run_command([str(tmp_path / "none")])
    with pytest.raises(NoAnswer, match="no answer within 0 s"):
        run_command([program("exec sleep 20")], 0.2)


# a site's own script, which waits for SLURM's command with its output open
HANGING = """sleep 60 &
echo $! > "$0.pid"
wait"""


def hanging(path: str) -> psutil.Process:
    return psutil.Process(int(Path(f"{path}.pid").read_text()))


def test_at_its_limit_a_script_is_ended_with_what_it_has_started(program: Callable[[str], str]) -> None:
    path = program(HANGING)
    begin = time.monotonic()
    with pytest.raises(NoAnswer, match="no answer within 1 s"):
        run_command([path], 0.6)
    assert time.monotonic() - begin < 5
    with pytest.raises(psutil.NoSuchProcess):
        hanging(path).wait(5)
        hanging(path)


def test_what_leaves_its_session_does_not_keep_the_program_waiting(program: Callable[[str], str]) -> None:
    path = program(HANGING.replace("sleep", "setsid sleep"))
    begin = time.monotonic()
    with pytest.raises(NoAnswer):
        run_command([path], 0.3)
    assert time.monotonic() - begin < 5
    hanging(path).kill()


def test_a_stop_ends_the_command_that_is_running(program: Callable[[str], str]) -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    begin = time.monotonic()
    with pytest.raises(NoAnswer, match="asked to stop"):
        run_command([program("exec sleep 60")], stop=stop)
    assert time.monotonic() - begin < 5


def test_a_stop_while_a_command_is_being_started_ends_it(
    program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine a process takes its time to begin."""
    stop, start = threading.Event(), subprocess.Popen

    def start_slowly(*arguments: Any, **options: Any) -> subprocess.Popen[str]:
        stop.set()
        return start(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", start_slowly)
    with pytest.raises(NoAnswer, match="asked to stop"):
        run_command([program("exec sleep 60")], stop=stop)


def test_what_is_done_after_a_stop_is_done(program: Callable[[str], str]) -> None:
    stop = threading.Event()
    stop.set()
    assert run_command([program("sleep 0.3; echo done")], stop=stop) == "done\n"
    with pytest.raises(NoAnswer, match="no answer within"):
        run_command([program("exec sleep 60")], 0.3, stop=stop)


def test_a_command_runs_to_its_end_whatever_its_code(program: Callable[[str], str], tmp_path: Path) -> None:
    done = finish([program("pwd; echo no >&2; exit 3")], 10, directory=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (3, f"{tmp_path.resolve()}\n", "no\n")


def test_orders_name_their_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scancel", "scontrol"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/asked\nexit 1\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    cancel_pending(["7", "8"])  # it fails if one of them has ended
    with pytest.raises(CommandFailed, match="scontrol returned non-zero exit status 1"):
        requeue_job("9")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == [f"scancel --user={os.getuid()} --state=PENDING 7 8", "scontrol requeue 9"]
