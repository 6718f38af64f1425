"""The tool that runs all tests side by side: one summary, one exit code, nothing left when it is interrupted."""

from __future__ import annotations

import sys
import time

import pytest
import suites
from suites import Suite

ALL_SUITES = (suites.CORE, suites.IN_PROCESS, suites.WAITING, suites.COMPUTING)


def printing(text: str, code: int = 0, seconds: float = 0.0) -> tuple[str, ...]:
    program = f"import sys, time; print({text!r}, flush=True); time.sleep({seconds}); sys.exit({code})"
    return (sys.executable, "-I", "-S", "-c", program)


def test_the_summary_is_that_of_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    both = [
        Suite("one", printing("=== 3 passed, 2 skipped, 7 deselected in 1.00s ===")),
        Suite("other", printing("= 1 failed, 4 passed, 9 deselected, 1 error in 75.00s (0:01:15) =", 1)),
    ]
    suites.run(both)
    shown = capsys.readouterr().out
    assert shown.index("3 passed") < shown.index(" other ") < shown.index("4 passed")
    assert suites.summary(both, 80.0).strip("= ") == "1 failed, 7 passed, 2 skipped, 1 error in 80.00s"


def test_one_that_comes_after_another_begins_when_that_has_ended_however_it_did(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = Suite("before", printing("", seconds=60))
    after = Suite("after", printing("=== 3 passed in 1.00s ==="), after=before)
    after.stop()
    assert after.code is None, "it had begun"
    before.stop()
    suites.run([before, after])
    assert before.code != 0
    assert after.code == 0
    assert "3 passed" in capsys.readouterr().out


def test_a_run_that_does_not_come_to_its_end_is_an_error() -> None:
    broken = [Suite("one", printing("=== 3 passed in 1.00s ===")), Suite("other", printing("killed", -9 % 256))]
    suites.run(broken)
    assert "3 passed, 1 error" in suites.summary(broken, 1.0)


def test_an_interruption_ends_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Suite("one", printing("", seconds=60))
    others = [Suite("other", printing("", seconds=60)), Suite("later", printing(""), after=one)]

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(suites.time, "sleep", interrupted)
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        suites.run([one, *others])
    assert time.monotonic() - begin < 30
    assert [suite.code is None for suite in (one, *others)] == [False, False, True]


def test_every_test_is_in_one_of_the_suites() -> None:
    """Whatever its marks are."""
    marks = (
        "slurm",
        "methods",
        "commands",
        "drawing",
        "hostile",
        "reference",
        "run",
        "mozaik",
        "simulators",
        "browser",
        "notebooks",
    )
    for n in range(2 ** len(marks)):
        own = {mark: bool(n >> k & 1) for k, mark in enumerate(marks)}
        chosen = [eval(suite, {}, own) for suite in ALL_SUITES]
        assert sum(map(bool, chosen)) == 1, own
