"""The values of a parameter tree, read without mozaik and without executing anything."""

from __future__ import annotations

import ast
import math
import operator
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.simulations.mozaik.parameters.file import ParameterFile, ParameterFileError
from orchestrator.simulations.mozaik.parameters.tree import ParameterFiles, TreeEntry

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_NAMES = {"pi": math.pi, "true": True, "false": False}


@dataclass(frozen=True)
class ParameterReference:
    """``ref('a.b')``: the value of another parameter, after overrides.

    Parameters
    ----------
    name : str
        Dotted name of the other parameter.
    """

    name: str


@dataclass(frozen=True)
class ModelExpression:
    """A value that only the model can compute, such as a distribution.

    Parameters
    ----------
    source : str
        The Python expression as text.
    """

    source: str


def read_parameter_tree(root: Path, directory: Path) -> dict[str, Any]:
    """Read a root parameter file with all that it refers to by ``url(...)``.

    Parameters
    ----------
    root : pathlib.Path
        The file, relative to `directory`.
    directory : pathlib.Path
        The model's directory, to which urls are relative.

    Returns
    -------
    dict
        Nested; leaves are plain values, `ParameterReference` or `ModelExpression`.

    Raises
    ------
    ParameterFileError
        If a file is missing or is not a parameter file; the message has the place.
    """
    return values_of(ParameterFiles(directory).tree(root))


def values_of(tree: TreeEntry) -> dict[str, Any]:
    """Return the values of a whole tree, as `read_parameter_tree` does.

    Raises
    ------
    ParameterFileError
        If its root is no group, or a value cannot be computed.
    """
    values = _evaluated(tree)
    if not isinstance(values, dict):
        shown = tree.file.shown
        raise ParameterFileError(f"{shown}: expected a parameter set {{...}}, got {type(values).__name__}")
    return values


def _evaluated(entry: TreeEntry) -> Any:
    if entry.inner is not None:
        return _evaluated(entry.inner)
    if entry.group is not None:
        return {name: _evaluated(each) for name, each in entry.group.items()}
    try:
        return _leaf(entry.value, entry.file)
    except (TypeError, RecursionError, MemoryError) as error:
        why = str(error) if isinstance(error, TypeError) else "too deeply nested"
        raise ParameterFileError(f"{entry.file.place(entry.value)}: is not a parameter file: {why}") from error


def _leaf(node: ast.expr, file: ParameterFile) -> Any:
    if isinstance(node, ast.Constant):  # nearly all are
        return _within_floats(node.value, node, file)
    match node:
        case ast.Call(func=ast.Name(id="ref"), args=[ast.Constant(value=str(name))]):
            return ParameterReference(name)
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.BinOp(left=left, op=op, right=right):
            one, other = _leaf(left, file), _leaf(right, file)
            if isinstance(one, (int, float)) and isinstance(other, (int, float)):
                try:
                    result = arithmetic(op, one, other)
                except ArithmeticError as error:
                    raise ParameterFileError(f"{file.place(node)}: {error}") from error
                if result is not None:
                    return _within_floats(result, node, file)
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return ModelExpression(ast.unparse(node))
    return _within_floats(value, node, file)


def _within_floats(value: Any, node: ast.expr, file: ParameterFile) -> Any:
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        raise ParameterFileError(f"{file.place(node)}: expected a number below 1.8e308, got a larger one")
    return value


def arithmetic(op: ast.operator, left: float, right: float) -> float | None:
    """Return the number that an operator makes of two; None if that is not computed here.

    Raises
    ------
    ArithmeticError
        If there is no such number.
    """
    if type(op) not in _OPERATORS:
        return None
    if isinstance(op, ast.Pow) and (abs(left) > 1e6 or abs(right) > 100):
        return None  # would take forever, or all memory
    result = _OPERATORS[type(op)](left, right)
    return result if isinstance(result, (int, float)) else None  # roots of negative numbers are complex


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted name and value of every leaf."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def as_text(value: object) -> str:
    """Return a leaf as text that is the same in every process, which the order of a set is not."""
    match value:
        case set() | frozenset():
            return f"{{{', '.join(sorted(as_text(each) for each in value))}}}"
        case list() | tuple():
            return f"[{', '.join(as_text(each) for each in value)}]"
    return repr(value)
