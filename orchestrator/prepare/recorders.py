"""The optimisation's recorders: all spikes of all neurons, and conductances on a grid in the sheet's centre."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import UsageError
from orchestrator.prepare.configuration import render
from orchestrator.simulations.mozaik.parameters.base_folder import BaseFolder
from orchestrator.simulations.mozaik.parameters.file import Edit, called, text_of
from orchestrator.simulations.mozaik.parameters.references import references_in, value_at
from orchestrator.simulations.mozaik.parameters.tree import TreeEntry
from orchestrator.simulations.mozaik.sheets import RECORDERS, SheetDescription, sheets_by_place

_SPIKES = "recorders_spikes"
_BOTH = "recorders_spikes_and_conductances"
# points along each side of the grid
_POINTS = 5
_LARGEST_SPACING = 200.0
_SPACINGS = (200.0, 100.0, 50.0, 20.0, 10.0, 5.0, 2.0, 1.0)


@dataclass(frozen=True)
class Replaced:
    """The recorders of one sheet that were replaced.

    Parameters
    ----------
    place : str
        The place of the old ones, ``file:line:column``.
    sheet : SheetDescription
        The sheet whose recorders they were.
    old : str
        What the old ones were, in short.
    new : str
        Name of the file with the new ones.
    """

    place: str
    sheet: SheetDescription
    old: str
    new: str


@dataclass(frozen=True)
class RecorderFile:
    """One file of recorders, for all sheets that record the same.

    Parameters
    ----------
    name : str
        Name of the file in the new folder.
    conductances : tuple of str
        Variables recorded on the grid; empty for spikes alone.
    spacing : float
        Distance between the grid's points in um.
    """

    name: str
    conductances: tuple[str, ...]
    spacing: float

    @property
    def neurons(self) -> int:
        """Number of points of the grid."""
        return _POINTS**2

    def text(self) -> str:
        """Return the parameter file."""
        if not self.conductances:
            return render("param_optim/recorders_spikes.jinja")
        names = ", ".join(f'"{name}"' for name in self.conductances)
        return render(
            "param_optim/recorders_spikes_and_conductances.jinja",
            variables=names,
            points=_POINTS,
            spacing=self.spacing,
            size=_POINTS * self.spacing,
        )


def recorder_files(sheets: Sequence[SheetDescription]) -> dict[tuple[str, ...], RecorderFile]:
    """Return the files that the sheets need, by the conductances that they record."""
    files: dict[tuple[str, ...], RecorderFile] = {}
    for sheet in sheets:
        known = files.get(sheet.conductances)
        spacing = _spacing(sheet.width)
        if known is not None:
            name, spacing = known.name, min(spacing, known.spacing)
        elif sheet.conductances:
            others = sum(1 for each in files if each)
            name = f"{_BOTH}_{others + 1}" if others else _BOTH
        else:
            name = _SPIKES
        files[sheet.conductances] = RecorderFile(name, sheet.conductances, spacing)
    return files


def _spacing(width: float | None) -> float:
    """Return a spacing (um) with which the grid takes up at most the central half of a sheet."""
    if width is None:
        return _LARGEST_SPACING
    return next((each for each in _SPACINGS if _POINTS * each <= width / 2), _SPACINGS[-1])


@dataclass(frozen=True)
class RecorderPlan:
    """What is recorded once the recorders are replaced.

    Parameters
    ----------
    sheets : list of SheetDescription
        All sheets of the model that have recorders.
    replaced : list of Replaced
        Those recorders that give way to others.
    edits : mapping of pathlib.Path to list of Edit
        The changes of the base folder's files, by file.
    files : list of RecorderFile
        The files with the new recorders.
    notes : list of str
        Sentences about recorders that stay as they are, and why.
    """

    sheets: list[SheetDescription]
    replaced: list[Replaced]
    edits: Mapping[Path, Sequence[Edit]]
    files: list[RecorderFile]
    notes: list[str]


def recorder_entries(entries: Iterable[TreeEntry]) -> list[TreeEntry]:
    """Return the recorders of the sheets: entries ``<sheet>.params.recorders``, or ``<sheet>.recorders``."""
    paths = ((entry, entry.path) for entry in entries)
    return [entry for entry, (*place, last) in paths if last == RECORDERS and place and RECORDERS not in place]


def replaced_recorders(
    entries: Sequence[TreeEntry], tree: Mapping[str, Any], folder: BaseFolder, target: str
) -> RecorderPlan:
    """Return what changes so that every sheet has the optimisation's recorders, in files of the folder `target`.

    Only files of the base folder change: others belong to other parameter sets as well.

    Raises
    ------
    orchestrator.errors.UsageError
        If another parameter refers to something in recorders that are replaced.
    """
    by_place = sheets_by_place(tree)
    found = [(entry, by_place[entry.path[:-1]]) for entry in recorder_entries(entries)]
    ours = {path.resolve() for path in folder.files.values()}
    files = recorder_files([sheet for entry, sheet in found if entry.file.path.resolve() in ours])
    edits: dict[Path, list[Edit]] = {}
    replaced, notes = [], []
    for entry, sheet in found:
        place, path = entry.file.place(entry.value), entry.file.path.resolve()
        if path not in ours:
            outside = f"the recorders of {sheet.label} are outside {folder.base} and stay as they are"
            notes.append(f"{place}: {outside}, so it gets no targets")
            continue
        file = files[sheet.conductances]
        edits.setdefault(path, []).append(Edit(*entry.file.span(entry.value), f'url("{target}/{file.name}")'.encode()))
        replaced.append(Replaced(place, sheet, _described(entry.value), file.name))
    _refuse_references(entries, [entry for entry, _ in found if entry.file.path.resolve() in ours], tree)
    return RecorderPlan([sheet for _, sheet in found], replaced, edits, list(files.values()), notes)


def _refuse_references(entries: Sequence[TreeEntry], replaced: Sequence[TreeEntry], tree: Mapping[str, Any]) -> None:
    """Refuse references into recorders that are replaced: every simulation would end at once."""
    gone = {".".join(entry.path): entry.path for entry in replaced}
    for entry in entries:
        if any(entry.path[: len(path)] == path for path in gone.values()):
            continue
        for name in references_in(entry.value):
            within = [path for path in gone if name.startswith(f"{path}.")]
            if within:
                value = value_at(tree, tuple(name.split(".")))
                raise UsageError(
                    f"{entry.file.place(entry.value)}: {entry.path[-1]!r} is taken from {name!r} by ref(...), and the "
                    f"optimisation replaces {within[0]}. Write the value itself here: {value!r}"
                )


def _described(value: ast.expr) -> str:
    """Return what recorders are given as, in a few words."""
    url = text_of(called(value, "url", "ParameterSet"))
    if url is not None:
        return f"url({url!r})"
    if isinstance(value, ast.Dict):
        names = [text_of(key) or "?" for key in value.keys if key is not None]
        return f"{{{', '.join(names)}}}"
    return ast.unparse(value)
