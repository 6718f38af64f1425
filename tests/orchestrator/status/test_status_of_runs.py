"""`orchestrator status` beside real runs of a function."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest
from orchestrator_project import MODEL, Project, wait_for

from orchestrator.paths import RunPaths
from orchestrator.status import RunStatus, Watcher

pytestmark = pytest.mark.run

# a function that notes what a network would
NOTING = MODEL.replace(
    "    time.sleep(",
    """    progress = Path(directory).parent / "progress.jsonl"
    with progress.open("a") as file:
        for phase in ({"phase": "building"}, {"phase": "protocols", "step": 1, "steps": 3, "name": "Tuning"}):
            file.write(json.dumps({"time": time.time(), **phase}) + "\\n")
    time.sleep(""",
)
Spawn = Callable[..., "pexpect.spawn[str]"]


def status_of(project: Project) -> RunStatus:
    return Watcher(RunPaths(project.runs[0])).look()


def as_json(project: Project) -> dict[str, object]:
    found: dict[str, object] = json.loads(project.command("status", str(project.runs[0]), "--json"))
    return found


def has_run(project: Project) -> bool:
    return bool(project.runs) and (project.runs[0] / "checkpoint.h5").exists()


@pytest.fixture
def on_terminal() -> Iterator[Spawn]:
    """Start a command on a terminal of its own."""
    children: list[pexpect.spawn[str]] = []

    def start(project: Project, *arguments: str, **environment: str) -> pexpect.spawn[str]:
        child = pexpect.spawn(
            sys.executable,
            ["-c", "from orchestrator.cli import main; main()", *arguments],
            cwd=str(project.directory),
            env={**os.environ, "TERM": "xterm", **environment},
            dimensions=(40, 80),
            encoding="utf-8",
            timeout=60,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.close(force=True)


def test_status_at_every_moment_of_a_run(tmp_path: Path) -> None:
    project = Project.create(tmp_path, {"max_ngen": 6}, NOTING)
    controller = project.start("run", "config.yaml", TEST_SECONDS="0.2")
    wait_for(lambda: has_run(project))
    paths = RunPaths(project.runs[0])
    one, seen, phases = Watcher(paths), [], set()
    while controller.poll() is None:
        for watcher in (one, Watcher(paths)):
            status = watcher.look()
            assert not status.problems
            json.dumps(status.to_json(), allow_nan=False)
            seen.append((status.complete, status.generation.number if status.generation else -1))
            phases |= {each.phase for each in status.generation.offspring} if status.generation else set()
    assert controller.communicate()[1] == ""
    assert controller.returncode == 0
    assert [complete for complete, _ in seen] == sorted(complete for complete, _ in seen)
    assert all(number in (-1, complete) for complete, number in seen)
    assert "protocols" in phases
    status = one.look()
    assert (status.controller.state, status.complete, status.generation) == ("finished", 6, None)
    assert status.controller.reason == "max_ngen of 6 generations reached"
    assert status.best is not None
    assert status.best.total_score == project.frame()["total_score"].min()


def test_status_of_a_killed_and_of_a_cancelled_run(tmp_path: Path) -> None:
    project = Project.create(tmp_path, {}, NOTING)
    controller = project.start("run", "config.yaml", TEST_SECONDS="100")
    wait_for(lambda: project.simulated == 2)
    alive = status_of(project).controller
    assert (alive.state, alive.pid) == ("alive", controller.pid)
    controller.kill()
    controller.wait(30)
    dead = as_json(project)
    assert dead["controller"]["state"] == "dead"  # type: ignore[index]
    assert dead["generation"]["counts"]["running"] == 2  # type: ignore[index]
    said = project.command("status", str(project.runs[0] / "checkpoint.h5"))
    assert f"died: process {controller.pid}" in said
    assert f"orchestrator run --continue {project.runs[0]}" in said.splitlines()[-1]
    assert "2 in protocols (1 of 3)" in said
    project.command("cancel", str(project.runs[0]))
    assert "cancelled" in project.command("status", str(project.runs[0]))


def test_status_of_a_stopped_run(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    controller = project.start("run", "config.yaml", TEST_SECONDS="100")
    wait_for(lambda: project.simulated == 2)
    controller.send_signal(signal.SIGTERM)
    controller.communicate(timeout=60)
    found = status_of(project)
    assert (found.controller.state, found.controller.reason) == ("stopped", "stopped in generation 0")
    assert found.generation is not None
    assert not found.generation.in_flight


def test_status_of_what_is_no_run_is_one_message(tmp_path: Path) -> None:
    said = Project.create(tmp_path).command("status", "nowhere", code=2)
    assert "nowhere: is not a run directory" in said


def test_json_lines_of_a_run(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    controller = project.start("run", "config.yaml", "--log-format", "json", TEST_SECONDS="1.5")
    out, err = controller.communicate(timeout=60)
    assert (controller.returncode, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert all({"time", "level", "message"} <= line.keys() for line in lines)
    assert {"status", "done"} <= {line.get("event") for line in lines}
    assert any("generation 1 done" in line["message"] for line in lines)
    assert lines[-1]["run"] == str(project.runs[0])


def test_a_batch_log_tells_the_state_in_lines(tmp_path: Path) -> None:
    project = Project.create(tmp_path, {"max_ngen": 1})
    out = project.command("run", "config.yaml", TEST_SECONDS="3")  # somebody looks every two seconds
    states = [line for line in out.splitlines() if " INFO    generation 0: " in line and ("queued" in line)]
    assert states
    assert "\x1b" not in out


def test_the_terminal_shows_the_run(tmp_path: Path, on_terminal: Spawn) -> None:
    project = Project.create(tmp_path, {}, NOTING)
    child = on_terminal(project, "run", "config.yaml", TEST_SECONDS="4")
    child.expect("0 in flight, 0 of 2 complete")
    child.expect("running")
    child.expect("in protocols")
    child.expect("not known before a generation ends")
    child.expect("at the start")
    child.expect("generations reached")
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 0


def test_watching_on_a_terminal_until_ctrl_c(tmp_path: Path, on_terminal: Spawn) -> None:
    project = Project.create(tmp_path, {}, NOTING)
    controller = project.start("run", "config.yaml", TEST_SECONDS="100")
    try:
        wait_for(lambda: project.simulated == 2)
        child = on_terminal(project, "status", str(project.runs[0]), "--watch")
        child.expect("alive: process")
        child.expect("2 running")
        child.setwinsize(20, 40)
        controller.send_signal(signal.SIGTERM)
        child.expect("stopped")
        child.sendintr()
        child.expect("To go on")
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 0
    finally:
        controller.terminate()
        controller.communicate(timeout=60)


def test_watching_as_json_lines(tmp_path: Path) -> None:
    project = Project.create(tmp_path, {}, NOTING)
    controller = project.start("run", "config.yaml", TEST_SECONDS="1")
    wait_for(lambda: has_run(project))
    watching = project.start("status", str(project.runs[0]), "--watch", "--json")
    lines: list[dict[str, object]] = []

    def read() -> None:
        for line in watching.stdout or ():
            lines.append(json.loads(line))

    reader = threading.Thread(target=read)
    reader.start()
    wait_for(lambda: lines and lines[-1]["controller"]["state"] == "finished")  # type: ignore[index]
    watching.send_signal(signal.SIGINT)
    reader.join(30)
    assert watching.wait(30) == 0
    controller.communicate(timeout=60)
    assert len(lines) > 1
