#!/usr/bin/env python3
"""CPU time of importing what every job imports, and of what every command imports before it does anything.

    python benchmarks/imports.py

Medians of several fresh processes each, without the time that an interpreter takes to start; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys

PARTS = {"node": "orchestrator.node.evaluate, targets", "cli": "orchestrator.cli"}
PROGRAM = "import time; begin = time.process_time(); import {}; print(time.process_time() - begin)"


def cpu_seconds(modules: str) -> float:
    """Return the CPU time in s that importing modules takes in a process of its own."""
    # compiled modules are kept, as they are wherever the program is used
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", PROGRAM.format(modules)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=9, help="processes for each figure")
    given = parser.parse_args()
    figures = {}
    for part, modules in PARTS.items():
        cpu_seconds(modules)  # files are read from disk and compiled once
        figures[f"{part}_cpu_s"] = round(statistics.median(cpu_seconds(modules) for _ in range(given.tries)), 3)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
