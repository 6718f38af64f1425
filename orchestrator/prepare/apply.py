"""Carrying out a plan: everything is in place and checked in the end, or the directory is as it was."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from orchestrator.errors import UsageError
from orchestrator.prepare.plan import content_of


class Writing(Protocol):
    """What is to be written: folders and files `names` of a model, with the content of all `files` in them."""

    model_dir: Path
    names: tuple[str, ...]
    files: dict[str, bytes | Path]


def in_place(plan: Writing) -> bool:
    """Whether all that the plan would write is there already, to the byte, and nothing else."""
    for name in plan.names:
        target = plan.model_dir / name
        planned = {file for file in plan.files if file == name or file.startswith(f"{name}/")}
        there = {f"{name}/{file}" for file in _below(target)} if target.is_dir() else {name}
        if not target.exists() or there != planned:
            return False
        if any((plan.model_dir / file).read_bytes() != content_of(plan.files[file]) for file in planned):
            return False
    return True


def _below(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix()


def existing(plan: Writing) -> list[str]:
    """Return what the plan would overwrite."""
    return [name for name in plan.names if os.path.lexists(plan.model_dir / name)]


def carry_out(plan: Writing, verify: Callable[[], None]) -> None:
    """Write everything into a folder beside, rename it into place, and verify; undo it if anything goes wrong.

    Parameters
    ----------
    plan : Writing
        What to write. What is there of the same name is overwritten.
    verify : callable
        Raises where the result is not sound.

    Raises
    ------
    orchestrator.errors.UsageError
        Where the directory cannot be written; it is then as it was. The same holds for what `verify` raises.
    """
    try:
        # of the same file system, so that a rename suffices
        staging = Path(tempfile.mkdtemp(prefix=".prepare-", dir=plan.model_dir))
    except OSError as error:
        raise UsageError(f"{plan.model_dir}: cannot be written: {error.strerror}. Nothing was changed") from error
    try:
        new, old = staging / "new", staging / "old"
        for name, content in plan.files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content_of(content))
        _exchange(plan, new, old, verify)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise UsageError(f"{place}{error.strerror or error}. Nothing was changed in {plan.model_dir}") from error
    finally:
        _remove(staging)


def _exchange(plan: Writing, new: Path, old: Path, verify: Callable[[], None]) -> None:
    with contextlib.ExitStack() as undo:
        for name in plan.names:
            target, aside = plan.model_dir / name, old / name
            if os.path.lexists(target):
                aside.parent.mkdir(parents=True, exist_ok=True)
                target.rename(aside)
                undo.callback(aside.rename, target)
            (new / name).rename(target)
            undo.callback(target.rename, new / name)
        verify()
        undo.pop_all()


def _remove(folder: Path) -> None:
    """Remove a folder, read-only folders in it included."""
    for directory, _, _ in os.walk(folder):
        Path(directory).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
