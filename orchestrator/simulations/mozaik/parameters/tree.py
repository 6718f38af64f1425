"""The parameter tree of a model: the one walk through its files, which follows ``url(...)`` and notes every place."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.simulations.mozaik.parameters.file import ParameterFile, ParameterFileError, called, text_of
from targets.plugins import nearest

Name = tuple[str, ...]


@dataclass(eq=False)
class TreeEntry:
    """One value of the tree, as it is written at one place; a file to which two urls lead has its entries twice.

    Parameters
    ----------
    path : tuple of str
        Names from the root of the tree; empty for the root itself.
    file : ParameterFile
        The file that it is written in, the same object at every place of the tree.
    value : ast.expr
        The expression that is written there.
    group : dict of str to TreeEntry, or None
        Of ``{...}``: what is in it, by name; of a name that is given twice, the last, which counts.
    inner : TreeEntry or None
        Of ``url(...)`` and ``ParameterSet(...)``: what it stands for.
    url : ast.expr or None
        The string that leads to `inner`, if that is another file.
    """

    path: Name
    file: ParameterFile
    value: ast.expr
    group: dict[str, TreeEntry] | None = None
    inner: TreeEntry | None = None
    url: ast.expr | None = None

    def below(self) -> Iterator[TreeEntry]:
        """Yield every ``'name': value`` below this one, through all urls, in the order of the files."""
        if self.inner is not None:
            yield from self.inner.below()
        for each in (self.group or {}).values():
            yield each
            yield from each.below()

    def named_here(self) -> Iterator[TreeEntry]:
        """Yield every ``'name': value`` below this one that is written in the same file."""
        for entry in self._here():
            yield from (entry.group or {}).values()

    def leads(self) -> Iterator[tuple[ast.expr, TreeEntry]]:
        """Yield every url of this file from here on: its string, and the root of the file that it leads to."""
        for entry in self._here():
            if entry.url is not None and entry.inner is not None:
                yield entry.url, entry.inner

    def files(self) -> Iterator[TreeEntry]:
        """Yield the root of a file at every place where the tree leads to it, those below first, this one last."""
        for _, root in self.leads():
            yield from root.files()
        yield self

    def _here(self) -> Iterator[TreeEntry]:
        yield self
        if self.inner is not None and self.url is None:
            yield from self.inner._here()
        for each in (self.group or {}).values():
            yield from each._here()


class ParameterFiles:
    """Reads the parameter files of a model, each of them once.

    Parameters
    ----------
    model_dir : pathlib.Path
        The model's directory: the package parameters opens urls relative to the working directory.
    """

    def __init__(self, model_dir: Path):
        self.model_dir = model_dir
        self._read: dict[str, ParameterFile] = {}
        self._directories: dict[Path, str] = {}

    def was_read(self, path: Path) -> bool:
        """Return whether a file has been read, under whatever name."""
        return self._real(path) in self._read

    def read(self, path: Path, shown: str) -> ParameterFile:
        """Return a file, which messages call `shown`.

        Raises
        ------
        ParameterFileError
            If it is no parameter file.
        """
        real = self._real(path)
        if real not in self._read:
            self._read[real] = ParameterFile(path, shown)
        return self._read[real]

    def tree(self, root: Path) -> TreeEntry:
        """Return the whole tree.

        Parameters
        ----------
        root : pathlib.Path
            The root file, relative to the model's directory.

        Raises
        ------
        ParameterFileError
            If a file is missing, is no parameter file, or leads back to itself; the message has the place.
        """
        path = self.model_dir / root
        if not path.is_file():
            raise ParameterFileError(f"{path}: cannot be read: No such file{_nearest_file(path)}")
        file = self.read(path, os.path.normpath(root))
        try:
            return self._walked((), file, file.expression, (self._real(path),))
        except RecursionError as error:
            raise ParameterFileError(f"{file.shown}: is not a parameter file: too deeply nested") from error

    def _real(self, path: Path) -> str:
        """Return where a file is, links followed; each directory is looked at once."""
        if path.is_symlink():
            return os.path.realpath(path)
        if path.parent not in self._directories:
            self._directories[path.parent] = os.path.realpath(path.parent)
        return os.path.join(self._directories[path.parent], path.name)  # noqa: PTH118  (realpath returns text)

    def _walked(self, path: Name, file: ParameterFile, value: ast.expr, above: tuple[str, ...]) -> TreeEntry:
        entry = TreeEntry(path, file, value)
        if isinstance(value, ast.Constant):  # nearly all are
            return entry
        inner = called(value, "url", "ParameterSet")
        if isinstance(value, ast.Dict):
            entry.group = {}
            for key, each in zip(value.keys, value.values, strict=True):
                name = _name(file, key, each)
                entry.group[name] = self._walked((*path, name), file, each, above)
        elif inner is not None and (url := text_of(inner)) is not None:
            entry.inner, entry.url = self._led(entry, url, above), inner
        elif inner is not None and called(value, "ParameterSet") is not None:
            entry.inner = self._walked(path, file, inner, above)
        return entry

    def _led(self, entry: TreeEntry, url: str, above: tuple[str, ...]) -> TreeEntry:
        """Return the root of the file that an entry's url names."""
        path = Path(os.path.normpath(self.model_dir / url))
        real = self._real(path)
        if real in above:
            place = entry.file.place(entry.value)
            raise ParameterFileError(f"{place}: url({url!r}) leads back to a file that leads here")
        if not path.is_file():
            place = entry.file.place(entry.value)
            raise ParameterFileError(f"{place}: url({url!r}): there is no file {path}{_nearest_file(path)}")
        file = self.read(path, os.path.normpath(url))
        return self._walked(entry.path, file, file.expression, (*above, real))


def _nearest_file(path: Path) -> str:
    return nearest(path.name, [each.name for each in path.parent.glob("*")])


def _name(file: ParameterFile, key: ast.expr | None, value: ast.expr) -> str:
    if key is None:
        raise ParameterFileError(
            f"{file.place(value)}: cannot read the merged group **{ast.unparse(value)}; expected names and values such "
            "as {'weights': 0.001}. Write what is in it out in its place"
        )
    if not isinstance(key, ast.Constant):
        raise ParameterFileError(f"{file.place(key)}: names of parameters must be text, got {ast.unparse(key)}")
    return str(key.value)
