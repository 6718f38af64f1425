"""Working out what a preparation would write, without touching anything."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.errors import UsageError
from orchestrator.paths import shipped
from orchestrator.prepare.apply import others, places
from orchestrator.prepare.copying import copy_parameters
from orchestrator.prepare.filling import imported_contents, suggested_contents
from orchestrator.prepare.plan import CONFIG, FOLDER, RUN_SCRIPT, SBATCH, Plan, Request
from orchestrator.prepare.predecessor import read_predecessor
from orchestrator.prepare.protocol import Protocol, protocol_of
from orchestrator.prepare.recorders import replaced_recorders
from orchestrator.prepare.sheets import Sheet, recorder_entries, sheet_of
from orchestrator.prepare.workflow import find_workflow
from orchestrator.simulations.mozaik.folder import BaseFolder
from orchestrator.simulations.mozaik.parameters import ParameterFileError, read_parameter_tree

# files that every model gets as they are
_SHIPPED = {
    f"{FOLDER}/{RUN_SCRIPT}": shipped(f"param_optim/{RUN_SCRIPT}"),
    SBATCH: shipped(f"slurm_templates/{SBATCH}"),
}


def make_plan(request: Request) -> Plan:
    """Return what preparing a bare model would write.

    Raises
    ------
    orchestrator.errors.UsageError
        Where the model is not understood; nothing was written then.
    """
    model_dir = _existing(request.model_dir)
    base = _base(model_dir, request.base_param)
    folder = BaseFolder(model_dir, base)
    root = folder.root(request.root)
    workflow = find_workflow(model_dir, request.model, request.experiments)
    entries = list(folder.entries(root))
    tree = _tree(base / root, model_dir)
    recordings = replaced_recorders(entries, tree, folder, FOLDER)
    sheets = recordings.sheets
    if not sheets:
        raise UsageError(
            f"{base}/{root}: expected sheets with 'params' and 'recorders' in it, found none. "
            "Is it the root of the model's parameters? Name another with --root"
        )
    protocol = protocol_of(model_dir, workflow.experiments)
    if request.imported:
        contents = imported_contents(read_predecessor(request.imported), workflow, root, tree, sheets)
    else:
        measured = [each.sheet for each in recordings.replaced]
        contents = suggested_contents(workflow, root, tree, sheets, measured=measured, protocol=protocol)
    plan = Plan(model_dir, (), {}, contents, base=str(base), imported=request.imported)
    plan.replaced, plan.recorder_files = recordings.replaced, recordings.files
    plan.notes = [*recordings.notes, *_notes(tree, sheets, workflow.experiments, protocol)]
    copy_parameters(plan, folder, entries, recordings.edits)
    plan.files |= {f"{FOLDER}/{file.name}": file.text().encode() for file in recordings.files}
    plan.files |= {f"{FOLDER}/{CONFIG}": contents.text().encode(), **_SHIPPED}
    plan.names = places(model_dir, plan.files)
    if kept := ", ".join(others(model_dir, FOLDER, plan.files)):
        plan.notes.append(f"kept as they are, for prepare does not write them: {kept}")
    return plan


def _notes(tree: Mapping[str, Any], sheets: Sequence[Sheet], experiments: str, protocol: Protocol) -> Iterator[str]:
    group = tree.get("sheets")
    for name in group if isinstance(group, Mapping) else ():
        if all(sheet.key != f"sheets.{name}" for sheet in sheets):
            yield f"sheets.{name} has no recorders: nothing of it is recorded, and it gets no targets"
    if not protocol.spontaneous:
        missing = f"{experiments} presents no NoStimulation as far as its source says"
        yield f"{missing}; targets of spontaneous activity need one"


def plan_import_in_place(request: Request, imported: Path) -> Plan:
    """Return what converting a predecessor's file beside itself, in ``param_optim``, would write.

    Its parameter files are the optimisation's already; what else an optimisation needs is added where it is missing.
    """
    model_dir = _existing(request.model_dir)
    predecessor = read_predecessor(imported)
    workflow = find_workflow(model_dir, request.model, request.experiments)
    folder = BaseFolder(model_dir, Path(FOLDER))
    root = folder.root(request.root)
    tree = _tree(Path(FOLDER) / root, model_dir)
    found = [sheet_of(entry.path, tree) for entry in recorder_entries(folder.entries(root))]
    contents = imported_contents(predecessor, workflow, root, tree, list(dict.fromkeys(found)))
    files: dict[str, bytes | Path] = {f"{FOLDER}/{CONFIG}": contents.text().encode()}
    files |= {name: content for name, content in _SHIPPED.items() if not os.path.lexists(model_dir / name)}
    return Plan(model_dir, tuple(files), files, contents, base=FOLDER, imported=imported)


def _existing(model_dir: Path) -> Path:
    if not model_dir.is_dir():
        raise UsageError(f"{model_dir}: there is no such directory; give the model's, where run.py and param are")
    return model_dir.absolute()


def _base(model_dir: Path, base_param: Path) -> Path:
    """Return the base folder relative to the model's directory."""
    base = Path(os.path.relpath(model_dir / base_param, model_dir))
    target = model_dir / FOLDER
    inside = Path(os.path.realpath(target)) in (real := Path(os.path.realpath(model_dir / base)), *real.parents)
    if inside or Path(os.path.realpath(model_dir)).is_relative_to(real):
        raise UsageError(
            f"--base-param {base_param}: expected a folder of its own beside {FOLDER}, which is written from it"
        )
    return base


def _tree(root: Path, model_dir: Path) -> dict[str, Any]:
    try:
        return read_parameter_tree(root, model_dir)
    except ParameterFileError as error:
        raise UsageError(str(error)) from error
