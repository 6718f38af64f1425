"""The base parameter folder: its files, its root, and what the root leads to."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.simulations.mozaik.parameter_file import NotAParameterFile, ParameterFile, called, text_of
from targets.plugins import nearest

# larger files are maps and other data, not parameters
_LARGEST = 2_000_000


@dataclass(frozen=True)
class Entry:
    """One ``'name': value`` of the parameter tree and where it is written.

    Parameters
    ----------
    path : tuple of str
        Names from the root of the tree.
    file : ParameterFile
        Where it is.
    value : ast.expr
        Its value there.
    """

    path: tuple[str, ...]
    file: ParameterFile
    value: ast.expr


class BaseFolder:
    """The folder of a model's parameters.

    Parameters
    ----------
    model_dir, base : pathlib.Path
        The model's directory, and the folder relative to it.

    Raises
    ------
    orchestrator.errors.UsageError
        Where there is no such folder, or something in it cannot be read.
    """

    def __init__(self, model_dir: Path, base: Path):
        self.model_dir, self.base = model_dir, base
        self.directory = model_dir / base
        self.files: dict[str, Path] = dict(_files(self.directory, str(base)))
        self._parsed: dict[Path, ParameterFile] = {}

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
        candidates = [name for name in self.files if self._looks_like_a_root(name)]
        if len(candidates) == 1:
            return candidates[0]
        found = ", ".join(candidates or self.files) or "no file at all"
        raise UsageError(f"{self.base}: which is the root parameter file? Name it with --root; found {found}")

    def _looks_like_a_root(self, name: str) -> bool:
        file = self.parameters_or_none(name)
        keys = [text_of(key) for key in file.expression.keys] if file and isinstance(file.expression, ast.Dict) else []
        return "sheets" in keys and "results_dir" in keys

    def parameters_or_none(self, name: str) -> ParameterFile | None:
        """Return a file of the folder as parameters, or None where it is data of another kind."""
        path = self.files[name]
        try:
            if path.resolve() not in self._parsed and path.stat().st_size > _LARGEST:
                return None
            file = self._read(path, f"{self.base}/{name}")
        except NotAParameterFile:
            return None
        # url('param/defaults') | {...} too
        holds = isinstance(file.expression, (ast.Dict, ast.Call)) or any(
            called(node, "url") for node in ast.walk(file.expression) if isinstance(node, ast.expr)
        )
        return file if holds else None

    def _read(self, path: Path, shown: str) -> ParameterFile:
        real = path.resolve()
        if real not in self._parsed:
            self._parsed[real] = ParameterFile(path, shown)
        return self._parsed[real]

    def entries(self, root: str) -> Iterator[Entry]:
        """Yield every entry of the tree, through all urls that name files.

        Raises
        ------
        orchestrator.errors.UsageError
            Where a file is missing or is no parameter file, with the place that names it.
        """
        path = self.directory / root
        yield from self._entries(self._read(path, f"{self.base}/{root}"), None, (), (path,))

    def _entries(
        self, file: ParameterFile, node: ast.expr | None, at: tuple[str, ...], above: tuple[Path, ...]
    ) -> Iterator[Entry]:
        node = file.expression if node is None else node
        inner = called(node, "url", "ParameterSet")
        url = text_of(inner)
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                name = text_of(key)
                if key is not None and name is not None:
                    yield Entry((*at, name), file, value)
                    yield from self._entries(file, value, (*at, name), above)
        elif url is not None and "://" not in url:
            path = Path(os.path.normpath(self.model_dir / url))
            if path in above:
                raise UsageError(f"{file.place(node)}: url({url!r}) leads back to a file that leads here")
            if not path.is_file():
                raise UsageError(
                    f"{file.place(node)}: url({url!r}): there is no file {path}"
                    f"{nearest(path.name, [each.name for each in path.parent.glob('*')])}"
                )
            yield from self._entries(self._read(path, os.path.normpath(url)), None, at, (*above, path))
        elif inner is not None and url is None and called(node, "ParameterSet") is not None:
            yield from self._entries(file, inner, at, above)


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
                raise UsageError(f"{path}: a link to {path.readlink()}, which does not exist; remove or mend it")
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
