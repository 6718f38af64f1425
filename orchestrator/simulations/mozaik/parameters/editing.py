"""Copies a folder of parameters with other values, each written in the place of the old one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.simulations.mozaik.parameters.base_folder import BaseFolder
from orchestrator.simulations.mozaik.parameters.file import Edit, ParameterFile
from orchestrator.simulations.mozaik.parameters.redirection import Redirection
from orchestrator.simulations.mozaik.parameters.references import referred
from orchestrator.simulations.mozaik.parameters.tree import Name, TreeEntry
from orchestrator.simulations.mozaik.parameters.values import flatten, values_of
from targets.plugins import nearest


@dataclass
class Edited:
    """A new folder of parameters, not yet written.

    Parameters
    ----------
    root : str
        Name of the root parameter file in it.
    files : dict of str to bytes or pathlib.Path
        The content of every file by its name in the folder; of a path, the content is that file's.
    places : dict of str to str
        The place of each new value by the parameter's name, ``file:line:column`` of the base folder.
    notes : list of str
        Sentences about what the reader would not expect.
    """

    root: str
    files: dict[str, bytes | Path] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Editor:
    """Writes values at their place in the files of a base folder.

    A file to which several sheets lead by ``url(...)``, and which is to have a value for one of them only, gets a copy
    of its own for that sheet: that is what overriding the one name does in mozaik, and in the optimisation.

    Parameters
    ----------
    model_dir, base : pathlib.Path
        The model's directory, and the base folder relative to it.
    target : str
        Name of the new folder, relative to the model's directory.
    """

    def __init__(self, model_dir: Path, base: Path, target: str):
        self._folder = BaseFolder(model_dir, base)
        self._redirect = Redirection(model_dir, base, target)
        self._target = target
        self._names = {Path(os.path.realpath(path)): name for name, path in self._folder.files.items()}
        # by file: content and name of each variant of it, in the order in which the tree leads there
        self._variants: dict[ParameterFile, dict[bytes, str]] = {}

    def edited(self, root: str, values: Mapping[str, float | int]) -> Edited:
        """Return the new folder.

        Parameters
        ----------
        root : str
            Name of the root file in the base folder.
        values : mapping of str to float or int
            The new values by dotted name of the parameter.

        Raises
        ------
        orchestrator.errors.UsageError
            If a name is written nowhere in the files.
        """
        top = self._folder.tree(root)
        names = {tuple(name.split(".")): value for name, value in values.items()}
        found = Edited(root)
        self._places(top, names, found)
        for path in self._folder.files:
            found.files[path] = self._copied(path)
        # copies first, so that what needs none keeps its file
        contents = self._contents(top, names)
        found.files |= contents
        self._note_copies(found)
        found.notes += _moved_along(top, values)
        return found

    def _places(self, top: TreeEntry, names: Mapping[Name, float | int], found: Edited) -> None:
        """Note where every name is written."""
        by_name = {entry.path: entry for entry in top.below()}
        for name in names:
            dotted = ".".join(name)
            if name not in by_name:
                known = [".".join(each) for each in by_name]
                raise UsageError(
                    f"{self._folder.base}/{found.root}: the parameter {dotted!r} of the optimisation is written "
                    f"nowhere in the base folder{nearest(dotted, known) or '.'} Is {self._folder.base} the folder "
                    "that the optimisation's was made from? Name it with --base-param"
                )
            entry = by_name[name]
            found.places[dotted] = entry.file.place(entry.value)

    def _copied(self, name: str) -> bytes | Path:
        """Return a file of the base folder with its references led into the new one."""
        file = self._folder.parameters_or_none(name)
        if file is None:
            return self._folder.files[name]
        return file.edited(edit for edit, _ in self._redirect.edits(file))

    def _contents(self, top: TreeEntry, names: Mapping[Name, float | int]) -> dict[str, bytes]:
        """Return the files of the tree, with a copy of each for every place that needs values of its own."""
        contents: dict[str, bytes] = {}
        urls: dict[TreeEntry, str] = {}
        # those below first: the name of a copy has to be known before a url can lead to it
        by_file: dict[ParameterFile, list[TreeEntry]] = {}
        for root in sorted(top.files(), key=_height):
            by_file.setdefault(root.file, []).append(root)
        for file, roots in by_file.items():
            written = [self._content(root, names, urls) for root in roots]
            inside = self._own_name(file)
            plain = self._plain(file, written)
            for root, content in zip(roots, written, strict=True):
                if inside is None and content == file.content:
                    continue  # elsewhere, and as it is
                variants = self._variants.setdefault(file, {plain: inside} if inside is not None else {})
                if content not in variants:
                    stem = inside if inside is not None else file.path.name
                    variants[content] = _copy_of(stem, root.path)
                name = variants[content]
                contents[name] = content
                urls[root] = name
        return contents

    def _plain(self, file: ParameterFile, written: list[bytes]) -> bytes:
        """Return the content that keeps the file's name: the one without new values if some place needs that."""
        copied = file.edited(edit for edit, _ in self._redirect.edits(file))
        return copied if copied in written else written[0]

    def _content(self, root: TreeEntry, names: Mapping[Name, float | int], urls: Mapping[TreeEntry, str]) -> bytes:
        """Return a file with the new values of one place of the tree."""
        file = root.file
        new = [entry for entry in root.named_here() if entry.path in names]
        edits = [Edit(*file.span(entry.value), repr(names[entry.path]).encode()) for entry in new]
        for url, below in root.leads():
            name = urls.get(below)
            if name is not None and name != self._own_name(below.file):
                edits.append(Edit(*file.span(url), repr(f"{self._target}/{name}").encode()))
        for edit, _ in self._redirect.edits(file):
            if not any(each.start <= edit.start and edit.end <= each.end for each in edits):
                edits.append(edit)
        return file.edited(edits)

    def _own_name(self, file: ParameterFile) -> str | None:
        """Return the name of a file in the base folder, None if it is elsewhere."""
        return self._names.get(Path(os.path.realpath(file.path)))

    def _note_copies(self, found: Edited) -> None:
        for file, variants in self._variants.items():
            own = self._own_name(file)
            found.notes += [
                f"{file.shown} is used in several places, or is outside {self._folder.base}: {self._target}/{name} is "
                "its copy with the values of that place"
                for name in variants.values()
                if name != own
            ]


def _copy_of(stem: str, at: Name) -> str:
    return f"{stem}_of_{'.'.join(at).replace('/', '_')}" if at else stem


def _height(root: TreeEntry) -> int:
    """Return how many urls lead further down from a file at most."""
    return 1 + max((_height(below) for _, below in root.leads()), default=-1)


def _moved_along(top: TreeEntry, values: Mapping[str, float | int]) -> list[str]:
    """Return which other parameters get the new values because they refer to them."""
    notes = []
    for name, value in flatten(values_of(top)):
        sources = referred(value)
        if name in values:
            notes += [f"{name} was computed from {each} and has a value of its own now" for each in sources]
            continue
        notes += [
            f"{name} refers to {each} and changes with it, as it did in the optimisation"
            for each in sources
            if any(value == each or value.startswith(f"{each}.") for value in values)
        ]
    return notes
