"""The sheets of a mozaik model and what they record, as its parameter tree describes them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.simulations.mozaik.parameters.references import number_at, value_at
from orchestrator.simulations.mozaik.parameters.tree import Name

RECORDERS = "recorders"
# mozaik's retina makes two sheets of one entry and names them itself
_RETINA = "SpatioTemporalFilterRetinaLGN"
_RETINAL_SHEETS = ("X_ON", "X_OFF")
_CONDUCTANCE = re.compile(r"gsyn_exc|gsyn_inh|g_ex|g_in|\w+\.gsyn")
# cell models of PyNN and of NEST with conductance-based synapses
_CONDUCTANCE_BASED = re.compile(r"_cond_")


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
        Number of neurons that it records, at most; None if that is not known.
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
class SheetDescription:
    """What is known of a sheet without simulating it.

    Parameters
    ----------
    name : str or None
        What recordings and targets call it; None if it has no name, as a retina, whose two sheets mozaik names.
    place : str
        Dotted name of its parameters in the tree, such as ``sheets.exc.params``.
    component : str or None
        Class of the sheet, with its module.
    cortical : bool
        Whether it has a magnification factor, and with it a grid in micrometres.
    width : float or None
        The shorter side in um; None if that is not known.
    neurons : int or None
        Number of its neurons; None if that is not known.
    variables : tuple of str
        Everything that it records, as far as that is known.
    recorders : tuple of Recorder or None
        Its recorders; None if the tree does not say all of them.
    conductances : tuple of str
        Names under which the excitatory and the inhibitory synaptic conductance can be recorded; empty if it has none,
        or if that is not certain.
    interval : float
        Time between two samples of a recorded signal in ms.
    """

    name: str | None
    place: str
    component: str | None
    cortical: bool
    width: float | None
    neurons: int | None
    variables: tuple[str, ...]
    recorders: tuple[Recorder, ...] | None
    conductances: tuple[str, ...]
    interval: float

    @property
    def key(self) -> str:
        """Dotted name of the whole sheet in the tree, such as ``sheets.exc``."""
        return ".".join(_group(tuple(self.place.split("."))))

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.name or self.key.rpartition(".")[2]

    @property
    def inhibitory(self) -> bool:
        """Whether its name says that it is inhibitory."""
        return "inh" in f"{self.name} {self.key}".lower()

    def recorders_of(self, *variables: str) -> tuple[Recorder, ...]:
        """Return the recorders that record any of these variables."""
        return tuple(each for each in self.recorders or () if not set(variables).isdisjoint(each.variables))


def sheets_of(tree: Mapping[str, Any]) -> dict[str, SheetDescription]:
    """Return the sheets by the name that recordings have: ``sheets.<key>.params.name``, and a retina's two."""
    found = {}
    for sheet in sheets_by_place(tree).values():
        retina = sheet.component is not None and sheet.component.endswith(_RETINA)
        for name in _RETINAL_SHEETS if retina else [sheet.name]:
            if name is not None:
                found[name] = dataclasses.replace(sheet, name=name)
    return found


def sheets_by_place(tree: Mapping[str, Any]) -> dict[Name, SheetDescription]:
    """Return the sheets by the place of their parameters: all of the group ``sheets``, and whatever has recorders."""
    group = value_at(tree, ("sheets",))
    usual = [("sheets", str(key), "params") for key in group] if isinstance(group, Mapping) else []
    return {place: _sheet(tree, place) for place in dict.fromkeys([*usual, *_recorded(tree, ())])}


def _recorded(group: Mapping[str, Any], at: Name) -> Iterator[Name]:
    """Yield the places of groups with recorders: old models have their sheets at the root."""
    for name, value in group.items():
        if name == RECORDERS and at:
            yield at
        elif isinstance(value, Mapping):
            yield from _recorded(value, (*at, name))


def _group(params: Name) -> Name:
    """Return the place of the sheet whose parameters are at `params`: ``<sheet>.params``, or the sheet itself."""
    return params[:-1] if params[-1] == "params" and len(params) > 1 else params


