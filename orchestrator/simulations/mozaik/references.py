"""Whether all references of a parameter tree lead somewhere: mozaik resolves them before it builds the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from orchestrator.simulations.base import Finding
from orchestrator.simulations.mozaik.parameters import Expression, Reference, flatten, referred
from targets.plugins import nearest

# of references to each other
_DEEPEST = 20


class _Missing(Exception):
    """There is no parameter of this name."""


class _Circle(Exception):
    """References lead back to where they are."""


def reference_problems(tree: Mapping[str, Any], root: Path) -> Iterator[Finding]:
    """Yield every reference that would end each simulation before it begins.

    Parameters
    ----------
    tree : mapping
        The parameters.
    root : pathlib.Path
        Their root file, for the message.
    """
    known = dict(flatten(tree))
    for name, value in known.items():
        for target in referred(value):
            if wrong := _wrong_with(tree, target, known.keys() - {name}):
                yield ("simulation", "parameters_url", name), f"{root}: is taken from {target!r} by ref(...), {wrong}"


def _wrong_with(tree: Mapping[str, Any], target: str, known: Set[str]) -> str:
    try:
        _resolved(tree, target)
    except _Missing as missing:
        # what another reference lacks is said of that one
        return f"which the model does not have{nearest(target, known)}" if str(missing) == target else ""
    except _Circle:
        return "which refers back to it: give one of them a value"
    return ""


def _resolved(tree: Mapping[str, Any], name: str, depth: int = 0) -> Any:
    """Return what is at a name, through references; an `Expression` where only the model knows."""
    if depth > _DEEPEST:
        raise _Circle
    value: Any = tree
    for part in name.split("."):
        if isinstance(value, Expression):
            return value
        if not isinstance(value, Mapping) or part not in value:
            raise _Missing(name)
        value = value[part]
        if isinstance(value, Reference):
            value = _resolved(tree, value.name, depth + 1)
    for each in referred(value):
        _resolved(tree, each, depth + 1)
    return value
