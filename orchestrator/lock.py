"""A run's lock: a file whose name says who holds it, and which changes hands by being renamed.

The name is unique to one hold and never used again. Of several who rename it, one succeeds; and one that has slept
meanwhile finds that its file is gone, or says another's name. Nothing depends on a host's clock, on a moment between
two steps, or on the kernel's locks, which are not shared, or refused, on the file systems of many clusters.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.clocks import dated

_GONE = (errno.ENOENT, errno.ESTALE)
# Unix time of the year 2100 in s
_LAST = 4.1e9


@dataclass(frozen=True)
class Token:
    """A lock as others see it.

    Parameters
    ----------
    path : pathlib.Path
        Its file.
    renewed : float
        When its holder has renewed it last, Unix time of the file system in s.
    """

    path: Path
    renewed: float

    @property
    def pid(self) -> int:
        """The holder's process id on its machine, 0 if the name does not say it."""
        parts = self.path.name.split("|")
        return int(parts[-2]) if len(parts) == 4 and re.fullmatch("[0-9]+", parts[-2]) else 0


def tokens(path: Path) -> list[Token]:
    """Return the locks that there are: one or none, except in the moment in which several processes want it.

    Parameters
    ----------
    path : pathlib.Path
        What the names of the locks begin with. A file of that very name is what versions up to 0.1 lock with.
    """
    files = sorted(path.parent.glob(f"{path.name}|*")) or [path]
    return [token for file in files if (token := _token(file)) is not None]


class Lock:
    """One hold of a run's lock.

    Parameters
    ----------
    path : pathlib.Path
        What the name of the lock begins with.
    """

    def __init__(self, path: Path):
        self._common = path
        self.path = path.with_name(f"{path.name}|{socket.gethostname()}|{os.getpid()}|{secrets.token_hex(8)}")

    def create(self) -> bool:
        """Take the lock if there is none; False if others have, or want, it as well."""
        self._sign(os.O_CREAT | os.O_EXCL)
        # whoever looks last sees the other; a directory in which a file was just made is listed anew
        if any(token.path != self.path for token in tokens(self._common)):
            self.release()
            return False
        return True

    def take_over(self, former: Sequence[Token]) -> bool:
        """Take the lock from its holder; False if that, or another, was quicker.

        Parameters
        ----------
        former : sequence of Token
            The holder, and what others have left who died while they wanted the lock.
        """
        holder, *others = former
        with contextlib.suppress(FileNotFoundError):  # as it also seems if only the server's answer was lost
            holder.path.rename(self.path)
        try:
            self._sign(os.O_TRUNC)
        except FileNotFoundError:
            return False
        # and what versions up to 0.1 have beside it
        for path in (*(token.path for token in others), self._common):
            path.unlink(missing_ok=True)
        return True

    def renew(self) -> bool:
        """Date the lock anew; return whether it is still this one's.

        Raises
        ------
        OSError
            If the file system does not tell.
        """
        try:
            os.utime(self.path)  # the server's time, not this host's
            # the name of a file that was renamed elsewhere may be remembered here; what is in it is asked for
            return self.path.read_text(encoding="utf-8") == self.path.name
        except OSError as error:
            if error.errno in _GONE and self._common.parent.is_dir():
                return False
            raise

    def release(self) -> None:
        """Give the lock back, if it is still this one's."""
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _sign(self, how: int) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | how, 0o666)
        try:
            os.write(descriptor, self.path.name.encode())
        finally:
            os.close(descriptor)


def _token(path: Path) -> Token | None:
    try:
        # whoever sets the time of a file may set any
        return Token(path, min(max(dated(path), 0.0), _LAST))
    except OSError:
        return None
