from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np
import pytest

from orchestrator import checkpoint as module
from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import UsageError
from orchestrator.records import Evaluation, Offspring, Outcome, Result

NAMES = ["sheets.l2/3.w", "b"]
TARGETS = ["Spont(V1_Exc_L2/3)", "CV"]


def generation(number: int, n: int = 3) -> list[Evaluation]:
    rng = np.random.default_rng(number)
    evaluations = []
    for index in range(n):
        point = tuple(rng.random(2))
        outcome = Outcome.EXPLODED if index == 1 else Outcome.OK
        values = (math.nan, math.nan) if index == 1 else tuple(rng.normal(size=2))
        result = Result(
            outcome,
            message="sheet Exc\0 fired" if index == 1 else "",
            log_tail="Größe: \0 µ\udcff" if index == 1 else "",
            reasons={"CV": "too few spikes"} if index == 2 else {},
            seconds={"build": 1.5, "check": 0.25},
            peak_memory=10**10,
            host="n1",
            job_id=f"7_{index}",
            started=10.0,
            finished=20.0,
        )
        offspring = Offspring(number, index, point, dict(zip(NAMES, point, strict=True)))
        evaluations.append(Evaluation(offspring, result, values, tuple(rng.random(2) / 3), 1, 5.0))
    return evaluations


STATE = {"mean": np.array([0.5, 0.25]), "sigma": 0.3, "covariance": np.eye(2)}


@pytest.fixture
def empty(tmp_path: Path) -> Checkpoint:
    return Checkpoint.create(
        tmp_path / "checkpoint.h5", config="a: 1\n", parameters=NAMES, targets=TARGETS, versions={"cma": "4"}
    )


def test_columns_of_an_empty_checkpoint(empty: Checkpoint) -> None:
    frame = empty.evaluations()
    assert len(frame) == 0
    assert empty.n_generations == 0
    assert empty.told() == []
    assert empty.config_text == "a: 1\n"
    expected = [
        "generation",
        "offspring",
        "outcome",
        "total_score",
        "attempts",
        "job_id",
        "host",
        "submitted",
        "started",
    ]
    expected += ["finished", "parameter:sheets.l2/3.w", "parameter:b", "value:Spont(V1_Exc_L2/3)", "value:CV"]
    expected += ["score:Spont(V1_Exc_L2/3)", "score:CV"]
    assert list(frame.columns) == expected


def test_what_is_appended_comes_back_bit_for_bit(empty: Checkpoint) -> None:
    told = []
    for number in range(3):
        evaluations = generation(number, n=3 + number)
        empty.append(evaluations, STATE)
        told.append(evaluations)
    again = Checkpoint(empty.path.parent)  # a run directory is as good as the file
    frame = again.evaluations()
    assert list(frame["generation"]) == [0] * 3 + [1] * 4 + [2] * 5
    flat = [evaluation for evaluations in told for evaluation in evaluations]
    assert list(frame["total_score"]) == [evaluation.total_score for evaluation in flat]
    assert list(frame["parameter:b"]) == [evaluation.offspring.parameters["b"] for evaluation in flat]
    np.testing.assert_array_equal(frame["value:CV"], [evaluation.values[1] for evaluation in flat])
    assert list(frame["outcome"][:3]) == ["OK", "EXPLODED", "OK"]
    for replayed, evaluations in zip(again.told(), told, strict=True):
        assert [tuple(point) for point in replayed.points] == [e.offspring.point for e in evaluations]
        assert [tuple(scores) for scores in replayed.scores] == [e.scores for e in evaluations]
        assert list(replayed.outcomes) == [e.result.outcome for e in evaluations]
    details = again.details()
    assert details["message"][1] == "sheet Exc fired"
    assert details["log_tail"][1] == "Größe:  µ\\udcff"
    assert details["reasons"][2] == {"CV": "too few spikes"}
    assert details["build"][0] == 1.5
    assert math.isnan(details["protocols"][0])
    assert details["peak_memory"][0] == 10**10
    assert again.distribution()["covariance"].shape == (3, 2, 2)


@pytest.mark.parametrize("broken", ["table", "write", "rename"])
def test_a_crash_in_the_middle_of_an_append_leaves_the_old_file(
    empty: Checkpoint, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty.append(generation(0), STATE)
    before = empty.path.read_bytes()

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    if broken == "table":
        monkeypatch.setattr(module, "_extend", full_disk)
    elif broken == "write":
        monkeypatch.setattr(Path, "write_bytes", full_disk)
    else:
        monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        empty.append(generation(1), STATE)
    assert empty.path.read_bytes() == before
    assert [path.name for path in empty.path.parent.iterdir()] == ["checkpoint.h5"]


def test_a_reader_that_opened_the_file_before_an_append_goes_on_reading(empty: Checkpoint) -> None:
    empty.append(generation(0), STATE)
    with h5py.File(empty.path, "r") as file:
        empty.append(generation(1), STATE)
        assert file["evaluations/points"].shape == (3, 2)
    assert len(empty.evaluations()) == 6


def test_the_configuration_can_be_replaced(empty: Checkpoint) -> None:
    empty.append(generation(0), STATE)
    empty.set_config("a: 2\n")
    assert Checkpoint(empty.path).config_text == "a: 2\n"
    assert len(empty.evaluations()) == 3


def test_files_that_are_no_checkpoint(tmp_path: Path, empty: Checkpoint) -> None:
    with pytest.raises(UsageError, match="there is no such checkpoint"):
        Checkpoint(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(UsageError, match="is not a readable checkpoint"):
        Checkpoint(tmp_path / "text.h5")
    (tmp_path / "torn.h5").write_bytes(empty.path.read_bytes()[:900])
    with pytest.raises(UsageError, match="is not a readable checkpoint"):
        Checkpoint(tmp_path / "torn.h5")
    with h5py.File(tmp_path / "future.h5", "w") as file:
        file.attrs["format"] = 99
    with pytest.raises(UsageError, match="expected a checkpoint of format 1, got 99"):
        Checkpoint(tmp_path / "future.h5")
