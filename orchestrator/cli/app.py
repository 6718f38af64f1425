"""The program, what its commands share, and how errors end it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

import orchestrator
from orchestrator.cli.printing import say, show_all_letters
from orchestrator.errors import OrchestratorError

app = typer.Typer(
    name="orchestrator",
    help="Fits the parameters of large spiking-network models on SLURM clusters.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)

ConfigFile = Annotated[
    Path, typer.Argument(help="Configuration, such as param_optim/config_optimisation.yaml.", show_default=False)
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override a key of the configuration, such as jobs.ntasks=8. Repeatable."
    ),
]
RunDirectory = Annotated[Path, typer.Argument(help="Run directory, or its checkpoint.h5.", show_default=False)]


def _version(wanted: bool) -> None:
    if wanted:
        say(f"orchestrator {orchestrator.__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Fits the parameters of large spiking-network models on SLURM clusters."""


def _open_closed_streams() -> None:
    """Let standard streams that were closed (``>&-``) be those of nothing: the next files would get their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


def main() -> None:
    """Run the command line; errors that a user can cause are one message."""
    _open_closed_streams()
    show_all_letters()
    try:
        app()
    except OrchestratorError as error:
        say(f"orchestrator: {error}", error=True)
        sys.exit(error.exit_code)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        say(f"orchestrator: {place}{error.strerror or error}", error=True)
        sys.exit(1)
