"""Recordings, read from files that a test writes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.data import DataSource, Unreadable, read
from targets import Events, Trace


def trace(path: Path, **keys: Any) -> Trace:
    found = read(DataSource(file=path, **keys), path.parent)
    assert isinstance(found, Trace)
    return found


def events(path: Path, **keys: Any) -> Events:
    found = read(DataSource(file=path, **keys), path.parent)
    assert isinstance(found, Events)
    return found


def refused(path: Path, **keys: Any) -> str:
    """Return the key at fault and the message without the path."""
    with pytest.raises(Unreadable) as caught:
        read(DataSource(file=path, **keys), path.parent)
    return f"{caught.value.key}: {str(caught.value).removeprefix(f'{path}: ')}"


def write_abf(
    path: Path,
    sweeps: NDArray[np.float64],
    names: Sequence[str] = ("Vm",),
    units: Sequence[str] = ("mV",),
    interval: float = 0.1,
) -> None:
    """Write an ABF1 file of pClamp, of which the manual of Axon's file format has the places in the header.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    sweeps : numpy.ndarray, shape (sweeps, channels, samples)
        In `units`.
    names, units : sequence of str
        Of the channels.
    interval : float
        Time between two samples, ms.
    """
    number, channels, samples = sweeps.shape
    header = bytearray(6144)
    data = np.ascontiguousarray(sweeps.transpose(0, 2, 1), dtype="<f4").tobytes()
    first, last = len(header) // 512, len(header) // 512 - (-len(data) // 512)

    def put(at: int, form: str, *values: Any) -> None:
        struct.pack_into(f"<{form}", header, at, *values)

    put(0, "4sfh", b"ABF ", 1.83, 5)  # sweeps of a fixed length
    put(10, "i", sweeps.size)
    put(16, "i", number)
    put(40, "i", first)
    put(92, "iih", last, number, 1)  # floats
    put(120, "h", channels)
    put(122, "f", 1000 * interval / channels)
    put(130, "f", 1000 * interval)
    put(138, "i", channels * samples)
    put(244, "f", 10.0)
    put(252, "i", 32768)
    put(378, "16h", *range(16))
    put(410, "16h", *range(channels), *[-1] * (16 - channels))
    for n, (name, unit) in enumerate(zip(names, units, strict=True)):
        put(442 + 10 * n, "10s", name.encode().ljust(10))
        put(602 + 8 * n, "8s", unit.encode().ljust(8))
    for gains in (730, 922, 1050, 4576):
        put(gains, "16f", *[1.0] * 16)
    places = b"".join(struct.pack("<2i", 2 * n * channels * samples, channels * samples) for n in range(number))
    path.write_bytes(bytes(header) + data.ljust(512 * (last - first), b"\0") + places.ljust(512, b"\0"))
