"""Commands that carry an optimisation out: run, cancel."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.app import Overrides, app
from orchestrator.cli.printing import PlainConsole, print_best, say
from orchestrator.display.logs import LogFormat, LogLevel, json_line, logging_at
from orchestrator.errors import UsageError
from orchestrator.paths import run_paths
from orchestrator.text import command_line


@app.command()
def run(
    config: Annotated[Path | None, typer.Argument(help="Configuration to run.", show_default=False)] = None,
    continued: Annotated[
        Path | None, typer.Option("--continue", metavar="RUN", help="Run directory to continue.")
    ] = None,
    overrides: Overrides = None,
    log_format: Annotated[
        LogFormat,
        typer.Option(help="auto: a live display on a terminal, else a line per change; text: lines; json: JSON lines."),
    ] = LogFormat.AUTO,
    log_level: Annotated[
        LogLevel, typer.Option(help="debug: also what of each offspring: its parameters and values.")
    ] = LogLevel.INFO,
) -> None:
    """Run an optimisation, or continue one.

    Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 stopped by a signal and resumable.
    """
    if (config is None) == (continued is None):
        raise UsageError("give either a configuration, or --continue with a run directory")
    from orchestrator.checkpoint import Checkpoint  # noqa: PLC0415
    from orchestrator.run.start import go_on, start  # noqa: PLC0415  (commands that need little start quickly)

    as_json = log_format is LogFormat.JSON
    # standard output is for programs then
    console = PlainConsole(soft_wrap=not sys.stdout.isatty(), stderr=as_json)
    with logging_at(log_level):
        if continued is not None:
            ended = go_on(run_paths(continued), overrides or (), console, log_format)
        else:
            ended = start(config or Path(), overrides or (), console, log_format)
    if as_json:
        say(json_line(ended.reason, event="done", run=str(ended.paths.directory)))
        return
    console.print(f"\nDone: {ended.reason}.")
    print_best(console, Checkpoint(ended.paths.checkpoint), top=1)
    console.print(f"Run directory: {ended.paths.directory}", soft_wrap=True)


@app.command()
def cancel(run_directory: Annotated[Path, typer.Argument(help="Run directory.", show_default=False)]) -> None:
    """Stop a run: end its controller, if there is one, and all of its jobs. It can be continued later."""
    from orchestrator.run.cancel import cancel_with_reevaluation  # noqa: PLC0415

    paths = run_paths(run_directory)
    ended = cancel_with_reevaluation(paths, say)
    to_go_on = command_line("orchestrator", "run", "--continue", paths.directory)
    say(f"Ended {ended} jobs. To go on:\n  {to_go_on}")
