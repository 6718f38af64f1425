"""The parameter tree of a mozaik model, read without mozaik and without executing it."""

from __future__ import annotations

import ast
import math
import operator
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_NAMES = {"pi": math.pi, "true": True, "false": False}


class ParameterFileError(Exception):
    """A parameter file that cannot be read; the message names file and line."""


@dataclass(frozen=True)
class Reference:
    """``ref('a.b')``: the value of another parameter, after overrides."""

    name: str


@dataclass(frozen=True)
class Expression:
    """A value that only the model can compute, such as a distribution."""

    source: str


def read_parameter_tree(root: Path, directory: Path) -> dict[str, Any]:
    """Read a root parameter file with all that it refers to by ``url(...)``.

    Parameters
    ----------
    root : pathlib.Path
        The file, relative to `directory`.
    directory : pathlib.Path
        The model's directory: the package parameters opens urls relative to the working directory.

    Returns
    -------
    dict
        Nested; leaves are plain values, `Reference` or `Expression`.

    Raises
    ------
    ParameterFileError
        Where a file is missing or is not a parameter set.
    """
    tree = _read(directory / root, directory, ())
    if not isinstance(tree, dict):
        raise ParameterFileError(f"{directory / root}: expected a parameter set {{...}}, got {type(tree).__name__}")
    return tree


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


def referred(value: object) -> list[str]:
    """Return the names that a leaf refers to."""
    if isinstance(value, Expression):
        return list(references(ast.parse(value.source, mode="eval").body))
    return [value.name] if isinstance(value, Reference) else []


def references(node: ast.expr) -> Iterator[str]:
    """Yield the names in ``ref('name')`` and in sums of such; in lists and distributions mozaik resolves none."""
    match node:
        case ast.Call(func=ast.Name(id="ref"), args=[ast.Constant(value=str(name))]):
            yield name
        case ast.BinOp(left=left, right=right):
            yield from references(left)
            yield from references(right)
        case ast.UnaryOp(operand=operand):
            yield from references(operand)


def _read(path: Path, directory: Path, above: tuple[Path, ...]) -> Any:
    if path in above:
        raise ParameterFileError(f"{path}: refers to itself by url(...)")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        by = f" (named by {above[-1]})" if above else ""
        raise ParameterFileError(f"{path}: cannot be read{by}: {getattr(error, 'strerror', error)}") from error
    try:
        node = ast.parse(text.strip(), mode="eval").body
        return _value(node, text, (*above, path), directory)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        why = getattr(error, "msg", None) or error or "too deeply nested"
        raise ParameterFileError(f"{path}{line}: is not a parameter set: {why}") from error


def _value(node: ast.expr, text: str, above: tuple[Path, ...], directory: Path) -> Any:
    match node:
        case ast.Dict():
            keys = [_name(key, value, above[-1]) for key, value in zip(node.keys, node.values, strict=True)]
            return {key: _value(value, text, above, directory) for key, value in zip(keys, node.values, strict=True)}
        case ast.Call(func=ast.Name(id=("url" | "ParameterSet")), args=[ast.Constant(value=str(url))]):
            return _read(directory / url, directory, above)
        case ast.Call(func=ast.Name(id="ParameterSet"), args=[inner]):
            return _value(inner, text, above, directory)
        case ast.Call(func=ast.Name(id="ref"), args=[ast.Constant(value=str(name))]):
            return Reference(name)
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            values = [_value(side, text, above, directory) for side in (left, right)]
            if all(isinstance(value, (int, float)) for value in values) and not _huge_power(op, values):
                try:
                    return _within_floats(_OPERATORS[type(op)](*values), node, above[-1])
                except ArithmeticError as error:
                    raise ParameterFileError(f"{above[-1]}:{node.lineno}: {error}") from error
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return Expression(ast.unparse(node))
    return _within_floats(value, node, above[-1])


def _within_floats(value: Any, node: ast.expr, path: Path) -> Any:
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        raise ParameterFileError(f"{path}:{node.lineno}: expected a number below 1.8e308, got a larger one")
    return value


def _name(key: ast.expr | None, value: ast.expr, path: Path) -> str:
    if key is None:
        merged = ast.unparse(value)
        raise ParameterFileError(
            f"{path}:{value.lineno}: cannot read the merged group **{merged}; expected names and values such as "
            "{'weights': 0.001}. Write what is in it out in its place"
        )
    if not isinstance(key, ast.Constant):
        raise ParameterFileError(f"{path}:{key.lineno}: names of parameters must be text, got {ast.unparse(key)}")
    return str(key.value)


def _huge_power(op: ast.operator, values: list[Any]) -> bool:
    return isinstance(op, ast.Pow) and (abs(values[0]) > 1e6 or abs(values[1]) > 100)


def lookup(tree: Mapping[str, Any], name: str) -> Any:
    """Return the value of a dotted name, following references.

    Raises
    ------
    KeyError
        Where there is no such name.
    """
    for _ in range(20):
        value: Any = tree
        for part in name.split("."):
            if not isinstance(value, Mapping):
                raise KeyError(name)
            value = value[part]
        if not isinstance(value, Reference):
            return value
        name = value.name
    raise KeyError(f"{name} refers to itself")
