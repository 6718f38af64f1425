"""An HDF5 file that grows at its end and is whole at every moment.

HDF5 itself changes a file in place, and whoever reads it meanwhile, or after a crash, sees it broken. Here HDF5 writes
to memory instead, in front of which lies the file as it is. It is given a new root group, which links to what is there
already, and everything that it adds comes after the end of the file. Then

1. the new bytes are written behind the end that the superblock names, and flushed to disk: no reader looks there;
2. the superblock is told the new end: eight bytes, aligned. The file is the old one with a longer tail;
3. the superblock is told the new root group: eight bytes, aligned. The file is the new one;
4. the file is flushed to disk.

A writer that is killed at any point, a full disk and a power cut leave the old file or the new one, with some bytes
behind its end at most, which the next writer overwrites. A reader that has opened the file goes on reading what it has
opened, because nothing of it ever changes. No locks are used. HDF5 also counts links in objects that are there already;
these changes are left out: the counts matter only to programs that delete objects.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
from h5py import h5g, h5o

from orchestrator.files import replacing

# The superblock of version 0, which has no checksum: its end of file, and the address of its root group
_HEAD = 96
_END_AT, _ROOT_AT, _CACHE_AT = 40, 64, 72
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LIBRARY = ("v108", "v108")


class _Image(io.RawIOBase):
    """The file as HDF5 sees it while it writes: what is there, and in memory what is added and changed.

    Parameters
    ----------
    read_at : callable
        Takes a number of bytes and an offset, and returns what the file holds there.
    end : int
        Where the file ends, in bytes.
    """

    def __init__(self, read_at: Callable[[int, int], bytes], end: int):
        self._read_at = read_at
        self._end = end
        self._position = 0
        self._changed: list[tuple[int, bytes]] = []
        self.added = bytearray()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._end + len(self.added)}[whence]
        self._position = start + offset
        return self._position

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        first, last = self._position, self._position + len(view)
        content = b""
        if first < self._end:
            content = self._before(first, min(last, self._end))
        if last > self._end:
            content += self.added[max(first - self._end, 0) : last - self._end]
        view[: len(content)] = content
        self._position += len(content)
        return len(content)

    def _before(self, first: int, last: int) -> bytes:
        content = bytearray(self._read_at(last - first, first))
        for offset, changed in self._changed:
            begin, end = max(offset, first), min(offset + len(changed), last)
            if begin < end:
                content[begin - first : end - first] = changed[begin - offset : end - offset]
        return bytes(content)

    def write(self, data: Any) -> int:
        content = bytes(data)
        before = max(min(len(content), self._end - self._position), 0)
        if before:
            self._changed.append((self._position, content[:before]))
        if after := content[before:]:
            at = self._position + before - self._end
            self.added.extend(bytes(max(at + len(after) - len(self.added), 0)))
            self.added[at : at + len(after)] = after
        self._position += len(content)
        return len(content)

    def truncate(self, size: int | None = None) -> int:
        size = self._position if size is None else size
        wanted = max(size - self._end, 0)
        self.added.extend(bytes(max(wanted - len(self.added), 0)))
        del self.added[wanted:]
        return size


def root_address(file: io.FileIO) -> int:
    """Return where the root group of an open file is now."""
    return int.from_bytes(os.pread(file.fileno(), 8, _ROOT_AT), "little")


def grows(path: Path) -> bool:
    """Return whether the file was made by `create`, and can grow."""
    with path.open("rb") as file:
        return _grows(file.read(_HEAD))


def as_it_is(file: io.FileIO) -> io.RawIOBase:
    """Return an open file as it is now.

    A writer may extend it between the looks that HDF5 takes at its end and at its beginning, which would not fit then.

    Raises
    ------
    OSError
        If it ends before the end that it names.
    """
    head = os.pread(file.fileno(), _HEAD, 0)
    if not _grows(head):
        return file
    end = int.from_bytes(head[_END_AT : _END_AT + 8], "little")
    # HDF5 would take what is missing for numbers
    if (size := os.fstat(file.fileno()).st_size) < end:
        raise OSError(f"it is cut off: expected {end} bytes, got {size}")
    image = _Image(lambda n, offset: os.pread(file.fileno(), n, offset), end)
    image.write(head)
    return image


def _grows(head: bytes) -> bool:
    # version 0, addresses and lengths of eight bytes, no base address, no address of the root group's table
    return (
        len(head) == _HEAD
        and head[:9] == _SIGNATURE + b"\0"
        and head[13:15] == b"\x08\x08"
        and head[24:32] == bytes(8)
        and head[_CACHE_AT:_HEAD] == bytes(_HEAD - _CACHE_AT)
    )


@contextlib.contextmanager
def creating(path: Path) -> Iterator[h5py.Group]:
    """Yield the root group of a new file, which takes the place of the one at `path` if nothing fails.

    Raises
    ------
    OSError
        If the disk is full; `path` is then as it was.
    """
    empty = io.BytesIO()
    with h5py.File(empty, "w", libver=("earliest", "v108")):
        pass
    content = bytearray(empty.getvalue())
    content[_CACHE_AT:_HEAD] = bytes(_HEAD - _CACHE_AT)
    base = bytes(content)
    with _session(lambda n, offset: base[offset : offset + n], len(base)) as (session, _, root):
        yield root
    content += session.added
    content[_END_AT : _END_AT + 8] = _word(len(content))
    content[_ROOT_AT : _ROOT_AT + 8] = _word(session.root)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


@contextlib.contextmanager
def extending(path: Path, confirm: Callable[[], object] = lambda: None) -> Iterator[tuple[h5py.File, h5py.Group]]:
    """Yield the file as it is and its next root group, which becomes the file's if nothing fails.

    Nothing of the file may be changed; the next root group links to what stays.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    confirm : callable
        Called before anything is written, and again after each step that may take long: raises if somebody else writes.

    Raises
    ------
    OSError
        If the disk is full or the file cannot be written; the file is then as it was, or as it should be.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        end = int.from_bytes(os.pread(descriptor, 8, _END_AT), "little")
        with _session(lambda n, offset: os.pread(descriptor, n, offset), end) as (session, file, root):
            yield file, root
        _publish(descriptor, end, session, confirm)
    except OSError as error:
        if error.errno is not None:  # HDF5's own errors have none, and say what is wrong
            error.filename = error.filename or str(path)
        raise
    finally:
        os.close(descriptor)


