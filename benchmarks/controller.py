"""What the controller costs: a generation of sleeping simulations against the same commands as one plain sbatch array.

    python benchmarks/controller.py [--offspring 16] [--seconds 10] [--generations 4]

Runs on a virtual cluster of its own (4 nodes x 2 CPUs). Both ways do the same 16 sleeps on 8 slots, in turns; a
generation's wall time is from its submission to that of the next one, so that scoring, checkpoint and sampling are in
it. SLURM commands are counted by wrappers in PATH, at the given number of offspring and at half of it.
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
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from virtual_cluster import VirtualCluster

from orchestrator.checkpoint import Checkpoint

COMMANDS = ("sbatch", "squeue", "scancel", "scontrol", "sacct", "srun")


def plain_array(directory: Path, n: int, seconds: float, environment: dict[str, str]) -> float:
    """Return the wall time of one sbatch array of sleeps, until all their files are there, in s."""
    directory.mkdir()
    script = directory / "array.sh"
    script.write_text(
        f"#!/bin/sh\n#SBATCH --array=0-{n - 1} --ntasks=1 --output=/dev/null\n"
        f'sleep {seconds}\ntouch "{directory}/$SLURM_ARRAY_TASK_ID.done"\n'
    )
    begin = time.perf_counter()
    subprocess.run(["sbatch", str(script)], check=True, env=environment, stdout=subprocess.DEVNULL)
    while sum(name.name.endswith(".done") for name in os.scandir(directory)) < n:
        time.sleep(0.02)
    return time.perf_counter() - begin


def generations(directory: Path, n: int, seconds: float, count: int, environment: dict[str, str]) -> list[float]:
    """Return the wall times of `count` generations of sleeping simulations, in s."""
    directory.mkdir()
    (directory / "model.py").write_text(
        f"import time\ndef simulate(parameters, directory):\n    time.sleep({seconds})\n    return dict(parameters)\n"
    )
    config = {
        "parameters": {"x": [0, 1], "y": [0, 1]},
        "optimiser_centroid": {"x": 0.5, "y": 0.5},
        "targets": [{"class": "ReturnedValue", "key": "x", "target_value": 0.2, "norm": 0.1}],
        "offspring_size": n,
        "max_ngen": count + 1,
        "timeout": 3600,
        "simulation": {"type": "function", "function": "model:simulate"},
    }
    (directory / "config.yaml").write_text(yaml.safe_dump(config))
    orchestrator = shutil.which("orchestrator", path=environment["PATH"]) or "orchestrator"
    subprocess.run(
        [orchestrator, "run", "config.yaml"], cwd=directory, check=True, env=environment, stdout=subprocess.DEVNULL
    )
    frame = Checkpoint(next(directory.glob("*_Optimization"))).evaluations()
    return list(frame.groupby("generation")["submitted"].min().diff().dropna())


def counting(directory: Path, environment: dict[str, str]) -> tuple[Path, dict[str, str]]:
    """Return a log of SLURM commands, and the environment in which they are logged."""
    directory.mkdir()
    log = directory / "calls"
    log.touch()
    for name in COMMANDS:
        real = shutil.which(name)
        (directory / name).write_text(f'#!/bin/sh\necho {name} >> "{log}"\nexec {real} "$@"\n')
        (directory / name).chmod(0o755)
    return log, {**environment, "PATH": f"{directory}{os.pathsep}{environment['PATH']}"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offspring", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long a simulation sleeps")
    parser.add_argument("--generations", type=int, default=4, help="how many of each way are measured")
    options = parser.parse_args()
    n, seconds, count = options.offspring, options.seconds, options.generations
    with tempfile.TemporaryDirectory() as name, VirtualCluster(tempfile.mkdtemp(prefix="slurm-")) as cluster:
        work = Path(name)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, **cluster.environment(), "PATH": path}
        log, counted = counting(work / "counting", environment)
        half = count // 2
        plain = [plain_array(work / f"plain-{k}", n, seconds, environment) for k in range(half)]
        ours = generations(work / "ours", n, seconds, count, counted)
        calls = len(log.read_text().split()) / (count + 1)
        plain += [plain_array(work / f"plain-{k}", n, seconds, environment) for k in range(half, count)]
        log.write_text("")
        generations(work / "fewer", n // 2, 2 * seconds, 1, counted)
        fewer = len(log.read_text().split()) / 2
    print(f"plain sbatch array: {', '.join(f'{t:.2f}' for t in plain)} s")
    print(f"generation:         {', '.join(f'{t:.2f}' for t in ours)} s")
    print(f"SLURM commands per generation: {calls:.1f} with {n} offspring, {fewer:.1f} with {n // 2} for as long")
    figures = {
        "generation_ratio": round(statistics.median(ours) / statistics.median(plain), 3),
        "commands_per_generation": round(calls, 2),
        "commands_per_generation_half_the_offspring": round(fewer, 2),
        "generation_seconds": round(statistics.median(ours), 2),
        "plain_seconds": round(statistics.median(plain), 2),
        "offspring": n,
        "sleep_seconds": seconds,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
