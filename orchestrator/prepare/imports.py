"""Finds the modules that a script's names are imported from, as far as its text says."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.simulations.mozaik.modules import candidates, defined_in, module_tree

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.Module | Function
# of a name that is defined in the script itself, and of one that is computed or handed over
_OWN, _UNKNOWN = "", "?"
_SCOPES_OF_THEIR_OWN = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


class Imports:
    """Looks up names of a script.

    Parameters
    ----------
    tree : ast.Module
        The script as a syntax tree.
    script, model_dir : pathlib.Path
        The script's file, and the model's directory.
    guarded : bool
        Whether the script can be imported without running the model.
    """

    def __init__(self, tree: ast.Module, script: Path, model_dir: Path, *, guarded: bool):
        self._tree, self._script, self._model_dir, self._guarded = tree, script, model_dir, guarded
        imports = (node for node in _nodes(tree) if isinstance(node, ast.ImportFrom))
        self._stars = [node.module or "" for node in imports if node.names[0].name == "*"]

    def reference(self, node: ast.expr, option: str) -> str:
        """Return ``module:name`` of what an expression names.

        Parameters
        ----------
        node : ast.expr
            The expression, somewhere in the script.
        option : str
            The option of the command line that names it instead.

        Raises
        ------
        orchestrator.errors.UsageError
            If the text does not decide it.
        """
        place = f"{self._script.name}:{node.lineno}"
        module = ast.unparse(node.value) if isinstance(node, ast.Attribute) else None
        name = module or (node.id if isinstance(node, ast.Name) else "")
        bound = self._bound(name, node)
        found = {origin for _, origin in bound} or self._from_stars(name)
        if len(found) > 1:
            lines = f" in lines {', '.join(str(line) for line, _ in bound)}" if bound else ""
            raise UsageError(
                f"{place}: {name} gets its meaning in more than one way{lines}; say which with {option} module:name"
                f"{candidates(self._model_dir)}"
            )
        origin = next(iter(found), _UNKNOWN)
        if isinstance(node, ast.Attribute) and origin.endswith(":"):
            return f"{origin}{node.attr}"
        if isinstance(node, ast.Name) and origin == _OWN:
            if self._guarded:
                return f"{self._script.stem}:{name}"
            raise UsageError(
                f"{place}: {name} is defined in {self._script.name}, which runs the model as soon as it is "
                f"imported: move {name} into another file (model.py, experiments.py) and import it from there"
            )
        if isinstance(node, ast.Name) and origin != _UNKNOWN and not origin.endswith(":"):
            return origin
        raise UsageError(
            f"{place}: {ast.unparse(node)} is no name that is imported from a file of the model's directory; "
            f"name it with {option} module:name{candidates(self._model_dir)}"
        )

    def _bound(self, name: str, node: ast.expr) -> list[tuple[int, str]]:
        """Return lines and origins of a name, in the innermost function around a node that has it, or in the script."""
        functions = [each for each in ast.walk(self._tree) if isinstance(each, Function) and node in ast.walk(each)]
        scopes: Sequence[Scope] = [*reversed(functions), self._tree]
        for scope in scopes:
            if found := [(line, origin) for line, bound, origin in _bindings(scope) if bound == name]:
                return sorted(found)
        return []

    def _from_stars(self, name: str) -> set[str]:
        """Return where ``from module import *`` may have it from; a module that only imports it itself comes last."""
        trees = {module: module_tree(self._model_dir, module) for module in self._stars}
        there = {module: defined_in(tree)[name] for module, tree in trees.items() if tree and name in defined_in(tree)}
        made = [module for module, node in there.items() if not isinstance(node, ast.ImportFrom)]
        return {f"{module}:{name}" for module in made or list(there)[:1]}


def _nodes(scope: Scope) -> Iterator[ast.AST]:
    """Yield the nodes of a scope without those of the scopes in it."""
    waiting: list[ast.AST] = list(scope.body)
    while waiting:
        node = waiting.pop(0)
        yield node
        constant = isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        if not constant and not isinstance(node, _SCOPES_OF_THEIR_OWN):  # what is None is no model and no experiments
            waiting += ast.iter_child_nodes(node)


def _bindings(scope: Scope) -> Iterator[tuple[int, str, str]]:
    """Yield line, name and origin of all that a scope names: ``module:name``, ``module:``, or none of these."""
    if not isinstance(scope, ast.Module):
        arguments = scope.args
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            yield each.lineno, each.arg, _UNKNOWN
    for node in _nodes(scope):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                # `from .model import Model`: the model's directory taken as a package
                origin = f"{node.module}:{alias.name}" if node.module else f"{alias.name}:"
                yield node.lineno, alias.asname or alias.name, origin
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.asname or alias.name, f"{alias.name}:"
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.lineno, node.name, _OWN
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id, _UNKNOWN
