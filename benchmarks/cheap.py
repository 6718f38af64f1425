"""What the evaluation of a function costs that costs nothing itself, on this machine and on a cluster.

    python benchmarks/cheap.py [--offspring 16] [--generations 50] [--workers 2] [--times 3]

Three ways, in turns: the program with processes that stay up, the program with a process for each evaluation (fewer
generations of them), and pycma with `concurrent.futures.ProcessPoolExecutor`, which keeps nothing and survives nothing.
Counted is the CPU time of all processes, their start included. Then a few generations on a virtual cluster of its own,
with ``jobs.evaluations_per_job: auto``. The last line is a JSON object: CPU time per evaluation in ms,
`cpu_ratio_local` to pycma, and `jobs_per_generation` once it is known how cheap evaluations are.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from virtual_cluster import VirtualCluster

from orchestrator.checkpoint import Checkpoint

MODEL = "def simulate(parameters, directory):\n    return dict(parameters)\n"
PYCMA = """
import sys
from concurrent.futures import ProcessPoolExecutor

import cma
from model import simulate


def score(x):
    found = simulate({"x": x[0], "y": x[1]}, None)
    return abs(found["x"] - 0.2) / 0.1 + abs(found["y"] - 0.7) / 0.1


if __name__ == "__main__":
    size, generations, workers = map(int, sys.argv[1:])
    search = cma.CMAEvolutionStrategy([0.5, 0.5], 0.2, {"popsize": size, "bounds": [0, 1], "seed": 1, "verbose": -9})
    with ProcessPoolExecutor(workers) as pool:
        for _ in range(generations):
            points = search.ask()
            search.tell(points, list(pool.map(score, points)))
"""
# a process for each evaluation takes so much longer that fewer generations tell as well
_FEWER = 10
_ON_CLUSTER = 5


def configured(directory: Path, **changes: Any) -> Path:
    """Make a directory with the model and its configuration."""
    directory.mkdir()
    (directory / "model.py").write_text(MODEL)
    target = {"class": "ReturnedValue", "norm": 0.1}
    config = {
        "parameters": {"x": [0, 1], "y": [0, 1]},
        "optimiser_centroid": {"x": 0.5, "y": 0.5},
        "targets": [{**target, "key": "x", "target_value": 0.2}, {**target, "key": "y", "target_value": 0.7}],
        "timeout": 3600,
        "report": False,
        "optimiser": {"method": "cma", "model": "none"},
        "simulation": {"type": "function", "function": "model:simulate"},
        **changes,
    }
    (directory / "config.yaml").write_text(yaml.safe_dump(config))
    return directory


def cpu_of(command: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None) -> float:
    """Return the CPU time in s of a command and of all that it has started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=directory, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def on_cluster(directory: Path, offspring: int) -> float:
    """Return how many jobs a generation has on a cluster, after the first."""
    with VirtualCluster(directory / "c") as cluster:
        jobs = {"evaluations_per_job": "auto", "poll_interval": 1}
        changes: dict[str, Any] = {"executor": "slurm", "jobs": jobs, "offspring_size": offspring}
        run = configured(directory / "run", **changes, max_ngen=_ON_CLUSTER)
        environment = {
            **os.environ,
            "SLURM_CONF": str(cluster.conf),
            "PATH": f"{Path(sys.executable).parent}:{cluster.environment()['PATH']}",
        }
        subprocess.run(
            ["orchestrator", "run", "config.yaml"], cwd=run, check=True, stdout=subprocess.DEVNULL, env=environment
        )
        frame = Checkpoint(next(run.glob("*_Optimization"))).evaluations()
    if (frame["outcome"] != "OK").any():
        raise SystemExit(f"not every evaluation succeeded: {frame['outcome'].value_counts().to_dict()}")
    return float(frame[frame["generation"] > 0].groupby("generation")["job_id"].nunique().mean())


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--offspring", type=int, default=16)
    parser.add_argument("--generations", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="cheap-"))
    directory.chmod(0o755)  # munge insists
    size, generations = given.offspring, given.generations
    program = [str(Path(sys.executable).parent / "orchestrator"), "run", "config.yaml"]
    taken: dict[str, list[float]] = {"stay": [], "alone": [], "pycma": []}
    try:
        for n in range(given.times):
            for name, stay, count in (("stay", True, generations), ("alone", False, generations // _FEWER)):
                local = {"workers": given.workers, "stay": stay}
                run = configured(
                    directory / f"{name}{n}", local=local, executor="local", offspring_size=size, max_ngen=count
                )
                taken[name].append(1000 * cpu_of(program, run) / (size * count))
            plain = configured(directory / f"pycma{n}")
            (plain / "search.py").write_text(PYCMA)
            command = [sys.executable, "search.py", str(size), str(generations), str(given.workers)]
            taken["pycma"].append(1000 * cpu_of(command, plain) / (size * generations))
        jobs = on_cluster(directory, 50)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    typical = {name: statistics.median(values) for name, values in taken.items()}
    for name, values in taken.items():
        print(f"{name:6} {typical[name]:8.2f} ms of CPU per evaluation ({min(values):.2f} to {max(values):.2f})")
    figures = {
        **{f"cpu_ms_{name}": round(value, 2) for name, value in typical.items()},
        "cpu_ratio_local": round(typical["stay"] / typical["pycma"], 2),
        "cpu_ratio_alone": round(typical["alone"] / typical["pycma"], 1),
        "jobs_per_generation": jobs,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
