"""The command line; the only room that prints."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import yaml
from rich.console import Console
from rich.table import Table

from orchestrator import __version__
from orchestrator.errors import OrchestratorError, UsageError
from orchestrator.paths import run_paths

if TYPE_CHECKING:
    from orchestrator.rescoring import Rescored
    from orchestrator.scoring import ScoredDatastore

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
        ended = go_on(run_paths(continued), overrides or (), console)
    else:
        ended = start(config or Path(), overrides or (), console)
    console.print(f"\nDone: {ended.reason}.")
    _print_best(console, ended.paths.checkpoint, top=1)
    console.print(f"Run directory: {ended.paths.directory}", soft_wrap=True, highlight=False)


@app.command()
def cancel(run_directory: Annotated[Path, typer.Argument(help="Run directory.", show_default=False)]) -> None:
    """Stop a run: end its controller, if there is one, and all of its jobs. It can be continued later."""
    from orchestrator.cancelling import cancel_run  # noqa: PLC0415

    paths = run_paths(run_directory)
    ended = cancel_run(paths)
    directory = shlex.quote(str(paths.directory))
    print(f"Ended {ended} jobs. To go on:\n  orchestrator run --continue {directory}")


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


@app.command()
def score(
    config: Annotated[Path, typer.Option("--config", metavar="CONFIG", help="Configuration with the targets.")],
    datastores: Annotated[
        list[str] | None,
        typer.Argument(metavar="DATASTORE", help="mozaik results directories, or patterns such as 'results/*'."),
    ] = None,
    *,
    run_directory: Annotated[
        Path | None,
        typer.Option("--rescore", metavar="RUN", help="Run directory or checkpoint.h5: score its stored values."),
    ] = None,
    top: Annotated[int | None, typer.Option(min=1, help="With --rescore: how many are printed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    overrides: Overrides = None,
) -> None:
    """Score datastores; or, with --rescore, the stored values of a run under other target values and norms.

    Neither needs the model or a simulator. Exit codes: 0 done, 1 a datastore could not be read, 2 wrong usage or
    configuration.
    """
    if bool(datastores) == (run_directory is not None):
        raise UsageError("give either datastores, or --rescore with a run directory")
    from orchestrator.config_file import load_config  # noqa: PLC0415
    from orchestrator.scoring import find_datastores, score_datastores  # noqa: PLC0415

    settings = load_config(config, overrides or ())
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    if run_directory is not None:
        from orchestrator.checkpoint import Checkpoint  # noqa: PLC0415
        from orchestrator.rescoring import rescore  # noqa: PLC0415

        evaluations = rescore(Checkpoint(run_directory), settings, config)
        if as_json:
            best_first = sorted(evaluations, key=lambda each: each.total_score)
            print(json.dumps([each.to_json() for each in best_first[:top]], indent=1, allow_nan=False))
        else:
            _print_rescored(console, evaluations, str(config), top or 5)
        return
    scored = []
    for each in score_datastores(find_datastores(datastores or []), settings):
        scored.append(each)
        if each.error:
            print(f"orchestrator: {each.error}", file=sys.stderr)
        elif not as_json:
            _print_scores(console, each)
    if as_json:
        print(json.dumps([each.to_json() for each in scored], indent=1, allow_nan=False))
    elif len(scored) > 1:
        from orchestrator.tables import totals_table  # noqa: PLC0415

        console.print(totals_table(scored))
    if any(each.error for each in scored):
        raise typer.Exit(1)


def _print_scores(console: Console, scored: ScoredDatastore) -> None:
    from orchestrator.tables import number, score_table  # noqa: PLC0415

    console.print(f"datastore {scored.datastore}", style="bold", markup=False, soft_wrap=True)
    console.print(score_table(scored))
    console.print(f"total score {number(scored.total_score)}\n", style="bold")


def _print_rescored(console: Console, evaluations: list[Rescored], source: str, top: int) -> None:
    from orchestrator.tables import best_table, rescored_table  # noqa: PLC0415

    console.print(
        f"Best of {len(evaluations)} evaluations under the run's targets (old) and those of {source} (new):",
        markup=False,
    )
    console.print(best_table(evaluations, top))
    best_now = min(evaluations, key=lambda each: each.total_score)
    console.print(f"\nBest now: generation {best_now.generation} offspring {best_now.offspring}")
    console.print(rescored_table(best_now))


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
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"orchestrator: {place}{error.strerror or error}", file=sys.stderr)
        sys.exit(1)
