#!/usr/bin/env python
"""How long `orchestrator check` takes on a large configuration, without the cluster.

    python benchmarks/check.py

37 parameters and 30 targets of the visual model of four cortical sheets; every time in a process of its own, the start
of Python included. The last line is JSON.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from orchestrator.simulations.mozaik.parameters import flatten, read_parameter_tree

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "tests/models/visual_model"
SHEETS = ("V1_Exc_L4", "V1_Inh_L4", "V1_Exc_L2/3", "V1_Inh_L2/3")
PARAMETERS, TARGETS, REPEATS = 37, 30, 7
CONFIG = "param_optim/config_optimisation.yaml"


def targets() -> Iterator[dict[str, Any]]:
    """Yield all targets of every sheet, then some again with other options."""
    for repeat in range(2):
        for sheet in SHEETS:
            of_sheet: Mapping[str, Any] = {
                "SpontActivityTarget": [1, 4],
                "IrregularityTarget": 0.8,
                "SynchronyTarget": 0.01,
                "ConductanceRatio": 4,
                "OrientationTuningPreferenceTarget": 3,
                "SizeTuning": 0.5,
            }
            for name, value in of_sheet.items():
                label = f"{name} {sheet} {repeat}"
                yield {"class": name, "sheet_name": sheet, "target_value": value, "norm": 1, "name": label}


def configuration() -> dict[str, Any]:
    """Return a sound configuration: the model's first numbers, half as large to twice as large."""
    tree = read_parameter_tree(Path("param_optim/defaults"), MODEL)
    searched: dict[str, Any] = {}
    for name, value in flatten(tree):
        if name.startswith("sheets.") and isinstance(value, float) and value > 0 and len(searched) < PARAMETERS:
            searched[name] = {"bounds": [value / 2, value * 2], "scale": "log"}
    return {
        "parameters": searched,
        "targets": list(targets())[:TARGETS],
        "simulation": {"model": "model:VisualModel", "seeds": {"pynn_seed": 513, "mpi_seed": 1023}},
        "jobs": {"ntasks": 16, "mem": "32G", "time": "4h"},
    }


def check(model: Path, environment: Mapping[str, str]) -> tuple[float, float]:
    """Run the command once; return seconds of wall time and of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    program = [sys.executable, "-c", "from orchestrator.cli import main; main()", "check", CONFIG]
    done = subprocess.run(program, cwd=model, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, and print a table and a line of JSON."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        shutil.copytree(MODEL, model, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "param_optim/run_optimization_experiment.py", model / "param_optim")
        shutil.copy(ROOT / "slurm_templates/optimisation.sbatch", model)
        (model / CONFIG).write_text(yaml.safe_dump(configuration(), sort_keys=False), encoding="utf-8")
        # bash and shellcheck, but nothing of SLURM
        programs = Path(folder) / "bin"
        programs.mkdir()
        for name in ("bash", "shellcheck"):
            if (found := shutil.which(name)) is not None:
                (programs / name).symlink_to(found)
        environment = {**os.environ, "PATH": str(programs)}
        times = [check(model, environment) for _ in range(REPEATS)]
    wall, cpu = zip(*times, strict=True)
    print(f"{PARAMETERS} parameters, {TARGETS} targets, {REPEATS} times: median {statistics.median(wall):.2f} s wall")
    report = {
        "parameters": PARAMETERS,
        "targets": TARGETS,
        "wall_s_median": round(statistics.median(wall), 3),
        "wall_s_max": round(max(wall), 3),
        "cpu_s_median": round(statistics.median(cpu), 3),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
