"""How far a fit of a real network comes in 80 simulations: CMA-ES alone, and with the model of every target's value.

    python benchmarks/real_network.py [--seeds 3] [--first 300] [--evaluations 80] [--workers 2] [--out FILE]

Optimises the balanced network of ``network.yaml``, 400 + 100 neurons, with ``orchestrator run`` on this machine: by
mozaik, NEST, the explosion check and the targets, as users have them. ``none`` is CMA-ES alone, ``targets`` with the
model. The optimiser's seeds are those from ``--first`` on; the network's own is always the same. Best is the least
total score that was observed. Optimisations that are in ``--out``, a file with one JSON object per line, are not
repeated. The last line is one JSON object: ``best_at_40`` and ``best_at_80`` by method and seed, ``model_worst_at_80``
and ``plain_best_at_80`` (the goal: the former is below the latter), the number of ``simulations``, and ``seconds`` and
``cpu_seconds`` of all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# simulations run side by side: more threads would only wait for each other
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from orchestrator.checkpoint import Checkpoint

ROOT = Path(__file__).resolve().parents[1]
CONFIG = Path(__file__).with_name("network.yaml")
METHODS = ("none", "targets")
SIZE = 8
SHOWN = (40, 80)
# a quarter of the demonstration's neurons with as many inputs each, and 0.6 s of activity: file, old and new text
CHANGES = (
    ("exc", "'density': 100.0", "'density': 25.0"),
    ("inh", "'density': 25.0", "'density': 6.25"),
    ("defaults", "'spontaneous_duration': 1000.0", "'spontaneous_duration': 600.0"),
)


def copy_of_the_model(directory: Path) -> Path:
    """Make a model with fewer neurons, ready for an optimisation; return its configuration.

    Raises
    ------
    ValueError
        If the model is no longer as `CHANGES` says.
    """
    model = ROOT / "tests" / "models" / "balanced_network"
    shutil.copytree(model, directory, ignore=shutil.ignore_patterns("__pycache__"))
    folder = directory / "param_optim"
    for name, old, new in CHANGES:
        text = (folder / name).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{model / 'param_optim' / name}: expected {old} once")
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    shutil.copy(ROOT / "param_optim" / "run_optimization_experiment.py", folder)
    return Path(shutil.copy(CONFIG, folder / "config_optimisation.yaml"))


def optimised(method: str, seed: int, evaluations: int, workers: int) -> dict[str, Any]:
    """Optimise once.

    Returns
    -------
    dict
        Method, seed, ``best``, the least total score after each simulation, and the seconds that all of them took.
    """
    settings = {
        "optimiser.model": method,
        "optimiser_seed": seed,
        "max_ngen": evaluations // SIZE,
        "local.workers": workers,
    }
    options = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    program = Path(sys.executable).with_name("orchestrator")
    with tempfile.TemporaryDirectory(prefix="network-") as directory:
        config = copy_of_the_model(Path(directory) / "balanced_network")
        command = [str(program), "run", str(config), "--log-format", "json", *options]
        begin, begin_cpu = time.perf_counter(), _cpu_of_children()
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        seconds, cpu_seconds = time.perf_counter() - begin, _cpu_of_children() - begin_cpu
        run = json.loads(done.stdout.splitlines()[-1])["run"]
        rows = Checkpoint(run).evaluations().sort_values(["generation", "offspring"])
    best = np.minimum.accumulate(rows["total_score"].to_numpy())
    return {
        "method": method,
        "seed": seed,
        # CMA-ES may end before, where its steps are too small to matter
        "best": [round(float(best[min(n, len(best) - 1)]), 3) for n in range(evaluations)],
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
    }


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _finished(file: Path | None) -> list[dict[str, Any]]:
    if file is None or not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=300, help="the first seed")
    parser.add_argument("--evaluations", type=int, default=80, help=f"simulations of each, a multiple of {SIZE}")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="simulations at once")
    parser.add_argument("--out", type=Path, help="file of finished optimisations, which are not repeated")
    given = parser.parse_args()
    if given.evaluations < SIZE or given.evaluations % SIZE:
        parser.error(f"--evaluations: expected a multiple of {SIZE}, got {given.evaluations}")
    known = {(each["method"], each["seed"]): each for each in _finished(given.out)}
    found = []
    for seed in range(given.first, given.first + given.seeds):
        for method in METHODS:
            one = known.get((method, seed))
            if one is None or len(one["best"]) < given.evaluations:
                one = optimised(method, seed, given.evaluations, given.workers)
                if given.out:
                    with given.out.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(one) + "\n")
            found.append(one)
            shown = ", ".join(f"{one['best'][n - 1]:.1f} after {n}" for n in SHOWN if n <= given.evaluations)
            print(f"{method:7} seed {seed}: {shown}; {one['cpu_seconds']:.0f} s of CPU time", flush=True)
    print(json.dumps(figures(found, given.evaluations)))


def figures(found: list[dict[str, Any]], evaluations: int) -> dict[str, Any]:
    """Return what the last line says."""

    def best(method: str, after: int) -> dict[str, float]:
        return {str(each["seed"]): each["best"][after - 1] for each in found if each["method"] == method}

    at = {f"best_at_{n}": {method: best(method, n) for method in METHODS} for n in SHOWN if n <= evaluations}
    return {
        **at,
        "model_worst_at_80": max(best("targets", 80).values()) if evaluations >= 80 else None,
        "plain_best_at_80": min(best("none", 80).values()) if evaluations >= 80 else None,
        "simulations": evaluations * len(found),
        "seconds": round(sum(each["seconds"] for each in found), 1),
        "cpu_seconds": round(sum(each["cpu_seconds"] for each in found), 1),
    }


if __name__ == "__main__":
    main()
