"""Writes a run for other programs: ``orchestrator export``."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import UsageError
from orchestrator.export.columns import columns_of
from orchestrator.export.crate import is_crate, write_crate
from orchestrator.export.forms import ExportRequest, Form, StudyObjectives
from orchestrator.export.study import require_optuna, write_study
from orchestrator.export.tables import dictionary_of, require_parquet, write_csv, write_parquet
from orchestrator.paths import RunPaths
from orchestrator.report.history import History
from orchestrator.text import plain, shortened

_LONGEST = 300


def export(paths: RunPaths, request: ExportRequest) -> list[Path]:
    """Export a run; nothing of its model is imported.

    Parameters
    ----------
    paths : RunPaths
        Of the run.
    request : ExportRequest
        What to, and where.

    Returns
    -------
    list of pathlib.Path
        What was written.

    Raises
    ------
    orchestrator.errors.UsageError
        If options do not go together, a package is missing, there are no evaluations, what the checkpoint holds does
        not fit, or something is there already or cannot be written.
    """
    place = request.place(paths)
    if request.form is Form.PARQUET:
        require_parquet()
    elif request.form is Form.OPTUNA:
        require_optuna()
    written = [place, dictionary_of(place)] if request.form is Form.CSV else [place]
    for each in written:
        _refuse_existing(each, request, paths)
    run = Checkpoint(paths.checkpoint)
    if not run.n_generations:
        raise UsageError(f"{run.path}: expected evaluations, but no generation is complete yet")
    try:
        _write(paths, run, place, request)
    except OSError as error:
        raise UsageError(f"--output: {place} cannot be written: {error.strerror or error}") from error
    except (OverflowError, ValueError) as error:
        raise UsageError(
            f"{run.path}: holds what {request.form.value} cannot: {shortened(plain(str(error)), _LONGEST)}"
        ) from error
    return written


def _write(paths: RunPaths, run: Checkpoint, place: Path, request: ExportRequest) -> None:
    if request.form is Form.RO_CRATE:
        write_crate(paths, place, request.terms)
        return
    history = History.of(run)
    columns = columns_of(run, history)
    if request.form is Form.CSV:
        write_csv(columns, place)
    elif request.form is Form.PARQUET:
        write_parquet(columns, place, run)
    else:
        write_study(run, history, columns, place, request.objectives or StudyObjectives.TOTAL)


def _refuse_existing(place: Path, request: ExportRequest, paths: RunPaths) -> None:
    if not os.path.lexists(place):
        return
    is_folder = request.form is Form.RO_CRATE and place.suffix != ".zip"
    if place.is_dir() != is_folder or (is_folder and (place.is_symlink() or not is_crate(place))):
        raise UsageError(f"{place}: there already, and not written by orchestrator export; name another with --output")
    if place.resolve() == paths.directory.resolve():  # a crate is a run, too
        raise UsageError(f"{place}: is the run itself; name another place with --output")
    if not request.force:
        raise UsageError(f"{place}: there already. With --force it is overwritten")
