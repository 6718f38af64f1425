"""Writes files and folders into a model's directory: all are in place and checked in the end, or it is as it was."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol

from orchestrator.errors import UsageError


class Writing(Protocol):
    """What is to be written.

    Parameters
    ----------
    model_dir : pathlib.Path
        The model's directory, to which all names are relative.
    names : tuple of str
        What is put into place: files, or whole folders.
    files : dict of str to bytes or pathlib.Path
        The content of every file by its name; of a path, the content is that file's.
    """

    model_dir: Path
    names: tuple[str, ...]
    files: dict[str, bytes | Path]


def content_of(file: bytes | Path) -> bytes:
    """Return the bytes of a file that is to be written."""
    return file if isinstance(file, bytes) else file.read_bytes()


def in_place(plan: Writing) -> bool:
    """Return whether all that would be written is there already, to the byte."""
    return all(_is_there(plan, file) for file in plan.files)


def _is_there(plan: Writing, file: str) -> bool:
    path = plan.model_dir / file
    return path.is_file() and path.read_bytes() == content_of(plan.files[file])


def overwritten(plan: Writing) -> list[str]:
    """Return what is there and would be lost."""
    there = [name for name in plan.names if os.path.lexists(plan.model_dir / name)]
    return [name for name in there if name not in plan.files or not _is_there(plan, name)]


def places(model_dir: Path, files: Iterable[str]) -> tuple[str, ...]:
    """Return where files are put so that nothing else is touched: folders that are not there yet, and single files."""
    return tuple(dict.fromkeys(_place(model_dir, PurePosixPath(file)) for file in files))


def _place(model_dir: Path, file: PurePosixPath) -> str:
    # outermost first; a link to a folder gives way to the folder
    folders = [folder for folder in reversed(file.parents) if folder.parts]
    new = (each for each in folders if (model_dir / each).is_symlink() or not (model_dir / each).is_dir())
    return str(next(new, file))


def others(model_dir: Path, folder: str, files: Container[str]) -> Iterator[str]:
    """Yield what is in a folder of the model besides these files."""
    target = model_dir / folder
    if target.is_symlink() or not target.is_dir():
        return
    for path in sorted(target.rglob("*")):
        name = path.relative_to(model_dir).as_posix()
        if path.is_file() and name not in files and "__pycache__" not in path.parts:
            yield name


def carry_out(plan: Writing, verify: Callable[[], None]) -> None:
    """Write everything into a folder beside, rename it into place, and verify; undo it if anything goes wrong.

    Parameters
    ----------
    plan : Writing
        What to write. What is there of the same name is overwritten.
    verify : callable
        Raises if the result is not sound.

    Raises
    ------
    orchestrator.errors.UsageError
        If the directory cannot be written; it is then as it was. The same holds for what `verify` raises.
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
