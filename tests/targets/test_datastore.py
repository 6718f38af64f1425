"""What a datastore finds: sheets, spontaneous activity, trials; and what it keeps in memory."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from stores import DISK, GRATING, LAYOUTS, SPONTANEOUS, Store

from targets import Datastore, DatastoreError, Segment
from targets.datastore import read_recording

TRAINS = {3: [1.0]}


def identifiers(segments: list[Segment]) -> list[str]:
    return [each.identifier for each in segments]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_spontaneous_activity_is_told_from_kicks_and_blanks(layout: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "store", layout).sheet("A", [3])
    kick = {"direct_stimulation_name": "Kick"}
    parameters = "'direct_stimulation_parameters': MozaikExtendedParameterSet({'exc_weight': 0.1})"
    store.segment("A", SPONTANEOUS | kick, TRAINS)
    store.segment("A", SPONTANEOUS, TRAINS)
    store.segment("A", f"{{'name': 'InternalStimulus', 'direct_stimulation_name': 'Kick', {parameters}}}", TRAINS)
    store.segment(
        "A", f"{{'name': 'InternalStimulus', 'direct_stimulation_name': None, 'duration': 1000, {parameters}}}", TRAINS
    )
    store.segment("A", SPONTANEOUS | {"name": "EndOfSimulationBlank"}, TRAINS)
    store.segment("A", GRATING | {"direct_stimulation_name": "None"}, TRAINS)
    if layout != "0.1.0":
        store.segment("A", SPONTANEOUS, TRAINS, null=True)
    datastore = Datastore(store.write())
    assert identifiers(datastore.spontaneous("A")) == ["Segment1", "Segment3"]
    assert datastore.problems("A") == []


def test_by_default_the_longest_spontaneous_stimulus(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("A", [3])
    for duration in (50.0, 50.0, 2000.0, 500.0, 2000):
        store.segment("A", SPONTANEOUS | {"duration": duration}, TRAINS, duration=duration)
    datastore = Datastore(store.write())
    assert identifiers(datastore.spontaneous("A")) == ["Segment2", "Segment4"]
    assert identifiers(datastore.spontaneous("A", 50)) == ["Segment0", "Segment1"]
    assert datastore.spontaneous("A", 70) == []


def test_trials_of_the_first_presented_stimulus_in_the_order_of_presentation(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("A", [3]).sheet("B", [3])
    second = GRATING | {"spatial_frequency": 1.6}
    for stimulus in (
        GRATING | {"contrast": 10},
        GRATING | {"trial": 2},
        second,
        GRATING | {"trial": 0},
        GRATING | {"orientation": math.pi / 2},
        second | {"trial": 1},
        GRATING | {"trial": 1},
        DISK,
    ):
        store.segment("A", stimulus, TRAINS).segment("B", stimulus, TRAINS)
    datastore = Datastore(store.write())
    found = datastore.trials("A", GRATING["name"], contrast=100, orientation=math.pi)
    assert identifiers(found) == ["Segment2", "Segment6", "Segment12"]
    assert [each.stimulus["trial"] for each in found] == [2, 0, 1]
    assert identifiers(datastore.trials("B", DISK["name"], radius=0.5)) == ["Segment15"]
    assert datastore.trials("B", DISK["name"], radius=0.4) == []
    assert datastore.trials("B", GRATING["name"], radius=0.5) == []
    grouped = datastore.by_stimulus(datastore.presentations("A", GRATING["name"], contrast=100.0))
    assert [len(group) for group in grouped] == [3, 2, 1]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_neurons_are_found_by_the_simulators_ids(layout: str, tmp_path: Path) -> None:
    positions = np.arange(12.0).reshape(3, 4)
    store = Store(tmp_path / "store", layout)
    store.sheet("A", [17, 4, 90, 5], positions, [0.1, 0.2, 0.3, 0.4], key="ORMapOrientation")
    store.segment("A", SPONTANEOUS, {90: [1.0], 17: [2.0]})
    datastore = Datastore(store.write())
    sheet = datastore.sheet("A")
    assert sheet.indices(datastore.segments("A")[0].spikes().ids).tolist() == [2, 0]
    np.testing.assert_array_equal(sheet.require_positions(), positions)
    assert sheet.require_orientations().tolist() == [0.1, 0.2, 0.3, 0.4]
    with pytest.raises(DatastoreError, match="neuron 6 was recorded in sheet 'A', which doesn't have it"):
        sheet.indices(np.array([4, 6]))


def test_what_the_file_does_not_say_of_a_sheet(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("A", [1, 2]).sheet("B", [3, 4, 5], np.zeros((3, 2)))
    del store.block.annotations["neuron_positions"]["A"]
    store.block.annotations["neuron_annotations"] |= {"A": [{"x": 1}, {}]}
    store.segment("C", SPONTANEOUS, TRAINS)
    datastore = Datastore(store.write())
    with pytest.raises(DatastoreError, match="no neuron_positions of sheet 'A'"):
        datastore.sheet("A").require_positions()
    with pytest.raises(DatastoreError, match="LGNAfferentOrientation or ORMapOrientation"):
        datastore.sheet("A").require_orientations()
    with pytest.raises(DatastoreError, match=r"sheet 'B' has neuron_positions of shape \(3, 2\), expected \(3, 3\)"):
        datastore.sheet("B")
    with pytest.raises(DatastoreError, match="sheet 'C' has no neuron_ids"):
        datastore.sheet("C")
    with pytest.raises(DatastoreError, match=r"no sheet 'V1', did|no sheet 'V1'; sheets: A, B, C"):
        datastore.sheet("V1")


def test_a_misspelled_sheet_is_answered_with_the_nearest(tmp_path: Path) -> None:
    datastore = Datastore(Store(tmp_path / "store").sheet("V1_Exc_L4", [1]).sheet("V1_Exc_L2/3", [2]).write())
    with pytest.raises(DatastoreError, match="did you mean 'V1_Exc_L4'"):
        datastore.spontaneous("V1_Ex_L4")


def test_what_is_no_datastore(tmp_path: Path) -> None:
    with pytest.raises(DatastoreError, match="no such directory"):
        Datastore(tmp_path / "none")
    with pytest.raises(DatastoreError, match=r"no such file: .*datastore\.recordings\.pickle"):
        Datastore(tmp_path)


def test_files_are_read_when_asked_for_and_kept_within_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "store").sheet("A", [3])
    for trial in range(4):
        store.segment("A", SPONTANEOUS | {"trial": trial}, {3: np.arange(1000.0)})
    directory = store.write()
    read: list[str] = []

    def reading(path: Path) -> object:
        read.append(path.stem)
        return read_recording(path)

    monkeypatch.setattr("targets.datastore.read_recording", reading)
    datastore = Datastore(directory, memory=17_000)  # two segments of 8 kB
    segments = datastore.segments("A")
    assert read == []
    for index in (0, 0, 1, 0, 2, 0, 1, 3, 3):
        assert segments[index].spikes().counts().tolist() == [1000]
    assert read == ["Segment0", "Segment1", "Segment2", "Segment1", "Segment3"]
    datastore.release()
    segments[3].spikes()
    assert read[-2:] == ["Segment3", "Segment3"]


def test_a_broken_segment_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = Store(tmp_path / "store").sheet("A", [3]).segment("A", SPONTANEOUS, TRAINS).write()
    (directory / "Segment0.pickle").write_bytes(b"")
    datastore = Datastore(directory)
    for _ in range(2):
        with pytest.raises(DatastoreError, match="truncated"):
            datastore.segments()[0].spikes()
        (directory / "Segment0.pickle").unlink(missing_ok=True)
