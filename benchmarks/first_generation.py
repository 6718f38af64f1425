"""From a model of one's own to the first submitted generation, by the words of the documents alone.

    python benchmarks/first_generation.py

Twice, in an empty directory with a home that is empty as well, on a virtual cluster with nodes as large as the jobs ask
for:

- model: copies the small visual model without anything of an optimisation, and executes there what the README's section
  about a first optimisation shows, literally.
- function: writes the file that docs/programs.md begins with, which is all that is there, executes the first of the
  commands that the page shows, which makes the function ready, and then the commands that this one prints.

No line of any file is edited between the commands, the configuration included; of the function it is told how many
lines its file has that are neither empty nor comments. Counts the commands until SLURM has the jobs of the first
generation, and the time. Exit code 1 if these are more than three, or there are no jobs. The last line is JSON.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "docs"))

from bare_models import bare_model
from shown import SHELL, Block, blocks_of
from slurm_configuration import ClusterSettings
from slurm_processes import wait_until
from virtual_cluster import VirtualCluster

ROOT = Path(__file__).resolve().parents[1]
README, PROGRAMS = "README.md", "docs/programs.md"
SECTIONS = {
    README: "## A first optimisation of your own model",
    PROGRAMS: "## A Python function in three commands",
}
_MOST_COMMANDS = 3
_PATIENCE = 60.0
# as prepare prints the next ones
_COMMAND = re.compile(r"^  ((?:orchestrator|sbatch) .*)$", re.MULTILINE)


@dataclass(frozen=True)
class Done:
    """How the first generation came about."""

    commands: int
    seconds: float
    jobs: int
    function_lines: int = 0

    @property
    def is_short(self) -> bool:
        """Whether there were few commands, and jobs."""
        return self.commands <= _MOST_COMMANDS and self.jobs > 0

    def to_json(self) -> dict[str, float | int]:
        """Return what is printed."""
        counted = {"commands": self.commands, "edited_lines": 0, "seconds": round(self.seconds, 1), "jobs": self.jobs}
        return counted | ({"function_lines": self.function_lines} if self.function_lines else {})


def blocks(page: str) -> list[Block]:
    """Return what the section of a page shows."""
    text = (ROOT / page).read_text(encoding="utf-8")
    begin = text.index(SECTIONS[page])
    lines = range(text[:begin].count("\n") + 1, text[: text.index("\n## ", begin)].count("\n") + 1)
    return [block for block in blocks_of(page) if block.line in lines]


def commands(page: str) -> list[str]:
    """Return the commands that the section of a page shows."""
    shown = (block.text for block in blocks(page) if block.language in SHELL)
    return [line for text in shown for line in text.splitlines() if line]


def submitted(model: Path) -> int:
    """Return how many jobs of the first generation SLURM has."""
    journals = list(model.glob("*_Optimization/generations/0/jobs.jsonl"))
    entries = [json.loads(line) for journal in journals for line in journal.read_text().splitlines()]
    return sum(len(entry["ids"]) for entry in entries if entry["event"] == "submitted")


def execute(command: str, model: Path, environment: Mapping[str, str]) -> list[str]:
    """Execute a command in the model's directory; return the commands that it prints."""
    run = subprocess.run(
        ["bash", "-c", command], cwd=model, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    print(run.stdout, end="")
    return _COMMAND.findall(run.stdout)


def timed(shown: list[str], model: Path, environment: Mapping[str, str], *, printed: bool = False) -> Done:
    """Execute commands, or the first one and those that it prints, until SLURM has jobs."""
    begin = time.monotonic()
    first, *others = shown
    said = execute(first, model, environment)
    others = said if printed else others
    for command in others:
        execute(command, model, environment)
    wait_until(lambda: submitted(model) > 0, _PATIENCE)
    return Done(1 + len(others), time.monotonic() - begin, submitted(model))


def with_model(folder: Path, environment: Mapping[str, str]) -> Done:
    """Begin with a bare model of mozaik."""
    return timed(commands(README), bare_model("visual_model", folder), environment)


def with_function(folder: Path, environment: Mapping[str, str]) -> Done:
    """Begin with a function in a file."""
    model = folder / "function"
    model.mkdir()
    (shown,) = (block for block in blocks(PROGRAMS) if block.file)
    (model / str(shown.file)).write_text(shown.text, encoding="utf-8")
    lines = [line for line in shown.text.splitlines() if line and not line.startswith("#")]
    done = timed(commands(PROGRAMS), model, environment, printed=True)
    return Done(done.commands, done.seconds, done.jobs, len(lines))


def main() -> int:
    """Run the command line."""
    directory = Path(tempfile.mkdtemp(prefix="first-"))
    directory.chmod(0o755)  # munge insists
    settings = ClusterSettings(cpus=32, memory=200_000)
    found = {}
    try:
        for name, begin in (("model", with_model), ("function", with_function)):
            folder = directory / name
            home = folder / "home"
            home.mkdir(parents=True)
            with VirtualCluster(folder / "c", settings) as cluster:
                environment = {
                    "PATH": f"{Path(sys.executable).parent}:{cluster.environment()['PATH']}",
                    "HOME": str(home),
                    "LANG": "C.UTF-8",
                    "SLURM_CONF": str(cluster.conf),
                    "USER": os.environ.get("USER", "root"),
                }
                found[name] = begin(folder, environment)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(json.dumps({name: done.to_json() for name, done in found.items()}))
    return int(not all(done.is_short for done in found.values()))


if __name__ == "__main__":
    sys.exit(main())
