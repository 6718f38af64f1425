"""Measuring where the controller runs: as many processes as memory has room for, and always one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from orchestrator.files import write_json
from orchestrator.jobs.measuring import pool as measuring_pool
from orchestrator.jobs.measuring.pool import MeasuringPool
from orchestrator.memory import available_memory
from orchestrator.paths import RunPaths
from orchestrator.records import Outcome, Result

MB = 1024**2


class Measuring:
    """A process that measures until it is told to end."""

    def __init__(self, command: list[str], **_options: Any):
        self.command = command
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code

    def kill(self) -> None:
        self.code = -9

    def wait(self) -> int | None:
        return self.code


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Measuring]:
    """The processes that have been started, none of which is one."""
    processes: list[Measuring] = []

    def start(command: list[str], **options: Any) -> Measuring:
        processes.append(Measuring(command, **options))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return processes


def filled(pool: MeasuringPool, folder: Path, number: int, size: int = MB) -> None:
    """Hand over datastores whose largest file has so many bytes."""
    paths = RunPaths(folder).generation(0)
    for index in range(number):
        attempt = paths.attempt(index, 1)
        attempt.simulation.mkdir(parents=True)
        with (attempt.simulation / "recordings").open("wb") as file:
            file.truncate(size)
        pool.add(index, attempt)


def delivered(process: Measuring) -> None:
    """Let a process end after it has written its result."""
    task = Path(process.command[-1])
    result = RunPaths(task.parents[4]).generation(0).attempt(int(task.parents[1].name), 1).result
    result.parent.mkdir(exist_ok=True)
    write_json(result, Result(Outcome.OK).to_json())
    process.code = 0


def has_free(monkeypatch: pytest.MonkeyPatch, size: float) -> None:
    monkeypatch.setattr(measuring_pool, "available_memory", lambda: size)


def test_all_workers_measure_if_memory_has_room(
    started: list[Measuring], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_free(monkeypatch, 64 * 1024 * MB)
    filled(MeasuringPool(3, timeout=60), tmp_path, 5)
    assert len(started) == 3


@pytest.mark.parametrize("free", [0, 50 * MB])
def test_with_little_memory_one_measures_at_a_time_and_always_one(
    free: int, started: list[Measuring], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_free(monkeypatch, free)
    pool = MeasuringPool(4, timeout=60)
    filled(pool, tmp_path, 3)
    for number in (1, 2, 3):
        assert len(started) == number
        assert pool.poll() == []
        assert len(started) == number, "one is measuring, and there is no memory for another"
        delivered(started[-1])
        pool.poll()
    assert len({process.command[-1] for process in started}) == 3


def test_a_process_that_ends_well_but_has_not_measured_is_not_waited_for_without_end(
    started: list[Measuring], tmp_path: Path
) -> None:
    """A target of a user's that calls sys.exit(0)."""
    pool = MeasuringPool(1, timeout=60)
    filled(pool, tmp_path, 1)
    started[-1].code = 0
    assert pool.poll() == []
    started[-1].code = 0
    ((index, result),) = pool.poll()
    assert (index, result.outcome) == (0, Outcome.SIMULATION_ERROR)
    assert result.message == "measuring ended with exit code 0 in 2 tries"


def test_what_has_landed_is_not_measured_again_if_its_folder_is_gone_before_its_process(
    started: list[Measuring], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generation was complete and removed while the process that had delivered was still ending."""
    has_free(monkeypatch, 64 * 1024 * MB)
    pool = MeasuringPool(1, timeout=60)
    filled(pool, tmp_path, 2)
    delivered(started[0])
    for key in (0, 1):
        pool.landed(key)  # type: ignore[arg-type]
    shutil.rmtree(RunPaths(tmp_path).generation(0).directory)
    assert pool.poll() == []
    assert len(started) == 1


@pytest.mark.parametrize("code", [-9, 75], ids=["killed by the kernel", "cannot write its result"])
def test_a_process_that_is_killed_or_cannot_deliver_says_nothing_of_the_parameters(
    code: int, started: list[Measuring], tmp_path: Path
) -> None:
    pool = MeasuringPool(1, timeout=60)
    filled(pool, tmp_path, 1)
    started[-1].code = code
    assert pool.poll() == []
    started[-1].code = code
    ((_, result),) = pool.poll()
    assert result.outcome is Outcome.CANCELLED
    assert len(started) == 2


def test_what_is_promised_to_those_that_run_counts_as_used(
    started: list[Measuring], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have not yet taken it: the 3 GB that are free have room for one at 2.2 GB, not for two."""
    has_free(monkeypatch, 3 * 1024 * MB)
    pool = MeasuringPool(4, timeout=60)
    filled(pool, tmp_path, 2, size=1024 * MB)
    assert len(started) == 1
    has_free(monkeypatch, 5 * 1024 * MB)
    pool.poll()
    assert len(started) == 2


def test_without_control_groups_it_is_the_machines(tmp_path: Path) -> None:
    assert available_memory(tmp_path / "none", tmp_path) == pytest.approx(psutil.virtual_memory().available, rel=0.2)


@pytest.mark.parametrize(
    ("line", "mount", "maximum", "used"),
    [
        ("0::/slurm/job_7/step_batch", "", "memory.max", "memory.current"),
        ("4:cpu,memory:/slurm/job_7/step_batch", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ],
)
def test_a_jobs_limit_counts_also_where_it_is_set_above_the_step(
    tmp_path: Path, line: str, mount: str, maximum: str, used: str
) -> None:
    step = tmp_path / mount / "slurm/job_7/step_batch"
    step.mkdir(parents=True)
    (step / maximum).write_text("max\n")
    (step / used).write_text("1000\n")
    (step.parent / maximum).write_text("500000\n")
    (step.parent / used).write_text("200000\n")
    process = tmp_path / "cgroup"
    process.write_text(f"1:name=systemd:/\n{line}\n")
    assert available_memory(process, tmp_path) == 300000


def test_trials_are_read_all_at_once(started: list[Measuring], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has_free(monkeypatch, 6 * 1024 * MB)
    pool, paths = MeasuringPool(4, timeout=60), RunPaths(tmp_path).generation(0)
    for index in range(2):
        attempt = paths.attempt(index, 1)
        for number in range(4):
            attempt.trial(number).mkdir(parents=True)
            with (attempt.trial(number) / "recordings").open("wb") as file:
                file.truncate(512 * MB)
        pool.add((0, index), attempt)
    assert len(started) == 1
