"""Datasets of a checkpoint, read through HDF5's plain functions: a long run has thousands."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from h5py import h5d, h5g, h5s, h5t

from orchestrator.checkpoint.own_objects import own_member, require_plausible


@functools.cache
def floats() -> tuple[np.dtype[Any], h5t.TypeID]:
    """Return the type of a float, as numpy and as HDF5 know it."""
    return np.dtype(float), h5t.py_create(np.dtype(float))


@functools.cache
def raw_bytes() -> tuple[np.dtype[Any], h5t.TypeID]:
    """Return the type of a byte, as numpy and as HDF5 know it."""
    return np.dtype(np.uint8), h5t.py_create(np.dtype(np.uint8))


def read(group: h5g.GroupID, name: bytes, dtype: np.dtype[Any], kind: h5t.TypeID) -> Any:
    """Return the array of this name in a group, whose type is `dtype`, or `kind` to HDF5."""
    dataset = own_member(group, name, h5d.DatasetID)
    require_plausible(dataset)
    array = np.zeros(dataset.shape, dtype)
    if array.size:
        dataset.read(h5s.ALL, h5s.ALL, array, kind)
    return array


def text_in(group: h5g.GroupID, name: bytes) -> bytes:
    """Return the text of this name in a group."""
    dataset = own_member(group, name, h5d.DatasetID)
    require_plausible(dataset)
    array = np.empty((), f"S{dataset.get_type().get_size()}")
    dataset.read(h5s.ALL, h5s.ALL, array)
    return bytes(array[()])
