"""Works out what a preparation would write, without touching anything."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestrator.errors import UsageError
from orchestrator.paths import shipped
from orchestrator.prepare.configuration import Contents, imported_contents, suggested_contents
from orchestrator.prepare.predecessor import Imported, read_predecessor
from orchestrator.prepare.predecessor_checkpoint import BestIndividual, read_best
from orchestrator.prepare.predecessor_script import read_script
from orchestrator.prepare.recorders import RecorderFile, Replaced, recorder_entries, replaced_recorders
from orchestrator.prepare.reduced_protocol import MODULE as REDUCED
from orchestrator.prepare.reduced_protocol import ReducedProtocol, reduced_protocol
from orchestrator.prepare.workflow import Workflow, find_workflow, running_script
from orchestrator.simulations.mozaik.parameters.base_folder import BaseFolder
from orchestrator.simulations.mozaik.parameters.file import Edit
from orchestrator.simulations.mozaik.parameters.redirection import Redirection, Rewritten
from orchestrator.simulations.mozaik.parameters.tree import TreeEntry
from orchestrator.simulations.mozaik.parameters.values import values_of
from orchestrator.simulations.mozaik.protocol import Protocol, protocol_of
from orchestrator.simulations.mozaik.sheets import RECORDERS, SheetDescription, sheets_by_place
from orchestrator.simulations.mozaik.sources.own_statements import OwnStatements, own_statements
from orchestrator.simulations.mozaik.writing import others, places
from targets.stimuli import SPONTANEOUS

FOLDER = "param_optim"
CONFIG = "config_optimisation.yaml"
RUN_SCRIPT = "run_optimization_experiment.py"
SBATCH = "optimisation.sbatch"
# for editors, which the configuration's first line tells
SCHEMA = "config.schema.json"
# files that every model gets as they are
_SHIPPED = {
    f"{FOLDER}/{RUN_SCRIPT}": shipped(f"param_optim/{RUN_SCRIPT}"),
    f"{FOLDER}/{SCHEMA}": shipped(f"param_optim/{SCHEMA}"),
    SBATCH: shipped(f"slurm_templates/{SBATCH}"),
}


@dataclass(frozen=True)
class PrepareRequest:
    """What the user asks for.

    Parameters
    ----------
    model_dir : pathlib.Path
        The model's directory, as the user names it.
    base_param : pathlib.Path
        Folder of the base parameters, relative to it.
    root : str or None
        Name of the root parameter file; None: find it.
    model, experiments : str or None
        The model's class and its experiments as ``module:name``; None: find them.
    imported : pathlib.Path or None
        A predecessor's config_optimisation, whose search space and targets are taken over.
    best : pathlib.Path or None
        A predecessor's checkpoint, whose best individual is where the search begins.
    reduced : bool
        Whether the experiments are those of the predecessor's reduced protocol.
    """

    model_dir: Path
    base_param: Path = Path("param")
    root: str | None = None
    model: str | None = None
    experiments: str | None = None
    imported: Path | None = None
    best: Path | None = None
    reduced: bool = False


@dataclass
class Plan:
    """What would be written, and why.

    Parameters
    ----------
    model_dir : pathlib.Path
        The model's directory, absolute.
    names : tuple of str
        What is put into place, relative to it: files, or whole folders.
    files : dict of str to bytes or pathlib.Path
        Content by path relative to `model_dir`; of a path, the content is that file's.
    contents : Contents
        What the configuration will say.
    base : str
        Folder that the parameter files come from.
    imported : pathlib.Path or None
        A predecessor's file that the configuration is made of.
    rewritten, replaced : list of Rewritten, list of Replaced
        The references and the recorders that change.
    recorder_files : list of RecorderFile
        The files with the optimisation's recorders.
    left_out : list of str
        Files of the base folder to which nothing leads any more.
    notes : list of str
        Sentences about what the user should know.
    """

    model_dir: Path
    names: tuple[str, ...]
    files: dict[str, bytes | Path]
    contents: Contents
    base: str = ""
    imported: Path | None = None
    rewritten: list[Rewritten] = field(default_factory=list)
    replaced: list[Replaced] = field(default_factory=list)
    recorder_files: list[RecorderFile] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Found:
    """The model's class, its experiments, and what its script does besides.

    Parameters
    ----------
    model_dir : pathlib.Path
        The model's directory.
    workflow : Workflow
        What simulations import.
    readable : str
        The function that makes the experiments, where it is as long as nothing is written.
    own : OwnStatements
        What the script does besides.
    reduced : ReducedProtocol or None
        The predecessor's protocol.
    instead_of : str
        The function that makes the experiments without it; empty if there is none.
    """

    model_dir: Path
    workflow: Workflow
    readable: str
    own: OwnStatements
    reduced: ReducedProtocol | None
    instead_of: str

    @property
    def files(self) -> dict[str, bytes | Path]:
        """What is written of the predecessor's protocol."""
        if self.reduced is None or not self.reduced.is_in_script or self.readable != self.reduced.experiments:
            return {}
        return {f"{FOLDER}/{REDUCED}.py": self.reduced.module()}

    def notes(self, tree: Mapping[str, Any]) -> Iterator[str]:
        """Yield what a user should know of it."""
        yield from self.own.notes()
        if self.reduced is not None and self.instead_of:
            taken = self.readable == self.reduced.experiments
            yield from self.reduced.notes(self.model_dir, self.instead_of, tree, taken=taken)


