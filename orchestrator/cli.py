"""The command line; the only room that prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console
from rich.table import Table

from orchestrator import __version__
from orchestrator.errors import OrchestratorError, UsageError

app = typer.Typer(
    name="orchestrator",
    help="Fits the parameters of large spiking-network models on SLURM clusters.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

ConfigFile = Annotated[
    Path, typer.Argument(help="Configuration, such as param_optim/config_optimisation.yaml.", show_default=False)
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override a key of the configuration, such as slurm.ntasks=8. Repeatable."
    ),
]
RunDirectory = Annotated[Path, typer.Argument(help="Run directory, or its checkpoint.h5.", show_default=False)]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"orchestrator {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Fits the parameters of large spiking-network models on SLURM clusters."""


@app.command()
def run(
    config: Annotated[Path | None, typer.Argument(help="Configuration to run.", show_default=False)] = None,
    continued: Annotated[
        Path | None, typer.Option("--continue", metavar="RUN", help="Run directory to continue.")
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Run an optimisation, or continue one.

    Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 stopped by a signal and resumable.
    """
    if (config is None) == (continued is None):
        raise UsageError("give either a configuration, or --continue with a run directory")
    from orchestrator.running import go_on, start  # noqa: PLC0415  (commands that need little start quickly)

    console = Console(soft_wrap=not sys.stdout.isatty())
    if continued is not None:
        run_directory = continued.parent if continued.name == "checkpoint.h5" else continued
        ended = go_on(run_directory, overrides or (), console)
    else:
        ended = start(config or Path(), overrides or (), console)
    console.print(f"\nDone: {ended.reason}.")
    _print_best(console, ended.paths.checkpoint, top=1)
    console.print(f"Run directory: {ended.paths.directory}", soft_wrap=True, highlight=False)


@app.command()
def check(config: ConfigFile, overrides: Overrides = None) -> None:
    """Find everything that is wrong with a configuration before anything is submitted."""
    from orchestrator.check import load_checked_config  # noqa: PLC0415

    checked = load_checked_config(config, overrides or ())
    jobs = checked.offspring_size * checked.max_ngen
    print(
        f"{config}: sound. {len(checked.parameters)} parameters, {len(checked.targets)} targets, "
        f"{checked.offspring_size} offspring x {checked.max_ngen} generations = {jobs} simulations."
    )


@app.command()
def best(
    run_directory: RunDirectory,
    top: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="Print YAML, fit for optimiser_centroid.")] = False,
) -> None:
    """Print the best parameters so far."""
    from orchestrator.checkpoint import Checkpoint  # noqa: PLC0415

    checkpoint = Checkpoint(run_directory)
    if not as_json and not as_yaml:
        _print_best(Console(), checkpoint.path, top)
        return
    rows = checkpoint.evaluations().nsmallest(top, "total_score")
    found = [
        {
            "generation": int(row["generation"]),
            "offspring": int(row["offspring"]),
            "total_score": float(row["total_score"]),
            "parameters": {name: float(row[f"parameter:{name}"]) for name in checkpoint.parameter_names},
        }
        for _, row in rows.iterrows()
    ]
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        print(yaml.safe_dump([entry["parameters"] for entry in found], sort_keys=False), end="")


def _print_best(console: Console, path: Path, top: int) -> None:
    from orchestrator.checkpoint import Checkpoint  # noqa: PLC0415

    checkpoint = Checkpoint(path)
    frame = checkpoint.evaluations()
    if frame.empty:
        raise UsageError(f"{path}: no generation is complete yet")
    start = frame.iloc[0]
    for _, row in frame.nsmallest(top, "total_score").iterrows():
        where = f"generation {row['generation']} offspring {row['offspring']}"
        console.print(
            f"\nTotal score [bold]{row['total_score']:.4g}[/] ({where}); "
            f"at the start {start['total_score']:.4g}. {len(frame)} simulations.",
            highlight=False,
        )
        parameters = Table("parameter", "start", "best", box=None, header_style="bold", pad_edge=False)
        for name in checkpoint.parameter_names:
            parameters.add_row(name, f"{start[f'parameter:{name}']:.5g}", f"{row[f'parameter:{name}']:.5g}")
        targets = Table("target", "value at start", "value", "score", box=None, header_style="bold", pad_edge=False)
        for label in checkpoint.target_labels:
            columns = (start[f"value:{label}"], row[f"value:{label}"], row[f"score:{label}"])
            targets.add_row(label, *(f"{number:.4g}" for number in columns))
        for table in (parameters, targets):
            console.print(table)
            console.print()


def main() -> None:
    """Run the command line; errors that a user can cause are one message."""
    try:
        app()
    except OrchestratorError as error:
        print(f"orchestrator: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
