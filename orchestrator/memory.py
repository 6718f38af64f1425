"""Memory that a job may use, and whether it used more: what the kernel's control groups say (man 7 cgroups)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psutil

_PROCESS, _ROOT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
# how the groups begin that SLURM makes, with the limit of a job
_OF_SLURM = ("job_", "step_", "task_")


def available_memory(process: Path = _PROCESS, root: Path = _ROOT) -> float:
    """Return how many bytes processes started here may use now.

    Parameters
    ----------
    process : pathlib.Path
        The kernel's list of this process's control groups.
    root : pathlib.Path
        Where control groups are mounted.
    """
    limits = [float(psutil.virtual_memory().available)]
    for mount, group, version in _groups(process, root):
        names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
        for around in (group, *group.parents):
            try:
                maximum, used = ((mount / around / name).read_text() for name in names)
                limits.append(max(float(maximum) - float(used), 0.0))
            except (OSError, ValueError):  # no such file, or "max"
                continue
    return min(limits)


def has_exceeded_limit(process: Path = _PROCESS, root: Path = _ROOT) -> bool:
    """Return whether the kernel has killed processes of this job because the job was over its own limit.

    It kills others as well when a machine is short of memory, whoever needs it; that says nothing of the job.

    Parameters
    ----------
    process, root : pathlib.Path
        As for `available_memory`.
    """
    for mount, group, version in _groups(process, root):
        kills, limit = ("memory.events", "memory.events") if version == 2 else ("memory.oom_control", "memory.failcnt")
        own = [each for each in (group, *group.parents) if each.name.startswith(_OF_SLURM)]
        killed = any(_count(mount / each / kills, "oom_kill") for each in own)
        if killed and any(_count(mount / each / limit, "oom" if version == 2 else "") for each in own):
            return True
    return False


def _groups(process: Path, root: Path) -> Iterator[tuple[Path, Path, int]]:
    """Yield mount point, path and version of every group of this process that counts memory."""
    try:
        lines = process.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            yield root, Path(group.lstrip("/")), 2
        elif "memory" in controllers.split(","):
            yield root / "memory", Path(group.lstrip("/")), 1


def _count(file: Path, name: str) -> int:
    """Return a number in a file of lines ``name number``, or of the number alone; 0 if there is none."""
    try:
        rows = (line.split() for line in file.read_text().splitlines())
        return next((int(row[-1]) for row in rows if row and row[:-1] == ([name] if name else [])), 0)
    except (OSError, ValueError):
        return 0


def bytes_of(text: str) -> int | None:
    """Return the bytes of an amount of memory as SLURM's ``--mem`` takes it, ``64G`` or ``500``; None if it is none."""
    found = re.fullmatch(r"(\d+)([KMGT]?)B?", text.strip(), re.IGNORECASE)
    if found is None or not int(found[1]):
        return None
    return int(found[1]) << {"K": 10, "M": 20, "": 20, "G": 30, "T": 40}[found[2].upper()]
