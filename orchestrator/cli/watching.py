"""Commands that look on: status."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.app import app
from orchestrator.cli.printing import PlainConsole, say
from orchestrator.paths import run_paths


@app.command()
def status(
    run_directory: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.", show_default=False)],
    watch: Annotated[bool, typer.Option("--watch", help="Keep it up to date until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; with --watch a line per change.")] = False,
) -> None:
    """Show where a run stands, whether its controller is alive or not.

    Only reads the run's files: from any machine that sees the directory, without SLURM, without disturbing the run.
    Exit codes: 0 done, 2 there is no such run.
    """
    from orchestrator.status import Watcher  # noqa: PLC0415  (commands that need little start quickly)

    paths = run_paths(run_directory)
    console = PlainConsole(width=None if sys.stdout.isatty() else 100)
    watcher = Watcher(paths)
    if watch:
        from orchestrator.display.live import watch as watch_run  # noqa: PLC0415

        watch_run(watcher, console, say, threading.Event(), as_json=as_json)
    elif as_json:
        say(json.dumps(watcher.look().to_json(), indent=1))
    else:
        from orchestrator.display.terminal import print_status  # noqa: PLC0415

        print_status(console, watcher.look())
