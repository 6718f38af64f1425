"""The operating system's calls as the programs of the world make them: every one may let somebody else go on first."""

from __future__ import annotations

import builtins
import errno
import io
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from simulated.filesystem import ROOT, FileSystem, Node
from simulated.hosts import Host, Process
from simulated.scheduler import Scheduler

# descriptors of files of the world; the kernel's own are far smaller
_FIRST_DESCRIPTOR = 1_000_000_000
# how often a write is seen half done by others, or ends there
_SPLIT = 0.25
_OBSERVER = Host("observer")


@dataclass(eq=False)
class _Open:
    node: Node
    path: str
    position: int = 0
    append: bool = False


class Calls:
    """Replaces functions of `os` and `io`, for paths and descriptors of the world; all others are the kernel's.

    Parameters
    ----------
    files : FileSystem
        What there is.
    scheduler : Scheduler
        Knows whose call it is, and lets others go on.
    """

    def __init__(self, files: FileSystem, scheduler: Scheduler):
        self._files = files
        self._scheduler = scheduler
        self._open: dict[int, _Open] = {}
        self._descriptors = _FIRST_DESCRIPTOR

    def replacements(self) -> dict[str, Callable[..., Any]]:
        """Return what takes the place of which function of `os`."""
        return {
            "open": self.open_descriptor,
            "close": _for_descriptors(os.close, self._close),
            "read": _for_descriptors(os.read, self._read),
            "pread": _for_descriptors(os.pread, self._pread),
            "write": _for_descriptors(os.write, self._write),
            "pwrite": _for_descriptors(os.pwrite, self._pwrite),
            "fsync": _for_descriptors(os.fsync, self._fsync),
            "ftruncate": _for_descriptors(os.ftruncate, self._ftruncate),
            "fstat": _for_descriptors(os.fstat, lambda number: self._files.stat_open(self._open[number].node)),
            "stat": self._stat_or(os.stat),
            "lstat": _for_paths(os.lstat, lambda path, **_: self._look(path)),
            "listdir": _for_paths(os.listdir, self._listdir),
            "scandir": _for_paths(os.scandir, self._scandir),
            "access": _for_paths(os.access, lambda path, _mode, **_: self._files.view(path, self._host) is not None),
            "mkdir": _for_paths(os.mkdir, self._mkdir),
            "rmdir": _for_paths(os.rmdir, self._rmdir),
            "unlink": _for_paths(os.unlink, self._unlink),
            "remove": _for_paths(os.remove, self._unlink),
            "link": _for_paths(os.link, self._link),
            "rename": _for_paths(os.rename, self._replace),
            "replace": _for_paths(os.replace, self._replace),
            "utime": self._utime_or(os.utime),
            "chmod": _for_paths(os.chmod, lambda _path, _mode, **_: None),
        }

    def open(self, file: Any, mode: str = "r", buffering: int = -1, *arguments: Any, **options: Any) -> Any:
        """Take the place of `open`."""
        path = _virtual(file)
        if isinstance(file, int) and file >= _FIRST_DESCRIPTOR:
            number = file
        elif path is not None:
            number = (options.pop("opener", None) or self.open_descriptor)(path, _flags(mode))
        else:
            return _OPEN(file, mode, buffering, *arguments, **options)
        raw = File(self, number, mode, closes=options.pop("closefd", True))
        if buffering == 0:
            return raw
        buffered: Any
        if "+" in mode:
            buffered = io.BufferedRandom(raw)
        else:
            buffered = io.BufferedReader(raw) if "r" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, *arguments, **options)

    def open_descriptor(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        """Take the place of `os.open`."""
        name = _virtual(path)
        if name is None:
            return _OS_OPEN(path, flags, mode, dir_fd=dir_fd)
        self._before(name)
        if flags & os.O_CREAT:
            self._require_room(name)
            node = self._files.create(name, self._host, exclusive=bool(flags & os.O_EXCL))
        else:
            node = self._files.opened(name, self._host)
        if node.folder and flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), name)
        if flags & os.O_TRUNC:
            self._files.truncate(node, 0, self._host)
        self._descriptors += 1
        self._open[self._descriptors] = _Open(node, name, append=bool(flags & os.O_APPEND))
        return self._descriptors

    # of open files

    def _close(self, number: int) -> None:
        self._open.pop(number, None)

    def _read(self, number: int, size: int) -> bytes:
        file = self._open[number]
        data = bytes(file.node.content[file.position : file.position + size])
        file.position += len(data)
        return data

    def _pread(self, number: int, size: int, offset: int) -> bytes:
        return bytes(self._open[number].node.content[offset : offset + size])

    def _write(self, number: int, data: Any) -> int:
        file, content = self._open[number], bytes(data)
        if file.append:
            file.position = len(file.node.content)
        self._put(file, file.position, content)
        file.position += len(content)
        return len(content)

    def _pwrite(self, number: int, data: Any, offset: int) -> int:
        content = bytes(data)
        self._put(self._open[number], offset, content)
        return len(content)

    def _put(self, file: _Open, offset: int, content: bytes) -> None:
        """Write, in two parts at times: whoever dies between them leaves the first."""
        process = self._process
        if process is not None and process.dead:
            return
        self._before(file.path)
        host, random = self._host, self._scheduler.random
        # what is 8 bytes long is written at once: a pointer, in a page of its own
        cut = random.randrange(len(content)) if len(content) > 8 and random.random() < _SPLIT else 0
        if self._is_full:
            self._files.write(file.node, offset, content[:cut], host)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), file.path)
        if cut:
            self._files.write(file.node, offset, content[:cut], host)
            self._scheduler.step()
            if file.append:
                offset = len(file.node.content) - cut
        self._files.write(file.node, offset + cut, content[cut:], host)

    def _fsync(self, number: int) -> None:
        self._before(self._open[number].path)

    def _ftruncate(self, number: int, size: int) -> None:
        self._before(self._open[number].path)
        self._files.truncate(self._open[number].node, size, self._host)

    # of names

    def _stat_or(self, real: Callable[..., os.stat_result]) -> Callable[..., os.stat_result]:
        def replaced(path: Any, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
            if isinstance(path, int) and path >= _FIRST_DESCRIPTOR:
                return self._files.stat_open(self._open[path].node)
            name = _virtual(path)
            if name is None:
                return real(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
            self._before(name)
            return self._files.stat(name, self._host)

        return replaced

    def _look(self, path: str) -> os.stat_result:
        self._require_reachable(path)
        return self._files.stat(path, self._host)

    def _listdir(self, path: str) -> list[str]:
        self._before(path)
        return self._files.list(path, self._host)

    def _scandir(self, path: str) -> Entries:
        self._before(path)
        host = self._host
        names = self._files.list(path, host)
        return Entries([Entry(name, f"{path}/{name}", self._files.stat(f"{path}/{name}", host)) for name in names])

    def _mkdir(self, path: str, mode: int = 0o777) -> None:
        self._before(path)
        self._require_room(path)
        self._files.mkdir(path, self._host)

    def _rmdir(self, path: str, **_: object) -> None:
        self._before(path)
        self._files.rmdir(path, self._host)

    def _unlink(self, path: str, **_: object) -> None:
        self._before(path)
        self._files.unlink(path, self._host)

    def _link(self, source: str, target: Any, **_: object) -> None:
        self._before(source)
        self._files.link(source, os.fspath(target), self._host)

    def _replace(self, source: str, target: Any, **_: object) -> None:
        self._before(source)
        self._files.replace(source, os.fspath(target), self._host)

    def _utime_or(self, real: Callable[..., None]) -> Callable[..., None]:
        def replaced(path: Any, times: tuple[float, float] | None = None, **options: Any) -> None:
            is_open = isinstance(path, int) and path >= _FIRST_DESCRIPTOR
            name = self._open[path].path if is_open else _virtual(path)
            if name is None:
                real(path, times, **options)
                return
            self._before(name)
            node = self._open[path].node if is_open else None
            self._files.set_times(name, self._host, None if times is None else times[1], node)

        return replaced

    @property
    def _process(self) -> Process | None:
        task = self._scheduler.current
        return None if task is None else task.process

    @property
    def _host(self) -> Host:
        process = self._process
        return _OBSERVER if process is None else process.host

    @property
    def _is_full(self) -> bool:
        return self._host.full_until > self._scheduler.now

    def _before(self, path: str) -> None:
        """Let others go on; then the file system may be away."""
        self._scheduler.step()
        self._require_reachable(path)

    def _require_reachable(self, path: str) -> None:
        host = self._host
        if host.away_until > self._scheduler.now:
            raise OSError(host.away_as, os.strerror(host.away_as), path)

    def _require_room(self, path: str) -> None:
        if self._is_full and self._files.truth(path) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


class File(io.RawIOBase):
    """An open file of the world, as `io.FileIO` is one of the kernel's."""

    def __init__(self, calls: Calls, number: int, mode: str, *, closes: bool):
        self._calls = calls
        self._number = number
        self._mode = mode
        self._closes = closes
        self._file = calls._open[number]
        if "a" in mode:
            self._file.position = len(self._file.node.content)

    def fileno(self) -> int:
        return self._number

    def readable(self) -> bool:
        return "r" in self._mode or "+" in self._mode

    def writable(self) -> bool:
        return self._mode.strip("bt") != "r"

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._file.position, os.SEEK_END: len(self._file.node.content)}
        self._file.position = base[whence] + offset
        return self._file.position

    def tell(self) -> int:
        return self._file.position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._calls._read(self._number, len(view))
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        return self._calls._read(self._number, len(self._file.node.content))

    def write(self, data: Any) -> int:
        return self._calls._write(self._number, data)

    def close(self) -> None:
        if not self.closed and self._closes:
            self._calls._close(self._number)
        super().close()


class Entry:
    """A name in a folder, as `os.DirEntry`."""

    def __init__(self, name: str, path: str, seen: os.stat_result):
        self.name = name
        self.path = path
        self._seen = seen

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return stat.S_ISDIR(self._seen.st_mode)

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return stat.S_ISREG(self._seen.st_mode)

    def is_symlink(self) -> bool:
        return False

    def is_junction(self) -> bool:
        return False

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return self._seen


class Entries:
    """What `os.scandir` returns."""

    def __init__(self, entries: list[Entry]):
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[Entry]:
        return self._entries

    def __next__(self) -> Entry:
        return next(self._entries)

    def __enter__(self) -> Entries:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass


_OPEN, _OS_OPEN = builtins.open, os.open


def _virtual(path: Any) -> str | None:
    """Return a path of the world as text; None for all others."""
    text = path if type(path) is str else os.fspath(path) if isinstance(path, os.PathLike) else None
    return text if isinstance(text, str) and text.startswith(ROOT) else None


def _for_paths(real: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
    def replaced(path: Any = ".", *arguments: Any, **options: Any) -> Any:
        name = _virtual(path)
        return real(path, *arguments, **options) if name is None else ours(name, *arguments, **options)

    return replaced


def _for_descriptors(real: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
    def replaced(number: int, *arguments: Any) -> Any:
        return ours(number, *arguments) if number >= _FIRST_DESCRIPTOR else real(number, *arguments)

    return replaced


def _flags(mode: str) -> int:
    kind = mode.strip("bt").replace("b", "").replace("t", "")
    return {
        "r": os.O_RDONLY,
        "r+": os.O_RDWR,
        "w": os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
        "w+": os.O_RDWR | os.O_CREAT | os.O_TRUNC,
        "a": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
        "a+": os.O_RDWR | os.O_CREAT | os.O_APPEND,
        "x": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
    }[kind]
