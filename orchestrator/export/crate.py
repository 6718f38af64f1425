"""An RO-Crate of a run: a folder, or a zip file, that says itself what is in it and how it came about.

The files of the run with metadata in JSON-LD, as RO-Crate 1.1 (Soiland-Reyes et al. 2022, Data Science 5:97,
doi:10.3233/DS-210053; https://www.researchobject.org/ro-crate/) and its profile Process Run Crate 0.5 (Leo et al. 2024,
PLoS ONE 19:e0309210, doi:10.1371/journal.pone.0309210) define them: one action, the optimisation, by a program with
versions, of inputs, parameters and targets, with its results.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from orchestrator.checkpoint import Checkpoint
from orchestrator.export.columns import columns_of
from orchestrator.export.described import METADATA, Part, Published, metadata_of
from orchestrator.export.tables import dictionary_of, write_csv
from orchestrator.files import replacing, write_text
from orchestrator.paths import ReevaluationPaths, RunPaths
from orchestrator.reevaluation.noise import Luck
from orchestrator.report.history import History

_YAML, _JSON, _HDF5, _NPZ = "application/yaml", "application/json", "application/x-hdf5", "application/zip"
_HTML, _CSV = "text/html", "text/csv"


def is_crate(folder: Path) -> bool:
    """Return whether a folder is one of these, which may be replaced."""
    return (folder / METADATA).is_file()


def write_crate(paths: RunPaths, path: Path, terms: str | None) -> None:
    """Write a crate; the folder is a run directory as well, on which every command that looks at runs works.

    Parameters
    ----------
    paths : RunPaths
        Of the run.
    path : pathlib.Path
        ``.zip``, or the folder; what is there is replaced.
    terms : str or None
        The licence, an address or a text; None if none is stated.

    Raises
    ------
    orchestrator.errors.UsageError
        If the checkpoint is not readable.
    OSError
        If it cannot be written.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as temporary:
        folder = Path(temporary) / "crate"
        folder.mkdir()
        _fill(folder, paths, terms)
        if path.suffix == ".zip":
            with replacing(path) as packed:
                _pack(folder, packed)
        else:
            _put(folder, path, Path(temporary) / "before")


def _put(folder: Path, path: Path, before: Path) -> None:
    """Put a folder into its place; what was there goes, or stays where it was if that fails."""
    replaced = os.path.lexists(path)
    if replaced:
        path.rename(before)
    try:
        folder.rename(path)
    except BaseException:
        if replaced:
            before.rename(path)
        raise


def _fill(folder: Path, paths: RunPaths, terms: str | None) -> None:
    """Put everything into an empty folder."""
    copy = RunPaths(folder)
    parts = [part for part in _parts(paths) if (paths.directory / part.name).is_file()]
    for part in parts:
        (folder / part.name).parent.mkdir(exist_ok=True)
        shutil.copyfile(paths.directory / part.name, folder / part.name)
    # of the copy, as everything that is said: the run may go on
    run = Checkpoint(copy.checkpoint)
    history = History.of(run)
    table = copy.exported("evaluations.csv")
    write_csv(columns_of(run, history), table)
    parts.append(Part(table.name, _CSV, "A row for each evaluation"))
    parts.append(Part(dictionary_of(table).name, _CSV, f"What the columns of {table.name} are, with units"))
    published = Published(paths.directory.name, history, tuple(Luck.of(run, 1).choice.best), terms)
    write_text(folder / METADATA, json.dumps(metadata_of(published, parts, folder), indent=1) + "\n")


def _parts(paths: RunPaths) -> Sequence[Part]:
    """Return what is published of a run, if it is there."""
    again = ReevaluationPaths.of(paths)

    def part(path: Path, media_type: str, description: str, *, is_input: bool = False) -> Part:
        return Part(path.relative_to(paths.directory).as_posix(), media_type, description, is_input)

    return (
        part(paths.config, _YAML, "The configuration", is_input=True),
        part(paths.model, _JSON, "Values of the model's parameters, and digests of its files", is_input=True),
        part(paths.data, _NPZ, "Measured recordings that simulations are compared with", is_input=True),
        part(paths.sets, _JSON, "The parameter sets that were given, and what they were worth before", is_input=True),
        part(paths.learnt, _NPZ, "Evaluations of other runs that the optimiser began with", is_input=True),
        part(paths.checkpoint, _HDF5, "Every evaluation, and the optimiser's state"),
        part(paths.report, _HTML, "All figures, as the controller or orchestrator report drew them last"),
        part(paths.posterior, _NPZ, "Samples of the posterior distribution of the parameters"),
        part(again.checkpoint, _HDF5, "Evaluations of the best under other seeds"),
        part(again.request, _JSON, "Which of the best were evaluated again"),
    )


def _pack(folder: Path, path: Path) -> None:
    """Write a zip file of what is in a folder."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as packed:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                packed.write(file, file.relative_to(folder))
