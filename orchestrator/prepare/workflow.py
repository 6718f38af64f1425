"""The model's class and its experiments, found in run.py without importing or executing anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.prepare.imports import Imports
from orchestrator.simulations.mozaik.modules import candidates, defined_in, module_file, module_tree, python_tree
from orchestrator.simulations.mozaik.sources.preceding import called_name
from targets.plugins import nearest

_OPTIONS = "--model module:Class --experiments module:function"


@dataclass(frozen=True)
class Workflow:
    """What ``run_workflow`` of mozaik is given.

    Parameters
    ----------
    model : str
        The model's class as ``module:Class``.
    experiments : str
        The function that makes its experiments, as ``module:function``.
    """

    model: str
    experiments: str


def find_workflow(model_dir: Path, model: str | None, experiments: str | None) -> Workflow:
    """Return what an offspring's simulation has to import.

    Parameters
    ----------
    model_dir : pathlib.Path
        The model's directory.
    model, experiments : str or None
        ``module:name`` as the user gave them; None: what run.py says, or the only script that calls ``run_workflow``.

    Raises
    ------
    orchestrator.errors.UsageError
        If it cannot be decided, with the candidates, or a name is not there.
    """
    if model is None or experiments is None:
        workflow = _found(model_dir, model, experiments)
    else:
        workflow = Workflow(model, experiments)
    _check_class(model_dir, workflow.model)
    _check_function(model_dir, workflow.experiments)
    return workflow


def running_script(model_dir: Path) -> Path | None:
    """Return run.py, or the only other script that calls ``run_workflow``; None if there is none."""
    scripts = _scripts(model_dir)
    return scripts[0] if len(scripts) == 1 else None


def _scripts(model_dir: Path) -> list[Path]:
    script = model_dir / "run.py"
    return [script] if script.is_file() else [path for path in sorted(model_dir.glob("*.py")) if _mentions(path)]


def _found(model_dir: Path, model: str | None, experiments: str | None) -> Workflow:
    scripts = _scripts(model_dir)
    where = "run.py" if (model_dir / "run.py").is_file() else f"{model_dir}: no run.py, and its scripts"
    workflows = [each for path in scripts for each in _workflows(path, model_dir, model, experiments)]
    distinct = list(dict.fromkeys(workflows))
    if len(distinct) == 1:
        return distinct[0]
    if distinct:
        pairs = "; ".join(f"--model {each.model} --experiments {each.experiments}" for each in distinct)
        raise UsageError(f"{where}: more than one call of run_workflow; say which with {_OPTIONS}: {pairs}")
    raise UsageError(
        f"{where}: expected a call run_workflow(name, Model, create_experiments), found none. "
        f"Say what to run with {_OPTIONS}{candidates(model_dir)}"
    )


def workflow_in(script: Path, model_dir: Path) -> Workflow:
    """Return what a script gives ``run_workflow``, if need be of its own, whatever happens when it is imported.

    Parameters
    ----------
    script, model_dir : pathlib.Path
        The script's file, and the model's directory.

    Raises
    ------
    orchestrator.errors.UsageError
        If its text does not say it, or it says several.
    """
    found = set(_workflows(script, model_dir, None, None, guarded=True))
    if len(found) != 1:
        raise UsageError(f"{script.name}: expected one call run_workflow(name, Model, create_experiments)")
    return found.pop()


def _mentions(script: Path) -> bool:
    try:
        return b"run_workflow" in script.read_bytes()
    except OSError:
        return False


def _workflows(
    script: Path, model_dir: Path, model: str | None, experiments: str | None, *, guarded: bool = False
) -> Iterator[Workflow]:
    tree = python_tree(script)
    guarded = guarded or not any(_runs_at_import(node) for node in tree.body)
    imported = Imports(tree, script, model_dir, guarded=guarded)
    wanted = ((model, "model_class", "--model"), (experiments, "create_experiments", "--experiments"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called_name(node.func) == "run_workflow":
            given: dict[str | None, ast.expr] = {word.arg: word.value for word in node.keywords}
            given |= zip(("simulation_name", "model_class", "create_experiments"), node.args, strict=False)
            if any(named is None and argument not in given for named, argument, _ in wanted):
                raise UsageError(
                    f"{script.name}:{node.lineno}: run_workflow without a model or its experiments; "
                    f"say what to run with {_OPTIONS}{candidates(model_dir)}"
                )
            yield Workflow(*(named or imported.reference(given[key], option) for named, key, option in wanted))


def _runs_at_import(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return False
    if isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test):
        return False
    calls = (node for node in ast.walk(statement) if isinstance(node, ast.Call))
    return any(called_name(call.func) == "run_workflow" for call in calls)


def _definition(model_dir: Path, reference: str, option: str) -> ast.AST:
    module, colon, name = reference.partition(":")
    if not colon or not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise UsageError(f"{option} {reference}: expected module:name, such as model:VisualModel")
    tree = module_tree(model_dir, module)
    if tree is None:
        known = [path.stem for path in model_dir.glob("*.py")]
        raise UsageError(
            f"{option} {reference}: there is no module {module!r} in {model_dir}: expected "
            f"{model_dir.joinpath(*module.split('.'))}.py{nearest(module, known)}"
        )
    defined = defined_in(tree)
    if name not in defined:
        raise UsageError(
            f"{option} {reference}: {module_file(model_dir, module)} has no {name!r}{nearest(name, defined)}"
        )
    return defined[name]


def _check_class(model_dir: Path, reference: str) -> None:
    if isinstance(_definition(model_dir, reference, "--model"), ast.FunctionDef):
        raise UsageError(f"--model {reference}: is a function, expected the model's class")


def _check_function(model_dir: Path, reference: str) -> None:
    function = _definition(model_dir, reference, "--experiments")
    if isinstance(function, ast.ClassDef):
        raise UsageError(f"--experiments {reference}: is a class, expected the function that returns the experiments")
    if isinstance(function, ast.FunctionDef):
        arguments = [*function.args.posonlyargs, *function.args.args]
        needed = len(arguments) - len(function.args.defaults)
        if needed > 1 or (not arguments and function.args.vararg is None):
            taken = ", ".join(each.arg for each in arguments) or "nothing"
            raise UsageError(
                f"--experiments {reference}: expected a function of the model alone, it takes {taken}. Name another, "
                f"or write one such as: def create_experiments(model): return {function.name}(model, ...)"
            )