def _found(model_dir: Path, request: PrepareRequest) -> _Found:
    reduced = reduced_protocol(model_dir, wanted=request.reduced)
    if reduced is None or not request.reduced:
        workflow = find_workflow(model_dir, request.model, request.experiments)
        own = own_statements(running_script(model_dir))
        return _Found(model_dir, workflow, workflow.experiments, own, reduced, workflow.experiments)
    if request.experiments:
        raise UsageError(f"--reduced and --experiments {request.experiments}: expected one of them")
    workflow = find_workflow(model_dir, request.model, reduced.experiments)
    try:
        instead_of = find_workflow(model_dir, request.model, None).experiments
    except UsageError:  # there is nothing else
        instead_of = ""
    importable = replace(workflow, experiments=reduced.importable(FOLDER))
    return _Found(model_dir, importable, reduced.experiments, own_statements(reduced.script), reduced, instead_of)


def make_plan(request: PrepareRequest) -> Plan:
    """Return what preparing a bare model would write.

    Raises
    ------
    orchestrator.errors.UsageError
        If the model is not understood; nothing was written then.
    """
    model_dir = _existing(request.model_dir)
    base = _base(model_dir, request.base_param)
    folder = BaseFolder(model_dir, base)
    root = folder.root(request.root)
    found = _found(model_dir, request)
    workflow = found.workflow
    written = folder.tree(root)
    entries, tree = list(written.below()), values_of(written)
    recordings = replaced_recorders(entries, tree, folder, FOLDER)
    sheets = recordings.sheets
    if not sheets:
        raise UsageError(
            f"{base}/{root}: expected sheets with 'params' and 'recorders' in it, found none. "
            "Is it the root of the model's parameters? Name another with --root"
        )
    protocol = protocol_of(model_dir, found.readable)
    best = read_best(request.best) if request.best else None
    if request.imported:
        predecessor = _imported(request.imported, model_dir, best)
        contents, notes = imported_contents(predecessor, workflow, root, tree, sheets), list(predecessor.notes())
    else:
        measured = [each.sheet for each in recordings.replaced]
        contents = suggested_contents(workflow, root, tree, sheets, measured=measured, protocol=protocol, best=best)
        notes = [] if best is None else [f"the search begins at {best.described}"]
    contents = replace(contents, before=found.own.lines)
    plan = Plan(model_dir, (), {**found.files}, contents, base=str(base), imported=request.imported)
    plan.replaced, plan.recorder_files = recordings.replaced, recordings.files
    plan.notes = [*recordings.notes, *_notes(tree, sheets, workflow.experiments, protocol), *notes, *found.notes(tree)]
    _copy_parameters(plan, folder, entries, recordings.edits)
    plan.files |= {f"{FOLDER}/{file.name}": file.text().encode() for file in recordings.files}
    plan.files |= {f"{FOLDER}/{CONFIG}": contents.text().encode(), **_SHIPPED}
    plan.names = places(model_dir, plan.files)
    if kept := ", ".join(others(model_dir, FOLDER, plan.files)):
        plan.notes.append(f"kept as they are, because prepare does not write them: {kept}")
    return plan


