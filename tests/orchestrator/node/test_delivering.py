"""What a job does if the file system is gone while it simulates, or when it is to write its result."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.files import append_json_line
from orchestrator.node.evaluate import _deliver, guarded
from orchestrator.paths import AttemptPaths, RunPaths
from orchestrator.records import Outcome, Result
from orchestrator.results import read_result
from orchestrator.simulations import delivering
from orchestrator.simulations.failure_cause import CANNOT_DELIVER
from orchestrator.simulations.phases import Phase, phases

OK = Result(Outcome.OK, values={"rate": 1.0})


class Time:
    """Passes only while somebody sleeps; something happens after some sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.happens: dict[int, Callable[[], object]] = {}

    def monotonic(self) -> float:
        return sum(self.slept)

    def time(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.happens.get(len(self.slept), lambda: None)()


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(delivering, "time", time)
    return time


@pytest.fixture
def attempt(tmp_path: Path) -> AttemptPaths:
    generation = RunPaths(tmp_path).generation(3)
    generation.create()
    attempt = generation.attempt(0, 1)
    attempt.directory.mkdir(parents=True)
    append_json_line(attempt.progress, {"time": 1.0, "phase": "started"})
    return attempt


def test_a_folder_of_results_that_comes_back_gets_the_result(time: Time, attempt: AttemptPaths) -> None:
    away = attempt.result.parent.rename(attempt.result.parent.with_name("away"))
    time.happens[5] = lambda: away.rename(attempt.result.parent)
    _deliver(attempt, OK)
    assert read_result(attempt.result).values == OK.values
    assert time.slept == [1, 2, 4, 8, 16]
    assert Phase.DELIVERING in phases(attempt)


def test_a_result_that_cannot_be_written_for_long_is_given_up_with_an_exit_code_of_its_own(
    time: Time, attempt: AttemptPaths
) -> None:
    attempt.result.parent.rmdir()
    with pytest.raises(SystemExit) as left:
        _deliver(attempt, OK)
    assert left.value.code == CANNOT_DELIVER
    assert 600 < sum(time.slept) < 640


def test_a_generation_that_was_renamed_for_some_seconds_gets_the_result(time: Time, attempt: AttemptPaths) -> None:
    """The job ended at once, and an hour's simulation was made again."""
    generation = attempt.result.parent.parent
    away = generation.rename(generation.with_name("away"))
    time.happens[4] = lambda: away.rename(generation)
    _deliver(attempt, OK)
    assert read_result(attempt.result).values == OK.values


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The errors that the file system answers everything with, as long as there are any; a network's, for example."""
    errors: list[int] = []
    stat, open_ = Path.stat, os.open

    def no_stat(path: Path, **options: Any) -> os.stat_result:
        if errors:
            raise OSError(errors[0], os.strerror(errors[0]), str(path))
        return stat(path, **options)

    def no_open(path: Any, *arguments: Any, **options: Any) -> int:
        if errors:
            raise OSError(errors[0], os.strerror(errors[0]), str(path))
        return open_(path, *arguments, **options)

    monkeypatch.setattr(Path, "stat", no_stat)
    monkeypatch.setattr(os, "open", no_open)
    return errors


@pytest.mark.parametrize("error", [errno.EIO, errno.ESTALE, errno.ENOENT])
def test_a_file_system_that_is_away_when_a_result_is_to_be_written_is_waited_for(
    error: int, time: Time, attempt: AttemptPaths, away: list[int]
) -> None:
    """The question whether the generation was removed failed as well, and the job with it."""
    away.append(error)
    time.happens[4] = away.clear
    _deliver(attempt, OK)
    assert read_result(attempt.result).values == OK.values


@pytest.mark.parametrize("error", [errno.EIO, errno.ESTALE])
def test_a_file_system_that_is_away_when_a_simulation_fails_is_the_reason(
    error: int, attempt: AttemptPaths, tmp_path: Path, away: list[int]
) -> None:
    """To look whether a folder is there failed as well, and the job left no result at all."""
    task = Task(attempt, tmp_path)
    missing = FileNotFoundError(errno.ENOENT, "No such file or directory", str(tmp_path / "weights.npy"))
    for raised in (RuntimeError("no weights"), missing, OSError(error, "gone")):
        assert outcome_of(task, failing(raised, lambda: away.append(error))) is Outcome.NODE_FAIL
        away.clear()


def test_a_job_whose_generation_was_removed_ends_soon(time: Time, attempt: AttemptPaths) -> None:
    """It outlived its loss, and nobody waits for it: it would keep a node busy."""
    for directory, _, files in os.walk(attempt.result.parent.parent, topdown=False):
        for name in files:
            (Path(directory) / name).unlink()
        Path(directory).rmdir()
    with pytest.raises(SystemExit):
        _deliver(attempt, OK)
    assert 20 < sum(time.slept) < 35


@dataclass
class Task:
    """As much of a task as a guarded step looks at."""

    paths: AttemptPaths
    model_dir: Path
    log_lines: int = 5


def outcome_of(task: Task, step: Callable[[], Result]) -> Outcome:
    return guarded(task, step).outcome  # type: ignore[arg-type]


def failing(error: BaseException, before: Callable[[], object] = lambda: None) -> Callable[[], Result]:
    def step() -> Result:
        before()
        raise error

    return step


def test_what_fails_because_a_directory_is_gone_says_nothing_of_the_parameters(
    attempt: AttemptPaths, tmp_path: Path
) -> None:
    """An automount that was slow was told as a failed simulation."""
    model = tmp_path / "model"
    model.mkdir()
    task = Task(attempt, model)
    missing = FileNotFoundError(errno.ENOENT, "No such file or directory", str(model / "weights.npy"))
    assert outcome_of(task, failing(missing)) is Outcome.SIMULATION_ERROR  # the model's own mistake
    assert outcome_of(task, failing(missing, model.rmdir)) is Outcome.NODE_FAIL
    assert outcome_of(task, failing(RuntimeError("no weights"))) is Outcome.NODE_FAIL
    model.mkdir()
    (model / "weights.npy").touch()  # it was gone for a moment
    assert outcome_of(task, failing(missing)) is Outcome.NODE_FAIL
