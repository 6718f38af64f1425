"""A writer that dies, a full disk and readers that look at any moment: checkpoint.h5 is whole."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from orchestrator.checkpoint import Checkpoint
from orchestrator.checkpoint.image import as_it_is, creating, extending
from orchestrator.errors import Stopped
from orchestrator.records import Evaluation, Offspring, Outcome, Result

pytestmark = pytest.mark.hostile

NAMES = ["w", "b"]
TARGETS = ["rate"]
SIZE = 3


def generation(number: int) -> list[Evaluation]:
    point = (number / 1000, 0.5)
    result = Result(Outcome.OK, message=f"of generation {number}", job_id=f"{number}")
    return [
        Evaluation(
            Offspring(number, n, point, dict(zip(NAMES, point, strict=True))),
            result, (float(number),), (float(number),), 1, 0.0, number,
        )
        for n in range(SIZE)
    ]  # fmt: skip


def state(number: int) -> dict[str, float | np.ndarray]:
    return {"mean": np.full(2, float(number)), "sigma": float(number)}


def checkpoint_at(folder: Path, n: int) -> Checkpoint:
    checkpoint = Checkpoint.create(
        folder / "checkpoint.h5", config="a: 1\n", parameters=NAMES, targets=TARGETS, versions={"cma": "4"}
    )
    for number in range(n):
        checkpoint.append(generation(number), state(number))
    return checkpoint


def opened_plainly(path: Path) -> h5py.File:
    """Open a file as anybody does; HDF5 notes its length first, and refuses if it grows before it is looked at."""
    for _ in range(20):
        with contextlib.suppress(OSError):
            return h5py.File(path, "r")
    return h5py.File(path, "r")


def require_whole(path: Path, *, plain: bool = True) -> int:
    """Return how many generations there are, all of them whole."""
    checkpoint = Checkpoint(path)
    frame = checkpoint.evaluations()
    n, rest = divmod(len(frame), SIZE)
    assert not rest
    assert list(frame["generation"]) == list(np.repeat(np.arange(n), SIZE))
    assert list(frame["value:rate"]) == list(frame["generation"])
    assert checkpoint.config_text == "a: 1\n"
    details = checkpoint.details()["message"][: n * SIZE]
    assert list(details) == [f"of generation {g}" for g in frame["generation"]]
    assert list(checkpoint.distribution()["sigma"][:n]) == list(range(n))
    if plain:  # as users open it, with the locks of HDF5
        with opened_plainly(path) as file:
            found = file.attrs["tells"]
            assert list(file[f"tells/{(found - 1) // 100 * 100:06d}/{found - 1:06d}/points"][0]) == [
                (found - 1) / 1000,
                0.5,
            ]
    return n


class Killed(BaseException):
    """Ends an append as a signal would that cannot be caught."""


class Faults:
    """Breaks one call of what writes: before it, in its middle, or after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, call: int, share: float, error: Callable[[], BaseException]):
        self.calls = 0
        for name in ("pwrite", "fsync", "ftruncate"):
            monkeypatch.setattr(os, name, self._broken(name, getattr(os, name), call, share, error))

    def _broken(
        self, name: str, real: Callable[..., int], call: int, share: float, error: Callable[[], BaseException]
    ) -> Callable[..., int]:
        def broken(descriptor: int, *args: object) -> int:
            self.calls += 1
            if self.calls != call:
                return real(descriptor, *args)
            # a word of eight bytes, aligned, is written whole or not at all
            if name == "pwrite" and (len(args[0]) > 8 or share == 1):  # type: ignore[arg-type]
                content = bytes(args[0])  # type: ignore[call-overload]
                real(descriptor, content[: int(share * len(content))], *args[1:])
            elif share == 1:
                real(descriptor, *args)
            raise error()

        return broken


CALLS = range(1, 6)  # the tail, its flush, the end, the root, the last flush
SHARES = (0.0, 0.3, 0.999, 1.0)


@pytest.mark.parametrize(("call", "share"), list(itertools.product(CALLS, SHARES)))
def test_a_writer_killed_at_any_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int, share: float) -> None:
    checkpoint = checkpoint_at(tmp_path, 2)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        Faults(patch, call, share, Killed)
        checkpoint.append(generation(2), state(2))
    complete = 3 if (call, share) >= (4, 1.0) else 2
    assert require_whole(checkpoint.path) == complete
    checkpoint.append(generation(complete), state(complete))
    assert require_whole(checkpoint.path) == complete + 1
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.h5"]


