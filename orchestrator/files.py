"""Writing files so that a reader sees them whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

# in bytes: what one evaluation or one generation leaves is far smaller
_MOST_JSON = 1 << 28
_MOST_LINES = 1 << 30


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


def set_mode(run_mode: str) -> None:
    """Let nobody else read what this process writes, until its owner shares it; or whoever the umask allows.

    Parameters
    ----------
    run_mode : str
        ``private`` or ``group``, as in a configuration.
    """
    if run_mode != "group":
        os.umask(os.umask(0o077) | 0o077)


def umask() -> int:
    """Return what this process takes away from the permissions of what it makes."""
    # what another thread makes in between is private
    found = os.umask(0o077)
    os.umask(found)
    return found


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


def read_json(path: Path) -> Any:
    """Return what a file of JSON holds, whoever has written it.

    Raises
    ------
    OSError
        If it cannot be read, is not there, or is no regular file.
    ValueError
        If it is not JSON, nested too deeply, or too large to be one of ours.
    """
    return parse_json(_content(path, _MOST_JSON))


def read_text(path: Path) -> str:
    """Return the text of a file, whoever has written it; raises as `read_json` does."""
    return _content(path, _MOST_JSON).decode("utf-8")


def parse_json(text: str | bytes) -> Any:
    """Return what a text in JSON says; raises `ValueError` if it is none, or nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def require_regular(descriptor: int, path: Path) -> None:
    """Refuse what is no regular file, and may never end or never answer: a folder, a pipe, a device."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.EINVAL, "expected a regular file", str(path))


def _content(path: Path, most: int) -> bytes:
    # what is put in the place of a file, such as a pipe, must not hold up who looks
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        require_regular(descriptor, path)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise ValueError(f"larger than {most >> 20} MB")
    return content


def append_json_line(path: Path, data: Mapping[str, Any]) -> None:
    """Append `data` as one line of JSON and flush it to disk; a link in the place of the file is refused."""
    append_json_lines(path, [data])


def append_json_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append lines of JSON as `append_json_line` does, and flush them to disk together."""
    lines = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666), "ab+") as file:
        # a line that a crash tore must not swallow this one
        end = file.seek(0, os.SEEK_END)
        torn = end > 0 and (file.seek(end - 1), file.read(1))[1] != b"\n"
        file.write((b"\n" if torn else b"") + lines)
        file.flush()
        os.fsync(file.fileno())


def read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of JSON lines; a line that a crash tore is passed over, a missing file has none.

    Raises
    ------
    OSError
        If the file cannot be read, or is too large to be one of ours.
    """
    try:
        text = _content(path, _MOST_LINES).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return
    except ValueError as error:
        raise OSError(errno.EFBIG, str(error), str(path)) from error
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            entry = parse_json(line)
            if isinstance(entry, dict):
                yield entry


def tail(path: Path, lines: int, since: int = 0) -> str:
    """Return the last `lines` lines of a text file of any size, from byte `since` on; empty if there is none."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - 400 * max(lines, 1), since))
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
