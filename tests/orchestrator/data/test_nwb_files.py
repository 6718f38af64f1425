"""Files of Neurodata Without Borders, as other programs write them."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pynwb
import pytest
from measured_files import events, refused, trace
from pynwb.icephys import CurrentClampSeries

pytestmark = pytest.mark.run

VOLTS = np.round(np.random.default_rng(4).normal(size=20), 3)


@pytest.fixture
def cell(tmp_path: Path) -> Path:
    path = tmp_path / "cell.nwb"
    zone = datetime.timezone.utc
    content = pynwb.NWBFile("a cell", "1", datetime.datetime(2026, 1, 1, tzinfo=zone))
    content.add_acquisition(
        pynwb.TimeSeries(name="v", data=VOLTS, unit="volts", rate=1e4, starting_time=0.5, conversion=0.1, offset=1.0)
    )
    pair = np.stack([VOLTS, 2 * VOLTS], axis=1)
    content.add_acquisition(pynwb.TimeSeries(name="i", data=pair, unit="pA", timestamps=np.arange(20) * 1e-3))
    electrode = content.create_icephys_electrode(name="e", description="", device=content.create_device(name="d"))
    for number, name in ((3, "step"), (4, "rest")):
        series = CurrentClampSeries(
            name=name, data=number * VOLTS, rate=1e4, starting_time=float(number), electrode=electrode, gain=1.0,
            sweep_number=np.uint32(number),
        )  # fmt: skip
        content.add_acquisition(series)
    content.add_unit(spike_times=[0.1, 0.3])  # without observation intervals
    content.add_unit(spike_times=[0.2])
    with pynwb.NWBHDF5IO(str(path), "w") as file:
        file.write(content)
    return path


def test_series_with_their_conversion_times_and_units(cell: Path) -> None:
    found = trace(cell, channel="v", unit="mV")
    np.testing.assert_allclose(found.values, 1000 * (0.1 * VOLTS + 1))
    np.testing.assert_allclose(found.times, 500 + 0.1 * np.arange(20))
    second = trace(cell, channel="i[1]", window=[0, 5])
    np.testing.assert_allclose(second.values, 2 * VOLTS[:6])
    assert second.unit == "pA"


def test_sweeps_by_their_number(cell: Path) -> None:
    found = trace(cell, sweeps=[4, 3])
    np.testing.assert_allclose(found.values, [4 * VOLTS, 3 * VOLTS])
    assert found.times[0] == 0
    assert refused(cell, sweeps=[5]) == "sweeps: there is no sweep 5; there are 3, 4"


def test_spikes_of_units_that_say_nothing_of_when_they_were_observed(cell: Path) -> None:
    found = events(cell, events=True)
    assert list(zip(found.times, found.labels, strict=True)) == [(100, "0"), (200, "1"), (300, "0")]
    assert events(cell, events="1").times.tolist() == [200]


def test_what_is_not_there(cell: Path) -> None:
    expected = "channel: there is no channel 'w'; there are 0 'i[0]' in pA, 1 'i[1]' in pA, 2 'rest' in volts, 3 "
    assert refused(cell, channel="w").startswith(expected)
    cell.write_bytes(b"no HDF5")
    assert refused(cell, channel="v").startswith("file: pynwb cannot read it: OSError: ")
