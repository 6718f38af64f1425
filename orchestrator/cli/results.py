"""Commands that look at what was found: best, front, score."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.app import Overrides, RunDirectory, app
from orchestrator.cli.best_options import check_together
from orchestrator.cli.printing import PlainConsole, print_luck, print_report, say
from orchestrator.errors import RunFailed, UsageError
from orchestrator.paths import run_paths

if TYPE_CHECKING:
    from orchestrator.scores.datastores import ScoredDatastore
    from orchestrator.scores.rescoring import Rescored

Targets = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LABEL",
        help="Of the front: a target that counts, by default all do. Repeatable.",
        show_default=False,
    ),
]


@app.command()
def best(
    run_directory: RunDirectory,
    *,
    top: Annotated[int | None, typer.Option(min=1, help="How many are printed.", show_default="1")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="Print YAML, fit for optimiser_centroid.")] = False,
    as_overrides: Annotated[
        bool, typer.Option("--overrides", help="Print 'name value' pairs for the command line of mozaik's run.py.")
    ] = False,
    apply: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Write a copy of the model's base parameters with the best values; of hnn-core, a file for its GUI.",
        ),
    ] = None,
    traces: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the traces and events that are kept of the best: FILE.npz, FILE.csv."),
    ] = None,
    rank: Annotated[
        int | None,
        typer.Option(
            min=1, help="With --apply, --traces, --front: which of the best, 1 is the best.", show_default="1"
        ),
    ] = None,
    front: Annotated[
        bool, typer.Option("--front", help="Only the Pareto front counts: see orchestrator front.")
    ] = False,
    target: Targets = None,
    base_param: Annotated[
        Path | None,
        typer.Option(help="With --apply: folder of the base parameters, in the model's.", show_default="param"),
    ] = None,
    reevaluate: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Evaluate the N best again under other seeds, and report.")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, metavar="M", help="With --reevaluate: how many other seeds.", show_default="5"),
    ] = None,
    reevaluated: Annotated[
        bool, typer.Option("--reevaluated", help="Print the last report of --reevaluate, without simulating.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="With --apply: overwrite what is there. With --reevaluate: end an unfinished other."
        ),
    ] = False,
    overrides: Overrides = None,
) -> None:
    """Print the best parameters so far, write them into a parameter folder, or evaluate them again under other seeds.

    Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 stopped by a signal: the same command goes on.
    """
    check_together(
        {
            "--top": top is not None, "--json": as_json, "--yaml": as_yaml, "--overrides": as_overrides,
            "--apply": apply is not None, "--rank": rank is not None, "--base-param": base_param is not None,
            "--reevaluate": reevaluate is not None, "--seeds": seeds is not None, "--reevaluated": reevaluated,
            "--force": force, "--set": bool(overrides), "--traces": traces is not None, "--front": front,
            "--target": bool(target),
        }
    )  # fmt: skip
    of_front = _front_targets(run_directory, target or ()) if front else ()
    if apply is not None:
        _apply(run_directory, apply, rank or 1, base_param or Path("param"), of_front, force=force)
    elif traces is not None:
        _write_traces(run_directory, traces, rank or 1, of_front)
    elif reevaluate is not None or reevaluated:
        _reevaluate(run_directory, reevaluate, seeds or 5, overrides or (), of_front, force=force, as_json=as_json)
    else:
        form = "json" if as_json else "yaml" if as_yaml else "overrides" if as_overrides else "table"
        _print_best(run_directory, top or 1, form, of_front, rank)


@app.command()
def front(
    run_directory: RunDirectory,
    *,
    target: Targets = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV: parameters, values and scores.")] = False,
) -> None:
    """Print the Pareto front of a run: what no other is better than in a target without being worse in another.

    Ranks are by total score; best --front --rank N prints, writes or evaluates again what is chosen.
    Exit codes: 0 done, 1 failed, 2 wrong usage, or nothing is measured yet.
    """
    from orchestrator.best.formats import as_csv as table_of  # noqa: PLC0415  (commands that need little start quickly)
    from orchestrator.best.tables import front_parts  # noqa: PLC0415
    from orchestrator.checkpoint import Checkpoint  # noqa: PLC0415
    from orchestrator.reevaluation.front import Front  # noqa: PLC0415

    found = Front.of(Checkpoint(run_directory), target or ())
    found.choice.required()
    if as_csv:
        say(table_of(found), end="")
        return
    console = PlainConsole()
    for part in front_parts(found, run_directory):
        console.print(part)


def _front_targets(run_directory: Path, wanted: Sequence[str]) -> Sequence[str]:
    from orchestrator.checkpoint import Checkpoint  # noqa: PLC0415
    from orchestrator.reevaluation.front import front_targets  # noqa: PLC0415

    return front_targets(Checkpoint(run_directory), wanted)


def _write_traces(run_directory: Path, file: Path, rank: int, front: Sequence[str]) -> None:
    from orchestrator.best.traces import write_traces  # noqa: PLC0415  (commands that need little start quickly)
    from orchestrator.checkpoint import Checkpoint  # noqa: PLC0415
    from orchestrator.reevaluation.choosing import choose  # noqa: PLC0415

    checkpoint = Checkpoint(run_directory)
    choice = choose(checkpoint, rank, front=front).required()
    if len(choice.best) < rank:
        raise UsageError(f"--rank: expected one of the best, from 1 to {len(choice.best)}, got {rank}")
    write_traces(checkpoint, choice.best[rank - 1], file)
    say(f"Written: {file}")


def _print_best(run_directory: Path, top: int, form: str, front: Sequence[str], rank: int | None) -> None:
    from orchestrator.best import formats  # noqa: PLC0415  (commands that need little start quickly)
    from orchestrator.checkpoint import Checkpoint  # noqa: PLC0415
    from orchestrator.reevaluation.noise import Luck  # noqa: PLC0415

    luck = Luck.of(Checkpoint(run_directory), rank or top, front)
    luck = luck if rank is None else replace(luck, choice=luck.choice.only(rank))
    choice = luck.choice.required()
    if form == "table":
        print_luck(PlainConsole(), luck)
        return
    if len(choice.best) < top:
        say(f"orchestrator: {choice.note}", error=True)
    if form == "json":
        say(formats.as_json(luck))
    elif form == "yaml":
        say(formats.as_yaml(choice), end="")
    else:
        for candidate in choice.best:
            say(formats.as_overrides(candidate.given))
        if formats.overrides_too_long(choice.best[0].given):
            say(f"orchestrator: {formats.TOO_LONG}", error=True)


def _apply(
    run_directory: Path, folder: Path, rank: int, base_param: Path, front: Sequence[str], *, force: bool
) -> None:
    from orchestrator.best.applying import apply_best  # noqa: PLC0415
    from orchestrator.checkpoint import Checkpoint  # noqa: PLC0415
    from orchestrator.reevaluation.noise import Luck  # noqa: PLC0415

    paths = run_paths(run_directory)
    candidate = Luck.of(Checkpoint(paths.checkpoint), rank, front).choice.ranked(rank)
    for line in apply_best(paths, candidate, target=folder, base=base_param, force=force):
        say(line)


def _reevaluate(
    run_directory: Path,
    top: int | None,
    seeds: int,
    overrides: Sequence[str],
    front: Sequence[str],
    *,
    force: bool,
    as_json: bool,
) -> None:
    from orchestrator.best.reevaluating import last_report, reevaluate  # noqa: PLC0415

    paths = run_paths(run_directory)
    # standard output is for programs with --json
    console = PlainConsole(stderr=as_json, soft_wrap=not sys.stdout.isatty())
    report = reevaluate(paths, top, seeds, overrides, console, front=front, force=force) if top else last_report(paths)
    if as_json:
        say(json.dumps(report.to_json(), indent=1, allow_nan=False))
    else:
        print_report(PlainConsole(), report)
    if top and report.open:
        raise RunFailed(f"{report.open} of {len(report.request.all_tasks)} simulations did not finish")


@app.command()
def score(
    config: Annotated[Path, typer.Option("--config", metavar="CONFIG", help="File with the targets.")],
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
    import_targets: Annotated[
        bool,
        typer.Option(
            "--import-targets", help="With --rescore: import targets of your own, file.py:Class, to score them again."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    overrides: Overrides = None,
) -> None:
    """Score datastores; or, with --rescore, the stored values of a run under other target values, norms and data.

    Values of traces are computed again from the samples that the run has kept.

    Neither needs the model or a simulator. --rescore executes nothing that the configuration or the run names: targets
    of your own (file.py:Class) keep the scores that the run has stored, unless --import-targets is given.
    Exit codes: 0 done, 1 a datastore could not be read, 2 wrong usage or configuration.
    """
    if bool(datastores) == (run_directory is not None):
        raise UsageError("give either datastores, or --rescore with a run directory")
    from orchestrator.config.file import load_targets  # noqa: PLC0415
    from orchestrator.scores.datastores import find_datastores, score_datastores  # noqa: PLC0415

    if import_targets and run_directory is None:
        raise UsageError(
            "--import-targets goes only with --rescore: to measure datastores, targets are imported anyway"
        )
    wanted = load_targets(config, overrides or ())
    console = PlainConsole()
    if run_directory is not None:
        from orchestrator.checkpoint import Checkpoint  # noqa: PLC0415
        from orchestrator.scores.rescoring import not_imported, rescore  # noqa: PLC0415

        evaluations = rescore(Checkpoint(run_directory), wanted, import_targets=import_targets)
        if not import_targets and (own := not_imported(wanted)):
            note = "the stored scores of these are shown, because classes of your own are not imported: "
            say(f"orchestrator: {note}{', '.join(own)}. --import-targets scores them again", error=True)
        if as_json:
            best_first = sorted(evaluations, key=lambda each: each.total_score)
            say(json.dumps([each.to_json() for each in best_first[:top]], indent=1, allow_nan=False))
        else:
            _print_rescored(console, evaluations, str(config), top or 5)
        return
    scored = []
    for each in score_datastores(find_datastores(datastores or []), wanted):
        scored.append(each)
        if each.error:
            say(f"orchestrator: {each.error}", error=True)
        elif not as_json:
            _print_scores(console, each)
    if as_json:
        say(json.dumps([each.to_json() for each in scored], indent=1, allow_nan=False))
    elif len(scored) > 1:
        from orchestrator.scores.tables import totals_table  # noqa: PLC0415

        console.print(totals_table(scored))
    if any(each.error for each in scored):
        raise typer.Exit(1)


def _print_scores(console: PlainConsole, scored: ScoredDatastore) -> None:
    from orchestrator.scores.tables import number, score_table  # noqa: PLC0415

    console.print(f"datastore {scored.datastore}", style="bold", soft_wrap=True)
    console.print(score_table(scored))
    console.print(f"total score {number(scored.total_score)}\n", style="bold")


def _print_rescored(console: PlainConsole, evaluations: list[Rescored], source: str, top: int) -> None:
    from orchestrator.scores.tables import best_table, rescored_table  # noqa: PLC0415

    console.print(f"Best of {len(evaluations)} evaluations under the run's targets (old) and those of {source} (new):")
    console.print(best_table(evaluations, top))
    best_now = min(evaluations, key=lambda each: each.total_score)
    console.print(f"\nBest now: generation {best_now.generation} offspring {best_now.offspring}")
    console.print(rescored_table(best_now))
