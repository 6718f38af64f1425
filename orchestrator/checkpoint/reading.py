"""Opening checkpoint.h5 for reading, whichever version of this program wrote it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path

import h5py
import numpy as np
from h5py import h5o

from orchestrator.checkpoint import first_format, layout
from orchestrator.checkpoint.image import as_it_is, root_address
from orchestrator.checkpoint.stored import Rows, Stored
from orchestrator.errors import UsageError
from orchestrator.files import parse_json, require_regular

# A network file system may show the new beginning of a file with its old length, for a moment
_TRIES = 4
_PAUSE = 0.05  # s


# what h5py, numpy and json raise at files that are damaged, or were made to look like ours
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError)


@contextlib.contextmanager
def readable(path: Path, passing: type[Exception] | tuple[()] = ()) -> Iterator[h5py.File]:
    """Open a checkpoint as `opened`; whatever is wrong with it, whoever has written it, is one message.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    passing : type of Exception, optional
        What is not put into words here.

    Raises
    ------
    orchestrator.errors.UsageError
        If it is not there, or not a checkpoint.
    """
    try:
        with opened(path) as file:
            yield file
    except passing:
        raise
    except FileNotFoundError as error:
        raise UsageError(f"{path}: there is no such checkpoint") from error
    except _UNREADABLE as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"{path}: is not a readable checkpoint ({words})") from error


@contextlib.contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open a checkpoint; no locks are needed because nothing in it ever changes.

    Raises
    ------
    OSError
        If it is not there, or not an HDF5 file.
    """
    with open(path, "rb", buffering=0, opener=_regular) as plain, _direct(path, plain) or _as_hdf5(plain) as file:
        yield file


def _regular(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    try:
        require_regular(descriptor, Path(path))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _direct(path: Path, plain: FileIO) -> h5py.File | None:
    """Open the path, which is fastest; None if this process has it open with locks, or as it was before."""
    with contextlib.suppress(OSError):
        file = h5py.File(path, "r", locking=False)
        # HDF5 shows the same as to those who opened it first in this process
        if h5o.get_info(file.id).addr == root_address(plain):
            return file
        file.close()
    return None


def _as_hdf5(plain: FileIO) -> h5py.File:
    for _ in range(_TRIES - 1):
        with contextlib.suppress(OSError):
            return h5py.File(as_it_is(plain), "r")
        time.sleep(_PAUSE)
    return h5py.File(as_it_is(plain), "r")


def require_format(file: h5py.File, path: Path) -> int:
    """Return the format of an open checkpoint.

    Raises
    ------
    orchestrator.errors.UsageError
        If this version cannot read it.
    """
    found = file.attrs.get("format")
    if np.ndim(found) or found not in (first_format.FORMAT, layout.FORMAT):
        expected = f"a checkpoint of format {first_format.FORMAT} or {layout.FORMAT}"
        raise UsageError(f"{path}: expected {expected}, got {found}")
    return int(found)


def run_in(file: h5py.File) -> dict[str, str]:
    """Return ``config`` (YAML), ``parameters``, ``targets`` and ``versions`` (JSON) of an open checkpoint."""
    return first_format.read_run(file) if file.attrs["format"] == first_format.FORMAT else layout.read_run(file)


def names_in(text: str) -> list[str]:
    """Return the names in a JSON list; raises `ValueError` if it is none, or names something twice."""
    names = parse_json(text)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"expected a list of names, got {text[:80]!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"expected different names, got {text[:80]!r}")
    return names


def mapping_in(text: str) -> dict[str, str]:
    """Return the texts in a JSON object; raises `ValueError` if it is none."""
    data = parse_json(text)
    if not isinstance(data, dict):
        raise ValueError(f"expected texts by name, got {text[:80]!r}")
    return {name: str(value) for name, value in data.items()}


def stored_in(file: h5py.File) -> Stored:
    """Return the tells of an open checkpoint."""
    return first_format.FirstFormat(file) if file.attrs["format"] == first_format.FORMAT else layout.Tells(file)


def tables_since(path: Path, fields: Sequence[str], first: int) -> tuple[int, list[Rows]]:
    """Read some columns of the evaluations, for those who look at a long run again and again.

    Parameters
    ----------
    path : pathlib.Path
        The checkpoint.
    fields : sequence of str
        Columns, such as ``generation``, ``outcome`` (bytes) and ``total_score``.
    first : int
        Number of the first tell to read.

    Returns
    -------
    int
        How many tells there are; fewer than `first` if another file has taken the place of the one that was read.
    list of ndarray of a structured type, shape (n_evaluations,)
        One per tell from number `first` on.

    Raises
    ------
    orchestrator.errors.UsageError
        If the file is not readable, or not a checkpoint.
    """
    with readable(path) as file:
        stored = stored_in(file)
        return len(stored), stored.tables(fields, first) if first < len(stored) else []