def _notes(
    tree: Mapping[str, Any], sheets: Sequence[SheetDescription], experiments: str, protocol: Protocol
) -> Iterator[str]:
    group = tree.get("sheets")
    for name in group if isinstance(group, Mapping) else ():
        if all(sheet.key != f"sheets.{name}" for sheet in sheets):
            yield f"sheets.{name} has no recorders: nothing of it is recorded, and it gets no targets"
    if SPONTANEOUS not in protocol.shown:
        missing = f"{experiments} presents no NoStimulation as far as its source says"
        yield f"{missing}; targets of spontaneous activity need one"


def plan_import_in_place(request: PrepareRequest, imported: Path) -> Plan:
    """Return what converting a predecessor's file beside itself, in ``param_optim``, would write.

    Its parameter files are the optimisation's already; what else an optimisation needs is added if it is missing.
    """
    model_dir = _existing(request.model_dir)
    predecessor = _imported(imported, model_dir, read_best(request.best) if request.best else None)
    found = _found(model_dir, request)
    folder = BaseFolder(model_dir, Path(FOLDER))
    root = folder.root(request.root)
    written = folder.tree(root)
    tree = values_of(written)
    sheets = sheets_by_place(tree)
    recorded = [sheets[entry.path[:-1]] for entry in recorder_entries(written.below())]
    contents = replace(imported_contents(predecessor, found.workflow, root, tree, recorded), before=found.own.lines)
    notes = [*predecessor.notes(), *found.notes(tree)]
    files: dict[str, bytes | Path] = {f"{FOLDER}/{CONFIG}": contents.text().encode(), **found.files}
    files |= {name: content for name, content in _SHIPPED.items() if not os.path.lexists(model_dir / name)}
    return Plan(model_dir, tuple(files), files, contents, base=FOLDER, imported=imported, notes=notes)


def _imported(path: Path, model_dir: Path, best: BestIndividual | None) -> Imported:
    """Return what the predecessor's files say: its configuration, the script beside it, and a checkpoint."""
    folder = path.absolute().parent
    script = read_script([folder, *([folder.parent] if folder.name == FOLDER else []), model_dir])
    predecessor = replace(read_predecessor(path), script=script)
    return predecessor if best is None else predecessor.beginning_at(best)


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


def _copy_parameters(
    plan: Plan, folder: BaseFolder, entries: Sequence[TreeEntry], edits: Mapping[Path, Sequence[Edit]]
) -> None:
    """Add the base folder's files to the plan, with their references led into the new folder."""
    redirect = Redirection(plan.model_dir, folder.base, FOLDER)
    reserved = {CONFIG, RUN_SCRIPT, SCHEMA, f"{REDUCED}.py", *(file.name for file in plan.recorder_files)}
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


def _only_recorders(plan: Plan, folder: BaseFolder, entries: Sequence[TreeEntry]) -> list[str]:
    """Return files that hold nothing but recorders that were replaced: nothing leads there any more."""
    by_path = {path.resolve(): name for name, path in folder.files.items()}
    inside, elsewhere = set[Path](), set[Path]()
    for entry in entries:
        (inside if RECORDERS in entry.path[:-1] else elsewhere).add(entry.file.path)
    still = {rewritten.new.removeprefix("./") for rewritten in plan.rewritten}
    others = {path.resolve() for path in elsewhere}
    names = [by_path[path] for path in {path.resolve() for path in inside} - others if path in by_path]
    return sorted(name for name in names if f"{FOLDER}/{name}" not in still)
