"""Makes a mozaik model, or a Python function, ready for an optimisation."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

from orchestrator.checking.problems import load_checked_config
from orchestrator.errors import ConfigError, UsageError
from orchestrator.prepare.autofit import autofit_plan
from orchestrator.prepare.function import function_plan
from orchestrator.prepare.plan import CONFIG, FOLDER, Plan, PrepareRequest, make_plan, plan_import_in_place
from orchestrator.prepare.report import dry_run_lines, next_lines, summary_lines
from orchestrator.simulations.mozaik.writing import Writing, carry_out, in_place, overwritten

__all__ = ["PrepareRequest", "prepare_function", "prepare_model"]


def prepare_model(
    model_dir: Path | None,
    *,
    base_param: Path = Path("param"),
    root: str | None = None,
    model: str | None = None,
    experiments: str | None = None,
    imported: Path | None = None,
    best: Path | None = None,
    reduced: bool = False,
    force: bool = False,
    dry_run: bool = False,
) -> Iterator[str]:
    """Make a model ready for an optimisation, all of it or nothing.

    Parameters
    ----------
    model_dir : pathlib.Path or None
        The model's directory; None with a predecessor's file in a folder ``param_optim``: the directory around it.
    base_param : pathlib.Path
        Folder of the base parameters, relative to the model's directory.
    root : str or None
        Name of the root parameter file; None: the one that run.py's documentation uses, or ``defaults``.
    model, experiments : str or None
        ``module:name``; None: what run.py hands to ``run_workflow``.
    imported : pathlib.Path or None
        A predecessor's config_optimisation, whose search space and targets are taken over.
    best : pathlib.Path or None
        A predecessor's checkpoint, whose best individual is where the search begins.
    reduced : bool
        Whether the experiments are those of the predecessor's run_optimization_experiment.py in the directory.
    force : bool
        Whether to overwrite files that are there already and differ.
    dry_run : bool
        Whether to say only what would be written.

    Yields
    ------
    str
        What was done, in lines, and the next commands.

    Raises
    ------
    orchestrator.errors.UsageError
        If the model is not understood, or there is something in the way; the directory is then as it was.
    """
    place = _place(model_dir, imported)
    request = PrepareRequest(place, base_param, root, model, experiments, imported, best, reduced)
    beside = imported is not None and _is_beside(place, imported)
    plan = plan_import_in_place(request, imported) if imported is not None and beside else make_plan(request)
    if dry_run:
        _try(plan)
        yield from dry_run_lines(plan, overwritten(plan))
        return
    if in_place(plan):
        yield f"{plan.model_dir} is prepared already: nothing to change."
        yield from next_lines(plan)
        return
    _write(plan, lambda: _verify(plan, plan.model_dir), force=force)
    yield from summary_lines(plan)
    yield from next_lines(plan)


def prepare_function(
    model_dir: Path | None,
    reference: str,
    *,
    parameters: Sequence[str] = (),
    targets: Sequence[str] = (),
    autofit: str | None = None,
    force: bool = False,
    dry_run: bool = False,
) -> Iterator[str]:
    """Make the directory of a Python function ready for an optimisation, all of it or nothing.

    Parameters
    ----------
    model_dir : pathlib.Path or None
        Directory of its module, by default the working directory.
    reference : str
        ``module:function``.
    parameters, targets : sequence of str
        ``NAME=LOW:HIGH`` and ``KEY=VALUE:NORM`` each; what the function's source has besides is to be completed.
    autofit : str or None
        Arguments of pyneuronautofit, whose fit is taken over; there are neither `parameters` nor `targets` then.
    force, dry_run : bool
        As for `prepare_model`.

    Yields
    ------
    str
        What was done, in lines, and the next commands.

    Raises
    ------
    orchestrator.errors.UsageError
        If there is no such function, or there is something in the way; the directory is then as it was.
    """
    place = model_dir or Path()
    if autofit is None:
        plan = function_plan(place, reference, parameters, targets)
    else:
        plan = autofit_plan(place, reference, autofit)
    if dry_run:
        yield from plan.dry_run_lines(overwritten(plan))
        return
    if in_place(plan):
        yield f"{plan.model_dir} is prepared already: nothing to change."
    else:
        _write(plan, plan.verify, force=force)
        yield from plan.summary_lines()
    yield from plan.next_lines()


def _write(plan: Writing, verify: Callable[[], None], *, force: bool) -> None:
    """Write it, unless something is in the way."""
    in_the_way = overwritten(plan)
    if in_the_way and not force:
        first, *more = in_the_way
        names = f"{plan.model_dir / first}{''.join(f', {name}' for name in more)}"
        raise UsageError(
            f"{names}: there already. With --force {'they are' if more else 'it is'} overwritten, what you changed "
            "there is lost, and other files stay; --dry-run shows what would be written. Nothing was changed"
        )
    carry_out(plan, verify)


def _place(model_dir: Path | None, imported: Path | None) -> Path:
    if model_dir is not None:
        return model_dir
    if imported is None:
        raise UsageError("give the model's directory: orchestrator prepare MODEL_DIR (. for the one you are in)")
    folder = Path(imported).absolute().parent
    if folder.name != FOLDER:
        raise UsageError(
            f"--import {imported}: is in no folder {FOLDER}; say which model it is for: "
            f"orchestrator prepare MODEL_DIR --import {imported}"
        )
    return folder.parent


def _is_beside(model_dir: Path, imported: Path) -> bool:
    return imported.resolve().parent == (model_dir / FOLDER).resolve()


def _try(plan: Plan) -> None:
    """Refuse what could not be written, without touching the model."""
    with _written_elsewhere(plan) as trial:
        try:
            _verify(plan, trial)
        except UsageError as error:
            raise UsageError(str(error).replace(str(trial), str(plan.model_dir))) from error


@contextlib.contextmanager
def _written_elsewhere(plan: Plan) -> Iterator[Path]:
    """Yield a directory with the plan's files and links to all else of the model; it is removed in the end."""
    with tempfile.TemporaryDirectory(prefix="prepare-") as folder:
        trial = Path(folder) / plan.model_dir.name
        # parameters may be shared with the models beside it
        for each in plan.model_dir.parent.iterdir():
            if each.name != trial.name:
                Path(folder, each.name).symlink_to(each)
        _link(plan.model_dir, trial, PurePosixPath(), plan.files)
        for name, content in plan.files.items():
            path = trial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                path.symlink_to(content.resolve())
            else:  # absolute references lead into the model's directory
                path.write_bytes(content.replace(f"{plan.model_dir}/".encode(), f"{trial}/".encode()))
        yield trial