@pytest.mark.parametrize(("call", "share"), list(itertools.product(CALLS, SHARES)))
def test_a_full_disk_at_any_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int, share: float) -> None:
    checkpoint = checkpoint_at(tmp_path, 2)
    before = checkpoint.path.read_bytes()
    with monkeypatch.context() as patch, pytest.raises(OSError, match=r"No space left.*checkpoint\.h5"):
        Faults(patch, call, share, lambda: OSError(28, "No space left on device"))
        checkpoint.append(generation(2), state(2))
    complete = 3 if (call, share) >= (4, 1.0) else 2
    assert require_whole(checkpoint.path) == complete
    if call <= 2:
        assert checkpoint.path.read_bytes() == before
    checkpoint.append(generation(complete), state(complete))
    assert require_whole(checkpoint.path) == complete + 1


def test_nothing_else_is_called_and_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = checkpoint_at(tmp_path, 1)
    real, calls = os.pwrite, []

    def short(descriptor: int, content: bytes, offset: int) -> int:
        written = real(descriptor, bytes(content)[:1000], offset)
        calls.append((written, offset))
        return written

    end = len(checkpoint.path.read_bytes())
    monkeypatch.setattr(os, "pwrite", short)
    checkpoint.append(generation(1), state(1))
    assert require_whole(checkpoint.path) == 2
    *tail, last, root = calls
    assert (last, root) == ((8, 40), (8, 64))
    assert [offset for _, offset in tail] == [end + 1000 * n for n in range(len(tail))]


