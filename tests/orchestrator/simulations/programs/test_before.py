"""What is prepared once: by one job, whole or not at all, again if something in it changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from program_jobs import attempt_of, simulated

from orchestrator.lock import tokens
from orchestrator.records import Outcome
from orchestrator.simulations import SimulationFailed
from orchestrator.simulations.programs import before
from orchestrator.simulations.registry import simulation_options

MAKE = ["echo made >> $ORCHESTRATOR_MODEL_DIR/made", 'cat "$ORCHESTRATOR_MODEL_DIR/part.c" > program']


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "part.c").write_text("first")
    return tmp_path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who wait look often."""
    monkeypatch.setattr(before, "_PAUSES", (0.02, 0.02))


def section(**changes: Any) -> dict[str, Any]:
    return {"command": "cp {prepared}/program .", "before": {"run": MAKE, "inputs": ["*.c"], **changes}}


def made(model: Path) -> int:
    """How often it was made."""
    file = model / "made"
    return file.read_text().count("made") if file.exists() else 0


def processes(number: int) -> ProcessPoolExecutor:
    """Jobs at once; each is a process, because only in a main thread signals can be caught."""
    return ProcessPoolExecutor(number, mp_context=get_context("fork"))


def prepared(model: Path, number: int, options: dict[str, Any]) -> Path:
    found = before.prepared(simulation_options({"type": "command", **options}, model), model, attempt_of(model, number))
    assert found is not None
    return found


def why_not(model: Path, options: dict[str, Any], number: int) -> str:
    with pytest.raises(SimulationFailed) as caught:
        prepared(model, number, options)
    return str(caught.value)


def test_simulations_find_what_was_prepared_once(model: Path) -> None:
    for number in (1, 2, 3):
        found = simulated(model, section(), attempt_of(model, number))
        assert (found / "program").read_text() == "first"
    assert made(model) == 1


def test_it_is_prepared_again_if_its_inputs_or_lines_change_and_only_then(model: Path) -> None:
    first = prepared(model, 1, section())
    (model / "part.c").write_text("second")
    second = prepared(model, 2, section())
    assert (second / "program").read_text() == "second"
    prepared(model, 3, {**section(run=[*MAKE, "true"])})
    prepared(model, 4, {**section(), "setup": ["true"]})
    assert made(model) == 4
    (model / "part.c").write_text("first")
    assert prepared(model, 5, {**section(), "command": "other", "threads": 2}) == first
    assert made(model) == 4


def test_once_for_each_node_has_the_nodes_name(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepared(model, 1, section(per="node"))
    monkeypatch.setattr("socket.gethostname", lambda: "w17")
    assert prepared(model, 2, section(per="node")) != first
    assert made(model) == 2


@pytest.mark.usefixtures("quick")
def test_jobs_that_start_at_once_prepare_it_once_and_see_it_whole(model: Path) -> None:
    slow = section(run=["echo half > program", "sleep 0.3", *MAKE])
    with processes(4) as pool:
        found = list(pool.map(partial(prepared, model, options=slow), range(1, 5)))
        assert [(each / "program").read_text() for each in found] == ["first"] * 4
    assert (len(set(found)), made(model)) == (1, 1)
    assert tokens(found[0].parent / "lock") == []


@pytest.mark.run
@pytest.mark.usefixtures("quick")
def test_what_a_killed_builder_has_left_is_prepared_by_the_next(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = section(run=["[ ! -e $ORCHESTRATOR_MODEL_DIR/hang ] || { echo half > program; sleep 60; }", *MAKE])
    (model / "hang").touch()
    code = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "from pathlib import Path\nfrom program_jobs import simulated\nimport test_before\n"
        f"simulated(Path({str(model)!r}), {options!r})\n"
    )
    tests = Path(__file__).parent
    process = subprocess.Popen([sys.executable, "-c", code, str(tests.parents[2]), str(tests)])
    try:
        until = time.monotonic() + 30
        while not list(model.glob("run_Optimization/prepared/*/*/program")):
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    (model / "hang").unlink()
    monkeypatch.setattr(before, "_DEAD", 0.1)
    found = prepared(model, 2, options)
    assert (found / "program").read_text() == "first"
    assert made(model) == 1


@pytest.mark.usefixtures("quick")
def test_a_builder_that_is_alive_is_waited_for(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(before, "_RENEW", 0.02)
    monkeypatch.setattr(before, "_DEAD", 0.3)
    slow = section(run=["sleep 0.6", *MAKE])
    with processes(2) as pool:
        list(pool.map(partial(prepared, model, options=slow), (1, 2)))
    assert made(model) == 1


def test_what_cannot_be_prepared_is_no_fault_of_the_parameters(model: Path) -> None:
    failing = section(run=["echo syntax error in part.c >&2", "false", *MAKE])
    for number in (1, 2):  # a later job tries again
        attempt = attempt_of(model, number)
        with pytest.raises(SimulationFailed) as caught:
            simulated(model, failing, attempt)
        assert caught.value.outcome is Outcome.LAUNCH_FAILED
        said = "simulation.before ended with exit code 1: simulation.before.run, line 2: exit code 1 from: false"
        assert said in str(caught.value)
        assert "syntax error in part.c" in attempt.log.read_text()
        assert not attempt.simulation.exists()


@pytest.mark.usefixtures("quick")
def test_those_who_have_waited_in_vain_are_told_why(model: Path) -> None:
    failing = section(run=["echo tried >> $ORCHESTRATOR_MODEL_DIR/made", "sleep 0.5", "false"])
    with processes(3) as pool:
        said = list(pool.map(partial(why_not, model, failing), (1, 2, 3)))
    assert all("line 3: exit code 1 from: false" in each for each in said)
    assert sum("(in the job of " in each for each in said) == 2
    assert (model / "made").read_text() == "tried\n"


@pytest.mark.usefixtures("quick")
def test_a_builder_that_was_killed_by_somebody_leaves_the_next_to_try(model: Path) -> None:
    killed = section(run=["kill -9 $$"])
    with pytest.raises(SimulationFailed) as caught:
        prepared(model, 1, killed)
    assert caught.value.outcome is Outcome.CANCELLED
    (folder,) = (model / "run_Optimization/prepared").iterdir()
    assert not (folder / "failed").exists()


@pytest.mark.usefixtures("quick")
def test_what_was_removed_by_hand_is_prepared_again(model: Path) -> None:
    first = prepared(model, 1, section())
    for file in first.iterdir():
        file.unlink()
    first.rmdir()
    assert (prepared(model, 2, section()) / "program").read_text() == "first"
