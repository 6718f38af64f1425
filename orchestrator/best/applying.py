"""A parameter folder with a run's best parameters, ready for the model's full protocols."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.file import load_frozen
from orchestrator.config.model import Config
from orchestrator.errors import RunFailed, UsageError
from orchestrator.paths import RunPaths
from orchestrator.reevaluation.choosing import Candidate
from orchestrator.simulations import model_of
from orchestrator.simulations.mozaik.parameters import (
    ModelExpression,
    ParameterFileError,
    flatten,
    lookup,
    read_parameter_tree,
)
from orchestrator.simulations.mozaik.parameters.editing import Edited, Editor
from orchestrator.simulations.mozaik.parameters.redirection import Redirection
from orchestrator.simulations.mozaik.writing import carry_out
from orchestrator.simulations.seeds import seeds_of
from orchestrator.text import command_line

# how many differences are listed
_MOST = 10
# says in a new folder where it is from; --force overwrites no other
ORIGIN = "best_parameters.yaml"


@dataclass
class _Folder:
    """What is written: one folder, all of it or nothing."""

    model_dir: Path
    names: tuple[str, ...]
    files: dict[str, bytes | Path]


def apply_best(
    paths: RunPaths, candidate: Candidate, *, target: Path, base: Path, force: bool = False
) -> Iterator[str]:
    """Write a copy of a model's base parameters with an evaluation's values, or a file of its simulator's.

    Recorders, seeds and whatever else is not searched are those of the base folder. The folder is there whole or not
    at all, and read again before it is left: every value is what it should be.

    Parameters
    ----------
    paths : RunPaths
        The run.
    candidate : Candidate
        Whose parameters.
    target : pathlib.Path
        The new folder or file, relative to the model's directory.
    base : pathlib.Path
        The base folder that the optimisation's was made from, relative to the model's directory.
    force : bool
        Whether to overwrite a folder that was written in this way before.

    Yields
    ------
    str
        What was done, in lines, and how to run the model with it.

    Raises
    ------
    orchestrator.errors.UsageError
        If it cannot be done; nothing was changed then.
    """
    config = load_frozen(paths.checkpoint, Checkpoint(paths.checkpoint).config_text, looking=True)
    model = model_of(config)
    optimised = model.parameter_folder()
    if optimised is None:
        yield _own_file(config, candidate, target, force=force)
        return
    model_dir, base = config.model_dir, _inside(config.model_dir, base, "--base-param")
    folder = _inside(model_dir, target, "--apply")
    _refuse_overlap(folder, {base, optimised.root.parent})
    root = optimised.root.name
    if not (model_dir / base / root).is_file() and (model_dir / base).is_dir():
        raise UsageError(
            f"{model_dir / base}: has no root parameter file {root!r}, as the optimisation's {optimised.root}. "
            "Name the folder that it was made from with --base-param"
        )
    _refuse_existing(model_dir / folder, force=force)
    try:
        edited = Editor(model_dir, base, str(folder)).edited(root, candidate.given)
        files = {f"{folder}/{name}": content for name, content in edited.files.items()}
        files[f"{folder}/{ORIGIN}"] = _origin(paths, candidate, config, edited).encode()
        writing = _Folder(model_dir, (str(folder),), files)
        carry_out(writing, lambda: _verify(model_dir, base / root, folder / root, candidate.given))
    except ParameterFileError as error:
        raise UsageError(f"{error}. Nothing was changed") from error
    yield from _said(config, base, folder, candidate, edited)
    yield from _other_values(config, optimised.root, base / edited.root, set(candidate.given))
    yield from _other_seeds(config.model_dir, base / edited.root, _seeds_of(candidate, config))
    yield "\nRun the model's full protocols with it:"
    yield f"  {command_line('cd', model_dir)}"
    yield f"  {optimised.command(folder / edited.root)}"


def _own_file(config: Config, candidate: Candidate, target: Path, *, force: bool) -> str:
    """Write a file of the simulator's own; return what was done."""
    model = model_of(config)
    if model.own_file is None:
        raise UsageError(
            f"--apply: writes parameter folders, of which the model of this run has none ({config.simulation.type}: "
            f"{model.describe()}); print its parameters with --json or --yaml"
        )
    file = config.model_dir / target
    if not file.parent.is_dir():
        raise UsageError(f"{file}: there is no directory {file.parent} to write it into")
    if file.is_dir() or (os.path.lexists(file) and not force):
        raise UsageError(
            f"{file}: there already. {'Name a file' if file.is_dir() else 'With --force it is overwritten'}"
        )
    model.write_own_file({**_seeds_of(candidate, config), **candidate.given}, file)
    return (
        f"Wrote {file}: {model.own_file}, with the {len(candidate.given)} parameters of {candidate.name} "
        f"(rank {candidate.rank}, total score {candidate.total_score:.4g})."
    )


def _inside(model_dir: Path, path: Path, option: str) -> Path:
    """Return a folder relative to the model's directory."""
    relative = Path(os.path.relpath(model_dir / path, model_dir))
    if relative == Path() or ".." in relative.parts:
        raise UsageError(
            f"{option} {path}: expected a folder inside {model_dir}, such as {option} param_best: mozaik finds "
            "parameter files relative to the model's directory"
        )
    return relative


