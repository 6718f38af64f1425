"""Commands that draw: report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.app import app
from orchestrator.cli.printing import say
from orchestrator.errors import UsageError
from orchestrator.paths import run_paths


@app.command()
def report(
    run_directories: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Run directory; several are compared.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to, by default report.html in the run directory."),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference",
            metavar="FILE",
            help="Parameters in YAML, as best --yaml prints them: how far the best is from these, in percent.",
        ),
    ] = None,
) -> None:
    """Write report.html: one file with all figures of a run, that opens anywhere; or several runs compared.

    The controller refreshes it after every generation. Exit codes: 0 done, 1 it cannot be written, 2 wrong usage.
    """
    from orchestrator.report import write_report  # noqa: PLC0415

    runs = [run_paths(directory) for directory in run_directories]
    if output is None and len(runs) > 1:
        raise UsageError("name the file in which the runs are compared: --output comparison.html")
    say(write_report(runs, output or runs[0].report, reference=reference))