def _link(source: Path, copy: Path, at: PurePosixPath, files: Collection[str]) -> None:
    """Make a folder with links to what is in `source`, except these files and the folders that they are in."""
    copy.mkdir()
    folders = {folder for file in files for folder in PurePosixPath(file).parents}
    for each in source.iterdir():
        name = at / each.name
        if name not in folders and str(name) not in files:
            (copy / each.name).symlink_to(each)
        elif name in folders and each.is_dir() and not each.is_symlink():
            _link(each, copy / each.name, name, files)


def _verify(plan: Plan, model_dir: Path) -> None:
    """Refuse a configuration that ``orchestrator check`` would refuse; SLURM is not asked."""
    overrides = ["executor=local"]
    if plan.imported is not None:  # what is wrong with the file is said with its own lines
        workflow = plan.contents.workflow
        section = f"simulation={{model: '{workflow.model}', experiments: '{workflow.experiments}'"
        section += f", parameters_url: {FOLDER}/{plan.contents.root}}}"
        load_checked_config(plan.imported, [*overrides, f"model_dir={_yaml_text(model_dir)}", section])
    try:
        load_checked_config(model_dir / FOLDER / CONFIG, overrides)
    except ConfigError as error:
        raise UsageError(f"{error}\nThe configuration was not written; nothing was changed") from error


def _yaml_text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
