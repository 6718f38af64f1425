"""The model's class and its experiments, found in run.py without importing or executing anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config import nearest
from orchestrator.errors import UsageError
from orchestrator.prepare.python_files import classes_like_models, module_file, module_tree, python_tree

_OPTIONS = "--model module:Class --experiments module:function"


@dataclass(frozen=True)
class Workflow:
    """What ``run_workflow`` of mozaik is given.

    Parameters
    ----------
    model : str
        ``module:Class``.
    experiments : str
        ``module:function``.
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
        Where it cannot be decided, with the candidates, or a name is not there.
    """
    if model is None or experiments is None:
        found = _found(model_dir)
        model, experiments = model or found.model, experiments or found.experiments
    workflow = Workflow(model, experiments)
    _check_class(model_dir, workflow.model)
    _check_function(model_dir, workflow.experiments)
    return workflow


def _found(model_dir: Path) -> Workflow:
    script = model_dir / "run.py"
    if script.is_file():
        workflows = list(_workflows(script, model_dir))
        where = "run.py"
    else:
        scripts = sorted(model_dir.glob("*.py"))
        workflows = [each for path in scripts if _mentions(path) for each in _workflows(path, model_dir)]
        where = f"{model_dir}: no run.py, and its scripts"
    distinct = list(dict.fromkeys(workflows))
    if len(distinct) == 1:
        return distinct[0]
    if distinct:
        pairs = "; ".join(f"--model {each.model} --experiments {each.experiments}" for each in distinct)
        raise UsageError(f"{where}: more than one call of run_workflow; say which with {_OPTIONS}: {pairs}")
    raise UsageError(
        f"{where}: expected a call run_workflow(name, Model, create_experiments), found none. "
        f"Say what to run with {_OPTIONS}{_candidates(model_dir)}"
    )


def _mentions(script: Path) -> bool:
    try:
        return b"run_workflow" in script.read_bytes()
    except OSError:
        return False


def _candidates(model_dir: Path) -> str:
    classes, functions = [], []
    for path in sorted(model_dir.glob("*.py")):
        try:
            tree = python_tree(path)
        except UsageError:
            continue
        classes += [f"{path.stem}:{name}" for name in classes_like_models(tree)]
        functions += [
            f"{path.stem}:{each.name}"
            for each in tree.body
            if isinstance(each, ast.FunctionDef) and each.name.startswith("create_")
        ]
    found = ", ".join(classes + functions)
    return f". Candidates: {found}" if found else ". There is no class of a model either"


def _workflows(script: Path, model_dir: Path) -> Iterator[Workflow]:
    tree = python_tree(script)
    imported = _Imports(tree, script, model_dir)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called_name(node.func) == "run_workflow":
            given = {word.arg: word.value for word in node.keywords}
            arguments = dict(zip(("simulation_name", "model_class", "create_experiments"), node.args, strict=False))
            model = arguments.get("model_class", given.get("model_class"))
            experiments = arguments.get("create_experiments", given.get("create_experiments"))
            if model is None or experiments is None:
                raise UsageError(
                    f"{script.name}:{node.lineno}: run_workflow without a model or its experiments; "
                    f"say what to run with {_OPTIONS}{_candidates(model_dir)}"
                )
            yield Workflow(imported.reference(model, "--model"), imported.reference(experiments, "--experiments"))


def _called_name(function: ast.expr) -> str | None:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


class _Imports:
    """Where the names of a script come from."""

    def __init__(self, tree: ast.Module, script: Path, model_dir: Path):
        self.script, self.model_dir = script, model_dir
        self.names: dict[str, str] = {}
        self.modules: dict[str, str] = {}
        self.stars: list[str] = []
        self.own = {node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                # `from .model import Model`: the model's directory taken as a package
                module = node.module or ""
                for alias in node.names:
                    if alias.name == "*":
                        self.stars.append(module)
                    elif module:
                        self.names[alias.asname or alias.name] = f"{module}:{alias.name}"
                    else:
                        self.modules[alias.asname or alias.name] = alias.name
            elif isinstance(node, ast.Import):
                self.modules |= {alias.asname or alias.name: alias.name for alias in node.names}
        self.guarded = not any(_runs_at_import(node) for node in tree.body)

    def reference(self, node: ast.expr, option: str) -> str:
        """Return ``module:name`` of what an expression names."""
        place = f"{self.script.name}:{node.lineno}"
        if isinstance(node, ast.Attribute) and (module := self.modules.get(ast.unparse(node.value))):
            return f"{module}:{node.attr}"
        if isinstance(node, ast.Name):
            if node.id in self.names:
                return self.names[node.id]
            for module in self.stars:
                if (tree := module_tree(self.model_dir, module)) and node.id in _defined(tree):
                    return f"{module}:{node.id}"
            if node.id in self.own and self.guarded:
                return f"{self.script.stem}:{node.id}"
            if node.id in self.own:
                raise UsageError(
                    f"{place}: {node.id} is defined in {self.script.name}, which runs the model as soon as it is "
                    f"imported: move {node.id} into another file (model.py, experiments.py) and import it from there"
                )
        raise UsageError(
            f"{place}: {ast.unparse(node)} is no name that is imported from a file of the model's directory; "
            f"name it with {option} module:name{_candidates(self.model_dir)}"
        )


def _runs_at_import(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return False
    if isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test):
        return False
    calls = (node for node in ast.walk(statement) if isinstance(node, ast.Call))
    return any(_called_name(call.func) == "run_workflow" for call in calls)


def _defined(tree: ast.Module) -> dict[str, ast.stmt]:
    """Return what a module defines or imports by name at its top level."""
    found: dict[str, ast.stmt] = {}
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            found[node.name] = node
        elif isinstance(node, (ast.If, ast.Try)):
            waiting += [*node.body, *node.orelse]
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: node for alias in node.names}
        elif isinstance(node, ast.Assign):
            found |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
    return found


def _definition(model_dir: Path, reference: str, option: str) -> ast.stmt:
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
    defined = _defined(tree)
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
