"""Generations of 1,000 offspring on a real SLURM that takes arrays of 400: commands, and memory of the controller.

    python benchmarks/scale.py [--offspring 1000] [--generations 2]

Runs on a virtual cluster of its own (4 nodes x 2 CPUs); the simulations do nothing, so that it takes as long as this
machine needs to start so many Python processes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from controller import counting
from slurm_configuration import ClusterSettings
from virtual_cluster import VirtualCluster

from orchestrator.checkpoint import Checkpoint

ARRAY = 400
MODEL = "def simulate(parameters, directory):\n    return dict(parameters)\n"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offspring", type=int, default=1000)
    parser.add_argument("--generations", type=int, default=2)
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="scale-"))
    directory.chmod(0o755)
    try:
        print(json.dumps(measure(directory, options.offspring, options.generations)))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def measure(directory: Path, offspring: int, generations: int) -> dict[str, object]:
    """Return the figures of one run."""
    project = directory / "project"
    project.mkdir()
    (project / "model.py").write_text(MODEL)
    config = {
        "parameters": {"x": [0, 1], "y": [0, 1]},
        "optimiser_centroid": {"x": 0.5, "y": 0.5},
        "targets": [{"class": "ReturnedValue", "key": "x", "target_value": 0.2, "norm": 0.1}],
        "offspring_size": offspring,
        "max_ngen": generations,
        "timeout": "3h",
        "jobs": {"poll_interval": 30},
        "simulation": {"type": "function", "function": "model:simulate"},
    }
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    begin = time.monotonic()
    memory: list[tuple[float, int]] = []
    with VirtualCluster(directory / "c", ClusterSettings(max_array_size=ARRAY)) as cluster:
        environment = cluster.environment()
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        log, environment = counting(directory / "wrappers", environment)
        code = "from orchestrator.cli import main; main()"
        controller = subprocess.Popen(
            [sys.executable, "-c", code, "run", "config.yaml"], cwd=project, env=environment, stdout=subprocess.DEVNULL
        )
        process = psutil.Process(controller.pid)
        while controller.poll() is None:
            memory.append((time.monotonic() - begin, process.memory_info().rss))
            time.sleep(0.5)
        if controller.returncode:
            raise SystemExit(f"the controller ended with exit code {controller.returncode}")
    frame = Checkpoint(next(project.glob("*_Optimization"))).evaluations()
    sizes = [rss for when, rss in memory if when > 10]  # once everything is imported
    third = max(1, len(sizes) // 3)
    return {
        "offspring": offspring,
        "generations": generations,
        "evaluations": len(frame),
        "attempts_more_than_one": int((frame["attempts"] > 1).sum()),
        "commands": dict(Counter(log.read_text().split())),
        "minutes": round((time.monotonic() - begin) / 60, 1),
        "memory_mb": round(statistics.median(sizes[-third:]) / 2**20, 1),
        "memory_growth": round(statistics.median(sizes[-third:]) / statistics.median(sizes[:third]), 3),
    }


if __name__ == "__main__":
    main()
