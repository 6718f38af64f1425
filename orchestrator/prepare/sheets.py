"""The sheets of a model, as its parameter tree describes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.simulations.mozaik.folder import Entry
from orchestrator.simulations.mozaik.sheets import RECORDERS, number_at, sheet_place, value_at

_CONDUCTANCE = re.compile(r"gsyn_exc|gsyn_inh|g_ex|g_in|\w+\.gsyn")
# cell models of PyNN and of NEST with conductance-based synapses
_CONDUCTANCE_BASED = re.compile(r"_cond_")


@dataclass(frozen=True)
class Sheet:
    """What is known of a sheet without simulating it.

    Parameters
    ----------
    key : str
        Dotted name of the sheet in the tree, such as ``sheets.l4_cortex_exc``.
    name : str or None
        The sheet's name in recordings and targets; None for the sheets of a retina, which mozaik names.
    cortical : bool
        Whether it has a magnification factor, and with it a grid in micrometres.
    conductances : tuple of str
        Names of the excitatory and the inhibitory synaptic conductance as they are recorded; empty for none.
    width : float or None
        The shorter side in um.
    neurons : int or None
        Their number.
    """

    key: str
    name: str | None
    cortical: bool
    conductances: tuple[str, ...]
    width: float | None
    neurons: int | None

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.name or self.key.rpartition(".")[2]

    @property
    def inhibitory(self) -> bool:
        """Whether its name says that it is inhibitory."""
        return "inh" in f"{self.name} {self.key}".lower()


def recorder_entries(entries: Iterable[Entry]) -> list[Entry]:
    """Return the recorders of the sheets: entries ``<sheet>.params.recorders``, or ``<sheet>.recorders``."""
    return [entry for entry in entries if entry.path[-1] == RECORDERS and len(entry.path) > 1]


def sheet_of(recorders: tuple[str, ...], tree: Mapping[str, Any]) -> Sheet:
    """Return the sheet whose recorders are at a path of the tree."""
    place = recorders[:-1]
    params = value_at(tree, place)
    params = params if isinstance(params, dict) else {}
    sides = [value for value in (number_at(tree, (*place, side)) for side in ("sx", "sy")) if value is not None]
    cortical = "magnification_factor" in params
    name = value_at(tree, (*place, "name"))
    return Sheet(
        key=".".join(sheet_place(place)),
        name=name if isinstance(name, str) else None,
        cortical=cortical,
        conductances=_conductances(tree, place) if cortical else (),
        width=min(sides) if sides else None,
        neurons=_neurons(tree, place) if cortical else None,
    )


def _neurons(tree: Mapping[str, Any], place: tuple[str, ...]) -> int | None:
    sx, sy, density = (number_at(tree, (*place, each)) for each in ("sx", "sy", "density"))
    if sx is None or sy is None or density is None:
        return None
    return int(sx * sy / 1e6 * density)  # density is per square millimetre


def _conductances(tree: Mapping[str, Any], place: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names under which the sheet's conductances can be recorded, as far as that is certain.

    A variable that the cell model doesn't have ends the simulation, so only those that the sheet records already, or
    that its kind of model is known to have.
    """
    recorders = value_at(tree, (*place, RECORDERS))
    recorded: list[str] = []
    for each in recorders if isinstance(recorders, dict) else ():
        variables = value_at(tree, (*place, RECORDERS, each, "variables"))
        recorded += (
            [variables] if isinstance(variables, str) else variables if isinstance(variables, (tuple, list)) else []
        )
    for pair in (("gsyn_exc", "gsyn_inh"), ("g_ex", "g_in")):
        if set(pair) <= set(recorded):
            return pair
    synaptic = sorted({name for name in recorded if isinstance(name, str) and _CONDUCTANCE.fullmatch(name)})
    if synaptic:  # multisynapse models: <receptor>.gsyn
        excitatory = [name for name in synaptic if "exc" in name.lower()]
        inhibitory = [name for name in synaptic if "inh" in name.lower()]
        return (excitatory[0], inhibitory[0]) if len(excitatory) == len(inhibitory) == 1 else ()
    model = value_at(tree, (*place, "cell", "model"))
    if not isinstance(model, str) or not _CONDUCTANCE_BASED.search(model) or "multisynapse" in model:
        return ()
    return ("g_ex", "g_in") if value_at(tree, (*place, "cell", "native_nest")) is True else ("gsyn_exc", "gsyn_inh")
