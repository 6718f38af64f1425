"""Checkpoints that are damaged, or made to look like ours: one message that names the file, whoever reads it."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from checkpoint_files import write_first_format
from hypothesis import given, settings
from hypothesis import strategies as st
from report_runs import make_run
from run_on_disk import STATE, RunOnDisk

from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import UsageError
from orchestrator.paths import RunPaths
from orchestrator.reevaluation.choosing import choose
from orchestrator.report import write_report
from orchestrator.status import Watcher
from targets import Recordings, Trace
from targets.recordings.file import save

pytestmark = pytest.mark.hostile

TELL = "tells/000000/000001"


def _replaced(name: str, value: Any, **options: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        if value is not None or options:
            file.create_dataset(name, data=value, **options)

    return change


def _external(file: h5py.File) -> None:
    del file[f"{TELL}/values"]
    file[f"{TELL}/values"] = h5py.ExternalLink("other.h5", "secret")


def _external_group(file: h5py.File) -> None:
    del file["tells"]
    file["tells"] = h5py.ExternalLink("other.h5", "/tells")


def _soft(file: h5py.File) -> None:
    del file[f"{TELL}/values"]
    file[f"{TELL}/values"] = h5py.SoftLink("/tells/000000/000000/values")


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(4, 2), dtype=float)
    layout[:] = h5py.VirtualSource("other.h5", "secret", shape=(4, 2))
    del file[f"{TELL}/values"]
    file.create_virtual_dataset(f"{TELL}/values", layout)


def _of_another_file(file: h5py.File) -> None:
    del file[f"{TELL}/values"]
    file.create_dataset(f"{TELL}/values", shape=(4, 2), dtype=float, external=[("secret.bin", 0, h5py.h5f.UNLIMITED)])


def _config_of_another_file(file: h5py.File) -> None:
    del file["run/config"]
    file.create_dataset("run/config", shape=(), dtype="S64", external=[("secret.bin", 0, h5py.h5f.UNLIMITED)])


def _attribute(name: str, value: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        if value is None:
            del file.attrs[name]
        else:
            file.attrs[name] = value

    return change


def _column(name: str, value: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        table = file[f"{TELL}/table"][:]
        table[name] = value
        file[f"{TELL}/table"][:] = table

    return change


def _without_column(file: h5py.File) -> None:
    table = file[f"{TELL}/table"][:]
    _replaced(f"{TELL}/table", table[["generation", "offspring", "outcome"]])(file)


def _details(**changes: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        rows = [{"message": "", "log_tail": "", "reasons": {}, "versions": {}, **changes} for _ in range(4)]
        _replaced(f"{TELL}/details", np.bytes_(json.dumps(rows)))(file)

    return change


def _added(name: str, value: Any, **options: Any) -> Callable[[h5py.File], None]:
    return lambda file: file[TELL].create_dataset(name, data=value, **options) and None


def _saved() -> bytes:
    file = io.BytesIO()
    save(Recordings(traces={"v": Trace([0, 1], [1, 2])}), file)
    return file.getvalue()


# what must be refused by who reads it
WRONG: dict[str, Callable[[h5py.File], None]] = {
    "a link to another file": _external,
    "all tells in another file": _external_group,
    "a link to a name": _soft,
    "virtual data": _virtual,
    "data of another file": _of_another_file,
    "a configuration of another file": _config_of_another_file,
    "an absurd shape": _replaced(f"{TELL}/values", None, shape=(10**12, 2), dtype=float),
    "an absurd shape in chunks": _replaced(f"{TELL}/values", None, shape=(10**12, 2), dtype=float, chunks=(1000, 2)),
    "an absurd table": _replaced(f"{TELL}/table", None, shape=(10**12,), dtype="i8"),
    "an absurd text": _replaced("run/config", None, shape=(), dtype="S2000000000", chunks=None),
    "too many tells": _attribute("tells", 10**15),
    "a negative number of tells": _attribute("tells", -1),
    "tells that are no number": _attribute("tells", "two"),
    "several numbers of tells": _attribute("tells", [1, 2]),
    "no number of tells": _attribute("tells", None),
    "no format": _attribute("format", None),
    "a later format": _attribute("format", 99),
    "formats": _attribute("format", [2, 2]),
    "no table": _replaced(f"{TELL}/table", None),
    "no values": _replaced(f"{TELL}/values", None),
    "no points": _replaced(f"{TELL}/points", None),
    "no details": _replaced(f"{TELL}/details", None),
    "no state": _replaced(f"{TELL}/state", None),
    "no tells": _replaced("tells", None),
    "no run": _replaced("run", None),
    "no configuration": _replaced("run/config", None),
    "fewer rows": _replaced(f"{TELL}/values", np.zeros((3, 2))),
    "fewer points": _replaced(f"{TELL}/points", np.zeros((3, 2))),
    "more columns": _replaced(f"{TELL}/scores", np.zeros((4, 3))),
    "one axis": _replaced(f"{TELL}/scores", np.zeros(8)),
    "texts for numbers": _replaced(f"{TELL}/scores", np.full((4, 2), b"x")),
    "a table of numbers": _replaced(f"{TELL}/table", np.zeros(4)),
    "a table without rows": _replaced(f"{TELL}/table", np.zeros(0, dtype=[("generation", "i8")])),
    "columns that are missing": _without_column,
    "an unknown outcome": _column("outcome", b"FINE"),
    "an unknown origin": _column("origin", b"heaven"),
    "a host of other letters": _column("host", b"\xff\xfe"),
    "names that are none": _replaced("run/parameters", np.bytes_(b"{}")),
    "names of other types": _replaced("run/targets", np.bytes_(b"[1, null]")),
    "names that are there twice": _replaced("run/targets", np.bytes_(b'["a", "a"]')),
    "versions that are a list": _replaced("run/versions", np.bytes_(b"[]")),
    "names without an end": _replaced("run/parameters", np.bytes_(b"[" * 100_000)),
    "a run that is a number": _replaced("run", 3),
    "tells that are a number": _replaced("tells", 3),
    "details that are no JSON": _replaced(f"{TELL}/details", np.bytes_(b"{")),
    "a message that is a list": _details(message=[]),
    "reasons that are a text": _details(reasons="x"),
    "fewer details": _replaced(f"{TELL}/details", np.bytes_(b"[]")),
    "deviations of fewer rows": _added("deviations", np.zeros((3, 2))),
    "deviations of more targets": _added("deviations", np.zeros((4, 3))),
    "errors of fewer rows": _added("errors", np.zeros((3, 2))),
    "outputs that are no group": _added("outputs", np.zeros((4, 2))),
    "outputs of a target that is not there": _added("outputs/2", np.zeros((4, 5))),
    "outputs of a target before the first": _added("outputs/-1", np.zeros((4, 5))),
    "outputs of a name": _added("outputs/rate", np.zeros((4, 5))),
    "outputs of fewer rows": _added("outputs/0", np.zeros((3, 5))),
    "outputs of one axis": _added("outputs/0", np.zeros(4)),
    "outputs of texts": _added("outputs/0", np.full((4, 2), b"x")),
    "recordings that are none": _added("recordings/0", np.frombuffer(b"PK torn", np.uint8)),
    "recordings of a row that is not there": _added("recordings/4", np.frombuffer(_saved(), np.uint8)),
    "recordings of an absurd length": _added("recordings/0", None, shape=(10**12,), dtype="u1", chunks=(1000,)),
    "a state of texts": _replaced(f"{TELL}/state/mean", np.full(2, b"x")),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    return make_run(tmp_path_factory.mktemp("runs") / "run", generations=2)


def copied(sound: RunPaths, directory: Path) -> RunPaths:
    paths = RunPaths(directory)
    directory.mkdir(exist_ok=True)
    paths.checkpoint.write_bytes(sound.checkpoint.read_bytes())
    (directory / "secret.bin").write_bytes(b"secret " * 10)
    if not (directory / "other.h5").exists():
        with h5py.File(directory / "other.h5", "w") as other:
            other["secret"] = np.full((4, 2), 42.0)
    return paths


def read_all(run: RunPaths) -> list[str]:
    """Return the messages of those who look; status, which goes on, has them among its problems."""
    said = list(Watcher(run).look().problems[1:])  # the first is that there is no config.yaml
    looks: list[Callable[[], object]] = [
        lambda: Checkpoint(run.checkpoint).told(),
        lambda: Checkpoint(run.checkpoint).recordings(),
        lambda: Checkpoint(run.checkpoint).evaluations(),
        lambda: choose(Checkpoint(run.checkpoint), 3),
        lambda: write_report([run], run.report),
    ]
    for look in looks:
        try:
            look()
        except UsageError as error:
            said.append(str(error))
    return said


@pytest.mark.parametrize("what", WRONG)
def test_a_damaged_or_hostile_checkpoint_is_one_message(what: str, sound: RunPaths, tmp_path: Path) -> None:
    run = copied(sound, tmp_path / "run")
    os.chdir(run.directory)
    with h5py.File(run.checkpoint, "r+") as file:
        WRONG[what](file)
    said = read_all(run)
    assert said
    for message in said:
        assert message.startswith(f"{run.checkpoint}: ")
        assert "\n" not in message
        assert "secret" not in message


def test_a_sound_checkpoint_is_read_without_a_word(sound: RunPaths, tmp_path: Path) -> None:
    assert read_all(copied(sound, tmp_path / "run")) == []


def test_a_truncated_checkpoint_is_one_message(sound: RunPaths, tmp_path: Path) -> None:
    run = copied(sound, tmp_path / "run")
    size = run.checkpoint.stat().st_size
    for length in range(0, size, size // 12):
        copied(sound, run.directory)
        os.truncate(run.checkpoint, length)
        with pytest.raises(UsageError) as error:
            Checkpoint(run.checkpoint).told()
        assert str(error.value).startswith(f"{run.checkpoint}: ")


def test_links_of_the_first_format_to_other_files_are_refused(tmp_path: Path) -> None:
    run = RunOnDisk(tmp_path / "run")
    evaluations = run.evaluations(0, [[1.0, 2.0]] * 2, begin=1.0)
    write_first_format(
        run.paths.checkpoint, [evaluations], STATE, parameters=["x", "y"], targets=["rate", "cv"], config="{}"
    )
    assert Checkpoint(run.paths.checkpoint).told()
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.full((2, 2), 42.0)
    with h5py.File(run.paths.checkpoint, "r+") as file:
        del file["evaluations/values"]
        file["evaluations/values"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "secret")
    with pytest.raises(UsageError, match="is not a readable checkpoint"):
        Checkpoint(run.paths.checkpoint).evaluations()


NUMBERS = st.sampled_from([0.0, -1.0, 1e-300, 1e300, -1e308, 1e15, 1e12, float("nan"), float("inf"), float("-inf")])


@settings(max_examples=settings.default.max_examples // 8)
@given(
    columns=st.dictionaries(
        st.sampled_from(["generation", "offspring", "total_score", "submitted", "started", "finished", "attempts"]),
        NUMBERS,
    ),
    matrices=st.dictionaries(st.sampled_from(["points", "parameters", "values", "scores"]), NUMBERS),
    state=st.dictionaries(st.sampled_from(["mean", "sigma", "covariance"]), NUMBERS),
)
def test_any_numbers_are_shown_or_refused(
    sound: RunPaths, tmp_path_factory: pytest.TempPathFactory,
    columns: dict[str, float], matrices: dict[str, float], state: dict[str, float],
) -> None:  # fmt: skip
    run = copied(sound, tmp_path_factory.getbasetemp() / "numbers")
    with h5py.File(run.checkpoint, "r+") as file, np.errstate(invalid="ignore"):
        for name, value in columns.items():
            whole = name in ("generation", "offspring", "attempts")
            number = int(np.clip(np.nan_to_num(value), -(2**62), 2**62)) if whole else value
            _column(name, number)(file)
        for name, value in matrices.items():
            file[f"{TELL}/{name}"][:] = value
        for name, value in state.items():
            file[f"{TELL}/state/{name}"][...] = value
    for message in read_all(run):
        assert message.startswith(f"{run.checkpoint}: ")
