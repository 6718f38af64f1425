"""Recordings: what a function may return, how it lies in returned.npz, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import targets
from targets.errors import Exploded, NoValue
from targets.recordings import Events, Recordings, Trace
from targets.recordings.file import JSON, NPZ, averaged, left_in, save, say, thinned
from targets.recordings.taking import as_recordings

TIMES = np.array([0.0, 1.0, 2.5])


def saved_and_loaded(recordings: Recordings, directory: Path) -> Recordings:
    """Return what is left of recordings after they were written."""
    save(recordings, directory / NPZ)
    return left_in(directory)


def test_numbers_traces_and_events_are_the_same_after_they_were_written(tmp_path: Path) -> None:
    returned = {
        "rate": np.float32(0.5),
        "none": None,
        "file": 2,  # a name that numpy.savez itself has
        "v": Trace(TIMES, [[1, 2, np.nan], [4, 5, 6]], "mV", "s"),
        "spikes": Events([3.5, 1.25], ["L5", "L2"]),
        "no spikes": Events([]),
    }
    found = saved_and_loaded(as_recordings(returned, tmp_path), tmp_path)
    assert dict(found) == {"rate": 0.5, "none": None, "file": 2.0}
    trace = found.traces["v"]
    np.testing.assert_array_equal(trace.times, TIMES)
    np.testing.assert_array_equal(trace.values, [[1, 2, np.nan], [4, 5, 6]])
    assert (trace.unit, trace.time_unit) == ("mV", "s")
    assert found.events["spikes"].times.tolist() == [1.25, 3.5]
    assert found.events["spikes"].of("L5").tolist() == [3.5]
    assert len(found.events["no spikes"]) == 0
    assert found.directory == tmp_path


def test_a_curve_says_what_it_is_over(tmp_path: Path) -> None:
    curve = Trace([0.0, 0.5, 1.0], [1, 2, 3], "Hz", "deg", axis="radius")
    assert Trace(TIMES, TIMES).axis == "time"
    found = saved_and_loaded(
        averaged([as_recordings({"size": curve, "v": Trace(TIMES, TIMES)}, tmp_path)] * 2, tmp_path), tmp_path
    )
    assert {name: each.axis for name, each in found.traces.items()} == {"size": "radius", "v": "time"}
    assert thinned(found, 2).traces["size"].axis == "radius"
    with np.load(tmp_path / NPZ) as arrays:
        assert "v.axis" not in arrays.files  # as it was before there were any


def test_a_number_may_be_called_as_the_axis_of_a_trace_over_time_is(tmp_path: Path) -> None:
    found = saved_and_loaded(as_recordings({"v": Trace(TIMES, TIMES), "v.axis": 3}, tmp_path), tmp_path)
    assert (dict(found), found.traces["v"].axis) == ({"v.axis": 3.0}, "time")
    with pytest.raises(TypeError, match=r"'v\.axis': expected another name, this one is a part of 'v'"):
        as_recordings({"v": Trace(TIMES, TIMES, axis="radius"), "v.axis": 3}, tmp_path)


def test_what_a_program_writes_with_numpy_is_read(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {"rate": 4.2, "v.times": TIMES, "v.values": [1.0, 2.0, 3.0], "v.unit": "mV"}
    np.savez(tmp_path / NPZ, **arrays, **{"spikes.times": [2.0, 1.0]})
    found = left_in(tmp_path)
    assert dict(found) == {"rate": 4.2}
    assert (found.traces["v"].unit, found.traces["v"].time_unit) == ("mV", "ms")
    assert found.events["spikes"].times.tolist() == [1, 2]


def test_files_alone_are_recordings_whose_directory_is_a_path(tmp_path: Path) -> None:
    found = left_in(tmp_path)
    assert len(found) == 0
    assert Path(found) == tmp_path
    assert found / "mine.txt" == tmp_path / "mine.txt"


def test_several_trials_are_one_with_the_mean_of_numbers_the_rows_of_traces_and_all_events(tmp_path: Path) -> None:
    trials = [
        as_recordings({"x": x, "some": some, "v": Trace(TIMES, values), "s": Events([x], ["a"])}, tmp_path)
        for x, some, values in ((1, 2, [1, 2, 3]), (3, None, [3, 4, 5]))
    ]
    found = saved_and_loaded(averaged(trials, tmp_path), tmp_path)
    assert dict(found) == {"x": 2.0, "some": None}
    assert found.traces["v"].rows.tolist() == [[1, 2, 3], [3, 4, 5]]
    assert found.traces["v"].mean.tolist() == [2, 3, 4]
    assert found.events["s"].of("a").tolist() == [1, 3]
    assert [dict(each) for each in found.trials] == [{"x": 1.0, "some": 2.0}, {"x": 3.0, "some": None}]


def test_trials_that_differ_are_refused(tmp_path: Path) -> None:
    one = as_recordings({"v": Trace(TIMES, [1, 2, 3])}, tmp_path)
    with pytest.raises(ValueError, match=r"some trials left 'v', and others did not"):
        averaged([one, Recordings()], tmp_path)
    for other in (Trace(TIMES + 1, [1, 2, 3]), Trace(TIMES, [1, 2, 3], axis="radius")):
        with pytest.raises(ValueError, match=r"the trials' traces 'v' differ in their times or units"):
            averaged([one, as_recordings({"v": other}, tmp_path)], tmp_path)


@pytest.mark.parametrize(
    ("times", "values", "message"),
    [
        ([0], [0], r"times of at least two samples, got an array of shape \(1,\)"),
        ([0, 1], [1, 2, 3], r"one for each of 2 times, got \(3,\)"),
        ([0, 1], np.zeros((2, 2, 2)), r"got \(2, 2, 2\)"),
        ([0, 1], np.zeros((0, 2)), r"got \(0, 2\)"),
        ([1, 1], [1, 2], r"times that are finite and increase"),
        ([0, np.nan], [1, 2], r"times that are finite and increase"),
        ([0, 1], [1, np.inf], r"values that are finite"),
        ([0, 1], ["a", "b"], r"expected real numbers as values, got list"),
    ],
)
def test_a_trace_that_is_none_says_why(times: Any, values: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Trace(times, values)


@pytest.mark.parametrize(
    ("times", "labels", "message"),
    [
        ([[0, 1]], None, r"times of events, got an array of shape \(1, 2\)"),
        ([0, 1], ["a"], "a label for each of 2 events, got 1"),
        ([np.nan], None, "times that are finite"),
    ],
)
def test_events_that_are_none_say_why(times: Any, labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Events(times, labels)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (3, "expected a mapping of names to numbers, traces and events, or None, got int"),
        ({"x": "q"}, r"'x': expected a number, got 'q' \(str\)"),
        ({"x": [1, 2]}, r"'x': expected a number, got \[1, 2\] \(list\)"),
    ],
)
def test_what_is_none_of_these_is_refused_by_its_name(returned: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=message):
        as_recordings(returned, tmp_path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"v": [1.0, 2.0]}, r"returned\.npz: 'v': expected a number.*a trace has v\.times and v\.values"),
        ({"v.times": [0.0, 1.0], "v.values": [1.0]}, r"returned\.npz: 'v': expected values of shape"),
        (
            {"v": np.array({}, dtype=object)},
            r"returned\.npz: 'v': expected an array of numbers or texts, got objects of Python, which are never read",
        ),
    ],
)
def test_a_file_that_is_none_names_itself_and_the_entry(arrays: Any, message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / NPZ, **arrays)
    with pytest.raises(ValueError, match=message):
        left_in(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"\x80\x04evil"])
def test_a_torn_file_names_itself(content: bytes, tmp_path: Path) -> None:
    (tmp_path / NPZ).write_bytes(content)
    with pytest.raises(ValueError, match=r"returned\.npz: "):
        left_in(tmp_path)


def test_a_file_of_json_that_is_no_mapping_names_itself(tmp_path: Path) -> None:
    (tmp_path / JSON).write_text("[1]")
    with pytest.raises(ValueError, match=r"returned\.json: expected a mapping"):
        left_in(tmp_path)


@pytest.mark.parametrize(("word", "raised"), [("exploded", Exploded), ("no_value", NoValue)])
def test_a_simulation_says_in_its_file_why_there_is_nothing_to_measure(
    word: str, raised: type[Exception], tmp_path: Path
) -> None:
    say(tmp_path, word, "sheet exc fired at 400 Hz")
    with pytest.raises(raised, match=r"^sheet exc fired at 400 Hz$"):
        left_in(tmp_path)
    (tmp_path / JSON).write_text(f'{{"{word}": 3}}')
    assert dict(left_in(tmp_path)) == {word: 3.0}


def test_numbers_beside_traces_are_found_whichever_file_they_are_in(tmp_path: Path) -> None:
    save(as_recordings({"v": Trace(TIMES, TIMES), "rate": 1}, tmp_path), tmp_path / NPZ)
    (tmp_path / JSON).write_text('{"cv": 0.5, "rate": 7}')
    found = left_in(tmp_path)
    assert dict(found) == {"cv": 0.5, "rate": 1.0}
    assert list(found.traces) == ["v"]


@pytest.mark.run
def test_what_is_left_is_read_by_an_interpreter_that_has_numpy_alone() -> None:
    code = (
        f"import sys, types; package = types.ModuleType('targets'); package.__path__ = [{targets.__path__[0]!r}];"
        "sys.modules['targets'] = package; import targets.recordings.file, targets.plugins;"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "numpy" in loaded
    assert not {"pydantic", "neo", "orchestrator"} & set(loaded)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("e\0v", "that can be printed"),
        ("\x1b[31mred", "that can be printed"),
        ("\udc80", "that can be printed"),
        ("v" * 1001, "at most 1000 characters"),
        ("trial:0:rate", "neither begins with trial: nor ends with .times or .npy"),
        ("v.times", "neither begins with trial: nor ends with .times or .npy"),
        ("v.npy", "neither begins with trial: nor ends with .times or .npy"),
    ],
)
def test_a_name_under_which_the_file_would_have_something_else_is_refused(name: str, expected: str) -> None:
    with pytest.raises(TypeError, match=expected):
        as_recordings({name: 1.0}, Path())


def test_a_number_that_would_replace_a_part_of_a_trace_is_refused() -> None:
    with pytest.raises(TypeError, match=r"'v.unit': expected another name, this one is a part of 'v'"):
        as_recordings({"v": Trace(TIMES, TIMES), "v.unit": 3.0}, Path())
    assert dict(as_recordings({"v.unit": 3.0}, Path())) == {"v.unit": 3.0}


@pytest.mark.parametrize("name", ["a<b>/../é µ|`'", "v.values", "file", "", "v.b.c"])
def test_any_other_name_is_the_same_after_it_was_written(name: str, tmp_path: Path) -> None:
    found = saved_and_loaded(as_recordings({name: 1.0, "w": Trace(TIMES, TIMES)}, tmp_path), tmp_path)
    assert dict(found) == {name: 1.0}


@pytest.mark.parametrize(
    ("name", "expected"), [("trial:a:x", "expected the number of a trial and a name"), ("\x1b[2J", "can be printed")]
)
def test_names_that_a_program_left_are_judged_like_those_of_functions(name: str, expected: str, tmp_path: Path) -> None:
    np.savez(tmp_path / NPZ, **{name: 1.0})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=expected):
        left_in(tmp_path)


@pytest.mark.parametrize(
    ("values", "got"), [(TIMES * 1j, "complex128"), (["1", "2", "3"], "list"), (TIMES.astype("m8[s]"), "timedelta64")]
)
def test_values_of_which_numpy_would_drop_a_part_are_refused(values: Any, got: str) -> None:
    with pytest.raises(ValueError, match=f"expected real numbers as values, got {got}"):
        Trace(TIMES, values)


def test_masked_samples_are_missing_ones() -> None:
    trace = Trace(TIMES, np.ma.masked_greater(TIMES, 2))
    np.testing.assert_array_equal(trace.values, [0, 1, np.nan])


@pytest.mark.parametrize("content", [b"hello", b"", b"PK\x03\x04"])
def test_another_file_than_one_of_arrays_is_told_without_the_advice_to_execute_it(
    content: bytes, tmp_path: Path
) -> None:
    (tmp_path / NPZ).write_bytes(content)
    with pytest.raises(ValueError, match=r"expected arrays as numpy\.savez writes them") as told:
        left_in(tmp_path)
    assert "allow_pickle" not in str(told.value)


@pytest.mark.parametrize("name", [NPZ, JSON])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match="expected a file, this is a directory, a pipe or a device"):
        left_in(tmp_path)
