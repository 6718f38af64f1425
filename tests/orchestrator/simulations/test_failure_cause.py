"""Last lines of failed simulations, and who is to blame."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from orchestrator.records import Outcome
from orchestrator.simulations.failure_cause import cause_of, is_from_outside, telling_exit_code, told_exit_code
from orchestrator.simulations.programs.ending import ended_with


@pytest.mark.parametrize(
    "line",
    [
        "slurmstepd: error: Detected 1 oom_kill event in StepId=12.batch. Some of the step tasks have been OOM Killed.",
        "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=7.0 cgroup.",
        "terminate called after throwing an instance of 'std::bad_alloc'",
        "MemoryError",
        "MemoryError: Unable to allocate internal buffer.",
        "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 7.45 GiB for an array with shape (1000000000,)",
        "OSError: [Errno 12] Cannot allocate memory",
        "fork: Cannot allocate memory",
        "Out of memory: Killed process 1234 (python)",
    ],
)
def test_too_little_memory(line: str) -> None:
    assert cause_of(f"building the network\n{line}\nsrun: error: n1: task 0: Exited with exit code 1") is (
        Outcome.OUT_OF_MEMORY
    )


@pytest.mark.parametrize(
    "line",
    [
        "OSError: [Errno 28] No space left on device: '/scratch/run'",
        "OSError: [Errno 122] Disk quota exceeded",
        "cp: cannot stat 'x': Stale file handle",
        "cp: cannot stat 'x': Stale NFS file handle",
        "OSError: [Errno 5] Input/output error",
        "mkdir: cannot create directory: Read-only file system",
        "ls: cannot access: Transport endpoint is not connected",
    ],
)
def test_a_file_system_that_is_full_or_gone(line: str) -> None:
    assert cause_of(f"saving\n{line}\nTraceback follows") is Outcome.NODE_FAIL


@pytest.mark.parametrize(
    "log",
    [
        "",
        "Traceback (most recent call last):\nValueError: weight must be positive",
        "KeyError: 'memory'",
        "RuntimeError: the model ran out of neurons",
        "NESTError: BadProperty: Delay must be greater than or equal to resolution",
        "FileNotFoundError: [Errno 2] No such file or directory: 'V1.ini'",
        "memory in use: 12 GB",
        "raised MyMemoryError in a model that counts synapses",
    ],
)
def test_a_model_that_is_wrong_blames_nobody_else(log: str) -> None:
    assert cause_of(log) is None


@pytest.mark.parametrize(
    ("command", "code", "outside"),
    [
        ("true", 0, False),
        ("sh -c 'exit 3'", 3, False),
        ("sh -c 'kill -9 $$'", 137, True),
        ("sh -c 'kill -15 $$'", 143, True),
        ("sh -c 'kill -11 $$'", 139, False),
    ],
)
@pytest.mark.parametrize("before", ["", "set -e; "])
def test_the_exit_code_of_a_process_is_told_by_its_shell(command: str, code: int, outside: bool, before: str) -> None:
    script = ["/bin/sh", "-c", before + telling_exit_code(command)]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (done.returncode, told_exit_code(done.stderr), is_from_outside(code)) == (code, code, outside)


def test_a_shell_that_was_killed_as_well_has_told_nothing() -> None:
    assert told_exit_code("slurmstepd: error: *** JOB 7 CANCELLED ***\n") is None


@pytest.mark.parametrize(
    ("code", "own_limit", "started", "outcome"),
    [
        (137, False, True, Outcome.CANCELLED),  # it was OUT_OF_MEMORY: for whose memory the kernel kills is not known
        (-9, False, True, Outcome.CANCELLED),
        (137, False, False, Outcome.CANCELLED),  # not the node's fault
        (137, True, True, Outcome.OUT_OF_MEMORY),
        (139, True, True, Outcome.SIMULATION_ERROR),
        (1, False, True, Outcome.SIMULATION_ERROR),
        (1, False, False, Outcome.LAUNCH_FAILED),
    ],
)
def test_a_simulation_that_was_killed_from_outside_is_not_the_parameters_fault(
    code: int, own_limit: bool, started: bool, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.simulations.programs.ending.has_exceeded_limit", lambda: own_limit)
    log = Path("/no/such/log")
    assert ended_with(code, started=started, log=log).outcome is outcome
