"""The files of a parameter tree, as often as the tree leads there: two sheets may share one by ``url(...)``."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.simulations.mozaik.parameter_file import ParameterFile, called, text_of

Name = tuple[str, ...]


@dataclass
class Visit:
    """One file at one place of the tree.

    Parameters
    ----------
    file : ParameterFile
        The same object at every visit.
    at : tuple of str
        Where its content is in the tree.
    entries : dict of tuple of str to ast.expr
        Full name and value of what is written in this file; of a name that is given twice, the last, which counts.
    leads : list of (ast.expr, Visit)
        Every url that is followed: the literal, and where it leads.
    """

    file: ParameterFile
    at: Name
    entries: dict[Name, ast.expr] = field(default_factory=dict)
    leads: list[tuple[ast.expr, Visit]] = field(default_factory=list)

    def all(self) -> Iterator[Visit]:
        """Yield this visit and all below it, those below first."""
        for _, visit in self.leads:
            yield from visit.all()
        yield self


class Tree:
    """Reads the files of a parameter tree.

    Parameters
    ----------
    model_dir : pathlib.Path
        Urls are relative to it, the working directory of mozaik.
    """

    def __init__(self, model_dir: Path):
        self._model_dir = model_dir
        self._files: dict[Path, ParameterFile] = {}

    def visit(self, root: Path) -> Visit:
        """Return the visit of the root file, relative to the model's directory.

        Raises
        ------
        orchestrator.errors.UsageError
            Where a file is missing, or is no parameter file; names the place.
        """
        return self._visit(root, (), ())

    def _visit(self, url: Path, at: Name, above: tuple[Path, ...]) -> Visit:
        path = Path(os.path.realpath(self._model_dir / url))
        if path in above:
            raise UsageError(f"{url}: leads back to itself by url(...)")
        if path not in self._files:
            self._files[path] = ParameterFile(self._model_dir / url, os.path.normpath(url))
        visit = Visit(self._files[path], at)
        self._enter(visit, visit.file.expression, at, (*above, path))
        return visit

    def _enter(self, visit: Visit, node: ast.expr, at: Name, above: tuple[Path, ...]) -> None:
        inner = called(node, "url", "ParameterSet")
        url = text_of(inner)
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                name = text_of(key)
                if name is not None:
                    at_name = (*at, name)
                    visit.entries[at_name] = value
            for full, value in list(visit.entries.items()):
                if full[:-1] == at:
                    self._enter(visit, value, full, above)
        elif inner is not None and url is not None and "://" not in url:
            visit.leads.append((inner, self._visit(Path(url), at, above)))
        elif inner is not None and called(node, "ParameterSet") is not None:
            self._enter(visit, inner, at, above)
