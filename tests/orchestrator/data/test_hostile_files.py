"""Whatever is in a file of data: it is read, or refused in one message, and nothing is executed."""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured_files import refused, write_abf

from orchestrator.data import DataSource, Unreadable, freeze_data, frozen_data, read
from orchestrator.errors import RunFailed
from orchestrator.paths import RunPaths
from targets import Events, Recordings, Trace
from targets.recordings.file import save

pytestmark = [pytest.mark.hostile, pytest.mark.timeout(60)]

TRACE = Trace(np.arange(40), np.sin(np.arange(40)), "mV")


def written(directory: Path) -> dict[Path, dict[str, Any]]:
    """Return a sound file of each kind, and the keys with which it is read."""
    with (directory / "a.csv").open("w") as table:
        table.write("time,v\n")
        table.writelines(f"{t},{v}\n" for t, v in zip(TRACE.times, TRACE.values, strict=True))
    np.savez(directory / "a.npz", t=TRACE.times, v=TRACE.values)
    np.savez_compressed(directory / "b.npz", t=TRACE.times, v=TRACE.values)
    save(Recordings(traces={"v": TRACE}, events={"s": Events([1, 2], ["a", "b"])}), directory / "c.npz")
    (directory / "a.json").write_text(json.dumps({"t": TRACE.times.tolist(), "v": TRACE.values.tolist()}))
    write_abf(directory / "a.abf", np.zeros((2, 1, 40)))
    keys: dict[str, dict[str, Any]] = {"a.csv": {"unit": "mV"}, "c.npz": {"channel": "v", "unit": "V"}}
    return {path: keys.get(path.name, {}) for path in sorted(directory.iterdir())}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, dict[str, Any]]:
    files = written(tmp_path_factory.mktemp("sound"))
    for path, keys in files.items():
        assert isinstance(read(DataSource(file=path, **keys), path.parent), Trace)
    return files


@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(sound: dict[Path, dict[str, Any]], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(sound)))
    content = path.read_bytes()
    damaged = bytearray(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))])
    for _ in range(data.draw(st.integers(0, 6)) if damaged else 0):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    other = path.with_name(f"damaged{path.suffix}")
    other.write_bytes(damaged)
    with contextlib.suppress(Unreadable):
        read(DataSource(file=other, **sound[path]), path.parent)


@given(text=st.text(alphabet=st.sampled_from("0123456789.,;\t eE-+naNif#%\"'\n\r_x\u00b5\u2028"), max_size=60))
def test_any_text_is_a_table_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_text(text, newline="")
    for keys in ({}, {"interval": 1.0}, {"events": True}, {"columns": ["x", 1]}):
        with contextlib.suppress(Unreadable):
            read(DataSource(file=path, **keys), path.parent)


@given(damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=5))
def test_damaged_data_of_a_run_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[float, int]]
) -> None:
    paths = RunPaths(tmp_path_factory.getbasetemp())
    freeze_data({"v": TRACE}, paths)
    content = bytearray(paths.data.read_bytes())
    for place, byte in damage:
        content[int(place * len(content))] = byte
    paths.data.write_bytes(content)
    with contextlib.suppress(RunFailed):
        frozen_data(paths, ["v"])


@pytest.mark.parametrize("name", ["pipe.csv", "pipe.abf", "pipe.npz", "pipe.json"])
def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    assert refused(tmp_path / name) == "file: expected a regular file, not a pipe or a device"


def test_an_array_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive, archive.open("t.npy", "w") as entry:
        np.lib.format.write_array_header_1_0(entry, {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)})
    assert refused(path).startswith("file: expected arrays of numbers as numpy.savez writes them: Unable to allocate")
