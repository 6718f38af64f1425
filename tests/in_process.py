"""The command line without a process of its own: what `orchestrator ARGUMENTS` prints, and its exit code."""

from __future__ import annotations

import contextlib
import io
import os
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import orchestrator.cli


class Done(NamedTuple):
    """What a program printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def command(*arguments: str, cwd: Path) -> Done:
    """Run ``orchestrator ARGUMENTS`` in a directory, in this process."""
    with _as_program("orchestrator", arguments, cwd) as (out, err):
        code = _exit_code_of(orchestrator.cli.main)
    return Done(code, out.getvalue(), err.getvalue())


def script(path: Path, *arguments: str, cwd: Path) -> Done:
    """Run a Python script in a directory, in this process."""
    with _as_program(str(path), arguments, cwd) as (out, err):
        code = _exit_code_of(lambda: runpy.run_path(str(path), run_name="__main__"))
    return Done(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _as_program(name: str, arguments: tuple[str, ...], cwd: Path) -> Iterator[tuple[io.StringIO, io.StringIO]]:
    before = Path.cwd(), sys.argv, sys.path[:]
    out, err = io.StringIO(), io.StringIO()
    os.chdir(cwd)
    sys.argv = [name, *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            yield out, err
    finally:
        os.chdir(before[0])
        sys.argv, sys.path[:] = before[1:]


def _exit_code_of(main: Callable[[], object]) -> int:
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0
