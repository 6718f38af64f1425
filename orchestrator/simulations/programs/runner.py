"""Calls a function in the Python that this file is run with, which needs numpy and nothing of this program.

``PYTHON runner.py MODULE:FUNCTION MODEL_DIR DIRECTORY PROGRESS_FILE``, with ``parameters.json`` in the directory.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import traceback
import types
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_PACKAGES = ("targets", "orchestrator", "orchestrator.simulations", "orchestrator.simulations.programs")
# where launchers tell a process its number; srun's comes last, because mpirun inside a job has one of its own
_RANKS = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "SLURM_PROCID")


def main(reference: str, model_dir: Path, directory: Path, progress: Path) -> None:
    """Call the function, and leave in the directory what it returns, or why it returns nothing."""
    _offer_what_functions_use()
    from orchestrator.simulations.loaded import loaded  # noqa: PLC0415
    from orchestrator.simulations.programs.importing import load, modules_of, place_of  # noqa: PLC0415
    from targets.errors import Exploded, NoValue  # noqa: PLC0415
    from targets.recordings.file import NPZ, save, say  # noqa: PLC0415
    from targets.recordings.taking import as_recordings  # noqa: PLC0415

    parameters = json.loads((directory / "parameters.json").read_text(encoding="utf-8"))
    with modules_of(model_dir):
        function = load(reference, model_dir)
        _note(progress, "protocols")
        try:
            returned = function(parameters, directory)
        except (Exploded, NoValue) as why:
            word = "exploded" if isinstance(why, Exploded) else "no_value"
            return say(directory, word, str(why) or word)
        except SystemExit as error:  # with exit code 0 it would look as if it had returned nothing
            raise RuntimeError(f"the function ended the program: SystemExit({error.code!r})") from error
    _note(progress, "protocols", versions=loaded())
    if _rank() == 0 and returned is not None:
        try:
            save(as_recordings(returned, directory), directory / NPZ)
        except TypeError as error:
            raise TypeError(f"{place_of(reference, model_dir)}: {error}. Return None if there is no value") from error
    return None


def _note(progress: Path, phase: str, **details: object) -> None:
    """Append a line of progress; one that cannot be written ends no simulation."""
    if _rank() == 0:
        with contextlib.suppress(OSError), progress.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"time": time.time(), "phase": phase, **details}) + "\n")


def _offer_what_functions_use() -> None:
    """Make importable what a function may return or raise, and the few modules that are needed here, alone.

    The packages themselves are not executed: they would import what only this program's own Python has.
    """
    try:
        import numpy  # noqa: F401, PLC0415
    except ImportError as error:
        message = f"{sys.executable}: simulation.python needs numpy for what a function returns: {error}"
        raise SystemExit(message) from error
    for name in _PACKAGES:
        package = types.ModuleType(name)
        package.__path__ = [str(_ROOT.joinpath(*name.split(".")))]
        sys.modules[name] = package
    from targets import errors, recordings  # noqa: PLC0415

    for name in ("orchestrator", "targets"):
        for each in (errors.Exploded, errors.NoValue, recordings.Events, recordings.Trace):
            setattr(sys.modules[name], each.__name__, each)


def _rank() -> int:
    """Return the number of this process among those of a launcher, 0 if it is the only one."""
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is not None:
        return int(mpi.COMM_WORLD.Get_rank())
    return next((int(os.environ[name]) for name in _RANKS if name in os.environ), 0)


def _end_all() -> None:
    """End the processes that wait for this one, which has failed."""
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is not None and mpi.COMM_WORLD.Get_size() > 1:
        mpi.COMM_WORLD.Abort(1)


if __name__ == "__main__":
    if sys.path[0] == str(Path(__file__).parent):  # what is beside this file is nobody's to import
        del sys.path[0]
    try:
        main(sys.argv[1], *map(Path, sys.argv[2:5]))
    except Exception:  # noqa: BLE001  (whatever a user's function raises)
        traceback.print_exc()
        _end_all()
        sys.exit(1)
