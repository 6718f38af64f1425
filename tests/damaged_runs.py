"""A run of which every file is there, and ways to damage files: for tests of those who read them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from best_runs import written_run
from orchestrator_project import Project
from run_on_disk import GenerationOnDisk, RunOnDisk

from orchestrator.checkpoint import Checkpoint
from orchestrator.files import write_json
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.paths import ReevaluationPaths, RunPaths
from orchestrator.records import Offspring
from orchestrator.reevaluation.choosing import choose
from orchestrator.reevaluation.store import ReevaluationRequest
from orchestrator.run.asked import Asks

SPACE = SearchSpace([Parameter("x", 0, 1), Parameter("y", -2, 2)])
DEEP = "DEEP"  # stands for a list in a list in a list ...
# what no version of ours writes, and what only some places expect
VALUES: list[Any] = [
    None, True, -1, 0, 1.5, 10**12, 10**400, float("nan"), float("inf"), -1e308, "", "x", "nan", "\x1b[31m[/b]\0",
    "\udcff", [], [[]], {}, {"": None}, ["x", 1], {"a": {"a": 1}}, "../../elsewhere", DEEP,
]  # fmt: skip


def complete_run(directory: Path) -> RunPaths:
    """Return a run with two complete generations, one in flight, one re-evaluation, and a controller that has ended."""
    project = Project.create(directory, {"offspring_size": 3, "max_ngen": 4})
    rows = [({"x": 0.1 * n, "y": 0.0}, [1.0 + n, 2.0]) for n in range(6)]
    paths = written_run(project.config, rows, per_generation=3)
    Asks(paths, SPACE).record([Offspring(2, n, (0.5, 0.5), {"x": 0.5, "y": 0.0}, asked_after=2) for n in range(2)])
    generation = GenerationOnDisk(paths.generation(2))
    token = f"{paths.job_name}-g2-12345678"
    generation.write("submitting", token=f"{token}0", executor="local", tasks=[[0, 1], [1, 1]])
    generation.write("refused", token=f"{token}0", message="no")
    generation.write("submitting", token=token, executor="local", tasks=[[0, 2], [1, 2]])
    generation.write("submitted", token=token, ids=[f"{token}-0", f"{token}-1"])
    generation.write("lost", index=0, outcome="NODE_FAIL", reason="gone", node="n1")
    generation.write("clock", indices=[1])
    generation.write("timeout", indices=[1])
    generation.note(1, "started", attempt=2, host="n1")
    generation.note(1, "protocols", attempt=2, name="Gratings", step=1, steps=3)
    (paths.generation(2).attempt(1, 2).directory / "claimed").write_text(json.dumps({"pid": 1, "created": 1.0}))
    generation.land(0, attempt=2, message="fine", values={"ReturnedValue(rate)": 1.0}, seconds={"build": 1.0})
    write_json(paths.generation(2).queue, {"time": 1.0, "jobs": {"PENDING": {"Priority": [1]}, "UNKNOWN": {}}})
    files = RunOnDisk.__new__(RunOnDisk)
    files.paths = paths
    files.holder(job="17", jobs=["17"], since=1.0, ended=2.0, how="failed", why="it crashed")
    again = ReevaluationPaths.of(paths)
    again.directory.mkdir()
    best = choose(Checkpoint(paths.checkpoint), 1).best
    ReevaluationRequest(1, 2, {"seed": 3}, best, 6).write(again)
    return paths


def copied(run: RunPaths, directory: Path) -> RunPaths:
    """Return a copy of a run and its model, in the place of the one before."""
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(run.surroundings, directory, symlinks=True)
    return RunPaths(directory / run.directory.name)


def places_in(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where every part of JSON is, the whole of it first."""
    yield at
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, child in list(children):
        yield from places_in(child, (*at, key))


def put(data: Any, place: tuple[Any, ...], value: Any) -> Any:
    """Return JSON with another value in one place; None in the place of an object's key takes it away."""
    if not place:
        return value
    here = data
    for key in place[:-1]:
        here = here[key]
    if value is None and isinstance(here, dict):
        del here[place[-1]]
    else:
        here[place[-1]] = value
    return data


def damage_json(file: Path, line: int, place: int, value: Any) -> None:
    """Put a value into some place of a file of JSON, or of one line of several."""
    lines = file.read_text().splitlines() if file.suffix == ".jsonl" else [file.read_text()]
    number = line % len(lines)
    data = json.loads(lines[number])
    places = list(places_in(data))
    text = json.dumps(put(data, places[place % len(places)], value))
    lines[number] = text.replace(f'"{DEEP}"', "[" * 100_000 + "]" * 100_000)
    file.write_text("\n".join(lines) + "\n")


def damage_yaml(file: Path, place: int, value: Any) -> None:
    """Put a value into some place of a file of YAML."""
    data = yaml.safe_load(file.read_text())
    places = list(places_in(data))
    text = yaml.safe_dump(put(data, places[place % len(places)], value))
    file.write_text(text.replace(DEEP, "[" * 2000 + "]" * 2000), encoding="utf-8")


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _endless(file: Path) -> None:
    file.unlink()
    file.symlink_to("/dev/zero")


def _unreadable(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.name)  # to itself


REPLACEMENTS: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda file: file.write_bytes(b""),
    "half": lambda file: os.truncate(file, file.stat().st_size // 2),
    "no text": lambda file: file.write_bytes(b"\xff\xfe\x00" * 30),
    "zeros": lambda file: file.write_bytes(bytes(5000)),
    "a folder": _folder,
    "a pipe": _pipe,
    "endless": _endless,
    "a link to itself": _unreadable,
}
