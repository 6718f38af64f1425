"""Generations of a thousand offspring, on a cluster that answers at once."""

from __future__ import annotations

import gc
import json
import threading
import tracemalloc
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from orchestrator_project import CONFIG

from orchestrator.cluster import Job, State, Status, Task
from orchestrator.config.file import load_config
from orchestrator.files import write_text
from orchestrator.jobs import dispatcher
from orchestrator.paths import RunPaths
from orchestrator.records import Outcome, Result
from orchestrator.run.evaluating import optimise
from orchestrator.run.start import create_run

SIZE, GENERATIONS, ARRAY = 1000, 3, 400


@dataclass
class InstantCluster:
    """Has evaluated an offspring as soon as it is submitted."""

    name: str = "instant"
    survives: bool = True
    batch_size: int = ARRAY
    result_grace: float = 1.0
    batches: list[int] = field(default_factory=list)
    polls: int = 0

    def submit(self, tasks: Sequence[Task], token: str, folder: Path, avoid: Collection[str]) -> list[Job]:
        self.batches.append(len(tasks))
        for task in tasks:
            wanted = json.loads(task.files[0].read_text())
            x, y = wanted["parameters"]["x"], wanted["parameters"]["y"]
            values = {"ReturnedValue(rate)": 10 * x, "ReturnedValue(cv)": y**2}
            write_text(Path(wanted["result"]), json.dumps(Result(Outcome.OK, values=values, host="n1").to_json()))
        return [Job(token, f"{len(self.batches)}_{n}") for n in range(len(tasks))]

    def poll(self, jobs: Sequence[Job]) -> Mapping[Job, Status]:
        self.polls += 1
        return dict.fromkeys(jobs, Status(State.ENDED))

    def poll_interval(self, elapsed: float) -> float:
        return 1.0


@pytest.mark.run
def test_memory_is_flat_over_generations_of_a_thousand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "_BETWEEN_ARRAYS", 0.0)
    monkeypatch.setattr("os.fsync", lambda _: None)  # half of the test's time
    (tmp_path / "model.py").touch()
    config_file = tmp_path / "config.yaml"
    config_file.write_text(yaml.safe_dump({**CONFIG, "offspring_size": SIZE, "max_ngen": GENERATIONS}))
    config = load_config(config_file)
    paths = RunPaths(tmp_path / "run")
    paths.directory.mkdir()
    create_run(config, paths)
    used: list[int] = []

    def appended() -> None:
        gc.collect()
        used.append(tracemalloc.get_traced_memory()[0])

    cluster = InstantCluster()
    tracemalloc.start()
    try:
        optimise(
            config,
            paths,
            cluster,  # type: ignore[arg-type]
            stop=threading.Event(),
            confirm=lambda: None,
            appended=appended,
        )
    finally:
        tracemalloc.stop()
    assert cluster.batches == [400, 400, 200] * GENERATIONS
    assert cluster.polls <= 2 * GENERATIONS
    # a generation is over 1 MB in memory: two kept would show
    assert used[-1] - used[1] < 400_000, used
    assert not any(paths.generations.iterdir())
