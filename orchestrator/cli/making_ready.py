"""Commands before an optimisation: prepare, check, and the schema of a configuration."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from orchestrator.cli.app import ConfigFile, Overrides, app
from orchestrator.cli.printing import PlainConsole, say
from orchestrator.errors import UsageError
from orchestrator.text import command_line

if TYPE_CHECKING:
    from orchestrator.checking.on_node import Rehearsed
    from orchestrator.config.model import Config


@app.command()
def schema() -> None:
    """Print the JSON Schema of a configuration, for editors: every key and what it may be, plug-ins included.

    prepare writes that of the program alone beside a configuration, whose first line names it.
    """
    from orchestrator.prepare.schema import schema as schema_of_config  # noqa: PLC0415

    say(json.dumps(schema_of_config(), indent=1))


@app.command()
def prepare(
    model_dir: Annotated[
        Path | None, typer.Argument(help="The model's directory, where run.py and param are.", show_default=False)
    ] = None,
    *,
    base_param: Annotated[Path, typer.Option("--base-param", help="Folder of the base parameters.")] = Path("param"),
    root: Annotated[str | None, typer.Option(help="Root parameter file, by default the one run.py documents.")] = None,
    model: Annotated[str | None, typer.Option(help="module:Class of the model, by default run.py's.")] = None,
    experiments: Annotated[str | None, typer.Option(help="module:function, by default run.py's.")] = None,
    imported: Annotated[
        Path | None,
        typer.Option("--import", metavar="FILE", help="The predecessor's config_optimisation (JSON) to take over."),
    ] = None,
    best: Annotated[
        Path | None,
        typer.Option(
            "--import-best", metavar="CHECKPOINT", help="The predecessor's opt_check.pkl, whose best is the start."
        ),
    ] = None,
    reduced: Annotated[
        bool,
        typer.Option(
            "--reduced", help="Experiments of the predecessor's run_optimization_experiment.py, not run.py's."
        ),
    ] = False,
    function: Annotated[
        str | None,
        typer.Option(metavar="MODULE:FUNCTION", help="A Python function instead of a mozaik model, to be simulated."),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=LOW:HIGH", help="With --function: a parameter and its bounds; NAME=LOW:HIGH:log."),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE:NORM", help="With --function: what it should return, and the distance of 1."),
    ] = None,
    autofit: Annotated[
        str | None,
        typer.Option(
            "--import-pna",
            metavar="ARGUMENTS",
            help="With --function: arguments of pyneuronautofit, '-m OV -k mask.json cell.abf', to take its fit over.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what it wrote before; other files stay.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
) -> None:
    """Make a mozaik model ready: parameters that record what targets need, a configuration, and the job's script.

    With --function: a configuration and the job's script for a Python function of parameters and a directory.
    """
    from orchestrator.prepare import prepare_function, prepare_model  # noqa: PLC0415

    of_models = {"--root": root, "--model": model, "--experiments": experiments, "--import": imported}
    of_functions = {"--parameter": parameter, "--target": target, "--import-pna": autofit}
    wrong = {**of_models, "--import-best": best, "--reduced": reduced} if function else of_functions
    if given := [name for name, value in wrong.items() if value]:
        raise UsageError(f"{given[0]}: is of {'mozaik models, not of --function' if function else '--function'}")
    if autofit and (parameter or target):
        raise UsageError("--import-pna: has parameters and targets of its own; leave out --parameter and --target")
    if function:
        for line in prepare_function(
            model_dir,
            function,
            parameters=parameter or (),
            targets=target or (),
            autofit=autofit,
            force=force,
            dry_run=dry_run,
        ):
            say(line)
        return
    for line in prepare_model(
        model_dir,
        base_param=base_param,
        root=root,
        model=model,
        experiments=experiments,
        imported=imported,
        best=best,
        reduced=reduced,
        force=force,
        dry_run=dry_run,
    ):
        say(line)


@app.command()
def check(
    config: ConfigFile,
    *,
    on_node: Annotated[
        bool,
        typer.Option("--on-node", help="Try it: a short job builds the network and presents one slice of the check."),
    ] = False,
    time_limit: Annotated[
        str, typer.Option(metavar="DURATION", help="With --on-node: time limit of the job, such as 10m or 1h.")
    ] = "10m",
    overrides: Overrides = None,
) -> None:
    """Find everything that is wrong with a configuration before anything is submitted, and what the run will cost.

    Looks at the configuration, the model, the scripts, and asks the cluster whether it would accept such jobs. Exit
    codes: 0 sound, 2 there are problems, 3 the job of --on-node was cancelled.
    """
    from orchestrator.checking.check import inspect, next_command  # noqa: PLC0415
    from orchestrator.checking.summary import lines_of, summary_rows, summary_table  # noqa: PLC0415
    from orchestrator.cluster.environment import leave_allocation  # noqa: PLC0415

    leave_allocation()  # as a controller does before it submits
    console = PlainConsole()
    trial = _trial_on_node(console, time_limit) if on_node else None
    found = inspect(config, overrides or (), trial)
    if console.is_terminal:
        console.print(summary_table(found))
    else:
        for name, value in summary_rows(found):
            say(f"  {name:<10}  {value}")
    for title, listed, style in (
        ("Notes", found.notes, "yellow"),
        ("Not found out", found.unknown, "cyan"),
        ("Problems, the worst first", found.problems, "red"),
    ):
        if listed:
            console.print(f"\n{title}:", style=f"bold {style}")
        for line in lines_of(listed, config, style):
            console.print(line, soft_wrap=True)
    if not found.sound:
        count = f"{len(found.problems)} problem{'s' if len(found.problems) > 1 else ''}"
        console.print(f"\n{count} in {config}: fix and check again.", style="bold red", soft_wrap=True)
        raise typer.Exit(2)
    as_far = ", as far as could be found out here" if found.unknown else ""
    console.print(f"\n{config}: sound{as_far}.", style="bold green", soft_wrap=True)
    if not on_node:
        try_it = command_line("orchestrator", "check", "--on-node", config, *_set(overrides))
        console.print(f"Whether it can be simulated, one short job tells:\n  {try_it}", soft_wrap=True)
    console.print(f"To start:\n  {command_line(*next_command(found, config, overrides or ()))}", soft_wrap=True)


def _set(overrides: list[str] | None) -> list[str]:
    return [word for override in overrides or () for word in ("--set", override)]


def _trial_on_node(console: PlainConsole, time_limit: str) -> Callable[[Config], Rehearsed]:
    """Return what tries one offspring and shows what it is doing; Ctrl-C cancels it."""
    from orchestrator.checking.on_node import rehearse  # noqa: PLC0415
    from orchestrator.config.durations import parse_duration  # noqa: PLC0415
    from orchestrator.run.signals import listening  # noqa: PLC0415

    try:
        seconds = parse_duration(time_limit)
    except ValueError as error:
        raise UsageError(f"--time-limit: {error}") from error

    def trial(config: Config) -> Rehearsed:
        shown: list[str] = []
        with listening() as signals, console.status("trying one offspring ...") as status:

            def show(doing: str) -> None:
                status.update(Text(f"{doing} (Ctrl-C cancels it)"))  # a text alone would be markup here
                if shown[-1:] != [doing]:
                    shown.append(doing)
                    if not console.is_terminal:
                        console.print(doing, soft_wrap=True)

            return rehearse(config, seconds, signals.stop, show)

    return trial
