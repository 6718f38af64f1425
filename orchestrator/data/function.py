"""A recording that another model makes: a function is called once, in a process of its own.

``python -m orchestrator.data.function FILE`` is that process; FILE says what is called, and where.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from orchestrator.data.errors import Unreadable
from orchestrator.data.section import DataSource
from orchestrator.data.selecting import selected
from orchestrator.data.shaping import Raw
from orchestrator.files import read_json, tail, write_json
from orchestrator.simulations.programs.importing import load, modules_of
from orchestrator.simulations.subprocesses import run_in_own_group
from targets.errors import Exploded, NoValue
from targets.plugins import said
from targets.recordings.file import NPZ, left_in, save
from targets.recordings.taking import as_recordings

_LOG_LINES = 5


def made(source: DataSource, directory: Path) -> Raw:
    """Return what a function makes.

    Parameters
    ----------
    source : DataSource
        With a function.
    directory : pathlib.Path
        The model's directory, where the function is imported from and works.

    Raises
    ------
    Unreadable
        If it cannot be called, raises something, or does not make what is wanted.
    """
    with tempfile.TemporaryDirectory(prefix="orchestrator-data-") as made_in:
        folder = Path(made_in)
        task, log, place = folder / "task.json", folder / "log", folder / "left"
        place.mkdir()
        write_json(
            task, {"function": source.function, "parameters": dict(source.parameters), "model_dir": str(directory)}
        )
        with log.open("wb") as output:
            command = [sys.executable, "-m", "orchestrator.data.function", str(task)]
            exit_code = run_in_own_group(command, cwd=folder, log=output)
        if exit_code != 0:
            raise Unreadable("function", f"{source.function}: {_why(folder, exit_code)}")
        try:
            return selected(left_in(place), source)
        except (NoValue, Exploded) as why:
            raise Unreadable("function", f"{source.function} left nothing to compare with: {why}") from why
        except (OSError, ValueError) as error:
            if isinstance(error, Unreadable):
                raise Unreadable(error.key, f"{source.function}: {error}") from error
            raise Unreadable("function", f"{source.function}: {error}") from error


def _why(folder: Path, exit_code: int) -> str:
    failed = folder / "failed.json"
    if failed.is_file():
        return str(read_json(failed)["message"])
    ended = f"was ended by {signal.Signals(-exit_code).name}" if exit_code < 0 else f"ended with {exit_code}"
    said_last = "; ".join(line for line in tail(folder / "log", _LOG_LINES).splitlines() if line.strip())
    return f"its process {ended}{f': {said_last}' if said_last else ''}"


def main(task: str) -> None:
    """Call the function that a file names, and leave what it returns beside the file."""
    folder = Path(task).parent
    told = read_json(Path(task))
    model_dir, place = Path(told["model_dir"]), folder / "left"
    try:
        with modules_of(model_dir):
            function = load(told["function"], model_dir)
            os.chdir(model_dir)
            returned = function(told["parameters"], place)
        if returned is not None:
            save(as_recordings(returned, place), place / NPZ)
    except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever a function of the user's raises)
        traceback.print_exc()
        write_json(folder / "failed.json", {"message": said(error)})
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
