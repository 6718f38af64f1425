"""A run as files: what a controller and its jobs leave, written by a test."""

from __future__ import annotations

import functools
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from orchestrator_project import origin_of

from orchestrator.checkpoint import Checkpoint
from orchestrator.files import append_json_line, write_json
from orchestrator.paths import GenerationPaths, RunPaths
from orchestrator.processes import this_process
from orchestrator.records import Evaluation, Offspring, Outcome, Result

CONFIG: dict[str, Any] = {
    "parameters": {"x": [0, 1], "y": [-2, 2]},
    "targets": [{"class": "ReturnedValue", "key": key, "target_value": 3, "norm": 1} for key in ("rate", "cv")],
    "offspring_size": 4,
    "max_ngen": 10,
    "timeout": 3600.0,
    "jobs": {"retries": 2},
}
STATE: dict[str, Any] = {"mean": [0.5, 0.5], "sigma": 0.2, "covariance": [[1.0, 0.0], [0.0, 1.0]]}


@functools.cache
def _empty_checkpoint(config: str) -> bytes:
    """Return the content of a checkpoint without evaluations: hundreds of tests begin with one."""
    names, labels = list(CONFIG["parameters"]), ["rate", "cv"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.h5"
        Checkpoint.create(path, config=config, parameters=names, targets=labels, versions={})
        return path.read_bytes()


class RunOnDisk:
    """A run directory.

    Parameters
    ----------
    directory : pathlib.Path
        Made if missing.
    changes : Any
        Of the configuration.
    """

    def __init__(self, directory: Path, **changes: Any):
        self.paths = RunPaths(directory)
        directory.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump({**CONFIG, **changes})
        self.paths.config.write_text(text)
        self.paths.checkpoint.write_bytes(_empty_checkpoint(text))
        self.checkpoint = Checkpoint(self.paths.checkpoint)

    def complete(self, number: int, scores: Sequence[Sequence[float]], *, begin: float, seconds: float = 60.0) -> None:
        """Append a generation."""
        self.checkpoint.append(self.evaluations(number, scores, begin=begin, seconds=seconds), STATE)

    def evaluations(
        self, number: int, scores: Sequence[Sequence[float]], *, begin: float, seconds: float = 60.0
    ) -> list[Evaluation]:
        """Return the evaluations of a generation."""
        result = Result(Outcome.OK, started=begin, finished=begin + seconds)
        offspring = [
            Offspring(number, n, (0.5, 0.5), {"x": 0.5, "y": 0.0}, origin_of(number, n)) for n in range(len(scores))
        ]
        return [
            Evaluation(each, result, tuple(own), tuple(own), 1, begin, number)
            for each, own in zip(offspring, scores, strict=True)
        ]

    def generation(self, number: int) -> GenerationOnDisk:
        """Begin a generation."""
        return GenerationOnDisk(self.paths.generation(number))

    def holder(self, **changes: Any) -> None:
        """Write the record of a controller, by default this process."""
        record = {**this_process(), "job": "", "since": "2026-11-20 10:00:00", **changes}
        write_json(self.paths.holder, record)

    def lock(self, *, pid: int | None = None, renewed: float = 0.0) -> Path:
        """Write the lock of a process that renewed it so many s ago."""
        own = os.getpid() if pid is None else pid
        lock = self.paths.lock.with_name(f"{self.paths.lock.name}|somewhere|{own}|123")
        lock.write_text(lock.name)
        when = time.time() - renewed
        os.utime(lock, (when, when))
        return lock


class GenerationOnDisk:
    """The files of a generation in flight."""

    def __init__(self, paths: GenerationPaths):
        self.paths = paths
        paths.create()

    def write(self, event: str, **entry: object) -> None:
        """Write an entry of the journal."""
        append_json_line(self.paths.journal, {"event": event, "time": time.time(), **entry})

    def submit(self, *attempts: tuple[int, int], token: str = "t", **entry: object) -> None:
        """Note a submission that succeeded."""
        tasks = [list(attempt) for attempt in attempts]
        self.write("submitting", token=token, tasks=tasks, **{"executor": "slurm", **entry})
        self.write("submitted", token=token, tasks=tasks, ids=[f"7_{n}" for n in range(len(tasks))])

    def note(self, index: int, phase: str, *, attempt: int = 1, when: float | None = None, **more: object) -> None:
        """Let a job note a phase."""
        paths = self.paths.attempt(index, attempt)
        paths.directory.mkdir(parents=True, exist_ok=True)
        append_json_line(paths.progress, {"time": time.time() if when is None else when, "phase": phase, **more})

    def land(self, index: int, outcome: Outcome = Outcome.OK, message: str = "", **more: Any) -> None:
        """Write a result file."""
        attempt = more.pop("attempt", 1)
        result = Result(outcome, message=message, **more)
        self.paths.attempt(index, attempt).result.write_text(json.dumps(result.to_json()))
