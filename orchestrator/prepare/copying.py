"""The base folder's files as the optimisation has them: references lead into its own folder, recorders are its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.prepare.plan import CONFIG, FOLDER, RUN_SCRIPT, Plan
from orchestrator.simulations.mozaik.folder import BaseFolder, Entry
from orchestrator.simulations.mozaik.parameter_file import Edit
from orchestrator.simulations.mozaik.sheets import RECORDERS
from orchestrator.simulations.mozaik.urls import Redirection


def copy_parameters(
    plan: Plan, folder: BaseFolder, entries: Sequence[Entry], edits: Mapping[Path, Sequence[Edit]]
) -> None:
    """Add the base folder's files to the plan, with their references led into the new folder."""
    redirect = Redirection(plan.model_dir, folder.base, FOLDER)
    reserved = {CONFIG, RUN_SCRIPT, *(file.name for file in plan.recorder_files)}
    for name in folder.files:
        if name in reserved:
            raise UsageError(
                f"{folder.base}/{name}: the optimisation has a file of this name; is {folder.base} an optimisation's "
                "folder already? Name the model's own with --base-param, or rename the file"
            )
        file = folder.parameters_or_none(name)
        if file is None:
            plan.files[f"{FOLDER}/{name}"] = folder.files[name]
            continue
        changes = list(edits.get(file.path.resolve(), ()))
        for edit, rewritten in redirect.edits(file):
            if not any(each.start <= edit.start and edit.end <= each.end for each in changes):
                changes.append(edit)
                plan.rewritten.append(rewritten)
        plan.files[f"{FOLDER}/{name}"] = file.edited(changes)
    for name in _only_recorders(plan, folder, entries):
        del plan.files[f"{FOLDER}/{name}"]
        plan.left_out.append(name)


def _only_recorders(plan: Plan, folder: BaseFolder, entries: Sequence[Entry]) -> list[str]:
    """Return files that hold nothing but recorders that were replaced: nothing leads there any more."""
    by_path = {path.resolve(): name for name, path in folder.files.items()}
    inside, elsewhere = set[Path](), set[Path]()
    for entry in entries:
        (inside if RECORDERS in entry.path[:-1] else elsewhere).add(entry.file.path.resolve())
    still = {rewritten.new.removeprefix("./") for rewritten in plan.rewritten}
    names = [by_path[path] for path in inside - elsewhere if path in by_path]
    return sorted(name for name in names if f"{FOLDER}/{name}" not in still)