def _sheet(tree: Mapping[str, Any], place: Name) -> SheetDescription:
    component, name = value_at(tree, (*_group(place), "component")), value_at(tree, (*place, "name"))
    component = component if isinstance(component, str) else None
    retina = component is not None and component.endswith(_RETINA)
    neurons = _retinal_neurons(tree, place) if retina else _cortical_neurons(tree, place)
    params = value_at(tree, place)
    cortical = isinstance(params, Mapping) and "magnification_factor" in params
    sides = [value for value in (number_at(tree, (*place, side)) for side in ("sx", "sy")) if value is not None]
    variables = _variables(tree, (*place, RECORDERS))
    return SheetDescription(
        name=name if isinstance(name, str) else None,
        place=".".join(place),
        component=component,
        cortical=cortical,
        width=min(sides) if sides else None,
        neurons=neurons,
        variables=variables,
        recorders=_recorders(tree, (*place, RECORDERS), neurons),
        conductances=_conductances(tree, place, variables) if cortical else (),
        interval=number_at(tree, (*place, "recording_interval")) or number_at(tree, ("time_step",)) or 0.1,
    )


def _variables(tree: Mapping[str, Any], recorders: Name) -> tuple[str, ...]:
    """Return what all recorders of a sheet record, without those whose variables the tree does not say."""
    named = value_at(tree, recorders)
    lists = [_variables_of(tree, (*recorders, name)) for name in (named if isinstance(named, Mapping) else ())]
    return tuple(dict.fromkeys(variable for each in lists for variable in each or ()))


def _variables_of(tree: Mapping[str, Any], recorder: Name) -> tuple[str, ...] | None:
    variables = value_at(tree, (*recorder, "variables"))
    if isinstance(variables, str):
        return (variables,)
    return tuple(str(each) for each in variables) if isinstance(variables, (list, tuple)) else None


def _recorders(tree: Mapping[str, Any], place: Name, neurons: int | None) -> tuple[Recorder, ...] | None:
    value = value_at(tree, place)
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        return None
    found = []
    for name in value:
        variables = _variables_of(tree, (*place, name))
        component = value_at(tree, (*place, name, "component"))
        if variables is None or not isinstance(component, str):
            return None
        kind = component.rpartition(".")[2]
        cells = _cells(tree, (*place, name, "params"), kind, neurons)
        found.append(Recorder(str(name), kind, variables, cells))
    return tuple(found)


def _cells(tree: Mapping[str, Any], params: Name, kind: str, neurons: int | None) -> int | None:
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


def _cortical_neurons(tree: Mapping[str, Any], params: Name) -> int | None:
    sx, sy, density = (number_at(tree, (*params, each)) for each in ("sx", "sy", "density"))
    # micrometres, and neurons per square millimetre
    return None if sx is None or sy is None or density is None else int(sx * sy / 1e6 * density)


def _retinal_neurons(tree: Mapping[str, Any], params: Name) -> int | None:
    density, size = number_at(tree, (*params, "density")), value_at(tree, (*params, "size"))
    if density is None or not isinstance(size, (list, tuple)) or len(size) != 2:
        return None
    width, height = size
    if not isinstance(width, (int, float)) or not isinstance(height, (int, float)):
        return None
    # in mozaik 0.1.0 along each axis, later per square degree: the larger one, because the estimate is an upper bound
    return int(max(density**2, width * height * density))


def _conductances(tree: Mapping[str, Any], place: Name, recorded: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names under which a sheet's conductances can be recorded, as far as that is certain.

    A variable that the cell model doesn't have ends the simulation, so only those that the sheet records already, or
    that its kind of model is known to have.
    """
    for pair in (("gsyn_exc", "gsyn_inh"), ("g_ex", "g_in")):
        if set(pair) <= set(recorded):
            return pair
    synaptic = sorted(name for name in recorded if _CONDUCTANCE.fullmatch(name))
    if synaptic:  # multisynapse models: <receptor>.gsyn
        excitatory = [name for name in synaptic if "exc" in name.lower()]
        inhibitory = [name for name in synaptic if "inh" in name.lower()]
        return (excitatory[0], inhibitory[0]) if len(excitatory) == len(inhibitory) == 1 else ()
    model = value_at(tree, (*place, "cell", "model"))
    if not isinstance(model, str) or not _CONDUCTANCE_BASED.search(model) or "multisynapse" in model:
        return ()
    return ("g_ex", "g_in") if value_at(tree, (*place, "cell", "native_nest")) is True else ("gsyn_exc", "gsyn_inh")