def appended(checkpoint: Checkpoint, number: int, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, bytes]]:
    """Append a generation; return what was written and flushed, in its order."""
    real, calls = os.pwrite, []

    def pwrite(descriptor: int, content: bytes, offset: int) -> int:
        calls.append(("write", offset, bytes(content)))
        return real(descriptor, content, offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", pwrite)
        patch.setattr(os, "fsync", lambda _: calls.append(("flush", 0, b"")))
        checkpoint.append(generation(number), state(number))
    return calls


def cut_everywhere(before: bytes, calls: list[tuple[str, int, bytes]]) -> Iterator[tuple[bytes, int]]:
    """Yield the file as a writer leaves it that dies at any byte, and how many calls it has completed."""
    content = bytearray(before)
    for done, (_, offset, data) in enumerate(calls):
        for n in range(len(data) if len(data) > 8 else 0):
            content[offset + n : offset + n + 1] = data[n : n + 1]
            yield bytes(content[: offset + n + 1]), done
        content[offset : offset + len(data)] = data
        yield bytes(content), done + 1


def test_a_writer_killed_at_any_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = checkpoint_at(tmp_path, 2)
    before = checkpoint.path.read_bytes()
    calls = appended(checkpoint, 2, monkeypatch)
    assert [(kind, len(data)) for kind, _, data in calls[1:]] == [
        ("flush", 0),
        ("write", 8),
        ("write", 8),
        ("flush", 0),
    ]
    after = checkpoint.path.read_bytes()
    cuts = list(cut_everywhere(before, calls))
    assert len(cuts) > 4000
    copy = tmp_path / "copy.h5"
    for n, (content, done) in enumerate(cuts):
        # what readers of the old file read stays the same to the byte, except the two words of the superblock
        assert content[:40] + content[48:64] + content[72 : len(before)] == before[:40] + before[48:64] + before[72:]
        if n % 500 == 0 or done > 1:
            copy.write_bytes(content)
            assert require_whole(copy) == (3 if done >= 4 else 2)
    assert cuts[-1][0] == after


def test_a_power_cut_that_loses_any_part_of_what_is_not_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = checkpoint_at(tmp_path, 2)
    before = checkpoint.path.read_bytes()
    (_, offset, tail), *_ = appended(checkpoint, 2, monkeypatch)
    rng = np.random.default_rng(0)
    copy = tmp_path / "copy.h5"
    for _ in range(8):
        # sectors reach the disk in any order; the length of the file may have grown before them
        lost = bytearray(tail)
        for first in range(-(offset % 512), len(tail), 512):
            if rng.random() < 0.5:
                lost[max(first, 0) : first + 512] = bytes(min(first + 512, len(tail)) - max(first, 0))
        copy.write_bytes(before + lost[: rng.integers(len(lost) + 1)])
        assert require_whole(copy) == 2
        Checkpoint(copy).append(generation(2), state(2))
        assert require_whole(copy) == 3


def test_what_is_in_the_file_is_never_changed(tmp_path: Path) -> None:
    """The file with an older superblock is the older file."""
    checkpoint = checkpoint_at(tmp_path, 0)
    heads = []
    for number in range(12):
        heads.append(checkpoint.path.read_bytes()[:96])
        checkpoint.append(generation(number), state(number))
    content = checkpoint.path.read_bytes()
    copy = tmp_path / "copy.h5"
    for number, head in enumerate(heads[1:], 1):
        copy.write_bytes(head + content[96:])
        assert require_whole(copy) == number


def test_a_reader_sees_the_file_as_it_was_when_it_has_looked_at_its_beginning(tmp_path: Path) -> None:
    checkpoint = checkpoint_at(tmp_path, 1)
    with checkpoint.path.open("rb", buffering=0) as plain:
        seen = as_it_is(plain)
        # HDF5 would find another end than that of the beginning which it has read
        checkpoint.append(generation(1), state(1))
        with h5py.File(seen, "r") as file:
            assert file.attrs["tells"] == 1
        with h5py.File(as_it_is(plain), "r") as file:
            assert file.attrs["tells"] == 2


def test_a_writer_that_slept_while_another_appended_writes_nothing(tmp_path: Path) -> None:
    slow, quick = checkpoint_at(tmp_path, 1), Checkpoint(tmp_path)

    def taken_over() -> None:
        raise Stopped("another controller has taken this run over")

    with pytest.raises(Stopped):
        slow.append(generation(1), state(1), taken_over)
    assert require_whole(slow.path) == 1
    # the lease is its own, but the file is not as it has read it
    with pytest.raises(OSError, match="another process has extended it"):
        slow.append(generation(1), state(1), lambda: quick.append(generation(1), state(1)))
    assert require_whole(slow.path) == 2


def test_what_hdf5_would_put_among_older_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    with creating(path) as root:
        root.attrs["text"] = "of variable length"
    before = path.read_bytes()
    # once the older text is read HDF5 knows of the free space beside it
    with pytest.raises(OSError, match="heap"), extending(path, lambda: None) as (file, root):
        root.attrs["text"] = file.attrs["text"] + "!"
    assert path.read_bytes() == before


WRITER = """
import sys
from pathlib import Path
sys.path[:0] = {path}
from test_checkpoint_crashes import Checkpoint, generation, state
checkpoint = Checkpoint(Path({file!r}))
print("ready", flush=True)
for number in range(checkpoint.n_generations, 10**6):
    checkpoint.append(generation(number), state(number))
"""
READER = """
import json, os, sys, time
from pathlib import Path
sys.path[:0] = {path}
from test_checkpoint_crashes import require_whole

file, seen, looks = Path({file!r}), 0, 0
print("ready", flush=True)
while seen < {until}:
    found = require_whole(file)
    assert found >= seen, (found, seen)
    seen, looks = found, looks + 1
print(json.dumps({{"seen": seen, "looks": looks}}))
"""


def started(code: str, file: Path, **more: object) -> subprocess.Popen[str]:
    here = [str(Path(__file__).parent), *sys.path]
    text = code.format(path=here, file=str(file), **more)
    process = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_readers_see_whole_generations_while_a_writer_appends(tmp_path: Path) -> None:
    until = 500
    checkpoint = checkpoint_at(tmp_path, 1)
    reader = started(READER, checkpoint.path, until=until)
    for number in range(1, until):
        checkpoint.append(generation(number), state(number))
    out, _ = reader.communicate(timeout=300)
    assert reader.returncode == 0
    found = json.loads(out)
    assert found["seen"] == until
    assert found["looks"] > 1


def test_a_writer_process_killed_at_any_moment(tmp_path: Path) -> None:
    checkpoint = checkpoint_at(tmp_path, 1)
    before = 1
    for n in range(20):
        writer = started(WRITER, checkpoint.path)
        time.sleep(0.05 + 0.0137 * n)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        found = require_whole(checkpoint.path)
        assert found >= before
        checkpoint.append(generation(found), state(found))
        before = require_whole(checkpoint.path)
        assert before == found + 1
