"""The shell scripts of a run, looked at by the shell itself and by shellcheck if that is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.checking.acceptance import submission_script
from orchestrator.config.model import Config
from orchestrator.config.source import Location
from orchestrator.paths import RunPaths
from orchestrator.simulations import Model

CONTROLLER_SCRIPT = "optimisation.sbatch"
_TIMEOUT = 20.0
# what the controller's job takes over from the section slurm, and the short name of sbatch's option
_SHARED = {"partition": "p", "account": "A", "qos": "q"}
# files that a script reads, which may only be there on the node
_UNFOLLOWED = "SC1090,SC1091"
_BASH = re.compile(r"^[^\n]*?: line (\d+): (.+)$", re.MULTILINE)
_SHELLCHECK = re.compile(r"^[^\n]*?:(\d+):\d+: (error|warning): (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Remark:
    """Something that is wrong with a script, or may be.

    Parameters
    ----------
    location : tuple
        Key of the configuration from which the script comes; empty for a file of its own.
    message : str
        With line and text of the line.
    error : bool
        Whether the script cannot work.
    """

    location: Location
    message: str
    error: bool


def script_remarks(config: Config, model: Model[Any]) -> Iterator[Remark]:
    """Yield what bash and shellcheck say about the scripts that a run would start.

    Parameters
    ----------
    config : Config
        Valid.
    model : Model
        Its model, whose launch script can be rendered.
    """
    attempt = RunPaths(config.model_dir / "check_Optimization").generation(0).attempt(0, 1)
    script = model.launch_script(attempt)
    if script is not None:
        key, name = model.launch_script_source()
        yield from _remarks(script, ("simulation", key), f"{name}, rendered")
    if config.executor == "slurm":
        # of the whole, what the user writes are the lines of jobs.setup
        batch = submission_script(config, config.model_dir)
        yield from (each for each in _remarks(batch, ("jobs", "setup"), "the job's script") if each.error)
    controller = config.model_dir / CONTROLLER_SCRIPT
    if controller.is_file():
        yield from _remarks(controller.read_text(encoding="utf-8", errors="replace"), (), str(controller))


def controller_options(config: Config) -> list[str]:
    """Return the options with which the controller's job is submitted, so that the configuration alone has to say them.

    Partition, account and quality of service are those of ``slurm``, unless the script has lines of its own for them.
    """
    script = config.model_dir / CONTROLLER_SCRIPT
    lines = script.read_text(encoding="utf-8", errors="replace") if script.is_file() else ""
    given = {key: getattr(config.slurm, key) for key in _SHARED}
    return [
        f"--{key}={value}"
        for key, value in given.items()
        if value and not re.search(rf"^#SBATCH\s+(?:.*\s)?(?:--{key}\b|-{_SHARED[key]})", lines, re.MULTILINE)
    ]


def _remarks(script: str, location: Location, name: str) -> Iterator[Remark]:
    lines = script.splitlines()

    def remark(number: str, message: str, *, error: bool) -> Remark:
        line = lines[int(number) - 1].strip() if int(number) <= len(lines) else "the end of the script"
        place = f"{name}:{number}" if not location else f"{name}, line {number}"
        return Remark(location, f"{place}: {message} in {line!r}", error)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.sh"
        file.write_text(script, encoding="utf-8")
        refused = [remark(*found, error=True) for found in _BASH.findall(_said_by(["bash", "-n", str(file)]))]
        if refused:
            yield refused[0]  # what follows comes of the first
            return
        if shutil.which("shellcheck") is None:
            return
        command = ["shellcheck", "--norc", "--shell=bash", "--format=gcc", "--severity=warning"]
        for number, level, message in _SHELLCHECK.findall(_said_by([*command, f"--exclude={_UNFOLLOWED}", str(file)])):
            yield remark(number, message, error=level == "error")


def _said_by(command: list[str]) -> str:
    """Return all that a command prints; nothing if it cannot be run."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout + done.stderr
