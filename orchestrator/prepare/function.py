"""Makes the directory of a Python function ready for an optimisation: its configuration, and the job's script."""

from __future__ import annotations

import ast
import json
import math
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.config.file import load_config
from orchestrator.config.yaml_text import read_yaml
from orchestrator.errors import ConfigError, UsageError
from orchestrator.paths import shipped
from orchestrator.prepare.configuration import render
from orchestrator.prepare.plan import CONFIG, FOLDER, SBATCH, SCHEMA
from orchestrator.prepare.report import in_the_way_lines, next_commands
from orchestrator.simulations.mozaik.modules import defined_in, module_file, python_tree
from orchestrator.simulations.mozaik.writing import places
from targets.plugins import nearest

TEMPLATE = "param_optim/config_function.yaml.jinja"
_EDIT = "EDIT"
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_PARAMETER = re.compile(rf"(?P<name>[^=\s]+)=(?P<low>{_NUMBER}):(?P<high>{_NUMBER})(?P<log>:log)?")
_TARGET = re.compile(rf"(?P<name>[^=\s]+)=(?P<value>{_NUMBER}):(?P<norm>{_NUMBER})")
# what a function returns under a name and is no number
_SERIES = ("Trace", "Events", "AnalogSignal", "SpikeTrain")


@dataclass(frozen=True)
class Used:
    """What the source of a function says that it takes and returns.

    Parameters
    ----------
    parameters : sequence of str
        Names that it looks up in its first argument.
    numbers : sequence of str
        Keys of the mappings that it returns, without traces and events.
    series : sequence of str
        Those of traces and events.
    """

    parameters: Sequence[str] = ()
    numbers: Sequence[str] = ()
    series: Sequence[str] = ()


@dataclass
class FunctionPlan:
    """What would be written.

    Parameters
    ----------
    model_dir : pathlib.Path
        Where to.
    text : str
        The configuration.
    edits : int
        How many lines of it are to be completed.
    notes : list of str
        What is worth a look.
    """

    model_dir: Path
    text: str
    edits: int
    notes: list[str]
    files: dict[str, bytes | Path] = field(init=False)
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.files = {
            f"{FOLDER}/{CONFIG}": self.text.encode(),
            f"{FOLDER}/{SCHEMA}": shipped(f"param_optim/{SCHEMA}"),
            SBATCH: shipped(f"slurm_templates/{SBATCH}"),
        }
        self.names = places(self.model_dir, self.files)

    def verify(self) -> None:
        """Refuse a configuration that is none, unless it is to be completed."""
        if not self.edits:
            try:
                load_config(self.model_dir / FOLDER / CONFIG)
            except ConfigError as error:
                raise UsageError(f"{error}\nThe configuration was not written; nothing was changed") from error

    def dry_run_lines(self, in_the_way: Sequence[str]) -> Iterator[str]:
        """Yield all that would be done."""
        yield f"Would write into {self.model_dir}:"
        yield from (f"  {name}" for name in self.files)
        yield from in_the_way_lines(in_the_way)
        yield from (f"Note: {note}" for note in self.notes)
        yield f"\n{FOLDER}/{CONFIG} would be:\n"
        yield from (f"  {line}".rstrip() for line in self.text.splitlines())
        yield "\nNothing was written."

    def summary_lines(self) -> Iterator[str]:
        """Yield what was done."""
        yield f"Wrote into {self.model_dir}:"
        yield from (f"  {name}" for name in self.files)
        yield from (f"Note: {note}" for note in self.notes)

    def next_lines(self) -> Iterator[str]:
        """Yield the next commands."""
        first = f"Complete the {self.edits} lines with {_EDIT} in" if self.edits else "Look through"
        return next_commands(self.model_dir, first)


