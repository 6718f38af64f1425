"""What looking at a long run costs: 1,000 generations x 64 offspring x 40 parameters x 40 targets by default.

    python benchmarks/status.py [--generations 1000] [--directory DIRECTORY] [--tries 5]

Writes a synthetic run once (the checkpoint that benchmarks/report.py uses, and a generation in flight), then times
``orchestrator status RUN`` from its start to its end, a process each; ``first`` is with cold caches of this program's
files, ``best`` the best of the tries, ``cpu`` its processor time. ``again`` is one more look of ``--watch``. The last
line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import config, write_checkpoint

from orchestrator.files import append_json_line, write_json
from orchestrator.paths import GenerationPaths, RunPaths
from orchestrator.records import Outcome, Result
from orchestrator.status import Watcher

_PHASES = ("building", "check", "protocols", "measuring")


def write_run(paths: RunPaths, *, generations: int, size: int, n_parameters: int, n_targets: int) -> None:
    """Write a run with `generations` complete and one more in flight: half landed, a quarter running."""
    paths.config.write_text(config(n_parameters, n_targets, generations + 100, size), encoding="utf-8")
    _write_flight(paths.generation(generations), size)
    unfinished = paths.directory / "unfinished.h5"
    write_checkpoint(unfinished, generations=generations, size=size, n_parameters=n_parameters, n_targets=n_targets)
    unfinished.rename(paths.checkpoint)


def _write_flight(paths: GenerationPaths, size: int) -> None:
    paths.create()
    tasks = [[index, 1] for index in range(size)]
    begin = {"token": "t", "tasks": tasks, "time": time.time()}
    append_json_line(paths.journal, {"event": "submitting", "executor": "slurm", **begin})
    append_json_line(paths.journal, {"event": "submitted", **begin, "ids": [f"77_{index}" for index in range(size)]})
    for index in range(3 * size // 4):
        attempt = paths.attempt(index, 1)
        attempt.directory.mkdir(parents=True)
        for phase in ("started", *_PHASES[: 1 + index % 4]):
            append_json_line(attempt.progress, {"time": time.time(), "phase": phase, "step": 1, "steps": 3})
        if index < size // 2:
            result = Result(Outcome.EXPLODED if index % 8 == 0 else Outcome.OK, message="m" if index % 8 == 0 else "")
            write_json(attempt.result, result.to_json())


def timed(run: Path) -> tuple[float, float]:
    """Return wall and processor time in s of ``orchestrator status``."""
    code = "from orchestrator.cli import main; main()"
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code, "status", str(run)], check=True, capture_output=True)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def looked_again(paths: RunPaths) -> float:
    """Return the wall time in s of a second look."""
    watcher = Watcher(paths)
    watcher.look()
    begin = time.perf_counter()
    watcher.look()
    return time.perf_counter() - begin


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(tempfile.gettempdir()) / "orchestrator-status-benchmark"
    parser.add_argument("--directory", type=Path, default=default, help="keeps the run (100 MB)")
    parser.add_argument("--generations", type=int, default=1000)
    parser.add_argument("--offspring", type=int, default=64)
    parser.add_argument("--parameters", type=int, default=40)
    parser.add_argument("--targets", type=int, default=40)
    parser.add_argument("--tries", type=int, default=5)
    given = parser.parse_args()
    sizes = (given.generations, given.offspring, given.parameters, given.targets)
    paths = RunPaths(given.directory / "x".join(str(size) for size in sizes))
    if not paths.checkpoint.exists():
        paths.directory.mkdir(parents=True, exist_ok=True)
        print(f"writing {paths.directory} ...")
        shape = dict(zip(("generations", "size", "n_parameters", "n_targets"), sizes, strict=True))
        write_run(paths, **shape)
    times = [timed(paths.directory) for _ in range(given.tries)]
    figures = {
        "first_seconds": times[0][0],
        "best_seconds": min(wall for wall, _ in times),
        "cpu_seconds": min(cpu for _, cpu in times),
        "again_seconds": looked_again(paths),
    }
    print(json.dumps({"evaluations": given.generations * given.offspring, **figures}))


if __name__ == "__main__":
    main()
