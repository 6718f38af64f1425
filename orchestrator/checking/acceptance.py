"""Whether the cluster accepts the jobs of a run: ``sbatch --test-only`` of what would be submitted."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from submitit.slurm.slurm import _make_sbatch_string

from orchestrator.cluster.queue import words_of
from orchestrator.cluster.slurm import SlurmCluster
from orchestrator.config.model import Config

_TIMEOUT = 30.0
_NO_ANSWER = re.compile(r"unable to contact|timed out|connection (refused|reset)|no answer within", re.IGNORECASE)
_START = re.compile(r"to start at (\S+) using (\d+) processors on nodes? (\S+) in partition (\S+)")
# a key of the configuration, and how SLURM's refusals speak of it
_SPEAKS_OF = (
    ("partition", r"partition"),
    ("account", r"account"),
    ("qos", r"\bqos\b"),
    ("constraint", r"feature|constraint"),
    ("time", r"time"),
    ("mem", r"memory|--mem"),
    ("nodelist", r"node name"),
    ("hint", r"--hint"),
)


@dataclass(frozen=True)
class Answer:
    """What sbatch said.

    Parameters
    ----------
    accepted : bool or None
        None where it did not answer.
    words : str
        Its own.
    """

    accepted: bool | None
    words: str

    @property
    def where(self) -> str:
        """Partition and nodes that SLURM thinks of, for people; empty where it does not say."""
        found = _START.search(self.words)
        return f"partition {found[4]}, such as {found[3]}" if found else ""


def submission_script(config: Config, folder: Path) -> str:
    """Return the script that the array of a generation is submitted with, made of the same parameters."""
    size = min(config.offspring_size, config.slurm.array_size)
    parameters = SlurmCluster(config.slurm)._parameters("check", folder)
    parameters["map_count"] = size if size > 1 else None
    return _make_sbatch_string(command="true", folder=folder, **parameters)


def ask_about_offspring(config: Config) -> Answer:
    """Ask whether a generation's jobs would be accepted."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "submission.sh"
        script.write_text(submission_script(config, config.model_dir), encoding="utf-8")
        return ask_about(script, config.model_dir)


def ask_about(script: Path, directory: Path) -> Answer:
    """Ask whether a batch script would be accepted from a directory."""
    command = ["sbatch", "--test-only", str(script)]
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Answer(None, words_of(error))
    words = "\n".join(line.removeprefix("sbatch: ") for line in (done.stderr + done.stdout).strip().splitlines())
    if done.returncode == 0:
        return Answer(True, words)
    return Answer(None if _NO_ANSWER.search(words) else False, words or f"exit code {done.returncode}")


def key_of(config: Config, refusal: str) -> tuple[str, ...]:
    """Return the key that a refusal speaks of, as far as it can be told; the section otherwise."""
    for key, words in _SPEAKS_OF:
        if getattr(config.slurm, key) is not None and re.search(words, refusal, re.IGNORECASE):
            return "slurm", key
    return ("slurm",)
