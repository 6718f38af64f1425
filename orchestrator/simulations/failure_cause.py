"""Why a simulation failed, as far as its log tells."""

from __future__ import annotations

import errno
import re

from orchestrator.records import Outcome

# the file system is full or gone; that says nothing about the parameters
FILE_SYSTEM_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.EROFS, errno.ENOTCONN})

_FILE_SYSTEM = re.compile(
    r"no space left on device|disk quota exceeded|stale (nfs )?file handle|input/output error|read-only file system|"
    r"transport endpoint is not connected",
    re.IGNORECASE,
)
_OUT_OF_MEMORY = re.compile(
    r"oom[-_ ]?kill|out of memory|exceeded (\w+ )?memory limit|bad_alloc|^[\w.]*MemoryError|cannot allocate memory",
    re.IGNORECASE | re.MULTILINE,
)


def cause_of(log: str) -> Outcome | None:
    """Return the outcome that the log of a failed simulation speaks of, None if it does not."""
    if _OUT_OF_MEMORY.search(log):
        return Outcome.OUT_OF_MEMORY
    return Outcome.NODE_FAIL if _FILE_SYSTEM.search(log) else None
