"""The lines that prepare prints: what it did or would do, and the next commands."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.prepare.plan import CONFIG, FOLDER, RUN_SCRIPT, SBATCH, Plan
from orchestrator.prepare.reduced_protocol import MODULE as REDUCED
from orchestrator.text import command_line


def dry_run_lines(plan: Plan, in_the_way: Sequence[str]) -> Iterator[str]:
    """Yield all that would be done, in detail."""
    yield f"Would write into {plan.model_dir}:"
    for name in sorted(plan.files):
        yield f"  {name}"
    yield from in_the_way_lines(in_the_way)
    if plan.left_out:
        yield f"\nNot copied, they hold recorders alone: {', '.join(f'{plan.base}/{name}' for name in plan.left_out)}"
    if plan.rewritten:
        yield f"\n{_plural(len(plan.rewritten), 'reference')} rewritten:"
        for each in plan.rewritten:
            yield f"  {each.place}: url({each.old!r}) -> url({each.new!r})"
    if plan.replaced:
        yield f"\nRecorders of {_plural(len(plan.replaced), 'sheet')} replaced:"
        for replaced in plan.replaced:
            yield f"  {replaced.place}: {replaced.sheet.label}: {replaced.old} -> url('{FOLDER}/{replaced.new}')"
    yield f"\n{_found(plan)}"
    yield from _notes(plan)
    yield f"\n{FOLDER}/{CONFIG} would be:\n"
    yield from (f"  {line}".rstrip() for line in plan.contents.text().splitlines())
    yield "\nNothing was written."


def summary_lines(plan: Plan) -> Iterator[str]:
    """Yield what was done, in short."""
    contents = plan.contents
    targets = sum(1 for _, lines in contents.target_blocks for line in lines if not line.startswith("#"))
    listed = sum(1 for _, lines in contents.parameter_blocks for line in lines if line.startswith("#"))
    more = f" ({listed} more as comments)" if listed else ""
    yield f"Wrote into {plan.model_dir}:"
    searched = _plural(contents.parameters, "parameter")
    yield f"  {FOLDER}/{CONFIG}: {searched} to search{more}, {_plural(targets, 'target')}"
    others = [name for name in plan.files if name not in (f"{FOLDER}/{CONFIG}", SBATCH) and not _copied(plan, name)]
    for name in others:
        yield f"  {name}{_recorded(plan, name)}"
    copied = [name for name in plan.files if _copied(plan, name)]
    if copied:
        urls, sheets = _plural(len(plan.rewritten), "url"), _plural(len(plan.replaced), "sheet")
        files = _plural(len(copied), "file")
        yield f"  {FOLDER}/: {files} of {plan.base}, {urls} rewritten, recorders of {sheets} replaced"
    if SBATCH in plan.files:
        yield f"  {SBATCH}"
    yield _found(plan)
    yield from _notes(plan)


def in_the_way_lines(in_the_way: Sequence[str]) -> Iterator[str]:
    """Yield what is there and would be lost, if anything is."""
    if in_the_way:
        yield f"\nIn the way, overwritten only with --force: {', '.join(in_the_way)}"


def next_lines(plan: Plan) -> Iterator[str]:
    """Yield the next commands, as they can be given where the user is."""
    return next_commands(plan.model_dir, "Look through the bounds and target values in")


def next_commands(model_dir: Path, first: str) -> Iterator[str]:
    """Yield the next commands for a prepared directory.

    Parameters
    ----------
    model_dir : pathlib.Path
        The directory.
    first : str
        What is to be done before, of which the end is the name of the configuration.
    """
    config, script = model_dir / FOLDER / CONFIG, model_dir / SBATCH
    yield f"\n{first} {_here(config)}. Then:"
    yield f"  {command_line('orchestrator', 'check', _here(config))}"
    if shutil.which("sbatch") is None:
        yield f"  {command_line('orchestrator', 'run', _here(config))}"
    elif model_dir == Path.cwd():
        yield f"  sbatch {SBATCH}"
    else:
        yield f"  sbatch --chdir={command_line(_here(model_dir), _here(script))}"


def _here(path: Path) -> str:
    """Return a path as it is shortest from the working directory."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _found(plan: Plan) -> str:
    contents = plan.contents
    seeds = ", ".join(f"{name} {value}" for name, value in contents.seeds.items()) or "none"
    sheets = ", ".join(sheet.label for sheet in contents.sheets)
    return (
        f"Model {contents.workflow.model}, experiments {contents.workflow.experiments}, "
        f"root {plan.base}/{contents.root}.\n"
        f"Sheets: {sheets}. Seeds: {seeds}."
    )


def _notes(plan: Plan) -> Iterator[str]:
    for note in plan.notes:
        yield f"Note: {note}."


def _copied(plan: Plan, name: str) -> bool:
    own = {f"{FOLDER}/{each}" for each in (CONFIG, RUN_SCRIPT, f"{REDUCED}.py")} | {SBATCH}
    return name not in own | {f"{FOLDER}/{file.name}" for file in plan.recorder_files}


def _recorded(plan: Plan, name: str) -> str:
    for file in plan.recorder_files:
        if name == f"{FOLDER}/{file.name}":
            sheets = ", ".join(each.sheet.label for each in plan.replaced if each.new == file.name)
            grid = f", {' and '.join(file.conductances)} of {file.neurons} neurons" if file.conductances else ""
            return f": all spikes{grid} of {sheets}"
    return ""


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
