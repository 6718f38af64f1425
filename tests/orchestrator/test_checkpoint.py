from __future__ import annotations

import errno
import fcntl
import io
import math
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from checkpoint_files import write_first_format

from orchestrator.checkpoint import Checkpoint, layout, tables_since
from orchestrator.errors import RunFailed, Stopped, UsageError
from orchestrator.files import append_json_line
from orchestrator.lease import only_controller
from orchestrator.paths import RunPaths
from orchestrator.records import Evaluation, Offspring, Origin, Outcome, Result
from targets import Recordings, Trace
from targets.recordings.file import save

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
        origin = Origin.SAMPLE if number or index else Origin.START
        offspring = Offspring(number, index, point, dict(zip(NAMES, point, strict=True)), origin, number)
        evaluations.append(Evaluation(offspring, result, values, tuple(rng.random(2) / 3), 1, 5.0, number))
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
        "origin",
        "told_in",
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
        assert list(replayed.origins) == [e.offspring.origin for e in evaluations]
        assert list(replayed.ids) == [(e.offspring.generation, e.offspring.index) for e in evaluations]
        assert list(replayed.asked_after) == [e.offspring.asked_after for e in evaluations]
    details = again.details()
    assert details["message"][1] == "sheet Exc fired"
    assert details["log_tail"][1] == "Größe:  µ\\udcff"
    assert details["reasons"][2] == {"CV": "too few spikes"}
    assert details["build"][0] == 1.5
    assert math.isnan(details["protocols"][0])
    assert details["peak_memory"][0] == 10**10
    assert again.distribution()["covariance"].shape == (3, 2, 2)
    assert list(frame["told_in"]) == list(frame["generation"])
    assert list(frame["origin"][:4]) == ["start", "sample", "sample", "sample"]
    assert list(frame["host"]) == ["n1"] * 12
    assert list(frame["job_id"][:3]) == ["7_0", "7_1", "7_2"]


def test_the_last_tells_and_their_states_are_read_alone(empty: Checkpoint) -> None:
    for number in range(3):
        empty.append(generation(number), {**STATE, "sigma": 0.1 * number})
    (last,) = empty.told(2)
    assert last.ids == empty.told()[2].ids == [(2, 0), (2, 1), (2, 2)]
    np.testing.assert_array_equal(last.scores, empty.told()[2].scores)
    assert empty.state(2)["sigma"] == 0.2
    with pytest.raises(UsageError, match="is not a readable checkpoint"):
        empty.state(3)


def test_scores_that_were_told_beyond_the_cap_come_back_and_people_see_the_capped_ones(empty: Checkpoint) -> None:
    """Versions that told the capped scores wrote nothing beside them; their runs are replayed as they were told."""
    capped = [replace(each, scores=(20.0, 20.0)) for each in generation(0)]
    told = [replace(each, told_in=1, ranked_scores=(20.5, 20.25 + n)) for n, each in enumerate(capped)]
    empty.append(capped, STATE)
    empty.append(told, STATE)
    assert [block.scores.tolist() for block in empty.told()] == [[[20, 20]] * 3, [[20.5, 20.25 + n] for n in range(3)]]
    frame = empty.evaluations()
    assert (frame["score:CV"] == 20).all()
    assert (frame["total_score"] == 40).all()
    with h5py.File(empty.path, "r") as file:
        tells = file["tells/000000"]
        assert "ranked_scores" not in tells["000000"]  # as earlier versions wrote it
        assert tells["000001/ranked_scores"][:].tolist() == [[20.5, 20.25 + n] for n in range(3)]


def test_outputs_and_recordings_come_back_and_rows_without_them_are_nan(empty: Checkpoint) -> None:
    trace = (1.5, 2.25, -0.1)
    first = [replace(each, outputs={1: trace} if each.offspring.index != 1 else {}) for each in generation(0)]
    first[0] = replace(first[0], recordings=_recordings(3.0))
    empty.append(first, STATE)
    empty.append(generation(1), STATE)
    told = empty.told()
    stored = np.float32(trace)
    np.testing.assert_array_equal(told[0].outputs[1], [stored, [math.nan] * 3, stored])
    assert list(told[0].outputs) == [1]
    assert told[1].outputs == {}
    assert list(empty.recordings()) == [(0, 0)]
    assert empty.recordings()[0, 0].traces["v"].values.tolist() == [3, 3]
    # a file that was packed by another tool is written anew, with all that is in it
    _repacked(empty.path)
    empty.append([replace(each, told_in=2, recordings=_recordings(n)) for n, each in enumerate(generation(2))], STATE)
    np.testing.assert_array_equal(empty.told()[0].outputs[1], told[0].outputs[1])
    assert list(empty.recordings()) == [(0, 0), (2, 0), (2, 1), (2, 2)]
    assert empty.recordings()[2, 2].traces["v"].values.tolist() == [2, 2]


