"""A file system that several hosts share: each sees late what the others have changed.

What changes something asks the server, and so does opening a file, as NFS promises. Looking a name up, listing a folder
and asking for times and sizes may show what was there a while ago.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from simulated.hosts import Host

ROOT = "/world"
# of what is remembered of a name or of a file, for those who see it late
_KEPT = 4


class Seen(NamedTuple):
    """What a file looked like since a time."""

    since: float
    by: Host | None
    modified: float
    size: int


@dataclass(eq=False)
class Node:
    """A file or a folder."""

    number: int
    folder: bool
    content: bytearray = field(default_factory=bytearray)
    links: int = 1
    seen: list[Seen] = field(default_factory=list)


class Name(NamedTuple):
    """What a name stands for since a time; nothing if it was removed."""

    since: float
    by: Host | None
    node: Node | None


class FileSystem:
    """Names and what they stand for.

    Parameters
    ----------
    now : callable
        Returns the true time, Unix time in s.
    skew : float
        How far the server's clock is ahead, in s.
    """

    def __init__(self, now: Callable[[], float], skew: float = 0.0):
        self._now = now
        self._skew = skew
        self._names: dict[str, list[Name]] = {}
        self._members: dict[str, dict[str, None]] = {}
        self._count = 0
        self._bind(ROOT, self._node(folder=True), None)
        self._members[ROOT] = {}

    # what is there now, whoever looks

    def truth(self, path: str) -> Node | None:
        """Return what a path stands for now."""
        names = self._names.get(path)
        return names[-1].node if names else None

    def view(self, path: str, host: Host) -> Node | None:
        """Return what a path stands for as a host sees it."""
        names = self._names.get(path)
        if not names:
            return None
        horizon = host.horizon(self._now())
        for name in reversed(names):
            if name.by is host or name.since <= horizon:
                return name.node
        return None

    def opened(self, path: str, host: Host) -> Node:
        """Return the file that a host opens to read.

        Raises
        ------
        OSError
            If it is not there as the host sees it.
        """
        seen, there = self.view(path, host), self.truth(path)
        if seen is None or there is None:
            raise _error(errno.ENOENT, path)
        return there

    def stat(self, path: str, host: Host) -> os.stat_result:
        """Return what a host sees of a path."""
        node = self.view(path, host)
        if node is None:
            raise _error(errno.ENOENT, path)
        horizon = host.horizon(self._now())
        seen = next((one for one in reversed(node.seen) if one.by is host or one.since <= horizon), node.seen[0])
        return _stat(node, seen)

    def stat_open(self, node: Node) -> os.stat_result:
        """Return what is known of an open file."""
        return _stat(node, node.seen[-1])

    def list(self, path: str, host: Host) -> list[str]:
        """Return the names in a folder as a host sees them, sorted."""
        node = self.view(path, host)
        if node is None:
            raise _error(errno.ENOENT, path)
        if not node.folder:
            raise _error(errno.ENOTDIR, path)
        return sorted(name for name in self._members[path] if self.view(f"{path}/{name}", host) is not None)

    # what changes something

    def create(self, path: str, host: Host, *, exclusive: bool = False) -> Node:
        """Return the file at a path, which is made if it is not there."""
        there = self.truth(path)
        if there is not None:
            if exclusive:
                raise _error(errno.EEXIST, path)
            if there.folder:
                raise _error(errno.EISDIR, path)
            return there
        self._require_parent(path)
        node = self._node(folder=False)
        self._bind(path, node, host)
        self._modified(node, host)
        return node

    def mkdir(self, path: str, host: Host) -> None:
        """Make a folder."""
        if self.truth(path) is not None:
            raise _error(errno.EEXIST, path)
        self._require_parent(path)
        node = self._node(folder=True)
        self._bind(path, node, host)
        self._members.setdefault(path, {})
        self._modified(node, host)

    def rmdir(self, path: str, host: Host) -> None:
        """Remove an empty folder."""
        if self.truth(path) is None:
            raise _error(errno.ENOENT, path)
        if any(self.truth(f"{path}/{name}") is not None for name in self._members[path]):
            raise _error(errno.ENOTEMPTY, path)
        self._bind(path, None, host)

    def unlink(self, path: str, host: Host) -> None:
        """Remove a file."""
        node = self.truth(path)
        if node is None or self.view(path, host) is None:
            raise _error(errno.ENOENT, path)
        if node.folder:
            raise _error(errno.EISDIR, path)
        node.links -= 1
        self._bind(path, None, host)

    def link(self, source: str, target: str, host: Host) -> None:
        """Give a file a further name."""
        node = self.truth(source)
        if node is None:
            raise _error(errno.ENOENT, source)
        if self.truth(target) is not None:
            raise _error(errno.EEXIST, target)
        self._require_parent(target)
        node.links += 1
        self._bind(target, node, host)

    def replace(self, source: str, target: str, host: Host) -> None:
        """Give a file another name, whatever has it; or a folder one that nothing has."""
        node, before = self.truth(source), self.truth(target)
        if node is None:
            raise _error(errno.ENOENT, source)
        self._require_parent(target)
        if before is not None:
            if node.folder or before.folder:
                raise _error(errno.ENOTEMPTY, target)
            before.links -= 1
        self._bind(target, node, host)
        if node.folder:
            self._members.setdefault(target, {})
            for name in list(self._members[source]):
                if self.truth(f"{source}/{name}") is not None:
                    self.replace(f"{source}/{name}", f"{target}/{name}", host)
        self._bind(source, None, host)

    def write(self, node: Node, offset: int, data: bytes, host: Host) -> None:
        """Change the content of a file."""
        content = node.content
        if len(content) < offset:
            content.extend(bytes(offset - len(content)))
        content[offset : offset + len(data)] = data
        self._modified(node, host)

    def truncate(self, node: Node, size: int, host: Host) -> None:
        """Cut a file."""
        del node.content[size:]
        self._modified(node, host)

    def set_times(self, path: str, host: Host, modified: float | None, opened: Node | None = None) -> None:
        """Set when a file was changed, to the server's time if none is given."""
        node = opened or self.view(path, host)
        if node is None or (opened is None and self.truth(path) is None):
            raise _error(errno.ENOENT, path)
        self._modified(node, host, modified)

    def files(self) -> dict[str, bytes]:
        """Return the content of all files, by path."""
        found = ((path, names[-1].node) for path, names in self._names.items())
        return {path: bytes(node.content) for path, node in found if node is not None and not node.folder}

    def put(self, path: str, content: bytes) -> None:
        """Have a file, with all folders above it, from the beginning on."""
        parent = path.rpartition("/")[0]
        if self.truth(parent) is None:
            self.put_folder(parent)
        node = self._node(folder=False)
        node.content[:] = content
        self._bind(path, node, None)
        self._modified(node, None)

    def put_folder(self, path: str) -> None:
        """Have a folder, with all folders above it, from the beginning on."""
        if self.truth(path) is None:
            self.put_folder(path.rpartition("/")[0])
            self._bind(path, self._node(folder=True), None)
            self._members[path] = {}

    def _node(self, *, folder: bool) -> Node:
        self._count += 1
        node = Node(self._count, folder)
        node.seen.append(Seen(0.0, None, self._now() + self._skew, 0))
        return node

    def _modified(self, node: Node, host: Host | None, modified: float | None = None) -> None:
        now = self._now()
        when = now + self._skew if modified is None else modified
        node.seen.append(Seen(now, host, when, len(node.content)))
        if len(node.seen) > _KEPT:
            del node.seen[0]

    def _bind(self, path: str, node: Node | None, host: Host | None) -> None:
        names = self._names.setdefault(path, [])
        # what nobody has made was always there
        names.append(Name(0.0 if host is None else self._now(), host, node))
        if len(names) > _KEPT:
            del names[0]
        parent, _, name = path.rpartition("/")
        if parent in self._members:
            self._members[parent][name] = None

    def _require_parent(self, path: str) -> None:
        node = self.truth(path.rpartition("/")[0])
        if node is None:
            raise _error(errno.ENOENT, path)


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


def _stat(node: Node, seen: Seen) -> os.stat_result:
    mode = (stat.S_IFDIR | 0o700) if node.folder else (stat.S_IFREG | 0o600)
    whole = int(seen.modified)
    times = (seen.modified,) * 3
    nanoseconds = (int(seen.modified * 1e9),) * 3
    return os.stat_result(
        (mode, node.number, 1, node.links, os.getuid(), os.getgid(), seen.size, *(whole,) * 3, *times, *nanoseconds)
    )
