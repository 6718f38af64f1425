"""What a preparation would write."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.prepare.configuration import Contents
from orchestrator.prepare.recorders import RecorderFile, Replaced
from orchestrator.simulations.mozaik.urls import Rewritten

FOLDER = "param_optim"
CONFIG = "config_optimisation.yaml"
RUN_SCRIPT = "run_optimization_experiment.py"
SBATCH = "optimisation.sbatch"


@dataclass(frozen=True)
class Request:
    """What the user asks for.

    Parameters
    ----------
    model_dir : pathlib.Path
        The model's directory.
    base_param : pathlib.Path
        Folder of the base parameters, relative to it.
    root : str or None
        Name of the root parameter file; None: find it.
    model, experiments : str or None
        ``module:name``; None: find them.
    imported : pathlib.Path or None
        A predecessor's config_optimisation, whose search space and targets are taken over.
    """

    model_dir: Path
    base_param: Path = Path("param")
    root: str | None = None
    model: str | None = None
    experiments: str | None = None
    imported: Path | None = None


@dataclass
class Plan:
    """What would be written, and why.

    Parameters
    ----------
    model_dir : pathlib.Path
        Absolute.
    names : tuple of str
        What is put into place, relative to it: files, or whole folders.
    files : dict of str to bytes or pathlib.Path
        Content by path relative to `model_dir`; of a path, the content is that file's.
    contents : Contents
        Of the configuration.
    base : str
        Folder that the parameter files come from.
    imported : pathlib.Path or None
        A predecessor's file that the configuration is made of.
    rewritten, replaced : list of Rewritten, list of Replaced
        References and recorders that change.
    recorder_files : list of RecorderFile
        The optimisation's recorders.
    left_out : list of str
        Files of the base folder to which nothing leads any more.
    notes : list of str
        What the user should know.
    """

    model_dir: Path
    names: tuple[str, ...]
    files: dict[str, bytes | Path]
    contents: Contents
    base: str = ""
    imported: Path | None = None
    rewritten: list[Rewritten] = field(default_factory=list)
    replaced: list[Replaced] = field(default_factory=list)
    recorder_files: list[RecorderFile] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def content_of(file: bytes | Path) -> bytes:
    """Return the bytes of a file of a plan."""
    return file if isinstance(file, bytes) else file.read_bytes()