def test_outputs_in_another_number_than_the_first_are_none(empty: Checkpoint) -> None:
    rows = [(1.0, 2.0), (1.0, 2.0, 3.0), (3.0, 4.0)]
    empty.append([replace(each, outputs={0: row}) for each, row in zip(generation(0), rows, strict=True)], STATE)
    np.testing.assert_array_equal(empty.told()[0].outputs[0], [[1, 2], [math.nan] * 2, [3, 4]])


def test_a_checkpoint_of_the_first_format_takes_outputs_and_recordings(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.h5"
    plain = [replace(each, result=replace(each.result, message="", log_tail="")) for each in generation(0)]
    write_first_format(path, [plain], STATE, parameters=NAMES, targets=TARGETS)
    checkpoint = Checkpoint(path)
    assert checkpoint.recordings() == {}
    one = [replace(each, told_in=1, outputs={0: (1.0, 2.0)}, recordings=_recordings(1)) for each in generation(1)]
    checkpoint.append(one, STATE)
    assert [list(block.outputs) for block in checkpoint.told()] == [[], [0]]
    assert list(checkpoint.recordings()) == [(1, 0), (1, 1), (1, 2)]


def _recordings(value: float) -> bytes:
    file = io.BytesIO()
    save(Recordings(traces={"v": Trace([0, 1], [value, value])}), file)
    return file.getvalue()


def test_deviations_and_errors_over_trials_are_columns_and_told_where_there_are_trials(empty: Checkpoint) -> None:
    empty.append(generation(0), STATE)
    assert not [name for name in empty.evaluations() if name.startswith(("sd:", "se:"))]
    with h5py.File(empty.path, "r") as file:
        assert not {"deviations", "errors"} & set(file["tells/000000/000000"])
    of_trials = {"deviations": (0.5, math.nan), "errors": (0.1, math.nan)}
    empty.append([replace(each, told_in=1, **of_trials) for each in generation(1)], STATE)
    frame = empty.evaluations()
    np.testing.assert_array_equal(frame["sd:Spont(V1_Exc_L2/3)"], [math.nan] * 3 + [0.5] * 3)
    np.testing.assert_array_equal(frame["se:Spont(V1_Exc_L2/3)"], [math.nan] * 3 + [0.1] * 3)
    assert frame["sd:CV"].isna().all()
    assert frame["se:CV"].isna().all()
    _repacked(empty.path)
    before, after = empty.told()
    assert before.errors is None
    np.testing.assert_array_equal(after.errors, [[0.1, math.nan]] * 3)
    empty.append([replace(each, told_in=2) for each in generation(2)], STATE)
    np.testing.assert_array_equal(empty.evaluations()["sd:Spont(V1_Exc_L2/3)"][:6], frame["sd:Spont(V1_Exc_L2/3)"])


def _repacked(path: Path) -> None:
    """Write a checkpoint as tools that pack HDF5 files do: it is written anew before it grows."""
    packed = path.with_name("packed.h5")
    with h5py.File(path, "r") as old, h5py.File(packed, "w") as new:
        new.attrs.update(old.attrs)
        for name in old:
            old.copy(name, new)
    packed.replace(path)


@pytest.mark.parametrize("locking", [None, False])
def test_a_reader_that_opened_the_file_before_an_append_goes_on_reading(
    empty: Checkpoint, locking: bool | None
) -> None:
    empty.append(generation(0), STATE)
    with h5py.File(empty.path, "r", locking=locking) as file:
        empty.append(generation(1), STATE)
        assert list(file["tells/000000"]) == ["000000"]
        assert file["tells/000000/000000/points"].shape == (3, 2)
        # also this process, which has the file open, sees what is new
        assert len(empty.evaluations()) == 6
    with h5py.File(empty.path, "r") as file:
        assert list(file["tells/000000"]) == ["000000", "000001"]


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
    with pytest.raises(UsageError, match="expected a checkpoint of format 1 or 2, got 99"):
        Checkpoint(tmp_path / "future.h5")


def test_tells_are_in_their_order_in_groups_of_a_hundred(empty: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_HUNDRED", 4)
    for number in range(11):
        empty.append(generation(number, n=1), STATE)
    assert list(empty.evaluations()["generation"]) == list(range(11))
    for first in range(11):
        count, tables = tables_since(empty.path, ("told_in", "outcome"), first)
        assert (count, [table["told_in"][0] for table in tables]) == (11, list(range(first, 11)))
    with h5py.File(empty.path, "r") as file:
        assert file.attrs["tells"] == 11
        assert [(name, len(group)) for name, group in file["tells"].items()] == [
            ("000000", 4), ("000004", 4), ("000008", 3),
        ]  # fmt: skip


def test_evaluations_of_several_generations_can_be_told_at_once(empty: Checkpoint) -> None:
    first, second = generation(0), generation(1)
    empty.append(first[:2], STATE)
    empty.append([replace(each, told_in=1) for each in (*second[:2], first[2])], STATE)
    assert [len(told.points) for told in empty.told()] == [2, 3]
    assert list(empty.evaluations()["generation"]) == [0, 0, 1, 1, 0]
    assert list(empty.evaluations()["told_in"]) == [0, 0, 1, 1, 1]
    assert empty.n_generations == 2


@pytest.mark.parametrize("number", [0, 2])
def test_an_older_copy_in_the_place_of_the_file_is_refused(empty: Checkpoint, number: int) -> None:
    empty.append(generation(0), STATE)
    before = empty.path.read_bytes()
    with pytest.raises(
        RunFailed, match=rf"checkpoint.h5: expected {number} generations in it, got 1: another copy .* older one"
    ):
        empty.append(generation(number), STATE)
    assert empty.path.read_bytes() == before


@pytest.mark.parametrize("look", [1, 2])
def test_a_controller_that_was_succeeded_while_it_appended_adds_nothing(empty: Checkpoint, look: int) -> None:
    """Before it has written, and while what it has written is flushed; its successor appends the same generation."""
    empty.append(generation(0), STATE)
    looks = []

    def confirm() -> None:
        looks.append(1)
        if len(looks) == look:
            Checkpoint(empty.path).append(generation(1), STATE)
            raise Stopped("another controller has taken this run over")

    with pytest.raises(Stopped):
        empty.append(generation(1, 2), STATE, confirm)
    assert len(looks) == look
    found = Checkpoint(empty.path)
    found.append(generation(2), STATE)
    assert list(found.evaluations()["generation"]) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_the_state_of_an_optimiser_has_any_names_and_may_grow(empty: Checkpoint) -> None:
    empty.append(generation(0), {"pbest": np.zeros((3, 2)), "temperature": 2.0})
    empty.append(generation(1), {"pbest": np.ones((4, 2)), "temperature": 1.0, "archive": [1.0, 2.0]})
    empty.append(generation(2), {})
    state = empty.distribution()
    assert sorted(state) == ["archive", "pbest", "temperature"]
    assert state["pbest"].shape == (3, 4, 2)
    assert [np.isnan(each).sum() for each in state["pbest"]] == [2, 0, 8]
    np.testing.assert_array_equal(state["temperature"], [2, 1, math.nan])
    np.testing.assert_array_equal(state["archive"], [[math.nan] * 2, [1, 2], [math.nan] * 2])
    with pytest.raises(ValueError, match="expected plain words, got"):
        empty.append(generation(3), {"a/b": 1.0})
    with pytest.raises(ValueError, match="got none"):
        empty.append([], {})


@pytest.mark.parametrize("totals", [True, False])
def test_a_checkpoint_of_an_earlier_version_is_read_and_continued(
    tmp_path: Path, totals: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    path = tmp_path / "checkpoint.h5"
    # format 1 could not keep what these print
    clean = {"message": "sheet Exc fired", "log_tail": "Größe: µ"}
    generations = [
        [replace(each, result=replace(each.result, **(clean if each.offspring.index == 1 else {}))) for each in row]
        for row in (generation(0), generation(1, n=4))
    ]
    write_first_format(path, generations, STATE, parameters=NAMES, targets=TARGETS, totals=totals)
    Checkpoint.create(tmp_path / "new.h5", config="a: 1\n", parameters=NAMES, targets=TARGETS, versions={"cma": "4"})
    for evaluations in generations:
        Checkpoint(tmp_path / "new.h5").append(evaluations, STATE)
    old, new = Checkpoint(path), Checkpoint(tmp_path / "new.h5")

    def same() -> None:
        pd.testing.assert_frame_equal(old.evaluations(), new.evaluations())
        pd.testing.assert_frame_equal(old.details(), new.details())
        assert (old.config_text, old.versions, old.n_generations) == ("a: 1\n", {"cma": "4"}, new.n_generations)
        for ours, theirs in zip(old.told(), new.told(), strict=True):
            np.testing.assert_array_equal(ours.points, theirs.points)
            np.testing.assert_array_equal(ours.scores, theirs.scores)
            assert (ours.outcomes, ours.origins, ours.ids) == (theirs.outcomes, theirs.origins, theirs.ids)
            assert ours.asked_after == theirs.asked_after
        for name, array in old.distribution().items():
            np.testing.assert_array_equal(array, new.distribution()[name])
        assert tables_since(path, ("generation", "outcome"), 1)[0] == new.n_generations

    same()
    assert not caplog.messages
    for checkpoint in (old, new):
        checkpoint.append(generation(2), STATE)
    same()
    assert caplog.messages == [
        f"{path} has been converted from format 1 to 2, which earlier versions of this program do not read"
    ]
    old.append(generation(3), STATE)
    assert len(caplog.messages) == 1


def test_a_full_disk_while_an_earlier_format_is_converted_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.h5"
    write_first_format(path, [generation(0, n=1)], STATE, parameters=NAMES, targets=TARGETS)
    before = path.read_bytes()

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_disk)
        with pytest.raises(OSError, match="No space"):
            Checkpoint(path).append(generation(1), STATE)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint.h5"]


def test_a_file_that_was_changed_or_packed_by_hand_is_continued(empty: Checkpoint) -> None:
    empty.append(generation(0), STATE)
    with h5py.File(empty.path, "r+") as file:
        file["tells/000000/000000/values"][0] = 7.0
        file.attrs["note"] = "by hand"
    empty.append(generation(1), STATE)
    packed = empty.path.with_name("packed.h5")
    with h5py.File(empty.path, "r") as file, h5py.File(packed, "w", libver="latest") as other:
        for name in file:
            file.copy(name, other)
        other.attrs.update(file.attrs)
    checkpoint = Checkpoint(packed)
    checkpoint.append(generation(2), STATE)
    frame = checkpoint.evaluations()
    assert list(frame["generation"]) == [0] * 3 + [1] * 3 + [2] * 3
    assert frame["value:CV"][0] == 7.0


@pytest.fixture
def _no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand for a file system without locks: whoever asks for one is refused, as by ENOLCK."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    for name in ("flock", "lockf", "fcntl"):
        monkeypatch.setattr(fcntl, name, refuse)


@pytest.mark.usefixtures("_no_locks")
def test_a_file_system_without_locks_is_enough(empty: Checkpoint, tmp_path: Path) -> None:
    empty.append(generation(0), STATE)
    assert len(Checkpoint(empty.path).evaluations()) == len(generation(0))
    with only_controller(RunPaths(tmp_path)) as lease:
        lease.confirm()
        append_json_line(tmp_path / "journal.jsonl", {})


def test_a_lock_that_another_program_holds_keeps_nobody_from_reading_and_appending(empty: Checkpoint) -> None:
    """HDF5 would ask for a lock of its own, and be refused this one as it is on a file system without locks."""
    with empty.path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(OSError, match="lock"):
            h5py.File(empty.path, "r", locking=True)
        empty.append(generation(0), STATE)
        empty.set_config("a: 2")
        assert len(Checkpoint(empty.path).told()) == 1