def function_plan(model_dir: Path, reference: str, parameters: Sequence[str], targets: Sequence[str]) -> FunctionPlan:
    """Return what makes a function ready.

    Parameters
    ----------
    model_dir : pathlib.Path
        Directory of its module.
    reference : str
        ``module:function``.
    parameters : sequence of str
        ``NAME=LOW:HIGH`` or ``NAME=LOW:HIGH:log`` each.
    targets : sequence of str
        ``KEY=VALUE:NORM`` each.

    Raises
    ------
    orchestrator.errors.UsageError
        If there is no such function, or an option is not understood.
    """
    model_dir, definition = _found(model_dir, reference)
    used = _used(definition)
    bounds = {name: _range(found) for name, found in _read(parameters, "--parameter", "NAME=LOW:HIGH", _PARAMETER)}
    wanted = dict(_read(targets, "--target", "KEY=VALUE:NORM", _TARGET))
    notes = [
        *_unseen("--parameter", bounds, used.parameters, reference),
        *_unseen("--target", wanted, used.numbers, reference),
    ]
    if used.series:
        kinds = "TraceRMSE, PeakLatency, EventRate, ... (docs/targets.md)"
        notes.append(f"{', '.join(used.series)}: traces or events, on which there are targets of their own: {kinds}")
    seeds = [name for name in used.parameters if "seed" in name.lower() and name not in bounds]
    searched = [*bounds, *(name for name in used.parameters if name not in bounds and name not in seeds)]
    measured = [*wanted, *(name for name in used.numbers if name not in wanted)]
    parameter_lines = [f"{_key(name)}: {bounds.get(name, f'{_EDIT} # [low, high]')}" for name in searched or ["NAME"]]
    target_lines = [_target_line(name, wanted.get(name)) for name in measured or [_EDIT]]
    edits = sum(_EDIT in line for line in (*parameter_lines, *target_lines))
    text = render(
        TEMPLATE,
        function=reference,
        parameters=parameter_lines,
        targets=target_lines,
        data=[],
        edits=edits,
        size=4 + math.floor(3 * math.log(len(parameter_lines))),
        seeds="{" + ", ".join(f"{_key(name)}: 1" for name in seeds) + "}" if seeds else "",
        executor="slurm" if shutil.which("sbatch") else "local",
    )
    return FunctionPlan(model_dir, text, edits, notes)


def require_function(model_dir: Path, reference: str) -> Path:
    """Return the absolute path of a function's directory; raises `UsageError` if there is no such function."""
    return _found(model_dir, reference)[0]


def _found(model_dir: Path, reference: str) -> tuple[Path, ast.AST]:
    if not model_dir.is_dir():
        raise UsageError(f"{model_dir}: there is no such directory; give the one of the function's module")
    model_dir = model_dir.absolute()
    return model_dir, _definition(model_dir, reference)


def _definition(model_dir: Path, reference: str) -> ast.AST:
    module, colon, name = reference.partition(":")
    if not colon or not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise UsageError(f"--function {reference}: expected module:function, such as model:simulate")
    file = module_file(model_dir, module)
    if file is None:
        known = [path.stem for path in model_dir.glob("*.py")]
        expected = model_dir.joinpath(*module.split(".")).with_suffix(".py")
        raise UsageError(f"--function {reference}: expected {expected}, which is not there{nearest(module, known)}")
    defined = defined_in(python_tree(file))
    if name not in defined:
        raise UsageError(f"--function {reference}: {file} has no {name!r}{nearest(name, defined)}")
    return defined[name]


def _used(definition: ast.AST) -> Used:
    """Return what a function's source says; nothing if it is no plain function."""
    if not isinstance(definition, ast.FunctionDef):
        return Used()
    arguments = [*definition.args.posonlyargs, *definition.args.args]
    taken = arguments[0].arg if arguments else None
    names: dict[str, None] = {}
    numbers: dict[str, None] = {}
    series: dict[str, None] = {}
    for node in ast.walk(definition):
        looked_up: ast.expr | None = None
        if isinstance(node, ast.Subscript) and _is_name(node.value, taken):
            looked_up = node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            looked_up = node.args[0] if node.func.attr == "get" and _is_name(node.func.value, taken) else None
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if (text := _text(key)) is not None:
                    (series if _is_series(value) else numbers)[text] = None
        if (name := _text(looked_up)) is not None:
            names[name] = None
    return Used(tuple(names), tuple(numbers), tuple(series))


def _is_name(node: ast.expr, name: str | None) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_series(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)) in _SERIES


def _read(
    given: Sequence[str], option: str, expected: str, pattern: re.Pattern[str]
) -> Iterator[tuple[str, re.Match[str]]]:
    for text in given:
        found = pattern.fullmatch(text)
        if found is None:
            raise UsageError(f"{option} {text}: expected {expected}, numbers with a colon between them")
        yield found["name"], found


def _range(found: re.Match[str]) -> str:
    low, high = found["low"], found["high"]
    if float(low) >= float(high):
        raise UsageError(f"--parameter {found[0]}: expected low < high")
    return f"{{bounds: [{low}, {high}], scale: log}}" if found["log"] else f"[{low}, {high}]"


def _unseen(option: str, given: Iterable[str], seen: Sequence[str], reference: str) -> Iterator[str]:
    """Yield notes on names that the source does not have, if it has any."""
    for name in given:
        if seen and name not in seen:
            yield f"{option} {name}: the source of {reference} has {', '.join(seen)}{nearest(name, seen)}"


def _target_line(name: str, found: re.Match[str] | None) -> str:
    value, norm = (found["value"], found["norm"]) if found else (_EDIT, _EDIT)
    return f"- {{class: ReturnedValue, key: {_key(name)}, target_value: {value}, norm: {norm}}}"


def _key(name: str) -> str:
    """Return a name as YAML reads it."""
    plain = re.fullmatch(r"[A-Za-z_][\w.]*", name) and isinstance(read_yaml(name), str)
    return name if plain else json.dumps(name)
