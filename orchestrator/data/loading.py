"""Reads all recordings of a configuration, each with the reader of its kind of file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from orchestrator.data.errors import DataError, Unreadable
from orchestrator.data.named import read_named
from orchestrator.data.neo_files import read_with_neo
from orchestrator.data.nwb_files import read_nwb
from orchestrator.data.section import DataSource
from orchestrator.data.shaping import Raw, shaped
from orchestrator.data.tables import read_table
from targets.plugins import nearest

if TYPE_CHECKING:
    from targets.recordings import Events, Trace

_TABLES = frozenset({"", ".csv", ".tsv", ".txt", ".dat", ".asc"})
_NAMED = frozenset({".npz", ".json"})


class _Configured(Protocol):
    """What of a configuration is needed here."""

    @property
    def data(self) -> Mapping[str, DataSource] | None:
        """The section ``data``."""

    @property
    def model_dir(self) -> Path:
        """What its paths are relative to."""


def load_data(config: _Configured) -> dict[str, Trace | Events]:
    """Return the recordings that a configuration names, as they are read now; times are in ms.

    Raises
    ------
    DataError
        With all problems at once.
    """
    found: dict[str, Trace | Events] = {}
    problems: list[tuple[tuple[str, ...], str]] = []
    for name, source in (config.data or {}).items():
        try:
            found[name] = read(source, config.model_dir)
        except Unreadable as error:
            problems.append((("data", name, *([error.key] if error.key else [])), str(error)))
    if problems:
        raise DataError(problems)
    return found


def read(source: DataSource, directory: Path) -> Trace | Events:
    """Return one recording.

    Parameters
    ----------
    source : DataSource
        Which.
    directory : pathlib.Path
        What a path is relative to, and where a function is imported from.

    Raises
    ------
    Unreadable
        If it cannot be had.
    """
    if source.file is None:
        from orchestrator.data.function import made  # noqa: PLC0415  (the process that it starts is that module)

        return shaped(made(source, directory), source)
    path = (directory / source.file.expanduser()).absolute()
    try:
        _require_readable(path)
        return shaped(_reader_of(path)(path, source), source)
    except OSError as error:
        raise Unreadable("file", f"{path} cannot be read: {error.strerror or error}") from error
    except Unreadable as error:
        raise Unreadable(error.key, f"{path}: {error}") from error


def _reader_of(path: Path) -> Callable[[Path, DataSource], Raw]:
    """Return what reads a file of this name."""
    suffix = path.suffix.lower()
    if suffix in _NAMED:
        return read_named
    if suffix in _TABLES and path.is_file():
        return read_table
    return read_nwb if suffix == ".nwb" else read_with_neo


def _require_readable(path: Path) -> None:
    if path.is_file() or path.is_dir():
        return
    if path.exists():
        raise Unreadable("file", "expected a regular file, not a pipe or a device")
    siblings = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = nearest(path.name, siblings) or ";"
    raise Unreadable("file", f"there is no such file{hint} paths are relative to model_dir")
