"""What is stored of a tell, whatever the format of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from orchestrator.records import FloatArray

# a structured array with some or all of the fields of `orchestrator.checkpoint.layout`
Rows = npt.NDArray[np.void]


@dataclass(frozen=True, eq=False)
class Tell:
    """What the optimiser was told at once.

    Parameters
    ----------
    table : ndarray of a structured type, shape (n_evaluations,)
        Numbers and short texts of each evaluation.
    matrices : mapping of str to ndarray of float, shape (n_evaluations, n_names)
        By the names of `MATRICES`.
    details : sequence of mapping
        Message, end of the log, reasons, versions and seeds of each evaluation.
    state : mapping of str to ndarray of float
        The optimiser's, by the names that its method gives.
    outputs : mapping of int to ndarray of float, shape (n_evaluations, n_outputs)
        By index of the target.
    recordings : mapping of int to bytes
        What is kept of some evaluations, by their row, as `targets.recordings.file` writes it.
    """

    table: Rows
    matrices: Mapping[str, FloatArray]
    details: Sequence[Mapping[str, Any]]
    state: Mapping[str, FloatArray]
    outputs: Mapping[int, FloatArray] = field(default_factory=dict)
    recordings: Mapping[int, bytes] = field(default_factory=dict)


class Stored(Protocol):
    """The tells of an open checkpoint, whatever its format."""

    def __len__(self) -> int:
        """Return the number of tells."""

    def tables(self, fields: Sequence[str] = ..., first: int = ...) -> list[Rows]:
        """Return these fields of the evaluations, one array per tell, from tell number `first` on."""

    def matrices(self, name: str, first: int = ...) -> list[FloatArray]:
        """Return a matrix of the names of `layout.MATRICES`, one array per tell, from tell number `first` on."""

    def details(self) -> list[list[dict[str, Any]]]:
        """Return the details of each evaluation, one list per tell."""

    def states(self, first: int = ...) -> list[dict[str, FloatArray]]:
        """Return the optimiser's state of each tell, from tell number `first` on."""

    def outputs(self, first: int = ...) -> list[dict[int, FloatArray]]:
        """Return the outputs of each tell by index of the target, from tell number `first` on."""

    def recordings(self) -> list[dict[int, bytes]]:
        """Return what is kept of some evaluations of each tell, by their row."""
