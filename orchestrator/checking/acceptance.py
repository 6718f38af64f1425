"""Asks whether the cluster accepts the jobs of a run: ``sbatch --test-only`` of what would be submitted."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.cluster.submission import Answer, ask_about_script, job_parameters, own_folder, script_of
from orchestrator.config.model import Config

# name of the jobs that are asked about
_TOKEN = "check"
# a key of the configuration, and how SLURM's refusals speak of it
_SPEAKS_OF = (
    (("slurm", "partition"), r"partition"),
    (("slurm", "account"), r"account"),
    (("slurm", "qos"), r"\bqos\b"),
    (("slurm", "constraint"), r"feature|constraint"),
    (("jobs", "time"), r"time"),
    (("jobs", "mem"), r"memory|--mem"),
    (("slurm", "nodelist"), r"node name"),
    (("slurm", "hint"), r"--hint"),
)


def submission_script(config: Config, folder: Path) -> str:
    """Return the script with which the first array of a generation is submitted."""
    size = min(config.offspring_size, config.slurm.array_size)
    parameters = job_parameters(config.jobs, config.slurm, _TOKEN, folder)
    return script_of(parameters, own_folder(folder, _TOKEN), size)


def ask_about_offspring(config: Config) -> Answer:
    """Ask whether a generation's jobs would be accepted."""
    return ask_about_script(submission_script(config, config.model_dir), config.model_dir)


def key_of(config: Config, refusal: str) -> tuple[str, ...]:
    """Return the key that a refusal speaks of, as far as it can be told; otherwise the section ``slurm``."""
    if config.slurm.cluster and re.search(r"\bcluster\b", refusal, re.IGNORECASE):
        return "slurm", "extra"
    for (section, key), words in _SPEAKS_OF:
        given = getattr(getattr(config, section), key) is not None
        if given and re.search(words, refusal, re.IGNORECASE):
            return section, key
    return ("slurm",)
