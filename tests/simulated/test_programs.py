"""Programs of the simulated world: real code that waits, writes and dies in it."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.files import append_json_line, read_json_lines, write_json
from simulated.hosts import Host
from simulated.patches import patched
from simulated.world import World

FOLDER = Path("/world/things")


def carried_out(*programs: Callable[[], object], world: World | None = None) -> World:
    """Let programs run, each on a host of its own, to their end."""
    world = world or World(1)
    world.files.put_folder(str(FOLDER))
    for number, program in enumerate(programs):
        world.scheduler.start(world.spawn(f"program {number}", Host(f"host{number}")), program)
    with patched(world):
        world.scheduler.run(lambda: False)
    return world


def test_waiting_costs_no_time_and_events_wake_up() -> None:
    seen: list[float] = []

    def program() -> None:
        over, begin = threading.Event(), time.monotonic()
        thread = threading.Thread(target=lambda: (time.sleep(3600), over.set()))
        thread.start()
        assert over.wait(7200)
        seen.append(time.monotonic() - begin)
        thread.join()

    carried_out(program)
    assert [round(seconds) for seconds in seen] == [3600]


def test_files_of_the_world_are_not_those_of_the_machine(tmp_path: Path) -> None:
    def program() -> None:
        FOLDER.joinpath("a").mkdir()
        write_json(FOLDER / "a" / "one.json", {"x": 1})
        assert sorted(path.name for path in FOLDER.glob("*/*.json")) == ["one.json"]
        shutil.rmtree(FOLDER / "a")
        assert not FOLDER.joinpath("a").exists()
        (tmp_path / "real").write_text("here")

    carried_out(program)
    assert (tmp_path / "real").read_text() == "here"
    assert not FOLDER.exists()
    assert os.listdir(tmp_path) == ["real"]  # noqa: PTH208


def killed_at(step: int, world: World) -> World:
    """Kill a program at one of its steps while it appends a line."""

    def program() -> None:
        try:
            append_json_line(FOLDER / "journal", {"a": 1, "b": "some text"})
        finally:
            (FOLDER / "tidied").touch()

    world.files.put_folder(str(FOLDER))
    process = world.spawn("program", Host("host"))
    process.faults[step] = [lambda: world.kill(process)]
    world.scheduler.start(process, program)
    with patched(world):
        world.scheduler.run(lambda: False)
    return world


def test_a_program_that_dies_while_it_writes_leaves_a_torn_line_and_does_not_tidy_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("simulated.calls._SPLIT", 1.0)
    left = set()
    for seed in range(36):
        files = killed_at(seed % 12, World(seed)).files.files()
        journal = files.get(f"{FOLDER}/journal", b"")
        state = "whole" if journal.endswith(b"\n") else "torn" if journal else "nothing"
        left.add((state, f"{FOLDER}/tidied" in files))
    assert {("nothing", False), ("torn", False), ("whole", False), ("whole", True)} <= left


def test_two_programs_take_turns_in_a_file() -> None:
    def program(number: int) -> Callable[[], None]:
        def work() -> None:
            for line in range(5):
                append_json_line(FOLDER / "journal", {"program": number, "line": line})

        return work

    found: list[int] = []
    world = carried_out(program(0), program(1))
    carried_out(lambda: found.extend(entry["program"] for entry in read_json_lines(FOLDER / "journal")), world=world)
    assert set(found) == {0, 1}
    assert found != sorted(found)
