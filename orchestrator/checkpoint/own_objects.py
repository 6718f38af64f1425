"""Objects of an HDF5 file that are in the file itself, and as large as what it holds of them.

A file may link to other files, take its data from them, and claim any shape at no cost. Nobody who looks at a
checkpoint wants to read another file, or to wait until the memory is full.
"""

from __future__ import annotations

import math
from typing import TypeVar

from h5py import h5d, h5g, h5l, h5o

Object = TypeVar("Object", h5d.DatasetID, h5g.GroupID)

# no packing of HDF5's makes data smaller than by this factor, and small data are small anyway
_PACKED = 1100
_SMALL = 1 << 16  # bytes


def own_member(group: h5g.GroupID, name: bytes, kind: type[Object]) -> Object:
    """Return a member of a group that is linked directly, as all that we write is.

    Raises
    ------
    ValueError
        If it is of another kind, or a link to a name or to another file.
    KeyError, RuntimeError
        If there is none.
    """
    if group.links.get_info(name).type != h5l.TYPE_HARD:
        raise ValueError(f"{name.decode(errors='replace')}: is a link, expected data in the file")
    member = h5o.open(group, name)
    if not isinstance(member, kind):
        raise ValueError(f"{name.decode(errors='replace')}: expected a {kind.__name__}, got a {type(member).__name__}")
    return member


def require_own_datasets(group: h5g.GroupID) -> None:
    """Make sure that all members of a group are data of the file; raises as `own_member` and `require_plausible`."""
    for name in group:
        require_plausible(own_member(group, name, h5d.DatasetID))


def require_plausible(dataset: h5d.DatasetID) -> None:
    """Refuse data that lie in other files, and shapes of which the file does not hold the data.

    Raises
    ------
    ValueError
        If it is so.
    """
    size = math.prod(dataset.shape) * int(dataset.get_type().get_size())
    held = int(dataset.get_storage_size())
    if dataset.get_offset() is not None and held >= size:
        return
    plan = dataset.get_create_plist()
    if plan.get_layout() == h5d.VIRTUAL or (plan.get_layout() == h5d.CONTIGUOUS and plan.get_external_count()):
        raise ValueError("its data are in another file")
    if size and not held:
        raise ValueError(f"expected data of shape {dataset.shape}, got none")
    if size > max(_PACKED * held, _SMALL):
        raise ValueError(f"expected data of shape {dataset.shape}, got {held} bytes")
