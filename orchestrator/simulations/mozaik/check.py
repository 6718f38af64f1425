"""What can be wrong with a mozaik model, found before anything is submitted."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.config.model import Config, nearest
from orchestrator.config.sections import JobsSection, MozaikSection, SlurmSection
from orchestrator.paths import shipped
from orchestrator.simulations.base import Finding
from orchestrator.simulations.mozaik.launch_script import template_path, template_problems
from orchestrator.simulations.mozaik.parameters import ParameterFileError, flatten, lookup, read_parameter_tree
from orchestrator.simulations.mozaik.recorders import recorder_problems
from orchestrator.simulations.mozaik.references import reference_problems
from orchestrator.simulations.mozaik.sheets import sheets_of

# neither options nor what a shell would put in
_ONE_WORD = re.compile(r"[\w./+~-]+")
# keys that a launch script may name; those of `jobs` were in `slurm` when users wrote theirs
_LOADED = {
    "simulation": MozaikSection.model_fields,
    "jobs": JobsSection.model_fields,
    "slurm": {**SlurmSection.model_fields, **JobsSection.model_fields},
}


def model_problems(section: Mapping[str, Any], model_dir: Path, config: Config) -> list[Finding]:
    """Return missing files, unknown parameters, seeds and sheets, and what is not recorded; the directory exists."""
    problems = [*_missing_files(section, model_dir), *_module_problems(section, model_dir)]
    problems += [*_launch_problems(section, model_dir), *_python_problems(section, model_dir, config)]
    try:
        tree = read_parameter_tree(Path(section["parameters_url"]), model_dir)
    except ParameterFileError as error:
        return [*problems, (("simulation", "parameters_url"), str(error))]
    problems += reference_problems(tree, Path(section["parameters_url"]))
    for name in section["seeds"]:
        problems += name_problems(tree, name, ("simulation", "seeds", name))
        if name in config.parameters:
            message = "is searched under parameters and given here: take it away in one of the two places"
            problems.append((("simulation", "seeds", name), message))
    for name in config.parameters:
        problems += name_problems(tree, name, ("parameters", name)) or _value_problems(tree, name)
    problems += _slice_problems(config, tree)
    named: list[tuple[tuple[str | int, ...], str | None]] = [
        (("explosion_check", "sheet_name"), config.explosion_check.sheet_name)
    ]
    named += [(("targets", n, "sheet_name"), spec.get("sheet_name")) for n, spec in enumerate(config.targets)]
    sheets = sheets_of(tree)
    unknown = [(at, unknown_sheet(name, list(sheets))) for at, name in named if sheets and name and name not in sheets]
    return [*problems, *unknown, *recorder_problems(config, sheets)]


def _missing_files(section: Mapping[str, Any], model_dir: Path) -> Iterator[Finding]:
    if not (model_dir / section["run_script"]).is_file():
        source = shipped("param_optim/run_optimization_experiment.py")
        message = f"there is no file {model_dir / section['run_script']}; copy it from {source}"
        yield ("simulation", "run_script"), message


def _module_problems(section: Mapping[str, Any], model_dir: Path) -> Iterator[Finding]:
    """Yield what is wrong with the model's own modules, read and not executed: only the node has their imports."""
    for key in ("model", "experiments"):
        module, _, name = section[key].partition(":")
        path = model_dir.joinpath(*module.split("."))
        files = [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()]
        if not files:
            known = [file.stem for file in sorted(model_dir.glob("*.py"))]
            message = f"there is no module {module!r} in {model_dir}: expected {path.with_suffix('.py')}"
            yield ("simulation", key), f"{message}{nearest(module, known)}"
            continue
        try:
            names = _top_level_names(ast.parse(files[0].read_bytes()))
        except (SyntaxError, ValueError) as error:
            line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
            yield ("simulation", key), f"{files[0]}{line}: is not Python: {getattr(error, 'msg', error)}"
            continue
        if "*" not in names and name not in names:
            found = f"{nearest(name, names) or '.'} It has {', '.join(names) or 'nothing'}"
            yield ("simulation", key), f"{files[0]} has no {name!r}{found}"


