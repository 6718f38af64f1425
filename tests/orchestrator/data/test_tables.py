"""Tables as text are read as they are meant, and what cannot be read says where and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measured_files import events, refused, trace


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


@pytest.mark.parametrize(
    "text",
    [
        "0 1\n1 2.5\n",
        "0\t1\n1\t2.5\n",
        "  0     1.0e0 \n  1     2.5\n\n",
        "0,1\n1,2.5\n",
        "0, 1\n1, 2.5",
        "0;1\n1;2.5\n",
        "0;1,0\n1;2,5\n",
        "0,0\t1,0\n1,0\t2,5\n",
        "0,0 1,0\n1,0 2,5\n",
        "time,v\n0,1\n1,2.5\n",
        '"time";"v"\n"0";"1"\n"1";"2,5"\n',
        "Time (ms)   V (mV)\n0 1\n1 2.5\n",
        "# time v\n0 1\n# a pause\n1 2.5\n",
        "% a remark\n0 1\n1 2.5\n",
        "0,1,\n1,2.5,\n",
        "time,v\r\n0,1\r\n1,2.5\r\n",
        "time,v\r0,1\r1,2.5\r",
    ],
)
def test_whatever_stands_between_columns(table: Path, text: str) -> None:
    table.write_bytes(text.encode())
    found = trace(table)
    assert (found.times.tolist(), found.values.tolist()) == ([0, 1], [1, 2.5])
    assert (found.unit, found.time_unit) == ("", "ms")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_names_in_whatever_encoding(table: Path, encoding: str) -> None:
    table.write_bytes("time;µV\n0;1\n1;2\n".encode(encoding))
    assert trace(table, columns=["time", "µV"], unit="uV").values.tolist() == [1, 2]


def test_columns_by_name_by_number_and_several_as_trials(table: Path) -> None:
    table.write_text("t,a,b\n0,1,4\n1,2,\n2,3,6\n")
    assert trace(table, columns=["t", "b"]).values[0] == 4
    assert trace(table, columns=[0, 1]).values.tolist() == [1, 2, 3]
    found = trace(table, columns=["t", 1, "b"], time_unit="s", window=[0, 1000], unit="mV")
    assert found.times.tolist() == [0, 1000]
    np.testing.assert_array_equal(found.values, [[1, 2], [4, np.nan]])
    assert found.unit == "mV"


def test_names_in_a_comment_as_numpy_writes_them(table: Path) -> None:
    np.savetxt(table, [[0, 1], [1, 2]], header="time dipole")
    assert trace(table, columns=["time", "dipole"]).values.tolist() == [1, 2]


def test_values_without_times(table: Path) -> None:
    table.write_text("1\n2\n4\n")
    found = trace(table, interval=0.5)
    assert (found.times.tolist(), found.values.tolist()) == ([0, 0.5, 1], [1, 2, 4])


def test_every_digit_is_read(table: Path) -> None:
    values = np.random.default_rng(1).normal(size=200) * 1e-7
    table.write_text("".join(f"{n} {value!r}\n" for n, value in enumerate(values.tolist())))
    np.testing.assert_array_equal(trace(table).values, values)


def test_events_with_labels(table: Path) -> None:
    table.write_text("time,cell\n5.5,L5\n1,L2\n3,L5\n")
    found = events(table, events=True, label="cell")
    assert (found.times.tolist(), found.of("L5").tolist()) == ([1, 3, 5.5], [3, 5.5])
    assert events(table, events="time", window=[2, 5]).times.tolist() == [3]
    table.write_text("0,001\n0,002\n")
    assert events(table, events=1).times.tolist() == [1, 2]
    table.write_text("0.001\n0.002\n")
    assert events(table, events=True, time_unit="s").times.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "keys", "expected"),
    [
        ("", {}, "file: expected a table, but there are no numbers in it"),
        ("\n  \n# nothing\n", {}, "file: expected a table, but there are no numbers in it"),
        ("t,v\n", {}, "file: expected numbers below the names of the columns, but there are none"),
        ("\0\1\2", {}, "file: expected a table as text, but this is none: are these binary data?"),
        (
            "1\n2\n",
            {},
            "interval: expected times and values, got one column: if these are values, give interval, in ms",
        ),
        ("t,v\n0,1\n", {}, ": expected at least two samples, got 1"),
        ("0 1 2\n1 2 3\n", {}, "columns: expected columns: [time, value], because there are 3 columns without names, "),
        ("t,v\n0,1\n1,x\n", {}, "columns: line 3: expected a number in column 'v', got 'x'"),
        ("# c\n\nt,v\n0,1\n1,2\n,3\n", {}, "columns: line 6: expected a time, got nan"),
        ("0 1\n1 inf\n", {}, "columns: line 2: expected a number in column 1, got inf"),
        ("0 1\n1 2\n1 3\n", {}, "columns: line 3: expected times that increase, got 1 after 1. Are these the times?"),
        ("0 1\n1 2\n0 1\n1 2\n", {}, "columns: line 3: expected times that increase, got 0 after 1"),
        ("0 1\n1 2 3\n", {}, "file: line 2: expected as many columns as in the lines above, 2, got 3"),
        ("# c\n0 1\n1\n", {}, "file: line 3: expected as many columns as in the lines above, 2, got 1"),
        ("0,1\n1;2\n2,3\n", {}, "file: line 2: expected as many columns as in the lines above, 1, got 2"),
        ("0;1\n1,2\n2;3\n", {}, "file: line 2: expected as many columns as in the lines above, 2, got 1"),
        ("t,v\n0,\n1,nan\n", {}, ": expected numbers, but a whole column, sweep or trial has none there"),
        ("2020-01-01,1\n2020-01-02,1\n", {}, "columns: line 1: expected a number in column 0, got '2020-01-01'"),
        ("t,dipole\n0,1\n1,2\n", {"columns": ["t", "dipol"]}, "columns: there is no column 'dipol'; did you mean"),
        ("0 1\n1 2\n", {"columns": [0, 7]}, "columns: there is no column 7, counted from 0; there are 2 columns "),
        ("0 1\n1 2\n", {"channel": 1}, "channel: says nothing here: there are columns, which are named in columns"),
        ("0 1\n1 2\n", {"sweeps": [1]}, "sweeps: says nothing here"),
        ("0 1\n1 2\n", {"columns": [1]}, "columns: expected the column of the times and that of the values, got one"),
        ("v,v\n0,1\n1,2\n", {"columns": [0, "v"]}, "columns: there are 2 columns 'v': give their number"),
        ("t,cell\n0,1\n1,2\n", {"events": True}, "events: expected the name or number of the column of the times"),
        ("0\nx\n", {"events": True}, "events: line 2: expected a number in column 0, got 'x'"),
        ("0 1\n1 2\n", {"window": [0, 5]}, "window: expected a part of the data, 0 to 1 ms, got 0 to 5 ms"),
        ("0 1\n1 2\n", {"window": [0.1, 0.2]}, "window: expected at least two samples between 0.1 and 0.2 ms, got 0"),
        ("0 1\n1 2\n", {"resample": 0.01}, "resample: expected at least a twentieth of the 1 ms between the data"),
        ("0 1\n1 2\n", {"resample": 5}, "resample: expected less than the duration of 1 ms, got 5"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_key_and_line(
    table: Path, text: str, keys: dict[str, Any], expected: str
) -> None:
    table.write_bytes(text.encode())
    assert refused(table, **keys).startswith(expected)


def test_resampling_is_linear_and_takes_all_of_the_data(table: Path) -> None:
    table.write_text("0 0\n1 10\n3 30\n4 0\n")
    found = trace(table, window=[0.5, 3.5], resample=0.5)
    np.testing.assert_allclose(found.times, [0.5, 1, 1.5, 2, 2.5, 3, 3.5])
    np.testing.assert_allclose(found.values, [5, 10, 15, 20, 25, 30, 15])
    assert trace(table, resample=3).times.tolist() == [0, 3]
    # edges are written with fewer digits than times
    table.write_text("0 0\n0.3333333333333333 1\n0.6666666666666666 2\n")
    assert trace(table, window=[0, 0.66666667]).times.size == 3


def test_a_missing_sample_stays_missing(table: Path) -> None:
    table.write_text("0 0\n1 nan\n2 2\n3 3\n")
    np.testing.assert_array_equal(trace(table, resample=0.5).values, [0, np.nan, np.nan, np.nan, 2, 2.5, 3])


def test_a_large_table_is_refused_before_it_is_read(table: Path) -> None:
    with table.open("wb") as file:
        file.truncate(1 << 29)
    assert refused(table).startswith("file: expected at most 128 MB of text, got 512 MB: write it as npz")
