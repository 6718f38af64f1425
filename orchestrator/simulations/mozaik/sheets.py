"""The sheets of a mozaik model and what they record, as its parameter tree describes them."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.simulations.mozaik.parameters import Expression, Reference, lookup

RECORDERS = "recorders"
# mozaik's retina makes two sheets of one entry and names them itself
_RETINA = "SpatioTemporalFilterRetinaLGN"
_RETINAL_SHEETS = ("X_ON", "X_OFF")
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
# of references to each other
_DEEPEST = 20


@dataclass(frozen=True)
class Recorder:
    """One recorder of a sheet.

    Parameters
    ----------
    name : str
        Its key in the tree.
    component : str
        Class that selects the neurons, such as ``RCAll``.
    variables : tuple of str
        What it records, such as ``spikes``.
    cells : int or None
        Of how many neurons, at most; None where that is not known.
    """

    name: str
    component: str
    variables: tuple[str, ...]
    cells: int | None

    @property
    def all_cells(self) -> bool:
        """Whether it records all neurons of its sheet."""
        return self.component == "RCAll"


@dataclass(frozen=True)
class Sheet:
    """One sheet.

    Parameters
    ----------
    name : str
        What recordings and targets call it.
    place : str
        Dotted name of its parameters in the tree.
    neurons : int or None
        Their number; None where that is not known.
    recorders : tuple of Recorder or None
        None where the tree does not say.
    interval : float
        Between two samples of a recorded signal, ms.
    """

    name: str
    place: str
    neurons: int | None
    recorders: tuple[Recorder, ...] | None
    interval: float

    def recorders_of(self, *variables: str) -> tuple[Recorder, ...]:
        """Return the recorders that record any of these variables."""
        return tuple(each for each in self.recorders or () if not set(variables).isdisjoint(each.variables))

    @property
    def variables(self) -> list[str]:
        """Everything it records."""
        return list(dict.fromkeys(name for each in self.recorders or () for name in each.variables))


def sheets_of(tree: Mapping[str, Any]) -> dict[str, Sheet]:
    """Return the sheets by name: ``sheets.<key>.params.name``, whatever else has recorders, and a retina's own."""
    group = value_at(tree, ("sheets",))
    usual = [("sheets", str(key), "params") for key in group] if isinstance(group, Mapping) else []
    places = dict.fromkeys([*usual, *_recorded(tree, ())])
    return {sheet.name: sheet for place in places for sheet in _sheets(tree, place)}


def _recorded(group: Mapping[str, Any], at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the places of groups with recorders: old models have their sheets at the root."""
    for name, value in group.items():
        if name == RECORDERS and at:
            yield at
        elif isinstance(value, Mapping):
            yield from _recorded(value, (*at, name))


def sheet_place(params: tuple[str, ...]) -> tuple[str, ...]:
    """Return the place of the sheet whose parameters are at `params`: ``<sheet>.params``, or the sheet itself."""
    return params[:-1] if params[-1] == "params" and len(params) > 1 else params


def _sheets(tree: Mapping[str, Any], params: tuple[str, ...]) -> Iterator[Sheet]:
    component = value_at(tree, (*sheet_place(params), "component"))
    retina = isinstance(component, str) and component.endswith(_RETINA)
    name = value_at(tree, (*params, "name"))
    interval = number_at(tree, (*params, "recording_interval")) or number_at(tree, ("time_step",)) or 0.1
    neurons = _retinal_neurons(tree, params) if retina else _cortical_neurons(tree, params)
    recorders = _recorders(tree, (*params, RECORDERS), neurons)
    for each in _RETINAL_SHEETS if retina else [name] if isinstance(name, str) else []:
        yield Sheet(each, ".".join(params), neurons, recorders, interval)


def _recorders(tree: Mapping[str, Any], place: tuple[str, ...], neurons: int | None) -> tuple[Recorder, ...] | None:
    value = value_at(tree, place)
    if value is None:
        return ()
    if not isinstance(value, dict):
        return None
    found = []
    for name in value:
        variables = value_at(tree, (*place, name, "variables"))
        named = [variables] if isinstance(variables, str) else variables
        component = value_at(tree, (*place, name, "component"))
        if not isinstance(named, (list, tuple)) or not isinstance(component, str):
            return None
        kind = component.rpartition(".")[2]
        cells = _cells(tree, (*place, name, "params"), kind, neurons)
        found.append(Recorder(str(name), kind, tuple(str(each) for each in named), cells))
    return tuple(found)


def _cells(tree: Mapping[str, Any], params: tuple[str, ...], kind: str, neurons: int | None) -> int | None:
    """Return how many neurons a selector takes, as far as its parameters say."""
    if kind == "RCAll":
        return neurons
    cells: float | None = None
    size, spacing, percentage = (number_at(tree, (*params, each)) for each in ("size", "spacing", "percentage"))
    if kind == "RCGrid" and size and spacing:
        cells = round(size / spacing) ** 2
    elif kind == "RCRandomPercentage" and percentage is not None and neurons is not None:
        cells = percentage / 100 * neurons
    elif kind == "RCRandomN":
        cells = number_at(tree, (*params, "num_of_cells"))
    return None if cells is None else int(min(cells, cells if neurons is None else neurons))


def _cortical_neurons(tree: Mapping[str, Any], params: tuple[str, ...]) -> int | None:
    sx, sy, density = (number_at(tree, (*params, each)) for each in ("sx", "sy", "density"))
    # micrometres, and neurons per square millimetre
    return None if sx is None or sy is None or density is None else int(sx * sy / 1e6 * density)


def _retinal_neurons(tree: Mapping[str, Any], params: tuple[str, ...]) -> int | None:
    density, size = number_at(tree, (*params, "density")), value_at(tree, (*params, "size"))
    if density is None or not isinstance(size, (list, tuple)) or len(size) != 2:
        return None
    width, height = size
    if not isinstance(width, (int, float)) or not isinstance(height, (int, float)):
        return None
    # in mozaik 0.1.0 along each axis, later per square degree: the larger one, for what is made of it is an upper bound
    return int(max(density**2, width * height * density))


def value_at(tree: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return the value at a path, through references on the way; None where there is none."""
    value: Any = tree
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
        if isinstance(value, Reference):
            try:
                value = lookup(tree, value.name)
            except KeyError:
                return None
    return value


def number_at(tree: Mapping[str, Any], path: tuple[str, ...]) -> float | None:
    """Return the number at a path, computed where it is an expression of others; None where there is none."""
    value = value_at(tree, path)
    if isinstance(value, Expression):
        return _computed(tree, ast.parse(value.source, mode="eval").body, depth=0)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _computed(tree: Mapping[str, Any], node: ast.expr, depth: int) -> float | None:
    """Return what ``ref('sheets.exc.params.density') / 4`` is; None for what only the model can compute."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Call(func=ast.Name(id="ref"), args=[ast.Constant(value=str(name))]) if depth < _DEEPEST:
            value = value_at(tree, tuple(name.split(".")))
            if isinstance(value, Expression):
                return _computed(tree, ast.parse(value.source, mode="eval").body, depth + 1)
            return float(value) if isinstance(value, (int, float)) else None
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            one, other = _computed(tree, left, depth), _computed(tree, right, depth)
            if one is None or other is None or (isinstance(op, ast.Div) and other == 0):
                return None
            return _OPERATORS[type(op)](one, other)
    return None
