"""From a model of one's own to the first submitted generation, by the words of the documents alone.

    python benchmarks/first_generation.py

Twice, in an empty directory with a home that is empty as well, on a virtual cluster with nodes as large as the jobs ask
for:

- model: copies the small visual model without anything of an optimisation, and executes there what the README's section
  about a first optimisation shows, literally.
- function: writes the file that docs/programs.md begins with, which is all that is there, executes the first of the
  commands that the page shows, which makes the function ready, and then the commands that this one prints.

Counts what the reader has to write until SLURM has the jobs of the first generation: commands, and lines of the files
that the section shows that are neither empty nor comments. Nothing but these files is written beside the commands, the
configuration included. Exit code 1 if it is more than three commands, or more than nine lines, or if there are no jobs.
The last line is JSON.
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
from dataclasses import asdict, dataclass
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
_MOST_LINES = 9
_PATIENCE = 60.0
# as prepare prints the next ones
_COMMAND = re.compile(r"^  ((?:orchestrator|sbatch) .*)$", re.MULTILINE)


@dataclass(frozen=True)
class Done:
    """How the first generation came about; `lines` are those of files that the reader writes."""

    commands: int
    lines: int
    seconds: float
    jobs: int

    @property
    def is_short(self) -> bool:
        """Whether there was little to write, and there are jobs."""
        return self.commands <= _MOST_COMMANDS and self.lines <= _MOST_LINES and self.jobs > 0

    def to_json(self) -> dict[str, float | int]:
        """Return what is printed."""
        return {**asdict(self), "seconds": round(self.seconds, 1)}


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


def write(page: str, model: Path) -> int:
    """Write the files that the section of a page shows; return how many lines these have, comments left out."""
    lines = 0
    for block in blocks(page):
        if block.language in SHELL:
            continue
        if block.file is None:
            raise ValueError(f"{block.where}: the reader is not told to which file this belongs")
        (model / block.file).write_text(block.text, encoding="utf-8")
        lines += sum(1 for line in block.text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return lines


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


def timed(page: str, model: Path, environment: Mapping[str, str], *, printed: bool = False) -> Done:
    """Do what a page shows until SLURM has jobs; if `printed`, its first command and those that this one prints."""
    begin = time.monotonic()
    lines = write(page, model)
    first, *others = commands(page)
    said = execute(first, model, environment)
    others = said if printed else others
    for command in others:
        execute(command, model, environment)
    wait_until(lambda: submitted(model) > 0, _PATIENCE)
    return Done(1 + len(others), lines, time.monotonic() - begin, submitted(model))


def with_model(folder: Path, environment: Mapping[str, str]) -> Done:
    """Begin with a bare model of mozaik."""
    return timed(README, bare_model("visual_model", folder), environment)


def with_function(folder: Path, environment: Mapping[str, str]) -> Done:
    """Begin with an empty directory."""
    model = folder / "function"
    model.mkdir()
    return timed(PROGRAMS, model, environment, printed=True)


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
