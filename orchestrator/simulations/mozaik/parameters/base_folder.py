"""The folder of a model's own parameters: its files, and which of them is the root."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.simulations.mozaik.parameters.file import ParameterFile, ParameterFileError, called, text_of
from orchestrator.simulations.mozaik.parameters.tree import ParameterFiles, TreeEntry
from targets.plugins import nearest

# larger files are maps and other data, not parameters
_LARGEST = 2_000_000


class BaseFolder:
    """The folder of a model's parameters.

    Parameters
    ----------
    model_dir, base : pathlib.Path
        The model's directory, and the folder relative to it.

    Raises
    ------
    orchestrator.errors.UsageError
        If there is no such folder, or something in it cannot be read.
    """

    def __init__(self, model_dir: Path, base: Path):
        self.model_dir, self.base = model_dir, base
        self.directory = model_dir / base
        self.files: dict[str, Path] = dict(_files(self.directory, str(base)))
        self._parsed = ParameterFiles(model_dir)

    def root(self, named: str | None) -> str:
        """Return the name of the root file: `named`, or the one that run.py's documentation uses, or ``defaults``."""
        if named is not None:
            name = named.removeprefix(f"{self.base}/")
            if name not in self.files:
                raise UsageError(f"--root {named}: there is no file {self.base}/{name}{nearest(name, self.files)}")
            return name
        documented = [name for name in _documented(self.model_dir, str(self.base)) if name in self.files]
        if len(documented) == 1:
            return documented[0]
        if "defaults" in self.files:
            return "defaults"
        candidates = [name for name in self.files if self._may_be_root(name)]
        if len(candidates) == 1:
            return candidates[0]
        found = ", ".join(candidates or self.files) or "no file at all"
        raise UsageError(f"{self.base}: which is the root parameter file? Name it with --root; found {found}")

    def _may_be_root(self, name: str) -> bool:
        file = self.parameters_or_none(name)
        keys = [text_of(key) for key in file.expression.keys] if file and isinstance(file.expression, ast.Dict) else []
        return "sheets" in keys and "results_dir" in keys

    def parameters_or_none(self, name: str) -> ParameterFile | None:
        """Return a file of the folder as parameters, or None if it is data of another kind."""
        path = self.files[name]
        try:
            if not self._parsed.was_read(path) and path.stat().st_size > _LARGEST:
                return None
            file = self._parsed.read(path, f"{self.base}/{name}")
        except ParameterFileError:
            return None
        # url('param/defaults') | {...} too
        holds = isinstance(file.expression, (ast.Dict, ast.Call)) or any(
            called(node, "url") for node in ast.walk(file.expression) if isinstance(node, ast.expr)
        )
        return file if holds else None

    def tree(self, root: str) -> TreeEntry:
        """Return the parameter tree of a root file of the folder.

        Raises
        ------
        orchestrator.errors.UsageError
            If a file is missing or is no parameter file, with the place that names it.
        """
        return self._parsed.tree(self.base / root)


def _files(directory: Path, shown: str) -> Iterator[tuple[str, Path]]:
    """Yield relative name and path of every file; hidden ones and Python's caches are nobody's parameters."""
    if not directory.is_dir():
        folders = [each.name for each in directory.parent.glob("*/") if each.is_dir()]
        parts = nearest(directory.name, folders) or "."
        raise UsageError(
            f"there is no folder {directory}{parts} Name the folder of the model's parameters with --base-param"
        )
    seen: set[str] = set()
    for folder, inside, names in os.walk(directory, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            raise UsageError(f"{folder}: a link that leads back into {shown}; remove it")
        seen.add(real)
        inside[:] = sorted(name for name in inside if not name.startswith(".") and name != "__pycache__")
        for name in sorted(names):
            path = Path(folder, name)
            if name.startswith("."):
                continue
            if not path.exists():
                raise UsageError(f"{path}: a link to {path.readlink()}, which does not exist; remove or fix it")
            if path.is_file():
                yield path.relative_to(directory).as_posix(), path


def _documented(model_dir: Path, base: str) -> list[str]:
    """Return the root files that the command lines in run.py's text name, ``python run.py nest 1 param/defaults``."""
    try:
        text = (model_dir / "run.py").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    pattern = rf"\S+\.py\s+\w+\s+\d+\s+(?:\./)?{re.escape(base)}/([\w./-]*\w)"
    return list(dict.fromkeys(re.findall(pattern, text)))