def _refuse_overlap(folder: Path, others: set[Path]) -> None:
    for other in others:
        if folder == other or other in folder.parents or folder in other.parents:
            raise UsageError(f"--apply {folder}: expected a new folder of its own, apart from {other}")


def _refuse_existing(directory: Path, *, force: bool) -> None:
    if not directory.parent.is_dir():
        raise UsageError(f"{directory}: there is no directory {directory.parent} to write it into")
    if not os.path.lexists(directory):
        return
    ours = (directory / ORIGIN).is_file() or (directory.is_dir() and not any(directory.iterdir()))
    if not ours:
        raise UsageError(
            f"{directory}: there already, and not written by --apply (no {ORIGIN} in it), so that --force does not "
            "overwrite it either. Name another folder, or move it away"
        )
    if not force:
        raise UsageError(f"{directory}: there already. With --force it is overwritten, what you changed there is lost")


def _origin(paths: RunPaths, candidate: Candidate, config: Config, edited: Edited) -> str:
    found = candidate.to_json()
    notes: dict[str, Any] = {
        "run": os.path.relpath(paths.directory, config.model_dir),
        **{
            key: found[key]
            for key in ("rank", "generation", "offspring", "total_score", "parameters", "given", "targets")
        },
        "seeds_of_the_optimisation": _seeds_of(candidate, config),
        "written_at": dict(edited.places),
    }
    head = "# By orchestrator best --apply: where the values of this folder are from. mozaik does not read it.\n"
    return head + yaml.safe_dump(notes, sort_keys=False, width=200)


def _verify(model_dir: Path, base: Path, new: Path, values: Mapping[str, float | int]) -> None:
    """Read the new folder again and compare it, parameter by parameter, with the base folder."""
    wanted, after = {**_led_over(model_dir, base, new), **values}, _leaves(model_dir, new)
    wrong = [name for name in wanted | after if not _same(wanted.get(name), after.get(name))]
    if wrong:
        listed = "\n  ".join(f"{name}: {after.get(name)!r}, expected {wanted.get(name)!r}" for name in wrong[:5])
        raise RunFailed(f"{model_dir / new}: reads otherwise than it should, please report this:\n  {listed}")


def _leaves(model_dir: Path, root: Path) -> dict[str, Any]:
    return dict(flatten(read_parameter_tree(root, model_dir)))


def _led_over(model_dir: Path, root: Path, other: Path) -> dict[str, Any]:
    """Return the values under a root, with the urls in them leading into the folder of the other, as its own do."""
    redirect = Redirection(model_dir, root.parent, str(other.parent))
    leaves = _leaves(model_dir, root).items()
    return {
        name: ModelExpression(redirect.expression(v.source)) if isinstance(v, ModelExpression) else v
        for name, v in leaves
    }


def _same(one: object, other: object) -> bool:
    return one == other or repr(one) == repr(other)  # nan is not equal to itself


def _said(config: Config, base: Path, folder: Path, candidate: Candidate, edited: Edited) -> Iterator[str]:
    yield (
        f"Wrote {config.model_dir / folder}: {base} with the {len(candidate.given)} parameters of "
        f"{candidate.name} (rank {candidate.rank}, total score {candidate.total_score:.4g})."
    )
    for name, place in edited.places.items():
        yield f"  {place}: {name} = {candidate.given[name]!r}"
    yield from edited.notes


def _other_values(config: Config, optimised: Path, root: Path, given: set[str]) -> Iterator[str]:
    """Warn of parameters that the optimisation had otherwise, apart from recorders: it optimised another model then."""
    here, there = _led_over(config.model_dir, root, optimised), _leaves(config.model_dir, optimised)
    apart = given | set(config.simulation.seeds) | {"results_dir"}
    names = [name for name in here | there if name not in apart and "recorders" not in name.split(".")]
    different = [name for name in names if not _same(here.get(name), there.get(name))]
    if different:
        yield f"Warning: the optimisation had other values than {root} also of:"
        yield from (f"  {name}: {there.get(name)!r} there, {here.get(name)!r} here" for name in different[:_MOST])
    if len(different) > _MOST:
        yield f"  and {len(different) - _MOST} more"


def _seeds_of(candidate: Candidate, config: Config) -> dict[str, int]:
    """Return the seeds that an evaluation was simulated with."""
    identity = (candidate.generation, candidate.offspring)
    return {**seeds_of(config.simulation.seeds, config.optimiser_seed, *identity), **candidate.seeds}


def _other_seeds(model_dir: Path, root: Path, seeds: Mapping[str, int]) -> Iterator[str]:
    tree = read_parameter_tree(root, model_dir)
    own = {}
    for name in seeds:
        try:
            own[name] = lookup(tree, name)
        except KeyError:
            continue
    different = {name: value for name, value in own.items() if value != seeds[name]}
    if different:
        here = ", ".join(f"{name}: {value}" for name, value in different.items())
        there = " ".join(f"{name} {seeds[name]}" for name in different)
        yield f"Its seeds are those of the base folder ({here}); for the optimisation's, override: {there}"
