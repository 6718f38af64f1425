"""What appending to a checkpoint costs, from the first generation on to the thousandth.

    python benchmarks/append.py [--generations 1000] [--directory DIRECTORY]

Appends generations of 64 offspring x 40 parameters x 40 targets, one in eight of which failed, and counts for each the
bytes that the process hands to the kernel to write (``wchar`` of ``/proc/self/io``: replacing bytes counts, too) and
the wall time with the flushes to disk. Averages are over the generations 1-20, 250-270 and 980-1000. At the end of
each of these the whole checkpoint is read. The last line is one JSON object; ``ratio`` is ``bytes_last`` by
``bytes_first``, and if it is above 2 the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from report import create_checkpoint, generations_of, judged

from orchestrator.checkpoint import Checkpoint

WINDOWS = {"first": (1, 20), "middle": (250, 270), "last": (980, 1000)}
LIMITS = {"ratio": 2.0}


def written() -> int:
    """Return how many bytes this process has written so far."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["wchar"])


def seconds_to_read(path: Path) -> float:
    """Return the wall time in s of reading everything that the report reads."""
    begin = time.perf_counter()
    checkpoint = Checkpoint(path)
    checkpoint.evaluations(), checkpoint.details(), checkpoint.distribution()
    return time.perf_counter() - begin


def main() -> int:
    """Measure, and print the figures; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generations", type=int, default=1000)
    parser.add_argument("--directory", type=Path, help="where the checkpoint is written, a temporary one by default")
    given = parser.parse_args()
    figures: dict[str, float] = {}
    amounts, times = [], []
    with tempfile.TemporaryDirectory(dir=given.directory) as folder:
        path = Path(folder) / "checkpoint.h5"
        shape = {"generations": given.generations, "size": 64, "n_parameters": 40, "n_targets": 40}
        checkpoint = create_checkpoint(path, **shape)
        for number, (evaluations, state) in enumerate(generations_of(**shape), 1):
            before, begin = written(), time.perf_counter()
            checkpoint.append(evaluations, state)
            amounts.append(written() - before)
            times.append(time.perf_counter() - begin)
            for name, (first, last) in WINDOWS.items():
                if number == last:
                    figures[f"bytes_{name}"] = float(np.mean(amounts[first - 1 :]))
                    figures[f"seconds_{name}"] = float(np.mean(times[first - 1 :]))
                    figures[f"read_seconds_{name}"] = seconds_to_read(path)
        figures["file_bytes"] = path.stat().st_size
    for name, value in figures.items():
        print(f"{name:22} {value:16,.4g}")
    if "bytes_last" in figures:
        figures["ratio"] = figures["bytes_last"] / figures["bytes_first"]
    return judged(figures, LIMITS)


if __name__ == "__main__":
    sys.exit(main())
