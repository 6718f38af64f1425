"""A controller inside a program of the user's: a script, or a notebook that goes on afterwards."""

from __future__ import annotations

import contextlib
import os
import sys
import types
from collections.abc import Callable, Iterator

from orchestrator.display.console import PlainConsole
from orchestrator.files import umask
from orchestrator.paths import RunPaths
from orchestrator.run.start import Ended


def carried_out(carry_out: Callable[[PlainConsole], Ended], *, progress: bool) -> RunPaths:
    """Carry a run out to its end, and leave the user's program as it was.

    Parameters
    ----------
    carry_out : callable
        Takes the console.
    progress : bool
        Whether it is shown how the run goes: on a terminal, in a notebook, or as lines on standard error.

    Raises
    ------
    orchestrator.errors.OrchestratorError
        If the run cannot start or go on.
    """
    # standard output is the script's own
    console = PlainConsole(stderr=True, soft_wrap=not sys.stderr.isatty(), quiet=not progress)
    with as_guest():
        ended = carry_out(console)
    console.print(f"Done: {ended.reason}. Run directory: {ended.paths.directory}")
    return ended.paths


@contextlib.contextmanager
def as_guest() -> Iterator[None]:
    """Give back what a controller changes of its process: the umask, and the variables of a job of SLURM.

    The script is no module of this process meanwhile: processes that Python's multiprocessing starts would import it,
    and it would begin anew in each of them.
    """
    environment, mask, script = dict(os.environ), umask(), sys.modules["__main__"]
    if getattr(script, "__file__", None) is not None:  # a notebook has none, and is imported by nobody
        sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
        os.umask(mask)
        os.environ.update({name: value for name, value in environment.items() if name not in os.environ})
