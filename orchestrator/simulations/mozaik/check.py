"""What is wrong with a mozaik model, or worth a look, found before anything is submitted."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.config.sections import JobsSection, SlurmSection
from orchestrator.errors import UsageError
from orchestrator.paths import shipped
from orchestrator.simulations.base import Finding
from orchestrator.simulations.mozaik.launch_script import template_path, template_problems
from orchestrator.simulations.mozaik.modules import defined_in, module_file, python_tree
from orchestrator.simulations.mozaik.options import MozaikOptions
from orchestrator.simulations.mozaik.parameters import ParameterFileError, flatten, lookup
from orchestrator.simulations.mozaik.parameters.references import number_at, reference_problems
from orchestrator.simulations.mozaik.recorders import recorder_problems, selections
from orchestrator.simulations.mozaik.sheets import sheets_of
from orchestrator.simulations.mozaik.sources.own_statements import own_statements
from targets.plugins import nearest

if TYPE_CHECKING:
    from orchestrator.config.model import Config
    from orchestrator.parameters.given import Given

# neither options nor what a shell would put in
_ONE_WORD = re.compile(r"[\w./+~-]+")
_READS_BEFORE = re.compile(r"""["']before["']""")
# keys that a launch script may name; those of `jobs` were in `slurm` when users wrote theirs
_LOADED = {
    "simulation": MozaikOptions.model_fields,
    "jobs": JobsSection.model_fields,
    "slurm": {**SlurmSection.model_fields, **JobsSection.model_fields},
}


def model_problems(
    options: MozaikOptions, model_dir: Path, config: Config, parameters: Callable[[], Mapping[str, Any]]
) -> list[Finding]:
    """Return missing files, unknown parameters, seeds and sheets, and what is not recorded; the directory exists."""
    problems = [*_missing_files(options, model_dir), *_module_problems(options, model_dir)]
    problems += [*_launch_problems(options, model_dir), *_python_problems(options, model_dir, config)]
    try:
        tree = parameters()
    except ParameterFileError as error:
        return [*problems, (("simulation", "parameters_url"), str(error))]
    problems += reference_problems(tree, options.parameters_url)
    sources = config.given().sources
    for name in options.seeds:
        problems += name_problems(tree, name, ("simulation", "seeds", name))
        if name in sources:
            message = "is among parameters and given here: take it away in one of the two places"
            problems.append((("simulation", "seeds", name), message))
    for name, source in sources.items():
        at = ("parameters", source)
        problems += name_problems(tree, name, at) or _value_problems(tree, name, at)
    problems += _slice_problems(config, tree)
    named: list[tuple[tuple[str | int, ...], str | None]] = [
        (("explosion_check", "sheet_name"), config.explosion_check.sheet_name)
    ]
    named += [(("targets", n, "sheet_name"), spec.get("sheet_name")) for n, spec in enumerate(config.targets)]
    sheets = sheets_of(tree)
    unknown = [(at, unknown_sheet(name, list(sheets))) for at, name in named if sheets and name and name not in sheets]
    return [*problems, *unknown, *recorder_problems(config, sheets)]


def _shipped_run_script() -> Path:
    return shipped("param_optim/run_optimization_experiment.py")


def _missing_files(options: MozaikOptions, model_dir: Path) -> Iterator[Finding]:
    script = model_dir / options.run_script
    if not script.is_file():
        message = f"there is no file {script}; copy it from {_shipped_run_script()}"
        yield ("simulation", "run_script"), message
    elif options.before and not _READS_BEFORE.search(_text_of(script)):
        message = f"{script} does not execute them, it is from before there were any. Replace it with"
        yield ("simulation", "before"), f"{message} {_shipped_run_script()}"


def _text_of(script: Path) -> str:
    return script.read_text(encoding="utf-8", errors="replace")


def _module_problems(options: MozaikOptions, model_dir: Path) -> Iterator[Finding]:
    """Yield what is wrong with the model's own modules, read and not executed: only the node has their imports."""
    for key in ("model", "experiments"):
        module, _, name = getattr(options, key).partition(":")
        path = module_file(model_dir, module)
        if path is None:
            known = [file.stem for file in sorted(model_dir.glob("*.py"))]
            expected = model_dir.joinpath(*module.split(".")).with_suffix(".py")
            message = f"there is no module {module!r} in {model_dir}: expected {expected}"
            yield ("simulation", key), f"{message}{nearest(module, known)}"
            continue
        try:
            names = defined_in(python_tree(path))
        except UsageError as error:
            yield ("simulation", key), str(error)
            continue
        if "*" not in names and name not in names:
            found = f"{nearest(name, names) or '.'} It has {', '.join(names) or 'nothing'}"
            yield ("simulation", key), f"{path} has no {name!r}{found}"


def _python_problems(options: MozaikOptions, model_dir: Path, config: Config) -> Iterator[Finding]:
    # compute nodes may have what this machine has not
    if config.executor == "local" and lacks_python(options, model_dir, config):
        message = (
            f"there is no program {options.python!r}; expected the Python that has mozaik, such as "
            "/home/me/env/bin/python. Fix it, or give the lines that provide it in simulation.setup"
        )
        yield ("simulation", "python"), message


def lacks_python(options: MozaikOptions, model_dir: Path, config: Config) -> bool:
    """Return whether this machine has no such Python, and nothing else in the configuration could provide it."""
    python = options.python
    provided = any(getattr(options, key) for key in ("setup", "launcher", "launch_script")) or config.jobs.setup
    if python is None or provided or not _ONE_WORD.fullmatch(python):
        return False
    return shutil.which(model_dir / Path(python).expanduser() if "/" in python else python) is None


def _launch_problems(options: MozaikOptions, model_dir: Path) -> Iterator[Finding]:
    own = options.launch_script
    template = template_path(own, model_dir)
    if own and not template.is_file():
        known = [file.name for file in sorted(model_dir.glob("*.sh"))]
        yield ("simulation", "launch_script"), f"there is no file {template}{nearest(str(own), known)}"
        return
    for _, line, message in template_problems(template, _LOADED):
        yield ("simulation", "launch_script"), f"{template}{f':{line}' if line else ''}: {message}"


def _value_problems(tree: Mapping[str, Any], name: str, location: tuple[str | int, ...]) -> list[Finding]:
    value = lookup(tree, name)
    if isinstance(value, (bool, str, list, tuple)):
        named = "" if name == location[-1] else f"{name!r}: "
        kind = "true or false" if isinstance(value, bool) else "text" if isinstance(value, str) else "a list"
        return [(location, f"{named}expected a parameter that is a number; in the model it is {kind}: {value!r}")]
    return []


def _slice_problems(config: Config, tree: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield why the explosion check cannot be cut into so many slices: each has a whole number of time steps."""
    check, step = config.explosion_check, number_at(tree, ("time_step",)) or 0.1
    steps = round(check.judged / step)
    if check.enabled and check.slices > max(steps, 0):
        yield (
            ("explosion_check", "slices"),
            f"expected at most {steps} (time steps of {step:g} ms in {check.judged:g} ms), got {check.slices}",
        )


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


def model_notes(options: MozaikOptions, model_dir: Path, config: Config, tree: Mapping[str, Any]) -> list[Finding]:
    """Return what is worth a look in a configuration that fits the model."""
    python = _python(options, model_dir, config)
    return [
        *_environment(options),
        *python,
        *_run_script(options, model_dir, config),
        *_extensions(options, model_dir),
        *_whole_numbers(tree, config),
        *selections(config, sheets_of(tree)),
    ]


def _run_script(options: MozaikOptions, model_dir: Path, config: Config) -> Iterator[Finding]:
    """Yield that the run script is a copy of before it could tell an explosion from a transient."""
    text = _text_of(model_dir / options.run_script)
    is_ours, lacks = "SliceWatch" in text, []
    if config.explosion_check.enabled and "slices_above" not in text:
        lacks.append("it takes a transient of the start for an explosion, and knows no explosion_check.settle")
    if "BuildingProcess" not in text:
        lacks.append("it waits for a process that builds connections and has failed until the job's time is over")
    if is_ours and lacks:
        message = f"{options.run_script} is a copy from an earlier version: {'; '.join(lacks)}. Replace it with"
        yield ("simulation", "run_script"), f"{message} {_shipped_run_script()}"


def _extensions(options: MozaikOptions, model_dir: Path) -> Iterator[Finding]:
    """Yield the extensions of NEST that the model's run.py installs and simulations do not."""
    script = model_dir / "run.py"
    try:
        lines = own_statements(script if script.is_file() else None).lines
    except UsageError:  # nothing imports it
        return
    here = ast.unparse(ast.parse("\n".join(options.before))).splitlines()
    installed = [line.strip() for line in lines if ".Install(" in line]
    missing = [line for line in installed if line not in map(str.strip, here)]
    if missing:
        what = f"run.py has {'; '.join(missing)} before it runs the model"
        yield ("simulation", "before"), f"{what}. Simulations do not run it: put that here if they need it"


def _environment(options: MozaikOptions) -> Iterator[Finding]:
    lines = [line for line in options.setup if "activate" in line or line.lstrip().startswith("module ")]
    if lines and options.python is None:
        message = (
            f"{lines[0]!r} changes the environment, but simulation.python is not given, so that simulations run on the "
            "orchestrator's own Python; python: python takes the one of that environment"
        )
        yield ("simulation", "setup"), message


def _python(options: MozaikOptions, model_dir: Path, config: Config) -> Iterator[Finding]:
    if config.executor == "slurm" and lacks_python(options, model_dir, config):
        message = f"this machine has no program {options.python!r}; make sure that the nodes have (check --on-node)"
        yield ("simulation", "python"), message


def _whole_numbers(tree: Mapping[str, Any], config: Config) -> Iterator[Finding]:
    given = config.given()
    real = {name: lookup(tree, name) for name, value in given.values(config.start).items() if isinstance(value, float)}
    whole = {name: value for name, value in real.items() if isinstance(value, int)}
    for searched, is_made, remedy in (
        (True, "searched as a real one", "add integer: true"),
        (False, "given as a real one", "write it without a point, or put round( ) around its expression"),
    ):
        first, *others = [name for name in whole if (given.sources[name] in given.searched) is searched] or [""]
        if first:
            message = f"{_named(first, given)}is written as a whole number in the model, {whole[first]}, and {is_made}"
            same = f" So are {', '.join(others)}." if others else ""
            at = ("parameters", given.sources[first])
            yield at, f"{message}; if it must be whole, as a count must, {remedy}.{same}"


def _named(name: str, given: Given) -> str:
    """Return the beginning of a message at the key of a parameter, with the name that it is about if that differs."""
    return "" if given.sources[name] == name else f"{name!r} "
