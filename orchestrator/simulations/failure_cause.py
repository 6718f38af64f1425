"""Why a simulation failed, as far as its log tells."""

from __future__ import annotations

import errno
import re
import signal

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
_EXIT_CODE = re.compile(r"^orchestrator: the process of the job ended with exit code (\d+)$", re.MULTILINE)
# how submitit's program of a job ends if its task is not there within a minute
_NO_TASK = "could not find submitted jobs in path"
# sysexits.h: what a job exits with that cannot write its result, whatever its simulation was worth
CANNOT_DELIVER = 75
# how a shell, and the module subprocess, tell of processes that were killed or terminated by a signal
_FROM_OUTSIDE = frozenset(
    code for number in (signal.SIGKILL, signal.SIGTERM) for code in (128 + int(number), -int(number))
)


def telling_exit_code(command: str) -> str:
    """Return lines of a shell that run a command and tell its exit code in the log: a process that is killed cannot.

    They work where the user's own lines have said ``set -e`` before.
    """
    told = 'echo "orchestrator: the process of the job ended with exit code $code" >&2'
    return f'code=0; {command} || code=$?; {told}; exit "$code"'


def told_exit_code(log: str) -> int | None:
    """Return the exit code that a job's log tells of; None if there is none: the whole job was killed."""
    found = _EXIT_CODE.findall(log)
    return int(found[-1]) if found else None


def is_from_outside(code: int | None) -> bool:
    """Return whether a process with this exit code, if it is known, was ended by somebody else, such as the kernel."""
    return code in _FROM_OUTSIDE


def waited_in_vain(log: str) -> bool:
    """Return whether a job's log says that it ended because it was not handed its task in time."""
    return _NO_TASK in log


def cause_of(log: str) -> Outcome | None:
    """Return the outcome that the log of a failed simulation speaks of, None if it does not."""
    if _OUT_OF_MEMORY.search(log):
        return Outcome.OUT_OF_MEMORY
    return Outcome.NODE_FAIL if _FILE_SYSTEM.search(log) else None