@dataclass
class _Session:
    """What HDF5 has added, and the address of the new root group among it; known at the end of the session."""

    added: bytes = b""
    root: int = 0


@contextlib.contextmanager
def _session(read_at: Callable[[int, int], bytes], end: int) -> Iterator[tuple[_Session, h5py.File, h5py.Group]]:
    image, session = _Image(read_at, end), _Session()
    with h5py.File(image, "r+", libver=_LIBRARY) as file:
        # no link of the old root group leads to the new one, which HDF5 therefore removes again when it closes
        root = h5py.Group(h5g.create(file.id, None))
        yield session, file, root
        file.flush()
        session.added = bytes(image.added)
        session.root = h5o.get_info(root.id).addr
    _require_complete(read_at, end, session)


def _require_complete(read_at: Callable[[int, int], bytes], end: int, session: _Session) -> None:
    """Read what is added as it will be read, before it counts: nothing of it may lie in what is left out."""
    image = _Image(read_at, end)
    image.added = bytearray(session.added)
    for place, number in ((_END_AT, end + len(session.added)), (_ROOT_AT, session.root)):
        image.seek(place)
        image.write(_word(number))
    with h5py.File(image, "r") as file:
        _require_new(file["/"].id, end)


def _require_new(group: h5g.GroupID, end: int) -> None:
    dict(h5py.Group(group).attrs)
    for name in group:
        if h5o.get_info(group, name).addr < end:
            continue  # a link to what was there
        member = h5o.open(group, name)
        if isinstance(member, h5g.GroupID):
            _require_new(member, end)
        elif member.get_storage_size() and (member.get_offset() or 0) < end:
            raise OSError(errno.EIO, f"HDF5 {h5py.version.hdf5_version} has put {name!r} among older data")


def _publish(descriptor: int, end: int, session: _Session, confirm: Callable[[], object]) -> None:
    confirm()
    # whoever slept since it has read the file has no business in it, whatever the lease says
    if int.from_bytes(os.pread(descriptor, 8, _END_AT), "little") != end:
        raise OSError(errno.ESTALE, "another process has extended it meanwhile")
    try:
        _write(descriptor, session.added, end)
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            confirm()
            os.ftruncate(descriptor, end)  # gives back what is left of the disk
        raise
    confirm()
    _write(descriptor, _word(end + len(session.added)), _END_AT)
    _write(descriptor, _word(session.root), _ROOT_AT)
    os.fsync(descriptor)


def _write(descriptor: int, content: bytes, offset: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _word(number: int) -> bytes:
    return struct.pack("<Q", number)
