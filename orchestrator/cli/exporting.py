"""Commands that write a run for other programs: export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.app import RunDirectory, app
from orchestrator.cli.printing import say
from orchestrator.export.forms import ExportRequest, Form, StudyObjectives
from orchestrator.paths import run_paths


@app.command()
def export(
    run_directory: RunDirectory,
    *,
    to: Annotated[
        Form,
        typer.Option(
            "--to",
            help="csv: a row per evaluation, and a second table with units; parquet: one file with both; optuna: a "
            "study for optuna-dashboard; ro-crate: the run with metadata, to publish.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to: .csv, .parquet, .log or .db (SQLite, slower) of optuna, a folder or .zip of ro-crate.",
            show_default="evaluations.csv, evaluations.parquet, study.log or ro-crate in the run directory",
        ),
    ] = None,
    objectives: Annotated[
        StudyObjectives | None,
        typer.Option(
            help="Of optuna: what is minimised, the total score or the score of each target.", show_default="total"
        ),
    ] = None,
    terms: Annotated[
        str | None,
        typer.Option("--license", metavar="LICENSE", help="Of ro-crate: the licence, an address or a text."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Write a run for other programs: a table, a study of optuna, or an RO-Crate. Nothing of its model is imported.

    Needs the package pyarrow (extra parquet) for parquet, and optuna (extra optuna) for optuna.
    Exit codes: 0 done, 1 failed, 2 wrong usage, there already, or nothing is evaluated yet.
    """
    from orchestrator.export.writing import export as write  # noqa: PLC0415  (commands that need little start quickly)

    for written in write(run_paths(run_directory), ExportRequest(to, output, objectives, terms, force)):
        say(f"Written: {written}")
