"""The neurons of a sheet: ids, positions, preferred orientations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from targets.errors import DatastoreError
from targets.pickles import Array, Instance, Refused, integers

_ORIENTATION_KEYS = ("LGNAfferentOrientation", "ORMapOrientation")

Orientation = TypeVar("Orientation", float, NDArray[np.float64])


@dataclass(frozen=True, eq=False)
class Sheet:
    """The N neurons of a sheet.

    Attributes
    ----------
    name : str
        What the model calls it.
    ids : ndarray of int64, (N,)
        The simulator's ids; they don't begin at 0.
    positions : ndarray of float64, (3, N), or None
        x and y in degrees of visual field, and z.
    orientations : ndarray of float64, (N,), or None
        Preferred orientation in rad; NaN for a neuron that has none.
    """

    name: str
    ids: NDArray[np.int64]
    positions: NDArray[np.float64] | None
    orientations: NDArray[np.float64] | None

    def indices(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the indices in this sheet of neurons given by the simulator's ids.

        Raises
        ------
        DatastoreError
            If one of them isn't in this sheet.
        """
        order = np.argsort(self.ids, kind="stable")
        place = np.minimum(np.searchsorted(self.ids, ids, sorter=order), max(self.ids.size - 1, 0))
        foreign = ids if not self.ids.size else ids[self.ids[order[place]] != ids]
        if foreign.size:
            raise DatastoreError(f"neuron {foreign[0]} was recorded in sheet {self.name!r}, which doesn't have it")
        indices: NDArray[np.int64] = order[place] if self.ids.size else place
        return indices

    def require_positions(self) -> NDArray[np.float64]:
        """Return the positions, or raise DatastoreError if there are none."""
        if self.positions is None:
            raise DatastoreError(f"the datastore has no neuron_positions of sheet {self.name!r}")
        return self.positions

    def require_orientations(self) -> NDArray[np.float64]:
        """Return the preferred orientations, or raise DatastoreError if there are none."""
        if self.orientations is None:
            keys = " or ".join(_ORIENTATION_KEYS)
            raise DatastoreError(f"the neurons of sheet {self.name!r} have no annotation {keys}")
        return self.orientations


def circular_distance(a: Orientation, b: float) -> Orientation:
    """Return the distance of orientations in rad: circular with period pi, so at most pi / 2."""
    return abs((a - b + math.pi / 2) % math.pi - math.pi / 2)


def read_sheet(name: str, ids: object, positions: object, annotations: object) -> Sheet:
    """Make a sheet from what a datastore says of it.

    Raises
    ------
    Refused
        If the parts aren't what mozaik writes, or of different lengths.
    """
    if ids is None:
        raise Refused("no neuron_ids")
    neurons = integers(ids)
    return Sheet(name, neurons, _positions(positions, neurons.size), _orientations(annotations, neurons.size))


def _positions(positions: object, number: int) -> NDArray[np.float64] | None:
    if positions is None:
        return None
    if not isinstance(positions, Array):
        raise Refused("neuron_positions that aren't an array")
    array = positions.numpy()
    if array.dtype.kind not in "fiu" or array.ndim != 2 or array.shape[0] < 2 or array.shape[1] != number:
        raise Refused(f"neuron_positions of shape {array.shape}, expected (3, {number})")
    return array.astype(np.float64)


def _orientations(annotations: object, number: int) -> NDArray[np.float64] | None:
    if isinstance(annotations, Array):
        annotations = list(annotations.numpy())
    if not isinstance(annotations, list):
        return None
    if len(annotations) != number:
        raise Refused(f"neuron_annotations of {len(annotations)} neurons, expected {number}")
    values = np.array([_orientation(each) for each in annotations], np.float64)
    return None if np.isnan(values).all() else values


def _orientation(annotation: Any) -> float:
    entries = annotation.entries if isinstance(annotation, Instance) else annotation
    if isinstance(entries, dict):
        for key in _ORIENTATION_KEYS:
            value = entries.get(key)
            if isinstance(value, Array) and len(value) <= 1:
                value = value.numpy().reshape(-1)[:1].tolist()[0]
            if isinstance(value, (int, float)):
                return float(value)
    return math.nan
