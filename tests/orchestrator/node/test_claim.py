"""Who evaluates an attempt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from orchestrator.node.claim import claim, claimant, is_claimed
from orchestrator.processes import this_process

CLAIM = """
import sys
from pathlib import Path
from orchestrator.node.claim import claim
print("ready", flush=True)
sys.stdin.readline()
print(claim(Path(sys.argv[1])), flush=True)
sys.stdin.readline()
"""


def process_that_claims(directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.run
def test_one_of_many_processes_gets_the_attempt(tmp_path: Path) -> None:
    processes = [process_that_claims(tmp_path) for _ in range(4)]
    try:
        assert [said(process) for process in processes] == ["ready"] * 4
        assert not is_claimed(tmp_path)
        for process in processes:
            tell(process)
        answers = [said(process) for process in processes]
        assert sorted(answers) == ["False"] * 3 + ["True"]
        assert is_claimed(tmp_path)
        winner = processes[answers.index("True")]
        found = claimant(tmp_path)
        assert found is not None
        assert found.pid == winner.pid
        assert [path.name for path in tmp_path.iterdir()] == ["claimed"]
        # a dead process keeps its claim until it is reaped and after it
        winner.kill()
        os.waitid(os.P_PID, winner.pid, os.WEXITED | os.WNOWAIT)
        assert psutil.Process(winner.pid).status() == psutil.STATUS_ZOMBIE
        assert claimant(tmp_path) is None
        winner.wait()
        assert claimant(tmp_path) is None
        assert is_claimed(tmp_path)
        assert not claim(tmp_path)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_the_same_process_does_not_claim_twice(tmp_path: Path) -> None:
    assert claim(tmp_path)
    assert not claim(tmp_path)
    found = claimant(tmp_path)
    assert found is not None
    assert found.pid == os.getpid()


def test_nobody_has_claimed_what_is_not_claimed(tmp_path: Path) -> None:
    assert not is_claimed(tmp_path)
    assert claimant(tmp_path) is None


def test_a_process_id_that_was_given_to_another_process_is_no_claim(tmp_path: Path) -> None:
    own = this_process()
    record = tmp_path / "claimed"
    record.write_text(json.dumps(own))
    assert claimant(tmp_path) is not None
    # started at another time, before a reboot, in another container
    for other in ({"created": own["created"] - 1}, {"boot": "another"}, {"namespace": "pid:[1]"}):
        record.write_text(json.dumps({**own, **other}))
        assert claimant(tmp_path) is None


@pytest.mark.parametrize("record", ["", '{"pid": 1', "{}", '{"pid": 4194305, "created": 1.0}'])
def test_a_claim_that_cannot_be_read_is_nobodys(tmp_path: Path, record: Any) -> None:
    (tmp_path / "claimed").write_text(record)
    assert claimant(tmp_path) is None
    assert is_claimed(tmp_path)
