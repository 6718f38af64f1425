"""Traces and events in the checkpoint are those of the start, and of what was among the best when it was told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from orchestrator.checkpoint import Checkpoint
from orchestrator.paths import RunPaths
from orchestrator.records import Evaluation, Offspring, Origin, Outcome, Result
from orchestrator.results import keep_beside
from orchestrator.run.kept_recordings import KeptRecordings
from targets import Events, Recordings, Trace


def evaluation(paths: RunPaths, number: int, total: float, origin: Origin = Origin.SAMPLE) -> Evaluation:
    """An evaluation of a total score, beside whose result its traces are."""
    folder = paths.generation(0)
    folder.create()
    trace = Trace([0, 1, 2], [number, number, number], "mV")
    result = folder.attempt(number, 1).result
    left = Recordings({"n": 1.0}, {"v": trace}, {"s": Events([number])})
    name = keep_beside(result, lambda: left)
    offspring = Offspring(0, number, (0.5,), {"x": 0.5}, origin)
    return Evaluation(offspring, Result(Outcome.OK, recordings=name), (total,), (total,), 1, 0.0)


def kept(block: Sequence[Evaluation]) -> list[int]:
    return [each.offspring.index for each in block if each.recordings]


def test_those_of_the_start_and_of_the_best_are_kept(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    keeper = KeptRecordings(paths, 2)
    start = evaluation(paths, 0, 9.0, Origin.START)
    first = [start, *(evaluation(paths, n, total) for n, total in ((1, 5.0), (2, 7.0), (3, 6.0)))]
    assert kept(keeper.added(first)) == [0, 1, 2, 3]
    later = [evaluation(paths, n, total) for n, total in ((4, 6.5), (5, 4.0), (6, float("nan")), (7, 5.5), (8, 4.5))]
    assert kept(keeper.added(later)) == [5, 8]


def test_a_continued_run_knows_the_best_of_before(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    keeper = KeptRecordings(paths, 2)
    keeper.resume([5.0, 3.0, float("nan"), 4.0])
    assert kept(keeper.added([evaluation(paths, 0, 4.5), evaluation(paths, 1, 3.5)])) == [1]


def test_none_are_kept_if_none_are_wanted(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    keeper = KeptRecordings(paths, 0)
    keeper.resume([1.0])
    assert kept(keeper.added([evaluation(paths, 0, 1.0, Origin.START)])) == []


@pytest.mark.parametrize("broken", ["gone", "large"])
def test_a_file_that_cannot_be_read_costs_a_warning_only(
    broken: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = RunPaths(tmp_path)
    one = evaluation(paths, 0, 1.0)
    path = paths.generation(0).results / one.result.recordings
    if broken == "gone":
        path.unlink()
    else:
        monkeypatch.setattr("orchestrator.run.kept_recordings._LARGEST", 10)
    (found,) = KeptRecordings(paths, 1).added([one])
    assert found == one
    assert f"{path} cannot be read, and is not kept" in caplog.text


def test_what_is_kept_comes_back_from_the_checkpoint(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    checkpoint = Checkpoint.create(paths.checkpoint, config="a: 1\n", parameters=["x"], targets=["t"], versions={})
    block = [evaluation(paths, 0, 3.0, Origin.START), evaluation(paths, 1, 2.0), evaluation(paths, 2, 9.0)]
    checkpoint.append(KeptRecordings(paths, 1).added(block), {})
    found = checkpoint.recordings()
    assert list(found) == [(0, 0), (0, 1)]
    np.testing.assert_array_equal(found[0, 1].traces["v"].values, [1, 1, 1])
    assert found[0, 1].traces["v"].unit == "mV"
    assert found[0, 0].events["s"].times.tolist() == [0]
    assert dict(found[0, 0]) == {"n": 1.0}
