"""Writing files so that a reader sees them whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any


def _always() -> None:
    """Let it be written."""


@contextlib.contextmanager
def replacing(path: Path, confirm: Callable[[], object] = _always) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is flushed to disk and takes the place of `path`.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    confirm : callable
        Called last, after the flush, which may take long; if it raises, `path` stays as it was.

    Raises
    ------
    OSError
        If the disk is full or the folder is not writable; `path` is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    # who may read it is the umask's business, which is the user's, or the controller's
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        confirm()
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _flush_folder(path.parent)


def be_private() -> None:
    """Let nobody else read what this process writes, until its owner shares it."""
    os.umask(os.umask(0o077) | 0o077)


def remove_unfinished(path: Path) -> None:
    """Remove what writers of `path` that were killed have left beside it; nobody may be writing it now."""
    for temporary in path.parent.glob(f".{path.name}.*"):
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str, confirm: Callable[[], object] = _always) -> None:
    """Write `text` whole or not at all; `confirm` as for `replacing`."""
    with replacing(path, confirm) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Mapping[str, Any], confirm: Callable[[], object] = _always) -> None:
    """Write `data` as JSON, floats with all their digits, whole or not at all; `confirm` as for `replacing`."""
    write_text(path, json.dumps(data) + "\n", confirm)


def append_json_line(path: Path, data: Mapping[str, Any]) -> None:
    """Append `data` as one line of JSON and flush it to disk."""
    with path.open("ab+") as file:
        # a line that a crash tore must not swallow this one
        end = file.seek(0, os.SEEK_END)
        torn = end > 0 and (file.seek(end - 1), file.read(1))[1] != b"\n"
        file.write((b"\n" if torn else b"") + json.dumps(data).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of JSON lines; a line that a crash tore is passed over, a missing file has none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    for line in text.splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            entry = json.loads(line)
            if isinstance(entry, dict):
                yield entry


def tail(path: Path, lines: int) -> str:
    """Return the last `lines` lines of a text file of any size, empty if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - 400 * max(lines, 1), 0))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:]) if lines else ""


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # some network file systems refuse fsync on a directory; the rename itself has succeeded then
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
