"""The predecessor's reduced protocol, the experiments of its run_optimization_experiment.py."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import UsageError
from orchestrator.prepare.workflow import workflow_in
from orchestrator.simulations.mozaik.modules import defined_in, python_tree
from orchestrator.simulations.mozaik.protocol import local_names
from orchestrator.simulations.mozaik.sources.preceding import called_name, only_says, preceding, runs_model
from orchestrator.simulations.mozaik.sources.presented_time import presented_time

SCRIPT = "run_optimization_experiment.py"
# what is written of it, because the script itself runs the model when it is imported
MODULE = "reduced_protocol"
_ASSIGNMENTS = (ast.Assign, ast.AnnAssign)
_COPIED = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, *_ASSIGNMENTS)
# what values are made of that nothing can change afterwards
_UNCHANGEABLE = (ast.Constant, ast.UnaryOp, ast.BinOp, ast.Tuple, ast.operator, ast.unaryop, ast.expr_context)
# in what a value is read and not changed, nor given to anybody who may change it
_READING = (ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.FormattedValue, ast.If, ast.While)


@dataclass(frozen=True)
class ReducedProtocol:
    """What the predecessor presents in an optimisation.

    Parameters
    ----------
    script : pathlib.Path
        The predecessor's script.
    experiments : str
        The function that makes its experiments, as ``module:function``.
    """

    script: Path
    experiments: str

    @property
    def is_in_script(self) -> bool:
        """Whether the function is defined in the script itself."""
        return self.experiments.partition(":")[0] == self.script.stem

    def importable(self, folder: str) -> str:
        """Return the function as simulations can import it, if a module is written into a folder where it has to be."""
        return f"{folder}.{MODULE}:{self.experiments.partition(':')[2]}" if self.is_in_script else self.experiments

    def module(self) -> bytes:
        """Return a module with the function and what it needs of the script, word for word.

        Raises
        ------
        orchestrator.errors.UsageError
            If it needs what the script computes.
        """
        with tokenize.open(self.script) as file:  # in whichever encoding it says it is
            text = file.read()
        needed = _needed(python_tree(self.script), self.experiments.partition(":")[2], self.script.name)
        parts = [f'"""The experiments of {self.script.name}, written by `orchestrator prepare --reduced`."""']
        for node in needed:
            separate = "\n\n" if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else ""
            parts.append(f"{separate}{_source(text, node)}")
        return ("\n".join(parts) + "\n").encode()

    def notes(self, model_dir: Path, instead_of: str, tree: Mapping[str, Any], *, taken: bool) -> Iterator[str]:
        """Yield what it costs, and what the experiments cost that it stands for, in biological time."""
        own, other = (presented_time(model_dir, each, tree) for each in (self.experiments, instead_of))
        if self.experiments == instead_of:
            return
        cost = f"{own} of biological time in each simulation, {instead_of} {other}"
        if taken:
            yield f"the experiments are those of {self.script.name}, the predecessor's reduced protocol: {cost}"
        else:
            how = "prepare with --reduced --force takes it"
            yield f"{self.script.name} is the predecessor's reduced protocol: {cost}; {how}"


def reduced_protocol(model_dir: Path, *, wanted: bool) -> ReducedProtocol | None:
    """Return the predecessor's reduced protocol, None if there is none in a model's directory, or it is not understood.

    Parameters
    ----------
    model_dir : pathlib.Path
        The model's directory.
    wanted : bool
        Whether it is an error if there is none.

    Raises
    ------
    orchestrator.errors.UsageError
        If it is wanted, and not there or not understood.
    """
    script = model_dir / SCRIPT
    try:
        if script.is_file():
            return ReducedProtocol(script, workflow_in(script, model_dir).experiments)
    except UsageError as error:
        if wanted:
            raise UsageError(f"--reduced: {error}") from error
    if wanted:
        raise UsageError(
            f"--reduced: expected the predecessor's {SCRIPT} in {model_dir}, there is none; name the function that "
            "makes the experiments with --experiments module:function"
        )
    return None


def _needed(tree: ast.Module, name: str, script: str) -> list[ast.stmt]:
    """Return the statements of a script that a function of it needs, itself included, in their order."""
    defined = defined_in(tree)
    taken = {id(node) for node in tree.body if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"}
    waiting, seen = [name], set[str]()
    while waiting:
        wanted = waiting.pop()
        if wanted in seen or wanted not in defined:
            continue
        seen.add(wanted)
        for node in tree.body:
            if wanted not in _gives(node):
                continue
            if not isinstance(node, _COPIED) or runs_model(node):
                raise _refused(f"{script}:{node.lineno}", name, f"{wanted}, expected a value, a function or an import")
            taken.add(id(node))
            waiting += _used_by(node)
    needed = [node for node in tree.body if id(node) in taken]
    if changed := next(_changes(tree, needed), None):
        needs = f"{changed.id}, which this line may change, expected a value that stays as it is"
        raise _refused(f"{script}:{changed.lineno}", name, needs)
    return needed


def _refused(where: str, name: str, needs: str) -> UsageError:
    return UsageError(
        f"--reduced: {where}: {name} needs {needs}. Move {name} into a file of its own and name it with --experiments "
        "module:function"
    )


def _used_by(node: ast.AST) -> set[str]:
    """Return the names that a statement uses and does not give a meaning itself, those of a class method by method."""
    if isinstance(node, ast.ClassDef):
        parts: list[ast.AST] = [*node.decorator_list, *node.bases, *node.keywords, *node.body]
        return set().union(*map(_used_by, parts))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    own = set().union(*local_names(node)) if isinstance(node, functions) else set()
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} - own


def _changes(tree: ast.Module, needed: Sequence[ast.stmt]) -> Iterator[ast.Name]:
    """Yield where something that is needed, a list, say, may be changed before the model runs."""
    assigned = [node for node in needed if isinstance(node, _ASSIGNMENTS)]
    changeable = set().union(*(_gives(node) for node in assigned if not _is_unchangeable(node.value)))
    for node in _executed(tree):
        if not (node in assigned or only_says(node)):
            concerned = _used_by(node) & changeable
            yield from (each for each in _more_than_read(node) if each.id in concerned)


def _executed(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield what is executed before the model runs, and the script's functions that are called there."""
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    waiting: list[ast.stmt] = preceding(tree)
    while waiting:
        node = waiting.pop(0)
        yield node
        called = {called_name(each.func) for each in ast.walk(node) if isinstance(each, ast.Call)}
        waiting += [functions.pop(name) for name in sorted(called & functions.keys())]


def _more_than_read(node: ast.stmt) -> Iterator[ast.Name]:
    """Yield each name of a statement of which more is done than to compare or compute with it, or a part of it."""
    parents = {child: parent for parent in ast.walk(node) for child in ast.iter_child_nodes(parent)}
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            whole: ast.AST = each
            while isinstance(around := parents[whole], (ast.Attribute, ast.Subscript)) and around.value is whole:
                whole = around
            if not isinstance(around, _READING):
                yield each


def _is_unchangeable(value: ast.expr | None) -> bool:
    return value is not None and all(isinstance(each, _UNCHANGEABLE) for each in ast.walk(value))


def _gives(node: ast.stmt) -> set[str]:
    """Return the names to which a statement gives a meaning."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    found = defined_in(ast.Module(body=[node], type_ignores=[]))
    return set(found)


def _source(text: str, node: ast.stmt) -> str:
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    return "\n".join(text.split("\n")[first - 1 : node.end_lineno])
