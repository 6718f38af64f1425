"""Recordings stay with a run as it began with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from orchestrator.data import digest_of, freeze_data, frozen_data
from orchestrator.errors import RunFailed
from orchestrator.paths import ReevaluationPaths, RunPaths
from targets import Events, Trace

DIPOLE = Trace([0.0, 0.5, 1.5], [[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]], "nAm")
SPIKES = Events([3.0, 1.0], ["L5", "L2"])


def test_what_was_frozen_is_read_again_to_the_bit(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    freeze_data({"dipole": DIPOLE, "spikes": SPIKES}, paths)
    found = frozen_data(paths, ["dipole", "spikes"])
    assert {name: digest_of(each) for name, each in found.items()} == {
        "dipole": digest_of(DIPOLE),
        "spikes": digest_of(SPIKES),
    }
    dipole, spikes = found["dipole"], found["spikes"]
    assert isinstance(dipole, Trace)
    assert isinstance(spikes, Events)
    np.testing.assert_array_equal(dipole.values, DIPOLE.values)
    assert (dipole.unit, dipole.time_unit, spikes.labels.tolist()) == ("nAm", "ms", ["L2", "L5"])
    assert ReevaluationPaths.of(paths).data == paths.data


@pytest.mark.parametrize(
    "other",
    [
        Trace(DIPOLE.times, DIPOLE.values, "uAm"),
        Trace(DIPOLE.times, DIPOLE.values[:1], "nAm"),
        Trace(DIPOLE.times + 1e-9, DIPOLE.values, "nAm"),
        Trace(DIPOLE.times, np.nextafter(DIPOLE.values, 9), "nAm"),
        Events(SPIKES.times, ["L2", "L6"]),
        Events(SPIKES.times, ["L", "2L5"]),
    ],
)
def test_what_differs_in_anything_has_another_digest(other: Trace | Events) -> None:
    assert digest_of(other) not in {digest_of(DIPOLE), digest_of(SPIKES)}


def test_a_run_without_data_has_none_and_one_whose_data_are_gone_says_so(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    freeze_data({}, paths)
    assert not paths.data.exists()
    assert frozen_data(paths) == {}
    with pytest.raises(RunFailed, match=r"data\.npz: expected the data .*, but there is no such file. Restore it"):
        frozen_data(paths, ["dipole"])
    freeze_data({"spikes": SPIKES}, paths)
    with pytest.raises(RunFailed, match="but 'dipole' is not there"):
        frozen_data(paths, ["dipole", "spikes"])
    paths.data.write_bytes(b"PK nonsense")
    with pytest.raises(RunFailed, match=r"data\.npz: expected the data that the run began with"):
        frozen_data(paths)
