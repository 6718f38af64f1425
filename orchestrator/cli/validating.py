"""Commands that evaluate what was found under a second configuration: validate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.app import Overrides, app
from orchestrator.cli.printing import PlainConsole, say
from orchestrator.cli.results import Targets
from orchestrator.display.logs import LogFormat
from orchestrator.errors import UsageError
from orchestrator.paths import RunPaths, run_paths

# of a run, if nothing is said
_BEST = 10


@app.command()
def validate(
    run: Annotated[
        Path, typer.Argument(help="Run directory; or a table .csv or .json of parameter sets.", show_default=False)
    ],
    config: Annotated[
        Path | None,
        typer.Argument(help="Configuration to evaluate under, by default the run's own.", show_default=False),
    ] = None,
    *,
    best: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="How many of the best.",
            show_default=f"{_BEST} of a run, all of a front or a table",
        ),
    ] = None,
    front: Annotated[
        bool, typer.Option("--front", help="Only the Pareto front of the run counts: see orchestrator front.")
    ] = False,
    target: Targets = None,
    show: Annotated[
        bool, typer.Option("--show", help="Of a run that validate has made: print its table, and evaluate nothing.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV: parameters, values and scores in both.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    overrides: Overrides = None,
) -> None:
    """Evaluate the best of a run, its Pareto front or a table under a second configuration, and compare both.

    Other data, targets, protocol or time step: whatever that configuration says, except how it searches. It is a run of
    its own, which status, report and best look at; interrupted, orchestrator run --continue goes on with it.
    Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 stopped by a signal and resumable.
    """
    if as_csv and as_json:
        raise UsageError("validate: --csv and --json do not go together; give one of them")
    if target and not front:
        raise UsageError("validate: --target goes only with --front")
    # standard output is for programs then
    console = PlainConsole(stderr=as_csv or as_json, soft_wrap=not sys.stdout.isatty())
    if show:
        if config is not None or best is not None or front or overrides:
            raise UsageError(
                "validate: --show prints what was evaluated; nothing else goes with it than --csv or --json"
            )
        paths = run_paths(run)
    else:
        from orchestrator.best.validating import validate as carry_out  # noqa: PLC0415  (takes long to import)
        from orchestrator.scores.parameter_sets import is_run  # noqa: PLC0415

        most = _BEST if best is None and is_run(run) and not front else best
        chosen = (target or True) if front else False
        paths = carry_out(run, config, overrides or (), console, LogFormat.AUTO, best=most, front=chosen).paths
    _print(paths, as_csv=as_csv, as_json=as_json)
    if not show:
        console.print(f"Run directory: {paths.directory}", soft_wrap=True)


def _print(paths: RunPaths, *, as_csv: bool, as_json: bool) -> None:
    from orchestrator.best.validated import as_json as to_json  # noqa: PLC0415  (commands that need little start quickly)
    from orchestrator.best.validated import validation_parts  # noqa: PLC0415
    from orchestrator.scores.validation import Validation  # noqa: PLC0415

    validation = Validation.required(paths)
    if as_csv:
        say(validation.to_csv(), end="")
    elif as_json:
        say(to_json(validation))
    else:
        console = PlainConsole()
        console.print()
        for part in validation_parts(validation):
            console.print(part)
