"""How much memory is there: the machine's, or less where SLURM or a container sets a limit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil


def available_memory(process: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> float:
    """Return how many bytes processes started here may use now.

    Parameters
    ----------
    process : pathlib.Path
        The kernel's list of this process's control groups (man 7 cgroups).
    root : pathlib.Path
        Where control groups are mounted.
    """
    limits = [float(psutil.virtual_memory().available)]
    for maximum, used in _limit_files(process, root):
        try:
            limits.append(max(float(maximum.read_text()) - float(used.read_text()), 0.0))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return min(limits)


def _limit_files(process: Path, root: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the files with limit and use of every group around this process: a job's limit is above its steps."""
    try:
        lines = process.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        path = Path(group.lstrip("/"))
        if controllers == "":
            mount, names = root, ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            mount, names = root / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        for around in (path, *path.parents):
            yield mount / around / names[0], mount / around / names[1]