def _top_level_names(module: ast.Module) -> list[str]:
    """Return what a module defines or imports; with ``*`` where it imports everything of another."""
    names: list[str] = []
    waiting: list[ast.AST] = list(module.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.append(node.name)
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names += [alias.asname or alias.name for alias in node.names]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
        waiting += ast.iter_child_nodes(node)
    return list(dict.fromkeys(names))


def _python_problems(section: Mapping[str, Any], model_dir: Path, config: Config) -> Iterator[Finding]:
    # compute nodes may have what this machine has not
    if config.executor == "local" and lacks_python(section, model_dir, config):
        message = (
            f"there is no program {section['python']!r}; expected the Python that has mozaik, such as "
            "/home/me/env/bin/python. Mend it, or give the lines that provide it in simulation.setup"
        )
        yield ("simulation", "python"), message


def lacks_python(section: Mapping[str, Any], model_dir: Path, config: Config) -> bool:
    """Return whether this machine has no such Python, and nothing else in the configuration could provide it."""
    python = section["python"]
    provided = any(section[key] for key in ("setup", "launcher", "launch_script")) or config.jobs.setup
    if python is None or provided or not _ONE_WORD.fullmatch(python):
        return False
    return shutil.which(model_dir / Path(python).expanduser() if "/" in python else python) is None


def _launch_problems(section: Mapping[str, Any], model_dir: Path) -> Iterator[Finding]:
    own = section["launch_script"]
    template = template_path(own, model_dir)
    if own and not template.is_file():
        known = [file.name for file in sorted(model_dir.glob("*.sh"))]
        yield ("simulation", "launch_script"), f"there is no file {template}{nearest(str(own), known)}"
        return
    for _, line, message in template_problems(template, _LOADED):
        yield ("simulation", "launch_script"), f"{template}{f':{line}' if line else ''}: {message}"


def _value_problems(tree: Mapping[str, Any], name: str) -> list[Finding]:
    value = lookup(tree, name)
    if isinstance(value, (bool, str, list, tuple)):
        kind = "true or false" if isinstance(value, bool) else "text" if isinstance(value, str) else "a list"
        return [(("parameters", name), f"expected a parameter that is a number; in the model it is {kind}: {value!r}")]
    return []


def _slice_problems(config: Config, tree: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield why the explosion check cannot be cut into so many slices: each has a whole number of time steps."""
    check, step = config.explosion_check, lookup_number(tree, "time_step") or 0.1
    steps = round(check.duration / step)
    if check.enabled and check.slices > max(steps, 0):
        yield (
            ("explosion_check", "slices"),
            f"expected at most {steps} (time steps of {step:g} ms in {check.duration:g} ms), got {check.slices}",
        )


def lookup_number(tree: Mapping[str, Any], name: str) -> float | None:
    """Return the value of a dotted name where it is there and a number."""
    try:
        value = lookup(tree, name)
    except KeyError:
        return None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def name_problems(tree: Mapping[str, Any], name: str, location: tuple[str | int, ...]) -> list[Finding]:
    """Return why `name` is not a parameter of the model: mozaik would add it silently and fail later."""
    try:
        value = lookup(tree, name)
    except KeyError:
        known = dict(flatten(tree))
        return [(location, f"the model has no parameter {name!r}{nearest(name, known)}")]
    if isinstance(value, dict):
        return [(location, f"{name!r} is a group of parameters, not one; it has {', '.join(value) or 'none'}")]
    return []


def unknown_sheet(name: str, sheets: Sequence[str]) -> str:
    """Return the message for a sheet that the model does not have."""
    return f"the model has no sheet {name!r}{nearest(name, sheets) or '.'} Sheets: {', '.join(sheets)}"
