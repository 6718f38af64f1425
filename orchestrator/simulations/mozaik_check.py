"""What can be wrong with a mozaik model, found before anything is submitted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.config import Config, nearest
from orchestrator.paths import shipped
from orchestrator.simulations.base import Finding
from orchestrator.simulations.mozaik_parameters import ParameterFileError, flatten, lookup, read_parameter_tree


def model_problems(section: Mapping[str, Any], model_dir: Path, config: Config) -> list[Finding]:
    """Return missing files, and unknown parameters, seeds and sheets, of a model directory that exists."""
    problems = list(_missing_files(section, model_dir))
    try:
        tree = read_parameter_tree(Path(section["parameters_url"]), model_dir)
    except ParameterFileError as error:
        return [*problems, (("simulation", "parameters_url"), str(error))]
    for name in section["seeds"]:
        problems += name_problems(tree, name, ("simulation", "seeds", name))
    for name in config.parameters:
        problems += name_problems(tree, name, ("parameters", name))
    named: list[tuple[tuple[str | int, ...], str | None]] = [
        (("explosion_check", "sheet_name"), config.explosion_check.sheet_name)
    ]
    named += [(("targets", n, "sheet_name"), spec.get("sheet_name")) for n, spec in enumerate(config.targets)]
    sheets = sheet_names(tree)
    return problems + [
        (at, unknown_sheet(name, sheets)) for at, name in named if sheets and name and name not in sheets
    ]


def _missing_files(section: Mapping[str, Any], model_dir: Path) -> list[Finding]:
    problems: list[Finding] = []
    if not (model_dir / section["run_script"]).is_file():
        source = shipped("param_optim/run_optimization_experiment.py")
        message = f"there is no file {model_dir / section['run_script']}; copy it from {source}"
        problems.append((("simulation", "run_script"), message))
    for key in ("model", "experiments"):
        module = section[key].partition(":")[0]
        path = model_dir.joinpath(*module.split("."))
        if not path.with_suffix(".py").is_file() and not (path / "__init__.py").is_file():
            message = f"there is no module {module!r} in {model_dir}: expected {path.with_suffix('.py')}"
            problems.append((("simulation", key), message))
    own = section["launch_script"]
    if own and not (model_dir / own).is_file():
        problems.append((("simulation", "launch_script"), f"there is no file {model_dir / own}"))
    return problems


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


def sheet_names(tree: Mapping[str, Any]) -> list[str]:
    """Return the names of the model's sheets: ``sheets.<key>.params.name`` of mozaik's parameter trees."""
    names = []
    for sheet in (tree.get("sheets") or {}).values():
        params = sheet.get("params") if isinstance(sheet, dict) else None
        if isinstance(params, dict) and isinstance(params.get("name"), str):
            names.append(params["name"])
    return names


def unknown_sheet(name: str, sheets: list[str]) -> str:
    """Return the message for a sheet that the model does not have."""
    return f"the model has no sheet {name!r}{nearest(name, sheets) or '.'} Sheets: {', '.join(sheets)}"
