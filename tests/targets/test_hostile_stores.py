"""Hostile and broken stores: nothing is executed, nothing hangs, no other target loses its value."""

from __future__ import annotations

import copyreg
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from hostile import SPOILS, payloads
from hypothesis import given
from hypothesis import strategies as st
from stores import SPONTANEOUS, Store

from targets import Datastore, DatastoreError, Measurement, create_targets, measure

pytestmark = [pytest.mark.hostile, pytest.mark.timeout(20)]

RECORDINGS = "datastore.recordings.pickle"
TARGETS = create_targets(
    [{"class": "SpontActivityTarget", "sheet_name": s, "target_value": [0, 1], "norm": 1} for s in ("Exc", "Inh")]
)


@pytest.fixture
def directory(plain_directory: Path, tmp_path: Path) -> Path:
    """A copy of the plain store; what belongs to Exc is in Segment0.pickle."""
    return Path(shutil.copytree(plain_directory, tmp_path / "store"))


@pytest.fixture(scope="module")
def small_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Spoilt by tests, which restore it."""
    store = Store(tmp_path_factory.mktemp("small") / "store", layout="2020")
    for index, sheet in enumerate(("Exc", "Inh")):
        ids = range(3 + 20 * index, 11 + 20 * index)
        trains = {neuron: np.arange(neuron % 4) * 7.0 for neuron in ids}
        store.sheet(sheet, ids).segment(sheet, SPONTANEOUS, trains, signals={"gsyn_exc": np.ones((4, 2))})
    return store.write()


def spoilt(directory: Path, name: str, content: bytes) -> list[Measurement] | DatastoreError:
    file = directory / name
    whole = file.read_bytes()
    file.write_bytes(content)
    try:
        return measured(directory)
    finally:
        file.write_bytes(whole)


def measured(directory: Path) -> list[Measurement] | DatastoreError:
    try:
        return measure(TARGETS, Datastore(directory))
    except DatastoreError as error:
        return error


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """The file that a payload creates if it is executed, and all payloads."""
    marker = tmp_path_factory.mktemp("corpus") / "executed"
    return marker, payloads(marker)


def check_that_only_exc_is_lost(directory: Path) -> str:
    exc, inh = measure(TARGETS, Datastore(directory))
    assert inh.value is not None
    assert inh.value > 10
    assert exc.value is None
    assert "Segment0" in str(exc.reason)
    return str(exc.reason)


@pytest.mark.parametrize("name", payloads(Path("marker")))
def test_a_hostile_pickle(name: str, small_directory: Path, corpus: tuple[Path, dict[str, bytes]]) -> None:
    marker, payload = corpus[0], corpus[1][name]
    in_segment = spoilt(small_directory, "Segment0.pickle", payload)
    assert isinstance(in_segment, list)
    assert in_segment[0].value is None
    assert "Segment0.pickle" in str(in_segment[0].reason)
    assert in_segment[1].value is not None
    in_recordings = spoilt(small_directory, RECORDINGS, payload)
    assert isinstance(in_recordings, DatastoreError)
    assert RECORDINGS in str(in_recordings)
    assert not marker.exists()


def test_the_corpus_would_execute_something_if_it_were_unpickled(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    pickle.loads(payloads(marker)["eval"])
    assert marker.exists()
    assert len(payloads(marker)) >= 50


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("os.system", "posix.system"),
        ("eval", "builtins.eval"),
        ("a class of the model's own", "hostile.OfTheModelsOwn"),
        ("subprocess.Popen", "subprocess.Popen"),
        ("another module through an allowed one", "neo.core.segment.os"),
        ("a call of an instance", "a call of Instance"),
        ("a call in a list", "builtins.eval"),
        ("a call in a segment's annotations", "builtins.eval"),
        ("a call in an array of objects", "builtins.eval"),
        ("a state for a class", "os.system"),
        ("a state for a class's slots", "a state set on an object of type Global"),
        ("reconstruction of a foreign class", "subprocess.Popen"),
        ("a persistent id", "a persistent id"),
        ("an extension code", "an extension code"),
        ("a tuple 30,000 deep as a key", "a mapping with a key of type tuple"),
        ("a memo of 16 GB", "memo index 2147483647"),
        ("a string of 2^62 bytes", "4611686018427387904 bytes are announced"),
    ],
)
def test_a_refusal_names_the_file_and_what_it_asked_for(
    name: str, asked: str, small_directory: Path, corpus: tuple[Path, dict[str, bytes]]
) -> None:
    message = str(spoilt(small_directory, RECORDINGS, corpus[1][name]))
    assert asked in message
    assert str(small_directory / RECORDINGS) in message


def test_a_registered_extension_code_is_refused(directory: Path, tmp_path: Path) -> None:
    copyreg.add_extension("posix", "system", 0xF0)
    try:
        assert pickle.loads(b"\x80\x04\x82\xf0.") is os.system  # which puts it into a cache
        (directory / "Segment0.pickle").write_bytes(payloads(tmp_path / "executed")["an extension code"])
        assert "an extension code" in check_that_only_exc_is_lost(directory)
    finally:
        copyreg.remove_extension("posix", "system", 0xF0)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("name", SPOILS)
def test_something_else_in_the_place_of_a_file(name: str, directory: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    SPOILS[name](directory / "Segment0.pickle", outside)
    check_that_only_exc_is_lost(directory)

    shutil.rmtree(outside)
    outside.mkdir()
    (directory / "inside").unlink(missing_ok=True)
    SPOILS[name](directory / RECORDINGS, outside)
    with pytest.raises(DatastoreError, match=RECORDINGS):
        Datastore(directory)


def test_a_link_to_the_whole_directory_is_fine(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(directory)
    assert all(each.value is not None for each in measure(TARGETS, Datastore(tmp_path / "link")))


@pytest.mark.parametrize("name", ["Segment0.pickle", RECORDINGS])
def test_truncated_files(small_directory: Path, name: str) -> None:
    """At every byte of the beginning and end, around every frame, and at many places in between."""
    whole = (small_directory / name).read_bytes()
    frames = [i for i in range(len(whole)) if whole[i] == 0x95]
    cuts = {*range(60), *range(len(whole) - 40, len(whole)), *range(0, len(whole), len(whole) // 40)}
    cuts |= {cut + offset for cut in frames[:12] for offset in (0, 1, 8, 9, 10)}
    try:
        for cut in sorted((cut for cut in cuts if cut < len(whole)), reverse=True):
            os.truncate(small_directory / name, cut)
            result = measured(small_directory)
            if isinstance(result, list):
                assert (name, result[0].value) == ("Segment0.pickle", None)
                assert result[1].value is not None
                result = DatastoreError(result[0].reason)
            assert f"{name} is truncated or no pickle" in str(result)
    finally:
        (small_directory / name).write_bytes(whole)


@given(name=st.sampled_from(["Segment0.pickle", RECORDINGS]), data=st.data())
def test_flipped_bytes_end_in_a_value_or_a_reason(small_directory: Path, name: str, data: st.DataObject) -> None:
    whole = bytearray((small_directory / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    result = spoilt(small_directory, name, bytes(whole))
    if isinstance(result, DatastoreError):
        assert (name, str(small_directory) in str(result)) == (RECORDINGS, True)
        return
    exc, inh = result
    assert (exc.value is None) != (exc.reason is None)
    assert "Error: " not in str(exc.reason)
    assert name == RECORDINGS or inh.value is not None


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch {marker}')",
        "{{'name': __import__('os').system('touch {marker}')}}",
        "{{'name': open('{marker}', 'w')}}",
        "{{'name': (lambda: open('{marker}', 'w'))()}}",
        "{{'name': [open('{marker}', 'w') for _ in 'x']}}",
        "{{'name': f\"{{open('{marker}', 'w')}}\"}}",
        "{{'name': MozaikExtendedParameterSet(open('{marker}', 'w'))}}",
        "{{'name': MozaikExtendedParameterSet.__init__('{marker}')}}",
        "{{**{{}}, 'name': 1}}",
        "{{'name': 9 ** 9 ** 9 ** 9}}",
        "{{'name': 'x' * 10 ** 10}}",
        "'InternalStimulus'",
        "",
        "{{",
        "\x00",
        "[" * 100_000,
        "-" * 100_000 + "1",
        "{{'name': " + "[" * 90 + "]" * 90 + "}}",
        "{{'name': " + "+".join("1" * 5_000) + "}}",
        "{{'name': 'InternalStimulus'}}" + " " * 4_000_000,
    ],
    ids=range(20),
)
def test_a_hostile_annotation(text: str, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    store = Store(tmp_path / "store").sheet("Exc", [3]).sheet("Inh", [4])
    store.segment("Exc", text.format(marker=marker), {3: [1.0]}).segment("Inh", SPONTANEOUS, {4: [1.0]})
    exc, inh = measure(TARGETS, Datastore(store.write()))
    assert (inh.value, inh.reason) == (1.0, None)
    assert exc.value is None
    assert "unreadable annotations: Segment0: " in str(exc.reason)
    assert not marker.exists()


@pytest.mark.parametrize("identifier", ["../outside/Segment0", "/etc/passwd", "", "a/b", "..", "Segment0\n"])
def test_an_identifier_that_is_no_name(identifier: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("Exc", [3]).sheet("Inh", [4])
    store.segment("Exc", SPONTANEOUS, {3: [1.0]}).segment("Inh", SPONTANEOUS, {4: [1.0]})
    (tmp_path / "outside").mkdir()
    shutil.copy(tmp_path / "store" / "Segment0.pickle", tmp_path / "outside")
    store.block.segments[0].identifier = identifier
    exc, inh = measure(TARGETS, Datastore(store.write()))
    assert (inh.value, inh.reason) == (1.0, None)
    assert exc.value is None
    assert "names a segment" in str(exc.reason)
