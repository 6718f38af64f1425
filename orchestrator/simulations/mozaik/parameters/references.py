"""``ref(...)``: the one place that resolves references, and what is wrong with those that lead nowhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from orchestrator.simulations.base import Finding
from orchestrator.simulations.mozaik.parameters.tree import Name
from orchestrator.simulations.mozaik.parameters.values import ModelExpression, ParameterReference, arithmetic, flatten
from targets.plugins import nearest

# of references to each other: far more than any model has, far fewer than Python can follow
_LONGEST_CHAIN = 100


class Unresolved(KeyError):
    """The tree does not say what is at a name."""


class NoSuchParameter(Unresolved):
    """There is no parameter of the name; its first argument."""


class CircularReference(Unresolved):
    """References lead back to the name."""


class KnownToModelOnly(Unresolved):
    """The name is inside something that only the model can compute."""


def resolved(tree: Mapping[str, Any], path: Name, above: tuple[Name, ...] = ()) -> Any:
    """Return what is at a place of the tree, through references on the way and at the end, as mozaik resolves them.

    Parameters
    ----------
    tree : mapping
        The parameters, as `read_parameter_tree` returns them.
    path : tuple of str
        The names that lead from the root to the value.
    above : tuple of tuple of str
        Places whose references led here.

    Returns
    -------
    object
        A plain value, a group, or a `ModelExpression`, whose own references are not resolved.

    Raises
    ------
    Unresolved
        If the tree does not say it; its subclasses say why.
    """
    name = ".".join(path)
    if path in above or len(above) > _LONGEST_CHAIN:
        raise CircularReference(f"{name} refers to itself")
    value: Any = tree
    for part in path:
        if isinstance(value, ModelExpression):
            raise KnownToModelOnly(name)
        if not isinstance(value, Mapping) or part not in value:
            raise NoSuchParameter(name)
        value = value[part]
        if isinstance(value, ParameterReference):
            value = resolved(tree, tuple(value.name.split(".")), (*above, path))
    return value


def lookup(tree: Mapping[str, Any], name: str) -> Any:
    """Return the value of a parameter that can be overridden: its groups are written out, itself may be a reference.

    Raises
    ------
    KeyError
        If there is no such parameter, or what it refers to is not there.
    """
    path = tuple(name.split("."))
    group: Any = tree
    for part in path[:-1]:
        group = group.get(part) if isinstance(group, Mapping) else None
    if not isinstance(group, Mapping):
        raise NoSuchParameter(name)
    return resolved(tree, path)


def value_at(tree: Mapping[str, Any], path: Name) -> Any:
    """Return the value at a place, through references; None if there is none."""
    try:
        return resolved(tree, path)
    except Unresolved:
        return None


def number_at(tree: Mapping[str, Any], path: Name) -> float | None:
    """Return the number at a place, computed if it is an expression of others; None if there is none."""
    try:
        return _number(tree, path, ())
    except (Unresolved, ArithmeticError):
        return None


def _number(tree: Mapping[str, Any], path: Name, above: tuple[Name, ...]) -> float | None:
    value = resolved(tree, path, above)
    if isinstance(value, ModelExpression):
        return _computed(tree, _parsed(value), (*above, path))
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _computed(tree: Mapping[str, Any], node: ast.expr, above: tuple[Name, ...]) -> float | None:
    """Return what ``ref('sheets.exc.params.density') / 4`` is; None for what only the model can compute."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Call(func=ast.Name(id="ref"), args=[ast.Constant(value=str(name))]):
            return _number(tree, tuple(name.split(".")), above)
        case ast.BinOp(left=left, op=op, right=right):
            one, other = _computed(tree, left, above), _computed(tree, right, above)
            return None if one is None or other is None else arithmetic(op, one, other)
    return None


def _parsed(expression: ModelExpression) -> ast.expr:
    return ast.parse(expression.source, mode="eval").body


def referred(value: object) -> list[str]:
    """Return the names that a leaf refers to."""
    if isinstance(value, ModelExpression):
        return list(references_in(_parsed(value)))
    return [value.name] if isinstance(value, ParameterReference) else []


def references_in(node: ast.expr) -> Iterator[str]:
    """Yield the names in ``ref('name')`` and in sums of such; in lists and distributions mozaik resolves none."""
    match node:
        case ast.Call(func=ast.Name(id="ref"), args=[ast.Constant(value=str(name))]):
            yield name
        case ast.BinOp(left=left, right=right):
            yield from references_in(left)
            yield from references_in(right)
        case ast.UnaryOp(operand=operand):
            yield from references_in(operand)


def reference_problems(tree: Mapping[str, Any], root: Path) -> Iterator[Finding]:
    """Yield every reference that would end each simulation: mozaik resolves all of them before it builds the model.

    Parameters
    ----------
    tree : mapping
        The parameters, as `read_parameter_tree` returns them.
    root : pathlib.Path
        Their root file, which the messages name.
    """
    known = dict(flatten(tree))
    for name, value in known.items():
        for target in referred(value):
            if wrong := _wrong_with(tree, target, known.keys() - {name}):
                yield ("simulation", "parameters_url", name), f"{root}: is taken from {target!r} by ref(...), {wrong}"


def _wrong_with(tree: Mapping[str, Any], target: str, known: Set[str]) -> str:
    try:
        _follow(tree, target, ())
    except NoSuchParameter as missing:
        # what another reference lacks is said of that one
        return f"which the model does not have{nearest(target, known)}" if missing.args[0] == target else ""
    except CircularReference:
        return "which refers back to it: give one of them a value"
    except KnownToModelOnly:
        return ""
    return ""


def _follow(tree: Mapping[str, Any], name: str, above: tuple[Name, ...]) -> None:
    """Resolve a name and all that it is computed from."""
    path = tuple(name.split("."))
    for each in referred(resolved(tree, path, above)):
        _follow(tree, each, (*above, path))
