"""From a bare mozaik model to the first submitted generation, by the README's words alone.

    python benchmarks/first_generation.py

Copies the small visual model without anything of an optimisation into an empty directory, with a home that is empty as
well, and executes there what the README's section about a first optimisation shows, literally, on a virtual cluster
with nodes as large as the jobs ask for. No line of any file is edited between the commands. Counts them until SLURM has
the jobs of the first generation, and the time. Exit code 1 if these are more than three, or there are no jobs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "docs"))

from bare_models import bare_model
from shown import SHELL, blocks_of
from slurm_configuration import ClusterSettings
from slurm_processes import wait_until
from virtual_cluster import VirtualCluster

ROOT = Path(__file__).resolve().parents[1]
SECTION = "## A first optimisation of your own model"
_PATIENCE = 60.0


def commands() -> list[str]:
    """Return what the section shows, a command an entry."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    begin = text.index(SECTION)
    lines = range(text[:begin].count("\n") + 1, text[: text.index("\n## ", begin)].count("\n") + 1)
    blocks = [block for block in blocks_of("README.md") if block.line in lines and block.language in SHELL]
    return [line for block in blocks for line in block.text.splitlines() if line]


def submitted(model: Path) -> int:
    """Return how many jobs of the first generation SLURM has."""
    journals = list(model.glob("*_Optimization/generations/0/jobs.jsonl"))
    entries = [json.loads(line) for journal in journals for line in journal.read_text().splitlines()]
    return sum(len(entry["ids"]) for entry in entries if entry["event"] == "submitted")


def main() -> int:
    """Run the command line."""
    directory = Path(tempfile.mkdtemp(prefix="first-"))
    directory.chmod(0o755)  # munge insists
    shown = commands()
    settings = ClusterSettings(cpus=32, memory=200_000)
    try:
        with VirtualCluster(directory / "c", settings) as cluster:
            model, home = bare_model("visual_model", directory), directory / "home"
            home.mkdir()
            environment = {
                "PATH": f"{Path(sys.executable).parent}:{cluster.environment()['PATH']}",
                "HOME": str(home),
                "LANG": "C.UTF-8",
                "SLURM_CONF": str(cluster.conf),
                "USER": os.environ.get("USER", "root"),
            }
            begin = time.monotonic()
            for command in shown:
                subprocess.run(["bash", "-c", command], cwd=model, env=environment, check=True)
            done = wait_until(lambda: submitted(model) > 0, _PATIENCE)
            seconds = time.monotonic() - begin
            jobs = submitted(model)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(json.dumps({"commands": len(shown), "seconds": round(seconds, 1), "jobs": jobs}))
    return int(not done or len(shown) > 3)


if __name__ == "__main__":
    sys.exit(main())
